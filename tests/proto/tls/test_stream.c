/* SPDX-License-Identifier: MIT
 * test_stream.c - a stream of TLS is a stream: reading, writing, halves, ends. */
#include "tls.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MUCH = 3 << 20 };

static char *pattern(void) {
    char *data = malloc(MUCH);

    for (size_t i = 0; i < MUCH; i++)
        data[i] = (char)(i * 31 + i / 509);
    return data;
}

TASK_TEST(lines_go_both_ways) {
    struct tls_pair pair;
    eddy_slice line;

    tls_pair_open_plain(&pair);
    ASSERT_OK(eddy_stream_write(pair.client, "hello\nworld\n", 12));
    ASSERT_OK(eddy_stream_read_line(pair.server, &line));
    ASSERT_SLICE_EQ(line, "hello\n");
    ASSERT_OK(eddy_stream_write(pair.server, "answer\n", 7));
    ASSERT_OK(eddy_stream_read_line(pair.client, &line));
    ASSERT_SLICE_EQ(line, "answer\n");
    ASSERT_OK(eddy_stream_read_line(pair.server, &line));
    ASSERT_SLICE_EQ(line, "world\n");
    tls_pair_close(&pair);
    return 0;
}

static int write_much(void *arg) {
    char *data = pattern();
    int r = eddy_stream_write(arg, data, MUCH);

    free(data);
    return r < 0 ? r : eddy_stream_write_eof(arg);
}

static int read_much(void *arg) {
    char *data = pattern(), *came = malloc(MUCH);

    ASSERT_INT_EQ(eddy_stream_read_exactly(arg, came, MUCH), MUCH);
    ASSERT(memcmp(came, data, MUCH) == 0);
    ASSERT_INT_EQ(eddy_stream_read(arg, came, 1), 0);
    ASSERT(eddy_stream_at_eof(arg));
    free(came);
    free(data);
    return 0;
}

TASK_TEST(a_peer_that_takes_nothing_any_more_is_lost_over_tls_too) {
    const unsigned milliseconds = 100;
    char *data = pattern();
    struct tls_pair pair;
    int r = 0;

    tls_pair_open_plain(&pair);
    ASSERT_INT_EQ(setsockopt(eddy_stream_fd(pair.client), IPPROTO_TCP, TCP_USER_TIMEOUT,
                             &milliseconds, sizeof(milliseconds)),
                  0);
    for (int i = 0; i < 8 && r == 0; i++)
        r = eddy_stream_write(pair.client, data, MUCH);
    ASSERT_CODE(-ETIMEDOUT, r);
    ASSERT_CODE(-ETIMEDOUT, eddy_stream_flush(pair.client));
    free(data);
    tls_pair_close(&pair);
    return 0;
}

/* As much as goes without a wait. */
static size_t fill(eddy_stream *stream) {
    static const char piece[1000];
    size_t size = 0;
    int r;

    for (int i = 0; i < 100 || eddy_stream_unsent(stream) == 0; i++) {
        while ((r = eddy_stream_write_nowait(stream, piece, sizeof(piece))) == 0)
            size += sizeof(piece);
        ASSERT_CODE(-EAGAIN, r);
        settle();
    }
    return size;
}

static int drain(void *arg) {
    return eddy_stream_drain(arg);
}

TASK_TEST(high_and_low_water_hold_over_tls) {
    struct tls_pair pair;
    eddy_task *task;
    size_t size;

    tls_pair_open_plain(&pair);
    ASSERT_UINT_EQ(eddy_stream_unsent(pair.client), 0u);
    ASSERT_OK(eddy_stream_set_write_buffer_limits(pair.client, 8000, 2000));
    size = fill(pair.client);
    ASSERT(eddy_stream_unsent(pair.client) > 2000);
    ASSERT(eddy_stream_unsent(pair.client) <= 8000 + 1000 + 100); /* and what TLS adds */
    task = eddy_create_task(drain, pair.client);
    while (!eddy_is_done(task)) {
        eddy_slice slice;
        if (eddy_stream_unsent(pair.client) > 2000)
            ASSERT_CODE(-EAGAIN, eddy_stream_write_nowait(pair.client, "x", 1));
        ASSERT(eddy_stream_read_some(pair.server, &slice) > 0);
        size -= slice.size;
        settle();
    }
    ASSERT_OK(eddy_await(task));
    ASSERT(eddy_stream_unsent(pair.client) <= 2000);
    ASSERT_OK(eddy_stream_write_nowait(pair.client, "x", 1));
    for (size++; size > 0;) {
        eddy_slice slice;
        ASSERT(eddy_stream_read_some(pair.server, &slice) > 0);
        size -= slice.size;
    }
    ASSERT_OK(eddy_stream_flush(pair.client));
    ASSERT_UINT_EQ(eddy_stream_unsent(pair.client), 0u);
    tls_pair_close(&pair);
    return 0;
}

