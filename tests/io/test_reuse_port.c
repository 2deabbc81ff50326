/* SPDX-License-Identifier: MIT
 * test_reuse_port.c - one port for the servers of several threads, and their end together. */
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "net.h"

enum { THREADS = 3, CLIENTS = 60 };

static int echo_line(eddy_stream *stream, void *arg) {
    eddy_slice line;
    ssize_t n = eddy_stream_read_line(stream, &line);

    (void)arg;
    return n > 0 ? eddy_stream_write(stream, line.data, line.size) : (int)n;
}

/* --- one port --------------------------------------------------------------------------------- */

TASK_TEST(two_servers_listen_on_one_port_when_both_say_so) {
    eddy_server_options options = {.reuse_port = true};
    eddy_server *first, *second, *third;
    char port[8];

    ASSERT_OK(eddy_start_server(echo_line, NULL, "127.0.0.1", "0", &options, &first));
    snprintf(port, sizeof(port), "%d", eddy_server_port(first));
    ASSERT_OK(eddy_start_server(echo_line, NULL, "127.0.0.1", port, &options, &second));
    ASSERT_INT_EQ(eddy_server_port(first), eddy_server_port(second));
    ASSERT_CODE(-EADDRINUSE, eddy_start_server(echo_line, NULL, "127.0.0.1", port, NULL, &third));
    ASSERT_OK(eddy_server_close(first));
    return eddy_server_close(second);
}

TASK_TEST(any_port_is_another_one_for_each_without_a_number_they_share) {
    eddy_server_options options = {.reuse_port = true};
    eddy_server *first, *second;

    ASSERT_OK(eddy_start_server(echo_line, NULL, "127.0.0.1", "0", &options, &first));
    ASSERT_OK(eddy_start_server(echo_line, NULL, "127.0.0.1", "0", &options, &second));
    ASSERT(eddy_server_port(first) != eddy_server_port(second));
    ASSERT_OK(eddy_server_close(first));
    return eddy_server_close(second);
}

static int shared_port;
static atomic_int begun;

/* All threads start at the same moment. */
static int starts_at_once(void *ports) {
    eddy_server_options options = {.shared_port = &shared_port};
    eddy_server *server;

    begun++;
    while (begun < eddy_thread_count())
        eddy_yield();
    ASSERT_OK(eddy_start_server(echo_line, NULL, "", "0", &options, &server));
    ((int *)ports)[eddy_thread_index()] = eddy_server_port(server);
    begun++;
    while (begun < 2 * eddy_thread_count())
        eddy_yield();
    return eddy_server_close(server);
}

TEST(servers_that_share_a_number_have_the_same_port) {
    for (int round = 0; round < 20; round++) {
        int ports[THREADS];
        begun = 0;
        shared_port = 0;
        ASSERT_OK(
            eddy_run_threads(starts_at_once, ports, &(eddy_threads_options){.threads = THREADS}));
        for (int i = 0; i < THREADS; i++)
            ASSERT_INT_EQ(ports[i], shared_port);
    }
}

/* --- served by all ---------------------------------------------------------------------------- */

static atomic_int accepted, asked;

static int ask(int port) {
    eddy_stream *stream;
    eddy_slice line;
    char text[8];

    snprintf(text, sizeof(text), "%d", port);
    ASSERT_OK(eddy_open_connection("127.0.0.1", text, NULL, &stream));
    ASSERT_OK(eddy_stream_write(stream, "hello\n", 6));
    ASSERT_INT_EQ(eddy_stream_read_line(stream, &line), 6);
    asked++;
    eddy_stream_close(stream);
    return 0;
}

static int serves_and_asks(void *unused) {
    eddy_server_options options = {.shared_port = &shared_port};
    eddy_server_statistics server_info;
    eddy_loop_statistics loop_info;
    eddy_server *server;

    (void)unused;
    ASSERT_OK(eddy_start_server(echo_line, NULL, "127.0.0.1", "0", &options, &server));
    for (int i = 0; i < CLIENTS / THREADS; i++)
        ASSERT_OK(ask(eddy_server_port(server)));
    while (asked < CLIENTS)
        eddy_yield(); /* a listener that is closed would reset those in its queue */
    while (eddy_server_clients(server) > 0)
        eddy_yield();
    ASSERT_OK(eddy_server_info(server, &server_info));
    ASSERT_OK(eddy_loop_info(eddy_running_loop(), &loop_info));
    ASSERT_UINT_EQ(loop_info.connections_accepted, server_info.connections_accepted);
    ASSERT_UINT_EQ(loop_info.connections_open, 0);
    accepted += (int)server_info.connections_accepted;
    return eddy_server_close(server);
}

