/* SPDX-License-Identifier: MIT
 * limit_echo_epoll.c - the limit of an echo server on epoll.
 *
 * Each socket is registered once, edge-triggered, for both directions. A receive that fills less
 * than its buffer has drained the socket, so the next one waits for an edge: one recv and one send
 * for each request and hardly ever anything else.
 * Beside it: eddy_echo.c with EDDY_BACKEND=epoll. */
#include "echo.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define EVENTS_MAX 256

struct connection {
    int fd;
    char *unsent; /* what the socket did not take, NULL mostly */
    size_t unsent_bytes, sent_bytes;
};

static int epoll_fd, listener;
static char buffer[ECHO_BUFFER_BYTES];

static void watch(int fd, void *what, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = what};

    bench_require(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0, "epoll_ctl");
}

static void accept_all(void) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct connection *connection = calloc(1, sizeof(*connection));
        bench_require(connection ? 0 : -ENOMEM, "connection");
        connection->fd = fd;
        watch(fd, connection, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    }
}

static void connection_close(struct connection *connection) {
    close(connection->fd);
    free(connection->unsent);
    free(connection);
}

static void keep_unsent(struct connection *connection, const char *data, size_t bytes) {
    connection->unsent = malloc(bytes);
    bench_require(connection->unsent ? 0 : -ENOMEM, "unsent");
    memcpy(connection->unsent, data, bytes);
    connection->unsent_bytes = bytes;
    connection->sent_bytes = 0;
}

/* False: the connection is broken. */
static bool send_unsent(struct connection *connection) {
    while (connection->unsent) {
        ssize_t sent = send(connection->fd, connection->unsent + connection->sent_bytes,
                            connection->unsent_bytes - connection->sent_bytes, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN;
        connection->sent_bytes += (size_t)sent;
        if (connection->sent_bytes == connection->unsent_bytes) {
            free(connection->unsent);
            connection->unsent = NULL;
        }
    }
    return true;
}

/* False: the connection has ended. */
static bool echo(struct connection *connection) {
    ssize_t received = sizeof(buffer);

    while (!connection->unsent && received == sizeof(buffer)) {
        received = recv(connection->fd, buffer, sizeof(buffer), 0);
        if (received <= 0)
            return received < 0 && errno == EAGAIN;
        ssize_t sent = send(connection->fd, buffer, (size_t)received, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return false;
        if (sent < received)
            keep_unsent(connection, buffer + (sent > 0 ? sent : 0),
                        (size_t)(received - (sent > 0 ? sent : 0)));
    }
    return true;
}

/* The edge of a new socket says that it can be written, and nothing to read: one EAGAIN each. */
static void handle(struct connection *connection, uint32_t events) {
    bool was_waiting = connection->unsent;
    bool lives = !(events & EPOLLERR) && send_unsent(connection);

    if (lives && (events & EPOLLIN || was_waiting))
        lives = echo(connection);
    if (!lives)
        connection_close(connection);
}

int main(void) {
    struct epoll_event events[EVENTS_MAX];
    int port;

    echo_raise_descriptor_limit();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    bench_require(epoll_fd < 0 ? -errno : 0, "epoll_create1");
    listener = echo_listen(&port);
    watch(listener, NULL, EPOLLIN | EPOLLET);
    echo_announce(port);

    for (;;) {
        int count = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (!events[i].data.ptr)
                accept_all();
            else
                handle(events[i].data.ptr, events[i].events);
        }
    }
}