static int send_much_of_a_file(void *arg) {
    char *data = pattern();
    FILE *file = tmpfile();
    off_t offset = 0;

    ASSERT_INT_EQ(write(fileno(file), data, MUCH), MUCH);
    free(data);
    ASSERT_INT_EQ(eddy_stream_send_file(arg, fileno(file), &offset, SIZE_MAX), MUCH);
    ASSERT_INT_EQ(offset, MUCH);
    fclose(file);
    return eddy_stream_write_eof(arg);
}

TASK_TEST(a_file_goes_over_tls) {
    struct tls_pair pair;

    tls_pair_open_plain(&pair);
    ASSERT_OK(eddy_gather(eddy_create_task(send_much_of_a_file, pair.client),
                          eddy_create_task(read_much, pair.server)));
    tls_pair_close(&pair);
    return 0;
}

TASK_TEST(much_goes_both_ways_at_once) {
    struct tls_pair pair;

    tls_pair_open_plain(&pair);
    ASSERT_OK(eddy_gather(
        eddy_create_task(write_much, pair.client), eddy_create_task(write_much, pair.server),
        eddy_create_task(read_much, pair.client), eddy_create_task(read_much, pair.server)));
    tls_pair_close(&pair);
    return 0;
}

TASK_TEST(one_half_may_end_before_the_other) {
    struct tls_pair pair;
    eddy_slice line;

    tls_pair_open_plain(&pair);
    ASSERT_OK(eddy_stream_write(pair.client, "that is all", 11));
    ASSERT_OK(eddy_stream_write_eof(pair.client));
    ASSERT_OK(eddy_stream_read_line(pair.server, &line));
    ASSERT_SLICE_EQ(line, "that is all");
    ASSERT_INT_EQ(eddy_stream_read_line(pair.server, &line), 0);
    ASSERT_OK(eddy_stream_write(pair.server, "thank you\n", 10));
    ASSERT_OK(eddy_stream_read_line(pair.client, &line));
    ASSERT_SLICE_EQ(line, "thank you\n");
    ASSERT_CODE(-EPIPE, eddy_stream_write(pair.client, "x", 1));
    tls_pair_close(&pair);
    return 0;
}

TASK_TEST(a_close_is_a_clean_end) {
    struct tls_pair pair;
    eddy_slice line;

    tls_pair_open_plain(&pair);
    ASSERT_OK(eddy_stream_write(pair.client, "last words", 10));
    pair.client = eddy_stream_close(pair.client);
    ASSERT_OK(eddy_stream_read_line(pair.server, &line));
    ASSERT_SLICE_EQ(line, "last words");
    ASSERT_INT_EQ(eddy_stream_read_line(pair.server, &line), 0);
    tls_pair_close(&pair);
    return 0;
}

TASK_TEST(an_abort_is_no_clean_end) {
    struct tls_pair pair;
    char byte;
    ssize_t n;

    tls_pair_open_plain(&pair);
    pair.client = eddy_stream_abort(pair.client);
    n = eddy_stream_read(pair.server, &byte, 1);
    ASSERT(n == -ECONNRESET || n == EDDY_ETRUNCATED);
    tls_pair_close(&pair);
    return 0;
}

static int read_byte(void *stream) {
    char byte;

    return (int)eddy_stream_read(stream, &byte, 1);
}

TASK_TEST(a_close_wakes_the_reader) {
    struct tls_pair pair;
    eddy_task *reader;

    tls_pair_open_plain(&pair);
    reader = eddy_create_task(read_byte, pair.client);
    settle();
    pair.client = eddy_stream_close(pair.client);
    ASSERT_CODE(EDDY_ECLOSED, eddy_await(reader));
    tls_pair_close(&pair);
    return 0;
}

TASK_TEST(a_cancelled_read_loses_nothing) {
    struct tls_pair pair;
    char word[6] = "";

    tls_pair_open_plain(&pair);
    for (int i = 0; i < 3; i++) {
        eddy_task *reader = eddy_create_task(read_byte, pair.client);
        settle();
        eddy_cancel(reader);
        ASSERT_CODE(-ECANCELED, eddy_await(reader));
    }
    ASSERT_OK(eddy_stream_write(pair.server, "hello", 5));
    ASSERT_INT_EQ(eddy_stream_read_exactly(pair.client, word, 5), 5);
    ASSERT_STR_EQ(word, "hello");
    tls_pair_close(&pair);
    return 0;
}

