/* SPDX-License-Identifier: MIT
 * net.c - plain sockets, and runs that must leave nothing behind. */
#include "net.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

static int return_at_once(void *arg) {
    (void)arg;
    return 0;
}

int count_descriptors(void) {
    static bool was_run;
    DIR *directory;
    int count = -1; /* its own */

    if (!was_run && !eddy_running_loop()) {
        was_run = true;
        ASSERT_OK(eddy_run(return_at_once, NULL));
    }
    directory = opendir("/proc/self/fd");
    ASSERT_NOT_NULL(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

void assert_descriptors(int before) {
    for (int i = 0; i < 1000 && count_descriptors() > before; i++)
        usleep(1000);
    ASSERT_INT_EQ(count_descriptors(), before);
}

static int run_with(eddy_clock clock, eddy_fn *fn) {
    int before = count_descriptors(), r;
    eddy_loop *loop;

    ASSERT_OK(eddy_loop_new(&(eddy_loop_options){.clock = clock}, &loop));
    r = eddy_loop_run_until_complete(
        loop, eddy_create_task_with(&(eddy_task_options){.loop = loop}, fn, NULL));
    ASSERT_INT_EQ(eddy_all_tasks(loop, NULL, 0), 0);
    ASSERT_NULL(eddy_loop_close(loop));
    assert_descriptors(before);
    return r;
}

int run(eddy_fn *fn) {
    return run_with(EDDY_CLOCK_MONOTONIC, fn);
}

int run_virtual(eddy_fn *fn) {
    return run_with(EDDY_CLOCK_VIRTUAL, fn);
}

eddy_server *server_start(eddy_connection_fn *fn, char port[8]) {
    eddy_server *server;

    ASSERT_OK(eddy_start_server(fn, NULL, "127.0.0.1", "0", NULL, &server));
    snprintf(port, 8, "%d", eddy_server_port(server));
    return server;
}

static struct addrinfo *address_of(const char *host, const char *port) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *out;

    ASSERT_INT_EQ(getaddrinfo(host, port, &hints, &out), 0);
    return out;
}

static int port_of(int fd) {
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);

    ASSERT_INT_EQ(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(((struct sockaddr_in *)&address)->sin_port); /* of both families at one place */
}

void plain_listen_on(struct plain_listener *listener, const char *host, int backlog) {
    struct addrinfo *address = address_of(host, "0");

    listener->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(listener->fd >= 0);
    ASSERT_INT_EQ(bind(listener->fd, address->ai_addr, address->ai_addrlen), 0);
    ASSERT_INT_EQ(listen(listener->fd, backlog), 0);
    snprintf(listener->port, sizeof(listener->port), "%d", port_of(listener->fd));
    freeaddrinfo(address);
}

void plain_listen(struct plain_listener *listener, int backlog) {
    plain_listen_on(listener, "127.0.0.1", backlog);
}

static int connect_with(const char *host, const char *port, int flags) {
    struct addrinfo *address = address_of(host, port);
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), r;

    ASSERT(fd >= 0);
    r = connect(fd, address->ai_addr, address->ai_addrlen);
    ASSERT(r == 0 || (flags && errno == EINPROGRESS));
    freeaddrinfo(address);
    return fd;
}

int plain_connect(const char *host, const char *port) {
    return connect_with(host, port, 0);
}

bool has_ipv6(void) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

    plain_close(&fd);
    if (!has)
        printf("skipped: what needs IPv6, which this machine does not have\n");
    return has;
}

void black_hole_open(struct black_hole *hole, const char *host) {
    plain_listen_on(&hole->listener, host, 0);
    for (size_t i = 0; i < ARRAY_SIZE(hole->fillers); i++)
        hole->fillers[i] = connect_with(host, hole->listener.port, SOCK_NONBLOCK);
}

void black_hole_close(struct black_hole *hole) {
    for (size_t i = 0; i < ARRAY_SIZE(hole->fillers); i++)
        plain_close(&hole->fillers[i]);
    plain_close(&hole->listener.fd);
}

int next_descriptor(void) {
    int fd = dup(0);

    close(fd);
    return fd;
}

void plain_close(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void pair_open(struct pair *pair, const eddy_connect_options *options) {
    struct plain_listener listener;

    plain_listen(&listener, 1);
    ASSERT_OK(eddy_open_connection("127.0.0.1", listener.port, options, &pair->stream));
    pair->peer = accept(listener.fd, NULL, NULL);
    ASSERT(pair->peer >= 0);
    plain_close(&listener.fd);
}

void pair_close(struct pair *pair) {
    pair->stream = eddy_stream_close(pair->stream);
    plain_close(&pair->peer);
}

void peer_send_bytes(int fd, const void *data, size_t size) {
    ASSERT_INT_EQ(send(fd, data, size, MSG_NOSIGNAL), (ssize_t)size);
}

void peer_send(int fd, const char *text) {
    peer_send_bytes(fd, text, strlen(text));
}

void peer_reset(int *fd) {
    struct linger linger = {.l_onoff = 1};

    setsockopt(*fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    plain_close(fd);
}

ssize_t peer_read_all(int fd, char *buffer, size_t size) {
    size_t had = 0;

    while (had < size) {
        ssize_t n = recv(fd, buffer + had, size - had, 0);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        had += (size_t)n;
    }
    return (ssize_t)had;
}

ssize_t peer_read_now(int fd, void *buffer, size_t size) {
    ssize_t n = recv(fd, buffer, size, MSG_DONTWAIT);

    return n < 0 ? -errno : n;
}

/* Two turns of the loop's callbacks lie between: a yield alone does not reach the poll while others
 * are ready. */
void settle(void) {
    for (int i = 0; i < 4; i++)
        eddy_sleep(0.001);
}
