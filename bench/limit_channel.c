/* SPDX-License-Identifier: MIT
 * limit_channel.c - the limit of items between two threads: there and back one at a time, and
 * 100,000 through 128 places.
 *
 * A circle that one thread fills and one empties, without a lock; who finds it full or empty says
 * so and sleeps on a futex. One sender, one receiver, no cancel, no loop that could do something
 * else meanwhile. Beside it: eddy_channel.c. */
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define CAPACITY    128u
#define ROUND_TRIPS 500
#define BURST       100000

/* A count that one thread raises and the other may wait for. */
struct count {
    _Alignas(64) atomic_uint value;
    atomic_bool is_waited_for;
};

struct circle {
    struct count sent, received;
    _Alignas(64) long items[CAPACITY];
};

static struct circle there, back;

static void count_raise(struct count *count) {
    atomic_fetch_add(&count->value, 1);
    if (atomic_load(&count->is_waited_for) && atomic_exchange(&count->is_waited_for, false))
        syscall(SYS_futex, &count->value, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Until it is no longer `value`. */
static void count_wait(struct count *count, unsigned value) {
    while (atomic_load(&count->value) == value) {
        atomic_exchange(&count->is_waited_for, true);
        syscall(SYS_futex, &count->value, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
    }
}

static void send_item(struct circle *circle, long item) {
    unsigned sent = atomic_load_explicit(&circle->sent.value, memory_order_relaxed);

    count_wait(&circle->received, sent - CAPACITY);
    circle->items[sent % CAPACITY] = item;
    count_raise(&circle->sent);
}

static long receive_item(struct circle *circle) {
    unsigned received = atomic_load_explicit(&circle->received.value, memory_order_relaxed);
    long item;

    count_wait(&circle->sent, received);
    item = circle->items[received % CAPACITY];
    count_raise(&circle->received);
    return item;
}

/* Sends as many items as it was asked for; 0: the end. */
static void *answerer(void *arg) {
    long asked;

    while ((asked = receive_item(&there)))
        for (long i = 0; i < asked; i++)
            send_item(&back, i);
    return arg;
}

static void ask(long count) {
    send_item(&there, count);
    for (long i = 0; i < count; i++)
        receive_item(&back);
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

int main(void) {
    pthread_t thread;

    bench_require(-pthread_create(&thread, NULL, answerer, NULL), "pthread_create");
    bench_report("channel-trip", bench_run_passes(trips, NULL), "ns");
    bench_report("channel-items", bench_run_passes(items, NULL), "ns");
    send_item(&there, 0);
    pthread_join(thread, NULL);
    return 0;
}
