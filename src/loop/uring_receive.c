/* SPDX-License-Identifier: MIT
 * uring_receive.c - receives one by one, and by a multishot that may run ahead of its reader.
 *
 * What has come ahead waits in its leases, which link themselves: keeping it needs no memory. */
#include "uring_receive.h"

#include <errno.h>
#include <string.h>

#include "os.h"
#include "poller_uring.h"
#include "util.h"

#define BULKY_BYTES 8192

static struct eddy__uring_receiver *receiver_of(const struct eddy__poller *poller, int fd) {
    return &poller->descriptors[fd].receiver;
}

/* --- one by one ------------------------------------------------------------------------------- */

/* The kernel refuses to wait without a single lease. False: it does not know them. */
static bool leases_ready(struct eddy__poller *poller) {
    if (!eddy__lease_ring_open(&poller->lease_ring, &poller->uring))
        return false;
    if (poller->lease_ring.filled == 0)
        eddy__lease_ring_fill(&poller->lease_ring, &poller->leases);
    return true;
}

/* Where the kernel does not lend, the operation waits for readiness and receives by itself. */
void eddy__uring_receive_ready(struct eddy__poller *poller, struct eddy__op *op) {
    bool was_refused = op->code == EDDY__OP_LEASE_READ && op->is_polled;

    op->is_polled = was_refused || receiver_of(poller, op->fd)->is_bulky || !leases_ready(poller);
}

void eddy__uring_receive_fill(const struct eddy__poller *poller, const struct eddy__op *op,
                              struct io_uring_sqe *slot) {
    if (!op->is_polled && receiver_of(poller, op->fd)->is_drained)
        slot->ioprio |= IORING_RECVSEND_POLL_FIRST;
}

/* The kernel ran out of leases. False: there is no memory for more. */
static bool leases_grow(struct eddy__poller *poller) {
    eddy__lease_ring_grow(&poller->lease_ring);
    return eddy__lease_ring_fill(&poller->lease_ring, &poller->leases);
}

/* The lease that an answer brings with something in it, or NULL. */
static void *lease_of_answer(struct eddy__poller *poller, const struct io_uring_cqe *answer) {
    void *buffer = NULL;

    if (answer->flags & IORING_CQE_F_BUFFER)
        buffer = eddy__lease_ring_take(&poller->lease_ring, answer);
    if (buffer && answer->res <= 0)
        eddy__lease_give(&poller->leases, TAKE_POINTER(buffer));
    return buffer;
}

/* What a receive by lease has come to; its buffer, if it brought something. */
static int lease_answered(struct eddy__poller *poller, struct eddy__op *op,
                          const struct io_uring_cqe *answer) {
    op->buffer = lease_of_answer(poller, answer);
    if (answer->res == -ENOBUFS && op->is_cancelled)
        return -ECANCELED;
    if (answer->res == -ENOBUFS)
        return leases_grow(poller) ? -EINTR : -ENOMEM;
    if (op->is_polled && answer->res >= 0) {
        op->is_polled = false;
        return (int)(op->code == EDDY__OP_LEASE
                         ? eddy__lease_receive(&poller->leases, op->fd, &op->buffer)
                         : eddy__lease_read(&poller->leases, op->fd, &op->buffer));
    }
    return answer->res;
}

/* What the ring cannot read without blocking, as a terminal, it answers -EAGAIN for, however ready:
 * after the wait for that it is read without the ring. */
int eddy__uring_read(struct eddy__poller *poller, struct eddy__op *op,
                     const struct io_uring_cqe *answer) {
    if (op->code == EDDY__OP_LEASE_READ)
        return lease_answered(poller, op, answer);
    if (!op->is_polled || answer->res < 0)
        return answer->res;
    op->is_polled = false;
    return (int)eddy__os_read(op->fd, op->buffer, MIN(op->size, INT32_MAX));
}

/* What a receive teaches about the next one. */
static void receiver_learn(struct eddy__poller *poller, struct eddy__uring_receiver *receiver,
                           int result, uint32_t flags) {
    receiver->is_drained =
        poller->uring.waits_first && result > 0 && !(flags & IORING_CQE_F_SOCK_NONEMPTY);
}

static void receiver_learn_size(struct eddy__uring_receiver *receiver, int result) {
    receiver->is_bulky = result >= BULKY_BYTES;
    receiver->steady = receiver->is_bulky ? 0 : MIN(receiver->steady + 1, STEADY_LEAST);
}

int eddy__uring_received(struct eddy__poller *poller, struct eddy__op *op,
                         const struct io_uring_cqe *answer) {
    struct eddy__uring_receiver *receiver = receiver_of(poller, op->fd);
    bool is_lease = op->code == EDDY__OP_LEASE;
    int r = is_lease ? lease_answered(poller, op, answer) : answer->res;

    receiver_learn(poller, receiver, r, answer->flags);
    if (is_lease && r > 0)
        receiver_learn_size(receiver, r);
    return r;
}

/* --- a multishot is asked for ----------------------------------------------------------------- */

/* Without a slot the receive is started again before the next wait. */
static void receiver_arm(struct eddy__poller *poller, struct eddy__uring_receiver *receiver,
                         int fd) {
    struct io_uring_sqe *slot = eddy__uring_slot(&poller->uring);

    if (unlikely(!slot)) {
        poller->is_starved = true;
        return;
    }
    io_uring_prep_recv_multishot(slot, fd, NULL, 0, 0);
    eddy__lease_ring_select(slot);
    if (receiver->is_drained)
        slot->ioprio |= IORING_RECVSEND_POLL_FIRST;
    eddy__multishot_arm(poller, &receiver->multishot, fd, slot);
}

