/* SPDX-License-Identifier: MIT
 * pipe.c - one way of a pipe, or of what else can be waited for, as a stream.
 *
 * Below it is a stream on a descriptor that knows which half it lacks: stream_receive.c and
 * stream_send.c read and write it. */
#include <eddy/pipe.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "os.h"
#include "stream.h"

/* Can it be waited for? */
static int file_check(mode_t mode) {
    if (S_ISREG(mode))
        return eddy_raise(-EINVAL, "a regular file is no pipe: it cannot be waited for, and "
                                   "eddy/file.h reads and writes it");
    if (S_ISDIR(mode) || S_ISBLK(mode))
        return eddy_raise(-EINVAL, "a %s is no pipe: it cannot be waited for",
                          S_ISDIR(mode) ? "directory" : "block device");
    return 0;
}

/* Goes the file this way? */
static int access_check(int access, int wanted) {
    if (access == O_RDWR || access == wanted)
        return 0;
    return eddy_raise(-EBADF, "this end of the pipe is %s, not %s",
                      wanted == O_RDONLY ? "written to" : "read from",
                      wanted == O_RDONLY ? "read from" : "written to");
}

/* Which half the stream lacks. That its reader has gone a pipe tells by an error, where nothing can
 * be read from the same end. */
static void stream_set_way(eddy_stream *stream, int wanted, int access, mode_t mode) {
    stream->is_plain = true;
    if (wanted == O_RDONLY) {
        stream->output_ended = true;
        return;
    }
    stream->has_no_input = true;
    stream->input_ended = !S_ISFIFO(mode) || access != O_WRONLY;
}

/* *access and *mode of a file that goes the wanted way. */
static int file_look(int fd, int wanted, int *access, mode_t *mode) {
    int r = eddy__os_file_mode(fd, mode);

    if (r < 0)
        return eddy__fail(r);
    r = file_check(*mode);
    if (r < 0)
        return r;
    *access = eddy__os_access_mode(fd);
    r = *access < 0 ? eddy__fail(*access) : access_check(*access, wanted);
    if (r < 0)
        return r;
    r = eddy__os_set_nonblocking(fd);
    return r < 0 ? eddy__fail(r) : 0;
}

/* Takes given_fd. */
static int pipe_open(int given_fd, int wanted, const eddy_connect_options *given, size_t given_size,
                     eddy_stream **out) {
    CLEANUP(eddy__os_closep) int fd = given_fd;
    eddy_connect_options options = {0};
    eddy_stream *stream;
    eddy_loop *loop = NULL;
    mode_t mode = 0;
    int access = 0, r = eddy__loop_find(&loop);

    if (r == 0)
        r = file_look(fd, wanted, &access, &mode);
    if (r < 0)
        return r;
    if (given)
        memcpy(&options, given, MIN(given_size, sizeof(options)));
    r = eddy__stream_new(loop, TAKE_FD(fd), &options, &stream);
    if (r < 0)
        return r;
    if (!S_ISSOCK(mode))
        stream_set_way(stream, wanted, access, mode);
    *out = stream;
    return 0;
}

int eddy_open_pipe_reader_sized(int fd, const eddy_connect_options *options, size_t options_size,
                                eddy_stream **out) {
    return pipe_open(fd, O_RDONLY, options, options_size, out);
}

int eddy_open_pipe_writer_sized(int fd, const eddy_connect_options *options, size_t options_size,
                                eddy_stream **out) {
    return pipe_open(fd, O_WRONLY, options, options_size, out);
}

int eddy_pipe_sized(const eddy_connect_options *options, size_t options_size, eddy_stream **reader,
                    eddy_stream **writer) {
    eddy_stream *from, *to;
    int fds[2], r = eddy__os_pipe(fds);

    if (r < 0)
        return eddy_raise(r, "cannot make a pipe: %s", eddy_error_text(r));
    r = eddy_open_pipe_reader_sized(fds[0], options, options_size, &from);
    if (r < 0) {
        eddy__os_close(fds[1]);
        return r;
    }
    r = eddy_open_pipe_writer_sized(fds[1], options, options_size, &to);
    if (r < 0) {
        eddy_stream_close(from);
        return r;
    }
    *reader = from;
    *writer = to;
    return 0;
}
