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

/* Where a suspended flow of control goes on. For a thread's own flow, `stack` is NULL. */
struct eddy__coro {
    void *sp;
    struct eddy__stack *stack;
};

/* Binds a stack; the first switch to it starts entry(). */
static inline void eddy__coro_prepare(struct eddy__coro *coro, struct eddy__stack *stack,
                                      void (*entry)(void)) {
    eddy__sanitizer_new_flow(stack);
    coro->stack = stack;
    coro->sp = eddy__switch_prepare(eddy__stack_bottom(stack), eddy__stack_top(stack), entry);
}

/* Suspends this flow into `from`; returns when somebody switches to `from`. */
static inline void eddy__coro_switch(struct eddy__coro *from, struct eddy__coro *to) {
    struct eddy__sanitizer_flow flow;

    eddy__sanitizer_leave(&flow, to->stack);
    eddy__switch(&from->sp, to->sp);
    eddy__sanitizer_arrive(&flow);
}

/* Ends this flow, whose stack may be given to another from the next instruction on. */
_Noreturn static inline void eddy__coro_finish(struct eddy__coro *to) {
    eddy__sanitizer_leave(NULL, to->stack);
    eddy__switch_for_good(to->sp);
}

#endif
