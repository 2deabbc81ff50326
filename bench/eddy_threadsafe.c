/* SPDX-License-Identifier: MIT
 * eddy_threadsafe.c - call_soon_threadsafe: bursts of 100,000 calls from another thread, until all
 * have run. Beside it: limit_threadsafe.c. */
#include <eddy.h>
#include <pthread.h>

#include "bench.h"

#define BURST 100000

static eddy_loop *loop;
static eddy_future *all_run;
static pthread_barrier_t begin;
static long left;

static void count_one(void *arg) {
    (void)arg;
    if (--left == 0)
        eddy_future_set_result(all_run, NULL);
}

static void *producer(void *arg) {
    (void)arg;
    for (int pass = 0; pass <= BENCH_PASSES; pass++) {
        pthread_barrier_wait(&begin);
        for (long i = 0; i < BURST; i++)
            bench_require(eddy_call_soon_threadsafe(loop, count_one, NULL), "call_soon_threadsafe");
    }
    return NULL;
}

static double pass(void *arg) {
    (void)arg;
    left = BURST;
    all_run = eddy_future_new(NULL);
    pthread_barrier_wait(&begin);
    int64_t start_ns = bench_now_ns();
    bench_require(eddy_await(eddy_ref(all_run)), "every call runs");
    int64_t end_ns = bench_now_ns();
    all_run = eddy_unref(all_run);
    return (double)(end_ns - start_ns) / BURST;
}

static int bench_main(void *arg) {
    pthread_t thread;

    (void)arg;
    loop = eddy_running_loop();
    pthread_barrier_init(&begin, NULL, 2);
    bench_require(-pthread_create(&thread, NULL, producer, NULL), "pthread_create");
    bench_report("threadsafe", bench_run_passes(pass, NULL), "ns");
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&begin);
    return 0;
}

int main(void) {
    return eddy_main(bench_main, NULL);
}
