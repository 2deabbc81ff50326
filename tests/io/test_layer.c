/* SPDX-License-Identifier: MIT
 * test_layer.c - what `.tls` of the options asks for, with a layer that only turns letters round:
 * a greeting of both ends, its limits in time, and what is left when it fails. */
#include <stdio.h>

#include "rot13_stream.h"
#include "talk.h"

/* Begins with an eddy_stream_layer, as an eddy_tls_context does. */
struct greeter {
    eddy_stream_layer layer;
    const char *says; /* the greeting that it sends and expects; NULL: it waits for ever */
    int code;         /* that it answers; 0: whether it was greeted */
    int refs, starts;
    char host[80];
};

static int greet(const eddy_stream_layer *layer, eddy_stream *stream, const char *host) {
    struct greeter *greeter = (struct greeter *)layer;
    eddy_slice line;
    ssize_t n;
    int r;

    greeter->starts++;
    snprintf(greeter->host, sizeof(greeter->host), "%s", host ? host : "(none)");
    r = rot13_push(stream);
    if (r == 0 && greeter->says)
        r = eddy_stream_write(stream, greeter->says, strlen(greeter->says));
    if (r < 0)
        return r;
    n = eddy_stream_read_line(stream, &line);
    if (n < 0)
        return (int)n;
    if (!greeter->says || line.size != strlen(greeter->says) ||
        memcmp(line.data, greeter->says, line.size) != 0)
        return eddy_raise(EDDY_EPROTOCOL, "an unknown greeting");
    return greeter->code;
}

static void greeter_ref(const eddy_stream_layer *layer) {
    ((struct greeter *)layer)->refs++;
}

static void greeter_unref(const eddy_stream_layer *layer) {
    ((struct greeter *)layer)->refs--;
}

static struct greeter for_servers = {
    .layer = {.start = greet, .ref = greeter_ref, .unref = greeter_unref, .is_server = true},
    .says = "hello\n",
};
static struct greeter for_clients = {.layer = {.start = greet}, .says = "hello\n"};

static const eddy_tls_context *tls_of(const struct greeter *greeter) {
    return (const eddy_tls_context *)greeter;
}

/* --- a server and a client -------------------------------------------------------------------- */