TASK_TEST(the_other_ends_address_is_that_of_the_connection) {
    struct tls_pair pair;
    char expected[32];

    tls_pair_open_plain(&pair);
    snprintf(expected, sizeof(expected), "127.0.0.1:%s", pair.host.port);
    ASSERT_STR_EQ(eddy_stream_peer(pair.client), expected);
    ASSERT_STR_EQ(eddy_stream_local(pair.server), expected);
    tls_pair_close(&pair);
    return 0;
}

/* --- start_tls on a live stream --------------------------------------------------------------- */

/* "STARTTLS", then TLS: what was sent right behind the line is TLS's. */
static int upgrade(eddy_stream *stream, void *context) {
    eddy_slice line;
    int r;

    ASSERT_OK(eddy_stream_read_line(stream, &line));
    ASSERT_SLICE_EQ(line, "STARTTLS\n");
    ASSERT_OK(eddy_stream_write(stream, "go ahead\n", 9));
    r = eddy_start_tls(stream, context, NULL);
    return r < 0 ? r : tls_echo(stream, NULL);
}

TASK_TEST(a_live_stream_goes_on_under_tls) {
    CLEANUP(context_unrefp) eddy_tls_context *server_context = tls_server("good");
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();
    CLEANUP(stream_closep) eddy_stream *stream = NULL;
    eddy_server *server;
    eddy_slice line;
    char port[8];

    ASSERT_OK(eddy_start_server(upgrade, server_context, "127.0.0.1", "0", NULL, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    ASSERT_OK(eddy_stream_write(stream, "STARTTLS\n", 9));
    ASSERT_OK(eddy_stream_read_line(stream, &line));
    ASSERT_SLICE_EQ(line, "go ahead\n");
    ASSERT_OK(
        eddy_start_tls(stream, client, &(eddy_start_tls_options){.server_hostname = "localhost"}));
    tls_assert_echo(stream, "hello\n");
    stream = eddy_stream_close(stream);
    ASSERT_OK(eddy_server_close(server));
    return 0;
}

/* TLS in TLS, as through a proxy that itself is reached by TLS. */
static int echo_inner(eddy_stream *stream, void *context) {
    int r = eddy_start_tls(stream, context, NULL);

    return r < 0 ? r : tls_echo(stream, NULL);
}

TASK_TEST(tls_may_stand_on_tls) {
    CLEANUP(context_unrefp) eddy_tls_context *server = tls_server("good");
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();
    struct tls_host host = {.context = server, .fn = echo_inner, .arg = server};
    CLEANUP(stream_closep) eddy_stream *stream = NULL;

    tls_host_start(&host);
    ASSERT_OK(tls_connect(host.port, client, "localhost", &stream));
    ASSERT_OK(
        eddy_start_tls(stream, client, &(eddy_start_tls_options){.server_hostname = "127.0.0.1"}));
    tls_assert_echo(stream, "inside\n");
    stream = eddy_stream_close(stream);
    ASSERT_OK(eddy_server_close(host.server));
    return 0;
}

static int start_tls(void *stream) {
    return eddy_start_tls(stream, NULL, &(eddy_start_tls_options){.server_hostname = "localhost"});
}

TASK_TEST(a_stream_that_is_closed_while_hands_are_shaken_ends_the_call) {
    struct pair pair;
    eddy_task *task;

    pair_open(&pair, NULL);
    task = eddy_create_task(start_tls, pair.stream);
    settle();
    pair.stream = eddy_stream_close(pair.stream);
    ASSERT_CODE(EDDY_ECLOSED, eddy_await(task));
    pair_close(&pair);
    return 0;
}

/* In the turn in which it is closed the answer has come, too. */
TASK_TEST(a_stream_that_is_closed_as_the_answer_comes_ends_the_call) {
    struct pair pair;
    eddy_task *task;

    pair_open(&pair, NULL);
    task = eddy_create_task(start_tls, pair.stream);
    settle();
    peer_send(pair.peer, "\x16\x03\x03");
    for (int i = 0; i < 2; i++)
        eddy_yield();
    pair.stream = eddy_stream_close(pair.stream);
    ASSERT_CODE(EDDY_ECLOSED, eddy_await(task));
    pair_close(&pair);
    return 0;
}

TASK_TEST(other_calls_on_a_stream_that_shakes_hands_are_refused) {
    struct pair pair;
    eddy_task *task;
    char byte;

    pair_open(&pair, NULL);
    task = eddy_create_task(start_tls, pair.stream);
    settle();
    ASSERT_CODE(-EBUSY, eddy_stream_read(pair.stream, &byte, 1));
    ASSERT_CODE(-EBUSY, eddy_stream_write(pair.stream, &byte, 1));
    eddy_cancel(task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    pair_close(&pair);
    return 0;
}

/* --- ends ------------------------------------------------------------------------------------- */

static int say_much(eddy_stream *stream, void *arg) {
    char *data = pattern();
    int r = eddy_stream_write(stream, data, *(size_t *)arg);

    free(data);
    return r;
}

/* Reads through a man in the middle who cuts what the server says. */
struct cut {
    long after; /* so many bytes; 0: not at all */
    bool resets;
    size_t came; /* of the 1000 that the server says */
    long passed; /* bytes of TLS */
};

static int read_cut(eddy_tls_context *server, eddy_tls_context *client, struct cut *cut) {
    size_t size = 1000;
    struct tls_host host = {.context = server, .fn = say_much, .arg = &size};
    struct tls_relay relay = {.port = host.port, .cut_after = cut->after, .resets = cut->resets};
    eddy_stream *stream = NULL;
    char buffer[4096];
    ssize_t n;

    cut->came = 0;
    tls_host_start(&host);
    tls_relay_start(&relay);
    n = tls_connect(relay.own_port, client, "localhost", &stream);
    while (stream && (n = eddy_stream_read(stream, buffer, sizeof(buffer))) > 0)
        cut->came += (size_t)n;
    cut->passed = relay.passed;
    eddy_stream_close(stream);
    tls_relay_stop(&relay);
    tls_host_stop(&host);
    return (int)n;
}

TASK_TEST(wherever_a_connection_is_cut_it_is_no_clean_end) {
    CLEANUP(context_unrefp) eddy_tls_context *server = tls_server("good");
    CLEANUP(context_unrefp)
    eddy_tls_context *client = tls_client_with((eddy_tls_options){.sessions_max = -1});
    int clean = 0;

    for (struct cut cut = {.after = 1}; cut.after < 4000; cut.after += cut.after < 5 ? 1 : 37) {
        int r;

        cut.resets = cut.after % 2;
        r = read_cut(server, client, &cut);
        if (r < 0 && r != EDDY_ETRUNCATED && r != EDDY_EINCOMPLETE && r != -ECONNRESET)
            TEST_FAIL("cut after %ld bytes it is %s", cut.after, eddy_error_name(r));
        if (r < 0)
            continue;
        ASSERT_UINT_EQ(cut.came, 1000);
        clean++;
    }
    ASSERT(clean > 0);
    return 0;
}

/* The server's last records: 1000 bytes in 1022, and the notice in 24. */
TASK_TEST(a_truncated_end_is_told_and_may_be_accepted_between_records) {
    CLEANUP(context_unrefp) /* RSA: all its signatures have one size */
    eddy_tls_context *server = tls_server_with("rsa", (eddy_tls_options){.sessions_max = -1});
    CLEANUP(context_unrefp)
    eddy_tls_context *strict = tls_client_with((eddy_tls_options){.sessions_max = -1});
    CLEANUP(context_unrefp)
    eddy_tls_context *lenient =
        tls_client_with((eddy_tls_options){.sessions_max = -1, .accept_truncation = true});
    struct cut cut = {0};
    long end, data;

    ASSERT_OK(read_cut(server, strict, &cut));
    end = cut.passed - 24, data = end - 1022;

    cut.after = end;
    ASSERT_CODE(EDDY_ETRUNCATED, read_cut(server, strict, &cut));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "without TLS's notice");
    ASSERT_UINT_EQ(cut.came, 1000);
    ASSERT_CODE(0, read_cut(server, lenient, &cut));
    ASSERT_UINT_EQ(cut.came, 1000);

    cut.after = data;
    ASSERT_CODE(0, read_cut(server, lenient, &cut));
    for (long part = 1; part < 1022; part += part < 10 ? 1 : 101) {
        cut.after = data + part;
        ASSERT_CODE(EDDY_ETRUNCATED, read_cut(server, lenient, &cut));
        ASSERT_UINT_EQ(cut.came, 0);
    }
    return 0;
}
