/* SPDX-License-Identifier: MIT
 * eddy/pipe.h - pipes as streams: standard input and output, FIFOs, terminals, a child's ends.
 *
 * asyncio's connect_read_pipe() and connect_write_pipe(). All that eddy/stream.h says of reading,
 * writing and closing holds; what a pipe does differently:
 *
 * - It goes one way. A reader's eddy_stream_write() is -EPIPE. A writer's eddy_stream_read() has
 *   nothing to bring and waits until the other end has gone, then it is at the end (0): that is how
 *   a writer notices without writing. (A terminal does not tell, and is at the end at once.)
 * - eddy_stream_write_eof() closes the end that is written to.
 * - Nobody left to read is -EPIPE, and never the signal SIGPIPE.
 * - There is no reset: eddy_stream_abort() only drops what is unsent.
 *
 * The descriptor becomes non-blocking. That is a property of the open file, which others may share:
 * of a terminal the shell's programs that write to it, of an inherited pipe the parent. (asyncio
 * does the same.) Who cannot have that opens /proc/self/fd/N, or the terminal's own name, again. */
#ifndef EDDY_PIPE_H
#define EDDY_PIPE_H

#include <eddy/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A stream on a descriptor that can be waited for: the end of a pipe, a FIFO, a terminal or other
 * character device; an eventfd, an inotify; a stream socket, which then is a stream in both
 * directions. Takes fd, also when it fails. options may be NULL; of it, limit_bytes and the high
 * water hold. The caller owns *out: eddy_stream_close(). The loop is the running one, else this
 * thread's default. Never suspends. Returns 0; -EINVAL for a regular file or a directory
 * (eddy/file.h reads those); -EBADF, also for an end that goes the other way; -ENOMEM. */
EDDY_API int eddy_open_pipe_reader_sized(int fd, const eddy_connect_options *options,
                                         size_t options_size, eddy_stream **out);
static inline int eddy_open_pipe_reader(int fd, const eddy_connect_options *options,
                                        eddy_stream **out) {
    return eddy_open_pipe_reader_sized(fd, options, sizeof(eddy_connect_options), out);
}

EDDY_API int eddy_open_pipe_writer_sized(int fd, const eddy_connect_options *options,
                                         size_t options_size, eddy_stream **out);
static inline int eddy_open_pipe_writer(int fd, const eddy_connect_options *options,
                                        eddy_stream **out) {
    return eddy_open_pipe_writer_sized(fd, options, sizeof(eddy_connect_options), out);
}

/* A new pipe, both ends streams: what is written to *writer is read from *reader, in this program
 * or in a child that inherits a descriptor of its own. Never suspends. Returns 0, -EMFILE, -ENOMEM.
 */
EDDY_API int eddy_pipe_sized(const eddy_connect_options *options, size_t options_size,
                             eddy_stream **reader, eddy_stream **writer);
static inline int eddy_pipe(const eddy_connect_options *options, eddy_stream **reader,
                            eddy_stream **writer) {
    return eddy_pipe_sized(options, sizeof(eddy_connect_options), reader, writer);
}

#ifdef __cplusplus
}
#endif

#endif
