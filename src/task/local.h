/* SPDX-License-Identifier: MIT
 * local.h - the context of a task: the values of its task-local variables. Not installed.
 *
 * A context is an array of bindings that tasks share until one of them sets something: who is alone
 * with it changes it in place, else makes a copy. A task in which nothing was ever set, nor in
 * those that it came from, has none. */
#ifndef EDDY__LOCAL_H
#define EDDY__LOCAL_H

#include <eddy/task_local.h>

#include "task.h"

/* What a thread has outside of tasks: its callbacks, a job of the pool. A reference, or NULL. */
extern THREAD_LOCAL eddy_context *eddy__thread_context;

/* What a new task begins with: a new reference, or NULL. */
static inline eddy_context *eddy__context_inherit(void) {
    eddy_context *context = eddy__current ? eddy__current->context : eddy__thread_context;

    return unlikely(context) ? eddy_context_ref(context) : NULL;
}

/* Makes a context the thread's, for the time of a job. Takes it; returns what was there before. */
static inline eddy_context *eddy__context_enter(eddy_context *context) {
    eddy_context *before = eddy__thread_context;

    eddy__thread_context = context;
    return before;
}

static inline void eddy__context_leave(eddy_context *before) {
    eddy_context_unref(eddy__thread_context);
    eddy__thread_context = before;
}

#endif
