/* SPDX-License-Identifier: MIT
 * test_os.c - the seam to the kernel: codes instead of errno, descriptors as eddy wants them. */
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "test.h"
#include "util.h"

#define FD CLEANUP(eddy__os_closep) int

static void assert_ready_for_a_loop(int fd) {
    ASSERT_OK(fd);
    ASSERT(fcntl(fd, F_GETFL) & O_NONBLOCK);
    ASSERT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

/* A socket that listens on a free port of the loopback; *address is where. */
static int listener(struct sockaddr_in *address) {
    socklen_t size = sizeof(*address);
    int fd = eddy__os_socket(AF_INET, SOCK_STREAM, 0);

    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ASSERT_OK(eddy__os_bind(fd, (struct sockaddr *)address, size));
    ASSERT_OK(eddy__os_listen(fd, 5));
    ASSERT_OK(eddy__os_getsockname(fd, (struct sockaddr *)address, &size));
    return fd;
}

TEST(descriptors_are_non_blocking_and_close_on_exec) {
    FD socket = eddy__os_socket(AF_INET, SOCK_STREAM, 0);
    FD event = eddy__os_eventfd();
    FD epoll = eddy__os_epoll_create();

    assert_ready_for_a_loop(socket);
    assert_ready_for_a_loop(event);
    ASSERT(fcntl(epoll, F_GETFD) & FD_CLOEXEC);
}

TEST(an_accepted_socket_is_non_blocking_and_close_on_exec) {
    struct sockaddr_in address;
    FD server = listener(&address);
    FD client = socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_OK(eddy__os_connect(client, (struct sockaddr *)&address, sizeof(address)));
    FD accepted = eddy__os_accept(server);

    assert_ready_for_a_loop(accepted);
}

TEST(failures_are_negative_codes) {
    char byte;

    ASSERT_CODE(-EBADF, eddy__os_recv(-1, &byte, 1, 0));
    ASSERT_CODE(-EBADF, eddy__os_send(-1, &byte, 1, 0));
    ASSERT_CODE(-EBADF, eddy__os_accept(-1));
    ASSERT_CODE(-EBADF, eddy__os_socket_error(-1));
    ASSERT_CODE(-EAFNOSUPPORT, eddy__os_socket(-5, SOCK_STREAM, 0));
    ASSERT_CODE(-EBADF, eddy__os_epoll_ctl(-1, EPOLL_CTL_DEL, 0, NULL));
    ASSERT_CODE(-EBADF, eddy__os_epoll_wait(-1, &(struct epoll_event){0}, 1, 0));
}

TEST(options_names_and_ends_of_a_connection_are_the_kernels) {
    struct sockaddr_in address, peer;
    socklen_t size = sizeof(peer);
    char byte;
    FD server = listener(&address);
    FD client = socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_OK(eddy__os_set_option(client, SOL_SOCKET, SO_KEEPALIVE, 1));
    ASSERT_OK(eddy__os_connect(client, (struct sockaddr *)&address, sizeof(address)));
    ASSERT_OK(eddy__os_getpeername(client, (struct sockaddr *)&peer, &size));
    ASSERT_UINT_EQ(peer.sin_port, address.sin_port);
    ASSERT_OK(eddy__os_shutdown(client, SHUT_RD));
    ASSERT_INT_EQ(eddy__os_recv(client, &byte, 1, 0), 0);

    ASSERT_CODE(-ENOTCONN, eddy__os_getpeername(server, (struct sockaddr *)&peer, &size));
    ASSERT_CODE(-EBADF, eddy__os_set_option(-1, SOL_SOCKET, SO_KEEPALIVE, 1));
    ASSERT_CODE(-EBADF, eddy__os_shutdown(-1, SHUT_RD));
}

TEST(an_open_descriptor_is_told_from_a_number) {
    FD event = eddy__os_eventfd();
    ASSERT(eddy__os_is_open(event));
    ASSERT(!eddy__os_is_open(-1));
    ASSERT(!eddy__os_is_open(9999));
}

TEST(a_socket_tells_why_its_connect_failed_once) {
    struct sockaddr_in address;
    int server = listener(&address);
    FD client = eddy__os_socket(AF_INET, SOCK_STREAM, 0);
    eddy__os_close(server); /* nobody listens there any more */

    if (eddy__os_connect(client, (struct sockaddr *)&address, sizeof(address)) == -ECONNREFUSED)
        return; /* told at once */
    ASSERT_CODE(-ECONNREFUSED, eddy__os_socket_error(client));
    ASSERT_INT_EQ(eddy__os_socket_error(client), 0);
}

TEST(sending_to_a_peer_that_is_gone_raises_no_signal) {
    int pair[2];
    ASSERT_INT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    eddy__os_close(pair[1]);

    ASSERT_CODE(-EPIPE, eddy__os_send(pair[0], "x", 1, 0));
    eddy__os_close(pair[0]);
}

TEST(closing_keeps_errno_and_ignores_no_descriptor) {
    errno = ERANGE;
    eddy__os_close(-1);
    eddy__os_close(9999);

    ASSERT_INT_EQ(errno, ERANGE);
}

TEST(an_eventfd_that_is_full_takes_another_write) {
    FD event = eddy__os_eventfd();
    uint64_t full = UINT64_MAX - 1;
    ASSERT_INT_EQ(write(event, &full, sizeof(full)), sizeof(full));
    errno = ERANGE;
    eddy__os_eventfd_write(event);
    ASSERT_INT_EQ(errno, ERANGE);

    eddy__os_eventfd_read(event);
    ASSERT_INT_EQ(read(event, &full, sizeof(full)), -1); /* one read has emptied it */
    eddy__os_eventfd_read(event);                        /* and none blocks */
}

TEST(a_wait_without_events_ends_with_none) {
    FD epoll = eddy__os_epoll_create();
    struct epoll_event event;
    int64_t before = eddy__os_now();

    ASSERT_INT_EQ(eddy__os_epoll_wait(epoll, &event, 1, 0), 0);
    ASSERT_INT_EQ(eddy__os_epoll_wait(epoll, &event, 1, 2 * NS_PER_MS), 0);
    ASSERT(eddy__os_now() - before >= 2 * NS_PER_MS);
}

static void ignore(int signo) {
    (void)signo;
}

TEST(a_wait_that_a_signal_interrupts_has_no_events) {
    FD epoll = eddy__os_epoll_create();
    struct epoll_event event;
    struct itimerval soon = {.it_value.tv_usec = 1000, .it_interval.tv_usec = 1000};
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = ignore}, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);

    ASSERT_INT_EQ(eddy__os_epoll_wait(epoll, &event, 1, 3600 * NS_PER_SECOND), 0);
    ASSERT_INT_EQ(eddy__os_epoll_wait(epoll, &event, 1, NS_NEVER), 0);
}

TEST(the_clock_only_grows) {
    int64_t last = eddy__os_now();

    for (int i = 0; i < 1000; i++) {
        int64_t now = eddy__os_now();
        ASSERT(now >= last);
        last = now;
    }
    ASSERT(last > 0);
}

TEST(mapped_memory_is_zero_and_can_be_written) {
    char *memory = eddy__os_map(1 << 20);
    ASSERT_NOT_NULL(memory);

    for (int at = 0; at < 1 << 20; at += 4096)
        ASSERT_INT_EQ(memory[at], 0);
    memory[0] = memory[(1 << 20) - 1] = 1;
    eddy__os_unmap(memory, 1 << 20);
}

TEST(more_memory_than_there_are_addresses_is_refused) {
    ASSERT_NULL(eddy__os_map((size_t)1 << 60));
}
