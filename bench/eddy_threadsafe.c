/* SPDX-License-Identifier: MIT
 * eddy_threadsafe.c - call_soon_threadsafe: bursts of 100,000 calls from so many other threads (1,
 * without argument), until all have run. Beside it: limit_threadsafe.c. */
#include <eddy.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

#define BURST        100000
#define MOST_THREADS 16

static eddy_loop *loop;
static eddy_future *all_run;
static pthread_barrier_t begin;
static long left, threads = 1;

static void count_one(void *arg) {
    (void)arg;
    if (--left == 0)
        eddy_future_set_result(all_run, NULL);
}

static void *producer(void *arg) {
    (void)arg;
    for (int pass = 0; pass <= BENCH_PASSES; pass++) {
        pthread_barrier_wait(&begin);
        for (long i = 0; i < BURST / threads; i++)
            bench_require(eddy_call_soon_threadsafe(loop, count_one, NULL), "call_soon_threadsafe");
    }
    return NULL;
}

static double pass(void *arg) {
    (void)arg;
    left = BURST / threads * threads;
    all_run = eddy_future_new(NULL);
    pthread_barrier_wait(&begin);
    int64_t start_ns = bench_now_ns();
    bench_require(eddy_await(eddy_ref(all_run)), "every call runs");
    int64_t end_ns = bench_now_ns();
    all_run = eddy_unref(all_run);
    return (double)(end_ns - start_ns) / BURST;
}

static int bench_main(void *arg) {
    pthread_t ids[MOST_THREADS];
    char row[32] = "threadsafe";

    (void)arg;
    if (threads > 1)
        snprintf(row, sizeof(row), "threadsafe-%ld", threads);
    loop = eddy_running_loop();
    pthread_barrier_init(&begin, NULL, (unsigned)threads + 1);
    for (long i = 0; i < threads; i++)
        bench_require(-pthread_create(&ids[i], NULL, producer, NULL), "pthread_create");
    bench_report(row, bench_run_passes(pass, NULL), "ns");
    for (long i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    pthread_barrier_destroy(&begin);
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1)
        threads = strtol(argv[1], NULL, 10);
    bench_require(threads >= 1 && threads <= MOST_THREADS ? 0 : -EINVAL, "threads");
    return eddy_main(bench_main, NULL);
}
