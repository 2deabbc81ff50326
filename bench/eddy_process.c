/* SPDX-License-Identifier: MIT
 * eddy_process.c - a program that ends at once, spawned and waited for, one at a time.
 * usage: eddy_process [MEBIBYTES], so many does this process hold, which is part of the row's name.
 * Beside it: limit_process.c. */
#include <eddy.h>
#include <stdio.h>

#include "bench.h"

#define SPAWNS 40

static int64_t called_ns; /* within the call that spawns */

static void spawn_one(void) {
    static const char *const arguments[] = {"/bin/true", NULL};
    eddy_process *process = NULL;
    int64_t start_ns = bench_now_ns();

    bench_require(eddy_process_spawn(arguments, NULL, &process), "spawn");
    called_ns += bench_now_ns() - start_ns;
    bench_require(eddy_process_wait(process, NULL), "wait");
    eddy_process_close(process);
}

static double pass(void *calls) {
    int64_t start_ns = bench_now_ns();

    called_ns = 0;
    for (int i = 0; i < SPAWNS; i++)
        spawn_one();
    return (double)(*(bool *)calls ? called_ns : bench_now_ns() - start_ns) / SPAWNS;
}

static int bench_main(void *arg) {
    char row[64];
    bool calls = false;

    snprintf(row, sizeof(row), "process-%ld", *(long *)arg);
    bench_report(row, bench_run_passes(pass, &calls), "ns");
    snprintf(row, sizeof(row), "process-%ld-call", *(long *)arg);
    calls = true;
    bench_report(row, bench_run_passes(pass, &calls), "ns");
    return 0;
}

int main(int argc, char *argv[]) {
    long mebibytes = bench_count(argc, argv, 1, 1);

    bench_hold_memory((size_t)mebibytes << 20);
    return eddy_main(bench_main, &mebibytes);
}
