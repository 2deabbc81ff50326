/* SPDX-License-Identifier: MIT
 * limit_executor.c - the limit of a job in a thread and its result back in the loop: a futex there,
 * an eventfd in an epoll set back.
 * usage: limit_executor [PROCESSORS], which is part of the row's name: the driver pins.
 * Beside it: eddy_executor.c. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define ROUND_TRIPS 2000

static atomic_uint submitted, completed;
static int (*job)(void *arg); /* NULL: the end */
static int wake_fd, epoll_fd;

static void wait_while(atomic_uint *word, unsigned value) {
    while (atomic_load(word) == value)
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void *worker(void *arg) {
    uint64_t one = 1;

    (void)arg;
    for (unsigned done = 0;; done++) {
        wait_while(&submitted, done);
        if (!job)
            return NULL;
        job(NULL);
        atomic_store(&completed, done + 1);
        bench_require(write(wake_fd, &one, sizeof(one)) < 0 ? -errno : 0, "eventfd");
    }
}

static void submit(int (*fn)(void *arg)) {
    job = fn;
    atomic_fetch_add(&submitted, 1);
    syscall(SYS_futex, &submitted, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static int do_nothing(void *arg) {
    (void)arg;
    return 0;
}

static double pass(void *arg) {
    struct epoll_event event;

    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < ROUND_TRIPS; i++) {
        submit(do_nothing);
        while (atomic_load(&completed) != atomic_load(&submitted))
            epoll_wait(epoll_fd, &event, 1, -1);
    }
    return (double)(bench_now_ns() - start_ns) / ROUND_TRIPS;
}

int main(int argc, char *argv[]) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    pthread_t thread;
    char row[64];

    wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    bench_require(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) < 0 ? -errno : 0, "epoll");
    bench_require(-pthread_create(&thread, NULL, worker, NULL), "pthread_create");

    snprintf(row, sizeof(row), "executor-%ld", bench_count(argc, argv, 1, 1));
    bench_report(row, bench_run_passes(pass, NULL), "ns");
    submit(NULL);
    pthread_join(thread, NULL);
    close(epoll_fd);
    close(wake_fd);
    return 0;
}
