/* SPDX-License-Identifier: MIT
 * op_queue.h - the operations that wait on one direction of a descriptor, first in first out.
 *
 * Both pollers keep two for each descriptor: what came first is served first, whatever the kernel's
 * own order of waking. An operation is in one queue at most. */
#ifndef EDDY__OP_QUEUE_H
#define EDDY__OP_QUEUE_H

#include <errno.h>

#include <eddy/error.h>

#include "op.h"
#include "os.h"

enum { READING, WRITING };

struct op_queue {
    struct eddy__op *first, *last;
};

static inline int direction_of(const struct eddy__op *op) {
    switch (op->code) {
    case EDDY__OP_RECV:
    case EDDY__OP_LEASE:
    case EDDY__OP_ACCEPT:
    case EDDY__OP_READABLE:
    case EDDY__OP_READ:
    case EDDY__OP_LEASE_READ:
        return READING;
    default:
        return WRITING;
    }
}

static inline bool op_receives(const struct eddy__op *op) {
    return op->code == EDDY__OP_RECV || op->code == EDDY__OP_LEASE;
}

/* The same on what is no socket. Fewer bytes than were asked for do not mean that there are no
 * more: a terminal gives a line at a time, and a pipe may keep packets apart. */
static inline bool op_reads(const struct eddy__op *op) {
    return op->code == EDDY__OP_READ || op->code == EDDY__OP_LEASE_READ;
}

static inline bool op_leases(const struct eddy__op *op) {
    return op->code == EDDY__OP_LEASE || op->code == EDDY__OP_LEASE_READ;
}

/* Why an operation is not taken: the poller is closing, or has no entry for the descriptor. */
static inline int op_refusal(const struct eddy__op *op, bool is_closing) {
    if (!eddy__os_is_open(op->fd))
        return -EBADF;
    return is_closing ? EDDY_ESHUTDOWN : -ENOMEM;
}

static inline void queue_append(struct op_queue *queue, struct eddy__op *op) {
    op->next = NULL;
    op->pending = true;
    if (queue->last)
        queue->last->next = op;
    else
        queue->first = op;
    queue->last = op;
}

static inline void queue_remove(struct op_queue *queue, struct eddy__op *op) {
    struct eddy__op *before = NULL, **link = &queue->first;

    for (; *link != op; link = &before->next)
        before = *link;
    *link = op->next;
    if (queue->last == op)
        queue->last = before;
    op->pending = false;
}

#endif
