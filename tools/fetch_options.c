/* SPDX-License-Identifier: MIT
 * fetch_options.c - the command line of `eddy fetch`, and its help.
 *
 * A wrong value is named with its option and what would be right, and nothing is fetched. */
#include "fetch_options.h"

#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "format.h"

static const char help_text[] =
    "Usage: eddy fetch [OPTION...] URL...\n"
    "Fetches many URLs at once, over HTTP and HTTPS (HTTP where a URL does not say).\n"
    "\n"
    "What to fetch\n"
    "  -i, --input FILE        more URLs from FILE, one a line (\"-\": standard input);\n"
    "                          blank lines and those that begin with # are skipped\n"
    "  -H, --header 'N: V'     send this header with every request (may be repeated)\n"
    "  -I, --head              ask for the headers only\n"
    "\n"
    "Where it goes (unless told, bodies are read, counted and dropped)\n"
    "  -o, --output DIR        into DIR, a file for each page, named after its URL;\n"
    "                          half a page never has that name, only NAME.part\n"
    "  -O, --stdout            to standard output, each body whole, as they complete\n"
    "      --json              a line for each URL on standard output, as they complete:\n"
    "                          {\"url\", \"status\", \"bytes\", \"seconds\", \"error\"}\n"
    "      --max-bytes SIZE    a longer body is an error (500k, 20M, 2G; none)\n"
    "\n"
    "How\n"
    "  -c, --concurrency N     at most N at once (100)\n"
    "  -t, --timeout SECONDS   for each attempt (30; 0: no limit)\n"
    "  -r, --retries N         try again up to N times after a connection refused or lost,\n"
    "                          a time-out, an unknown host, or a status of 408, 429, 500,\n"
    "                          502, 503 or 504 (2). The pause doubles from half a second;\n"
    "                          Retry-After is honoured up to a minute, beyond it the\n"
    "                          answer stands\n"
    "      --max-redirects N   follow at most N (20; 0: none)\n"
    "  -k, --insecure          accept any certificate\n"
    "      --cacert FILE       trust the certificates in FILE, not the system's\n"
    "\n"
    "What you see\n"
    "  -q, --quiet             nothing but the exit status, and what stops the run\n"
    "      --no-progress       no moving picture (there is none where standard error is\n"
    "                          no terminal)\n"
    "  -h, --help              this text\n"
    "\n"
    "Exit status: 0 all fetched, 1 some failed (no answer, or a status of 400 or above),\n"
    "2 wrong usage or an unreadable list, 130 after Ctrl-C.\n"
    "\n"
    "Environment: http_proxy, https_proxy, no_proxy; NO_COLOR; COLUMNS.\n"
    "\n"
    "Examples\n"
    "  eddy fetch https://example.org/ https://example.com/\n"
    "  eddy fetch -c 500 -o pages -i urls.txt\n"
    "  grep -o 'https://[^ ]*' notes.txt | eddy fetch -I --json -i - | grep -v '\"error\":null'\n";

enum { JSON = 256, MAX_BYTES, MAX_REDIRECTS, CACERT, NO_PROGRESS };

static const struct option long_options[] = {
    {"input", required_argument, NULL, 'i'},
    {"header", required_argument, NULL, 'H'},
    {"head", no_argument, NULL, 'I'},
    {"output", required_argument, NULL, 'o'},
    {"stdout", no_argument, NULL, 'O'},
    {"json", no_argument, NULL, JSON},
    {"max-bytes", required_argument, NULL, MAX_BYTES},
    {"concurrency", required_argument, NULL, 'c'},
    {"timeout", required_argument, NULL, 't'},
    {"retries", required_argument, NULL, 'r'},
    {"max-redirects", required_argument, NULL, MAX_REDIRECTS},
    {"insecure", no_argument, NULL, 'k'},
    {"cacert", required_argument, NULL, CACERT},
    {"quiet", no_argument, NULL, 'q'},
    {"no-progress", no_argument, NULL, NO_PROGRESS},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

__attribute__((format(printf, 1, 2))) static int wrong(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("eddy fetch: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\n\"eddy fetch --help\" explains the options.\n", stderr);
    va_end(arguments);
    return EXIT_USAGE;
}

/* --- values. Each returns -1, or the exit status after its complaint. --- */

static int take_whole(const char *option, const char *text, int least, int most, int *out) {
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || value < least || value > most)
        return wrong("%s: a whole number from %d to %d is wanted, not '%s'", option, least, most,
                     text);
    *out = (int)value;
    return -1;
}

