/* SPDX-License-Identifier: MIT
 * fetch_sink.h - where bodies go: nowhere, into a directory, or to standard output.
 *
 * Every call below raises its failure with a sentence that names the file (eddy_last_error). */
#ifndef TOOLS_FETCH_SINK_H
#define TOOLS_FETCH_SINK_H

#include <limits.h>
#include <pthread.h>
#include <stddef.h>

#include "fetch_options.h"

/* Bodies are written in blocks of this size, and a last one that is smaller. */
enum { FETCH_BLOCK_BYTES = 64 * 1024 };

enum fetch_destination { FETCH_DROP, FETCH_TO_DIRECTORY, FETCH_TO_STDOUT };

struct fetch_sink {
    enum fetch_destination destination;
    const char *directory; /* borrowed; as the user calls it */
    int directory_fd;      /* -1 unless FETCH_TO_DIRECTORY */
    pthread_mutex_t turn;  /* one body at a time goes to standard output */
};

/* Makes the directory where it is missing. Returns 0 or a negative code. */
int fetch_sink_open(struct fetch_sink *sink, const struct fetch_options *options);
void fetch_sink_close(struct fetch_sink *sink);

/* One body on its way. OPEN -commit-> gone to its place, -discard-> no trace of it. */
struct fetch_body {
    struct fetch_sink *sink;
    const char *name; /* borrowed; NULL unless FETCH_TO_DIRECTORY */
    int fd;           /* -1: not open */
    char part[NAME_MAX + 1];
};

/* Returns 0 or a negative code. Does not suspend. */
int fetch_body_open(struct fetch_body *body, struct fetch_sink *sink, const char *name);

/* Suspends for a full block, which goes through the thread pool. */
int fetch_body_write(struct fetch_body *body, const void *data, size_t size);

/* Gives the finished body its name, or to standard output. Suspends. Returns 0, -ECANCELED, or
 * another negative code. */
int fetch_body_commit(struct fetch_body *body);

/* Does nothing after a commit. */
void fetch_body_discard(struct fetch_body *body);

#endif
