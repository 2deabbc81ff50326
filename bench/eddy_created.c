/* SPDX-License-Identifier: MIT
 * eddy_created.c - so many tasks created, none of which has run yet: what each costs to hold and to
 * create.
 * usage: eddy_created [TASKS]. Beside it: limit_created.c. */
#include <eddy.h>
#include <stdlib.h>

#include "bench.h"

static long task_count;

static int do_nothing(void *arg) {
    (void)arg;
    return 0;
}

static int bench_main(void *arg) {
    eddy_task **tasks = arg;

    struct bench_memory before = bench_memory_used();
    int64_t start_ns = bench_now_ns();
    for (long i = 0; i < task_count; i++)
        tasks[i] = eddy_create_task(do_nothing, NULL);
    int64_t end_ns = bench_now_ns();

    bench_report_memory("created-memory", before, task_count);
    bench_report("created-time", (double)(end_ns - start_ns) / (double)task_count, "ns");
    return eddy_gather_array(tasks, (int)task_count, NULL);
}

int main(int argc, char *argv[]) {
    task_count = bench_count(argc, argv, 1, 1000000);
    eddy_task **tasks = malloc((size_t)task_count * sizeof(eddy_task *));
    bench_require(tasks ? 0 : -ENOMEM, "tasks");
    for (long i = 0; i < task_count; i++)
        tasks[i] = NULL; /* touched before memory is counted */
    bench_touch_memory((size_t)task_count * 512);

    int status = eddy_main(bench_main, tasks);
    free(tasks);
    return status;
}
