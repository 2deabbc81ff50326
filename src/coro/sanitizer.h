/* SPDX-License-Identifier: MIT
 * sanitizer.h - what AddressSanitizer and ThreadSanitizer must be told about a switch of stacks.
 *
 * In a build without them all of this is empty. The only place that asks which build it is. */
#ifndef EDDY__SANITIZER_H
#define EDDY__SANITIZER_H

#include "stack.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EDDY__ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define EDDY__TSAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define EDDY__ASAN 1
#endif
#ifdef __SANITIZE_THREAD__
#define EDDY__TSAN 1
#endif

/* One suspended flow, as the sanitizer sees it. */
struct eddy__sanitizer_flow {
    void *fake_stack;
};

#if EDDY__ASAN || EDDY__TSAN

/* A new flow will start on this stack; leave tells where a switch goes (NULL: the thread's own
 * stack), with flow NULL when this flow ends; arrive is the first thing after a switch (flow NULL:
 * at the start of a new flow). */
void eddy__sanitizer_new_flow(struct eddy__stack *stack);
void eddy__sanitizer_leave(struct eddy__sanitizer_flow *flow, struct eddy__stack *to);
void eddy__sanitizer_arrive(struct eddy__sanitizer_flow *flow);
void eddy__sanitizer_drop_stack(struct eddy__stack *stack);
/* In the child of a fork(): the flow that runs is now the thread's own. */
void eddy__sanitizer_forked(void);

#else

static inline void eddy__sanitizer_new_flow(struct eddy__stack *stack) {
    (void)stack;
}
static inline void eddy__sanitizer_leave(struct eddy__sanitizer_flow *flow,
                                         struct eddy__stack *to) {
    (void)flow, (void)to;
}
static inline void eddy__sanitizer_arrive(struct eddy__sanitizer_flow *flow) {
    (void)flow;
}
static inline void eddy__sanitizer_drop_stack(struct eddy__stack *stack) {
    (void)stack;
}
static inline void eddy__sanitizer_forked(void) {}

#endif

#endif
