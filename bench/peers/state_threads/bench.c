/* SPDX-License-Identifier: MIT
 * bench.c - what State Threads takes for the rows of the comparison: threads of its own, in C. */
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <st.h>
#include <stdlib.h>

#include "echo.h"
#include "peer.h"

#define YIELDS_PER_PASS  200000
#define SPAWNS_PER_PASS  20000
#define FAN_OUT          10000
#define FANOUTS_PER_PASS 2
#define STACK_BYTES      65536

/* --- yield --- */

static volatile long for_ever = LONG_MAX;

static __attribute__((noinline)) void yield_times(long yields) {
    for (long i = 0; i < yields; i++)
        st_usleep(0);
}

static void *work(void *arg) {
    yield_times(for_ever);
    return arg;
}

static double pass_yield(void *arg) {
    long count = *(long *)arg, yields = (YIELDS_PER_PASS + count - 1) / count;

    int64_t start_ns = bench_now_ns();
    yield_times(yields);
    return (double)(bench_now_ns() - start_ns) / ((double)yields * (double)count);
}

static void *thread_new(void *(*fn)(void *), int is_joinable) {
    st_thread_t thread = st_thread_create(fn, NULL, is_joinable, STACK_BYTES);

    bench_require(thread ? 0 : -errno, "st_thread_create");
    return thread;
}

static void measure_yield(long count) {
    for (long i = 1; i < count; i++)
        thread_new(work, 0);
    peer_report("yield", count, "", bench_run_passes(pass_yield, &count));
}

/* --- spawn --- */

static void *do_nothing(void *arg) {
    return arg;
}

static double pass_one_at_a_time(void *arg) {
    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < SPAWNS_PER_PASS; i++)
        st_thread_join(thread_new(do_nothing, 1), NULL);
    return (double)(bench_now_ns() - start_ns) / SPAWNS_PER_PASS;
}

static double pass_fan_out(void *arg) {
    static st_thread_t threads[FAN_OUT];

    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < FANOUTS_PER_PASS; i++) {
        for (int t = 0; t < FAN_OUT; t++)
            threads[t] = thread_new(do_nothing, 1);
        for (int t = 0; t < FAN_OUT; t++)
            st_thread_join(threads[t], NULL);
    }
    return (double)(bench_now_ns() - start_ns) / ((double)FANOUTS_PER_PASS * FAN_OUT);
}

static void measure_spawn(long count) {
    (void)count;
    bench_report("spawn-1", bench_run_passes(pass_one_at_a_time, NULL), "ns");
    bench_report("spawn-10000", bench_run_passes(pass_fan_out, NULL), "ns");
}

/* --- sleepers --- */

static long asleep_count, awake_count;
static double first_deadline; /* seconds from now */

static void *sleeper(void *arg) {
    asleep_count++;
    st_usleep((st_utime_t)((first_deadline + 0.1 * bench_random()) * 1e6));
    awake_count++;
    return arg;
}

static void measure_sleepers(long count) {
    char row[64];

    first_deadline = 1.5 + (double)count * 20e-6;
    bench_touch_memory((size_t)count * 8192);
    struct bench_memory before = bench_memory_used();
    int64_t start_ns = bench_now_ns();
    for (long i = 0; i < count; i++)
        thread_new(sleeper, 0);
    while (asleep_count < count)
        st_usleep(0);
    int64_t asleep_ns = bench_now_ns();
    snprintf(row, sizeof(row), "sleepers-%ld-memory", count);
    bench_report_memory(row, before, count);

    int64_t start_cpu_ns = bench_cpu_ns();
    while (awake_count < count)
        st_usleep(200000);
    peer_report("sleepers", count, "setup", (double)(asleep_ns - start_ns) / (double)count);
    peer_report("sleepers", count, "wake", (double)(bench_cpu_ns() - start_cpu_ns) / (double)count);
}

/* --- echo --- */

static void *serve_client(void *arg) {
    st_netfd_t client = arg;
    char *buffer = malloc(ECHO_BUFFER_BYTES);
    ssize_t bytes;
    int one = 1;

    setsockopt(st_netfd_fileno(client), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    while (buffer && (bytes = st_read(client, buffer, ECHO_BUFFER_BYTES, ST_UTIME_NO_TIMEOUT)) > 0)
        if (st_write(client, buffer, (size_t)bytes, ST_UTIME_NO_TIMEOUT) != bytes)
            break;
    free(buffer);
    st_netfd_close(client);
    return NULL;
}

static void serve_echo(long count) {
    int port;

    (void)count;
    st_netfd_t listener = st_netfd_open_socket(echo_listen(&port));
    bench_require(listener ? 0 : -errno, "listen");
    echo_announce(port);
    for (;;) {
        st_netfd_t client = st_accept(listener, NULL, NULL, ST_UTIME_NO_TIMEOUT);
        if (client)
            st_thread_create(serve_client, client, 0, STACK_BYTES);
    }
}

int main(int argc, char *argv[]) {
    static const struct peer_row rows[] = {
        {"yield", measure_yield},
        {"spawn", measure_spawn},
        {"sleepers", measure_sleepers},
        {"echo", serve_echo},
        {NULL, NULL},
    };

    echo_raise_descriptor_limit();
    if (st_set_eventsys(ST_EVENTSYS_ALT) < 0) /* epoll, where the package was built with it */
        st_set_eventsys(ST_EVENTSYS_POLL);
    bench_require(st_init() < 0 ? -errno : 0, "st_init");
    return peer_main(argc, argv, rows);
}
