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

/* The port it listens on. */
EDDY_API int eddy_server_port(const eddy_server *server);

/* How many clients it has now. */
EDDY_API int eddy_server_clients(const eddy_server *server);

/* What it has done. Those of all servers of a loop are added up in eddy_loop_info(), those of all
 * loops in eddy_all_loops_info(). Returns 0. */
typedef struct eddy_server_statistics {
    uint64_t connections_accepted;
    size_t connections_open;
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

#ifdef __cplusplus
}
#endif

#endif
