/* SPDX-License-Identifier: MIT
 * backtrace.h - the calls that have led here. */
#ifndef EDDY__BACKTRACE_H
#define EDDY__BACKTRACE_H

#include <stdint.h>

/* The calls that stand on this stack, innermost first, this one's not among them: up to `capacity`
 * addresses, each inside the call's instruction. Returns how many there are. Allocates nothing. */
int eddy__backtrace(uintptr_t *calls, int capacity);

#endif
