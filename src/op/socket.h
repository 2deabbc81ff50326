/* SPDX-License-Identifier: MIT
 * socket.h - TCP sockets: making them, and the operations on them in their initial state.
 *
 * An operation is filled in here and submitted by who owns it (loop/op.h); whoever awaits it from a
 * callback sets op->done after filling it in. */
#ifndef EDDY__SOCKET_H
#define EDDY__SOCKET_H

#include "op.h"

/* A socket to connect with: small writes leave at once (no Nagle). Returns the descriptor or a
 * negative code. */
int eddy__socket_new(int family);

/* A socket that listens on `address`; what it accepts has no Nagle either. An IPv6 one takes IPv6
 * only, so that both families can have a port side by side. Returns the descriptor, -EADDRINUSE,
 * -EACCES, ... */
int eddy__socket_listen(const struct sockaddr *address, socklen_t size, int backlog);

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
