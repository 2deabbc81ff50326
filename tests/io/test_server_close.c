/* SPDX-License-Identifier: MIT
 * test_server_close.c - a server's end, which waits for its clients. */
#include <math.h>
#include <stdio.h>

#include "talk.h"

/* --- closing ---------------------------------------------------------------------------------- */

static int answer_later(eddy_stream *stream, void *arg) {
    int r = eddy_sleep(0.05);

    (void)arg;
    served += r == 0;
    return r < 0 ? r : eddy_stream_write(stream, "late", 4);
}

TASK_TEST(closing_waits_for_the_clients) {
    eddy_server *server = server_start(answer_later, port);
    eddy_stream *stream;
    char buffer[8];

    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    settle();
    ASSERT_OK(eddy_server_close(server));
    ASSERT_INT_EQ(served, 1);
    ASSERT_INT_EQ(eddy_stream_read_exactly(stream, buffer, 4), 4);
    eddy_stream_close(stream);
    return 0;
}

static int close_server(void *arg) {
    return eddy_server_close(arg);
}

static int never_end(eddy_stream *stream, void *arg) {
    int r = eddy_sleep(INFINITY);

    (void)stream, (void)arg;
    eddy_shield_scope shield;
    eddy_shield_begin(&shield);
    eddy_sleep(0.02); /* clean-up that takes a while */
    eddy_shield_end(&shield);
    served++;
    return r;
}

TASK_TEST(a_cancelled_close_passes_the_cancel_on_and_waits) {
    eddy_stream *streams[5];
    eddy_server *server = server_with_clients(never_end, streams, 5);
    eddy_task *closing = eddy_create_task(close_server, server);

    settle();
    ASSERT(!eddy_is_done(closing));
    eddy_cancel(closing);
    ASSERT_CODE(-ECANCELED, eddy_await(closing));
    ASSERT_INT_EQ(served, 5);
    close_all(streams, 5);
    return 0;
}

TASK_TEST(a_close_under_a_time_out_ends_the_clients) {
    eddy_stream *streams[5];
    eddy_server *server = server_with_clients(never_end, streams, 5);

    ASSERT_CODE(-ETIMEDOUT, eddy_with_timeout(0.01, close_server, server));
    ASSERT_INT_EQ(served, 5);
    close_all(streams, 5);
    return 0;
}

TASK_TEST(a_refused_task_closes_all_the_same) {
    eddy_stream *streams[5];
    eddy_server *server = server_with_clients(never_end, streams, 5);

    ASSERT_CODE(-ETIMEDOUT, eddy_with_timeout(0, close_server, server));
    ASSERT_INT_EQ(served, 5);
    close_all(streams, 5);
    return 0;
}

TASK_TEST(clients_can_be_cancelled_without_closing) {
    eddy_stream *streams[3];
    eddy_server *server = server_with_clients(never_end, streams, 3);

    eddy_server_cancel_clients(server);
    eddy_sleep(0.05);
    ASSERT_INT_EQ(served, 3);
    ASSERT_INT_EQ(eddy_server_clients(server), 0);
    close_all(streams, 3);
    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &streams[0]));
    eddy_server_cancel_clients(server);
    eddy_stream_close(streams[0]);
    return eddy_with_timeout(0.01, close_server, server) == -ETIMEDOUT ? 0 : 1;
}

/* Tasks that were created and have not run: their function never does. */
TASK_TEST(clients_that_have_not_begun_end_with_the_cancel) {
    enum { PEERS = 20 };
    eddy_server *server = server_start(never_end, port);
    eddy_stream *streams[PEERS];

    for (int i = 0; i < PEERS; i++)
        ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &streams[i]));
    eddy_sleep(1e-9); /* the poll comes before us, and its clients after */
    eddy_server_cancel_clients(server);
    eddy_with_timeout(0, close_server, server);
    for (int i = 0; i < PEERS; i++)
        ASSERT(eddy_stream_read(streams[i], &(char){0}, 1) <= 0);
    close_all(streams, PEERS);
    return 0;
}

static eddy_server *own_server;
static int own_result;

static int close_own_server(eddy_stream *stream, void *arg) {
    (void)stream, (void)arg;
    own_result = eddy_server_close(own_server);
    served++;
    return 0;
}

TASK_TEST(a_client_that_closes_its_own_server_is_told_and_the_server_ends) {
    eddy_stream *stream;
    int before = count_descriptors();

    own_server = server_start(close_own_server, port);
    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    ASSERT_INT_EQ(eddy_stream_read(stream, &(char){0}, 1), 0);
    eddy_stream_close(stream);
    settle();
    ASSERT_CODE(-EDEADLK, own_result);
    ASSERT_INT_EQ(served, 1);
    assert_descriptors(before);
    return 0;
}

TASK_TEST(connections_that_wait_when_it_closes_are_refused) {
    eddy_server *server = server_start(echo, port);
    eddy_stream *stream;

    ASSERT_OK(eddy_server_close(server));
    ASSERT_CODE(-ECONNREFUSED, eddy_open_connection("127.0.0.1", port, NULL, &stream));
    ASSERT_OK(eddy_server_close(NULL));
    return 0;
}

static int start_and_leave(void *arg) {
    eddy_server **server = arg;

    *server = server_start(echo, port);
    return talk(NULL);
}

TEST(a_server_that_outlives_its_loop_can_be_closed) {
    int before = count_descriptors();
    eddy_server *server;

    ASSERT_OK(eddy_run(start_and_leave, &server));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_server_close(server));
    assert_descriptors(before);
}

/* --- a stranger's loop ------------------------------------------------------------------------ */

static void close_in_callback(void *arg) {
    own_result = eddy_server_close(arg);
}

TASK_TEST(a_callback_that_closes_lets_the_server_end_by_itself) {
    eddy_stream *streams[2];
    int before = count_descriptors();
    eddy_server *server = server_with_clients(never_end, streams, 2);

    eddy_call_soon(NULL, close_in_callback, server);
    eddy_sleep(0.05);
    ASSERT_CODE(-EDEADLK, own_result);
    ASSERT_INT_EQ(served, 2);
    close_all(streams, 2);
    settle();
    assert_descriptors(before);
    return 0;
}
