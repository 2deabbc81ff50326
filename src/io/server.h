/* SPDX-License-Identifier: MIT
 * server.h - a server from the inside: listeners that accept, clients that are tasks.
 *
 * Accepting needs no task: each listener has an accept operation, submitted again from its done().
 * A server counts references as a stream does: one of its owner, one of each client, one of each
 * accept that is pending. When only the owner's is left, the server has ended.
 *
 * Read next: server_start.c, server.c (its life), accept.c, client.c. */
#ifndef EDDY__SERVER_H
#define EDDY__SERVER_H

#include <eddy/server.h>

#include "listen.h"
#include "stream.h"
#include "unix_socket.h"

struct server_listener {
    struct eddy__op accept;
    eddy_server *server;
    int fd;         /* -1: it does not listen any more */
    int waiting_fd; /* a connection that came as the server became full, or -1 */
    char address[ADDRESS_TEXT_BYTES];
};

/* Lives as long as its task. */
struct server_client {
    struct list_node node; /* in server->clients */
    eddy_server *server;
    eddy_stream *stream; /* NULL once it is closed, by its function or by the server: then, kept: */
    eddy_stream *kept;
    eddy_task *task; /* a reference */
};

/* The task that waits for the server's end. Lies on its stack. */
struct server_closer {
    struct eddy__wait wait;
    struct eddy__task *task;
    eddy_server *server;
    bool was_cancelled;
};

struct eddy_server {
    eddy_loop *loop; /* a reference */
    eddy_connection_fn *fn;
    void *arg;
    eddy_server_options options;
    uint32_t refs;
    bool is_serving; /* it listens, or did until it was closed */
    bool is_closed;
    bool is_short;                /* of descriptors or memory, and has said so */
    struct eddy__timer accept_on; /* accepting goes on when it fires */
    struct server_closer *closer; /* or NULL */
    struct list_node clients;
    int clients_count;
    uint64_t accepted, handshakes_failed;
    struct eddy__unix_file file; /* of a Unix server */
    int port;
    int listeners_count;
    struct server_listener listeners[];
};

static inline eddy_server *eddy__server_ref(eddy_server *server) {
    server->refs++;
    return server;
}
void eddy__server_unref(eddy_server *server);

/* server_start.c: its sockets listen, from now on; the memory. */
int eddy__server_listen(eddy_server *server);
void eddy__server_free(eddy_server *server);

/* accept.c: begins to accept; counts a client off, which may make room for the next; stops for
 * good.
 */
void eddy__server_accept(eddy_server *server);
void eddy__server_client_left(eddy_server *server);
void eddy__server_stop_accepting(eddy_server *server);

/* client.c: a task for a new connection. Takes fd. Returns 0 or -ENOMEM. */
int eddy__server_add_client(eddy_server *server, int fd);

/* Does this task serve one of the clients? */
bool eddy__server_has_client(const eddy_server *server, const struct eddy__task *task);

#endif
