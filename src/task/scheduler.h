/* SPDX-License-Identifier: MIT
 * scheduler.h - what tasks keep in their loop, and how control passes between them.
 *
 * A task that parks switches straight to the next ready task; only when none is left, or the turn's
 * budget is spent, does it go back to the loop's own stack. */
#ifndef EDDY__SCHEDULER_H
#define EDDY__SCHEDULER_H

#include "factory.h"
#include "task.h"

#define SCHEDULER_DEAD 64

struct eddy__scheduler {
    void *loop_place; /* where the loop's own flow goes on, while a task runs */
    struct eddy__stack_pool stacks;
    struct eddy__slab tasks;
    uint8_t size_class; /* of the stacks of tasks that did not ask for another */
    /* An eager task goes back to who made it when it first parks or ends: that task, or (NULL) a
     * callback. */
    bool eager;
    struct eddy__task *eager_maker;
    struct eddy__factory factory;
    struct eddy__stack_report *stack_report; /* NULL: nothing is measured */
    /* Debug: the records of the tasks that were freed last, so that a stale pointer meets them. */
    struct eddy__task *dead[SCHEDULER_DEAD];
    unsigned dead_count; /* ever */
};

extern const struct eddy__future_class eddy__task_class;

/* A scheduler for a loop that has none. NULL: no memory. */
struct eddy__scheduler *eddy__scheduler_new(eddy_loop *loop);

/* The loop's scheduler, made on first use. NULL: no memory. */
static inline struct eddy__scheduler *eddy__scheduler_of(eddy_loop *loop) {
    return likely(loop->upper_data) ? loop->upper_data : eddy__scheduler_new(loop);
}

/* Runs a task from the ready queue, on the loop's own stack. */
void eddy__task_run(void *runnable);

/* Lets the other ready tasks run first; no cancel ends it. */
void eddy__task_step_back(struct eddy__task *task);

/* Runs a task that was just created, until it first suspends. The loop is running. */
void eddy__task_run_eagerly(struct eddy__task *task);

/* The task has ended with this result (it never ran, or its function returned). Its waiters are
 * told. The loop's reference goes; when the task stands in the ready queue, not before it comes up
 * there. */
void eddy__task_complete(struct eddy__task *task, int result);

/* A call of a refused task: lets the others run, and reports a task that does not heed a thousand
 * refusals. holds: gives back what the call holds, if the loop is closed meanwhile; NULL: nothing.
 */
void eddy__task_refuse(struct eddy__task *task, struct eddy__wait *holds);

/* Takes one cancel back. */
void eddy__task_uncancel(struct eddy__task *task);

/* The reason of the cancel that is in force, or NULL. */
const char *eddy__task_cancel_reason(const struct eddy__task *task);

/* The record that -ECANCELED carries in this task: the reason given, or the static one. Becomes the
 * last error. */
int eddy__task_fail_cancelled(struct eddy__task *task);

/* Whose group this waiter of a task belongs to; NULL: to no group. */
struct eddy__task *eddy__group_body(const struct eddy__waiter *waiter);

/* This thread's root task no longer knows the loop. */
void eddy__root_forget(eddy_loop *loop);

/* This thread's root task where no loop could be had for it: its scopes wait for one. */
struct eddy__task *eddy__root_without_loop(void);

#endif
