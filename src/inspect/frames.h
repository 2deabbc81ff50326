/* SPDX-License-Identifier: MIT
 * frames.h - the calls on a task's stack, whether it runs or is parked. */
#ifndef EDDY__FRAMES_H
#define EDDY__FRAMES_H

#include <eddy/inspect.h>

#include "symbol.h"
#include "task.h"

#define FRAMES_MAX 64

/* Where the public function that asks returns to: of the running task nothing inside it is shown.
 */
#define FRAMES_ASKER ((uintptr_t)__builtin_return_address(0))

/* The calls on the stack of the task, innermost first. Returns how many; 0: it has not run, or they
 * cannot be known. */
int eddy__frames_of(const struct eddy__task *task, uintptr_t asker, struct eddy__symbols *symbols,
                    eddy_call_frame frames[FRAMES_MAX]);

/* eddy_capture_call_graph(). */
int eddy__capture_call_graph(eddy_loop *loop, uintptr_t asker, eddy_call_graph **out);

/* Leaves eddy's own out: the inside of the suspending call, and what has called the coroutine.
 * Returns the first that is left, and how many. */
const eddy_call_frame *eddy__frames_of_user(const eddy_call_frame *frames, int *count);

#endif
