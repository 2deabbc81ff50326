/* SPDX-License-Identifier: MIT
 * test_options.c - `.tls` in the options of connections and servers. */
#include <stdio.h>

#include "tls.h"

struct talk {
    eddy_tls_context *server_context, *client_context;
    eddy_server *server;
    char port[8];
    int served;
};

static int serve(eddy_stream *stream, void *arg) {
    struct talk *talk = arg;

    talk->served++;
    return tls_echo(stream, NULL);
}

static void talk_open(struct talk *talk, eddy_server_options options) {
    *talk = (struct talk){.server_context = tls_server("good"), .client_context = tls_client()};
    options.tls = talk->server_context;
    ASSERT_OK(eddy_start_server(serve, talk, "127.0.0.1", "0", &options, &talk->server));
    snprintf(talk->port, sizeof(talk->port), "%d", eddy_server_port(talk->server));
    talk->server_context =
        eddy_tls_context_unref(talk->server_context); /* the server has its own */
}

static void talk_close(struct talk *talk) {
    eddy_server_cancel_clients(talk->server);
    ASSERT_OK(eddy_server_close(talk->server));
    eddy_tls_context_unref(talk->client_context);
}

static int talk_connect(struct talk *talk, const char *name, eddy_stream **out) {
    return eddy_open_connection(
        "127.0.0.1", talk->port,
        &(eddy_connect_options){.tls = talk->client_context, .server_hostname = name}, out);
}

TASK_TEST(the_options_of_a_connection_and_a_server_speak_tls) {
    struct talk talk;
    eddy_stream *stream;
    eddy_tls_facts facts;

    talk_open(&talk, (eddy_server_options){0});
    ASSERT_OK(talk_connect(&talk, "localhost", &stream));
    tls_assert_echo(stream, "hello\n");
    ASSERT_OK(eddy_tls_info(stream, &facts));
    ASSERT_STR_EQ(facts.server_name, "localhost");
    stream = eddy_stream_close(stream);
    ASSERT_OK(talk_connect(&talk, NULL, &stream)); /* the host that was connected to */
    ASSERT_OK(eddy_tls_info(stream, &facts));
    ASSERT(!facts.is_resumed);
    tls_assert_echo(stream, "hello\n");
    stream = eddy_stream_close(stream);
    ASSERT_INT_EQ(talk.served, 2);
    talk_close(&talk);
    return 0;
}

TASK_TEST(a_connection_that_is_refused_says_why) {
    struct talk talk;
    eddy_stream *stream = NULL;

    talk_open(&talk, (eddy_server_options){0});
    ASSERT_CODE(EDDY_ECERT_HOST, talk_connect(&talk, "elsewhere.example", &stream));
    ASSERT_NULL(stream);
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "not for elsewhere.example");
    settle();
    ASSERT_INT_EQ(talk.served, 0);
    talk_close(&talk);
    return 0;
}

/* A server that refuses ends its stream at once; the client hears of it all the same. */
TASK_TEST(who_is_refused_by_a_server_hears_why) {
    CLEANUP(context_unrefp)
    eddy_tls_context *context =
        tls_server_with("good", (eddy_tls_options){.client_certificates = EDDY_TLS_CLIENTS_MUST,
                                                   .ca_file = tls_file("ca.pem")});
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();
    struct talk talk = {0};
    char port[8];

    ASSERT_OK(eddy_start_server(serve, &talk, "127.0.0.1", "0",
                                &(eddy_server_options){.tls = context}, &talk.server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(talk.server));
    for (int i = 0; i < 10; i++) {
        eddy_stream *stream;
        char byte;

        ASSERT_OK(tls_connect(port, client, "localhost", &stream));
        ASSERT_CODE(EDDY_EALERT, eddy_stream_read(stream, &byte, 1));
        ASSERT_STR_CONTAINS(eddy_last_error()->message, "certificate required");
        eddy_stream_close(stream);
    }
    ASSERT_INT_EQ(talk.served, 0);
    ASSERT_OK(eddy_server_close(talk.server));
    return 0;
}

VIRTUAL_TEST(a_client_that_says_nothing_is_given_up) {
    struct talk talk;
    eddy_stream *silent;
    double before;

    talk_open(&talk, (eddy_server_options){.handshake_seconds = 7});
    ASSERT_OK(eddy_open_connection("127.0.0.1", talk.port, NULL, &silent));
    settle();
    ASSERT_INT_EQ(eddy_server_clients(talk.server), 1);
    before = eddy_time();
    while (eddy_server_clients(talk.server) > 0)
        eddy_sleep(0.5);
    ASSERT(eddy_time() - before >= 6 && eddy_time() - before < 9);
    ASSERT_INT_EQ(talk.served, 0);
    eddy_stream_close(silent);
    talk_close(&talk);
    return 0;
}

enum { MUCH = 16 << 20 }; /* more than the kernel takes at once */

static int say_much(eddy_stream *stream, void *arg) {
    char *much = calloc(1, MUCH);
    int r = eddy_stream_write(stream, much, MUCH);

    (void)arg;
    free(much);
    return r;
}

/* What a client reads that takes its time before it begins. */
static ssize_t read_late(double shutdown_seconds, double late_seconds, size_t *came) {
    CLEANUP(context_unrefp) eddy_tls_context *context = tls_server("good");
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();
    static char buffer[1 << 16];
    eddy_server *server;
    eddy_stream *stream;
    char port[8];
    ssize_t n;

    ASSERT_OK(eddy_start_server(
        say_much, NULL, "127.0.0.1", "0",
        &(eddy_server_options){.tls = context, .shutdown_seconds = shutdown_seconds}, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    ASSERT_OK(tls_connect(port, client, "localhost", &stream));
    eddy_sleep(late_seconds);
    for (*came = 0; (n = eddy_stream_read(stream, buffer, sizeof(buffer))) > 0;)
        *came += (size_t)n;
    eddy_stream_close(stream);
    ASSERT_OK(eddy_server_close(server));
    return n;
}

/* What is unsent at the close, and TLS's notice behind it, have so much time to go. */
VIRTUAL_TEST(a_peer_that_reads_nothing_is_given_up_after_the_shutdown_seconds) {
    size_t came;

    ASSERT_CODE(0, read_late(10, 5, &came));
    ASSERT_UINT_EQ(came, MUCH);
    ASSERT_CODE(-ECONNRESET, read_late(3, 5, &came));
    ASSERT(came < MUCH);
    return 0;
}
