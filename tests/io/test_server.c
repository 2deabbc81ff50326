/* SPDX-License-Identifier: MIT
 * test_server.c - servers, and clients that fail. */
#include <stdio.h>

#include "sanitizer.h"
#include "talk.h"

/* --- serving ---------------------------------------------------------------------------------- */

TASK_TEST(a_client_is_echoed) {
    eddy_server *server = server_start(echo, port);

    ASSERT_OK(talk(NULL));
    ASSERT_OK(eddy_server_close(server));
    ASSERT_INT_EQ(served, 1);
    return 0;
}

TASK_TEST(two_hundred_clients_are_served_at_once) {
    eddy_server *server = server_start(echo, port);

    ASSERT_OK(talk_by_many(CLIENTS));
    ASSERT_OK(eddy_server_close(server));
    ASSERT_INT_EQ(served, CLIENTS);
    return 0;
}

TASK_TEST(a_server_counts_its_clients) {
    eddy_server *server = server_start(echo, port);
    eddy_stream *stream;

    ASSERT_INT_EQ(eddy_server_clients(server), 0);
    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    settle();
    ASSERT_INT_EQ(eddy_server_clients(server), 1);
    eddy_stream_close(stream);
    settle();
    ASSERT_INT_EQ(eddy_server_clients(server), 0);
    return eddy_server_close(server);
}

static int check_limits(eddy_stream *stream, void *arg) {
    size_t high, low;

    (void)arg;
    eddy_stream_get_write_buffer_limits(stream, &high, &low);
    ASSERT_UINT_EQ(high, 8000u);
    ASSERT_UINT_EQ(low, 3000u);
    served++;
    return 0;
}

