/* SPDX-License-Identifier: MIT
 * uring_accept.h - accepts of listeners that are accepted from all the time: one multishot for
 * each.
 *
 * A connection that comes while no accept waits is kept for the next; when there are
 * ACCEPTED_AHEAD_MAX of them the multishot is stopped until somebody asks again. */
#ifndef EDDY__URING_ACCEPT_H
#define EDDY__URING_ACCEPT_H

#include "op.h"
#include "uring_multishot.h"

/* All zero is an empty table. */
struct eddy__uring_accepts {
    struct uring_listener *listeners; /* by fd */
    int capacity;
};

/* An accept is to be started. True: a multishot answers it, or will have ended, and then it is to
 * be started again. False: it is asked for by itself. */
bool eddy__uring_accept_begin(struct eddy__poller *poller, const struct eddy__op *op);

/* True: a connection had come ahead, and is the result. */
bool eddy__uring_accept_take(struct eddy__poller *poller, struct eddy__op *op);

/* Nobody asks for the descriptor's connections any more: others may get them. */
void eddy__uring_accept_stop(struct eddy__poller *poller, int fd);

/* An answer. True: it was an event for somebody. */
bool eddy__uring_accept_answered(struct eddy__poller *poller, const struct io_uring_cqe *answer);

/* Finds what did not get a slot. */
void eddy__uring_accepts_feed(struct eddy__poller *poller);

/* Closes what has come ahead. True: as eddy__multishot_forget(). */
bool eddy__uring_accept_forget(struct eddy__poller *poller, int fd);

void eddy__uring_accepts_cancel(struct eddy__poller *poller);
void eddy__uring_accepts_deinit(struct eddy__poller *poller);

#endif
