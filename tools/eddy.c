/* SPDX-License-Identifier: MIT
 * eddy.c - the `eddy` command: finds the subcommand that is meant and hands over.
 *
 * A subcommand is a line of the table below and a file of its own. Read next: fetch.c. */
#include <eddy.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

struct subcommand {
    const char *name;
    const char *full_name; /* its argv[0]: getopt and messages show it */
    const char *summary;
    int (*run)(int argc, char *argv[]);
};

static const struct subcommand subcommands[] = {
    {"fetch", "eddy fetch", "fetch many URLs at once", fetch_command},
};
enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

/* --- the nearest name, for who mistyped --- */

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* Levenshtein's distance; a name longer than the row is far from everything. */
static int distance(const char *a, const char *b) {
    enum { ROW = 32 };
    int row[ROW + 1], b_size = (int)strlen(b);
    if (b_size > ROW)
        return b_size;

    for (int j = 0; j <= b_size; j++)
        row[j] = j;
    for (int i = 1; *a; a++, i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= b_size; j++) {
            int replaced = diagonal + (*a != b[j - 1]);
            diagonal = row[j];
            row[j] = smaller(replaced, smaller(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_size];
}

static const char *nearest(const char *name) {
    const char *best = NULL;
    int best_distance = 3; /* further than two slips is a guess */
    for (int i = 0; i < SUBCOMMANDS; i++) {
        int d = distance(subcommands[i].name, name);
        if (d < best_distance) {
            best = subcommands[i].name;
            best_distance = d;
        }
    }
    return best;
}

/* --- what it says about itself --- */

static int help(FILE *stream) {
    fputs("Usage: eddy COMMAND [OPTION...]\n"
          "The command of eddy: asyncio, in C.\n"
          "\nCommands\n",
          stream);
    for (int i = 0; i < SUBCOMMANDS; i++)
        fprintf(stream, "  %-10s %s\n", subcommands[i].name, subcommands[i].summary);
    fputs("\nOptions\n"
          "  -h, --help     this text; \"eddy COMMAND --help\" for a command's own\n"
          "  -V, --version  the version\n",
          stream);
    return stream == stdout ? EXIT_GOOD : EXIT_USAGE;
}

static int unknown(const char *name) {
    const char *meant = nearest(name);
    fprintf(stderr, "eddy: there is no %s '%s'.", *name == '-' ? "option" : "command", name);
    if (meant)
        fprintf(stderr, " Did you mean '%s'?", meant);
    fputs(" \"eddy --help\" lists what there is.\n", stderr);
    return EXIT_USAGE;
}

int main(int argc, char *argv[]) {
    setlocale(LC_CTYPE, ""); /* which characters the terminal shows; numbers stay as they are */
    if (argc < 2)
        return help(stderr);

    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return help(stdout);
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        return printf("eddy %s\n", eddy_version()) < 0;

    for (int i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(name, subcommands[i].name) != 0)
            continue;
        argv[1] = (char *)subcommands[i].full_name;
        return subcommands[i].run(argc - 1, argv + 1);
    }
    return unknown(name);
}
