/* SPDX-License-Identifier: MIT
 * socket.c - stream sockets, set up the way that streams and servers want them. */
#include "socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "address.h"
#include "os.h"
#include "util.h"

/* A refusal would only cost speed, so it is no failure. */
static void socket_set_nodelay(int fd) {
    eddy__os_set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

static int socket_set_if(int fd, int level, int name, int value) {
    return value > 0 ? eddy__os_set_option(fd, level, name, value) : 0;
}

static int socket_keep_alive(int fd, const struct eddy__socket_options *options) {
    int r = eddy__os_set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);

    if (r == 0)
        r = socket_set_if(fd, IPPROTO_TCP, TCP_KEEPIDLE, options->idle_seconds);
    if (r == 0)
        r = socket_set_if(fd, IPPROTO_TCP, TCP_KEEPINTVL, options->interval_seconds);
    if (r == 0)
        r = socket_set_if(fd, IPPROTO_TCP, TCP_KEEPCNT, options->probes);
    return r;
}

static bool is_tcp(int fd) {
    union eddy__address address;
    socklen_t size = sizeof(address);

    return eddy__os_getsockname(fd, &address.any, &size) == 0 &&
           (address.any.sa_family == AF_INET || address.any.sa_family == AF_INET6);
}

static int socket_tell(int fd, bool is_inet, const struct eddy__socket_options *options) {
    int r = socket_set_if(fd, SOL_SOCKET, SO_SNDBUF, options->send_buffer_bytes);

    if (r == 0)
        r = socket_set_if(fd, SOL_SOCKET, SO_RCVBUF, options->receive_buffer_bytes);
    if (is_inet && !options->nagle)
        socket_set_nodelay(fd);
    if (r == 0 && is_inet && options->keep_alive)
        r = socket_keep_alive(fd, options);
    return r;
}

int eddy__socket_tell(int fd, const struct eddy__socket_options *options) {
    return socket_tell(fd, is_tcp(fd), options);
}

int eddy__socket_new(int family, const struct eddy__socket_options *options) {
    CLEANUP(eddy__os_closep) int fd = eddy__os_socket(family, SOCK_STREAM, 0);
    int r = fd;

    if (r >= 0)
        r = socket_tell(fd, family != AF_UNIX, options);
    return r < 0 ? r : TAKE_FD(fd);
}

/* What belongs to the port. A server that is started again must not wait for the last one's
 * connections to time out. */
static int socket_share(int fd, int family, const struct eddy__listen_options *options) {
    int r = 0;

    if (!options->no_reuse)
        r = eddy__os_set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r == 0 && options->reuse_port)
        r = eddy__os_set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (r == 0 && family == AF_INET6)
        r = eddy__os_set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !options->is_dual_stack);
    return r;
}

int eddy__socket_listen(const struct sockaddr *address, socklen_t size,
                        const struct eddy__listen_options *options) {
    CLEANUP(eddy__os_closep) int fd = eddy__socket_new(address->sa_family, &options->socket);
    int r = fd;

    if (r >= 0)
        r = socket_share(fd, address->sa_family, options);
    if (r == 0)
        r = eddy__os_bind(fd, address, size);
    if (r == 0 && options->backlog > 0)
        r = eddy__os_listen(fd, options->backlog);
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
