/* SPDX-License-Identifier: MIT
 * eddy_switch.c - a context switch of the coroutine layer, without scheduler: two flows that do
 * nothing but switch; from two places and from one, as limit_switch.c does.
 * Internal on purpose: no program calls this, every suspension costs it.
 * Beside it: limit_switch.c. */
#include <errno.h>
#include <limits.h>

#include "bench.h"
#include "coro.h"

#define ROUND_TRIPS 500000

static void *main_flow, *other_flow;
static void *flows[2];
static struct eddy__stack *other_stack, *stacks[2]; /* stacks[0]: the thread's own, NULL */
static int running;
/* Volatile, so that the compiler makes no second loop for a number it knows: see limit_yield.c. */
static volatile long for_ever = LONG_MAX, round_trips = ROUND_TRIPS;

static void other(void) {
    eddy__sanitizer_arrive(NULL);
    for (;;)
        eddy__coro_switch(&other_flow, main_flow, NULL);
}

static __attribute__((noinline)) void switch_times(long switches) {
    for (long i = 0; i < switches; i++) {
        void **from = &flows[running];
        running ^= 1;
        eddy__coro_switch(from, flows[running], stacks[running]);
    }
}

static void same(void) {
    eddy__sanitizer_arrive(NULL);
    for (;;)
        switch_times(for_ever);
}

static double pass_two_places(void *arg) {
    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < ROUND_TRIPS; i++)
        eddy__coro_switch(&main_flow, other_flow, other_stack);
    return (double)(bench_now_ns() - start_ns) / (2.0 * ROUND_TRIPS);
}

static double pass_one_place(void *arg) {
    (void)arg;
    int64_t start_ns = bench_now_ns();
    switch_times(round_trips);
    return (double)(bench_now_ns() - start_ns) / (2.0 * ROUND_TRIPS);
}

static struct eddy__stack *take_stack(struct eddy__stack_pool *pool) {
    struct eddy__stack *stack = eddy__stack_take(pool, eddy__stack_class(STACK_BYTES_DEFAULT));

    bench_require(stack ? 0 : -ENOMEM, "a stack");
    return stack;
}

int main(void) {
    struct eddy__stack_pool pool;

    eddy__stack_pool_init(&pool);
    other_stack = take_stack(&pool);
    stacks[1] = take_stack(&pool);

    other_flow = eddy__coro_prepare(other_stack, other);
    bench_report("switch", bench_run_passes(pass_two_places, NULL), "ns");
    flows[1] = eddy__coro_prepare(stacks[1], same);
    bench_report("switch-same", bench_run_passes(pass_one_place, NULL), "ns");

    eddy__stack_give(&pool, stacks[1]);
    eddy__stack_give(&pool, other_stack);
    eddy__stack_pool_deinit(&pool);
    return 0;
}
