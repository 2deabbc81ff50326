/* SPDX-License-Identifier: MIT
 * stack_depth.h - how much of a stack has been used: what is not zero any more. Not installed.
 *
 * Looking costs a pass over the whole stack, some ten microseconds for 256 KiB, so it is for those
 * who ask (eddy_loop_options.measure_stacks). */
#ifndef EDDY__STACK_DEPTH_H
#define EDDY__STACK_DEPTH_H

#include "stack.h"

/* Makes a stack that nobody runs on all zero. */
void eddy__stack_clear(struct eddy__stack *stack);

/* The bytes between the top and the deepest word that is not zero. Also of the stack it runs on. */
size_t eddy__stack_depth(const struct eddy__stack *stack);

#endif
