/* SPDX-License-Identifier: MIT
 * eddy_call_soon.c - call_soon: a thousand callbacks scheduled, then run by the loop.
 * Beside it: limit_call_soon.c. */
#include <eddy.h>

#include "bench.h"

#define BATCH   1000
#define BATCHES 500

static long left;
static eddy_future *all_run;

static void count_one(void *arg) {
    (void)arg;
    if (--left == 0)
        eddy_future_set_result(all_run, NULL);
}

static double pass(void *arg) {
    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (int batch = 0; batch < BATCHES; batch++) {
        left = BATCH;
        all_run = eddy_future_new(NULL);
        for (int i = 0; i < BATCH; i++)
            eddy_call_soon(NULL, count_one, NULL);
        bench_require(eddy_await(eddy_ref(all_run)), "every callback runs");
        eddy_unref(all_run);
    }
    return (double)(bench_now_ns() - start_ns) / ((double)BATCH * BATCHES);
}

static int bench_main(void *arg) {
    (void)arg;
    bench_report("call_soon", bench_run_passes(pass, NULL), "ns");
    return 0;
}

int main(void) {
    return eddy_main(bench_main, NULL);
}
