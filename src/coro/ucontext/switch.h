/* SPDX-License-Identifier: MIT
 * switch.h - a switch of stacks for any architecture whose libc has ucontext.
 *
 * Portable and slow: two system calls a switch, which also save the signal mask. A suspended flow's
 * context lies on its own stack. */
#ifndef EDDY__SWITCH_H
#define EDDY__SWITCH_H

/* Saves this flow in *from, goes on with the one in `to`. */
void eddy__switch(void **from, void *to);

/* Goes on with the flow in `to`, and never with this one again. */
_Noreturn void eddy__switch_for_good(void *to);

#define SWITCH_VISITS 0

/* Calls nothing: what a ucontext_t has saved of the flow differs from one architecture to the next.
 */
static inline void eddy__switch_visit(void *place, void (*fn)(void *arg), void *arg) {
    (void)place, (void)fn, (void)arg;
}

/* A flow that starts in entry(), which never returns, on the stack below `top`. */
void *eddy__switch_prepare(void *bottom, void *top, void (*entry)(void));

#endif
