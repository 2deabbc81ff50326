/* SPDX-License-Identifier: MIT
 * overflow.h - one clear line when a task uses up its stack, instead of a bare crash. */
#ifndef EDDY__OVERFLOW_H
#define EDDY__OVERFLOW_H

#include <stdbool.h>
#include <stddef.h>

#include <eddy/base.h>

#include "stack.h"

/* Whose stack is in use, for the line: the layer above sets it. Called in a signal handler. *name
 * and *place are set. NULL: no coroutine runs. */
extern const struct eddy__stack *(*eddy__overflow_stack)(eddy_slice *name, const char **place);

/* Installs handlers for SIGSEGV and SIGBUS where they are SIG_DFL, once in a process, and gives
 * this thread an alternate signal stack where it has none. */
void eddy__overflow_watch(void);

/* Ends the process with the line: for a stack whose canary is gone. */
_Noreturn void eddy__overflow_abort(const struct eddy__stack *stack, eddy_slice name,
                                    const char *place);

#endif
