/* SPDX-License-Identifier: MIT
 * limit_call_soon.c - the limit of call_soon: a ring of functions and their arguments, a thousand
 * pushed, then run. Beside it: eddy_call_soon.c. */
#include "bench.h"

#define BATCH   1000
#define BATCHES 2000

struct callback {
    void (*fn)(void *arg);
    void *arg;
};

static struct callback ring[1024];
static unsigned head, tail;

/* Through a pointer that the compiler does not see through. */
static void count_one(void *arg) {
    ++*(volatile long *)arg;
}
static void (*volatile callback)(void *arg) = count_one;

static double pass(void *arg) {
    volatile long count = 0;

    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (int batch = 0; batch < BATCHES; batch++) {
        for (int i = 0; i < BATCH; i++)
            ring[tail++ % 1024] = (struct callback){callback, (void *)&count};
        while (head != tail) {
            struct callback next = ring[head++ % 1024];
            next.fn(next.arg);
        }
    }
    return (double)(bench_now_ns() - start_ns) / ((double)BATCH * BATCHES);
}

int main(void) {
    bench_report("call_soon", bench_run_passes(pass, NULL), "ns");
    return 0;
}
