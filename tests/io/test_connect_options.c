/* SPDX-License-Identifier: MIT
 * test_connect_options.c - where a connection comes from, what its socket is told, and streams on
 * sockets of the user's own. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

/* --- from where ------------------------------------------------------------------------------- */

static struct plain_listener listener;

/* Connects, and says who came. */
static const char *seen_as(const eddy_connect_options *options, const char *host) {
    static char text[80];
    eddy_stream *stream;
    int peer;

    plain_listen_on(&listener, host, 10);
    ASSERT_OK(eddy_open_connection(host, listener.port, options, &stream));
    peer = accept(listener.fd, NULL, NULL);
    snprintf(text, sizeof(text), "%s", eddy_stream_local(stream));
    eddy_stream_close(stream);
    plain_close(&peer);
    plain_close(&listener.fd);
    return text;
}

TASK_TEST(a_connection_can_come_from_an_address_of_ones_own) {
    ASSERT_STR_CONTAINS(seen_as(&(eddy_connect_options){.local_host = "127.0.0.7"}, "127.0.0.1"),
                        "127.0.0.7:");
    return 0;
}

TASK_TEST(and_from_a_port) {
    char port[8], expected[32];

    plain_listen(&listener, 1); /* to find a free one */
    strcpy(port, listener.port);
    plain_close(&listener.fd);
    snprintf(expected, sizeof(expected), "127.0.0.1:%s", port);
    ASSERT_STR_EQ(seen_as(&(eddy_connect_options){.local_port = port}, "127.0.0.1"), expected);
    return 0;
}

TASK_TEST(over_ipv6_as_well) {
    if (!has_ipv6())
        return 0;
    ASSERT_STR_CONTAINS(seen_as(&(eddy_connect_options){.local_host = "::1"}, "::1"), "[::1]:");
    return 0;
}

TASK_TEST(an_address_of_the_other_family_is_none_to_come_from) {
    eddy_stream *stream;

    plain_listen(&listener, 1);
    ASSERT_CODE(-EADDRNOTAVAIL,
                eddy_open_connection("127.0.0.1", listener.port,
                                     &(eddy_connect_options){.local_host = "::1"}, &stream));
    ASSERT_CODE(-EADDRNOTAVAIL,
                eddy_open_connection("127.0.0.1", listener.port,
                                     &(eddy_connect_options){.local_host = "192.0.2.1"}, &stream));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "Cannot assign requested address");
    ASSERT_CODE(EDDY_ENAME,
                eddy_open_connection("127.0.0.1", listener.port,
                                     &(eddy_connect_options){.local_port = "no-such"}, &stream));
    plain_close(&listener.fd);
    return 0;
}

/* --- the socket ------------------------------------------------------------------------------- */