/* One by one from now on, until it looks steady again. */
static void receiver_stop(struct eddy__poller *poller, struct eddy__uring_receiver *receiver,
                          int fd) {
    receiver->steady = 0;
    eddy__multishot_stop(poller, &receiver->multishot, fd);
}

bool eddy__uring_receive_begin(struct eddy__poller *poller, const struct eddy__op *op) {
    struct eddy__uring_receiver *receiver = receiver_of(poller, op->fd);

    if (op->code != EDDY__OP_LEASE)
        receiver_stop(poller, receiver, op->fd);
    if (receiver->multishot.is_armed)
        return true;
    if (receiver->steady < STEADY_LEAST || receiver->multishot.is_refused ||
        !poller->uring.knows_multishot || !leases_ready(poller))
        return false;
    receiver_arm(poller, receiver, op->fd);
    return true;
}

/* --- what has come ahead ---------------------------------------------------------------------- */

static void receiver_keep(struct eddy__uring_receiver *receiver, void *buffer, int size) {
    struct eddy__lease *lease = eddy__lease_of(buffer);

    lease->next = NULL;
    lease->start = 0;
    lease->size = (uint32_t)size;
    if (receiver->first)
        receiver->last->next = lease;
    else
        receiver->first = lease;
    receiver->last = lease;
    receiver->count++;
}

/* The oldest lease, its bytes at its beginning. */
static struct eddy__lease *receiver_pop(struct eddy__uring_receiver *receiver) {
    struct eddy__lease *lease = receiver->first;

    receiver->first = lease->next;
    receiver->count--;
    if (lease->start > 0)
        memmove(lease->bytes, lease->bytes + lease->start, lease->size);
    return lease;
}

/* Into the caller's memory: his size at most. */
static ssize_t receiver_copy(struct eddy__poller *poller, struct eddy__uring_receiver *receiver,
                             void *memory, size_t size) {
    struct eddy__lease *lease = receiver->first;

    size = MIN(size, lease->size);
    memcpy(memory, lease->bytes + lease->start, size);
    lease->start += (uint32_t)size;
    lease->size -= (uint32_t)size;
    if (lease->size == 0) {
        lease->start = 0;
        eddy__lease_give(&poller->leases, receiver_pop(receiver)->bytes);
    }
    return (ssize_t)size;
}

static ssize_t receiver_take(struct eddy__poller *poller, struct eddy__uring_receiver *receiver,
                             struct eddy__op *op) {
    struct eddy__lease *lease;

    if (op->code == EDDY__OP_READABLE)
        return 0;
    if (!receiver->first) {
        receiver->has_end = false;
        return receiver->end;
    }
    if (op->code == EDDY__OP_RECV)
        return receiver_copy(poller, receiver, op->buffer, op->size);
    lease = receiver_pop(receiver);
    op->buffer = lease->bytes;
    return lease->size;
}

bool eddy__uring_receive_take(struct eddy__poller *poller, struct eddy__op *op) {
    struct eddy__uring_receiver *receiver = receiver_of(poller, op->fd);

    if (!receiver->first && !receiver->has_end)
        return false;
    op->result = receiver_take(poller, receiver, op);
    return true;
}

/* --- a multishot's answers -------------------------------------------------------------------- */

/* It has ended. What was no end of the input is asked for anew, or one by one. */
static void receiver_ended(struct eddy__poller *poller, struct eddy__uring_receiver *receiver,
                           int fd, int result) {
    const struct eddy__op *op = poller->descriptors[fd].queues[READING].first;

    if (result == -ENOBUFS && (leases_grow(poller) || !op || op->code != EDDY__OP_LEASE))
        return;
    if (result == -ECANCELED || result == -EINTR || result == -EAGAIN)
        return;
    if (result == -EINVAL) {
        receiver->multishot.is_refused = true;
        return;
    }
    receiver->end = result == -ENOBUFS ? -ENOMEM : result;
    receiver->has_end = true;
}

static void receiver_answered(struct eddy__poller *poller, struct eddy__uring_receiver *receiver,
                              int fd, const struct io_uring_cqe *answer, void *buffer) {
    receiver_learn(poller, receiver, answer->res, answer->flags);
    if (!buffer) {
        receiver_ended(poller, receiver, fd, answer->res);
        return;
    }
    receiver_keep(receiver, buffer, answer->res);
    receiver_learn_size(receiver, answer->res);
}

bool eddy__uring_receive_answered(struct eddy__poller *poller, const struct io_uring_cqe *answer) {
    int fd = eddy__multishot_fd(answer->user_data);
    struct eddy__uring_receiver *receiver = receiver_of(poller, fd);
    void *buffer = lease_of_answer(poller, answer);

    if (!eddy__multishot_answered(poller, &receiver->multishot, answer)) {
        if (buffer)
            eddy__lease_give(&poller->leases, buffer);
        return false;
    }
    receiver_answered(poller, receiver, fd, answer, buffer);
    eddy__uring_start_first(poller, fd, READING);
    receiver = receiver_of(poller, fd); /* done() may have moved the table */
    if (receiver->count >= RECEIVED_AHEAD_MAX || receiver->is_bulky)
        receiver_stop(poller, receiver, fd);
    return true;
}

bool eddy__uring_receive_forget(struct eddy__poller *poller, int fd) {
    struct eddy__uring_receiver *receiver = receiver_of(poller, fd);
    struct eddy__multishot multishot;
    bool was_armed = eddy__multishot_forget(poller, &receiver->multishot, fd);

    while (receiver->first)
        eddy__lease_give(&poller->leases, receiver_pop(receiver)->bytes);
    multishot = receiver->multishot;
    *receiver = (struct eddy__uring_receiver){.multishot = multishot};
    return was_armed;
}
