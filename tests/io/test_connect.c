/* SPDX-License-Identifier: MIT
 * test_connect.c - opening connections: which address, which sentence, and how it is given up. */
#include <netdb.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "name.h"
#include "net.h"

/* A port of 127.0.0.1 where nobody listens. */
static void unused_port(char port[8]) {
    struct plain_listener listener;

    plain_listen(&listener, 1);
    strcpy(port, listener.port);
    plain_close(&listener.fd);
}

TASK_TEST(a_connection_knows_both_of_its_ends) {
    struct plain_listener listener;
    eddy_stream *stream;
    char expected[32];

    plain_listen(&listener, 1);
    ASSERT_OK(eddy_open_connection("127.0.0.1", listener.port, NULL, &stream));
    snprintf(expected, sizeof(expected), "127.0.0.1:%s", listener.port);
    ASSERT_STR_EQ(eddy_stream_peer(stream), expected);
    ASSERT_STR_CONTAINS(eddy_stream_local(stream), "127.0.0.1:");
    eddy_stream_close(stream);
    plain_close(&listener.fd);
    return 0;
}

TASK_TEST(a_name_is_connected_to) {
    struct plain_listener listener;
    eddy_stream *stream;

    plain_listen(&listener, 1);
    ASSERT_OK(eddy_open_connection("localhost", listener.port, NULL, &stream));
    eddy_stream_close(stream);
    plain_close(&listener.fd);
    return 0;
}

TEST(outside_any_task_connecting_runs_the_loop) {
    struct plain_listener listener;
    eddy_stream *stream;
    char buffer[4];
    int peer;

    plain_listen(&listener, 1);
    ASSERT_OK(eddy_open_connection("localhost", listener.port, NULL, &stream));
    peer = accept(listener.fd, NULL, NULL);
    peer_send(peer, "hey");
    ASSERT_INT_EQ(eddy_stream_read_exactly(stream, buffer, 3), 3);
    ASSERT_OK(eddy_stream_write(stream, "you", 3));
    ASSERT_OK(eddy_stream_write_eof(stream));
    ASSERT_INT_EQ(peer_read_all(peer, buffer, sizeof(buffer)), 3);
    eddy_stream_close(stream);
    plain_close(&peer);
    plain_close(&listener.fd);
}

/* --- sentences -------------------------------------------------------------------------------- */

TASK_TEST(a_refusal_names_host_and_port) {
    eddy_stream *stream = (eddy_stream *)1;
    char port[8], expected[100];

    unused_port(port);
    ASSERT_CODE(-ECONNREFUSED, eddy_open_connection("127.0.0.1", port, NULL, &stream));
    snprintf(expected, sizeof(expected), "cannot connect to 127.0.0.1:%s: Connection refused",
             port);
    ASSERT_STR_EQ(eddy_last_error()->message, expected);
    ASSERT_PTR_EQ(stream, (eddy_stream *)1); /* untouched */
    return 0;
}

TASK_TEST(a_name_that_is_not_found_has_a_sentence) {
    eddy_stream *stream;

    ASSERT_CODE(EDDY_ENAME, eddy_open_connection("127.0.0.1", "no-such-service", NULL, &stream));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "cannot resolve the port");
    ASSERT_CODE(-EINVAL, eddy_open_connection("127.0.0.1", "70000", NULL, &stream));
    ASSERT_CODE(-EINVAL, eddy_open_connection("127.0.0.1", NULL, NULL, &stream));
    return 0;
}

TASK_TEST(out_of_descriptors_is_a_code_and_a_sentence) {
    struct plain_listener listener;
    struct rlimit limit, few;
    eddy_stream *stream;

    plain_listen(&listener, 1);
    getrlimit(RLIMIT_NOFILE, &limit);
    few = (struct rlimit){(rlim_t)listener.fd + 1, limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    ASSERT_CODE(-EMFILE, eddy_open_connection("127.0.0.1", listener.port, NULL, &stream));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, ": Too many open files");
    setrlimit(RLIMIT_NOFILE, &limit);
    plain_close(&listener.fd);
    return 0;
}

/* --- several addresses ------------------------------------------------------------------------ */

static const char *addresses[3];
static char ports[3][8];
static int unknown_family = -1; /* the address that gets one */

