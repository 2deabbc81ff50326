/* SPDX-License-Identifier: MIT
 * wakeup.h - work that comes to a loop from other threads and from signal handlers.
 *
 * A stack of posts that producers push with one compare-and-swap and the loop takes whole (Treiber,
 * 1986). Only a loop that has said it is asleep is woken (doorbell.h), and once: a burst of posts
 * costs nanoseconds each. */
#ifndef EDDY__WAKEUP_H
#define EDDY__WAKEUP_H

#include <stdatomic.h>

#include "poller.h"

/* Lies in what is posted; untouched by its owner until run() is called, on the loop's stack. */
struct eddy__post {
    struct eddy__post *next;
    void (*run)(struct eddy__post *post); /* NULL: it is a call (calls.h) */
};

struct eddy__wakeup {
    _Atomic(struct eddy__post *) posts; /* newest first; &closed_mark once closed */
    atomic_bool asleep;
    struct eddy__doorbell bell;
    struct eddy__watch watch; /* of the bell's eventfd */
};

int eddy__wakeup_open(eddy_loop *loop, struct eddy__wakeup *wakeup);

/* From here on push answers EDDY_ESHUTDOWN; what was pushed before has been run. deinit: with the
 * loop's last reference. */
void eddy__wakeup_close(eddy_loop *loop, struct eddy__wakeup *wakeup);
void eddy__wakeup_deinit(struct eddy__wakeup *wakeup);

/* Any thread, signal handlers too. Returns 0, or EDDY_ESHUTDOWN: the post is still the caller's. */
int eddy__wakeup_push(struct eddy__wakeup *wakeup, struct eddy__post *post);

/* The same without waking the loop: a kick must follow. */
int eddy__wakeup_put(struct eddy__wakeup *wakeup, struct eddy__post *post);

/* Makes a poll that waits return. Any thread, signal handlers too. */
void eddy__wakeup_kick(struct eddy__wakeup *wakeup);

/* Says that the loop is about to wait. False: posts have come, do not. */
bool eddy__wakeup_sleep(struct eddy__wakeup *wakeup);
void eddy__wakeup_awake(struct eddy__wakeup *wakeup);

/* Runs what was posted, oldest first. Returns how many. */
int eddy__wakeup_run(struct eddy__wakeup *wakeup);

#endif
