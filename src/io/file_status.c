/* SPDX-License-Identifier: MIT
 * file_status.c - the rest of an open file: its size, its position, what has reached the disk. */
#include <errno.h>

#include "file.h"
#include "os_file.h"
#include "scheduler.h"
#include "util.h"

/* Asks a question about a file. Suspends. *query is the caller's, or NULL when it was left behind.
 */
static ssize_t file_ask(eddy_file *file, struct eddy__task *task, struct eddy__file_query **query,
                        bool positions) {
    return eddy__file_query_ask(task, query, eddy__file_ends(file, positions));
}

/* --- what is on the disk -----------------------------------------------------------------------
 */

/* The kernel tells of a failed write once: what nobody has heard is kept for the next. */
static void sync_free(struct eddy__file_job *job) {
    struct eddy__file_query *query = container_of(job, struct eddy__file_query, job);

    if (query->job.result < 0)
        atomic_store(&query->file->sync_error, (int)query->job.result);
    eddy__file_query_free(query);
}

static ssize_t query_sync(struct eddy__file_query *query) {
    return query->flags ? eddy__os_fdatasync(query->file->fd) : eddy__os_fsync(query->file->fd);
}

/* Suspends. */
static ssize_t sync_ask(eddy_file *file, struct eddy__task *task, bool data_only) {
    CLEANUP(eddy__file_queryp_free)
    struct eddy__file_query *query = eddy__file_query_new(query_sync, file, NULL);
    ssize_t r;

    if (!query)
        return -ENOMEM;
    query->flags = data_only;
    query->job.free = sync_free;
    r = file_ask(file, task, &query, false);
    if (query)
        query->job.result = 0; /* it is told now */
    return r < 0 ? r : atomic_exchange(&file->sync_error, 0);
}

static int file_sync(eddy_file *file, bool data_only) {
    struct eddy__task *task;
    int r = eddy__file_begin(file, false, &task);

    if (r < 0)
        return r;
    r = (int)eddy__file_fail(sync_ask(file, task, data_only), "sync", file->name);
    eddy__file_end(file, false);
    return r;
}

int eddy_file_fsync(eddy_file *file) {
    return file_sync(file, false);
}

int eddy_file_fdatasync(eddy_file *file) {
    return file_sync(file, true);
}

/* --- its size ----------------------------------------------------------------------------------
 */

struct truncation {
    int fd;
    off_t size;
};

static ssize_t truncate_file(void *arg) {
    const struct truncation *truncation = arg;

    return eddy__os_ftruncate(truncation->fd, truncation->size);
}

int eddy_file_truncate(eddy_file *file, off_t size) {
    struct truncation truncation = {file->fd, size};
    struct eddy__task *task;
    int r = eddy__file_begin(file, false, &task);

    if (r < 0)
        return r;
    r = (int)eddy__file_change(task, truncate_file, &truncation, false,
                               eddy__file_ends(file, false));
    file->lines_are_old |= r == 0;
    r = (int)eddy__file_fail(r, "truncate", file->name);
    eddy__file_end(file, false);
    return r;
}

static ssize_t query_stat(struct eddy__file_query *query) {
    return eddy__os_fstat(query->file->fd, &query->status);
}

/* Suspends, in a call that has begun. */
static ssize_t file_stat(eddy_file *file, struct eddy__task *task, bool positions,
                         struct stat *out) {
    CLEANUP(eddy__file_queryp_free) struct eddy__file_query *query = NULL;
    ssize_t r;

    if (file->is_local && !eddy__os_disk_is_cold)
        return eddy__os_fstat(file->fd, out);
    query = eddy__file_query_new(query_stat, file, NULL);
    if (!query)
        return -ENOMEM;
    r = file_ask(file, task, &query, positions);
    if (r == 0)
        *out = query->status;
    return r;
}

int eddy_file_stat(eddy_file *file, struct stat *out) {
    struct eddy__task *task;
    int r = eddy__file_begin(file, false, &task);

    if (r < 0)
        return r;
    r = (int)eddy__file_fail(file_stat(file, task, false, out), "stat", file->name);
    eddy__file_end(file, false);
    if (r == 0)
        eddy__task_charge(task);
    return r;
}

/* --- its position ------------------------------------------------------------------------------
 */

static ssize_t query_seek(struct eddy__file_query *query) {
    return eddy__os_lseek(query->file->fd, query->offset, query->flags);
}

/* The descriptor's own position moves, which nothing depends on. Suspends. */
static ssize_t seek_asked(eddy_file *file, struct eddy__task *task, off_t offset, int whence) {
    CLEANUP(eddy__file_queryp_free)
    struct eddy__file_query *query = eddy__file_query_new(query_seek, file, NULL);

    if (!query)
        return -ENOMEM;
    query->offset = offset;
    query->flags = whence;
    return file_ask(file, task, &query, true);
}

static ssize_t seek_from(off_t start, off_t offset) {
    off_t position;

    if (__builtin_add_overflow(start, offset, &position))
        return -EOVERFLOW;
    return position < 0 ? -EINVAL : position;
}

/* Suspends. The new position. */
static ssize_t seek_find(eddy_file *file, struct eddy__task *task, off_t offset, int whence) {
    struct stat status;
    ssize_t r;

    switch (whence) {
    case SEEK_SET:
        return seek_from(0, offset);
    case SEEK_CUR:
        return seek_from(file->position, offset);
    case SEEK_END:
        if (file->type != S_IFREG)
            return seek_asked(file, task, offset, whence);
        r = file_stat(file, task, true, &status);
        return r < 0 ? r : seek_from(status.st_size, offset);
    default:
        return seek_asked(file, task, offset, whence);
    }
}

off_t eddy_file_seek(eddy_file *file, off_t offset, int whence) {
    struct eddy__task *task;
    ssize_t r = eddy__file_begin(file, true, &task);

    if (r < 0)
        return r;
    r = eddy__file_fail(seek_find(file, task, offset, whence), "seek in", file->name);
    if (r >= 0)
        eddy__file_move(file, r);
    eddy__file_end(file, true);
    return r;
}
