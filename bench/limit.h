/* SPDX-License-Identifier: MIT
 * limit.h - what a coroutine needs at the very least: a switch, and stacks to switch between.
 *
 * The limit programs are the ceilings that eddy is measured against: no cancellation, no errors, no
 * names, no checks, nothing shared with eddy's code. What is here is what the processor and the
 * kernel demand, and nothing else. */
#ifndef LIMIT_H
#define LIMIT_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) || defined(__aarch64__)
#define LIMIT_SUPPORTED 1
#else
#define LIMIT_SUPPORTED 0
#endif
#define LIMIT_UNSUPPORTED "there is no limit program for this architecture"

#define LIMIT_STACK_BYTES ((size_t)64 << 10)

/* Saves this flow of control in *from and goes on with `to`. Only the registers that the calling
 * convention preserves; ends in a jump, because a return to another stack is always mispredicted.
 */
void limit_switch(void **from, void *to);

/* A flow that starts in entry(), which must not return, on the stack below `top`. */
void *limit_prepare(void *top, void (*entry)(void));

/* One mapping cut into guarded stacks; only what is touched becomes memory. Ends the process if
 * there is no room. `guard` says how they are guarded. */
struct limit_stacks {
    char *base;
    size_t count;
    const char *guard;
};
void limit_stacks_map(struct limit_stacks *stacks, size_t count);
void limit_stacks_unmap(struct limit_stacks *stacks);

/* The end of a stack, shifted by a colour: without it all tops meet in the same cache sets. */
static inline void *limit_stack_top(const struct limit_stacks *stacks, size_t index) {
    return stacks->base + (index + 1) * LIMIT_STACK_BYTES - index * 7 % 32 * 64;
}

#endif
