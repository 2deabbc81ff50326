/* SPDX-License-Identifier: MIT
 * test_server_addresses.c - where a server listens: several hosts, both families, sockets of the
 * user's own, and when it begins. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"
#include "talk.h"

static eddy_server *start(const char *host, const eddy_server_options *options) {
    eddy_server *server;

    ASSERT_OK(eddy_start_server(echo, NULL, host, "0", options, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    return server;
}

static int connect_once(const char *host) {
    eddy_stream *stream = NULL;
    int r = eddy_open_connection(host, port, NULL, &stream);

    eddy_stream_close(stream);
    return r;
}

/* --- hosts ------------------------------------------------------------------------------------ */

TASK_TEST(several_hosts_have_one_port) {
    const char *const more[] = {"127.0.0.3", "127.0.0.4", NULL};
    eddy_server *server = start("127.0.0.2", &(eddy_server_options){.hosts = more});
    char expected[32];

    for (int i = 0; i < 3; i++) {
        snprintf(expected, sizeof(expected), "127.0.0.%d:%s", i + 2, port);
        ASSERT_STR_EQ(eddy_server_address(server, i), expected);
        snprintf(expected, sizeof(expected), "127.0.0.%d", i + 2);
        ASSERT_OK(connect_once(expected));
    }
    ASSERT_NULL(eddy_server_address(server, 3));
    ASSERT_NULL(eddy_server_address(server, -1));
    ASSERT_CODE(-ECONNREFUSED, connect_once("127.0.0.5"));
    return eddy_server_close(server);
}

TASK_TEST(a_host_that_cannot_be_listened_on_leaves_nothing_open) {
    const char *const unknown[] = {"no such name", NULL};
    const char *const many[] = {"127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1",
                                "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1",
                                "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1",
                                "127.0.0.1", "127.0.0.1", NULL};
    eddy_server *server = NULL;

    ASSERT_CODE(EDDY_ENAME, eddy_start_server(echo, NULL, "127.0.0.1", "0",
                                              &(eddy_server_options){.hosts = unknown}, &server));
    ASSERT_CODE(-EINVAL, eddy_start_server(echo, NULL, "127.0.0.1", "0",
                                           &(eddy_server_options){.hosts = many}, &server));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "16 hosts at most");
    ASSERT_NULL(server);
    return 0;
}

TASK_TEST(a_server_needs_a_port_even_if_any) {
    eddy_server *server = NULL;

    ASSERT_CODE(-EINVAL, eddy_start_server(echo, NULL, "127.0.0.1", NULL, NULL, &server));
    ASSERT_CODE(-EINVAL, eddy_start_server(echo, NULL, "127.0.0.1", "", NULL, &server));
    ASSERT(!server);
    return 0;
}

TASK_TEST(ipv6_is_served_beside_ipv4) {
    eddy_server *server;
    eddy_stream *stream;
    char expected[32];

    if (!has_ipv6())
        return 0;
    server = start("", NULL);
    ASSERT_INT_EQ(eddy_server_sockets(server, NULL, 0), 2);
    ASSERT_OK(connect_once("127.0.0.1"));
    ASSERT_OK(eddy_open_connection("::1", port, NULL, &stream));
    snprintf(expected, sizeof(expected), "[::1]:%s", port);
    ASSERT_STR_EQ(eddy_stream_peer(stream), expected);
    eddy_stream_close(stream);
    return eddy_server_close(server);
}

TASK_TEST(a_server_may_have_one_family_only) {
    eddy_server *server = start("", &(eddy_server_options){.family = AF_INET});

    ASSERT_INT_EQ(eddy_server_sockets(server, NULL, 0), 1);
    ASSERT_OK(connect_once("127.0.0.1"));
    ASSERT_OK(eddy_server_close(server));
    if (!has_ipv6())
        return 0;
    server = start("", &(eddy_server_options){.family = AF_INET6});
    ASSERT_OK(connect_once("::1"));
    ASSERT_CODE(-ECONNREFUSED, connect_once("127.0.0.1"));
    return eddy_server_close(server);
}

TASK_TEST(a_dual_stack_server_has_both_in_one_socket) {
    eddy_server *server = start("", &(eddy_server_options){.dual_stack = true});

    ASSERT_INT_EQ(eddy_server_sockets(server, NULL, 0), 1);
    ASSERT_OK(connect_once("127.0.0.1"));
    if (has_ipv6())
        ASSERT_OK(connect_once("::1"));
    return eddy_server_close(server);
}

