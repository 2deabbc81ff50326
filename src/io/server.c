/* SPDX-License-Identifier: MIT
 * server.c - the life of a server once it is started: it serves, and is closed when its clients
 * have ended (see server.h, server_start.c). */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scheduler.h"
#include "server.h"

/* --- asking ----------------------------------------------------------------------------------- */

int eddy_server_port(const eddy_server *server) {
    return server->port;
}

int eddy_server_sockets(const eddy_server *server, int fds[], int capacity) {
    int count = 0;

    for (int i = 0; i < server->listeners_count; i++) {
        if (server->listeners[i].fd >= 0 && count < capacity)
            fds[count] = server->listeners[i].fd;
        count += server->listeners[i].fd >= 0;
    }
    return count;
}

const char *eddy_server_address(const eddy_server *server, int index) {
    if (index < 0 || index >= server->listeners_count)
        return NULL;
    return server->listeners[index].address;
}

bool eddy_server_is_serving(const eddy_server *server) {
    return server->is_serving && !server->is_closed;
}

int eddy_server_start_serving(eddy_server *server) {
    int r = eddy__loop_check(server->loop);

    if (r < 0 || server->is_serving)
        return r;
    r = eddy__server_listen(server);
    if (r == 0)
        eddy__server_accept(server);
    return r;
}

int eddy_server_clients(const eddy_server *server) {
    return server->clients_count;
}

int eddy_server_info_sized(const eddy_server *server, eddy_server_statistics *out,
                           size_t out_size) {
    eddy_server_statistics info = {
        .connections_accepted = server->accepted,
        .connections_open = (size_t)server->clients_count,
        .handshakes_failed = server->handshakes_failed,
    };

    memcpy(out, &info, MIN(out_size, sizeof(info)));
    return 0;
}

/* --- closing ---------------------------------------------------------------------------------- */

void eddy__server_unref(eddy_server *server) {
    server->refs--;
    if (server->refs == 1 && server->closer)
        eddy__task_wake(TAKE_POINTER(server->closer)->task);
    if (server->refs > 0)
        return;
    eddy__server_free(server);
}

/* It goes on waiting: the clients may still use what our caller's stack holds. */
static void closer_cancelled(struct eddy__wait *wait) {
    struct server_closer *closer = container_of(wait, struct server_closer, wait);

    closer->was_cancelled = true;
    eddy_server_cancel_clients(closer->server);
}

static void closer_look(const struct eddy__wait *wait, struct eddy__look *look) {
    snprintf(look->what, sizeof(look->what), "%d clients of a server",
             container_of(wait, struct server_closer, wait)->server->clients_count);
}

/* The loop was closed over the closer: its reference is ours to give back. */
static void closer_dropped(struct eddy__wait *wait) {
    eddy_server *server = container_of(wait, struct server_closer, wait)->server;

    server->closer = NULL;
    eddy__server_unref(server);
}

/* Suspends. Takes the server. */
static int server_wait(eddy_server *server, struct eddy__task *task, bool was_cancelled) {
    struct server_closer closer = {
        .wait = {.cancel = closer_cancelled, .drop = closer_dropped, .look = closer_look},
        .task = task,
        .server = server,
        .was_cancelled = was_cancelled};

    if (server->refs > 1) {
        server->closer = &closer;
        eddy__task_park(task, &closer.wait);
    }
    eddy__server_unref(server);
    return closer.was_cancelled ? eddy__task_fail_cancelled(task) : 0;
}

/* Who cannot wait leaves it to end by itself, with its last client. Takes the server. */
static int server_leave(eddy_server *server, int code) {
    if (eddy__loop_is_usable(server->loop))
        eddy_server_cancel_clients(server);
    eddy__server_unref(server);
    return code;
}

int eddy_server_close(eddy_server *server) {
    struct eddy__task *task;
    int r, code;

    if (!server)
        return 0;
    r = eddy__checkpoint(server->loop, &task);
    if (r == EDDY_EWRONG_THREAD)
        return r; /* and nothing of it may be touched */
    eddy__server_stop_accepting(server);
    if (r < 0 && r != -ECANCELED)
        return server_leave(server, r);

    if (r == -ECANCELED) {
        eddy_server_cancel_clients(server);
        task = eddy__task_to_suspend(server->loop, &code);
    }
    if (eddy__server_has_client(server, task))
        return server_leave(server, eddy_raise(-EDEADLK, "a client's task closes its own server: "
                                                         "it would wait for itself"));
    return server_wait(server, task, r == -ECANCELED);
}

/* A task that serves until it is cancelled. */
struct server_keeper {
    struct eddy__wait wait;
    struct eddy__task *task;
    eddy_server *server;
};

static void keeper_cancelled(struct eddy__wait *wait) {
    eddy__task_wake(container_of(wait, struct server_keeper, wait)->task);
}

/* The loop was closed over it: the server is ours to give back. */
static void keeper_dropped(struct eddy__wait *wait) {
    eddy_server *server = container_of(wait, struct server_keeper, wait)->server;

    eddy__server_stop_accepting(server);
    eddy__server_unref(server);
}

/* Suspends until the task is cancelled. */
static int server_keep(eddy_server *server) {
    struct server_keeper keeper = {.wait = {.cancel = keeper_cancelled, .drop = keeper_dropped},
                                   .server = server};
    int r = eddy__checkpoint(server->loop, &keeper.task);

    if (r < 0)
        return r;
    eddy__task_park(keeper.task, &keeper.wait);
    return eddy__task_fail_cancelled(keeper.task);
}

/* The clients' grace begins when we are cancelled; a shield lets us wait for them nevertheless. */
int eddy_server_serve_forever(eddy_server *server) {
    eddy_shield_scope shield;
    eddy_timeout grace;
    int r = server ? server_keep(server) : -ENOMEM;
    const eddy_error *error;

    if (!server || r == -EDEADLK || r == EDDY_EWRONG_THREAD) {
        eddy_server_close(server);
        return r;
    }
    error = eddy_error_ref(eddy_last_error());
    eddy_shield_begin_at("eddy_server_serve_forever", &shield);
    eddy_timeout_begin_at("eddy_server_serve_forever", &grace, server->options.grace_seconds);
    eddy_timeout_end(&grace, eddy_server_close(server));
    eddy_shield_end(&shield);
    eddy__fail_with(error);
    eddy_error_unref(error);
    return r;
}
