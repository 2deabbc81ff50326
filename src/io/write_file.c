/* SPDX-License-Identifier: MIT
 * write_file.c - a file written whole: opened, written and closed by a thread in one go. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "file.h"
#include "file_replace.h"
#include "os.h"
#include "os_file.h"
#include "util.h"

#define MODE_DEFAULT 0666

/* Its data is the caller's: the call waits for it. */
struct whole_writing {
    const char *path;
    const char *data;
    size_t size, written;
    eddy_write_file_options options;
};

/* All that follows runs in the pool's thread. */
static int writing_fill(struct whole_writing *writing, int fd) {
    while (writing->written < writing->size) {
        struct iovec part = {(char *)writing->data + writing->written,
                             writing->size - writing->written};
        ssize_t r = eddy__os_pwritev(fd, &part, 1, -1);
        if (r <= 0)
            return r < 0 ? (int)r : -ENOSPC;
        writing->written += (size_t)r;
    }
    return 0;
}

static mode_t writing_mode(const struct whole_writing *writing) {
    return writing->options.mode ? writing->options.mode : MODE_DEFAULT;
}

static int write_beside(struct whole_writing *writing) {
    struct eddy__replacement replacement;
    int r = eddy__replacement_open(&replacement, writing->path, writing_mode(writing));

    if (r < 0)
        return r;
    r = writing_fill(writing, replacement.fd);
    if (r == 0)
        return eddy__replacement_commit(&replacement, writing->options.sync);
    eddy__replacement_abort(&replacement);
    return r;
}

/* O_NONBLOCK: a FIFO that nobody reads must not keep the thread. */
static int write_in_place(struct whole_writing *writing) {
    int flags = O_WRONLY | O_CREAT | O_NONBLOCK | (writing->options.append ? O_APPEND : O_TRUNC);
    int fd = eddy__os_open(writing->path, flags, writing_mode(writing)), r, closed;

    if (fd < 0)
        return fd == -ENXIO ? -ESPIPE : fd;
    r = (int)MIN(eddy__os_lseek(fd, 0, SEEK_CUR), 0);
    if (r == 0)
        r = writing_fill(writing, fd);
    if (r == 0 && writing->options.sync)
        r = eddy__os_fsync(fd);
    closed = eddy__os_close_file(fd);
    return r < 0 ? r : closed;
}

static ssize_t write_whole(void *arg) {
    struct whole_writing *writing = arg;

    if (writing->options.atomic && writing->options.append)
        return -EINVAL;
    return writing->options.atomic ? write_beside(writing) : write_in_place(writing);
}

int eddy_write_file_sized(const char *path, const void *data, size_t size,
                          const eddy_write_file_options *options, size_t options_size) {
    struct whole_writing writing = {.path = path, .data = data, .size = size};
    struct eddy__task *task;
    int r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    if (options)
        memcpy(&writing.options, options, MIN(options_size, sizeof(writing.options)));
    r = (int)eddy__file_change(task, write_whole, &writing, false, (struct eddy__file_drop){0});
    if (r >= 0 || r == -ECANCELED)
        return r;
    return eddy_raise(r, "cannot write \"%s\": %s (%zu of %zu bytes were written)", path,
                      eddy_error_text(r), writing.written, size);
}
