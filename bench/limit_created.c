/* SPDX-License-Identifier: MIT
 * limit_created.c - the limit of a task that is created and has not run: a record, and a place in
 * the queue.
 * usage: limit_created [TASKS]. Beside it: eddy_created.c. */
#include <errno.h>
#include <stdlib.h>

#include "bench.h"

struct task {
    void *sp; /* NULL: it has no stack yet */
    int (*fn)(void *arg);
    void *arg;
    char rest_of_a_record[104];
};

static int do_nothing(void *arg) {
    (void)arg;
    return 0;
}

int main(int argc, char *argv[]) {
    long count = bench_count(argc, argv, 1, 1000000);

    bench_touch_memory((size_t)count * 160);
    struct bench_memory before = bench_memory_used();
    int64_t start_ns = bench_now_ns();
    struct task *tasks = malloc((size_t)count * sizeof(*tasks));
    struct task **ready = malloc((size_t)count * sizeof(*ready));
    bench_require(tasks && ready ? 0 : -ENOMEM, "tasks");
    for (long i = 0; i < count; i++) {
        tasks[i] = (struct task){.fn = do_nothing};
        ready[i] = &tasks[i];
    }
    int64_t end_ns = bench_now_ns();

    bench_report_memory("created-memory", before, count);
    bench_report("created-time", (double)(end_ns - start_ns) / (double)count, "ns");
    for (long i = 0; i < count; i++)
        ready[i]->fn(ready[i]->arg);
    free(ready);
    free(tasks);
    return 0;
}
