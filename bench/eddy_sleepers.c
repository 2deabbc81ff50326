/* SPDX-License-Identifier: MIT
 * eddy_sleepers.c - N tasks that sleep at the same time: what each costs to set up, to hold, to
 * wake.
 *
 * All fall asleep until deadlines in random order within 0.1 s. The main task then blocks the whole
 * thread (a plain nanosleep) until all deadlines have passed, so that the wake-up that follows is
 * work and no waiting.
 * usage: eddy_sleepers [TASKS [STACK-BYTES]]. Beside it: limit_sleepers.c. */
#include <eddy.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

#define DEADLINE_RANGE 0.1

static long task_count, asleep_count;
static size_t stack_bytes;
static double first_deadline; /* on eddy_time()'s clock */

/* Seconds after the start; the setting up must be over by then. */
static double first_deadline_after(void) {
    return 1.5 + (double)task_count * 12e-6;
}

static int sleeper(void *arg) {
    double deadline = first_deadline + DEADLINE_RANGE * bench_random();

    (void)arg;
    asleep_count++;
    return eddy_sleep(deadline - eddy_time());
}

static int fall_asleep(eddy_task *tasks[]) {
    eddy_task_options options = {.stack_bytes = stack_bytes};
    int r = 0;

    for (long i = 0; i < task_count; i++)
        tasks[i] = eddy_create_task_with(&options, sleeper, NULL);
    while (r >= 0 && asleep_count < task_count)
        r = eddy_yield();
    return r;
}

static void block_until_all_are_due(int64_t start_ns) {
    double left =
        first_deadline_after() + DEADLINE_RANGE - (double)(bench_now_ns() - start_ns) / 1e9 + 0.01;

    bench_require(left > DEADLINE_RANGE + 0.01 ? 0 : -ETIME, "set up before the first deadline");
    bench_sleep(left);
}

static void report(const char *what, int64_t ns) {
    char row[64];

    snprintf(row, sizeof(row), "sleepers-%ld-%s", task_count, what);
    bench_report(row, (double)ns / (double)task_count, "ns");
}

static int bench_main(void *arg) {
    eddy_task **tasks = arg;

    eddy_yield(); /* a first poll, so that the loop's clock is that of now */
    struct bench_memory before = bench_memory_used();
    int64_t start_ns = bench_now_ns();
    first_deadline = eddy_time() + first_deadline_after();
    bench_require(fall_asleep(tasks), "set up");
    int64_t asleep_ns = bench_now_ns();
    char row[64];
    snprintf(row, sizeof(row), "sleepers-%ld-memory", task_count);
    bench_report_memory(row, before, task_count);

    block_until_all_are_due(start_ns);
    int64_t due_ns = bench_now_ns();
    bench_require(eddy_gather_array(tasks, (int)task_count, NULL), "gather");
    int64_t end_ns = bench_now_ns();

    report("setup", asleep_ns - start_ns);
    report("wake", end_ns - due_ns);
    return 0;
}

int main(int argc, char *argv[]) {
    task_count = bench_count(argc, argv, 1, 100000);
    stack_bytes = argc > 2 ? (size_t)bench_count(argc, argv, 2, 0) : 0;
    eddy_task **tasks = malloc((size_t)task_count * sizeof(eddy_task *));
    bench_require(tasks ? 0 : -ENOMEM, "tasks");
    for (long i = 0; i < task_count; i++)
        tasks[i] = NULL; /* touched before memory is counted */
    bench_touch_memory((size_t)task_count * 6144);

    int status = eddy_main(bench_main, tasks);
    free(tasks);
    return status;
}