TEST(connections_to_the_port_are_served_by_all_together) {
    eddy_loop_statistics before, after;

    eddy_all_loops_info(&before);
    ASSERT_OK(eddy_run_threads(serves_and_asks, NULL, &(eddy_threads_options){.threads = THREADS}));
    ASSERT_INT_EQ(accepted, CLIENTS);
    ASSERT_INT_EQ(eddy_all_loops_info(&after), 0);
    ASSERT_UINT_EQ(after.connections_accepted - before.connections_accepted, CLIENTS);
    ASSERT_UINT_EQ(after.connections_open, 0);
}

/* --- the end ---------------------------------------------------------------------------------- */

static atomic_int finished, cut_off;

/* Serves until its client goes, or it is cancelled. */
static int reads_to_the_end(eddy_stream *stream, void *arg) {
    eddy_slice bytes;
    ssize_t n;

    (void)arg;
    while ((n = eddy_stream_read_some(stream, &bytes)) > 0)
        ;
    n == 0 ? finished++ : cut_off++;
    return (int)n;
}

static int serves_for_ever(void *arg) {
    return eddy_server_serve_forever(arg);
}

/* A server with one client, which is told to end. Returns the server's task. */
static eddy_task *server_that_ends(double grace_seconds, eddy_stream **client) {
    eddy_server_options options = {.grace_seconds = grace_seconds};
    eddy_server *server;
    eddy_task *task;
    char port[8];

    ASSERT_OK(eddy_start_server(reads_to_the_end, NULL, "127.0.0.1", "0", &options, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    task = eddy_create_task(serves_for_ever, server);
    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, client));
    while (eddy_server_clients(server) == 0)
        settle();
    ASSERT(!eddy_is_done(task));
    ASSERT(eddy_cancel_with(task, "the shop closes"));
    settle();
    return task;
}

TASK_TEST(a_server_that_serves_for_ever_lets_its_clients_finish_when_it_is_cancelled) {
    eddy_stream *client;
    eddy_task *task = server_that_ends(1000, &client);

    ASSERT(!eddy_is_done(task));
    ASSERT_INT_EQ(finished + cut_off, 0);
    eddy_stream_close(client);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(eddy_last_error()->message, "the shop closes");
    ASSERT_INT_EQ(finished, 1);
    return 0;
}

TASK_TEST(clients_that_do_not_finish_in_the_grace_are_cancelled) {
    eddy_stream *client;
    eddy_task *task = server_that_ends(0.001, &client);

    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_INT_EQ(cut_off, 1);
    eddy_stream_close(client);
    return 0;
}

TASK_TEST(without_a_grace_they_are_cancelled_at_once) {
    eddy_stream *client;
    eddy_task *task = server_that_ends(0, &client);

    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_INT_EQ(cut_off, 1);
    eddy_stream_close(client);
    ASSERT_CODE(-ENOMEM, eddy_server_serve_forever(NULL));
    return 0;
}

static atomic_int stopped;

/* Each with a client that never ends. */
static int serves_until_interrupted(void *unused) {
    eddy_server_options options = {.shared_port = &shared_port};
    eddy_server *server;
    eddy_stream *client;
    char port[8];

    (void)unused;
    ASSERT_OK(eddy_start_server(reads_to_the_end, NULL, "127.0.0.1", "0", &options, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &client));
    begun++;
    while (begun < THREADS)
        eddy_yield();
    if (eddy_thread_index() == 0)
        kill(getpid(), SIGINT);
    ASSERT_CODE(-ECANCELED, eddy_server_serve_forever(server));
    eddy_stream_close(client);
    stopped++;
    return 0;
}

TEST(sigint_ends_the_servers_of_all_threads) {
    signal(SIGINT, SIG_DFL); /* the runner has its own idea */
    ASSERT_OK(eddy_run_threads(serves_until_interrupted, NULL,
                               &(eddy_threads_options){.threads = THREADS}));
    ASSERT_INT_EQ(stopped, THREADS);
}
