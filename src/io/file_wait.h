/* SPDX-License-Identifier: MIT
 * file_wait.h - a task waits for a disk, in one of two ways.
 *
 * A question (a read, a stat, a sync) changes nothing: cancelled, its task goes on at once and
 * leaves it behind. A change (a write, a rename) cannot be left behind, because -ECANCELED has to
 * mean that there was none: cancelled before a thread has begun with it, it never happens; after
 * that its end is waited for, and is the result. */
#ifndef EDDY__FILE_WAIT_H
#define EDDY__FILE_WAIT_H

#include "file_pool.h"
#include "task.h"

/* What is to be called if the loop is closed over the wait, whose call will not return. */
struct eddy__file_drop {
    void (*fn)(void *arg); /* NULL: nothing */
    void *arg;
};

/* A question. Suspends. Takes the job: *job is NULL when it was left behind, else it is the
 * caller's again, answered or never asked. Returns its result, -ECANCELED, -EAGAIN or -ENOMEM; a
 * failure of the job itself has no sentence yet. */
ssize_t eddy__file_ask(struct eddy__task *task, struct eddy__file_job **job,
                       struct eddy__file_drop drop);

/* A change: fn(arg) in the pool. Suspends. has_begun: a part of it is done already, so that a
 * cancel always waits. Returns what fn has, -ECANCELED, -EAGAIN or -ENOMEM; a failure of fn has no
 * sentence yet. */
ssize_t eddy__file_change(struct eddy__task *task, ssize_t (*fn)(void *arg), void *arg,
                          bool has_begun, struct eddy__file_drop drop);

/* Lets the others run before the call goes on. */
void eddy__file_step_back(struct eddy__task *task, struct eddy__file_drop drop);

#endif
