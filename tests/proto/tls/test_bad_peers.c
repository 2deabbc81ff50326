/* SPDX-License-Identifier: MIT
 * test_bad_peers.c - other ends that speak no TLS, or badly, or not at all: each is told, and a
 * server goes on serving its other clients. */
#include "tls.h"

#include <stdio.h>
#include <sys/socket.h>

/* --- a client of ours, and a plain socket as the server --------------------------------------- */

static int shake(void *stream) {
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();

    return eddy_start_tls(
        stream, client,
        &(eddy_start_tls_options){.server_hostname = "localhost", .handshake_seconds = 5});
}

/* What a client says of a server that answers with this, and then perhaps ends. */
static void assert_client_says(const void *answer, size_t size, bool ends, int code,
                               const char *sentence) {
    struct pair pair;

    pair_open(&pair, NULL);
    peer_send_bytes(pair.peer, answer, size);
    if (ends)
        shutdown(pair.peer, SHUT_WR);
    ASSERT_CODE(code, shake(pair.stream));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, sentence);
    pair_close(&pair);
}

TASK_TEST(a_server_that_speaks_http_is_told) {
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

    assert_client_says(answer, strlen(answer), true, EDDY_ENO_TLS,
                       "localhost does not speak TLS: it said \"HTTP/1.1 400 Bad Request\"");
    return 0;
}

TASK_TEST(a_server_that_greets_first_is_told) {
    static const char greeting[] = "220 mail.example ESMTP\r\n";

    assert_client_says(greeting, strlen(greeting), false, EDDY_ENO_TLS,
                       "it said \"220 mail.example ESMTP\"");
    return 0;
}

TASK_TEST(a_server_that_says_rubbish_is_told) {
    unsigned char rubbish[64];

    for (size_t i = 0; i < sizeof(rubbish); i++)
        rubbish[i] = (unsigned char)(i * 89 + 201);
    assert_client_says(rubbish, sizeof(rubbish), false, EDDY_ENO_TLS, "does not speak TLS");
    return 0;
}

TASK_TEST(a_server_that_ends_at_once_is_told) {
    assert_client_says("", 0, true, EDDY_EINCOMPLETE,
                       "localhost ended the connection while hands were shaken");
    return 0;
}

TASK_TEST(a_server_that_ends_half_way_is_told) {
    assert_client_says("\x16\x03\x03\x00\x7a\x02", 6, true, EDDY_EINCOMPLETE,
                       "ended the connection while hands were shaken");
    return 0;
}

TASK_TEST(an_alert_instead_of_a_greeting_is_told_by_its_name) {
    assert_client_says("\x15\x03\x03\x00\x02\x02\x28", 7, false, EDDY_EALERT,
                       "localhost ended TLS with the alert \"handshake failure\"");
    return 0;
}

TASK_TEST(a_record_that_is_too_large_is_told) {
    assert_client_says("\x16\x03\x03\xff\xff\x02", 6, false, EDDY_ETLS,
                       "TLS with localhost failed");
    return 0;
}

TASK_TEST(a_lost_connection_is_told) {
    struct pair pair;
    eddy_task *task;

    pair_open(&pair, NULL);
    task = eddy_create_task(shake, pair.stream);
    settle();
    peer_reset(&pair.peer);
    ASSERT_CODE(-ECONNRESET, eddy_await(task));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "was lost while hands were shaken");
    pair_close(&pair);
    return 0;
}

VIRTUAL_TEST(a_server_that_says_nothing_is_given_up) {
    struct pair pair;
    double before = eddy_time();

    pair_open(&pair, NULL);
    ASSERT_CODE(-ETIMEDOUT, shake(pair.stream));
    ASSERT_STR_CONTAINS(eddy_last_error()->message,
                        "the hand-shake with localhost was not over after 5 seconds");
    ASSERT(eddy_time() - before >= 5 && eddy_time() - before < 6);
    ASSERT_CODE(-EBUSY, eddy_stream_write(pair.stream, "x", 1)); /* nothing leaves unencrypted */
    pair_close(&pair);
    return 0;
}

VIRTUAL_TEST(a_server_that_stops_half_way_is_given_up) {
    struct pair pair;

    pair_open(&pair, NULL);
    peer_send_bytes(pair.peer, "\x16\x03\x03\x00\x7a\x02", 6);
    ASSERT_CODE(-ETIMEDOUT, shake(pair.stream));
    pair_close(&pair);
    return 0;
}

/* --- a server of ours ------------------------------------------------------------------------- */

struct scene {
    eddy_tls_context *server, *client;
    struct tls_host host;
    eddy_stream *good; /* a client that is there all the time */
};

static void scene_open(struct scene *scene, eddy_tls_options options) {
    *scene = (struct scene){.server = tls_server_with("good", options), .client = tls_client()};
    scene->host.context = scene->server;
    tls_host_start(&scene->host);
    ASSERT_OK(tls_connect(scene->host.port, scene->client, "localhost", &scene->good));
}

/* The others are served as before. */
static void scene_close(struct scene *scene) {
    eddy_stream *another;

    tls_assert_echo(scene->good, "still there\n");
    ASSERT_OK(tls_connect(scene->host.port, scene->client, "localhost", &another));
    tls_assert_echo(another, "new\n");
    eddy_stream_close(another);
    eddy_stream_close(scene->good);
    tls_host_stop(&scene->host);
    eddy_tls_context_unref(scene->server);
    eddy_tls_context_unref(scene->client);
}

