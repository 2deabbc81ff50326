/* SPDX-License-Identifier: MIT
 * fetch_list.c - the URLs of a run: arguments, files, standard input.
 *
 * The whole list is read before the first page is fetched: then the progress knows how many there
 * are, and a file's name depends on the list alone, not on which page came first. */
#include "fetch_list.h"

#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "fetch_name.h"

enum { URL_BYTES_MAX = 64 * 1024 };

static int complain(const char *file, long line, const char *what) {
    fprintf(stderr, "eddy fetch: %s", strcmp(file, "-") == 0 ? "standard input" : file);
    if (line > 0)
        fprintf(stderr, ", line %ld", line);
    fprintf(stderr, ": %s\n", what);
    return -EINVAL;
}

static int no_memory(void) {
    fputs("eddy fetch: no memory for the list of URLs\n", stderr);
    return -ENOMEM;
}

/* A URL as people type it: without a scheme it means http. NULL: no memory. */
static char *url_of(const char *text) {
    char *url;

    if (strstr(text, "://"))
        return strdup(text);
    return asprintf(&url, "http://%s", text) < 0 ? NULL : url;
}

/* takes url, which may be NULL */
static int add(struct fetch *fetch, struct fetch_names *names, char *url) {
    if (url && (fetch->count & (fetch->count - 1)) == 0) { /* full at each power of two */
        size_t room = fetch->count ? fetch->count * 2 : 1;
        struct fetch_job *grown = reallocarray(fetch->jobs, room, sizeof *grown);
        if (!grown) {
            free(url);
            return no_memory();
        }
        fetch->jobs = grown;
    }
    if (!url)
        return no_memory();

    struct fetch_job *job = &fetch->jobs[fetch->count++];
    *job = (struct fetch_job){.url = url, .bytes_expected = -1};
    if (!fetch->options->directory)
        return 0;

    job->name = fetch_names_new(names, url);
    return job->name ? 0 : no_memory();
}

/* Cuts the blanks at both ends off. */
static char *trimmed(char *line) {
    static const char blanks[] = " \t\r\n\v\f";
    line += strspn(line, blanks);
    size_t size = strlen(line);
    while (size > 0 && strchr(blanks, line[size - 1]))
        size--;
    line[size] = '\0';
    return line;
}

static int read_file(struct fetch *fetch, struct fetch_names *names, const char *name) {
    CLEANUP(close_filep) FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    if (!file)
        return complain(name, 0, strerror(errno));

    CLEANUP(freep) char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    for (long number = 1; (size = getline(&line, &capacity, file)) >= 0; number++) {
        if (memchr(line, '\0', size) || size > URL_BYTES_MAX)
            return complain(name, number, "this is no URL: too long, or a NUL byte in it");

        const char *url = trimmed(line);
        if (*url == '\0' || *url == '#')
            continue;
        int r = add(fetch, names, url_of(url));
        if (r < 0)
            return r;
    }
    return ferror(file) ? complain(name, 0, strerror(errno)) : 0;
}

int fetch_list_read(struct fetch *fetch) {
    CLEANUP(fetch_names_deinit) struct fetch_names names = {0};
    int r = 0;
    for (char **url = fetch->options->urls; *url && r >= 0; url++)
        r = add(fetch, &names, url_of(*url));
    for (const char *const *input = fetch->options->inputs; *input && r >= 0; input++)
        r = read_file(fetch, &names, *input);
    return r;
}

void fetch_list_free(struct fetch *fetch) {
    for (size_t i = 0; i < fetch->count; i++) {
        free(fetch->jobs[i].url);
        free(fetch->jobs[i].name);
        free(fetch->jobs[i].error);
    }
    free(fetch->jobs);
    fetch->jobs = NULL;
    fetch->count = 0;
}
