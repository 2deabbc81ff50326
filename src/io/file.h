/* SPDX-License-Identifier: MIT
 * file.h - an open file from the inside, and the questions that are asked of disks.
 *
 * References to a file are its owner's, and one for each call and each question under way; the last
 * one closes the descriptor. Read next: file_wait.h. */
#ifndef EDDY__FILE_H
#define EDDY__FILE_H

#include <stdatomic.h>

#include <eddy/file.h>

#include "buffer.h"
#include "file_wait.h"

/* A call does so much, then the others run; a question brings no more. */
#define FILE_STEP_BYTES (1u << 20)

struct eddy_file {
    struct eddy__file_job closing; /* first: the file is that job's record */
    atomic_int refs;
    atomic_int sync_error; /* of a sync that was left behind; 0: none */
    int fd;                /* -1: closed */
    int flags;             /* of open(2) */
    mode_t type;
    bool is_local;              /* eddy__os_fstat_now() */
    bool reads_now, writes_now; /* worth asking what is in memory */
    bool is_positioning;        /* a call uses the position */
    off_t position;
    size_t written;
    bool lines_are_old;        /* the file was written to since */
    struct eddy__buffer lines; /* read ahead, from the position on; of who uses the position */
    char name[];               /* for sentences: "path", in quotes, or descriptor 7 */
};

/* --- file.c ------------------------------------------------------------------------------------
 */

/* Opens what is there, in a call that has begun. Suspends. Returns the descriptor, or a code
 * without a sentence. */
int eddy__file_open_fd(struct eddy__task *task, const char *path, int flags);

static inline eddy_file *eddy__file_ref(eddy_file *file) {
    atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
    return file;
}
void eddy__file_unref(eddy_file *file); /* any thread; NULL is nothing */

/* The start of a call on a file: a checkpoint, and a reference until the end. positions: it uses
 * the position, alone. Returns 0, -ECANCELED, -EBUSY ... with a sentence. */
int eddy__file_begin(eddy_file *file, bool positions, struct eddy__task **task);
void eddy__file_end(eddy_file *file, bool positions);

/* The same, if the loop is closed over the call. */
struct eddy__file_drop eddy__file_ends(eddy_file *file, bool positions);

/* The position is there from now on, and what was read ahead is dropped. For who uses the position:
 * another may be reading lines. */
static inline void eddy__file_move(eddy_file *file, off_t position) {
    file->position = position;
    file->lines.start = file->lines.end = 0;
    file->lines_are_old = false;
}

/* The sentence of a failure: cannot read "x": Input/output error. Returns the code. A cancel has
 * its own. */
ssize_t eddy__file_fail(ssize_t code, const char *what, const char *name);
int eddy__path_fail(ssize_t code, const char *what, const char *path);

/* --- file_query.c ------------------------------------------------------------------------------
 */

/* A question to the disk, with all that its thread touches: it may be left behind. */
struct eddy__file_query {
    struct eddy__file_job job;                      /* first */
    ssize_t (*ask)(struct eddy__file_query *query); /* in the pool's thread: the result */
    eddy_file *file;                                /* a reference, or NULL */
    int fd;                                         /* that it has opened; -1: none */
    int flags;
    off_t offset;
    struct stat status;
    size_t size;  /* of memory */
    char *memory; /* its own, or NULL */
    char path[];
};

/* file, path: NULL where there is none. NULL: no memory, and the last error says so. */
struct eddy__file_query *eddy__file_query_new(ssize_t (*ask)(struct eddy__file_query *query),
                                              eddy_file *file, const char *path);
void eddy__file_query_free(struct eddy__file_query *query);

static inline void eddy__file_queryp_free(struct eddy__file_query **query) {
    if (*query)
        eddy__file_query_free(*query);
}

/* eddy__file_ask(): *query is NULL when it was left behind. Suspends. */
ssize_t eddy__file_query_ask(struct eddy__task *task, struct eddy__file_query **query,
                             struct eddy__file_drop drop);

/* --- file_parts.c ------------------------------------------------------------------------------
 */

/* What is left of a list of buffers. */
struct eddy__file_parts {
    const struct iovec *first;
    int count;
    size_t skip; /* of the first */
    size_t left; /* bytes in all */
};

#define FILE_PARTS_MAX 16 /* in one call of the kernel */

/* Returns 0, or -EINVAL: a negative count, or more than SSIZE_MAX bytes. */
int eddy__file_parts_init(struct eddy__file_parts *parts, const struct iovec *first, int count);

/* The next bytes as a list for the kernel: at most limit_bytes. Returns how many entries. */
int eddy__file_parts_next(const struct eddy__file_parts *parts, size_t limit_bytes,
                          struct iovec next[FILE_PARTS_MAX]);

void eddy__file_parts_advance(struct eddy__file_parts *parts, size_t bytes);

/* Copies into the buffers, and advances. */
void eddy__file_parts_fill(struct eddy__file_parts *parts, const char *bytes, size_t size);

/* --- file_read.c -------------------------------------------------------------------------------
 */

/* Fills the parts from an offset, in a call that has begun. Suspends. */
ssize_t eddy__file_read_at(eddy_file *file, struct eddy__task *task, struct eddy__file_parts *parts,
                           off_t offset, struct eddy__file_drop drop);

#endif
