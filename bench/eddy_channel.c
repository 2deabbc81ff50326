/* SPDX-License-Identifier: MIT
 * eddy_channel.c - items between two loops in two threads: there and back one at a time, and
 * 100,000 through a channel of 128.
 * Beside it: limit_channel.c. */
#include <eddy.h>
#include <pthread.h>

#include "bench.h"

#define CAPACITY    128
#define ROUND_TRIPS 500
#define BURST       100000

static eddy_channel *there, *back;

/* Sends as many items as it was asked for. */
static int answer(void *arg) {
    void *asked;

    (void)arg;
    while (eddy_channel_receive(there, &asked) == 0)
        for (long i = 0; i < (long)asked; i++)
            bench_require(eddy_channel_send(back, NULL), "send");
    return 0;
}

static void *answerer(void *arg) {
    bench_require(eddy_run(answer, arg), "eddy_run");
    return NULL;
}

static void ask(long count) {
    void *item;

    bench_require(eddy_channel_send(there, (void *)count), "send");
    for (long i = 0; i < count; i++)
        bench_require(eddy_channel_receive(back, &item), "receive");
}

static double trips(void *arg) {
    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < ROUND_TRIPS; i++)
        ask(1);
    return (double)(bench_now_ns() - start_ns) / ROUND_TRIPS;
}

static double items(void *arg) {
    (void)arg;
    int64_t start_ns = bench_now_ns();
    ask(BURST);
    return (double)(bench_now_ns() - start_ns) / BURST;
}

static int bench_main(void *arg) {
    pthread_t thread;

    (void)arg;
    bench_require(eddy_channel_new(CAPACITY, &there), "a channel");
    bench_require(eddy_channel_new(CAPACITY, &back), "a channel");
    bench_require(-pthread_create(&thread, NULL, answerer, NULL), "pthread_create");
    bench_report("channel-trip", bench_run_passes(trips, NULL), "ns");
    bench_report("channel-items", bench_run_passes(items, NULL), "ns");
    eddy_channel_close(there);
    pthread_join(thread, NULL);
    eddy_channel_unref(there);
    eddy_channel_unref(back);
    return 0;
}

int main(void) {
    return eddy_main(bench_main, NULL);
}
