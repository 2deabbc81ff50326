/* SPDX-License-Identifier: MIT
 * uring_receive.c - receives: memory of the poller's for those that bring none, and what one
 * teaches about the next. */
#include <errno.h>

#include "poller_uring.h"
#include "util.h"

#define BULKY_BYTES 8192

/* --- asking ----------------------------------------------------------------------------------- */

/* The kernel refuses to wait without a single lease. Where it does not know them the operation
 * waits for readiness, and receives by itself. */
void eddy__uring_receive_ready(struct eddy__poller *poller, struct eddy__op *op) {
    if (op->code != EDDY__OP_LEASE)
        return;
    op->is_polled = poller->descriptors[op->fd].is_bulky ||
                    !eddy__lease_ring_open(&poller->lease_ring, &poller->uring);
    if (!op->is_polled && poller->lease_ring.filled == 0)
        eddy__lease_ring_fill(&poller->lease_ring, &poller->leases);
}

void eddy__uring_receive_fill(const struct eddy__poller *poller, const struct eddy__op *op,
                              struct io_uring_sqe *slot) {
    if (!op->is_polled && poller->descriptors[op->fd].is_drained)
        slot->ioprio |= IORING_RECVSEND_POLL_FIRST;
}

/* --- answers ---------------------------------------------------------------------------------- */

/* What a receive by lease has come to; its buffer, if it brought something. */
static int lease_answered(struct eddy__poller *poller, struct eddy__op *op,
                          const struct io_uring_cqe *answer) {
    if (answer->flags & IORING_CQE_F_BUFFER)
        op->buffer = eddy__lease_ring_take(&poller->lease_ring, answer);
    if (op->buffer && answer->res <= 0)
        eddy__lease_give(&poller->leases, TAKE_POINTER(op->buffer));
    if (answer->res == -ENOBUFS && op->is_cancelled)
        return -ECANCELED;
    if (answer->res == -ENOBUFS) {
        eddy__lease_ring_grow(&poller->lease_ring);
        return eddy__lease_ring_fill(&poller->lease_ring, &poller->leases) ? -EINTR : -ENOMEM;
    }
    if (op->is_polled && answer->res >= 0) {
        op->is_polled = false;
        return (int)eddy__lease_receive(&poller->leases, op->fd, &op->buffer);
    }
    return answer->res;
}

/* What a receive teaches about the next one. */
static void descriptor_received(struct eddy__poller *poller, const struct eddy__op *op, int result,
                                uint32_t flags) {
    struct uring_descriptor *descriptor = &poller->descriptors[op->fd];

    descriptor->is_drained =
        poller->uring.waits_first && result > 0 && !(flags & IORING_CQE_F_SOCK_NONEMPTY);
    if (op->code == EDDY__OP_LEASE && result > 0)
        descriptor->is_bulky = result >= BULKY_BYTES;
}

int eddy__uring_received(struct eddy__poller *poller, struct eddy__op *op,
                         const struct io_uring_cqe *answer) {
    int r = op->code == EDDY__OP_LEASE ? lease_answered(poller, op, answer) : answer->res;

    descriptor_received(poller, op, r, answer->flags);
    return r;
}