static int resolve_several(const char *host, const char *port, const struct addrinfo *hints,
                           struct addrinfo **out) {
    struct addrinfo **last = out;

    (void)host, (void)port;
    for (int i = 0; i < 3 && addresses[i]; i++) {
        ASSERT_INT_EQ(getaddrinfo(addresses[i], ports[i], hints, last), 0);
        if (i == unknown_family)
            (*last)->ai_family = 200;
        last = &(*last)->ai_next;
    }
    return 0;
}

TASK_TEST(each_address_is_tried_in_turn) {
    struct plain_listener listener;
    eddy_stream *stream;

    plain_listen(&listener, 1);
    addresses[0] = addresses[1] = "127.0.0.1";
    unused_port(ports[0]);
    strcpy(ports[1], listener.port);
    eddy__resolver = resolve_several;
    ASSERT_OK(eddy_open_connection("some.name", "1", NULL, &stream));
    ASSERT_STR_CONTAINS(eddy_stream_peer(stream), listener.port);
    eddy_stream_close(stream);
    plain_close(&listener.fd);
    return 0;
}

TASK_TEST(the_most_telling_failure_is_reported) {
    eddy_stream *stream;
    char expected[120];

    addresses[0] = addresses[1] = addresses[2] = "127.0.0.1";
    unused_port(ports[0]);
    unused_port(ports[1]);
    strcpy(ports[2], "9");
    unknown_family = 2;
    eddy__resolver = resolve_several;
    ASSERT_CODE(-ECONNREFUSED, eddy_open_connection("some.name", "1", NULL, &stream));
    snprintf(expected, sizeof(expected),
             "cannot connect to some.name:1 (127.0.0.1:%s): Connection refused", ports[1]);
    ASSERT_STR_EQ(eddy_last_error()->message, expected);
    return 0;
}

/* --- giving up -------------------------------------------------------------------------------- */

/* The kernel drops what does not fit into the backlog, and connecting takes minutes. */
TASK_TEST(a_connection_that_does_not_come_ends_with_the_time_out) {
    struct plain_listener listener;
    eddy_stream *stream;
    eddy_timeout timeout;
    int before, r = 0, streams = 0;

    plain_listen(&listener, 0);
    before = count_descriptors();
    while (r == 0) {
        ASSERT(streams++ < 10);
        eddy_timeout_begin(&timeout, 0.1);
        r = eddy_open_connection("127.0.0.1", listener.port, NULL, &stream);
        r = eddy_timeout_end(&timeout, r);
        if (r == 0)
            eddy_stream_abort(stream);
    }
    ASSERT_CODE(-ETIMEDOUT, r);
    ASSERT_INT_EQ(count_descriptors(), before);
    plain_close(&listener.fd);
    return 0;
}

static eddy_stream *connected[10];

/* Until one does not come. */
static int connect_all(void *port) {
    int r = 0;

    for (int i = 0; i < 10 && r == 0; i++)
        r = eddy_open_connection("127.0.0.1", port, NULL, &connected[i]);
    return r;
}

static void drop_log(eddy_log_level level, const char *text, void *arg) {
    (void)level, (void)text, (void)arg;
}

/* What it holds on its stack, the socket and the addresses, is given back all the same. */
TEST(a_loop_may_be_closed_over_a_connect) {
    int before = count_descriptors();
    struct plain_listener listener;
    eddy_loop *loop;

    plain_listen(&listener, 0);
    eddy_set_log(drop_log, NULL); /* it tells of a task that had not ended */
    ASSERT_OK(eddy_loop_new(NULL, &loop));
    const eddy_task_options options = {.loop = loop};
    eddy_detach(eddy_create_task_with(&options, connect_all, listener.port));
    for (int i = 0; i < 20; i++)
        ASSERT_OK(eddy_loop_run_once(loop, 0.005));
    ASSERT_INT_EQ(eddy_all_tasks(loop, NULL, 0), 1);
    ASSERT_NULL(eddy_loop_close(loop));
    for (int i = 0; i < 10; i++)
        eddy_stream_close(connected[i]);
    plain_close(&listener.fd);
    assert_descriptors(before);
}

static sem_t gate;

