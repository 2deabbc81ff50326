/* SPDX-License-Identifier: MIT
 * server.c - the life of a server: started on every address of a name, closed when its clients have
 * ended (see server.h). */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "os.h"
#include "resolve.h"
#include "scheduler.h"
#include "server.h"

#define BACKLOG_DEFAULT 1024

/* --- starting --------------------------------------------------------------------------------- */

/* The port, or a negative code. */
static int port_of(int fd) {
    union eddy__address address;
    socklen_t size = sizeof(address);
    int r = eddy__os_getsockname(fd, &address.any, &size);

    return r < 0 ? r : eddy__address_port(&address.any);
}

static void close_all(const int fds[], int count) {
    while (count > 0)
        eddy__os_close(fds[--count]);
}

/* Takes the descriptors, also when it fails. */
static eddy_server *server_new(eddy_loop *loop, int port, const int fds[], int count) {
    eddy_server *server =
        eddy__zalloc(sizeof(*server) + (size_t)count * sizeof(struct server_listener));

    if (!server) {
        close_all(fds, count);
        return NULL;
    }
    server->loop = eddy_loop_ref(loop);
    server->refs = 1;
    list_init(&server->clients);
    server->port = port;
    server->listeners_count = count;
    for (int i = 0; i < count; i++)
        server->listeners[i] =
            (struct server_listener){.server = server, .fd = fds[i], .waiting_fd = -1};
    return server;
}

/* Returns how many descriptors, and the port of the first. */
static int listen_with(const struct addrinfo *addresses, const eddy_server_options *options,
                       int fds[], int *port, char *failed) {
    int count = eddy__listen(addresses, options->backlog > 0 ? options->backlog : BACKLOG_DEFAULT,
                             options->reuse_port || options->shared_port, fds, failed);

    if (count < 0)
        return count;
    *port = port_of(fds[0]);
    if (*port >= 0)
        return count;
    close_all(fds, count);
    eddy__address_format(addresses->ai_addr, addresses->ai_addrlen, failed);
    return *port;
}

/* "0" becomes this number. */
static void addresses_set_port(struct addrinfo *addresses, int port) {
    for (struct addrinfo *info = addresses; info && port > 0; info = info->ai_next)
        if (eddy__address_port(info->ai_addr) == 0)
            eddy__address_set_port(info->ai_addr, port);
}

/* Servers of several threads agree on a port: the first one's. Who finds that another was faster
 * begins again, with that number. */
static int listen_shared(struct addrinfo *addresses, const eddy_server_options *options, int fds[],
                         int *port, char *failed) {
    int known = __atomic_load_n(options->shared_port, __ATOMIC_RELAXED), count;

    addresses_set_port(addresses, known);
    count = listen_with(addresses, options, fds, port, failed);
    if (count < 0 || known > 0 ||
        __atomic_compare_exchange_n(options->shared_port, &known, *port, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED))
        return count;
    close_all(fds, count);
    addresses_set_port(addresses, known);
    return listen_with(addresses, options, fds, port, failed);
}

static int server_listen(eddy_loop *loop, struct addrinfo *addresses,
                         const eddy_server_options *options, eddy_server **out) {
    int fds[LISTEN_MAX], port;
    char failed[ADDRESS_TEXT_BYTES];
    int count = options->shared_port ? listen_shared(addresses, options, fds, &port, failed)
                                     : listen_with(addresses, options, fds, &port, failed);

    if (count < 0)
        return eddy_raise(count, "cannot listen on %s: %s", failed, eddy_error_text(count));
    *out = server_new(loop, port, fds, count);
    return *out ? 0 : eddy__fail(-ENOMEM);
}

int eddy_start_server_sized(eddy_connection_fn *fn, void *arg, const char *host, const char *port,
                            const eddy_server_options *given, size_t given_size,
                            eddy_server **out) {
    CLEANUP(eddy__addressesp_free) struct addrinfo *addresses = NULL;
    eddy_server_options options = {0};
    struct eddy__task *task;
    eddy_server *server;
    int r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    if (given)
        memcpy(&options, given, MIN(given_size, sizeof(options)));
    r = eddy__resolve(task, host, port, AI_PASSIVE, &addresses);
    if (r < 0)
        return r;
    r = server_listen(task->future.loop, addresses, &options, &server);
    if (r < 0)
        return r;

    server->fn = fn;
    server->arg = arg;
    server->options = options;
    eddy__server_accept(server);
    *out = server;
    return 0;
}

int eddy_server_port(const eddy_server *server) {
    return server->port;
}

int eddy_server_clients(const eddy_server *server) {
    return server->clients_count;
}

int eddy_server_info_sized(const eddy_server *server, eddy_server_statistics *out,
                           size_t out_size) {
    eddy_server_statistics info = {
        .connections_accepted = server->accepted,
        .connections_open = (size_t)server->clients_count,
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
    eddy_loop_unref(server->loop);
    eddy__free(server);
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
