/* SPDX-License-Identifier: MIT
 * test_server.c - servers: many clients, few descriptors, and an end that waits for all. */
#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "name.h"
#include "net.h"
#include "sanitizer.h"
#include "server.h"

static char port[8];
static int served;

/* --- serving ---------------------------------------------------------------------------------- */

static int echo(eddy_stream *stream, void *arg) {
    eddy_slice line;
    ssize_t n;

    (void)arg;
    while ((n = eddy_stream_read_line(stream, &line)) > 0) {
        int r = eddy_stream_write(stream, line.data, line.size);
        if (r < 0)
            return r;
    }
    served++;
    return (int)n;
}

static int talk(void *arg) {
    long number = (long)arg;
    eddy_stream *stream;
    eddy_slice line;
    char text[32];
    int r = eddy_open_connection("127.0.0.1", port, NULL, &stream);

    if (r < 0)
        return r;
    snprintf(text, sizeof(text), "number %ld\n", number);
    for (int i = 0; i < 3; i++) {
        ASSERT_OK(eddy_stream_write(stream, text, strlen(text)));
        ASSERT_INT_EQ(eddy_stream_read_line(stream, &line), (ssize_t)strlen(text));
        ASSERT_SLICE_EQ(line, text);
    }
    eddy_stream_close(stream);
    return 0;
}

TASK_TEST(a_client_is_echoed) {
    eddy_server *server = server_start(echo, port);

    ASSERT_OK(talk(NULL));
    ASSERT_OK(eddy_server_close(server));
    ASSERT_INT_EQ(served, 1);
    return 0;
}

enum { CLIENTS = 200 };