static int resolve_slowly(const char *host, const char *port, const struct addrinfo *hints,
                          struct addrinfo **out) {
    (void)host, (void)port;
    sem_wait(&gate);
    return getaddrinfo("127.0.0.1", "9", hints, out);
}

static int connect_slowly(void *arg) {
    eddy_stream *stream;

    (void)arg;
    return eddy_open_connection("some.name", "80", NULL, &stream);
}

/* The addresses of a number are there, those of a name are looked up beside them. */
static int start_on_two_hosts(void *arg) {
    const char *const more[] = {"some.name", NULL};
    eddy_server *server;

    (void)arg;
    return eddy_start_server(NULL, NULL, "127.0.0.1", "0", &(eddy_server_options){.hosts = more},
                             &server);
}

static int connect_from_a_name(void *arg) {
    eddy_stream *stream;

    (void)arg;
    return eddy_open_connection("127.0.0.1", "9",
                                &(eddy_connect_options){.local_host = "some.name"}, &stream);
}

static void close_over(eddy_fn *fn) {
    int before = count_descriptors();
    eddy_loop *loop;

    sem_init(&gate, 0, 0);
    eddy__resolver = resolve_slowly;
    eddy_set_log(drop_log, NULL);
    ASSERT_OK(eddy_loop_new(NULL, &loop));
    eddy_detach(eddy_create_task_with(&(eddy_task_options){.loop = loop}, fn, NULL));
    for (int i = 0; i < 5; i++)
        ASSERT_OK(eddy_loop_run_once(loop, 0.001));
    ASSERT_INT_EQ(eddy_all_tasks(loop, NULL, 0), 1);
    ASSERT_NULL(eddy_loop_close(loop));
    sem_post(&gate);
    assert_descriptors(before);
}

TEST(a_loop_may_be_closed_over_the_second_of_two_look_ups) {
    close_over(start_on_two_hosts);
    close_over(connect_from_a_name);
}

static int give_up_soon(void *arg) {
    (void)arg;
    return eddy_with_timeout(0.02, connect_slowly, NULL);
}

/* Nor does the end of the loop. What the thread still holds goes when it comes back. */
TEST(a_time_out_does_not_wait_for_dns) {
    int before = count_descriptors();

    sem_init(&gate, 0, 0);
    eddy__resolver = resolve_slowly;
    ASSERT_CODE(-ETIMEDOUT, eddy_run(give_up_soon, NULL));
    sem_post(&gate);
    assert_descriptors(before);
}

TASK_TEST(a_cancelled_look_up_has_the_cancels_reason) {
    eddy_task *task;

    sem_init(&gate, 0, 0);
    eddy__resolver = resolve_slowly;
    task = eddy_create_task(connect_slowly, NULL);
    settle();
    eddy_cancel_with(task, "enough of it");
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(eddy_last_error()->message, "enough of it");
    sem_post(&gate);
    eddy_sleep(0.05); /* the thread comes back to nobody */
    return 0;
}

TASK_TEST(a_refused_task_connects_to_nothing) {
    ASSERT_CODE(-ETIMEDOUT, eddy_with_timeout(0, connect_slowly, NULL));
    return 0;
}

/* Virtual time stands still while a look-up is under way, or every time-out would be up before. */
static int resolve_in_a_while(const char *host, const char *port, const struct addrinfo *hints,
                              struct addrinfo **out) {
    (void)host, (void)port;
    usleep(20000);
    return getaddrinfo("127.0.0.1", ports[0], hints, out);
}

static int connect_to_unused(void *arg) {
    return connect_slowly(arg);
}

VIRTUAL_TEST(virtual_time_waits_for_a_look_up) {
    unused_port(ports[0]);
    eddy__resolver = resolve_in_a_while;
    ASSERT_CODE(-ECONNREFUSED, eddy_with_timeout(1, connect_to_unused, NULL));
    return 0;
}

static void connect_in_callback(void *arg) {
    *(int *)arg = connect_slowly(NULL);
}

TASK_TEST(a_callback_cannot_connect) {
    int code = 0;

    eddy_call_soon(NULL, connect_in_callback, &code);
    settle();
    ASSERT_CODE(-EDEADLK, code);
    return 0;
}
