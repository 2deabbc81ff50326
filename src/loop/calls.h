/* SPDX-License-Identifier: MIT
 * calls.h - the records of eddy_call_soon_threadsafe(): many at a time, and never by malloc.
 *
 * They lie in blocks. A thread fills one block, record by record, and takes the next; a loop counts
 * those of a block that it has run and gives the block back with the last of them. So the two meet
 * at the list of free blocks once for many calls, and both walk through memory in a straight line.
 *
 * All of it may be used in a signal handler, also in one that interrupts it. */
#ifndef EDDY__CALLS_H
#define EDDY__CALLS_H

#include <eddy/base.h>

#include "wakeup.h"

struct eddy__call {
    struct eddy__post post; /* first */
    eddy_callback *fn;
    void *arg;
};

/* One to be filled in, or NULL: no memory. Any thread. */
struct eddy__call *eddy__call_take(void);

/* Takes back one that was not posted. */
void eddy__call_give(struct eddy__call *call);

/* Calls that have been run or dropped, counted while they are of one block: all zero is none. A
 * call is gone with add; flush gives back what was counted. */
struct eddy__calls_done {
    struct eddy__call_block *block;
    unsigned count;
};
void eddy__calls_done_add(struct eddy__calls_done *done, const struct eddy__call *call);
void eddy__calls_done_flush(struct eddy__calls_done *done);

#endif
