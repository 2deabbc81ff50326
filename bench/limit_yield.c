/* SPDX-License-Identifier: MIT
 * limit_yield.c - the limit of sleep(0): N tasks that yield to each other in turn.
 *
 * A ready queue in one array, a direct switch from task to task, coloured stacks, and the tasks
 * ahead prefetched (with few tasks all is in the cache, and a prefetch is only in the way).
 * The first task measures: each of its yields lets every other task run once.
 * usage: limit_yield [TASKS]. Beside it: eddy_yield.c. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "limit.h"

#define SWITCHES_PER_PASS 1000000
#define PREFETCH_MIN      12

struct task {
    void *sp;
    char rest_of_a_record[120];
};

static struct task **ready;
static size_t ready_head, ready_tail, ready_mask;
static struct task *tasks, *current;
static size_t task_count;

static inline struct task *ready_ahead(size_t places) {
    return ready[(ready_head + places) & ready_mask];
}

static inline void yield(bool prefetch) {
    struct task *self = current;

    ready[ready_tail++ & ready_mask] = self;
    current = ready[ready_head++ & ready_mask];
    if (prefetch) { /* here, and no function of its own: gcc 12 takes that for one without effect */
        char *sp = ready_ahead(3)->sp;
        __builtin_prefetch(ready_ahead(7), 1);
        __builtin_prefetch(sp, 1);
        __builtin_prefetch(sp + 64, 1);
    }
    limit_switch(&self->sp, current->sp);
}

/* All tasks run the same loop, so that the jump at the end of a switch always goes to one place:
 * with two places, 10 tasks cost 4.6 ns instead of 2.9. Hence the volatile: a compiler that knows
 * the number makes a second loop for it. */
static volatile long for_ever = LONG_MAX;

static __attribute__((noinline)) void yield_times_few(long yields) {
    for (long i = 0; i < yields; i++)
        yield(false);
}

static __attribute__((noinline)) void yield_times_many(long yields) {
    for (long i = 0; i < yields; i++)
        yield(true);
}

static void yield_times(long yields) {
    if (task_count < PREFETCH_MIN)
        yield_times_few(yields);
    else
        yield_times_many(yields);
}

static void work(void) {
    for (;;)
        yield_times(for_ever);
}

static double pass(void *arg) {
    long yields = SWITCHES_PER_PASS / (long)task_count;

    (void)arg;
    int64_t start_ns = bench_now_ns();
    yield_times(yields);
    return (double)(bench_now_ns() - start_ns) / ((double)yields * (double)task_count);
}

/* The first task is the thread's own flow. */
static void tasks_make(const struct limit_stacks *stacks) {
    size_t capacity = 2;
    while (capacity < task_count)
        capacity *= 2;

    tasks = calloc(task_count, sizeof(*tasks));
    ready = calloc(capacity, sizeof(*ready));
    bench_require(tasks && ready ? 0 : -ENOMEM, "tasks");

    ready_mask = capacity - 1;
    for (size_t i = 0; i < capacity; i++)
        ready[i] = &tasks[0]; /* a prefetch may look past the newest */
    for (size_t i = 1; i < task_count; i++) {
        tasks[i].sp = limit_prepare(limit_stack_top(stacks, i), work);
        ready[ready_tail++] = &tasks[i];
    }
    current = &tasks[0];
}

int main(int argc, char *argv[]) {
    struct limit_stacks stacks;
    char row[64];

    task_count = (size_t)bench_count(argc, argv, 1, 10);
    snprintf(row, sizeof(row), "yield-%zu", task_count);
    if (!LIMIT_SUPPORTED) {
        bench_skip(row, LIMIT_UNSUPPORTED);
        return 0;
    }

    limit_stacks_map(&stacks, task_count);
    tasks_make(&stacks);
    bench_report(row, bench_run_passes(pass, NULL), "ns");

    limit_stacks_unmap(&stacks);
    free(ready);
    free(tasks);
    return 0;
}
