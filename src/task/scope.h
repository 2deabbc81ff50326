/* SPDX-License-Identifier: MIT
 * scope.h - the stack of time-outs and shields that a task has open.
 *
 * A task is refused when, going from the innermost scope outwards and stopping at the first shield,
 * there is a time-out that has expired; or when there is no shield and a cancel has not been taken
 * back.
 *
 * In the same stack lie holds: what a call of eddy's keeps while it is in a function of the user's,
 * which may wait for anything. They refuse nothing. */
#ifndef EDDY__SCOPE_H
#define EDDY__SCOPE_H

#include "task.h"

struct eddy__scope {
    struct eddy__scope *outer;
    struct eddy__task *task;
    const char *place; /* where it was begun */
    bool is_shield;
    bool is_hold;
    bool expired; /* a time-out whose time has come */
} __attribute__((may_alias));

struct eddy__hold {
    struct eddy__scope scope;
    /* The loop is closed over the wait below, which has been dropped, and the call does not return:
     * gives back what it holds. */
    void (*drop)(struct eddy__hold *hold);
} __attribute__((may_alias));

/* Around a call that may suspend, of a function of the user's. */
void eddy__hold_begin(struct eddy__hold *hold, struct eddy__task *task, const char *place,
                      void (*drop)(struct eddy__hold *hold));
void eddy__hold_end(struct eddy__hold *hold);

/* The loop is closed over the task. */
void eddy__scopes_drop(struct eddy__task *task);

/* Works out again whether the task is refused; if it newly is and waits, its wait is ended. */
void eddy__scopes_apply(struct eddy__task *task);

/* The root task is going to run another loop: its time-outs go along. NULL: the loop that it was
 * bound to is closed, and they wait for another. */
void eddy__scopes_follow(struct eddy__task *task, eddy_loop *loop);

/* Aborts with the place of the begin: a task has ended inside a scope. */
_Noreturn void eddy__scopes_fail_open(const struct eddy__task *task);

#endif
