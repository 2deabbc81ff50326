/* SPDX-License-Identifier: MIT
 * scope.h - the stack of time-outs and shields that a task has open.
 *
 * A task is refused when, going from the innermost scope outwards and stopping at the first shield,
 * there is a time-out that has expired; or when there is no shield and a cancel has not been taken
 * back. */
#ifndef EDDY__SCOPE_H
#define EDDY__SCOPE_H

#include "task.h"

struct eddy__scope {
    struct eddy__scope *outer;
    struct eddy__task *task;
    const char *place; /* where it was begun */
    bool is_shield;
    bool expired; /* a time-out whose time has come */
} __attribute__((may_alias));

/* Works out again whether the task is refused; if it newly is and waits, its wait is ended. */
void eddy__scopes_apply(struct eddy__task *task);

/* The root task is going to run another loop: its time-outs go along. NULL: the loop that it was
 * bound to is closed, and they wait for another. */
void eddy__scopes_follow(struct eddy__task *task, eddy_loop *loop);

/* Aborts with the place of the begin: a task has ended inside a scope. */
_Noreturn void eddy__scopes_fail_open(const struct eddy__task *task);

#endif
