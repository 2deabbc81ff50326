/* SPDX-License-Identifier: MIT
 * uring_multishot.h - a question that the kernel answers again and again, until it is told to stop.
 *
 *   IDLE -arm-> ARMED -stop-> STOPPING -the last answer-> IDLE;  the kernel may end it by itself
 *
 * What it brings may come when nobody has asked for it, and so is kept (uring_accept.c,
 * uring_receive.c), within a bound: then it is stopped. The kernel gets the descriptor and the
 * question's number, never a record. Forgotten together with its descriptor, it leaves answers with
 * an old number, and what they bring is for nobody: a connection is closed, a lease given back. */
#ifndef EDDY__URING_MULTISHOT_H
#define EDDY__URING_MULTISHOT_H

#include <eddy/loop.h>

#include "uring.h"

struct eddy__poller;

/* All zero is one that was never armed. */
struct eddy__multishot {
    uint32_t number;
    bool accepts;     /* or it receives */
    bool is_armed;    /* the kernel has it, up to an answer without IORING_CQE_F_MORE */
    bool is_stopping; /* and was asked to end it */
    bool is_refused;  /* the kernel does not do it for this descriptor */
};

static inline int eddy__multishot_fd(uint64_t tag) {
    return (int)((uint32_t)tag >> 3);
}

static inline bool eddy__multishot_accepts(uint64_t tag) {
    return tag & (OF_MASK + 1);
}

/* As a watch's, with a bit for what it asks. */
static inline uint64_t eddy__multishot_tag(const struct eddy__multishot *multishot, int fd) {
    uint64_t accepts = multishot->accepts ? OF_MASK + 1 : 0;

    return (uint64_t)multishot->number << 32 | (uint32_t)fd << 3 | accepts | OF_MULTISHOT;
}

/* Asks, in a slot that is filled in. */
void eddy__multishot_arm(struct eddy__poller *poller, struct eddy__multishot *multishot, int fd,
                         struct io_uring_sqe *slot);

/* No more after what has come. Nothing happens when it is not armed. */
void eddy__multishot_stop(struct eddy__poller *poller, struct eddy__multishot *multishot, int fd);

/* Asks for the end again, if that did not get a slot; once too often is harmless. */
void eddy__multishot_feed(struct eddy__poller *poller, const struct eddy__multishot *multishot,
                          int fd);

/* Takes note of an answer. False: it is a stale one. */
bool eddy__multishot_answered(struct eddy__poller *poller, struct eddy__multishot *multishot,
                              const struct io_uring_cqe *answer);

/* Another file may stand behind the number from now on. True: the kernel has still to hear that,
 * and holds the former file open until then. */
bool eddy__multishot_forget(struct eddy__poller *poller, struct eddy__multishot *multishot, int fd);

#endif
