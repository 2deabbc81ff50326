/* SPDX-License-Identifier: MIT
 * callers.h - who has asked for each callback of a loop: debug mode only. */
#ifndef EDDY__CALLERS_H
#define EDDY__CALLERS_H

#include <stdint.h>

#define CALLER_CALLS 8 /* of which up to four are eddy's own */

/* The innermost calls at a moment. */
struct eddy__caller {
    uintptr_t calls[CALLER_CALLS]; /* 0: there are no more */
};

/* By the slot of a callback's record. */
struct eddy__callers {
    struct eddy__caller *of;
    uint32_t capacity;
};

void eddy__callers_deinit(struct eddy__callers *callers);

/* Notes the calls that have led here. Without memory nothing is known of the slot. */
void eddy__callers_note(struct eddy__callers *callers, uint32_t slot);

/* What was noted last for the slot; all zero: nothing. */
struct eddy__caller eddy__callers_find(const struct eddy__callers *callers, uint32_t slot);

#endif
