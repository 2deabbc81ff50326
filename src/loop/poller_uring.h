/* SPDX-License-Identifier: MIT
 * poller_uring.h - the poller on io_uring from the inside.
 *
 * poller_uring.c has the table of descriptors, the turn and the end; uring_op.c says an operation
 * as a question to the kernel and reads the answer; uring_receive.c and uring_accept.c have the
 * questions that are answered more than once. */
#ifndef EDDY__POLLER_URING_H
#define EDDY__POLLER_URING_H

#include "lease.h"
#include "lease_ring.h"
#include "op_queue.h"
#include "poller.h"
#include "uring.h"
#include "uring_accept.h"
#include "uring_receive.h"
#include "uring_watch.h"

struct uring_descriptor {
    struct op_queue queues[2]; /* the kernel has the first of each, if it has any */
    struct eddy__uring_receiver receiver;
};

struct eddy__poller {
    eddy_loop *loop;
    struct eddy__uring uring;
    struct uring_descriptor *descriptors; /* by fd */
    int capacity;
    int lent; /* operations and multishots that the kernel has */
    struct eddy__uring_accepts accepts;
    struct eddy__uring_watches watches;
    struct eddy__leases leases;
    struct eddy__lease_ring lease_ring;
    bool is_starved; /* something did not get a slot: look for it */
    bool is_closing;
};

/* --- poller_uring.c --------------------------------------------------------------------------- */

/* While the loop runs, its next wait hands over what was asked. When it does not, who knows when
 * that will be. */
void eddy__uring_hand_over(struct eddy__poller *poller);

/* Starts what waits longest, or is done with it if what it asks for has come ahead. done() may move
 * the table. */
void eddy__uring_start_first(struct eddy__poller *poller, int fd, int direction);

/* What waits longest to read has come to this. */
void eddy__uring_finish_first(struct eddy__poller *poller, int fd, ssize_t result);

/* --- uring_op.c ------------------------------------------------------------------------------- */

static inline uint64_t op_tag(const struct eddy__op *op) {
    return (uint64_t)(uintptr_t)op | OF_OPERATION;
}

/* Writes the operation, or a wait for its readiness, into a slot. */
void eddy__uring_op_fill(const struct eddy__op *op, struct io_uring_sqe *slot);

/* A write. True: the kernel has taken some, or it failed; else it waits for room. And when there is
 * room: what it has come to, -EAGAIN if that was gone again. */
bool eddy__uring_write_now(struct eddy__op *op);
int eddy__uring_written(struct eddy__op *op, int result);

/* Is this answer none? Then the operation is to be asked for again. */
bool eddy__uring_op_goes_on(struct eddy__op *op, int result);

/* The answer as the operation's result. */
ssize_t eddy__uring_op_result(const struct eddy__poller *poller, const struct eddy__op *op,
                              int result, bool was_polled);

/* True: it passes the ring by, and is over. */
bool eddy__uring_op_is_done_now(struct eddy__op *op);

#endif
