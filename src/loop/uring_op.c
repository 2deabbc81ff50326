/* SPDX-License-Identifier: MIT
 * uring_op.c - an operation as a question to the kernel, and the answer as its result. */
#include <errno.h>

#include "os.h"
#include "poller_uring.h"
#include "util.h"

#define READ_BYTES_MAX ((size_t)1 << 30) /* in one operation: the kernel's own limit is 2 GiB */

/* A poll for EPOLLPRI alone is never woken by the ring (Linux 6.18 at least): what wakes for urgent
 * data wakes for EPOLLRDBAND, too. */
void eddy__uring_op_fill(const struct eddy__op *op, struct io_uring_sqe *slot) {
    bool reads = direction_of(op) == READING;

    if (op->is_polled) {
        io_uring_prep_poll_add(slot, op->fd, reads ? EPOLLIN : EPOLLOUT);
        return;
    }
    switch (op->code) {
    case EDDY__OP_RECV:
        io_uring_prep_recv(slot, op->fd, op->buffer, op->size, op->flags);
        break;
    case EDDY__OP_LEASE:
        io_uring_prep_recv(slot, op->fd, NULL, LEASE_BYTES, 0);
        eddy__lease_ring_select(slot);
        break;
    case EDDY__OP_SEND:
        io_uring_prep_send(slot, op->fd, op->buffer, op->size, op->flags | MSG_NOSIGNAL);
        break;
    case EDDY__OP_READ:
        io_uring_prep_read(slot, op->fd, op->buffer, (unsigned)MIN(op->size, READ_BYTES_MAX), 0);
        break;
    case EDDY__OP_LEASE_READ:
        io_uring_prep_read(slot, op->fd, NULL, LEASE_BYTES, 0);
        eddy__lease_ring_select(slot);
        break;
    case EDDY__OP_ACCEPT:
        io_uring_prep_accept(slot, op->fd, op->is_foreign ? op->peer : NULL,
                             op->is_foreign ? op->peer_size : NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        break;
    case EDDY__OP_RECVMSG:
        io_uring_prep_recvmsg(slot, op->fd, op->message, (unsigned)op->flags);
        break;
    case EDDY__OP_SENDMSG:
        io_uring_prep_sendmsg(slot, op->fd, op->message, (unsigned)op->flags | MSG_NOSIGNAL);
        break;
    case EDDY__OP_POLL:
        io_uring_prep_poll_add(slot, op->fd,
                               op->events | (op->events & EPOLLPRI ? EPOLLRDBAND : 0));
        break;
    case EDDY__OP_CONNECT:
        io_uring_prep_connect(slot, op->fd, op->address, op->address_size);
        break;
    default:
        io_uring_prep_poll_add(slot, op->fd, reads ? EPOLLIN : EPOLLOUT);
    }
}

/* A local connect never waits; and the ring takes a full queue for success. */
static bool is_local_connect(const struct eddy__op *op) {
    return op->code == EDDY__OP_CONNECT && op->address->sa_family == AF_UNIX;
}

static int connect_now(const struct eddy__op *op) {
    int r;

    do {
        r = eddy__os_connect_now(op->fd, op->address, op->address_size);
    } while (r == -EINTR);
    return r;
}

bool eddy__uring_op_is_done_now(struct eddy__op *op) {
    if (!is_local_connect(op))
        return false;
    op->result = connect_now(op);
    return true;
}

/* The ring's own write would raise SIGPIPE in whoever enters it: so the ring waits for room only.
 */
bool eddy__uring_write_now(struct eddy__op *op) {
    do {
        op->result = eddy__os_write(op->fd, op->buffer, op->size);
    } while (op->result == -EINTR);
    return op->result != -EAGAIN;
}

int eddy__uring_written(struct eddy__op *op, int result) {
    op->is_polled = false;
    if (result < 0 || op->is_cancelled)
        return op->is_cancelled ? -ECANCELED : result;
    eddy__uring_write_now(op);
    return (int)op->result;
}

/* Is this answer none? A thread that ends takes back what it asked for, a signal interrupts, and a
 * socket may be ready for an instant only. */
bool eddy__uring_op_goes_on(struct eddy__op *op, int result) {
    bool was_polled = op->is_polled;

    op->is_polled = false;
    if (op->is_cancelled)
        return false;
    if (op->code == EDDY__OP_CONNECT) {
        op->is_polled = result == -EINTR || result == -EALREADY; /* it is under way */
        return op->is_polled || result == -ECANCELED;
    }
    op->is_polled = result == -EAGAIN && op->code != EDDY__OP_POLL;
    return result == -EAGAIN || result == -EINTR || result == -ECANCELED ||
           (was_polled && result >= 0);
}

/* The answer came after the cancel, and brings nothing: of a wait for readiness it is what is
 * ready, no count of bytes and no descriptor. */
static bool answers_cancel(const struct eddy__op *op, int result, bool was_polled) {
    if (!op->is_cancelled)
        return false;
    return result == -EINTR || result == -EAGAIN ||
           (was_polled && result >= 0 && op->code != EDDY__OP_CONNECT);
}

/* The answer as the operation's result. */
ssize_t eddy__uring_op_result(const struct eddy__poller *poller, const struct eddy__op *op,
                              int result, bool was_polled) {
    if (answers_cancel(op, result, was_polled))
        return -ECANCELED;
    if (op->code == EDDY__OP_CONNECT && was_polled && result >= 0)
        return eddy__os_socket_error(op->fd);
    if (op->code == EDDY__OP_ACCEPT && poller->is_closing && result >= 0) {
        eddy__os_close(result); /* nobody is going to serve it */
        return -ECANCELED;
    }
    if (op->code == EDDY__OP_READABLE || op->code == EDDY__OP_WRITABLE)
        return MIN(result, 0);
    if (op->code == EDDY__OP_POLL && result >= 0)
        return op_events(op, (uint32_t)result);
    return result;
}
