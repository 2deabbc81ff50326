/* SPDX-License-Identifier: MIT
 * uring_watch.h - the watches of a poller on io_uring.
 *
 * A watch is a question that the kernel answers once, asked again before each wait:
 * level-triggered. The kernel gets the descriptor and the number of the question, never the watch,
 * which its owner frees at will: answers to questions that nobody asks any more are told by their
 * number. */
#ifndef EDDY__URING_WATCH_H
#define EDDY__URING_WATCH_H

#include "poller.h"
#include "uring.h"

struct eddy__uring_watches {
    struct eddy__uring *uring;
    struct eddy__question *questions; /* by fd */
    int capacity;
    int first_listed; /* of those to be asked before the next wait, -1: none */
};

void eddy__uring_watches_init(struct eddy__uring_watches *watches, struct eddy__uring *uring);
void eddy__uring_watches_deinit(struct eddy__uring_watches *watches);

/* 0, or why readiness cannot be asked for: what has none (a regular file) the ring would call ready
 * for ever, and epoll refuses it: -EPERM. */
int eddy__uring_can_watch(int fd);

/* As the poller's watch() and unwatch(). */
int eddy__uring_watches_add(struct eddy__uring_watches *watches, struct eddy__watch *watch);
void eddy__uring_watches_remove(struct eddy__uring_watches *watches, struct eddy__watch *watch);

/* Asks what has no answer yet, as far as there are slots. */
void eddy__uring_watches_ask(struct eddy__uring_watches *watches);

/* An answer to a question OF_WATCH; is_old: it was there before the wait. True: it was an event. */
bool eddy__uring_watches_answered(struct eddy__uring_watches *watches, uint64_t tag, int result,
                                  bool is_old);

#endif
