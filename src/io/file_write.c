/* SPDX-License-Identifier: MIT
 * file_write.c - writing: all of it, or an error that tells how much.
 *
 * Some filesystems take a write into memory without waiting (not ext4, not tmpfs): they are asked
 * first. What they have taken cannot be taken back, so the rest is waited for, cancelled or not. */
#include <errno.h>

#include "file.h"
#include "os_file.h"
#include "scheduler.h"
#include "util.h"

#define AT_END (-1) /* the offset of a file that appends: its end, wherever that is */

struct writing {
    eddy_file *file;
    struct eddy__file_parts parts;
    off_t offset; /* of what is left, or AT_END */
    size_t written;
};

static void writing_advance(struct writing *writing, ssize_t size) {
    eddy__file_parts_advance(&writing->parts, (size_t)size);
    writing->written += (size_t)size;
    if (writing->offset != AT_END)
        writing->offset += size;
}

/* One call of the kernel. A write of nothing that has something to write would go on for ever. */
static ssize_t write_once(struct writing *writing, size_t limit_bytes,
                          ssize_t (*os_write)(int fd, const struct iovec *parts, int count,
                                              off_t offset)) {
    struct iovec next[FILE_PARTS_MAX];
    int count = eddy__file_parts_next(&writing->parts, limit_bytes, next);
    ssize_t r = os_write(writing->file->fd, next, count, writing->offset);

    if (r > 0)
        writing_advance(writing, r);
    return r == 0 ? -ENOSPC : r;
}

/* In the pool's thread. */
static ssize_t write_rest(void *arg) {
    struct writing *writing = arg;
    ssize_t r = 0;

    while (r >= 0 && writing->parts.left > 0)
        r = write_once(writing, SIZE_MAX, eddy__os_pwritev);
    return r;
}

/* What memory takes; -EAGAIN: not all. Lets the others run between steps, and then is not cancelled
 * any more. */
static ssize_t write_now(struct writing *writing, struct eddy__task *task,
                         struct eddy__file_drop drop) {
    eddy_file *file = writing->file;
    ssize_t r = 0;

    while (r >= 0 && writing->parts.left > 0) {
        if (!file->writes_now)
            return -EAGAIN;
        if (writing->written > 0)
            eddy__file_step_back(task, drop);
        r = write_once(writing, FILE_STEP_BYTES, eddy__os_pwritev_now);
    }
    if (r == -EOPNOTSUPP) {
        file->writes_now = false;
        return -EAGAIN;
    }
    return r;
}

/* Suspends. */
static ssize_t write_all(struct writing *writing, struct eddy__task *task,
                         struct eddy__file_drop drop) {
    ssize_t r = write_now(writing, task, drop);

    if (r == -EAGAIN)
        r = eddy__file_change(task, write_rest, writing, writing->written > 0, drop);
    return r < 0 ? r : (ssize_t)writing->written;
}

static int write_fail(const struct writing *writing, ssize_t code) {
    size_t size = writing->written + writing->parts.left;

    if (code == -ECANCELED)
        return -ECANCELED;
    return eddy_raise((int)code, "cannot write to %s: %s (%zu of %zu bytes were written)",
                      writing->file->name, eddy_error_text((int)code), writing->written, size);
}

/* The end of the file, where it was written, is the descriptor's own position. */
static void move_behind(const struct writing *writing) {
    eddy_file *file = writing->file;
    off_t position = writing->offset;

    if (position == AT_END)
        position = eddy__os_lseek(file->fd, 0, SEEK_CUR);
    eddy__file_move(file, position < 0 ? file->position : position);
}

static ssize_t file_write(eddy_file *file, const struct iovec *first, int count, off_t offset,
                          bool positions) {
    struct writing writing = {.file = file, .offset = offset};
    struct eddy__task *task;
    ssize_t r = eddy__file_begin(file, positions, &task);

    if (r < 0)
        return r;
    if (positions)
        writing.offset = file->flags & O_APPEND ? AT_END : file->position;
    r = eddy__file_parts_init(&writing.parts, first, count);
    if (r == 0 && !positions && (offset < 0 || file->flags & O_APPEND))
        r = -EINVAL;
    if (r == 0)
        r = write_all(&writing, task, eddy__file_ends(file, positions));
    file->written = writing.written;
    if (positions && writing.written > 0)
        move_behind(&writing);
    file->lines_are_old = true;
    if (r < 0)
        r = write_fail(&writing, r);
    eddy__file_end(file, positions);
    if (r >= 0)
        eddy__task_charge(task);
    return r;
}

ssize_t eddy_file_writev(eddy_file *file, const struct iovec *parts, int count) {
    return file_write(file, parts, count, 0, true);
}

ssize_t eddy_file_write(eddy_file *file, const void *data, size_t size) {
    return eddy_file_writev(file, &(struct iovec){(void *)data, size}, 1);
}

ssize_t eddy_file_pwritev(eddy_file *file, const struct iovec *parts, int count, off_t offset) {
    return file_write(file, parts, count, offset, false);
}

ssize_t eddy_file_pwrite(eddy_file *file, const void *data, size_t size, off_t offset) {
    return eddy_file_pwritev(file, &(struct iovec){(void *)data, size}, 1, offset);
}