static eddy_server *start(double handshake_seconds) {
    const eddy_server_options options = {.tls = tls_of(&for_servers),
                                         .handshake_seconds = handshake_seconds};
    eddy_server *server;

    ASSERT_OK(eddy_start_server(echo, NULL, "127.0.0.1", "0", &options, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    return server;
}

static int open_greeted(const char *name, eddy_stream **stream) {
    const eddy_connect_options options = {.tls = tls_of(&for_clients), .server_hostname = name};

    return eddy_open_connection("127.0.0.1", port, &options, stream);
}

static void talk_greeted(void) {
    eddy_stream *stream;
    eddy_slice line;

    ASSERT_OK(open_greeted(NULL, &stream));
    ASSERT_OK(eddy_stream_write(stream, "letters\n", 8));
    ASSERT_INT_EQ(eddy_stream_read_line(stream, &line), 8);
    ASSERT_SLICE_EQ(line, "letters\n");
    eddy_stream_close(stream);
}

static uint64_t failed_handshakes(const eddy_server *server) {
    eddy_server_statistics info;

    ASSERT_OK(eddy_server_info(server, &info));
    return info.handshakes_failed;
}

static void assert_no_layers(void) {
    for (int i = 0; i < 1000 && rot13_count > 0; i++)
        ASSERT_OK(eddy_sleep(0.001));
    ASSERT_INT_EQ(rot13_count, 0);
}

TASK_TEST(both_ends_are_greeted_before_anything_else) {
    eddy_server *server = start(0);

    talk_greeted();
    ASSERT_STR_EQ(for_clients.host, "127.0.0.1");
    ASSERT_STR_EQ(for_servers.host, "(none)");
    ASSERT_OK(eddy_server_close(server));
    ASSERT_INT_EQ(served, 1);
    assert_no_layers();
    return 0;
}

TASK_TEST(the_name_to_expect_may_be_another_than_the_host) {
    eddy_server *server = start(0);
    eddy_stream *stream;

    ASSERT_OK(open_greeted("example.org", &stream));
    ASSERT_STR_EQ(for_clients.host, "example.org");
    eddy_stream_close(stream);
    return eddy_server_close(server);
}

TASK_TEST(a_server_keeps_its_layer_alive) {
    eddy_server *server = start(0);

    ASSERT_INT_EQ(for_servers.refs, 1);
    ASSERT_OK(eddy_server_close(server));
    ASSERT_INT_EQ(for_servers.refs, 0);
    return 0;
}

TASK_TEST(over_unix_sockets_as_well) {
    const eddy_server_options served_by = {.tls = tls_of(&for_servers)};
    const eddy_connect_options options = {.tls = tls_of(&for_clients), .server_hostname = "x"};
    eddy_server *server;
    eddy_stream *stream;

    ASSERT_OK(eddy_start_unix_server(echo, NULL, "@", &served_by, &server));
    ASSERT_OK(eddy_open_unix_connection(eddy_server_address(server, 0) + 5, &options, &stream));
    ASSERT_STR_EQ(for_clients.host, "x");
    eddy_stream_close(stream);
    return eddy_server_close(server);
}

TASK_TEST(a_layer_for_the_other_end_is_refused) {
    const eddy_server_options wrong_server = {.tls = tls_of(&for_clients)};
    const eddy_connect_options wrong_client = {.tls = tls_of(&for_servers)};
    eddy_server *server = start(0), *other;
    eddy_stream *stream;

    ASSERT_CODE(-EINVAL, eddy_start_server(echo, NULL, "127.0.0.1", "0", &wrong_server, &other));
    ASSERT_CODE(-EINVAL, eddy_open_connection("127.0.0.1", port, &wrong_client, &stream));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "for servers");
    return eddy_server_close(server);
}

/* --- failing ---------------------------------------------------------------------------------- */

TASK_TEST(a_greeting_that_fails_is_the_failure_of_the_connection) {
    eddy_server *server = start(0);
    eddy_stream *stream = NULL;

    eddy_set_log(keep_log, NULL);
    for_clients.says = "hallo\n";
    ASSERT_CODE(EDDY_EPROTOCOL, open_greeted(NULL, &stream));
    ASSERT_STR_EQ(eddy_last_error()->message, "an unknown greeting");
    ASSERT_NULL(stream);
    while (failed_handshakes(server) < 1)
        ASSERT_OK(eddy_sleep(0.001));
    for_clients.says = "hello\n";
    talk_greeted(); /* it serves the others */
    ASSERT_OK(eddy_server_close(server));
    ASSERT_INT_EQ(served, 1);
    ASSERT_INT_EQ(log_lines, 0);
    assert_no_layers();
    return 0;
}

TASK_TEST(a_client_that_says_nothing_has_limited_time) {
    eddy_server *server = start(0.02);
    int silent;

    silent = plain_connect("127.0.0.1", port);
    while (failed_handshakes(server) < 1)
        ASSERT_OK(eddy_sleep(0.001));
    ASSERT_INT_EQ(eddy_server_clients(server), 0);
    plain_close(&silent);
    ASSERT_OK(eddy_server_close(server));
    ASSERT_INT_EQ(served, 0);
    assert_no_layers();
    return 0;
}

TASK_TEST(a_server_that_says_nothing_has_limited_time) {
    eddy_connect_options options = {.tls = tls_of(&for_clients), .handshake_seconds = 0.02};
    struct plain_listener listener;
    eddy_stream *stream;
    char expected[100];

    plain_listen(&listener, 10);
    ASSERT_CODE(-ETIMEDOUT, eddy_open_connection("127.0.0.1", listener.port, &options, &stream));
    snprintf(expected, sizeof(expected),
             "the hand-shake with 127.0.0.1:%s was not over after 0.02 seconds", listener.port);
    ASSERT_STR_EQ(eddy_last_error()->message, expected);
    plain_close(&listener.fd);
    assert_no_layers();
    return 0;
}

static int connect_greeted(void *listener) {
    eddy_connect_options options = {.tls = tls_of(&for_clients)};
    eddy_stream *stream;

    return eddy_open_connection("127.0.0.1", ((struct plain_listener *)listener)->port, &options,
                                &stream);
}

TASK_TEST(a_cancel_ends_the_greeting) {
    struct plain_listener listener;
    eddy_task *task;

    plain_listen(&listener, 10);
    task = eddy_create_task(connect_greeted, &listener);
    while (for_clients.starts == 0)
        ASSERT_OK(eddy_sleep(0.001));
    settle();
    eddy_cancel(task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    plain_close(&listener.fd);
    assert_no_layers();
    return 0;
}

TEST(a_loop_may_be_closed_over_a_greeting) {
    int before = count_descriptors();
    struct plain_listener listener;
    eddy_loop *loop;

    plain_listen(&listener, 10);
    eddy_set_log(keep_log, NULL);
    ASSERT_OK(eddy_loop_new(NULL, &loop));
    eddy_detach(
        eddy_create_task_with(&(eddy_task_options){.loop = loop}, connect_greeted, &listener));
    for (int i = 0; i < 1000 && for_clients.starts == 0; i++)
        ASSERT_OK(eddy_loop_run_once(loop, 0.005));
    ASSERT_OK(eddy_loop_run_once(loop, 0.005));
    ASSERT_INT_EQ(for_clients.starts, 1);
    ASSERT_NULL(eddy_loop_close(loop));
    plain_close(&listener.fd);
    ASSERT_INT_EQ(rot13_count, 0);
    assert_descriptors(before);
}

TASK_TEST(clients_closed_during_the_greeting_do_not_begin) {
    eddy_server *server = start(0);
    int silent = plain_connect("127.0.0.1", port);

    while (for_servers.starts == 0)
        ASSERT_OK(eddy_sleep(0.001));
    settle();
    eddy_server_abort_clients(server);
    ASSERT_OK(eddy_server_close(server));
    ASSERT_INT_EQ(served, 0);
    plain_close(&silent);
    assert_no_layers();
    return 0;
}
