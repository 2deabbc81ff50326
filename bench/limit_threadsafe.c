/* SPDX-License-Identifier: MIT
 * limit_threadsafe.c - the limit of calls that so many other threads (1, without argument) hand
 * to a loop: bursts of 100,000.
 *
 * They are pushed on a stack without locks, taken all at once and turned round. The loop says when
 * it is about to sleep; only then a push writes to its eventfd.
 * Beside it: eddy_threadsafe.c. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench.h"

#define BURST        100000
#define MOST_THREADS 16

struct item {
    struct item *next;
    void (*fn)(void *arg);
    void *arg;
};

static struct item *items;
static _Atomic(struct item *) top;
static atomic_bool is_asleep;
static int wake_fd, epoll_fd;
static pthread_barrier_t begin;
static long ran, threads = 1, burst; /* of each thread */

static void count_one(void *arg) {
    (void)arg;
    ran++;
}

static void push(struct item *item) {
    item->next = atomic_load_explicit(&top, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&top, &item->next, item))
        ;
    if (atomic_load(&is_asleep) && atomic_exchange(&is_asleep, false)) {
        uint64_t one = 1;
        bench_require(write(wake_fd, &one, sizeof(one)) < 0 ? -errno : 0, "eventfd");
    }
}

static void *producer(void *arg) {
    struct item *mine = arg;

    for (int pass = 0; pass <= BENCH_PASSES; pass++) {
        pthread_barrier_wait(&begin);
        for (long i = 0; i < burst; i++) {
            mine[i].fn = count_one;
            push(&mine[i]);
        }
    }
    return NULL;
}

static struct item *in_order(struct item *item) {
    struct item *first = NULL;

    while (item) {
        struct item *next = item->next;
        item->next = first;
        first = item;
        item = next;
    }
    return first;
}

static void wait_for_items(void) {
    struct epoll_event event;

    atomic_store(&is_asleep, true);
    if (!atomic_load(&top))
        epoll_wait(epoll_fd, &event, 1, -1);
    atomic_store(&is_asleep, false);
}

static double pass(void *arg) {
    (void)arg;
    ran = 0;
    pthread_barrier_wait(&begin);
    int64_t start_ns = bench_now_ns();
    while (ran < burst * threads) {
        struct item *item = in_order(atomic_exchange(&top, NULL));
        if (!item)
            wait_for_items();
        for (struct item *next; item; item = next) {
            next = item->next; /* once it has run, it may be pushed again */
            item->fn(item->arg);
        }
    }
    return (double)(bench_now_ns() - start_ns) / BURST;
}

int main(int argc, char **argv) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    pthread_t ids[MOST_THREADS];
    char row[32] = "threadsafe";

    if (argc > 1)
        threads = strtol(argv[1], NULL, 10);
    bench_require(threads >= 1 && threads <= MOST_THREADS ? 0 : -EINVAL, "threads");
    if (threads > 1)
        snprintf(row, sizeof(row), "threadsafe-%ld", threads);
    burst = BURST / threads;
    items = calloc(BURST, sizeof(*items));
    bench_require(items ? 0 : -ENOMEM, "items");
    wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    bench_require(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) < 0 ? -errno : 0, "epoll");
    pthread_barrier_init(&begin, NULL, (unsigned)threads + 1);
    for (long i = 0; i < threads; i++)
        bench_require(-pthread_create(&ids[i], NULL, producer, items + i * burst), "pthread");

    bench_report(row, bench_run_passes(pass, NULL), "ns");
    for (long i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    pthread_barrier_destroy(&begin);
    close(epoll_fd);
    close(wake_fd);
    free(items);
    return 0;
}
