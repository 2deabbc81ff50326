/* SPDX-License-Identifier: MIT
 * accept.c - a server's listeners: accept, hand over, accept again.
 *
 * Accepting stops while the server has as many clients as it may have, and for a moment when
 * descriptors or memory have run out. One timer makes it go on in both cases, so that it always
 * goes on from the loop's stack: a client that ends may stand on the last bytes of its own. */
#include <errno.h>

#include "log.h"
#include "os.h"
#include "server.h"
#include "socket.h"

#define ACCEPTS_MAX 64 /* in a row, before others have their turn */
#define BURST       (4 * ACCEPTED_AHEAD_MAX)
#define SHORTAGE_NS (100 * NS_PER_MS)

static bool server_is_full(const eddy_server *server) {
    return server->options.connections_max > 0 &&
           server->clients_count >= server->options.connections_max;
}

/* Where there is room for one burst at least, connections may be taken before they are asked for.
 */
static bool server_has_room(const eddy_server *server) {
    int most = server->options.connections_max;

    return most <= 0 || server->clients_count < most - BURST;
}

static bool server_may_accept(const eddy_server *server) {
    return server->is_serving && !server->is_closed && !eddy__timer_is_armed(&server->accept_on) &&
           !server_is_full(server);
}

static void accept_on(struct eddy__timer *timer) {
    eddy__server_accept(container_of(timer, eddy_server, accept_on));
}

static void server_accept_at(eddy_server *server, int64_t when_ns) {
    server->accept_on.fire = accept_on;
    eddy__timer_arm(server->loop, &server->accept_on, when_ns);
}

static void server_accept_soon(eddy_server *server) {
    if (server_may_accept(server))
        server_accept_at(server, eddy__loop_now(server->loop));
}

void eddy__server_client_left(eddy_server *server) {
    bool was_full = server_is_full(server);

    server->clients_count--;
    server->loop->connections_open--;
    if (was_full && eddy__loop_is_usable(server->loop))
        server_accept_soon(server);
}

/* Said once, until an accept succeeds again: a hundred lines a second help nobody. */
static void server_is_out_of(eddy_server *server, int code) {
    if (!server->is_short)
        eddy__log(EDDY_LOG_WARNING,
                  "the server on %s cannot accept connections (%s): it tries again every %d ms",
                  server->listeners[0].address, eddy_error_text(code),
                  (int)(SHORTAGE_NS / NS_PER_MS));
    server->is_short = true;
    eddy__timer_disarm(server->loop, &server->accept_on);
    if (!server->is_closed)
        server_accept_at(server, eddy__loop_now(server->loop) + SHORTAGE_NS);
}

/* --- a listener ------------------------------------------------------------------------------- */

static void listener_close(struct server_listener *listener) {
    if (eddy__loop_is_usable(listener->server->loop))
        eddy__op_forget(listener->server->loop, listener->fd);
    eddy__os_close(TAKE_FD(listener->fd));
    eddy__os_close(TAKE_FD(listener->waiting_fd));
}

/* The connection was lost, or forbidden, before it was accepted: accept(2) lists these. The next
 * may be better. */
static bool is_of_one_connection(int code) {
    return eddy__socket_is_lost(code) || code == -EPERM || code == -ENOPROTOOPT ||
           code == -ENONET || code == -EOPNOTSUPP;
}

/* Takes what an accept has brought. A connection may have come before the cancel of a full or a
 * closed server did. That we were cancelled, or that the loop ends, is no shortage. */
static void listener_accepted(struct server_listener *listener) {
    eddy_server *server = listener->server;
    int r = (int)listener->accept.result;

    if (r >= 0 && server->is_closed) {
        eddy__os_close(r);
    } else if (r >= 0 && server_is_full(server)) {
        listener->waiting_fd = r;
    } else if (r >= 0) {
        r = eddy__server_add_client(server, r);
        server->is_short = server->is_short && r < 0;
    }
    if (r < 0 && r != -ECANCELED && r != EDDY_ESHUTDOWN && !is_of_one_connection(r))
        server_is_out_of(server, r);
}

static void listener_done(struct eddy__op *op);

/* Lets in who came when the server had just become full. */
static void listener_take_waiting(struct server_listener *listener) {
    if (listener->waiting_fd < 0 || !server_may_accept(listener->server))
        return;
    listener->accept.result = TAKE_FD(listener->waiting_fd);
    listener_accepted(listener);
}

static void listener_accept(struct server_listener *listener) {
    eddy_server *server = listener->server;

    listener_take_waiting(listener);
    for (int i = 0; i < ACCEPTS_MAX && server_may_accept(server); i++) {
        eddy__op_accept(&listener->accept, listener->fd);
        listener->accept.done = listener_done;
        listener->accept.is_repeated = server_has_room(server);
        if (!eddy__op_submit(server->loop, &listener->accept)) {
            eddy__server_ref(server);
            return;
        }
        listener_accepted(listener);
    }
    server_accept_soon(server);
}

/* A full server wants no more from its other listeners either. */
static void server_stop_when_full(eddy_server *server) {
    if (!server_is_full(server))
        return;
    for (int i = 0; i < server->listeners_count; i++)
        eddy__op_cancel(server->loop, &server->listeners[i].accept);
}

/* Cancelled, it goes on later if at all: the loop itself may be closing. */
static void listener_done(struct eddy__op *op) {
    struct server_listener *listener = container_of(op, struct server_listener, accept);
    eddy_server *server = listener->server;

    listener_accepted(listener);
    if (server->is_closed) {
        listener_close(listener);
    } else if (op->result == -ECANCELED) {
        server_accept_soon(server);
    } else {
        listener_accept(listener);
        server_stop_when_full(server);
    }
    eddy__server_unref(server);
}

/* --- all of them ------------------------------------------------------------------------------ */

void eddy__server_accept(eddy_server *server) {
    for (int i = 0; i < server->listeners_count; i++)
        if (!server->listeners[i].accept.pending)
            listener_accept(&server->listeners[i]);
    server_stop_when_full(server);
}

void eddy__server_stop_accepting(eddy_server *server) {
    bool loop_is_usable = eddy__loop_is_usable(server->loop);

    server->is_closed = true;
    if (server->options.keep_socket_file)
        eddy__unix_file_keep(&server->file);
    else
        eddy__unix_file_remove(&server->file); /* the listener is open still */
    if (loop_is_usable)
        eddy__timer_disarm(server->loop, &server->accept_on);
    for (int i = 0; i < server->listeners_count; i++) {
        struct server_listener *listener = &server->listeners[i];
        if (loop_is_usable && listener->accept.pending)
            eddy__op_cancel(server->loop, &listener->accept);
        else if (listener->fd >= 0)
            listener_close(listener);
    }
}