static int talk_by_many(int clients) {
    eddy_future *tasks[CLIENTS];

    for (long i = 0; i < clients; i++)
        tasks[i] = eddy_create_task(talk, (void *)i);
    return eddy_gather_array(tasks, clients, NULL);
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

/* --- limits ----------------------------------------------------------------------------------- */

static int running, most_running;

static int hold(eddy_stream *stream, void *arg) {
    int r = ++running;

    most_running = MAX(most_running, running);
    r = echo(stream, arg);
    running--;
    return r;
}

TASK_TEST(connections_max_makes_the_others_wait) {
    eddy_server *server;

    ASSERT_OK(eddy_start_server(hold, NULL, "127.0.0.1", "0",
                                &(eddy_server_options){.connections_max = 3}, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    ASSERT_OK(talk_by_many(50));
    ASSERT_INT_EQ(most_running, 3);
    ASSERT_OK(eddy_server_close(server));
    ASSERT_INT_EQ(served, 50);
    return 0;
}

static int connect_plainly(const char *host) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct addrinfo *info;

    ASSERT_INT_EQ(getaddrinfo(host, port, &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &info),
                  0);
    ASSERT_INT_EQ(connect(fd, info->ai_addr, info->ai_addrlen), 0);
    freeaddrinfo(info);
    return fd;
}

/* Far from the limit a poller may accept ahead of the server; near to it, it must not. */
TASK_TEST(near_its_limit_a_server_lets_nothing_be_accepted_ahead) {
    enum { MOST = 70, COUNT = 10 };
    eddy_server *server;
    int clients[COUNT];

    ASSERT_OK(eddy_start_server(hold, NULL, "127.0.0.1", "0",
                                &(eddy_server_options){.connections_max = MOST}, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    for (int i = 0; i < COUNT; i++) {
        ASSERT(server->listeners[0].accept.is_repeated == (i < 6)); /* 64 of room */
        clients[i] = connect_plainly("127.0.0.1");
        while (eddy_server_clients(server) <= i)
            ASSERT_OK(eddy_sleep(0.001));
    }
    for (int i = 0; i < COUNT; i++)
        plain_close(&clients[i]);
    while (eddy_server_clients(server) > 0)
        ASSERT_OK(eddy_sleep(0.001));
    ASSERT_OK(eddy_server_close(server));
    return 0;
}

TASK_TEST(a_server_without_a_limit_lets_the_poller_accept_ahead) {
    eddy_server *server = server_start(echo, port);
    int client = connect_plainly("127.0.0.1");

    while (eddy_server_clients(server) < 1)
        ASSERT_OK(eddy_sleep(0.001));
    ASSERT(server->listeners[0].accept.is_repeated);
    plain_close(&client);
    ASSERT_OK(eddy_server_close(server));
    return 0;
}

TASK_TEST(connections_max_holds_for_a_crowd_as_well) {
    eddy_server *server;

    ASSERT_OK(eddy_start_server(hold, NULL, "127.0.0.1", "0",
                                &(eddy_server_options){.connections_max = 90}, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    ASSERT_OK(talk_by_many(CLIENTS));
    ASSERT(most_running <= 90);
    ASSERT_OK(eddy_server_close(server));
    ASSERT_INT_EQ(served, CLIENTS);
    return 0;
}

static int resolve_two(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **out) {
    struct addrinfo *second;

    (void)host;
    ASSERT_INT_EQ(getaddrinfo("127.0.0.1", service, hints, out), 0);
    ASSERT_INT_EQ(getaddrinfo("127.0.0.2", service, hints, &second), 0);
    (*out)->ai_next = second;
    return 0;
}

/* Both come before the server looks: as it stops accepting from one, the other may have come. */
TASK_TEST(connections_max_holds_for_all_addresses_together) {
    eddy_server *server;
    char buffer[8];
    int first, second;

    eddy__resolver = resolve_two;
    ASSERT_OK(eddy_start_server(hold, NULL, "two.addresses", "0",
                                &(eddy_server_options){.connections_max = 1}, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    first = connect_plainly("127.0.0.1");
    second = connect_plainly("127.0.0.2");
    peer_send(first, "one\n");
    peer_send(second, "two\n");
    settle();
    ASSERT_INT_EQ(eddy_server_clients(server), 1);
    shutdown(first, SHUT_WR);
    shutdown(second, SHUT_WR);
    while (served < 2)
        ASSERT_OK(eddy_sleep(0.001));

    ASSERT_INT_EQ(most_running, 1);
    ASSERT_INT_EQ(peer_read_all(first, buffer, sizeof(buffer)), 4);
    ASSERT_INT_EQ(peer_read_all(second, buffer, sizeof(buffer)), 4);
    plain_close(&first);
    plain_close(&second);
    ASSERT_OK(eddy_server_close(server));
    return 0;
}

/* The same, and the server ends before there is room. */
TASK_TEST(who_waits_as_a_full_server_closes_is_let_go) {
    eddy_server *server;
    char buffer[8];
    int first, second;

    eddy__resolver = resolve_two;
    ASSERT_OK(eddy_start_server(hold, NULL, "two.addresses", "0",
                                &(eddy_server_options){.connections_max = 1}, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    first = connect_plainly("127.0.0.1");
    second = connect_plainly("127.0.0.2");
    settle();
    eddy_server_cancel_clients(server);
    ASSERT_OK(eddy_server_close(server));

    ASSERT_INT_EQ(most_running, 1);
    ASSERT(peer_read_all(first, buffer, sizeof(buffer)) <= 0);
    ASSERT(peer_read_all(second, buffer, sizeof(buffer)) <= 0);
    plain_close(&first);
    plain_close(&second);
    return 0;
}

static int log_lines;
static char log_text[500];

static void keep_log(eddy_log_level level, const char *text, void *arg) {
    (void)level, (void)arg;
    log_lines++;
    snprintf(log_text, sizeof(log_text), "%s", text);
}

/* The clients' sockets are made first, outside: the server alone is to run out. */
TASK_TEST(out_of_descriptors_the_server_waits_a_moment_and_goes_on) {
    enum { PEERS = 10 };
    eddy_server *server = server_start(echo, port);
    struct rlimit limit, few;
    struct addrinfo *info;
    int peers[PEERS];
    char buffer[8];

    ASSERT_INT_EQ(getaddrinfo("127.0.0.1", port, NULL, &info), 0);
    for (int i = 0; i < PEERS; i++) {
        peers[i] = socket(AF_INET, SOCK_STREAM, 0);
        ASSERT(peers[i] >= 0);
    }
    getrlimit(RLIMIT_NOFILE, &limit);
    few = (struct rlimit){(rlim_t)peers[PEERS - 1] + 5, limit.rlim_max}; /* room for four */
    setrlimit(RLIMIT_NOFILE, &few);
    eddy_set_log(keep_log, NULL);
    for (int i = 0; i < PEERS; i++)
        ASSERT_INT_EQ(connect(peers[i], info->ai_addr, info->ai_addrlen), 0);
    freeaddrinfo(info);

    eddy_sleep(0.35);
    ASSERT_INT_EQ(eddy_server_clients(server), 4);
    ASSERT_INT_EQ(log_lines, 1); /* of three tries */
    ASSERT_STR_CONTAINS(log_text, "cannot accept connections (Too many open files)");
    ASSERT_STR_CONTAINS(log_text, port);

    setrlimit(RLIMIT_NOFILE, &limit);
    eddy_sleep(0.15);
    ASSERT_INT_EQ(eddy_server_clients(server), PEERS);
    for (int i = 0; i < PEERS; i++)
        peer_send(peers[i], "hello\n");
    settle();
    for (int i = 0; i < PEERS; i++) {
        ASSERT_INT_EQ(peer_read_now(peers[i], buffer, sizeof(buffer)), 6);
        plain_close(&peers[i]);
    }
    eddy_set_log(NULL, NULL);
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

static eddy_server *server_with_clients(eddy_connection_fn *fn, eddy_stream *streams[], int count) {
    eddy_server *server = server_start(fn, port);

    for (int i = 0; i < count; i++)
        ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &streams[i]));
    settle();
    ASSERT_INT_EQ(eddy_server_clients(server), count);
    return server;
}

static void close_all(eddy_stream *streams[], int count) {
    for (int i = 0; i < count; i++)
        eddy_stream_close(streams[i]);
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
