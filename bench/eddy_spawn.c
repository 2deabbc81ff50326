/* SPDX-License-Identifier: MIT
 * eddy_spawn.c - create, run and await a task that does nothing: one at a time, 10,000 at once, and
 * groups of 1,000.
 * Beside it: limit_spawn.c. */
#include <eddy.h>

#include "bench.h"

#define FAN_OUT          10000
#define SPAWNS_PER_PASS  200000
#define FANOUTS_PER_PASS 20
#define GROUP            1000
#define GROUPS_PER_PASS  200

static int do_nothing(void *arg) {
    (void)arg;
    return 0;
}

static double pass_one_at_a_time(void *arg) {
    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < SPAWNS_PER_PASS; i++)
        bench_require(eddy_await(eddy_create_task(do_nothing, NULL)), "await");
    return (double)(bench_now_ns() - start_ns) / SPAWNS_PER_PASS;
}

static double pass_fan_out(void *arg) {
    static eddy_task *tasks[FAN_OUT];

    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < FANOUTS_PER_PASS; i++) {
        for (int t = 0; t < FAN_OUT; t++)
            tasks[t] = eddy_create_task(do_nothing, NULL);
        bench_require(eddy_gather_array(tasks, FAN_OUT, NULL), "gather");
    }
    return (double)(bench_now_ns() - start_ns) / ((double)FANOUTS_PER_PASS * FAN_OUT);
}

static double pass_groups(void *arg) {
    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < GROUPS_PER_PASS; i++) {
        eddy_task_group *group = eddy_task_group_new();
        for (int t = 0; t < GROUP; t++)
            eddy_task_group_create_task(group, do_nothing, NULL);
        bench_require(eddy_task_group_end(group, 0), "group");
    }
    return (double)(bench_now_ns() - start_ns) / ((double)GROUPS_PER_PASS * GROUP);
}

static int bench_main(void *arg) {
    (void)arg;
    bench_report("spawn-1", bench_run_passes(pass_one_at_a_time, NULL), "ns");
    bench_report("spawn-10000", bench_run_passes(pass_fan_out, NULL), "ns");
    bench_report("group-1000", bench_run_passes(pass_groups, NULL), "ns");
    return 0;
}

int main(void) {
    return eddy_main(bench_main, NULL);
}