/* A plain client says this to the server: its hand-shake ends so. */
static void assert_server_says(const void *hello, size_t size, bool ends, int code,
                               const char *sentence) {
    struct scene scene;
    eddy_stream *bad;

    scene_open(&scene, (eddy_tls_options){0});
    ASSERT_OK(eddy_open_connection("127.0.0.1", scene.host.port, NULL, &bad));
    ASSERT_OK(eddy_stream_write(bad, hello, size));
    if (ends)
        ASSERT_OK(eddy_stream_write_eof(bad));
    while (scene.host.count < 2)
        settle();
    ASSERT_CODE(code, scene.host.result);
    ASSERT_STR_CONTAINS(scene.host.text, sentence);
    eddy_stream_close(bad);
    scene_close(&scene);
}

TASK_TEST(a_client_that_speaks_http_is_told) {
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    assert_server_says(request, strlen(request), false, EDDY_ENO_TLS,
                       "does not speak TLS: it said \"GET / HTTP/1.1\"");
    return 0;
}

TASK_TEST(a_client_that_says_rubbish_or_nothing_is_told) {
    assert_server_says("\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8", 8, false, EDDY_ENO_TLS,
                       "does not speak TLS");
    assert_server_says("", 0, true, EDDY_EINCOMPLETE, "ended the connection");
    assert_server_says("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03", 10, true, EDDY_EINCOMPLETE,
                       "ended the connection");
    assert_server_says("\x17\x03\x03\x00\x05hello", 10, false, EDDY_ETLS, "TLS with 127.0.0.1:");
    return 0;
}

/* --- through a man in the middle -------------------------------------------------------------- */

static void assert_echo_through(struct tls_relay *relay, eddy_tls_options server_options,
                                eddy_tls_options client_options) {
    CLEANUP(context_unrefp) eddy_tls_context *server = tls_server_with("good", server_options);
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client_with(client_options);
    CLEANUP(stream_closep) eddy_stream *stream = NULL;
    struct tls_host host = {.context = server};

    tls_host_start(&host);
    relay->port = host.port;
    tls_relay_start(relay);
    ASSERT_OK(tls_connect(relay->own_port, client, "localhost", &stream));
    tls_assert_echo(stream, "slowly\n");
    ASSERT_OK(eddy_stream_write_eof(stream));
    ASSERT_INT_EQ(eddy_stream_read(stream, &(char){0}, 1), 0);
    tls_relay_stop(relay);
    tls_host_stop(&host);
}

TASK_TEST(one_byte_at_a_time_is_enough) {
    eddy_tls_options older = {.maximum_version = EDDY_TLS_1_2}, any = {0};

    assert_echo_through(&(struct tls_relay){.piece = 1}, any, any);
    assert_echo_through(&(struct tls_relay){.piece = 1}, older, any);
    return 0;
}

/* Bytes that were changed on the way. */
static int garble(eddy_stream *stream, void *arg) {
    char *port = arg, buffer[4096];
    eddy_stream *server;
    ssize_t n;

    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &server));
    for (int i = 0; i < 2; i++) { /* the client's hello, the server's answer */
        n = eddy_stream_read(i ? server : stream, buffer, sizeof(buffer));
        if (n > 0 && i)
            buffer[n - 1] ^= 1;
        if (n > 0)
            (void)eddy_stream_write(i ? stream : server, buffer, (size_t)n);
    }
    (void)eddy_stream_read(stream, buffer, sizeof(buffer));
    eddy_stream_close(server);
    return 0;
}

TASK_TEST(what_was_changed_on_the_way_is_refused) {
    CLEANUP(context_unrefp) eddy_tls_context *context = tls_server("good");
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();
    struct tls_host host = {.context = context};
    eddy_server *middle;
    eddy_stream *stream = NULL;
    char port[8];

    tls_host_start(&host);
    ASSERT_OK(eddy_start_server(garble, host.port, "127.0.0.1", "0", NULL, &middle));
    snprintf(port, sizeof(port), "%d", eddy_server_port(middle));
    ASSERT_CODE(EDDY_ETLS, tls_connect(port, client, "localhost", &stream));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "decryption failed or bad record mac");
    eddy_server_cancel_clients(middle);
    ASSERT_OK(eddy_server_close(middle));
    tls_host_stop(&host);
    return 0;
}

/* --- s_client as a bad client ----------------------------------------------------------------- */

/* "R" at the beginning of a line asks for it. */
TASK_TEST(a_renegotiation_is_refused_and_the_others_are_served) {
    struct scene scene;
    struct tool tool;
    char address[32];

    scene_open(&scene, (eddy_tls_options){.maximum_version = EDDY_TLS_1_2});
    snprintf(address, sizeof(address), "127.0.0.1:%s", scene.host.port);
    tool_start(&tool, (const char *const[]){"openssl", "s_client", "-connect", address, "-CAfile",
                                            tls_file("ca.pem"), NULL});
    tool_await(&tool, "Verify return code: 0 (ok)");
    tool_say(&tool, "R\n");
    tool_await(&tool, "no renegotiation");
    tool_wait(&tool);
    scene_close(&scene);
    return 0;
}
