/* SPDX-License-Identifier: MIT
 * descriptor_calls.c - the system calls of <eddy/descriptor.h>: each is a foreign operation
 * (loop/op.h) that a task awaits.
 *
 * What a blocking call does in one piece takes several operations: MSG_WAITALL, and sending more
 * than there is room for. A call that has done a part by then returns that: -ECANCELED means no
 * effect. */
#include <eddy/descriptor.h>

#include <errno.h>
#include <poll.h>

#include "kept.h"
#include "sendfile.h"

_Static_assert(EDDY_READABLE == POLLIN && EDDY_URGENT == POLLPRI && EDDY_WRITABLE == POLLOUT &&
                   EDDY_FAILED == POLLERR && EDDY_HUNG_UP == POLLHUP,
               "the kernel's events are passed on as they are");

/* --- operations ------------------------------------------------------------------------------- */

static bool waits(int flags) {
    return !(flags & (MSG_DONTWAIT | MSG_ERRQUEUE));
}

static ssize_t op_now(const struct eddy__op *op) {
    switch (op->code) {
    case EDDY__OP_RECV:
        return eddy__os_recv(op->fd, op->buffer, op->size, op->flags);
    case EDDY__OP_SEND:
        return eddy__os_send(op->fd, op->buffer, op->size, op->flags);
    case EDDY__OP_RECVMSG:
        return eddy__os_recvmsg(op->fd, op->message, op->flags | MSG_DONTWAIT);
    default:
        return eddy__os_sendmsg(op->fd, op->message, op->flags);
    }
}

/* Suspends, unless its flags forbid it: then it passes the poller by. */
static ssize_t op_run(struct eddy__op *op) {
    struct eddy__task *task;
    ssize_t r;

    if (waits(op->flags))
        return eddy__op_await(NULL, op);
    r = eddy__checkpoint(NULL, &task);
    if (r == 0)
        r = op_now(op);
    if (r < 0)
        return r == -ECANCELED ? r : eddy__fail((int)r);
    eddy__task_charge(task);
    return r;
}

/* --- receiving -------------------------------------------------------------------------------- */

ssize_t eddy_recv(int fd, void *buffer, size_t size, int flags) {
    return eddy_recvfrom(fd, buffer, size, flags, NULL, NULL);
}

/* One operation, without MSG_WAITALL. */
static ssize_t receive(int fd, void *buffer, size_t size, int flags, struct sockaddr *address,
                       socklen_t *address_size) {
    struct iovec whole = {buffer, size};
    struct msghdr message = {.msg_iov = &whole, .msg_iovlen = 1, .msg_name = address};
    struct eddy__op op = {.fd = fd, .is_foreign = true, .flags = flags};
    ssize_t r;

    if (!address || !address_size) {
        op.code = EDDY__OP_RECV;
        op.buffer = buffer;
        op.size = size;
        return op_run(&op);
    }
    message.msg_namelen = *address_size;
    op.code = EDDY__OP_RECVMSG;
    op.message = &message;
    r = op_run(&op);
    if (r >= 0)
        *address_size = message.msg_namelen;
    return r;
}

ssize_t eddy_recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *address,
                      socklen_t *address_size) {
    bool all = flags & MSG_WAITALL && !(flags & MSG_PEEK) && waits(flags);
    ssize_t r = receive(fd, buffer, size, flags & ~MSG_WAITALL, address, address_size);
    size_t had = r > 0 ? (size_t)r : 0;

    while (all && r > 0 && had < size) {
        r = receive(fd, (char *)buffer + had, size - had, flags & ~MSG_WAITALL, NULL, NULL);
        had += r > 0 ? (size_t)r : 0;
    }
    return had > 0 ? (ssize_t)had : r;
}

ssize_t eddy_recvmsg(int fd, struct msghdr *message, int flags) {
    struct eddy__op op = {
        .code = EDDY__OP_RECVMSG, .fd = fd, .is_foreign = true, .flags = flags, .message = message};

    if (flags & MSG_WAITALL)
        return eddy_raise(-EINVAL, "eddy_recvmsg() does not know MSG_WAITALL");
    return op_run(&op);
}

