/* SPDX-License-Identifier: MIT
 * probe.c - in which state is the host: the round trip of a cache line between two cores.
 *
 * On a virtual machine the hypervisor moves the processors; the same binary is then up to 1.5 times
 * slower for minutes. Figures compare only within one state. Two threads spin for some tens of
 * milliseconds.
 * usage: probe CPU CPU. Also says how the programs were compiled. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "bench.h"

#define ROUND_TRIPS 10000

static _Alignas(128) atomic_int ball;

static void run_on(long cpu) {
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET((size_t)cpu, &cpus);
    bench_require(sched_setaffinity(0, sizeof(cpus), &cpus) < 0 ? -errno : 0, "sched_setaffinity");
}

/* 0 is ours, 1 is the other's, 2 ends the game. */
static void *other_main(void *arg) {
    int seen;

    run_on(*(long *)arg);
    while ((seen = atomic_load_explicit(&ball, memory_order_acquire)) != 2)
        if (seen == 1)
            atomic_store_explicit(&ball, 0, memory_order_release);
    return NULL;
}

static double pass(void *arg) {
    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < ROUND_TRIPS; i++) {
        atomic_store_explicit(&ball, 1, memory_order_release);
        while (atomic_load_explicit(&ball, memory_order_acquire) == 1)
            ;
    }
    return (double)(bench_now_ns() - start_ns) / ROUND_TRIPS;
}

/* A CPU number may be 0, which bench_count() refuses; the driver knows that it is one. */
static long cpu_argument(int argc, char *argv[], int index, long otherwise) {
    long cpu = otherwise;

    if (index < argc && sscanf(argv[index], "%ld", &cpu) != 1)
        bench_require(-EINVAL, argv[index]);
    bench_require(cpu >= 0 && cpu < CPU_SETSIZE ? 0 : -EINVAL, "CPU");
    return cpu;
}

#ifdef __OPTIMIZE__
#define IS_OPTIMIZED "true"
#else
#define IS_OPTIMIZED "false"
#endif
#ifdef NDEBUG
#define HAS_ASSERTIONS "false"
#else
#define HAS_ASSERTIONS "true"
#endif
#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

int main(int argc, char *argv[]) {
    long ours = cpu_argument(argc, argv, 1, 0), theirs = cpu_argument(argc, argv, 2, 1);
    pthread_t other;

    printf("{\"row\": \"build\", \"compiler\": \"%s\", \"optimized\": %s, \"assertions\": %s}\n",
           COMPILER, IS_OPTIMIZED, HAS_ASSERTIONS);
    if (ours == theirs) {
        bench_skip("ping-pong", "there is one processor only");
        return 0;
    }

    run_on(ours);
    bench_require(-pthread_create(&other, NULL, other_main, &theirs), "pthread_create");
    bench_report("ping-pong", bench_run_passes(pass, NULL), "ns");
    atomic_store(&ball, 2);
    pthread_join(other, NULL);
    return 0;
}
