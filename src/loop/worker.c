/* SPDX-License-Identifier: MIT
 * worker.c - threads that take jobs from one queue; done jobs come back through the loop's posts.
 *
 * Jobs and loop exchange two wake-ups a job at most: a futex one way, the loop's doorbell the
 * other.
 */
#include "worker.h"

#include <errno.h>
#include <signal.h>

#include "loop.h"
#include "memory.h"
#include "os.h"

static void job_came_back(struct eddy__post *post) {
    struct eddy__job *job = container_of(post, struct eddy__job, post);

    job->loop->outside--;
    job->done(job);
}

/* A look at the clock is all the pause there is between two looks at the queue. */
static void worker_spin(struct eddy__workers *pool) {
    int64_t end_ns = ns_add(eddy__os_now(), pool->spin_ns);

    while (atomic_load_explicit(&pool->queued, memory_order_relaxed) == 0 &&
           !atomic_load_explicit(&pool->stopping, memory_order_relaxed) && eddy__os_now() < end_ns)
        continue;
}

/* Under the lock, which it gives up meanwhile. */
static void worker_sleep(struct eddy__workers *pool) {
    pool->asleep++;
    while (pool->due == 0) {
        pthread_mutex_unlock(&pool->lock);
        eddy__os_futex_wait(&pool->due, 0);
        pthread_mutex_lock(&pool->lock);
    }
    pool->due--;
}

/* The next job; NULL when the pool stops. */
static struct eddy__job *worker_take(struct eddy__workers *pool) {
    struct list_node *node;

    if (pool->spin_ns > 0)
        worker_spin(pool);
    pthread_mutex_lock(&pool->lock);
    while (!(node = list_take_first(&pool->queue)) && !pool->stopping)
        worker_sleep(pool);
    if (node) {
        pool->queued--;
        pool->free--;
    }
    pthread_mutex_unlock(&pool->lock);
    return node ? container_of(node, struct eddy__job, node) : NULL;
}

/* A thread is born free, and is free again before its job comes back: the loop may have the next
 * one ready before this thread has gone to sleep. */
static void *worker_main(void *arg) {
    struct eddy__workers *pool = arg;
    struct eddy__job *job;

    eddy__thread.in_pool = true;
    while ((job = worker_take(pool))) {
        job->work(job);
        job->post.run = job_came_back;
        pthread_mutex_lock(&pool->lock);
        pool->free++;
        pthread_mutex_unlock(&pool->lock);
        /* Cannot be refused: a loop is closed only after its workers are. */
        eddy__loop_post(job->loop, &job->post);
    }
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
    if (r == 0) {
        pool->threads_count++;
        pool->free++;
    }
    return -r;
}

void eddy__workers_init(struct eddy__workers *pool, int threads_max, int64_t spin_ns) {
    *pool = (struct eddy__workers){.threads_max = threads_max, .spin_ns = spin_ns};
    pthread_mutex_init(&pool->lock, NULL);
    list_init(&pool->queue);
}

void eddy__workers_deinit(struct eddy__workers *pool) {
    pthread_mutex_lock(&pool->lock);
    list_init(&pool->queue); /* whose waiters are gone with the loop */
    pool->stopping = true;
    pool->due += (unsigned)pool->threads_count;
    pthread_mutex_unlock(&pool->lock);
    eddy__os_futex_wake(&pool->due, pool->threads_count);

    for (int i = 0; i < pool->threads_count; i++)
        pthread_join(pool->threads[i], NULL);
    eddy__free(pool->threads);
    pthread_mutex_destroy(&pool->lock);
}

/* Under the lock: a sleeper is needed when fewer threads are on their way than jobs wait. */
static bool workers_rouse(struct eddy__workers *pool) {
    if (pool->asleep == 0 || pool->queued <= pool->free - pool->asleep)
        return false;
    pool->asleep--;
    pool->due++;
    return true;
}

int eddy__workers_submit(struct eddy__workers *pool, struct eddy__job *job) {
    bool must_wake = false;
    int r = 0;

    job->pool = pool;
    pthread_mutex_lock(&pool->lock);
    if (pool->queued >= pool->free && pool->threads_count < pool->threads_max)
        r = worker_start(pool);
    if (r < 0 && pool->threads_count > 0)
        r = 0; /* those that run will come to it */
    if (r == 0) {
        list_append(&pool->queue, &job->node);
        pool->queued++;
        must_wake = workers_rouse(pool);
    }
    pthread_mutex_unlock(&pool->lock);

    if (must_wake)
        eddy__os_futex_wake(&pool->due, 1);
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
