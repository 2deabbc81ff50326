/* SPDX-License-Identifier: MIT
 * limit_timers.c - the limit of timers, with N of them pending.
 *
 * Added and cancelled as time-outs are: they last 10 s to two minutes, and the oldest goes when a
 * new one comes. Expired
 * are N with random deadlines, all due. The clock is only asked by who measures.
 * usage: limit_timers [PENDING]. Beside it: eddy_timers.c. */
#include <errno.h>
#include <stdio.h>

#include "bench.h"
#include "limit_wheel.h"

#define TICKS(seconds) ((uint64_t)(seconds)*1000000000 / WHEEL_TICK_NS)
#define RANGE_TICKS    100
#define PAIRS          300000

static struct limit_wheel wheel;
static struct limit_timer *timers;
static long timer_count, fired_count;
static const uint64_t timeouts[5] = {TICKS(10), TICKS(20), TICKS(30), TICKS(60), TICKS(120)};

static void fire(void *arg) {
    (void)arg;
    fired_count++;
}

/* A function of its own, as any library would have: the user's compiler does not see inside. */
static __attribute__((noinline)) void call_later(struct limit_timer *timer, uint64_t ticks) {
    timer->deadline = wheel.now + ticks;
    timer->fn = fire;
    limit_wheel_add(&wheel, timer);
}

static __attribute__((noinline)) void cancel(struct limit_timer *timer) {
    limit_wheel_cancel(&wheel, timer);
}

static double pass_add_cancel(void *arg) {
    long oldest = 0;

    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (long i = 0; i < PAIRS; i++) {
        cancel(&timers[oldest]);
        call_later(&timers[oldest], timeouts[i % 5]);
        oldest = oldest + 1 < timer_count ? oldest + 1 : 0;
    }
    return (double)(bench_now_ns() - start_ns) / PAIRS;
}

static double pass_expire(void *arg) {
    (void)arg;
    for (long i = 0; i < timer_count; i++) {
        timers[i].deadline = wheel.now + 5 + (uint64_t)(bench_random() * RANGE_TICKS);
        limit_wheel_add(&wheel, &timers[i]);
    }
    fired_count = 0;
    int64_t start_ns = bench_now_ns();
    limit_wheel_expire_all(&wheel);
    int64_t end_ns = bench_now_ns();
    bench_require(fired_count == timer_count ? 0 : -EINVAL, "every timer fires");
    return (double)(end_ns - start_ns) / (double)timer_count;
}

int main(int argc, char *argv[]) {
    char row[64];

    timer_count = bench_count(argc, argv, 1, 1000);
    timers = calloc((size_t)timer_count, sizeof(*timers));
    bench_require(timers ? 0 : -ENOMEM, "timers");
    for (long i = 0; i < timer_count; i++)
        call_later(&timers[i], timeouts[i % 5]);

    snprintf(row, sizeof(row), "timers-%ld-cancel", timer_count);
    bench_report(row, bench_run_passes(pass_add_cancel, NULL), "ns");
    for (long i = 0; i < timer_count; i++)
        cancel(&timers[i]);
    snprintf(row, sizeof(row), "timers-%ld-expire", timer_count);
    bench_report(row, bench_run_passes(pass_expire, NULL), "ns");
    free(timers);
    return 0;
}
