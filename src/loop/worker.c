/* SPDX-License-Identifier: MIT
 * worker.c - threads that take jobs from one queue; done jobs come back through the loop's posts.
 */
#include "worker.h"

#include <errno.h>
#include <signal.h>

#include "loop.h"
#include "memory.h"

static void job_came_back(struct eddy__post *post) {
    struct eddy__job *job = container_of(post, struct eddy__job, post);

    job->loop->outside--;
    job->done(job);
}

static void job_run(struct eddy__job *job) {
    job->work(job);
    job->post.run = job_came_back;
    /* Cannot be refused: a loop is closed only after its workers are. */
    eddy__loop_post(job->loop, &job->post);
}

static void *worker_main(void *arg) {
    struct eddy__workers *pool = arg;
    struct list_node *node;

    eddy__thread.in_pool = true;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!(node = list_take_first(&pool->queue)) && !pool->stopping) {
            pool->idle++;
            pthread_cond_wait(&pool->has_work, &pool->lock);
            pool->idle--;
        }
        if (!node)
            break;
        pool->queued--;
        pthread_mutex_unlock(&pool->lock);
        job_run(container_of(node, struct eddy__job, node));
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Signals are for the threads of the user: a worker takes none. */
static int worker_start(struct eddy__workers *pool) {
    pthread_t *threads =
        eddy__realloc(pool->threads, (size_t)(pool->threads_count + 1) * sizeof(*threads));
    sigset_t all, former;
    int r;

    if (!threads)
        return -ENOMEM;
    pool->threads = threads;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    r = pthread_create(&pool->threads[pool->threads_count], NULL, worker_main, pool);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    if (r == 0)
        pool->threads_count++;
    return -r;
}

void eddy__workers_init(struct eddy__workers *pool, int threads_max) {
    *pool = (struct eddy__workers){.threads_max = threads_max};
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->has_work, NULL);
    list_init(&pool->queue);
}

void eddy__workers_deinit(struct eddy__workers *pool) {
    pthread_mutex_lock(&pool->lock);
    list_init(&pool->queue); /* whose waiters are gone with the loop */
    pool->stopping = true;
    pthread_cond_broadcast(&pool->has_work);
    pthread_mutex_unlock(&pool->lock);

    for (int i = 0; i < pool->threads_count; i++)
        pthread_join(pool->threads[i], NULL);
    eddy__free(pool->threads);
    pthread_cond_destroy(&pool->has_work);
    pthread_mutex_destroy(&pool->lock);
}

int eddy__workers_submit(struct eddy__workers *pool, struct eddy__job *job) {
    int r = 0;

    job->pool = pool;
    pthread_mutex_lock(&pool->lock);
    if (pool->queued >= pool->idle && pool->threads_count < pool->threads_max)
        r = worker_start(pool);
    if (r < 0 && pool->threads_count > 0)
        r = 0; /* those that run will come to it */
    if (r == 0) {
        list_append(&pool->queue, &job->node);
        pool->queued++;
        pthread_cond_signal(&pool->has_work);
    }
    pthread_mutex_unlock(&pool->lock);

    if (r == 0)
        job->loop->outside++;
    return r;
}

bool eddy__workers_cancel(struct eddy__workers *pool, struct eddy__job *job) {
    bool was_waiting;

    pthread_mutex_lock(&pool->lock);
    was_waiting = !list_is_empty(&job->node);
    list_remove(&job->node);
    pool->queued -= was_waiting;
    pthread_mutex_unlock(&pool->lock);

    if (was_waiting)
        job->loop->outside--;
    return was_waiting;
}
