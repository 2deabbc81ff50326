/* SPDX-License-Identifier: MIT
 * uring_receive.h - receives: memory of the poller's for those that bring none, and one multishot
 * for a connection that goes on and on.
 *
 * Most receives are asked for one by one. Where STEADY_LEAST by lease in a row have brought little,
 * a multishot takes over: asked once, it brings a lease whenever something has come. It may run
 * ahead of its reader by RECEIVED_AHEAD_MAX leases, then it is stopped; a stop, a receive into the
 * caller's memory and much at once all mean: one by one again. */
#ifndef EDDY__URING_RECEIVE_H
#define EDDY__URING_RECEIVE_H

#include "lease.h"
#include "op.h"
#include "uring_multishot.h"

#define STEADY_LEAST       8
#define RECEIVED_AHEAD_MAX 4

/* Of a descriptor. All zero is one that was never received from. */
struct eddy__uring_receiver {
    struct eddy__multishot multishot;
    struct eddy__lease *first, *last; /* what has come and nobody has asked for */
    int end;                          /* and behind it the end of input or a failure, if... */
    uint16_t count;                   /* of the leases */
    uint8_t steady;                   /* receives by lease in a row that brought little */
    bool has_end : 1;                 /* ...there is one */
    bool is_drained : 1; /* the last receive has left nothing: trying first would be in vain */
    bool is_bulky : 1;   /* and it brought much: a warm lease is worth a call of its own */
};

/* A receive, or a wait for readiness, is to be started. True: a multishot answers it, or will have
 * ended, and then it is to be started again. False: it is asked for by itself. */
bool eddy__uring_receive_begin(struct eddy__poller *poller, const struct eddy__op *op);

/* True: something had come ahead, and the operation is over. */
bool eddy__uring_receive_take(struct eddy__poller *poller, struct eddy__op *op);

/* By itself: readied before it is asked for; how it is asked for, once its slot is filled in; and
 * what it has come to, op->buffer its lease if it brought one. */
void eddy__uring_receive_ready(struct eddy__poller *poller, struct eddy__op *op);
void eddy__uring_receive_fill(const struct eddy__poller *poller, const struct eddy__op *op,
                              struct io_uring_sqe *slot);
int eddy__uring_received(struct eddy__poller *poller, struct eddy__op *op,
                         const struct io_uring_cqe *answer);

int eddy__uring_read(struct eddy__poller *poller, struct eddy__op *op,
                     const struct io_uring_cqe *answer);

/* A multishot's answer. True: it was an event for somebody. */
bool eddy__uring_receive_answered(struct eddy__poller *poller, const struct io_uring_cqe *answer);

/* Drops what has come ahead. True: as eddy__multishot_forget(). */
bool eddy__uring_receive_forget(struct eddy__poller *poller, int fd);

#endif