static int option_of(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof(value);

    ASSERT_INT_EQ(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

/* A stream with these options, and its descriptor. */
static eddy_stream *open_with(const eddy_connect_options *options, int *fd) {
    eddy_stream *stream;

    plain_listen(&listener, 10);
    *fd = next_descriptor();
    ASSERT_OK(eddy_open_connection("127.0.0.1", listener.port, options, &stream));
    ASSERT_INT_EQ(option_of(*fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    return stream;
}

static void close_all(eddy_stream *stream) {
    eddy_stream_close(stream);
    plain_close(&listener.fd);
}

TASK_TEST(small_writes_leave_at_once_unless_told_otherwise) {
    int fd;
    eddy_stream *stream = open_with(NULL, &fd);

    ASSERT(option_of(fd, IPPROTO_TCP, TCP_NODELAY));
    ASSERT(!option_of(fd, SOL_SOCKET, SO_KEEPALIVE));
    close_all(stream);
    stream = open_with(&(eddy_connect_options){.nagle = true}, &fd);
    ASSERT(!option_of(fd, IPPROTO_TCP, TCP_NODELAY));
    close_all(stream);
    return 0;
}

TASK_TEST(a_silent_peer_is_probed_when_asked_for) {
    const eddy_connect_options options = {.keep_alive = true,
                                          .keep_alive_idle_seconds = 61,
                                          .keep_alive_interval_seconds = 7,
                                          .keep_alive_probes = 4};
    int fd;
    eddy_stream *stream = open_with(&options, &fd);

    ASSERT(option_of(fd, SOL_SOCKET, SO_KEEPALIVE));
    ASSERT_INT_EQ(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 61);
    ASSERT_INT_EQ(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), 7);
    ASSERT_INT_EQ(option_of(fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
    close_all(stream);
    return 0;
}

/* The kernel doubles what it is told, for its own records. */
TASK_TEST(the_kernels_buffers_have_the_size_asked_for) {
    int fd;
    eddy_stream *stream = open_with(
        &(eddy_connect_options){.send_buffer_bytes = 40000, .receive_buffer_bytes = 50000}, &fd);

    ASSERT_INT_EQ(option_of(fd, SOL_SOCKET, SO_SNDBUF), 80000);
    ASSERT_INT_EQ(option_of(fd, SOL_SOCKET, SO_RCVBUF), 100000);
    close_all(stream);
    return 0;
}

TASK_TEST(an_option_that_the_kernel_refuses_is_told) {
    const eddy_connect_options options = {.keep_alive = true, .keep_alive_idle_seconds = 1 << 20};
    eddy_stream *stream;

    plain_listen(&listener, 10);
    ASSERT_CODE(-EINVAL, eddy_open_connection("127.0.0.1", listener.port, &options, &stream));
    plain_close(&listener.fd);
    return 0;
}

/* Those of an earlier version are shorter. */
TASK_TEST(options_of_an_earlier_version_are_understood) {
    eddy_connect_options options = {.limit_bytes = 3, .nagle = true};
    eddy_stream *stream;
    eddy_slice line;
    int peer, fd;

    plain_listen(&listener, 10);
    fd = next_descriptor();
    ASSERT_OK(
        eddy_open_connection_sized("127.0.0.1", listener.port, &options, sizeof(size_t), &stream));
    ASSERT(option_of(fd, IPPROTO_TCP, TCP_NODELAY));
    peer = accept(listener.fd, NULL, NULL);
    peer_send(peer, "abcdef\n");
    ASSERT_CODE(EDDY_ELIMIT, (int)eddy_stream_read_line(stream, &line));
    plain_close(&peer);
    close_all(stream);
    return 0;
}

enum { MUCH = 16 << 20 };

/* The peer reads nothing meanwhile. */
TASK_TEST(what_is_unsent_at_the_close_has_limited_time) {
    struct pair pair;
    char *much = calloc(1, MUCH);

    pair_open(&pair, &(eddy_connect_options){.shutdown_seconds = 0.02});
    ASSERT_OK(eddy_stream_write(pair.stream, much, MUCH));
    pair.stream = eddy_stream_close(pair.stream);
    ASSERT_OK(eddy_sleep(0.1));
    ASSERT_INT_EQ(peer_read_all(pair.peer, much, MUCH), -1);
    ASSERT_INT_EQ(errno, ECONNRESET);
    pair_close(&pair);
    free(much);
    return 0;
}

/* --- a socket of one's own -------------------------------------------------------------------- */

TASK_TEST(a_socketpair_can_be_two_streams) {
    eddy_stream *streams[2];
    eddy_slice line;
    int fds[2];

    ASSERT_INT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    for (int i = 0; i < 2; i++)
        ASSERT_OK(eddy_stream_from_fd(fds[i], NULL, &streams[i]));
    ASSERT(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    ASSERT(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    ASSERT_OK(eddy_stream_write(streams[0], "hello\n", 6));
    ASSERT_INT_EQ(eddy_stream_read_line(streams[1], &line), 6);
    ASSERT_SLICE_EQ(line, "hello\n");
    eddy_stream_close(streams[0]);
    ASSERT_INT_EQ(eddy_stream_read_line(streams[1], &line), 0);
    eddy_stream_close(streams[1]);
    return 0;
}

TASK_TEST(a_tcp_socket_of_ones_own_is_told_what_the_options_say) {
    eddy_stream *stream;
    char expected[32];
    int fd;

    plain_listen(&listener, 1);
    fd = plain_connect("127.0.0.1", listener.port);
    ASSERT_OK(eddy_stream_from_fd(fd, &(eddy_connect_options){.keep_alive = true}, &stream));
    ASSERT(option_of(fd, SOL_SOCKET, SO_KEEPALIVE));
    ASSERT(option_of(fd, IPPROTO_TCP, TCP_NODELAY));
    snprintf(expected, sizeof(expected), "127.0.0.1:%s", listener.port);
    ASSERT_STR_EQ(eddy_stream_peer(stream), expected);
    close_all(stream);
    return 0;
}

/* And is closed all the same: `run` counts. */
TASK_TEST(what_is_no_connected_stream_socket_is_refused) {
    eddy_stream *stream;
    int fds[2];

    ASSERT_CODE(-EBADF, eddy_stream_from_fd(-1, NULL, &stream));
    ASSERT_CODE(-ENOTCONN, eddy_stream_from_fd(socket(AF_INET, SOCK_STREAM, 0), NULL, &stream));
    ASSERT_CODE(-EPROTOTYPE, eddy_stream_from_fd(socket(AF_INET, SOCK_DGRAM, 0), NULL, &stream));
    ASSERT_INT_EQ(pipe(fds), 0);
    ASSERT_CODE(-ENOTSOCK, eddy_stream_from_fd(fds[0], NULL, &stream));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "cannot be a stream: Socket operation on non");
    close(fds[1]);
    return 0;
}
