/* SPDX-License-Identifier: MIT
 * switch_aarch64.c - the first frame of a flow, as eddy__switch loads it: x19-x30, then d8-d15. */
#include <stdint.h>
#include <string.h>

#include "coro.h"

enum { X19 = 0, X30 = 11, FRAME_WORDS = 20 };

void eddy__switch_start(void);

void *eddy__switch_prepare(void *bottom, void *top, void (*entry)(void)) {
    uintptr_t frame[FRAME_WORDS] = {
        [X19] = (uintptr_t)entry, [X30] = (uintptr_t)eddy__switch_start};
    char *aligned = (char *)((uintptr_t)top & ~(uintptr_t)15);

    (void)bottom;
    return memcpy(aligned - sizeof(frame), frame, sizeof(frame));
}
