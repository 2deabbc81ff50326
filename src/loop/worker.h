/* SPDX-License-Identifier: MIT
 * worker.h - a pool of threads for what blocks.
 *
 * Threads start when jobs wait and none is free, up to a limit. A thread is free before it tells of
 * its last job's end, so that the next job finds it on its way: then nobody is woken. A job is a
 * struct of its owner, as a timer and an operation are: submitting allocates nothing (starting a
 * thread may fail; with one running, that is no error). */
#ifndef EDDY__WORKER_H
#define EDDY__WORKER_H

#include <pthread.h>

#include "list.h"
#include "wakeup.h"

struct eddy__job {
    struct eddy__post post; /* how it comes back to its loop */
    struct list_node node;  /* in pool->queue while it waits */
    struct eddy__workers *pool;
    eddy_loop *loop;                     /* where done() is called */
    void (*work)(struct eddy__job *job); /* in the pool's thread */
    void (*done)(struct eddy__job *job); /* on the loop's stack; the job may be freed in it */
};

struct eddy__workers {
    pthread_mutex_t lock; /* nobody is woken while it is held */
    struct list_node queue;
    pthread_t *threads;
    int threads_count, threads_max;
    int64_t spin_ns;      /* how long a thread looks for a job before it goes to sleep */
    _Atomic int queued;   /* written under the lock */
    int free;             /* threads without a job: asleep, woken, or on their way to the queue */
    int asleep;           /* of these, whom nobody has woken yet */
    _Atomic unsigned due; /* of these, who may get up: the futex; written under the lock */
    atomic_bool stopping; /* written under the lock */
};

void eddy__workers_init(struct eddy__workers *pool, int threads_max, int64_t spin_ns);

/* Waits for the jobs that run, drops those that have not started, joins the threads. */
void eddy__workers_deinit(struct eddy__workers *pool);

/* Returns 0; -EAGAIN or -ENOMEM when no thread could be started. job->loop and the two functions
 * are set by the caller. */
int eddy__workers_submit(struct eddy__workers *pool, struct eddy__job *job);

/* True: it had not started, will not run, and done() is not called. False: done() will be. */
bool eddy__workers_cancel(struct eddy__workers *pool, struct eddy__job *job);

#endif
