/* SPDX-License-Identifier: MIT
 * test_server_limits.c - a server with as many clients as it may have, or as there are descriptors.
 */
#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "name.h"
#include "server.h"
#include "talk.h"

/* --- limits ----------------------------------------------------------------------------------- */

static int running, most_running;

static int hold(eddy_stream *stream, void *arg) {
    int r;

    running++;
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
