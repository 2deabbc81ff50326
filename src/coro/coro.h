/* SPDX-License-Identifier: MIT
 * coro.h - stackful coroutines: two stacks, and a switch between them.
 *
 * The switch itself is switch.h, of the folder that the build picks: x86_64, aarch64, ucontext. It
 * saves on the stack it leaves, and jumps; it knows no scheduler. Floating-point control words are
 * not saved: they are the thread's, as the signal mask is. */
#ifndef EDDY__CORO_H
#define EDDY__CORO_H

#include "sanitizer.h"
#include "stack.h"
#include "switch.h"

/* A flow that starts in entry(), which never returns, when it is first switched to: its place. */
static inline void *eddy__coro_prepare(struct eddy__stack *stack, void (*entry)(void)) {
    eddy__sanitizer_new_flow(stack);
    return eddy__switch_prepare(eddy__stack_bottom(stack), eddy__stack_top(stack), entry);
}

/* Suspends this flow, leaving its place in *from, and goes on with the one at `to`, on `stack`
 * (NULL: the thread's own); returns when somebody switches to *from. */
static inline void eddy__coro_switch(void **from, void *to, struct eddy__stack *stack) {
    struct eddy__sanitizer_flow flow;

    eddy__sanitizer_leave(&flow, stack);
    eddy__switch(from, to);
    eddy__sanitizer_arrive(&flow);
}

#define CORO_VISIT_BYTES 8192

/* Calls fn(arg), which must not suspend, as if the flow at `place` had called it: so that it can be
 * unwound. Not where the stack has less left than a visit may need, nor with ucontext's switch. */
static inline void eddy__coro_visit(void *place, struct eddy__stack *stack, void (*fn)(void *arg),
                                    void *arg) {
    if (!stack || (char *)place - (char *)eddy__stack_bottom(stack) >= CORO_VISIT_BYTES)
        eddy__switch_visit(place, fn, arg);
}

/* Ends this flow, whose stack may be given to another from the next instruction on. */
_Noreturn static inline void eddy__coro_finish(void *to, struct eddy__stack *stack) {
    eddy__sanitizer_leave(NULL, stack);
    eddy__switch_for_good(to);
}

#endif