/* --- sockets ---------------------------------------------------------------------------------- */

static int option_of(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof(value);

    ASSERT_INT_EQ(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static int accepted_options[4];

static int look_at_socket(eddy_stream *stream, void *arg) {
    int fd = stream->fd;

    (void)arg;
    accepted_options[0] = option_of(fd, IPPROTO_TCP, TCP_NODELAY);
    accepted_options[1] = option_of(fd, SOL_SOCKET, SO_KEEPALIVE);
    accepted_options[2] = option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE);
    accepted_options[3] = option_of(fd, SOL_SOCKET, SO_SNDBUF);
    served++;
    return 0;
}

static void look_at_client(const eddy_server_options *options) {
    eddy_server *server;
    eddy_stream *stream;

    ASSERT_OK(eddy_start_server(look_at_socket, NULL, "127.0.0.1", "0", options, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    ASSERT_INT_EQ(eddy_stream_read(stream, &(char){0}, 1), 0);
    eddy_stream_close(stream);
    ASSERT_OK(eddy_server_close(server));
}

TASK_TEST(what_a_server_accepts_has_the_options_asked_for) {
    look_at_client(NULL);
    ASSERT(accepted_options[0]);
    ASSERT(!accepted_options[1]);
    look_at_client(&(eddy_server_options){.nagle = true,
                                          .keep_alive = true,
                                          .keep_alive_idle_seconds = 77,
                                          .send_buffer_bytes = 30000});
    ASSERT(!accepted_options[0]);
    ASSERT(accepted_options[1]);
    ASSERT_INT_EQ(accepted_options[2], 77);
    ASSERT_INT_EQ(accepted_options[3], 60000);
    ASSERT_INT_EQ(served, 2);
    return 0;
}

/* The kernel tells it of a listening socket. */
TASK_TEST(the_backlog_is_what_was_asked_for) {
    eddy_server *server = start("127.0.0.1", &(eddy_server_options){.backlog = 7});
    struct tcp_info info;
    socklen_t size = sizeof(info);
    int fd;

    ASSERT_INT_EQ(eddy_server_sockets(server, &fd, 1), 1);
    if (test_is_emulated())
        return eddy_server_close(server); /* the emulator does not tell */
    ASSERT_INT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    ASSERT_UINT_EQ(info.tcpi_sacked, 7);
    return eddy_server_close(server);
}

static int leave(eddy_stream *stream, void *arg) {
    (void)stream, (void)arg;
    served++;
    return 0;
}

/* Who ends a connection first keeps its port for a minute. */
TASK_TEST(a_port_that_lingers_is_taken_again_unless_that_is_not_wanted) {
    const eddy_server_options patient = {.no_reuse_address = true};
    eddy_server *server = server_start(leave, port), *other;
    eddy_stream *stream;

    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    ASSERT_INT_EQ(eddy_stream_read(stream, &(char){0}, 1), 0);
    eddy_stream_close(stream);
    ASSERT_OK(eddy_server_close(server));
    ASSERT_CODE(-EADDRINUSE, eddy_start_server(echo, NULL, "127.0.0.1", port, &patient, &other));
    ASSERT_OK(eddy_start_server(echo, NULL, "127.0.0.1", port, NULL, &server));
    return eddy_server_close(server);
}

TASK_TEST(a_servers_sockets_can_be_asked) {
    const char *const more[] = {"127.0.0.2", NULL};
    eddy_server *server = start("127.0.0.1", &(eddy_server_options){.hosts = more});
    int fds[2] = {-1, -1};

    ASSERT_INT_EQ(eddy_server_sockets(server, fds, 1), 2);
    ASSERT_INT_EQ(fds[1], -1);
    ASSERT_INT_EQ(eddy_server_sockets(server, fds, 2), 2);
    for (int i = 0; i < 2; i++)
        ASSERT(option_of(fds[i], SOL_SOCKET, SO_ACCEPTCONN));
    return eddy_server_close(server);
}

/* --- sockets of one's own --------------------------------------------------------------------- */

TASK_TEST(sockets_of_ones_own_are_accepted_from) {
    struct plain_listener listeners[2];
    eddy_server *server;
    int fds[2];

    for (int i = 0; i < 2; i++) {
        plain_listen(&listeners[i], 10);
        fds[i] = listeners[i].fd;
    }
    ASSERT_OK(eddy_start_server_on(echo, NULL, fds, 2, NULL, &server));
    ASSERT(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    for (int i = 0; i < 2; i++) {
        strcpy(port, listeners[i].port);
        ASSERT_OK(talk(NULL));
    }
    ASSERT_OK(eddy_server_close(server));
    ASSERT_CODE(-ECONNREFUSED, connect_once("127.0.0.1"));
    return 0;
}

/* It need not listen yet. */
TASK_TEST(a_socket_that_is_only_bound_listens_from_then_on) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    eddy_server *server;

    ASSERT_INT_EQ(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ASSERT_OK(
        eddy_start_server_on(echo, NULL, &fd, 1, &(eddy_server_options){.backlog = 3}, &server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    ASSERT_OK(talk(NULL));
    return eddy_server_close(server);
}

/* And is closed: `run` counts. */
TASK_TEST(what_cannot_be_listened_on_is_refused) {
    eddy_server *server = NULL;
    int fds[2];

    fds[0] = socket(AF_INET, SOCK_DGRAM, 0);
    ASSERT_CODE(-EPROTOTYPE, eddy_start_server_on(echo, NULL, fds, 1, NULL, &server));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "cannot be listened on");
    ASSERT_INT_EQ(pipe(fds), 0);
    ASSERT_CODE(-ENOTSOCK, eddy_start_server_on(echo, NULL, fds, 2, NULL, &server));
    ASSERT_INT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ASSERT_CODE(-EINVAL, eddy_start_server_on(echo, NULL, fds, 2, NULL, &server));
    ASSERT_CODE(-EINVAL, eddy_start_server_on(echo, NULL, fds, 0, NULL, &server));
    ASSERT_NULL(server);
    return 0;
}

/* As systemd does it: descriptors from 3 on, and two variables. The test's process has others
 * there, so it moves them away. */
TEST(sockets_of_a_service_manager_are_found) {
    struct plain_listener listener;
    int fds[4], away = dup(3);
    char number[16];

    ASSERT_INT_EQ(eddy_inherited_sockets(fds, 4), 0);
    plain_listen(&listener, 10);
    dup2(listener.fd, 3);
    snprintf(number, sizeof(number), "%d", (int)getpid());
    setenv("LISTEN_PID", number, 1);
    setenv("LISTEN_FDS", "1", 1);
    ASSERT_INT_EQ(eddy_inherited_sockets(fds, 4), 1);
    ASSERT_INT_EQ(fds[0], 3);
    ASSERT(fcntl(3, F_GETFD) & FD_CLOEXEC);
    ASSERT_INT_EQ(eddy_inherited_sockets(NULL, 0), 1);
    setenv("LISTEN_PID", "1", 1); /* it was for somebody else */
    ASSERT_INT_EQ(eddy_inherited_sockets(fds, 4), 0);
    setenv("LISTEN_PID", number, 1);
    setenv("LISTEN_FDS", "many", 1);
    ASSERT_INT_EQ(eddy_inherited_sockets(fds, 4), 0);
    dup2(away, 3);
    plain_close(&away);
    plain_close(&listener.fd);
}

/* --- later ------------------------------------------------------------------------------------ */

TASK_TEST(a_server_may_begin_later) {
    eddy_server *server = start("127.0.0.1", &(eddy_server_options){.start_later = true});

    ASSERT(!eddy_server_is_serving(server));
    ASSERT(eddy_server_port(server) > 0);
    ASSERT_CODE(-ECONNREFUSED, connect_once("127.0.0.1"));
    ASSERT_OK(eddy_server_start_serving(server));
    ASSERT(eddy_server_is_serving(server));
    ASSERT_OK(eddy_server_start_serving(server));
    ASSERT_OK(talk(NULL));
    return eddy_server_close(server);
}

TASK_TEST(a_server_that_never_began_can_be_closed) {
    return eddy_server_close(start("127.0.0.1", &(eddy_server_options){.start_later = true}));
}

/* Whoever listened first has the port. */
TASK_TEST(a_port_that_was_taken_meanwhile_is_told) {
    eddy_server *later = start("127.0.0.1", &(eddy_server_options){.start_later = true}), *other;

    ASSERT_OK(eddy_start_server(echo, NULL, "127.0.0.1", port, NULL, &other));
    ASSERT_CODE(-EADDRINUSE, eddy_server_start_serving(later));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "cannot listen on 127.0.0.1:");
    ASSERT(!eddy_server_is_serving(later));
    ASSERT_OK(eddy_server_close(later));
    return eddy_server_close(other);
}
