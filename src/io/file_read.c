/* SPDX-License-Identifier: MIT
 * file_read.c - reading: what is in memory straight into the caller's buffers, the rest by a
 * thread.
 *
 * Measured: preadv2 with RWF_NOWAIT costs 1.1 of a pread; a ring costs 1.4, and in batches of 32 no
 * less than preadv2 (docs/internals/files.md). A thread reads into memory of its own, which is
 * copied when it is back: so a cancel need not wait for the disk. */
#include <errno.h>
#include <string.h>

#include "file.h"
#include "memory.h"
#include "os_file.h"
#include "scheduler.h"
#include "util.h"

#define DIRECT_ALIGNMENT 4096 /* of memory and sizes with O_DIRECT: enough for any disk */

/* --- one step ----------------------------------------------------------------------------------
 */

/* -EAGAIN: not in memory. */
static ssize_t read_now(eddy_file *file, const struct eddy__file_parts *parts, off_t offset) {
    struct iovec next[FILE_PARTS_MAX];
    int count;
    ssize_t r;

    if (!file->reads_now)
        return -EAGAIN;
    count = eddy__file_parts_next(parts, FILE_STEP_BYTES, next);
    r = eddy__os_preadv_now(file->fd, next, count, offset);
    if (unlikely(r == -EOPNOTSUPP)) {
        file->reads_now = false;
        return -EAGAIN;
    }
    return r;
}

static char *aligned(char *memory) {
    return (char *)(((uintptr_t)memory + DIRECT_ALIGNMENT - 1) &
                    ~(uintptr_t)(DIRECT_ALIGNMENT - 1));
}

static ssize_t query_read(struct eddy__file_query *query) {
    struct iovec part = {aligned(query->memory), query->size};

    return eddy__os_preadv(query->file->fd, &part, 1, query->offset);
}

/* Suspends. The bytes are in the parts. */
static ssize_t read_asked(eddy_file *file, struct eddy__task *task, struct eddy__file_parts *parts,
                          off_t offset, struct eddy__file_drop drop) {
    CLEANUP(eddy__file_queryp_free)
    struct eddy__file_query *query = eddy__file_query_new(query_read, file, NULL);
    ssize_t r;

    if (!query)
        return -ENOMEM;
    query->offset = offset;
    query->size = MIN(parts->left, FILE_STEP_BYTES);
    query->memory = eddy__alloc(query->size + DIRECT_ALIGNMENT);
    if (!query->memory)
        return -ENOMEM;
    r = eddy__file_query_ask(task, &query, drop);
    if (r > 0)
        eddy__file_parts_fill(parts, aligned(query->memory), (size_t)r);
    return r;
}

/* --- all of it ---------------------------------------------------------------------------------
 */

static ssize_t read_step(eddy_file *file, struct eddy__task *task, struct eddy__file_parts *parts,
                         off_t offset, struct eddy__file_drop drop) {
    ssize_t r = read_now(file, parts, offset);

    if (r == -EAGAIN)
        return read_asked(file, task, parts, offset, drop);
    if (r <= 0)
        return r;
    eddy__file_parts_advance(parts, (size_t)r);
    if (unlikely(r >= FILE_STEP_BYTES && parts->left > 0))
        eddy__file_step_back(task, drop);
    return r;
}

ssize_t eddy__file_read_at(eddy_file *file, struct eddy__task *task, struct eddy__file_parts *parts,
                           off_t offset, struct eddy__file_drop drop) {
    ssize_t done = 0;

    while (parts->left > 0) {
        ssize_t r = read_step(file, task, parts, offset + done, drop);
        if (r < 0)
            return r;
        if (r == 0)
            break;
        done += r;
    }
    return done;
}

/* --- calls -------------------------------------------------------------------------------------
 */

static ssize_t file_read(eddy_file *file, const struct iovec *first, int count, off_t offset,
                         bool positions) {
    struct eddy__file_parts parts;
    struct eddy__task *task;
    ssize_t r = eddy__file_begin(file, positions, &task);

    if (unlikely(r < 0))
        return r;
    r = offset < 0 ? -EINVAL : eddy__file_parts_init(&parts, first, count);
    if (likely(r == 0))
        r = eddy__file_read_at(file, task, &parts, positions ? file->position : offset,
                               eddy__file_ends(file, positions));
    if (unlikely(r < 0))
        r = eddy__file_fail(r, "read", file->name);
    else if (positions)
        eddy__file_move(file, file->position + r);
    eddy__file_end(file, positions);
    if (likely(r >= 0))
        eddy__task_charge(task);
    return r;
}

ssize_t eddy_file_readv(eddy_file *file, const struct iovec *parts, int count) {
    return file_read(file, parts, count, 0, true);
}

ssize_t eddy_file_read(eddy_file *file, void *buffer, size_t size) {
    return eddy_file_readv(file, &(struct iovec){buffer, size}, 1);
}

ssize_t eddy_file_preadv(eddy_file *file, const struct iovec *parts, int count, off_t offset) {
    return file_read(file, parts, count, offset, false);
}

ssize_t eddy_file_pread(eddy_file *file, void *buffer, size_t size, off_t offset) {
    return eddy_file_preadv(file, &(struct iovec){buffer, size}, 1, offset);
}
