/* SPDX-License-Identifier: MIT
 * socket.c - TCP sockets, set up the way that streams and servers want them. */
#include "socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "os.h"
#include "util.h"

/* A refusal would only cost speed (and comes from sockets that are not TCP), so it is no failure.
 */
static void socket_set_nodelay(int fd) {
    eddy__os_set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

int eddy__socket_new(int family) {
    int fd = eddy__os_socket(family, SOCK_STREAM, 0);

    if (fd >= 0)
        socket_set_nodelay(fd);
    return fd;
}

int eddy__socket_listen(const struct sockaddr *address, socklen_t size, int backlog,
                        bool reuse_port) {
    CLEANUP(eddy__os_closep) int fd = eddy__os_socket(address->sa_family, SOCK_STREAM, 0);
    int r = fd;

    if (r < 0)
        return r;
    socket_set_nodelay(fd); /* inherited by what it accepts */

    /* A server that is started again must not wait for the last one's connections to time out. */
    r = eddy__os_set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r == 0 && reuse_port)
        r = eddy__os_set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (r == 0 && address->sa_family == AF_INET6)
        r = eddy__os_set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (r == 0)
        r = eddy__os_bind(fd, address, size);
    if (r == 0)
        r = eddy__os_listen(fd, backlog);
    return r < 0 ? r : TAKE_FD(fd);
}

/* Not an operation, as the bytes stay the caller's: what is not taken now, he queues. The one place
 * where a stream passes the poller by. */
ssize_t eddy__socket_try_send(int fd, const void *data, size_t size) {
    ssize_t r;

    do {
        r = eddy__os_send(fd, data, size, MSG_DONTWAIT);
    } while (r == -EINTR);
    return r;
}

void eddy__socket_reset_on_close(int fd) {
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

bool eddy__socket_is_lost(int code) {
    switch (code) {
    case -ECONNRESET:
    case -EPIPE:
    case -ETIMEDOUT:
    case -ECONNABORTED:
    case -ECONNREFUSED:
    case -ENOTCONN:
    case -EHOSTUNREACH:
    case -EHOSTDOWN:
    case -ENETUNREACH:
    case -ENETDOWN:
    case -ENETRESET:
    case -EPROTO:
        return true;
    default:
        return false;
    }
}
