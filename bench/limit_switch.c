/* SPDX-License-Identifier: MIT
 * limit_switch.c - the limit of a context switch: two flows that do nothing but switch.
 *
 * Twice, because the processor predicts where a switch goes on: once the flows leave from two
 * places in the program, as foreign tasks do, once from one, as a scheduler's do.
 * Beside it: eddy_switch.c. */
#include <limits.h>

#include "bench.h"
#include "limit.h"

#define ROUND_TRIPS 500000

static void *main_sp, *other_sp;
static void *flows[2];
static int running;
/* Volatile, so that the compiler makes no second loop for a number it knows: see limit_yield.c. */
static volatile long for_ever = LONG_MAX, round_trips = ROUND_TRIPS;

static void other(void) {
    for (;;)
        limit_switch(&other_sp, main_sp);
}

static __attribute__((noinline)) void switch_times(long switches) {
    for (long i = 0; i < switches; i++) {
        void **from = &flows[running];
        running ^= 1;
        limit_switch(from, flows[running]);
    }
}

static void same(void) {
    for (;;)
        switch_times(for_ever);
}

static double pass_two_places(void *arg) {
    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < ROUND_TRIPS; i++)
        limit_switch(&main_sp, other_sp);
    return (double)(bench_now_ns() - start_ns) / (2.0 * ROUND_TRIPS);
}

static double pass_one_place(void *arg) {
    (void)arg;
    int64_t start_ns = bench_now_ns();
    switch_times(round_trips);
    return (double)(bench_now_ns() - start_ns) / (2.0 * ROUND_TRIPS);
}

int main(void) {
    struct limit_stacks stacks;

    if (!LIMIT_SUPPORTED) {
        bench_skip("switch", LIMIT_UNSUPPORTED);
        bench_skip("switch-same", LIMIT_UNSUPPORTED);
        return 0;
    }

    limit_stacks_map(&stacks, 2);
    other_sp = limit_prepare(limit_stack_top(&stacks, 0), other);
    bench_report("switch", bench_run_passes(pass_two_places, NULL), "ns");

    flows[1] = limit_prepare(limit_stack_top(&stacks, 1), same);
    bench_report("switch-same", bench_run_passes(pass_one_place, NULL), "ns");
    limit_stacks_unmap(&stacks);
    return 0;
}
