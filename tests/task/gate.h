/* SPDX-License-Identifier: MIT
 * gate.h - pools for tests, and jobs that tell when they have begun and end when they may. */
#ifndef TEST_TASK_GATE_H
#define TEST_TASK_GATE_H

#include <pthread.h>
#include <semaphore.h>

#include "virtual.h"

static inline eddy_executor *pool_with(eddy_executor_options options) {
    eddy_executor *pool;

    ASSERT_OK(eddy_executor_new(&options, &pool));
    return pool;
}

#define POOL(...) pool_with((eddy_executor_options){__VA_ARGS__})

/* A job that tells when it has begun, and ends when it may. */
struct gate {
    sem_t begun, may_end;
};

static inline void gate_open(struct gate *gate) {
    sem_init(&gate->begun, 0, 0);
    sem_init(&gate->may_end, 0, 0);
}

static inline void pass(sem_t *semaphore) {
    while (sem_wait(semaphore) < 0)
        continue;
}

static inline int waits_at_gate(void *arg) {
    struct gate *gate = arg;

    sem_post(&gate->begun);
    pass(&gate->may_end);
    return 7;
}

/* Keeps a thread of the pool busy. */
static inline eddy_future *block(eddy_executor *pool, struct gate *gate) {
    gate_open(gate);
    eddy_future *future = eddy_run_in_executor(pool, waits_at_gate, gate);
    pass(&gate->begun);
    return future;
}

static inline int counts(void *counter) {
    return ++*(int *)counter;
}

static inline int thread_name(void *name) {
    return pthread_getname_np(pthread_self(), name, 16);
}

static inline void turns(int count) {
    for (int i = 0; i < count; i++)
        ASSERT_OK(eddy_yield());
}

/* A task that counts in the pool. */
struct counting {
    eddy_executor *pool;
    int *counter;
};

static inline int counts_in_pool(void *arg) {
    const struct counting *counting = arg;

    return eddy_to_executor(counting->pool, counts, counting->counter);
}

#endif
