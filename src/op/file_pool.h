/* SPDX-License-Identifier: MIT
 * file_pool.h - the threads that wait for disks, so that no loop has to; and the jobs they have
 * that may be left behind.
 *
 * One pool for the process, "eddy files", apart from names and from eddy_to_thread(): a disk that
 * does not answer holds up nothing else. Nobody can interrupt a thread that waits for a disk, so a
 * job that a time-out must be able to end belongs to no loop and to no stack: its record, with all
 * that its thread touches, is on the heap, and the last who has it frees it.
 *
 *   submit -> works -> comes back -> done();   abandon: comes back -> free()
 *   the loop is closed first: works -> free(), in the pool's thread */
#ifndef EDDY__FILE_POOL_H
#define EDDY__FILE_POOL_H

#include "worker.h"

/* A cold disk answers so many reads side by side about as fast as an io_uring gets them. */
#define FILE_THREADS_MAX 32

/* The pool; made on first use, and anew in the child of a fork(). NULL: no memory. Any thread. */
eddy_executor *eddy__file_pool(void);

/* For tests: runs in the pool's thread before each job. NULL: nothing. */
extern void (*eddy__file_pool_hook)(void);

/* Lies at the start of its owner's record. */
struct eddy__file_job {
    struct eddy__job job;
    struct eddy__post post; /* how it comes back */
    eddy_loop *loop;        /* a reference */
    /* In the pool's thread: sets the result. */
    void (*work)(struct eddy__file_job *job);
    /* On the loop's stack, once. Not called for a job that was abandoned, or whose loop is closed.
     */
    void (*done)(struct eddy__file_job *job);
    void (*free)(struct eddy__file_job *job); /* with its record; any thread */
    void *waiter;                             /* whose done() it is */
    ssize_t result;                           /* >= 0, or a negative code */
    bool is_due;                              /* it has to work even when it is abandoned */
    bool is_abandoned;                        /* the loop's thread alone touches it */
};

/* Gives it to the pool. Returns 0, or with a sentence -EAGAIN or -ENOMEM: the job is still the
 * caller's. */
int eddy__file_job_submit(eddy_loop *loop, struct eddy__file_job *job);

/* Its result is not wanted any more: frees it, now or later. Only before done(), in an open loop.
 */
void eddy__file_job_abandon(struct eddy__file_job *job);

/* For jobs of other kinds: to be called first in their threads. */
static inline void eddy__file_pool_enter(void) {
    if (eddy__file_pool_hook)
        eddy__file_pool_hook();
}

#endif
