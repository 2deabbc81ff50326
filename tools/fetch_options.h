/* SPDX-License-Identifier: MIT
 * fetch_options.h - the command line of `eddy fetch`. */
#ifndef TOOLS_FETCH_OPTIONS_H
#define TOOLS_FETCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum { FETCH_INPUTS_MAX = 64, FETCH_HEADERS_MAX = 100 };

/* Strings are borrowed from argv. */
struct fetch_options {
    char **urls; /* ends with NULL */
    const char *inputs[FETCH_INPUTS_MAX + 1];
    const char *headers[FETCH_HEADERS_MAX + 1];
    const char *directory; /* --output, or NULL */
    const char *ca_file;
    int concurrency;
    int retries;
    int redirects_max;
    double timeout_seconds; /* of an attempt; INFINITY: none */
    int64_t body_bytes_max; /* INT64_MAX: any */
    bool to_stdout, head, insecure, json, quiet, no_progress;
};

/* Fills *out. Returns -1 to go on; else the exit status, and what there is to say has been said. */
int fetch_options_parse(struct fetch_options *out, int argc, char *argv[]);

#endif
