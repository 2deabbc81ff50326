/* SPDX-License-Identifier: MIT
 * eddy_yield.c - sleep(0): N tasks that yield to each other in turn.
 *
 * The first task measures: each of its yields lets every other task run once. The loop's polls, one
 * in 256 switches, are in the figure.
 * usage: eddy_yield [TASKS]. Beside it: limit_yield.c. */
#include <eddy.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

#define SWITCHES_PER_PASS 1000000

static long task_count;

/* All tasks run this one loop: see limit_yield.c. */
static volatile long for_ever = LONG_MAX;

static __attribute__((noinline)) int yield_times(long yields) {
    for (long i = 0; i < yields; i++) {
        int r = eddy_yield();
        if (r < 0)
            return r;
    }
    return 0;
}

/* Until it is cancelled: the end of the measurement. */
static int work(void *arg) {
    (void)arg;
    return yield_times(for_ever);
}

static double pass(void *arg) {
    long yields = SWITCHES_PER_PASS / task_count;

    (void)arg;
    int64_t start_ns = bench_now_ns();
    bench_require(yield_times(yields), "yield");
    return (double)(bench_now_ns() - start_ns) / ((double)yields * (double)task_count);
}

static int bench_main(void *arg) {
    eddy_task **others = arg;
    long count = task_count - 1;
    char row[64];

    for (long i = 0; i < count; i++)
        others[i] = eddy_create_task(work, NULL);

    snprintf(row, sizeof(row), "yield-%ld", task_count);
    bench_report(row, bench_run_passes(pass, NULL), "ns");

    for (long i = 0; i < count; i++)
        eddy_cancel(others[i]);

    eddy_gather_array(others, (int)count, NULL); /* -ECANCELED: we asked for it */
    return 0;
}

int main(int argc, char *argv[]) {
    task_count = bench_count(argc, argv, 1, 10);
    eddy_task **others = calloc((size_t)task_count, sizeof(eddy_task *));
    bench_require(others ? 0 : -ENOMEM, "tasks");

    int status = eddy_main(bench_main, others);
    free(others);
    return status;
}
