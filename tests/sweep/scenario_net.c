/* SPDX-License-Identifier: MIT
 * scenario_net.c - servers and their clients, by number and by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"
#include "test.h"
#include "util.h"

enum { MUCH = 600 << 10, CLIENTS = 3 };

static void stream_closep(eddy_stream **stream) {
    eddy_stream_close(*stream);
}

static void freep(char **memory) {
    free(*memory);
}

/* --- a talk ----------------------------------------------------------------------------------- */

/* A line, then as many bytes as it says, which it sends back. */
static int answer(eddy_stream *stream, void *arg) {
    CLEANUP(freep) char *body = NULL;
    char number[16] = "";
    eddy_slice line;
    ssize_t n = eddy_stream_read_line(stream, &line);
    size_t size;

    (void)arg;
    if (n <= 0 || n >= (ssize_t)sizeof(number))
        return n < 0 ? (int)n : -EPROTO;
    memcpy(number, line.data, line.size);
    size = strtoul(number, NULL, 10);
    body = malloc(size);
    n = eddy_stream_read_exactly(stream, body, size);
    if (n < 0)
        return (int)n;
    n = eddy_stream_write(stream, body, size);
    return n < 0 ? (int)n : eddy_stream_write_eof(stream);
}

static int ask(eddy_stream *stream, size_t size) {
    CLEANUP(freep) char *body = malloc(size), *echo = malloc(size);
    eddy_slice rest;
    char line[16];
    ssize_t n;
    int r;

    for (size_t i = 0; i < size; i++)
        body[i] = (char)(i * 7 + i / 251);
    r = eddy_stream_write(stream, line, (size_t)snprintf(line, sizeof(line), "%zu\n", size));
    if (r == 0)
        r = eddy_stream_write(stream, body, size);
    if (r == 0)
        r = eddy_stream_flush(stream);
    n = r < 0 ? r : eddy_stream_read_exactly(stream, echo, size);
    if (n >= 0) {
        ASSERT(memcmp(body, echo, size) == 0);
        n = eddy_stream_read_some(stream, &rest);
    }
    return n > 0 ? -EPROTO : (int)n;
}

struct client {
    const char *host, *port;
    size_t size;
};

static int client_asks(void *arg) {
    const struct client *client = arg;
    CLEANUP(stream_closep) eddy_stream *stream = NULL;
    int r = eddy_open_connection(client->host, client->port, NULL, &stream);

    return r < 0 ? r : ask(stream, client->size);
}

static int serve(const char *host, eddy_fn *body, struct client *client) {
    eddy_server *server;
    char port[8];
    int r = eddy_start_server(answer, NULL, "127.0.0.1", "0", NULL, &server);

    if (r < 0)
        return r;
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    *client = (struct client){host, port, client->size};
    r = body(client);
    eddy_server_cancel_clients(server);
    return first_of(r, eddy_server_close(server));
}

static int clients_ask(void *arg) {
    struct client clients[CLIENTS];
    eddy_task *tasks[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = *(struct client *)arg;
        clients[i].size = (size_t[]){10, 20000, MUCH}[i];
        tasks[i] = eddy_create_task(client_asks, &clients[i]);
    }
    return eddy_gather_array(tasks, CLIENTS, NULL);
}

static int talk(void *unused) {
    (void)unused;
    return serve("127.0.0.1", clients_ask, &(struct client){.size = 0});
}

int scenario_talk(void) {
    return scenario_run(EDDY_CLOCK_MONOTONIC, talk, NULL);
}

static int talk_by_name(void *unused) {
    (void)unused;
    return serve("localhost", client_asks, &(struct client){.size = 100});
}

int scenario_names(void) {
    return scenario_run(EDDY_CLOCK_MONOTONIC, talk_by_name, NULL);
}

/* --- servers ---------------------------------------------------------------------------------- */

static int connect_to_each(const char *port, int count) {
    int r = 0;

    for (int i = 0; i < count && r == 0; i++) {
        eddy_stream *stream = NULL;
        r = eddy_open_connection("127.0.0.1", port, NULL, &stream);
        if (r == 0)
            r = ask(stream, 10);
        eddy_stream_close(stream);
    }
    return r;
}

/* Two servers on one port, a third that is refused, and one that serves until it is cancelled. */
static int servers(void *unused) {
    int shared = 0, r, s;
    eddy_server_options options = {.shared_port = &shared, .connections_max = 1};
    eddy_server *first = NULL, *second = NULL, *third = NULL;
    char port[8];

    (void)unused;
    r = eddy_start_server(answer, NULL, "127.0.0.1", "0", &options, &first);
    if (r == 0)
        r = eddy_start_server(answer, NULL, "127.0.0.1", "0", &options, &second);
    if (r == 0) {
        snprintf(port, sizeof(port), "%d", eddy_server_port(first));
        ASSERT_INT_EQ(eddy_server_port(second), eddy_server_port(first));
        r = connect_to_each(port, 4);
    }
    s = r < 0 ? 0 : eddy_start_server(answer, NULL, "127.0.0.1", port, NULL, &third);
    eddy_server_close(third);
    if (s == -EADDRINUSE)
        s = 0;
    s = first_of(s, eddy_server_close(second));
    if (first && r == 0) {
        eddy_timeout timeout;
        eddy_timeout_begin(&timeout, 0.001);
        s = first_of(s, eddy_timeout_end(&timeout, eddy_server_serve_forever(first)));
        s = s == -ETIMEDOUT ? 0 : s;
    } else {
        eddy_server_close(first);
    }
    return first_of(r, s);
}

int scenario_servers(void) {
    return scenario_run(EDDY_CLOCK_MONOTONIC, servers, NULL);
}
