/* SPDX-License-Identifier: MIT
 * eddy/stream.h - connections as buffered streams: TCP and Unix sockets, and what stands on them.
 *
 * Pipes are streams as well (eddy/pipe.h), TLS is put on one (eddy/tls.h), and classes of your own
 * make others (eddy/ext/stream.h). One task may read while another writes; a second reader or
 * writer at the same time gets -EBUSY. Closing wakes both with EDDY_ECLOSED. All calls belong to
 * the thread of the loop that opened the stream. */
#ifndef EDDY_STREAM_H
#define EDDY_STREAM_H

#include <eddy/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_stream eddy_stream;

/* What TLS needs to know; see eddy/tls.h. It begins with an eddy_stream_layer (eddy/ext/stream.h).
 */
typedef struct eddy_tls_context eddy_tls_context;

/* All zero is the default of everything. */
typedef struct eddy_connect_options {
    size_t limit_bytes;      /* the longest line or record of read_until; 0: 64 KiB */
    size_t high_water_bytes; /* write waits while more than this is unsent; 0: 64 KiB */
    size_t low_water_bytes; /* and then until it is no more than this; 0: a quarter of high water */

    /* Which addresses, and in which order (RFC 8305, "happy eyeballs"). */
    int family;                    /* AF_INET or AF_INET6: only these; 0: both */
    const char *local_host;        /* connect from here: a name or number; NULL: from anywhere */
    const char *local_port;        /* NULL: from any port */
    double happy_eyeballs_seconds; /* the next address is tried beside one that has not answered for
                                      so long; 0: 0.25; INFINITY: only when that has failed */
    int interleave; /* so many addresses of the first one's family come first, then the families
                       take turns; 0: 1; -1: in the order of the look-up */

    /* The socket. */
    bool nagle;      /* small writes may wait until the last one is acknowledged; else they leave */
    bool keep_alive; /* the kernel probes a silent peer: a lost one is -ETIMEDOUT. Its times are the
                        system's, hours, or these: */
    int keep_alive_idle_seconds;     /* of silence, before the first probe; 0: the system's */
    int keep_alive_interval_seconds; /* between probes */
    int keep_alive_probes;           /* without an answer, before the peer is lost */
    int send_buffer_bytes;           /* in the kernel; 0: it adapts them */
    int receive_buffer_bytes;

    /* TLS. */
    const eddy_tls_context *tls; /* speak TLS; NULL: plain. Borrowed for the call */
    const char *server_hostname; /* that the certificate must name; NULL: host */
    double handshake_seconds;    /* at most for the hand-shake; 0: 60 */
    double shutdown_seconds;     /* at most for TLS's end after the close; 0: 30 */
} eddy_connect_options;

/* Connects to host:port ("::1", "localhost"; "80", "http"): to the first address that answers. They
 * are tried in turn, a quarter of a second apart, IPv6 and IPv4 alternating, and an attempt that
 * fails makes the next begin at once; the others are ended when one succeeds. Suspends: names are
 * looked up without blocking the loop. options may be NULL. The caller owns *out:
 * eddy_stream_close(). Returns 0, EDDY_ENAME, -ECONNREFUSED, -ENETUNREACH, -ECANCELED, -EMFILE,
 * -ENOMEM ... The sentence names host, port and address; of several failures the most telling is
 * the error, and eddy_error.others has the rest. With TLS also what its hand-shake says, or
 * -ETIMEDOUT. */
EDDY_API int eddy_open_connection_sized(const char *host, const char *port,
                                        const eddy_connect_options *options, size_t options_size,
                                        eddy_stream **out);
static inline int eddy_open_connection(const char *host, const char *port,
                                       const eddy_connect_options *options, eddy_stream **out) {
    return eddy_open_connection_sized(host, port, options, sizeof(eddy_connect_options), out);
}

/* Connects to a Unix socket: "/run/x.sock", or "@x", an abstract name (one that is no file), as ss
 * and socat write it. A path has at most 107 bytes (-ENAMETOOLONG). While the listener's queue is
 * full it waits. Of the options those for addresses and TCP are of no account; with TLS,
 * server_hostname is to be given. Suspends. Returns 0, -ENOENT, -ECONNREFUSED: nobody listens,
 * -EACCES, -ECANCELED, -ENOMEM ... */
EDDY_API int eddy_open_unix_connection_sized(const char *path, const eddy_connect_options *options,
                                             size_t options_size, eddy_stream **out);
static inline int eddy_open_unix_connection(const char *path, const eddy_connect_options *options,
                                            eddy_stream **out) {
    return eddy_open_unix_connection_sized(path, options, sizeof(eddy_connect_options), out);
}

/* A stream on a connected socket of your own (TCP, Unix, socketpair()). Takes fd, also when it
 * fails. Suspends for TLS's hand-shake only. Returns 0, -ENOTSOCK, -ENOTCONN, -EPROTOTYPE: it is no
 * stream socket, -ENOMEM ... */
EDDY_API int eddy_stream_from_fd_sized(int fd, const eddy_connect_options *options,
                                       size_t options_size, eddy_stream **out);
static inline int eddy_stream_from_fd(int fd, const eddy_connect_options *options,
                                      eddy_stream **out) {
    return eddy_stream_from_fd_sized(fd, options, sizeof(eddy_connect_options), out);
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

/* Reads through whichever of several separators ends first, so *out is as short as it can be:
 * "\n" and "\r\n" are both found at the '\n'. They may hold zeros. Else as read_until. */
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

/* Sends `size` bytes of the regular file fd from *offset on, behind what was written before; fewer
 * where the file ends. *offset moves along; NULL: the file's own position does. asyncio's sendfile:
 * a socket gets them from the kernel without a copy through the program, any other stream (TLS, a
 * pipe) piece by piece, with back-pressure. The disk keeps nobody else waiting. Meanwhile nothing
 * else can be written: -EBUSY. fd has to stay open until it returns. Suspends. Returns how many
 * bytes; fewer also when a failure or a cancel came in between, of which the next call tells.
 * -EINVAL: fd is no regular file. */
EDDY_API ssize_t eddy_stream_send_file(eddy_stream *stream, int fd, off_t *offset, size_t size);

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

/* "192.0.2.1:443", "[::1]:80", "unix:/run/x.sock", "unix:@x": the other end and ours. A client of a
 * Unix socket has no name as a rule: "unix:pid 4711" at the server's end. Borrowed from the stream.
 */
EDDY_API const char *eddy_stream_peer(const eddy_stream *stream);
EDDY_API const char *eddy_stream_local(const eddy_stream *stream);

/* Who is at the other end of a Unix socket, as the kernel noted it when they connected
 * (SO_PEERCRED): a server may trust it. Returns 0, or -EOPNOTSUPP: it is no Unix socket. */
typedef struct eddy_credentials {
    pid_t pid;
    uid_t uid;
    gid_t gid;
} eddy_credentials;
EDDY_API int eddy_stream_credentials(const eddy_stream *stream, eddy_credentials *out);

/* The system's descriptor, to ask the kernel about it or to set its options; reading, writing or
 * closing it is up to the stream. -1 where there is none (eddy/ext/stream.h), or no more. */
EDDY_API int eddy_stream_fd(const eddy_stream *stream);

#ifdef __cplusplus
}
#endif

#endif
