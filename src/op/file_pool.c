/* SPDX-License-Identifier: MIT
 * file_pool.c - the pool of those who wait for disks, and jobs that may be left behind. */
#include "file_pool.h"

#include <errno.h>
#include <pthread.h>

#include "loop.h"
#include "util.h"

void (*eddy__file_pool_hook)(void);

/* --- the pool ----------------------------------------------------------------------------------
 */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic(eddy_executor *) pool; /* for good: a process that ends does not wait for disks */

/* The child has none of the threads. The pool's memory is its own, and nobody's any more. */
static void pool_forked(void) {
    eddy__executor_unref(atomic_exchange(&pool, NULL));
    pthread_mutex_init(&lock, NULL);
}

static void pool_prepare(void) {
    pthread_atfork(NULL, NULL, pool_forked);
}

static eddy_executor *pool_open(void) {
    const eddy_executor_options options = {.threads = FILE_THREADS_MAX, .name = "eddy files"};
    eddy_executor *executor;

    pthread_once(&once, pool_prepare);
    pthread_mutex_lock(&lock);
    executor = atomic_load(&pool);
    if (!executor && eddy__executor_new(&options, &executor) == 0)
        atomic_store(&pool, executor);
    pthread_mutex_unlock(&lock);
    return executor;
}

eddy_executor *eddy__file_pool(void) {
    eddy_executor *executor = atomic_load_explicit(&pool, memory_order_acquire);

    return likely(executor) ? executor : pool_open();
}

/* --- jobs --------------------------------------------------------------------------------------
 */

static void job_free(struct eddy__file_job *job) {
    eddy_loop *loop = job->loop;

    job->free(job);
    eddy_loop_unref(loop);
}

/* On the loop's stack. */
static void job_came_back(struct eddy__post *post) {
    struct eddy__file_job *job = container_of(post, struct eddy__file_job, post);

    if (job->is_abandoned) {
        job_free(job);
        return;
    }
    job->loop->outside--;
    eddy_loop_unref(job->loop); /* it runs */
    job->done(job);
}

static void job_work(struct eddy__job *of_pool) {
    struct eddy__file_job *job = container_of(of_pool, struct eddy__file_job, job);

    eddy__file_pool_enter();
    job->work(job);
}

/* In the pool's thread. Once posted, the job may be gone, and its reference to the loop with it,
 * while the post still has to wake that loop. */
static void job_worked(struct eddy__job *of_pool) {
    struct eddy__file_job *job = container_of(of_pool, struct eddy__file_job, job);
    eddy_loop *loop = eddy_loop_ref(job->loop);

    if (eddy__loop_post(loop, &job->post) < 0)
        job_free(job);
    eddy_loop_unref(loop);
}

int eddy__file_job_submit(eddy_loop *loop, struct eddy__file_job *job) {
    eddy_executor *executor = eddy__file_pool();
    int r;

    if (!executor)
        return eddy__fail(-ENOMEM);
    job->job = (struct eddy__job){.work = job_work, .done = job_worked};
    job->post.run = job_came_back;
    job->is_abandoned = false;
    job->loop = eddy_loop_ref(loop);
    loop->outside++;
    r = eddy__executor_submit(executor, &job->job);
    if (r < 0) {
        loop->outside--;
        eddy_loop_unref(loop);
    }
    return r;
}

void eddy__file_job_abandon(struct eddy__file_job *job) {
    job->loop->outside--;
    job->is_abandoned = true;
    if (!job->is_due && eddy__executor_withdraw(&job->job))
        job_free(job);
}
