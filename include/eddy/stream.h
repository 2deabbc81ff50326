/* SPDX-License-Identifier: MIT
 * eddy/stream.h - TCP connections as buffered streams.
 *
 * One task may read while another writes; a second reader or writer at the same time gets -EBUSY.
 * Closing wakes both with EDDY_ECLOSED. All calls belong to the thread of the loop that opened the
 * stream. */
#ifndef EDDY_STREAM_H
#define EDDY_STREAM_H

#include <eddy/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_stream eddy_stream;

/* All zero is the default of everything. */
typedef struct eddy_connect_options {
    size_t limit_bytes;      /* the longest line or record of read_until; 0: 64 KiB */
    size_t high_water_bytes; /* write waits while more than this is unsent; 0: 64 KiB */
    size_t low_water_bytes; /* and then until it is no more than this; 0: a quarter of high water */
} eddy_connect_options;

/* Connects to host:port ("::1", "localhost"; "80", "http"), each address in turn. Suspends: names
 * are looked up without blocking the loop. options may be NULL. The caller owns *out:
 * eddy_stream_close(). Returns 0, EDDY_ENAME, -ECONNREFUSED, -ENETUNREACH, -ECANCELED, -EMFILE,
 * -ENOMEM ... The sentence names host and port. */
EDDY_API int eddy_open_connection_sized(const char *host, const char *port,
                                        const eddy_connect_options *options, size_t options_size,
                                        eddy_stream **out);
static inline int eddy_open_connection(const char *host, const char *port,
                                       const eddy_connect_options *options, eddy_stream **out) {
    return eddy_open_connection_sized(host, port, options, sizeof(eddy_connect_options), out);
}

/* --- reading. All suspend when nothing has arrived, and return -ECONNRESET ..., EDDY_ECLOSED,
 * -EBUSY, -ECANCELED. --- */

/* Reads what is there, at most `size` bytes, at least one. Returns how many; 0 at the end. */
EDDY_API ssize_t eddy_stream_read(eddy_stream *stream, void *buffer, size_t size);

/* What has arrived, without a copy: *out is a view until the next call that reads. Returns its
 * size; 0 at the end. */
EDDY_API ssize_t eddy_stream_read_some(eddy_stream *stream, eddy_slice *out);

/* Reads exactly `size` bytes and returns size; EDDY_EINCOMPLETE if the end comes first. Cancelled
 * or incomplete, what had come stays readable. */
EDDY_API ssize_t eddy_stream_read_exactly(eddy_stream *stream, void *buffer, size_t size);

/* Reads through the next `separator` (a non-empty string), which is included in *out: a view until
 * the next call that reads. EDDY_ELIMIT when limit_bytes come without one, EDDY_EINCOMPLETE when
 * the end does: what had come stays readable. read_line: through '\n'; at the end, an unended last
 * line is returned as it is, then 0. Not NUL-terminated. */
EDDY_API ssize_t eddy_stream_read_until(eddy_stream *stream, const char *separator,
                                        eddy_slice *out);
EDDY_API ssize_t eddy_stream_read_line(eddy_stream *stream, eddy_slice *out);

/* Reads through whichever of several separators ends first, so *out is as short as it can be: "\n"
 * and
 * "\r\n" are both found at the '\n'. They may hold zeros. Else as read_until. */
EDDY_API ssize_t eddy_stream_read_until_any(eddy_stream *stream, const eddy_slice separators[],
                                            size_t count, eddy_slice *out);

/* Whether the end has come and all is read. */
EDDY_API bool eddy_stream_at_eof(const eddy_stream *stream);

/* --- writing ---------------------------------------------------------------------------------- */

/* Waits for room below high water (suspends), then takes all `size` bytes and returns 0: they go
 * out in the background, small ones together when the loop's turn ends: who goes on computing for
 * long flushes first. -ECANCELED means that none was taken. An error of an earlier write (-EPIPE,
 * -ECONNRESET) comes with the next call. */
EDDY_API int eddy_stream_write(eddy_stream *stream, const void *data, size_t size);

/* The same with several pieces, one after the other, which need not lie together: asyncio's
 * writelines. They are handed to the kernel as they are. Suspends as eddy_stream_write() does. */
EDDY_API int eddy_stream_writelines(eddy_stream *stream, const eddy_slice pieces[], size_t count);

/* The same without the wait, for callbacks and for tasks that must not stop: asyncio's write.
 * -EAGAIN, and none is taken, once more than high water is unsent, until that has fallen to low
 * water: eddy_stream_drain(). Never suspends. */
EDDY_API int eddy_stream_write_nowait(eddy_stream *stream, const void *data, size_t size);

/* Waits for the room that eddy_stream_write() waits for: asyncio's drain. Suspends. */
EDDY_API int eddy_stream_drain(eddy_stream *stream);

/* Waits until all that was written is with the kernel: a drain to the last byte. Suspends. */
EDDY_API int eddy_stream_flush(eddy_stream *stream);

/* Flushes, then ends our half of the connection; the peer reads the end. Suspends. -EOPNOTSUPP for
 * a stream of a class that cannot do it (eddy/ext/stream.h). */
EDDY_API int eddy_stream_write_eof(eddy_stream *stream);

/* How many bytes that were written are not with the kernel yet: asyncio's get_write_buffer_size. */
EDDY_API size_t eddy_stream_unsent(const eddy_stream *stream);

/* High and low water from now on, as in the options; 0 is no default here but none. Returns 0, or
 * -EINVAL when low is above high. get writes both. */
EDDY_API int eddy_stream_set_write_buffer_limits(eddy_stream *stream, size_t high_bytes,
                                                 size_t low_bytes);
EDDY_API void eddy_stream_get_write_buffer_limits(const eddy_stream *stream, size_t *high_bytes,
                                                  size_t *low_bytes);

/* The longest line or record from now on, as limit_bytes of the options. Returns 0; -EINVAL for 0.
 */
EDDY_API int eddy_stream_set_limit(eddy_stream *stream, size_t limit_bytes);

/* --- the end ---------------------------------------------------------------------------------- */

/* Closes and frees; returns NULL. Never suspends: unsent bytes go out in the background for at most
 * 30 seconds; flush first to know that they have. close(NULL) is NULL. */
EDDY_API eddy_stream *eddy_stream_close(eddy_stream *stream);

/* Closes at once with a reset and drops unsent bytes; returns NULL. */
EDDY_API eddy_stream *eddy_stream_abort(eddy_stream *stream);

/* "192.0.2.1:443", "[::1]:80": the other end and ours. Borrowed from the stream. */
EDDY_API const char *eddy_stream_peer(const eddy_stream *stream);
EDDY_API const char *eddy_stream_local(const eddy_stream *stream);

/* The system's descriptor, to ask the kernel about it or to set its options; reading, writing or
 * closing it is up to the stream. -1 where there is none (eddy/ext/stream.h), or no more. */
EDDY_API int eddy_stream_fd(const eddy_stream *stream);

#ifdef __cplusplus
}
#endif

#endif
