/* SPDX-License-Identifier: MIT
 * stack_depth.c - how much of a stack has been used.
 *
 * A fresh stack is zero, as the kernel gave it; one that was used is cleared as far as it was used.
 * Painting all of it with a pattern, as embedded systems do, would make 256 KiB of memory out of
 * the page that most tasks need. */
#include "stack_depth.h"

#include "util.h"

/* The frames of who runs, and what AddressSanitizer keeps between them, are read as they are. */
#define UNCHECKED __attribute__((no_sanitize_address, no_sanitize_thread))

static uint64_t *lowest_word(const struct eddy__stack *stack) {
    return (uint64_t *)eddy__stack_bottom(stack) + (stack->has_canary ? 1 : 0);
}

UNCHECKED static uint64_t *deepest_word(const struct eddy__stack *stack) {
    uint64_t *word = lowest_word(stack), *top = eddy__stack_top(stack);

    while (word < top && *(volatile uint64_t *)word == 0)
        word++;
    return word;
}

size_t eddy__stack_depth(const struct eddy__stack *stack) {
    return (size_t)((char *)eddy__stack_top(stack) - (char *)deepest_word(stack));
}

UNCHECKED void eddy__stack_clear(struct eddy__stack *stack) {
    volatile uint64_t *top = eddy__stack_top(stack);

    for (volatile uint64_t *word = deepest_word(stack); word < top; word++)
        *word = 0;
}