/* --- trying ----------------------------------------------------------------------------------- */

/* What is no operation of the pollers: tried, and tried again when it is ready. */
struct transfer {
    struct eddy__kept kept;
    enum { TRANSFER_READ, TRANSFER_WRITE, TRANSFER_SEND } kind;
    void *buffer; /* neither writing nor sending writes to it */
    size_t size;
    const struct msghdr *message;
    int flags;
};

static ssize_t transfer_now(const struct transfer *transfer) {
    int fd = eddy__kept_fd(&transfer->kept);

    switch (transfer->kind) {
    case TRANSFER_READ:
        return eddy__os_read_now(fd, transfer->buffer, transfer->size);
    case TRANSFER_WRITE:
        return eddy__os_write_now(fd, transfer->buffer, transfer->size);
    default:
        return eddy__os_sendmsg(fd, transfer->message, transfer->flags | MSG_DONTWAIT);
    }
}

/* Suspends. Who sends to an address by a Unix socket lacks the receiver's room, of which nothing
 * tells. */
static int transfer_wait(struct transfer *transfer) {
    if (transfer->kind == TRANSFER_SEND && transfer->message->msg_name)
        return eddy__kept_wait_a_little(&transfer->kept);
    return eddy__kept_wait(&transfer->kept, transfer->kind == TRANSFER_READ ? POLLIN : POLLOUT);
}

/* Suspends while it is not ready. -EINTR: once more. */
static ssize_t transfer_once(struct transfer *transfer) {
    ssize_t r = transfer_now(transfer);

    if (r != -EAGAIN)
        return r == -EINTR || r >= 0 ? r : eddy__fail((int)r);
    r = transfer_wait(transfer);
    return r < 0 ? r : -EINTR;
}

/* Suspends. */
static ssize_t transfer_run(struct transfer *transfer) {
    struct eddy__task *task;
    ssize_t r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    do {
        r = transfer_once(transfer);
    } while (r == -EINTR);
    eddy__kept_release(&transfer->kept);
    if (r >= 0)
        eddy__task_charge(task);
    return r;
}

/* --- sending ---------------------------------------------------------------------------------- */

ssize_t eddy_send(int fd, const void *data, size_t size, int flags) {
    return eddy_sendto(fd, data, size, flags, NULL, 0);
}

/* A poller cannot wait for the room of a Unix receiver that the socket is not connected to, and the
 * one on io_uring not for that of any (loop/uring_foreign.c): then it says -EAGAIN. */
static ssize_t message_send(int fd, const struct msghdr *message, int flags) {
    struct transfer transfer = {
        .kept = EDDY__KEPT(fd), .kind = TRANSFER_SEND, .message = message, .flags = flags};
    struct eddy__op op = {.code = EDDY__OP_SENDMSG,
                          .fd = fd,
                          .is_foreign = true,
                          .flags = flags,
                          .message = (struct msghdr *)message};
    const struct sockaddr *to = message->msg_name;
    ssize_t r = to && to->sa_family == AF_UNIX && waits(flags) ? -EAGAIN : op_run(&op);

    return r == -EAGAIN && waits(flags) ? transfer_run(&transfer) : r;
}

/* To the peer. */
static ssize_t data_send(int fd, const void *data, size_t size, int flags) {
    struct iovec whole = {(void *)data, size};
    struct eddy__op op = {.code = EDDY__OP_SEND,
                          .fd = fd,
                          .is_foreign = true,
                          .flags = flags,
                          .buffer = (void *)data,
                          .size = size};
    ssize_t r = op_run(&op);

    if (r != -EAGAIN || !waits(flags))
        return r;
    return message_send(fd, &(struct msghdr){.msg_iov = &whole, .msg_iovlen = 1}, flags);
}

static ssize_t send_some(int fd, const void *data, size_t size, int flags,
                         const struct sockaddr *address, socklen_t address_size) {
    struct iovec whole = {(void *)data, size};
    struct msghdr message = {.msg_iov = &whole,
                             .msg_iovlen = 1,
                             .msg_name = (void *)address,
                             .msg_namelen = address_size};

    return address ? message_send(fd, &message, flags) : data_send(fd, data, size, flags);
}

