/* SPDX-License-Identifier: MIT
 * worker.h - a pool of threads for what blocks: an eddy_executor from the inside.
 *
 * Threads start when jobs wait and none is free, up to a limit. A thread is free before it tells of
 * its last job's end, so that the next job finds it on its way: then nobody is woken. A job is a
 * struct of its owner, as a timer and an operation are: submitting allocates nothing (starting a
 * thread may fail; with one running, that is no error).
 *
 * A pool belongs to no loop. A job may: then it comes back there, and a loop that is closed first
 * withdraws its jobs and waits for those that work.
 *
 *   submit -> waits -> works -> done();   withdraw: it waited, and done() is not called
 *   shut down at once: waits -> done(), with was_dropped */
#ifndef EDDY__WORKER_H
#define EDDY__WORKER_H

#include <pthread.h>

#include <eddy/executor.h>

#include "list.h"
#include "wakeup.h"

struct eddy__job {
    struct list_node node;               /* in executor->queue while it waits; under the lock */
    eddy_executor *executor;             /* whom it was given to; the owner keeps it alive */
    void (*work)(struct eddy__job *job); /* in the pool's thread */
    /* On the loop's stack; without a loop where it worked, or where the pool is shut down. The job
     * may be freed in it. */
    void (*done)(struct eddy__job *job);
    eddy_loop *loop;          /* it comes back there; a reference while it is away. NULL: nowhere */
    struct list_node of_loop; /* in loop->jobs while it is away */
    struct eddy__post post;   /* how it comes back */
    bool was_dropped;         /* it never worked: the pool was shut down first */
    bool is_limited;          /* it may be refused when too many wait */
};

/* Who waits for a pool's last job. */
struct eddy__executor_end {
    struct list_node node;  /* in executor->ends until it is told */
    struct eddy__post post; /* to `loop`; run() is the waiter's */
    eddy_loop *loop;        /* a reference until then */
};

#define EXECUTOR_NAME_BYTES 12 /* and a number: a thread's name is 15 bytes long */

struct eddy_executor {
    pthread_mutex_t lock; /* nobody is woken while it is held, but at the end */
    struct list_node queue;
    pthread_t *threads;
    int threads_count, threads_max;
    int queue_max;         /* 0: no limit */
    int64_t spin_ns;       /* how long a thread looks for a job before it goes to sleep */
    _Atomic int queued;    /* written under the lock */
    int free;              /* threads without a job: asleep, woken, or on their way to the queue */
    int asleep;            /* of these, whom nobody has woken yet */
    _Atomic unsigned due;  /* of these, who may get up: the futex; written under the lock */
    atomic_bool stopping;  /* written under the lock */
    struct list_node ends; /* of struct eddy__executor_end */
    atomic_int named;      /* threads that have a name */
    atomic_int refs;       /* keep the memory */
    unsigned fork_generation;
    char name[EXECUTOR_NAME_BYTES];
};

/* A pool with one reference, and no thread yet. Returns 0 or -ENOMEM. */
int eddy__executor_new(const eddy_executor_options *options, eddy_executor **out);

/* Any thread. The last reference goes only after a join. */
eddy_executor *eddy__executor_ref(eddy_executor *executor);
void eddy__executor_unref(eddy_executor *executor);

/* 0, or EDDY_EFORKED with a sentence: it was made before a fork(). */
int eddy__executor_check(const eddy_executor *executor);

/* Any thread; for a job with a loop that loop's. Returns 0; or with a sentence EDDY_ESHUTDOWN;
 * EDDY_EFORKED; -EAGAIN when too many wait; -EAGAIN or -ENOMEM when no thread could be started. */
int eddy__executor_submit(eddy_executor *executor, struct eddy__job *job);

/* True: it waited, will not work, and done() is not called. False: done() has been or will be. Any
 * thread; for a job with a loop that loop's. */
bool eddy__executor_withdraw(struct eddy__job *job);

/* As eddy_executor_shutdown(). */
void eddy__executor_shutdown(eddy_executor *executor, bool immediate);

/* Has end->post posted to end->loop once the pool is shut down and no job is left. False: that is
 * so already. */
bool eddy__executor_await_end(eddy_executor *executor, struct eddy__executor_end *end);

/* Waits no more; harmless when it was told. */
void eddy__executor_forget_end(eddy_executor *executor, struct eddy__executor_end *end);

/* After a shutdown: blocks until the jobs have run and the threads have ended. Once. */
void eddy__executor_join(eddy_executor *executor);

/* --- of a loop -------------------------------------------------------------------------------- */

/* Its default pool, borrowed; makes it. Returns 0, or with a sentence -ENOMEM; EDDY_ESHUTDOWN. */
int eddy__loop_executor(eddy_loop *loop, eddy_executor **out);

/* The loop takes no posts any more. Its jobs end: those that wait never work, those that work are
 * waited for; so is all that its own pool has. */
void eddy__loop_end_jobs(eddy_loop *loop);

#endif
