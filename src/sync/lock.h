/* SPDX-License-Identifier: MIT
 * lock.h - a lock from the inside, for the condition that gives it back while it waits.
 *
 * A release hands the lock to the first who waits: it is never free while somebody does, so nobody
 * can get ahead of the line. */
#ifndef EDDY__LOCK_H
#define EDDY__LOCK_H

#include "waiters.h"

struct eddy__lock {
    struct eddy__binding binding;
    struct eddy__waiters waiters; /* only while it is held */
    bool is_held;
} __attribute__((may_alias));

static inline struct eddy__lock *eddy__lock_of(const eddy_lock *lock) {
    return (struct eddy__lock *)lock;
}

/* To the first who waits, or to nobody. It is held. */
static inline void eddy__lock_hand_over(struct eddy__lock *lock) {
    struct eddy__parked *first = eddy__waiters_first(&lock->waiters);

    if (first)
        eddy__parked_wake(first, 0);
    else
        lock->is_held = false;
}

/* A parked task, in no line, wants it: takes it at once if it is free, else joins its line. */
void eddy__lock_claim(struct eddy__lock *lock, struct eddy__parked *parked);

#endif
