/* SPDX-License-Identifier: MIT
 * sanitizer.c - the calls that tell AddressSanitizer and ThreadSanitizer of a switch; empty without
 * them. */
#include "sanitizer.h"

#if EDDY__ASAN

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

#include "util.h"

/* The bounds of the thread's own stack, learnt when it is first left. */
static THREAD_LOCAL const void *thread_bottom;
static THREAD_LOCAL size_t thread_bytes;
static THREAD_LOCAL bool thread_is_leaving;

void eddy__sanitizer_new_flow(struct eddy__stack *stack) {
    /* The red zones of what ran here before. */
    ASAN_UNPOISON_MEMORY_REGION(eddy__stack_bottom(stack),
                                (size_t)((char *)stack - (char *)eddy__stack_bottom(stack)));
    stack->fiber = NULL;
}

static THREAD_LOCAL const struct eddy__stack *current_stack;

__attribute__((no_sanitize("address"))) void eddy__sanitizer_leave(
    struct eddy__sanitizer_flow *flow, struct eddy__stack *to) {
    const void *bottom = to ? eddy__stack_bottom(to) : thread_bottom;
    size_t bytes = to ? (size_t)((char *)to - (char *)bottom) : thread_bytes;

    thread_is_leaving = current_stack == NULL;
    current_stack = to;
    __sanitizer_start_switch_fiber(flow ? &flow->fake_stack : NULL, bottom, bytes);
}

__attribute__((no_sanitize("address"))) void eddy__sanitizer_arrive(
    struct eddy__sanitizer_flow *flow) {
    const void *bottom;
    size_t bytes;

    __sanitizer_finish_switch_fiber(flow ? flow->fake_stack : NULL, &bottom, &bytes);
    if (thread_is_leaving) {
        thread_bottom = bottom;
        thread_bytes = bytes;
        thread_is_leaving = false;
    }
}

void eddy__sanitizer_drop_stack(struct eddy__stack *stack) {
    ASAN_UNPOISON_MEMORY_REGION(eddy__stack_bottom(stack),
                                (size_t)((char *)stack - (char *)eddy__stack_bottom(stack)));
}

void eddy__sanitizer_forked(void) {
    if (!current_stack)
        return;
    thread_bottom = eddy__stack_bottom(current_stack);
    thread_bytes = (size_t)((char *)current_stack - (char *)thread_bottom);
    current_stack = NULL;
}

#elif EDDY__TSAN

#include <sanitizer/tsan_interface.h>

#include "util.h"

static THREAD_LOCAL void *thread_fiber;

/* A fiber's shadow stack grows with each flow that never returns, so each flow gets a new one. */
void eddy__sanitizer_new_flow(struct eddy__stack *stack) {
    if (stack->fiber)
        __tsan_destroy_fiber(stack->fiber);
    stack->fiber = __tsan_create_fiber(0);
}

/* Not instrumented: its own exit would be counted on the fiber that it goes to. */
#if __has_attribute(disable_sanitizer_instrumentation)
__attribute__((disable_sanitizer_instrumentation))
#else
__attribute__((no_sanitize("thread")))
#endif
void eddy__sanitizer_leave(struct eddy__sanitizer_flow *flow, struct eddy__stack *to) {
    (void)flow;
    if (!thread_fiber)
        thread_fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to ? to->fiber : thread_fiber, 0);
}

void eddy__sanitizer_arrive(struct eddy__sanitizer_flow *flow) {
    (void)flow;
}

void eddy__sanitizer_forked(void) {
    thread_fiber = __tsan_get_current_fiber();
}

void eddy__sanitizer_drop_stack(struct eddy__stack *stack) {
    if (stack->fiber)
        __tsan_destroy_fiber(stack->fiber);
}

#else

typedef int eddy__no_sanitizer;

#endif