ssize_t eddy_sendto(int fd, const void *data, size_t size, int flags,
                    const struct sockaddr *address, socklen_t address_size) {
    ssize_t r = send_some(fd, data, size, flags, address, address_size);
    size_t sent = r > 0 ? (size_t)r : 0;

    while (r > 0 && sent < size && waits(flags)) {
        r = send_some(fd, (const char *)data + sent, size - sent, flags, address, address_size);
        sent += r > 0 ? (size_t)r : 0;
    }
    return sent > 0 ? (ssize_t)sent : r;
}

ssize_t eddy_sendmsg(int fd, const struct msghdr *message, int flags) {
    return message_send(fd, message, flags);
}

ssize_t eddy_sendfile(int out_fd, int in_fd, off_t *offset, size_t size) {
    off_t at = offset ? *offset : eddy__os_file_offset(in_fd);
    ssize_t r;

    if (at < 0)
        return eddy__fail((int)at);
    r = eddy__sendfile(out_fd, true, in_fd, &at, size);
    if (r > 0 && offset)
        *offset = at;
    else if (r > 0)
        eddy__os_file_seek(in_fd, at);
    return r;
}

/* --- what is no socket ------------------------------------------------------------------------ */

ssize_t eddy_read(int fd, void *buffer, size_t size) {
    struct transfer transfer = {
        .kept = EDDY__KEPT(fd), .kind = TRANSFER_READ, .buffer = buffer, .size = size};

    return transfer_run(&transfer);
}

static ssize_t write_some(int fd, const void *data, size_t size) {
    struct transfer transfer = {
        .kept = EDDY__KEPT(fd), .kind = TRANSFER_WRITE, .buffer = (void *)data, .size = size};

    return transfer_run(&transfer);
}

ssize_t eddy_write(int fd, const void *data, size_t size) {
    ssize_t r = write_some(fd, data, size);
    size_t sent = r > 0 ? (size_t)r : 0;

    while (r > 0 && sent < size) {
        r = write_some(fd, (const char *)data + sent, size - sent);
        sent += r > 0 ? (size_t)r : 0;
    }
    return sent > 0 ? (ssize_t)sent : r;
}

/* --- connections ------------------------------------------------------------------------------ */

/* Nobody else will see it. */
static void accept_dropped(struct eddy__op *op) {
    eddy__os_close((int)op->result);
}

int eddy_accept(int fd, struct sockaddr *address, socklen_t *address_size) {
    struct eddy__op op = {.code = EDDY__OP_ACCEPT,
                          .fd = fd,
                          .is_foreign = true,
                          .peer = address,
                          .peer_size = address_size};

    return (int)eddy__op_await_or(NULL, &op, accept_dropped);
}

int eddy_connect(int fd, const struct sockaddr *address, socklen_t address_size) {
    struct eddy__op op = {.code = EDDY__OP_CONNECT,
                          .fd = fd,
                          .is_foreign = true,
                          .address = address,
                          .address_size = address_size};

    return (int)eddy__op_await(NULL, &op);
}

/* --- readiness and the end -------------------------------------------------------------------- */

int eddy_wait_fd(int fd, int events) {
    const int known = EDDY_READABLE | EDDY_URGENT | EDDY_WRITABLE;
    struct eddy__op op = {
        .code = EDDY__OP_POLL, .fd = fd, .is_foreign = true, .events = (uint32_t)events};

    if (!events || events & ~known)
        return eddy_raise(-EINVAL, "eddy_wait_fd() does not know events %#x", (unsigned)events);
    return (int)eddy__op_await(NULL, &op);
}

/* A thread without a loop has nobody who waits. */
int eddy_close(int fd) {
    eddy_loop *loop = eddy__thread.running ? eddy__thread.running : eddy__thread.default_loop;
    int r;

    if (loop && eddy__loop_is_usable(loop)) {
        eddy_remove_reader(loop, fd);
        eddy_remove_writer(loop, fd);
        eddy__op_end_all(loop, fd);
    }
    r = eddy__os_close_told(fd);
    return r < 0 ? eddy__fail(r) : 0;
}
