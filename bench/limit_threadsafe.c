/* SPDX-License-Identifier: MIT
 * limit_threadsafe.c - the limit of calls that another thread hands to a loop: bursts of 100,000.
 *
 * They are pushed on a stack without locks, taken all at once and turned round. The loop says when
 * it is about to sleep; only then a push writes to its eventfd.
 * Beside it: eddy_threadsafe.c. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench.h"

#define BURST 100000

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
static long ran;

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
    (void)arg;
    for (int pass = 0; pass <= BENCH_PASSES; pass++) {
        pthread_barrier_wait(&begin);
        for (long i = 0; i < BURST; i++) {
            items[i].fn = count_one;
            push(&items[i]);
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
    while (ran < BURST) {
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

int main(void) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    pthread_t thread;

    items = calloc(BURST, sizeof(*items));
    bench_require(items ? 0 : -ENOMEM, "items");
    wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    bench_require(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) < 0 ? -errno : 0, "epoll");
    pthread_barrier_init(&begin, NULL, 2);
    bench_require(-pthread_create(&thread, NULL, producer, NULL), "pthread_create");

    bench_report("threadsafe", bench_run_passes(pass, NULL), "ns");
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&begin);
    close(epoll_fd);
    close(wake_fd);
    free(items);
    return 0;
}
