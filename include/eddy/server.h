/* SPDX-License-Identifier: MIT
 * eddy/server.h - accept connections, a task for each. All calls belong to the loop's thread. */
#ifndef EDDY_SERVER_H
#define EDDY_SERVER_H

#include <eddy/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_server eddy_server;

/* One task per client. The stream is closed when it returns; a negative code is reported, but not
 * -ECANCELED and not the loss of the connection. */
typedef int eddy_connection_fn(eddy_stream *stream, void *arg);

/* All zero is the default of everything. */
typedef struct eddy_server_options {
    size_t limit_bytes; /* of each stream, as in eddy_connect_options */
    size_t high_water_bytes;
    size_t low_water_bytes;
    size_t stack_bytes;  /* of each client's task; 0: the loop's default */
    int backlog;         /* 0: 1024 */
    int connections_max; /* more wait in the backlog; 0: as many as there are descriptors */
    bool
        reuse_port;   /* SO_REUSEPORT: other servers that say so, in other threads or processes of
                         this user, listen on the same port, and the kernel spreads the connections */
    int *shared_port; /* with port "0", for servers in several threads (implies reuse_port): the
                         first writes the number it was given here, where it must be 0 before, the
                         others take it; lives as long as servers are started with it */
    double
        grace_seconds; /* that serve_forever() gives its clients; 0: they are cancelled at once */

    /* Which addresses. */
    const char *const *hosts; /* more of them, beside `host`; ends with NULL */
    int family;               /* AF_INET or AF_INET6: only these; 0: both */
    bool dual_stack;          /* IPv6 sockets take IPv4 as well, "[::ffff:192.0.2.1]:5"; else each
                                 family has its own, on one port */
    bool no_reuse_address;    /* -EADDRINUSE while connections of an earlier server linger on it */
    bool start_later;         /* listens with eddy_server_start_serving(); only then come clients */

    /* Each connection, as in eddy_connect_options. */
    bool nagle;
    bool keep_alive;
    int keep_alive_idle_seconds;
    int keep_alive_interval_seconds;
    int keep_alive_probes;
    int send_buffer_bytes;
    int receive_buffer_bytes;

    /* A Unix socket's file. */
    unsigned mode;         /* 0660, ...; 0: what the umask leaves */
    bool keep_socket_file; /* it is not removed when the server closes */

    /* TLS: the hand-shake is made in the client's task, before its function runs. */
    const eddy_tls_context *tls; /* NULL: plain. The server keeps a reference */
    double handshake_seconds;    /* at most for it; 0: 60 */
    double shutdown_seconds;     /* at most for TLS's end after the close; 0: 30 */
} eddy_server_options;

/* Listens on every address of host:port ("" or NULL for all, "0" for any port); runs fn for each
 * client. `arg` is borrowed and must outlive the server. The caller owns *out: eddy_server_close().
 * Out of descriptors it waits a moment and goes on. Suspends (names are looked up). Returns 0,
 * -EADDRINUSE, -EACCES, EDDY_ENAME or -ENOMEM; on failure *out is untouched. */
EDDY_API int eddy_start_server_sized(eddy_connection_fn *fn, void *arg, const char *host,
                                     const char *port, const eddy_server_options *options,
                                     size_t options_size, eddy_server **out);
static inline int eddy_start_server(eddy_connection_fn *fn, void *arg, const char *host,
                                    const char *port, const eddy_server_options *options,
                                    eddy_server **out) {
    return eddy_start_server_sized(fn, arg, host, port, options, sizeof(eddy_server_options), out);
}

/* Listens on a Unix socket: a path, or "@x", an abstract name ("@": a free one). A socket file that
 * nobody listens on any more is replaced; any other file is -EADDRINUSE, and stays. The file is
 * removed when the server closes, if it still is the one that it made. Suspends (to let others run,
 * no more). Returns 0, -EADDRINUSE, -EACCES, -ENOENT, -ENAMETOOLONG: over 107 bytes, -ENOMEM ... */
EDDY_API int eddy_start_unix_server_sized(eddy_connection_fn *fn, void *arg, const char *path,
                                          const eddy_server_options *options, size_t options_size,
                                          eddy_server **out);
