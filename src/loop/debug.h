/* SPDX-License-Identifier: MIT
 * debug.h - debug mode: steps that keep the loop, and calls from the wrong thread. */
#ifndef EDDY__DEBUG_H
#define EDDY__DEBUG_H

#include <stdbool.h>
#include <stdint.h>

#include <eddy/loop.h>

#include "callers.h"

/* What is going to run, for a report afterwards, when it may be gone. */
struct eddy__step {
    uintptr_t function;         /* a callback's, or 0 */
    struct eddy__caller caller; /* who has asked for it; all zero: unknown */
    char text[160];             /* else: "task "x" (created at y)" */
};

/* Instead of the class's run(). A task that parks comes back here, as the budget lets no other run:
 * so each step is timed, and switches cost nothing outside of debug mode. */
void eddy__debug_run(eddy_loop *loop, void *runnable);

/* fn(arg), timed. */
void eddy__debug_call(eddy_loop *loop, eddy_callback *fn, void *arg);

/* Tells who has called into a loop of another thread. */
void eddy__debug_wrong_thread(const eddy_loop *loop);

#endif