static int take_seconds(const char *option, const char *text, double *out) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0))
        return wrong("%s: a number of seconds is wanted, not '%s'", option, text);
    *out = value > 0 ? value : INFINITY;
    return -1;
}

static int take_bytes(const char *option, const char *text, int64_t *out) {
    if (format_parse_bytes(text, out) < 0)
        return wrong("%s: a size such as 500k, 20M or 2G is wanted, not '%s'", option, text);
    return -1;
}

static int take_one_more(const char *option, const char *text, const char *list[], int most) {
    int count = 0;
    while (list[count])
        count++;
    if (count == most)
        return wrong("%s: at most %d of them", option, most);
    list[count] = text;
    return -1;
}

static int take_header(const char *text, const char *list[]) {
    const char *colon = strchr(text, ':');
    if (!colon || colon == text || strpbrk(text, "\r\n"))
        return wrong("--header: 'Name: value' is wanted, not '%s'", text);
    return take_one_more("--header", text, list, FETCH_HEADERS_MAX);
}

static int take(struct fetch_options *o, int option, const char *value) {
    switch (option) {
    case 'i':
        return take_one_more("--input", value, o->inputs, FETCH_INPUTS_MAX);
    case 'H':
        return take_header(value, o->headers);
    case 'o':
        o->directory = value;
        return *value ? -1 : wrong("--output: the name of a directory is wanted");
    case MAX_BYTES:
        return take_bytes("--max-bytes", value, &o->body_bytes_max);
    case 'c':
        return take_whole("--concurrency", value, 1, 100000, &o->concurrency);
    case 't':
        return take_seconds("--timeout", value, &o->timeout_seconds);
    case 'r':
        return take_whole("--retries", value, 0, 1000, &o->retries);
    case MAX_REDIRECTS:
        return take_whole("--max-redirects", value, 0, 1000, &o->redirects_max);
    case CACERT:
        o->ca_file = value;
        return -1;
    case 'I':
        o->head = true;
        return -1;
    case 'O':
        o->to_stdout = true;
        return -1;
    case JSON:
        o->json = true;
        return -1;
    case 'k':
        o->insecure = true;
        return -1;
    case 'q':
        o->quiet = true;
        return -1;
    case NO_PROGRESS:
        o->no_progress = true;
        return -1;
    case 'h':
        return fputs(help_text, stdout) < 0 ? EXIT_FAILED : EXIT_GOOD;
    default: /* getopt has said what is wrong */
        fputs("\"eddy fetch --help\" explains the options.\n", stderr);
        return EXIT_USAGE;
    }
}

static int check(const struct fetch_options *o) {
    if (!o->urls[0] && !o->inputs[0])
        return wrong("which URL?");
    if (o->to_stdout && o->directory)
        return wrong("--stdout and --output exclude each other");
    if (o->to_stdout && o->json)
        return wrong("--stdout and --json both want standard output");
    return -1;
}

int fetch_options_parse(struct fetch_options *out, int argc, char *argv[]) {
    *out = (struct fetch_options){.concurrency = 100,
                                  .retries = 2,
                                  .redirects_max = 20,
                                  .timeout_seconds = 30,
                                  .body_bytes_max = INT64_MAX};
    int option;
    while ((option = getopt_long(argc, argv, "i:H:Io:Oc:t:r:kqh", long_options, NULL)) != -1) {
        int status = take(out, option, optarg);
        if (status >= 0)
            return status;
    }
    out->urls = argv + optind;
    return check(out);
}
