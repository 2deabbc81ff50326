/* SPDX-License-Identifier: MIT
 * limit_futures.c - the limit of many time-outs awaited at once without a task for each: a node in
 * a timing wheel, a pointer to it, and a count of those that are left.
 * usage: limit_futures [FUTURES]. Beside it: eddy_futures.c. */
#include <errno.h>

#include "bench.h"
#include "limit_wheel.h"

#define DEADLINE_TICKS 1000
#define RANGE_TICKS    100

static struct limit_wheel wheel;
static long left;

static void complete(void *arg) {
    (void)arg;
    left--;
}

int main(int argc, char *argv[]) {
    long count = bench_count(argc, argv, 1, 1000000);

    bench_touch_memory((size_t)count * 128);
    struct bench_memory before = bench_memory_used();
    int64_t start_ns = bench_cpu_ns();
    struct limit_timer *timers = malloc((size_t)count * sizeof(*timers));
    struct limit_timer **waited = malloc((size_t)count * sizeof(*waited));
    bench_require(timers && waited ? 0 : -ENOMEM, "futures");

    for (left = 0; left < count; left++) {
        struct limit_timer *timer = waited[left] = &timers[left];
        timer->deadline = wheel.now + DEADLINE_TICKS + (uint64_t)(bench_random() * RANGE_TICKS);
        timer->fn = complete;
        limit_wheel_add(&wheel, timer);
    }
    int64_t waiting_ns = bench_cpu_ns();
    bench_report_memory("futures-memory", before, count);
    start_ns += bench_cpu_ns() - waiting_ns; /* what looking cost */

    limit_wheel_expire_all(&wheel);
    bench_require(left == 0 ? 0 : -EINVAL, "every future completes");
    bench_report("futures-cpu", (double)(bench_cpu_ns() - start_ns) / (double)count, "ns");
    free(waited);
    free(timers);
    return 0;
}