static inline int eddy_start_unix_server(eddy_connection_fn *fn, void *arg, const char *path,
                                         const eddy_server_options *options, eddy_server **out) {
    return eddy_start_unix_server_sized(fn, arg, path, options, sizeof(eddy_server_options), out);
}

/* Accepts from `count` stream sockets of your own, which are bound; they listen from then on. Takes
 * them, also when it fails. Suspends (to let others run, no more). Returns 0, -ENOTSOCK,
 * -EPROTOTYPE: one is no stream socket, -EINVAL: one is connected, or there is none, -ENOMEM ... */
EDDY_API int eddy_start_server_on_sized(eddy_connection_fn *fn, void *arg, const int fds[],
                                        int count, const eddy_server_options *options,
                                        size_t options_size, eddy_server **out);
static inline int eddy_start_server_on(eddy_connection_fn *fn, void *arg, const int fds[],
                                       int count, const eddy_server_options *options,
                                       eddy_server **out) {
    return eddy_start_server_on_sized(fn, arg, fds, count, options, sizeof(eddy_server_options),
                                      out);
}

/* The sockets that a service manager (systemd) has opened for this process, as LISTEN_PID and
 * LISTEN_FDS say, for eddy_start_server_on(): at most `capacity`. They become close-on-exec.
 * Returns how many there are. */
EDDY_API int eddy_inherited_sockets(int fds[], int capacity);

/* Begins to listen, for a server that was started with start_later. Never suspends. Returns 0, also
 * when it does already, -EADDRINUSE ... */
EDDY_API int eddy_server_start_serving(eddy_server *server);

/* Whether it accepts clients: from its start to its close. */
EDDY_API bool eddy_server_is_serving(const eddy_server *server);

/* The port it listens on; 0 for a Unix socket. */
EDDY_API int eddy_server_port(const eddy_server *server);

/* Its sockets, at most `capacity`: to ask or to set options, not to accept from. Returns how many
 * there are. */
EDDY_API int eddy_server_sockets(const eddy_server *server, int fds[], int capacity);

/* What the i-th listens on: "127.0.0.1:8000", "[::]:8000", "unix:/run/x"; NULL: there is none.
 * Borrowed from the server. */
EDDY_API const char *eddy_server_address(const eddy_server *server, int index);

/* How many clients it has now. */
EDDY_API int eddy_server_clients(const eddy_server *server);

/* What it has done. Those of all servers of a loop are added up in eddy_loop_info(), those of all
 * loops in eddy_all_loops_info(). Returns 0. */
typedef struct eddy_server_statistics {
    uint64_t connections_accepted;
    size_t connections_open;
    uint64_t handshakes_failed; /* of TLS: the clients' functions did not run */
} eddy_server_statistics;
EDDY_API int eddy_server_info_sized(const eddy_server *server, eddy_server_statistics *out,
                                    size_t out_size);
static inline int eddy_server_info(const eddy_server *server, eddy_server_statistics *out) {
    return eddy_server_info_sized(server, out, sizeof(eddy_server_statistics));
}

/* Sleeps until the calling task is cancelled; then stops listening, waits for the clients at most
 * the server's grace_seconds, cancels those that are left, waits for their ends, frees. Takes the
 * server. Suspends. Returns -ECANCELED. */
EDDY_API int eddy_server_serve_forever(eddy_server *server);

/* Stops listening, waits until the clients' tasks have ended, frees. Suspends. Takes the server.
 * Cancelled, it passes the cancel on to the clients and returns when they have ended. Returns 0 or
 * -ECANCELED. */
EDDY_API int eddy_server_close(eddy_server *server);

/* Asks the clients' tasks to end: cancels them. close() then has little to wait for. */
EDDY_API void eddy_server_cancel_clients(eddy_server *server);

/* Closes the clients' streams: what they have written goes out, then the other end reads the end.
 * Their functions go on, and every call on the stream returns EDDY_ECLOSED. abort: with a reset, at
 * once, and unsent bytes are dropped. */
EDDY_API void eddy_server_close_clients(eddy_server *server);
EDDY_API void eddy_server_abort_clients(eddy_server *server);

#ifdef __cplusplus
}
#endif

#endif
