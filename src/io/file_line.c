/* SPDX-License-Identifier: MIT
 * file_line.c - lines: what was read ahead from the position on, and views of it.
 *
 * The position is where the next line begins, whatever was read ahead. Whoever moves it, or writes,
 * drops that. */
#include <errno.h>
#include <string.h>

#include "file.h"
#include "scheduler.h"
#include "util.h"

#define LIMIT_DEFAULT (64u << 10)
#define AHEAD_BYTES   (16u << 10)

/* Suspends. Reads behind what is there. Returns how much; 0 at the end. */
static ssize_t lines_read_on(eddy_file *file, struct eddy__task *task) {
    struct eddy__buffer *lines = &file->lines;
    struct eddy__file_parts parts;
    struct iovec part;
    ssize_t r;

    if (eddy__buffer_reserve(lines, AHEAD_BYTES) < 0)
        return -ENOMEM;
    part = (struct iovec){eddy__buffer_tail(lines), eddy__buffer_room(lines)};
    eddy__file_parts_init(&parts, &part, 1);
    r = eddy__file_read_at(file, task, &parts, file->position + (off_t)eddy__buffer_size(lines),
                           eddy__file_ends(file, true));
    if (r > 0)
        eddy__buffer_added(lines, (size_t)r);
    return r;
}

/* The size of the next line, or of the rest; 0 at the end; or a negative code. Suspends. */
static ssize_t line_find(eddy_file *file, struct eddy__task *task, size_t limit_bytes) {
    struct eddy__buffer *lines = &file->lines;
    size_t looked_at = 0;

    for (;;) {
        size_t size = MIN(eddy__buffer_size(lines), limit_bytes);
        const char *start = size > 0 ? eddy__buffer_data(lines) : NULL, *end;
        ssize_t r;
        if (size > looked_at && (end = memchr(start + looked_at, '\n', size - looked_at)))
            return end + 1 - start;
        if (size == limit_bytes && eddy__buffer_size(lines) > limit_bytes)
            return EDDY_ELIMIT;
        looked_at = size;
        r = lines_read_on(file, task);
        if (r <= 0)
            return r < 0 ? r : (ssize_t)eddy__buffer_size(lines);
    }
}

static int line_fail(const eddy_file *file, ssize_t code, size_t limit_bytes) {
    if (code == EDDY_ELIMIT)
        return eddy_raise(EDDY_ELIMIT, "a line of %s is longer than %zu bytes", file->name,
                          limit_bytes);
    return (int)eddy__file_fail(code, "read", file->name);
}

ssize_t eddy_file_read_line(eddy_file *file, size_t limit_bytes, eddy_slice *out) {
    struct eddy__task *task;
    ssize_t r = eddy__file_begin(file, true, &task);

    if (r < 0)
        return r;
    if (limit_bytes == 0)
        limit_bytes = LIMIT_DEFAULT;
    if (file->lines_are_old)
        eddy__file_move(file, file->position);
    r = line_find(file, task, limit_bytes);
    if (r > 0) {
        *out = (eddy_slice){eddy__buffer_data(&file->lines), (size_t)r};
        eddy__buffer_consume(&file->lines, (size_t)r);
        file->position += r;
    } else if (r < 0) {
        r = line_fail(file, r, limit_bytes);
    }
    eddy__file_end(file, true);
    return r;
}
