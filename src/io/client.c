/* SPDX-License-Identifier: MIT
 * client.c - a client of a server: a task that runs the user's function on the connection.
 *
 * Nobody awaits it, so its failure is reported when it ends; but that a client went away is no
 * failure of the server's. */
#include <errno.h>
#include <stdio.h>

#include "connect.h"
#include "log.h"
#include "memory.h"
#include "server.h"
#include "socket.h"

static bool client_has_gone(const struct server_client *client, int code) {
    if (client->stream)
        return eddy__stream_was_lost(client->stream, code);
    return code == EDDY_ECLOSED || eddy__socket_is_lost(code);
}

static void handshake_failed(eddy_server *server, const eddy_stream *stream, int code) {
    server->handshakes_failed++;
    if (server->loop->options.debug)
        eddy__log(EDDY_LOG_DEBUG, "the hand-shake with %s failed: %s", eddy_stream_peer(stream),
                  eddy_error_text(code));
}

/* That it fails is nothing that the server's owner has to know: anybody may knock. Suspends. */
static int client_greet(const struct server_client *client) {
    eddy_server *server = client->server;
    const eddy_stream_layer *layer = (const eddy_stream_layer *)server->options.tls;
    int r = layer
                ? eddy__stream_greet(client->stream, layer, NULL, server->options.handshake_seconds)
                : 0;

    if (r == 0)
        return 0;
    if (r != -ECANCELED)
        handshake_failed(server, client->stream ? client->stream : client->kept, r);
    eddy_stream_abort(client->stream);
    return r;
}

static int client_run(void *arg) {
    struct server_client *client = arg;
    eddy_server *server = client->server;
    int r = client_greet(client);

    if (r < 0)
        return r == -ECANCELED ? r : 0;
    r = server->fn(client->stream ? client->stream : client->kept, server->arg);
    return client_has_gone(client, r) ? 0 : r;
}

/* However its task has ended, and if it never ran. */
static void client_end(void *arg) {
    struct server_client *client = arg;
    eddy_server *server = client->server;

    eddy_stream_close(client->stream);
    if (client->kept)
        eddy__stream_let_go(client->kept);
    list_remove(&client->node);
    if (client->task)
        eddy_detach(client->task);
    eddy__free(client);
    eddy__server_client_left(server);
    eddy__server_unref(server);
}

static struct server_client *client_new(eddy_server *server, eddy_stream *stream) {
    struct server_client *client = eddy__alloc(sizeof(*client));

    if (!client)
        return NULL;
    *client = (struct server_client){.server = eddy__server_ref(server), .stream = stream};
    stream->owner = &client->stream;
    list_append(&server->clients, &client->node);
    server->clients_count++;
    server->accepted++;
    server->loop->connections_accepted++;
    server->loop->connections_open++;
    return client;
}

/* Takes the client: when there is no task, client_end() has been called. */
static int client_start(struct server_client *client) {
    const eddy_server *server = client->server;
    char peer[ADDRESS_TEXT_BYTES], name[sizeof("client ") + ADDRESS_TEXT_BYTES];
    eddy_task_options options = {.name = name,
                                 .stack_bytes = server->options.stack_bytes,
                                 .free_arg = client_end,
                                 .loop = server->loop};
    eddy_task *task;

    eddy__stream_format_peer(client->stream, peer);
    snprintf(name, sizeof(name), "client %s", peer);
    task = eddy_create_task_with(&options, client_run, client);
    if (!task || eddy_is_done(task))
        return eddy_detach(task);
    client->task = task;
    return 0;
}

int eddy__server_add_client(eddy_server *server, int fd) {
    eddy_connect_options options = {.limit_bytes = server->options.limit_bytes,
                                    .high_water_bytes = server->options.high_water_bytes,
                                    .low_water_bytes = server->options.low_water_bytes,
                                    .shutdown_seconds = server->options.shutdown_seconds};
    struct server_client *client;
    eddy_stream *stream;
    int r = eddy__stream_new(server->loop, fd, &options, &stream);

    if (r < 0)
        return r;
    client = client_new(server, stream);
    if (!client) {
        eddy_stream_close(stream);
        return -ENOMEM;
    }
    return client_start(client);
}

bool eddy__server_has_client(const eddy_server *server, const struct eddy__task *task) {
    const struct list_node *node;

    for (node = server->clients.next; node != &server->clients; node = node->next)
        if (container_of(node, struct server_client, node)->task == &task->future)
            return true;
    return false;
}

/* A client whose task has not run yet ends, and is freed, as it is cancelled. */
void eddy_server_cancel_clients(eddy_server *server) {
    struct list_node *node, *next;

    eddy__server_ref(server);
    for (node = server->clients.next; node != &server->clients; node = next) {
        next = node->next;
        eddy_cancel(container_of(node, struct server_client, node)->task);
    }
    eddy__server_unref(server);
}

static void close_clients(eddy_server *server, bool is_abort) {
    for (struct list_node *node = server->clients.next; node != &server->clients;
         node = node->next) {
        struct server_client *client = container_of(node, struct server_client, node);
        if (!client->stream)
            continue;
        client->kept = client->stream;
        eddy__stream_close_under(client->kept, is_abort);
    }
}

void eddy_server_close_clients(eddy_server *server) {
    close_clients(server, false);
}

void eddy_server_abort_clients(eddy_server *server) {
    close_clients(server, true);
}
