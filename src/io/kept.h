/* SPDX-License-Identifier: MIT
 * kept.h - a file of the user's that a call waits for and then uses again.
 *
 * Its number may belong to another file by then. So before the first wait it gets a second one,
 * which is the call's own, and is used from then on. What is waited for is the first, which
 * eddy_close() knows. */
#ifndef EDDY__KEPT_H
#define EDDY__KEPT_H

#include "os.h"
#include "task.h"

/* On the caller's stack. */
struct eddy__kept {
    struct eddy__op op;
    int fd;   /* the user's */
    int copy; /* -1: not yet */
};

#define EDDY__KEPT(user_fd) \
    { .fd = (user_fd), .copy = -1 }

/* The number to use now. */
static inline int eddy__kept_fd(const struct eddy__kept *kept) {
    return kept->copy >= 0 ? kept->copy : kept->fd;
}

/* It stays this file from now on. Returns 0, -EMFILE ... */
int eddy__kept_hold(struct eddy__kept *kept);

/* Waits until one of these events has come. Suspends; closed over, it lets go of the file. Returns
 * >= 0, EDDY_ECLOSED, -ECANCELED ... */
int eddy__kept_wait(struct eddy__kept *kept, uint32_t events);

/* Waits a millisecond, where nothing tells of what has come. Suspends, likewise. */
int eddy__kept_wait_a_little(struct eddy__kept *kept);

static inline void eddy__kept_release(struct eddy__kept *kept) {
    eddy__os_close(kept->copy);
}

#endif
