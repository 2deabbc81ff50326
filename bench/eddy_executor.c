/* SPDX-License-Identifier: MIT
 * eddy_executor.c - eddy_to_thread with a function that does nothing, one call at a time.
 * usage: eddy_executor [PROCESSORS], which is part of the row's name: the driver pins.
 * Beside it: limit_executor.c. */
#include <eddy.h>
#include <stdio.h>

#include "bench.h"

#define ROUND_TRIPS 2000

static int do_nothing(void *arg) {
    (void)arg;
    return 0;
}

static double pass(void *arg) {
    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < ROUND_TRIPS; i++)
        bench_require(eddy_to_thread(do_nothing, NULL), "to_thread");
    return (double)(bench_now_ns() - start_ns) / ROUND_TRIPS;
}

static int bench_main(void *arg) {
    char row[64];

    snprintf(row, sizeof(row), "executor-%ld", *(long *)arg);
    bench_report(row, bench_run_passes(pass, NULL), "ns");
    return 0;
}

int main(int argc, char *argv[]) {
    long processors = bench_count(argc, argv, 1, 1);

    return eddy_main(bench_main, &processors);
}
