/* SPDX-License-Identifier: MIT
 * socket.h - TCP sockets: making them, and the operations on them in their initial state.
 *
 * An operation is filled in here and submitted by who owns it (loop/op.h); whoever awaits it from a
 * callback sets op->done after filling it in. */
#ifndef EDDY__SOCKET_H
#define EDDY__SOCKET_H

#include "op.h"

/* What a socket is told; all zero is the default of everything. What a listener is told, its
 * connections inherit. */
struct eddy__socket_options {
    bool nagle;      /* else small writes leave at once */
    bool keep_alive; /* with the system's times, or these: */
    int idle_seconds, interval_seconds, probes;
    int send_buffer_bytes, receive_buffer_bytes;
};

/* A stream socket. */
int eddy__socket_new(int family, const struct eddy__socket_options *options);

/* Tells a socket of any origin. Returns 0 or a negative code: what was asked for was refused. */
int eddy__socket_tell(int fd, const struct eddy__socket_options *options);

/* How to listen; all zero is the default of everything but the backlog. */
struct eddy__listen_options {
    int backlog;        /* 0: it is bound, and listens later */
    int family;         /* AF_INET, AF_INET6: only these; 0: both */
    bool reuse_port;    /* with others that listen on it, too */
    bool no_reuse;      /* not while an earlier server's connections linger on the port */
    bool is_dual_stack; /* an IPv6 socket takes IPv4 too; else both families can have a port side by
                           side */
    struct eddy__socket_options socket;
};

/* A socket that listens on `address`. Returns the descriptor, -EADDRINUSE, -EACCES, ... */
int eddy__socket_listen(const struct sockaddr *address, socklen_t size,
                        const struct eddy__listen_options *options);

/* Sends what the kernel takes now. Returns how much, or a negative code; -EAGAIN: nothing. */
ssize_t eddy__socket_try_send(int fd, const void *data, size_t size);

/* Closing this socket will be a reset: the peer must not take what it got for all there was. */
void eddy__socket_reset_on_close(int fd);

/* The connection is gone, and no later call will find it better. */
bool eddy__socket_is_lost(int code);

static inline void eddy__op_recv(struct eddy__op *op, int fd, void *buffer, size_t size) {
    *op = (struct eddy__op){.code = EDDY__OP_RECV, .fd = fd, .buffer = buffer, .size = size};
}

/* Returns a lease, see op.h. */
static inline void eddy__op_lease(struct eddy__op *op, int fd) {
    *op = (struct eddy__op){.code = EDDY__OP_LEASE, .fd = fd};
}

static inline void eddy__op_send(struct eddy__op *op, int fd, const void *data, size_t size) {
    *op = (struct eddy__op){.code = EDDY__OP_SEND, .fd = fd, .buffer = (void *)data, .size = size};
}

static inline void eddy__op_accept(struct eddy__op *op, int fd) {
    *op = (struct eddy__op){.code = EDDY__OP_ACCEPT, .fd = fd};
}

static inline void eddy__op_connect(struct eddy__op *op, int fd, const struct sockaddr *address,
                                    socklen_t size) {
    *op = (struct eddy__op){
        .code = EDDY__OP_CONNECT, .fd = fd, .address = address, .address_size = size};
}

#endif
