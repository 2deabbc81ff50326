/* SPDX-License-Identifier: MIT
 * test_server_clients.c - a server closes its clients' connections under their functions. */
#include <math.h>
#include <stdio.h>

#include "talk.h"

enum { COUNT = 3 };

static int codes[COUNT], ended;

/* Reads until there is no more, and then does all that it should not. */
static int read_on(eddy_stream *stream, void *arg) {
    eddy_slice bytes;
    ssize_t n;

    (void)arg;
    while ((n = eddy_stream_read_some(stream, &bytes)) > 0)
        continue;
    if (n == 0)
        return 0;
    codes[ended++ % COUNT] = (int)n;
    ASSERT_CODE(EDDY_ECLOSED, (int)eddy_stream_read(stream, &(char){0}, 1));
    ASSERT_CODE(EDDY_ECLOSED, (int)eddy_stream_read_line(stream, &bytes));
    ASSERT_CODE(EDDY_ECLOSED, eddy_stream_write(stream, "x", 1));
    ASSERT_CODE(EDDY_ECLOSED, eddy_stream_flush(stream));
    ASSERT_NOT_NULL(eddy_stream_peer(stream));
    ASSERT_NOT_NULL(eddy_stream_local(stream));
    eddy_stream_close(stream);
    return (int)n;
}

static void wait_for_the_end(eddy_server *server) {
    while (eddy_server_clients(server) > 0)
        ASSERT_OK(eddy_sleep(0.001));
}

TASK_TEST(closed_clients_read_the_end) {
    eddy_stream *streams[COUNT];
    eddy_server *server = server_with_clients(read_on, streams, COUNT);

    eddy_set_log(keep_log, NULL);
    eddy_server_close_clients(server);
    for (int i = 0; i < COUNT; i++)
        ASSERT_INT_EQ(eddy_stream_read(streams[i], &(char){0}, 1), 0);
    wait_for_the_end(server);
    for (int i = 0; i < COUNT; i++)
        ASSERT_CODE(EDDY_ECLOSED, codes[i]);
    ASSERT_INT_EQ(ended, COUNT);
    ASSERT_INT_EQ(log_lines, 0);
    close_all(streams, COUNT);
    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &streams[0])); /* it serves on */
    eddy_stream_close(streams[0]);
    return eddy_server_close(server);
}

TASK_TEST(aborted_clients_are_reset) {
    eddy_stream *streams[COUNT];
    eddy_server *server = server_with_clients(read_on, streams, COUNT);

    eddy_server_abort_clients(server);
    for (int i = 0; i < COUNT; i++)
        ASSERT_CODE(-ECONNRESET, (int)eddy_stream_read(streams[i], &(char){0}, 1));
    wait_for_the_end(server);
    ASSERT_INT_EQ(ended, COUNT);
    close_all(streams, COUNT);
    return eddy_server_close(server);
}

/* --- functions that do not look --------------------------------------------------------------- */

static eddy_event go_on;

/* Holds a view of what it has read, and does something else. */
static int hold_a_view(eddy_stream *stream, void *arg) {
    eddy_slice line;

    (void)arg;
    ASSERT_INT_EQ(eddy_stream_read_line(stream, &line), 5);
    served++;
    ASSERT_OK(eddy_event_wait(&go_on));
    ASSERT_SLICE_EQ(line, "view\n");
    ASSERT_CODE(EDDY_ECLOSED, (int)eddy_stream_read_line(stream, &line));
    return 0;
}

static void begin_and_close(bool is_abort) {
    eddy_server *server = server_start(hold_a_view, port);
    int before = served, code;
    eddy_stream *stream;

    eddy_event_init(&go_on);
    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    ASSERT_OK(eddy_stream_write(stream, "view\nmore\n", 10));
    while (served == before)
        ASSERT_OK(eddy_sleep(0.001));
    is_abort ? eddy_server_abort_clients(server) : eddy_server_close_clients(server);
    eddy_server_close_clients(server); /* once more is nothing */
    code = (int)eddy_stream_read(stream, &(char){0}, 1);
    ASSERT(code == 0 || code == -ECONNRESET); /* there was something unread */
    ASSERT_INT_EQ(eddy_server_clients(server), 1);
    eddy_event_set(&go_on);
    ASSERT_OK(eddy_server_close(server));
    eddy_stream_close(stream);
}

TASK_TEST(the_connection_ends_although_the_function_does_not) {
    begin_and_close(false);
    return 0;
}

TASK_TEST(nor_does_a_reset_wait_for_it) {
    begin_and_close(true);
    return 0;
}

/* --- what was written ------------------------------------------------------------------------- */

enum { MUCH = 4 << 20 };

static int write_much(eddy_stream *stream, void *arg) {
    static char much[MUCH];
    int r = eddy_stream_write(stream, much, MUCH);

    (void)arg;
    served++;
    return r < 0 ? r : eddy_sleep(INFINITY);
}

TASK_TEST(what_clients_were_sent_arrives_before_the_end) {
    eddy_server *server = server_start(write_much, port);
    eddy_stream *stream;
    eddy_slice bytes;
    size_t got = 0;
    ssize_t n;

    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    while (served == 0)
        ASSERT_OK(eddy_sleep(0.001));
    eddy_server_close_clients(server);
    while ((n = eddy_stream_read_some(stream, &bytes)) > 0)
        got += (size_t)n;
    ASSERT_INT_EQ(n, 0);
    ASSERT_UINT_EQ(got, MUCH);
    eddy_stream_close(stream);
    eddy_server_cancel_clients(server);
    return eddy_server_close(server);
}

TASK_TEST(a_writer_that_waits_is_told) {
    eddy_server *server = server_start(write_much, port);
    eddy_stream *stream;

    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    while (served == 0)
        ASSERT_OK(eddy_sleep(0.001));
    eddy_server_abort_clients(server);
    eddy_server_cancel_clients(server);
    ASSERT_OK(eddy_server_close(server));
    eddy_stream_close(stream);
    return 0;
}
