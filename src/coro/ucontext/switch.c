/* SPDX-License-Identifier: MIT
 * switch.c - the calls of ucontext. */
#include "switch.h"

#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

void eddy__switch(void **from, void *to) {
    ucontext_t here;

    *from = &here;
    swapcontext(&here, to);
}

void eddy__switch_for_good(void *to) {
    setcontext(to);
    abort(); /* it does not return */
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
