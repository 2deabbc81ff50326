/* SPDX-License-Identifier: MIT
 * eddy_futures.c - so many eddy_after() in one gather: what each costs to hold, and from its
 * creation to its end.
 *
 * They complete in random order within 0.1 s. Counted is the CPU time of the process, so that
 * waiting for them costs nothing.
 * usage: eddy_futures [FUTURES]. Beside it: limit_futures.c. */
#include <eddy.h>
#include <stdlib.h>

#include "bench.h"

#define FIRST_DEADLINE 2.0 /* the setting up must be over by then */
#define DEADLINE_RANGE 0.1

static long future_count;
static struct bench_memory before;
static int64_t looking_ns;

/* All are waited for when this runs. */
static void look(void *arg) {
    int64_t start_ns = bench_cpu_ns();

    (void)arg;
    bench_report_memory("futures-memory", before, future_count);
    looking_ns = bench_cpu_ns() - start_ns;
}

static int bench_main(void *arg) {
    eddy_future **futures = arg;

    eddy_yield();
    before = bench_memory_used();
    int64_t start_ns = bench_cpu_ns();
    for (long i = 0; i < future_count; i++)
        futures[i] = eddy_after(FIRST_DEADLINE + DEADLINE_RANGE * bench_random());
    eddy_call_soon(NULL, look, NULL);
    bench_require(eddy_gather_array(futures, (int)future_count, NULL), "gather");

    bench_report("futures-cpu",
                 (double)(bench_cpu_ns() - start_ns - looking_ns) / (double)future_count, "ns");
    return 0;
}

int main(int argc, char *argv[]) {
    future_count = bench_count(argc, argv, 1, 1000000);
    eddy_future **futures = malloc((size_t)future_count * sizeof(*futures));
    bench_require(futures ? 0 : -ENOMEM, "futures");
    for (long i = 0; i < future_count; i++)
        futures[i] = NULL; /* touched before memory is counted */
    bench_touch_memory((size_t)future_count * 512);

    int status = eddy_main(bench_main, futures);
    free(futures);
    return status;
}
