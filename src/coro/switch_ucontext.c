/* SPDX-License-Identifier: MIT
 * switch_ucontext.c - a switch of stacks for any architecture whose libc has ucontext.
 *
 * Portable and slow: two system calls a switch, which also save the signal mask. A suspended flow's
 * context lies on its own stack. */
#include <stdint.h>
#include <ucontext.h>

#include "coro.h"

void eddy__switch(void **from, void *to) {
    ucontext_t here;

    *from = &here;
    swapcontext(&here, to);
}

void *eddy__switch_prepare(void *bottom, void *top, void (*entry)(void)) {
    uintptr_t place = ((uintptr_t)top - sizeof(ucontext_t)) & ~(uintptr_t)63;
    ucontext_t *context = (ucontext_t *)place;

    getcontext(context);
    context->uc_stack.ss_sp = bottom;
    context->uc_stack.ss_size = place - (uintptr_t)bottom;
    context->uc_link = NULL;
    makecontext(context, entry, 0);
    return context;
}