TASK_TEST(a_clients_stream_has_the_limits_of_its_server) {
    const eddy_server_options options = {.high_water_bytes = 8000, .low_water_bytes = 3000};
    eddy_server *server;
    eddy_stream *stream;

    ASSERT_OK(eddy_start_server(check_limits, NULL, "127.0.0.1", "0", &options, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    ASSERT_INT_EQ(eddy_stream_read(stream, &(char){0}, 1), 0);
    eddy_stream_close(stream);
    ASSERT_OK(eddy_server_close(server));
    ASSERT_INT_EQ(served, 1);
    return 0;
}

static int check_name(eddy_stream *stream, void *arg) {
    char expected[80];

    (void)arg;
    snprintf(expected, sizeof(expected), "client %s", eddy_stream_peer(stream));
    ASSERT_STR_EQ(eddy_task_name(eddy_current_task()), expected);
    served++;
    return 0;
}

TASK_TEST(a_clients_task_is_named_after_its_address) {
    eddy_server *server = server_start(check_name, port);
    eddy_stream *stream;

    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    ASSERT_INT_EQ(eddy_stream_read(stream, &(char){0}, 1), 0); /* closed when it returned */
    eddy_stream_close(stream);
    ASSERT_OK(eddy_server_close(server));
    ASSERT_INT_EQ(served, 1);
    return 0;
}

TASK_TEST(every_address_of_a_name_is_listened_on) {
    eddy_server *server;
    eddy_stream *stream;

    ASSERT_OK(eddy_start_server(echo, NULL, "", "0", NULL, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    ASSERT_OK(talk(NULL));
    if (eddy_open_connection("::1", port, NULL, &stream) == 0)
        eddy_stream_close(stream);
    else
        ASSERT(eddy_last_error()->code == -EADDRNOTAVAIL ||
               eddy_last_error()->code == -EAFNOSUPPORT); /* no IPv6 here */
    return eddy_server_close(server);
}

#if EDDY__ASAN || EDDY__TSAN /* their own functions run on our stacks, and need more */
enum { SMALLEST_STACK = 256 << 10 };
#else
enum { SMALLEST_STACK = 32 << 10 };
#endif

static int serve_and_talk(void *arg) {
    eddy_server *server;
    eddy_stream *stream;

    (void)arg;
    ASSERT_OK(eddy_start_server(echo, NULL, "", "0",
                                &(eddy_server_options){.stack_bytes = SMALLEST_STACK}, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    ASSERT_OK(talk(NULL));
    ASSERT_OK(eddy_open_connection("localhost", port, NULL, &stream));
    eddy_stream_close(stream);
    ASSERT_CODE(EDDY_ENAME, eddy_open_connection("::1", "no-such-service", NULL, &stream));
    ASSERT_OK(eddy_server_close(server));
    ASSERT_CODE(-ECONNREFUSED, eddy_open_connection("127.0.0.1", port, NULL, &stream));
    return 0;
}

/* The resolver answers numbers on the caller's stack, and sentences are formatted there. */
TASK_TEST(the_smallest_stack_is_enough_for_servers_and_clients) {
    return eddy_await(eddy_create_task_with(&(eddy_task_options){.stack_bytes = SMALLEST_STACK},
                                            serve_and_talk, NULL));
}

/* --- starting --------------------------------------------------------------------------------- */

TASK_TEST(a_port_in_use_is_refused_with_a_sentence) {
    eddy_server *server = server_start(echo, port), *other = NULL;
    char expected[80];

    ASSERT_CODE(-EADDRINUSE, eddy_start_server(echo, NULL, "127.0.0.1", port, NULL, &other));
    snprintf(expected, sizeof(expected), "cannot listen on 127.0.0.1:%s: Address already in use",
             port);
    ASSERT_STR_EQ(eddy_last_error()->message, expected);
    ASSERT_NULL(other);
    return eddy_server_close(server);
}

TASK_TEST(a_port_is_free_again_after_the_close) {
    eddy_server *server = server_start(echo, port);

    ASSERT_OK(talk(NULL));
    ASSERT_OK(eddy_server_close(server));
    ASSERT_OK(eddy_start_server(echo, NULL, "127.0.0.1", port, NULL, &server));
    return eddy_server_close(server);
}

/* --- failing clients -------------------------------------------------------------------------- */

static int fail(eddy_stream *stream, void *arg) {
    (void)stream, (void)arg;
    return eddy_raise(-EIO, "the disk is gone");
}

static int give_up(eddy_stream *stream, void *arg) {
    char byte;
    ssize_t n = eddy_stream_read_exactly(stream, &byte, 1);

    (void)arg;
    served++;
    return (int)n;
}

TASK_TEST(a_failing_client_is_reported_and_the_server_goes_on) {
    eddy_server *server = server_start(fail, port);
    eddy_stream *stream;

    eddy_set_log(keep_log, NULL);
    for (int i = 1; i <= 2; i++) {
        ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
        ASSERT_INT_EQ(eddy_stream_read(stream, &(char){0}, 1), 0);
        eddy_stream_close(stream);
        ASSERT_INT_EQ(log_lines, i);
        ASSERT_STR_CONTAINS(log_text, "the disk is gone");
        ASSERT_STR_CONTAINS(log_text, "client 127.0.0.1:");
    }
    eddy_set_log(NULL, NULL);
    return eddy_server_close(server);
}

TASK_TEST(a_client_that_goes_away_is_no_failure) {
    eddy_server *server = server_start(give_up, port);
    eddy_stream *stream;

    eddy_set_log(keep_log, NULL);
    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    eddy_stream_abort(stream); /* ECONNRESET */
    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    eddy_stream_close(stream); /* EDDY_EINCOMPLETE */
    settle();
    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    settle();
    eddy_server_cancel_clients(server); /* ECANCELED */
    ASSERT_OK(eddy_server_close(server));
    eddy_stream_close(stream);
    eddy_set_log(NULL, NULL);
    ASSERT_INT_EQ(served, 3);
    ASSERT_INT_EQ(log_lines, 0);
    return 0;
}

static int close_itself(eddy_stream *stream, void *arg) {
    (void)arg;
    ASSERT_OK(eddy_stream_write(stream, "bye", 3));
    eddy_stream_close(stream);
    eddy_sleep(0.05);
    served++;
    return 0;
}

TASK_TEST(a_client_may_close_its_stream_itself) {
    eddy_server *server = server_start(close_itself, port);
    eddy_stream *stream;
    char buffer[8];

    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    ASSERT_INT_EQ(eddy_stream_read_exactly(stream, buffer, 3), 3);
    ASSERT_INT_EQ(eddy_stream_read(stream, buffer, 1), 0);
    ASSERT_INT_EQ(served, 0); /* the end came before the function returned */
    eddy_stream_close(stream);
    ASSERT_OK(eddy_server_close(server));
    ASSERT_INT_EQ(served, 1);
    return 0;
}
