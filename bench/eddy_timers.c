/* SPDX-License-Identifier: MIT
 * eddy_timers.c - call_later, with N of them pending.
 *
 * Added and cancelled as time-outs are: they last 10 s to two minutes, and the oldest goes when a
 * new one comes. Expired are N with random deadlines, when the thread has let all of them pass,
 * awake: after a sleep the caches are cold.
 * usage: eddy_timers [PENDING]. Beside it: limit_timers.c. */
#include <eddy.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

#define PAIRS 300000

static eddy_handle *timers;
static long timer_count, fired_count;
static eddy_future *all_fired;
static const double timeouts[5] = {10, 20, 30, 60, 120};

static void fire(void *arg) {
    (void)arg;
    if (++fired_count == timer_count)
        eddy_future_set_result(all_fired, NULL);
}

static double pass_add_cancel(void *arg) {
    long oldest = 0;

    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (long i = 0; i < PAIRS; i++) {
        eddy_handle_cancel(timers[oldest]);
        timers[oldest] = eddy_call_later(NULL, timeouts[i % 5], fire, NULL);
        oldest = oldest + 1 < timer_count ? oldest + 1 : 0;
    }
    return (double)(bench_now_ns() - start_ns) / PAIRS;
}

static double pass_expire(void *arg) {
    double range = bench_expiry_range(timer_count), first = bench_expiry_first(timer_count);

    (void)arg;
    fired_count = 0;
    all_fired = eddy_future_new(NULL);
    eddy_yield(); /* the clock is that of now */
    for (long i = 0; i < timer_count; i++)
        eddy_call_later(NULL, first + bench_random() * range, fire, NULL);
    bench_spin(first + range + 0.005);

    int64_t start_ns = bench_now_ns();
    bench_require(eddy_await(eddy_ref(all_fired)), "every timer fires");
    int64_t end_ns = bench_now_ns();
    all_fired = eddy_unref(all_fired);
    return (double)(end_ns - start_ns) / (double)timer_count;
}

static int bench_main(void *arg) {
    char row[64];

    (void)arg;
    for (long i = 0; i < timer_count; i++)
        timers[i] = eddy_call_later(NULL, timeouts[i % 5], fire, NULL);
    snprintf(row, sizeof(row), "timers-%ld-cancel", timer_count);
    bench_report(row, bench_run_passes(pass_add_cancel, NULL), "ns");
    for (long i = 0; i < timer_count; i++)
        eddy_handle_cancel(timers[i]);

    snprintf(row, sizeof(row), "timers-%ld-expire", timer_count);
    bench_report(row, bench_run_few(pass_expire, NULL, timer_count), "ns");
    return 0;
}

int main(int argc, char *argv[]) {
    timer_count = bench_count(argc, argv, 1, 1000);
    timers = calloc((size_t)timer_count, sizeof(*timers));
    bench_require(timers ? 0 : -ENOMEM, "timers");

    int status = eddy_main(bench_main, NULL);
    free(timers);
    return status;
}
