/* SPDX-License-Identifier: MIT
 * fixture.h - flows on stacks of their own, without a scheduler: who goes on is said each time. */
#ifndef TEST_CORO_FIXTURE_H
#define TEST_CORO_FIXTURE_H

#include "coro.h"
#include "util.h"

#include "test.h"

#define POOL CLEANUP(eddy__stack_pool_deinit) struct eddy__stack_pool

static inline struct eddy__stack_pool test_pool(void) {
    struct eddy__stack_pool pool;

    eddy__stack_pool_init(&pool);
    return pool;
}

static inline struct eddy__stack *take(struct eddy__stack_pool *pool, size_t bytes) {
    struct eddy__stack *stack = eddy__stack_take(pool, eddy__stack_class(bytes));

    ASSERT_NOT_NULL(stack);
    return stack;
}

/* A flow that runs fn(arg) when it is resumed, until it calls flow_leave() or fn returns. */
struct flow {
    void *place, *resumer; /* where it goes on, and who resumed it */
    struct eddy__stack *stack;
    struct eddy__stack_pool *pool;
    struct flow *outer; /* who resumed it, NULL: the thread */
    void (*fn)(void *arg);
    void *arg;
    bool ended;
};

static THREAD_LOCAL struct flow *flow_running;

static inline struct eddy__stack *flow_stack(const struct flow *flow) {
    return flow ? flow->stack : NULL;
}

static inline void flow_entry(void) {
    struct flow *flow = flow_running;

    eddy__sanitizer_arrive(NULL);
    flow->fn(flow->arg);
    flow->ended = true;
    flow_running = flow->outer;
    eddy__coro_finish(flow->resumer, flow_stack(flow->outer));
}

static inline struct flow flow_new(struct eddy__stack_pool *pool, void (*fn)(void *), void *arg) {
    return (struct flow){.pool = pool, .fn = fn, .arg = arg};
}

/* Whoever switches is not inlined: a compiler that sees through to the switch, but not what the
 * other flow does meanwhile, takes addresses that were stored before for dangling. */
#define SWITCHING __attribute__((noinline, unused)) static

/* Goes to the flow, on a stack of its own from the first time on. */
SWITCHING void flow_resume_sized(struct flow *flow, size_t bytes) {
    if (!flow->stack) {
        flow->stack = take(flow->pool, bytes);
        flow->place = eddy__coro_prepare(flow->stack, flow_entry);
    }
    flow->outer = flow_running;
    flow_running = flow;
    eddy__coro_switch(&flow->resumer, flow->place, flow->stack);
    if (flow->ended && flow->stack) {
        eddy__stack_give(flow->pool, flow->stack);
        flow->stack = NULL;
    }
}

static inline void flow_resume(struct flow *flow) {
    flow_resume_sized(flow, STACK_BYTES_DEFAULT);
}

/* Back to who resumed it. */
SWITCHING void flow_leave(void) {
    struct flow *flow = flow_running;

    flow_running = flow->outer;
    eddy__coro_switch(&flow->place, flow->resumer, flow_stack(flow->outer));
}

#endif
