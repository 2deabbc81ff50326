/* SPDX-License-Identifier: MIT
 * switch_x86_64.c - the first frame of a flow, as eddy__switch pops it: r15 r14 r13 r12 rbx rbp
 * rip. */
#include <stdint.h>
#include <string.h>

#include "coro.h"

void eddy__switch_start(void);

void *eddy__switch_prepare(void *bottom, void *top, void (*entry)(void)) {
    uintptr_t frame[] = {0, 0, 0, 0, (uintptr_t)entry, 0, (uintptr_t)eddy__switch_start};
    char *aligned = (char *)((uintptr_t)top & ~(uintptr_t)15);

    (void)bottom;
    return memcpy(aligned - sizeof(frame), frame, sizeof(frame)); /* rsp is aligned at the call */
}
