/* SPDX-License-Identifier: MIT
 * worker.c - threads that take jobs from one queue; done jobs come back through the loop's posts.
 *
 * Jobs and loop exchange two wake-ups a job at most: a futex one way, the loop's doorbell the
 * other.
 */
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "loop.h"
#include "memory.h"
#include "os.h"
#include "processors.h"

/* --- a job ends ------------------------------------------------------------------------------- */

/* On its loop's thread. */
static void job_arrive(struct eddy__job *job) {
    job->loop->outside--;
    list_remove(&job->of_loop);
}

static void job_came_back(struct eddy__post *post) {
    struct eddy__job *job = container_of(post, struct eddy__job, post);

    job_arrive(job);
    job->done(job);
}

/* A loop that takes no posts is being closed, and waits for its jobs: it only has to be told of
 * their number. The reference is for the end of the push, which the job need not wait for. */
static void job_end(struct eddy__job *job) {
    eddy_loop *loop = job->loop;

    if (!loop) {
        job->done(job);
        return;
    }
    job->post.run = job_came_back;
    if (eddy__loop_post(loop, &job->post) < 0) {
        atomic_fetch_add(&loop->jobs_refused, 1);
        eddy__os_futex_wake(&loop->jobs_refused, 1);
    }
    eddy_loop_unref(loop);
}

/* --- the end of a pool, under its lock -------------------------------------------------------- */

static bool executor_has_ended(const eddy_executor *executor) {
    return executor->stopping && executor->queued == 0 && executor->free == executor->threads_count;
}

/* Whoever is told, or leaves, knows by the lock that nobody will touch the struct but the post that
 * it has become. */
static void executor_tell_end(eddy_executor *executor) {
    struct list_node *node;

    if (!executor_has_ended(executor))
        return;
    while ((node = list_take_first(&executor->ends))) {
        struct eddy__executor_end *end = container_of(node, struct eddy__executor_end, node);
        eddy_loop *loop = end->loop;
        eddy__loop_post(loop, &end->post); /* refused by a loop that is closed over who waits */
        eddy_loop_unref(loop);
    }
}

/* --- a thread --------------------------------------------------------------------------------- */

/* A look at the clock is all the pause there is between two looks at the queue. */
static void worker_spin(eddy_executor *executor) {
    int64_t end_ns = ns_add(eddy__os_now(), executor->spin_ns);

    while (atomic_load_explicit(&executor->queued, memory_order_relaxed) == 0 &&
           !atomic_load_explicit(&executor->stopping, memory_order_relaxed) &&
           eddy__os_now() < end_ns)
        continue;
}

/* Under the lock, which it gives up meanwhile. */
static void worker_sleep(eddy_executor *executor) {
    executor->asleep++;
    while (executor->due == 0) {
        pthread_mutex_unlock(&executor->lock);
        eddy__os_futex_wait(&executor->due, 0);
        pthread_mutex_lock(&executor->lock);
    }
    executor->due--;
}

/* The next job; NULL when the pool stops. */
static struct eddy__job *worker_take(eddy_executor *executor) {
    struct list_node *node;

    if (executor->spin_ns > 0)
        worker_spin(executor);
    pthread_mutex_lock(&executor->lock);
    while (!(node = list_take_first(&executor->queue)) && !executor->stopping)
        worker_sleep(executor);
    if (node) {
        executor->queued--;
        executor->free--;
    }
    pthread_mutex_unlock(&executor->lock);
    return node ? container_of(node, struct eddy__job, node) : NULL;
}

static void worker_take_name(eddy_executor *executor) {
    char name[16];

    snprintf(name, sizeof(name), "%s %d", executor->name, atomic_fetch_add(&executor->named, 1));
    pthread_setname_np(pthread_self(), name);
}

/* A thread is born free, and is free again before its job comes back: the loop may have the next
 * one ready before this thread has gone to sleep. */
static void *worker_main(void *arg) {
    eddy_executor *executor = arg;
    struct eddy__job *job;

    eddy__thread.in_pool = true;
    worker_take_name(executor);
    while ((job = worker_take(executor))) {
        job->work(job);
        pthread_mutex_lock(&executor->lock);
        executor->free++;
        executor_tell_end(executor);
        pthread_mutex_unlock(&executor->lock);
        job_end(job);
    }
    return NULL;
}

/* Signals are for the threads of the user: a worker takes none. */
static int worker_start(eddy_executor *executor) {
    size_t count = (size_t)executor->threads_count;
    pthread_t *threads = eddy__realloc(executor->threads, (count + 1) * sizeof(*threads));
    sigset_t all, former;
    int r;

    if (!threads)
        return -ENOMEM;
    executor->threads = threads;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    r = pthread_create(&threads[count], NULL, worker_main, executor);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    if (r == 0) {
        executor->threads_count++;
        executor->free++;
    }
    return -r;
}

/* --- giving it jobs --------------------------------------------------------------------------- */

/* Under the lock: a sleeper is needed when fewer threads are on their way than jobs wait. */
static bool executor_rouse(eddy_executor *executor) {
    if (executor->asleep == 0 || executor->queued <= executor->free - executor->asleep)
        return false;
    executor->asleep--;
    executor->due++;
    return true;
}

/* Jobs that wait although every thread that is free has one. */
static bool executor_is_full(const eddy_executor *executor) {
    return executor->queue_max > 0 && executor->queued - executor->free >= executor->queue_max;
}

/* Under the lock. The sentence is found outside of it. */
static int executor_accept(eddy_executor *executor, struct eddy__job *job, const char **why) {
    int r = 0;

    *why = "this executor is shut down: it takes no more jobs";
    if (executor->stopping)
        return EDDY_ESHUTDOWN;
    *why = "cannot start a thread for the job";
    if (executor->queued >= executor->free && executor->threads_count < executor->threads_max)
        r = worker_start(executor);
    if (r < 0 && executor->threads_count == 0)
        return r; /* else those that run will come to it */
    *why = "too many jobs wait for a thread of this executor";
    if (job->is_limited && executor_is_full(executor))
        return -EAGAIN;
    list_append(&executor->queue, &job->node);
    executor->queued++;
    return 0;
}

/* The loop's own thread has it in sight until it comes back. */
static void job_leave(struct eddy__job *job) {
    eddy_loop_ref(job->loop);
    job->loop->outside++;
    list_append(&job->loop->jobs, &job->of_loop);
}

static void job_stay(struct eddy__job *job) {
    job_arrive(job);
    eddy_loop_unref(job->loop);
}

int eddy__executor_check(const eddy_executor *executor) {
    if (likely(executor->fork_generation == eddy__fork_generation))
        return 0;
    return eddy_raise(EDDY_EFORKED,
                      "this executor was made before fork(): its threads are the parent's");
}

int eddy__executor_submit(eddy_executor *executor, struct eddy__job *job) {
    bool must_wake = false;
    const char *why;
    int r = eddy__executor_check(executor);

    if (r < 0)
        return r;
    job->executor = executor;
    job->was_dropped = false;
    list_init(&job->node);
    if (job->loop)
        job_leave(job);

    pthread_mutex_lock(&executor->lock);
    r = executor_accept(executor, job, &why);
    if (r == 0)
        must_wake = executor_rouse(executor);
    pthread_mutex_unlock(&executor->lock);

    if (must_wake)
        eddy__os_futex_wake(&executor->due, 1);
    if (r < 0 && job->loop)
        job_stay(job);
    return r < 0 ? eddy_raise(r, "%s", why) : 0;
}

bool eddy__executor_withdraw(struct eddy__job *job) {
    eddy_executor *executor = job->executor;
    bool was_waiting;

    pthread_mutex_lock(&executor->lock);
    was_waiting = !list_is_empty(&job->node);
    list_remove(&job->node);
    executor->queued -= was_waiting;
    executor_tell_end(executor);
    pthread_mutex_unlock(&executor->lock);

    if (was_waiting && job->loop)
        job_stay(job);
    return was_waiting;
}

/* --- its life --------------------------------------------------------------------------------- */

static int threads_default(void) {
    return MIN(eddy__processors() + 4, 32);
}

int eddy__executor_new(const eddy_executor_options *options, eddy_executor **out) {
    eddy_executor *executor = eddy__zalloc(sizeof(*executor));

    if (!executor)
        return -ENOMEM;
    pthread_mutex_init(&executor->lock, NULL);
    list_init(&executor->queue);
    list_init(&executor->ends);
    atomic_init(&executor->refs, 1);
    executor->threads_max = options->threads > 0 ? options->threads : threads_default();
    executor->queue_max = options->queue_max;
    executor->spin_ns = ns_from_seconds(options->spin_seconds);
    executor->fork_generation = eddy__fork_generation;
    snprintf(executor->name, sizeof(executor->name), "%s",
             options->name ? options->name : "eddy pool");
    *out = executor;
    return 0;
}

eddy_executor *eddy__executor_ref(eddy_executor *executor) {
    atomic_fetch_add_explicit(&executor->refs, 1, memory_order_relaxed);
    return executor;
}

void eddy__executor_unref(eddy_executor *executor) {
    if (!executor || atomic_fetch_sub_explicit(&executor->refs, 1, memory_order_acq_rel) > 1)
        return;
    pthread_mutex_destroy(&executor->lock);
    eddy__free(executor->threads);
    eddy__free(executor);
}

/* Under the lock. All that wait, linked by their posts, as none of them is in a queue any more: who
 * withdraws one now comes too late. */
static struct eddy__post *executor_empty(eddy_executor *executor) {
    struct eddy__post *first = NULL, **last = &first;
    struct list_node *node;

    while ((node = list_take_first(&executor->queue))) {
        *last = &container_of(node, struct eddy__job, node)->post;
        last = &(*last)->next;
    }
    *last = NULL;
    executor->queued = 0;
    return first;
}

static void jobs_drop(struct eddy__post *first) {
    while (first) {
        struct eddy__job *job = container_of(first, struct eddy__job, post);
        first = first->next;
        job->was_dropped = true;
        job_end(job);
    }
}

void eddy__executor_shutdown(eddy_executor *executor, bool immediate) {
    struct eddy__post *dropped = NULL;
    int threads;

    pthread_mutex_lock(&executor->lock);
    threads = executor->threads_count;
    executor->stopping = true;
    executor->due += (unsigned)threads;
    if (immediate)
        dropped = executor_empty(executor);
    executor_tell_end(executor);
    pthread_mutex_unlock(&executor->lock);

    eddy__os_futex_wake(&executor->due, threads);
    jobs_drop(dropped);
}

bool eddy__executor_await_end(eddy_executor *executor, struct eddy__executor_end *end) {
    bool has_ended;

    pthread_mutex_lock(&executor->lock);
    has_ended = executor_has_ended(executor);
    if (has_ended) {
        list_init(&end->node);
    } else {
        eddy_loop_ref(end->loop);
        list_append(&executor->ends, &end->node);
    }
    pthread_mutex_unlock(&executor->lock);
    return !has_ended;
}

void eddy__executor_forget_end(eddy_executor *executor, struct eddy__executor_end *end) {
    bool was_waiting;

    pthread_mutex_lock(&executor->lock);
    was_waiting = !list_is_empty(&end->node);
    list_remove(&end->node);
    pthread_mutex_unlock(&executor->lock);
    if (was_waiting)
        eddy_loop_unref(end->loop);
}

void eddy__executor_join(eddy_executor *executor) {
    for (int i = 0; i < executor->threads_count; i++)
        pthread_join(executor->threads[i], NULL);
}

/* --- of a loop -------------------------------------------------------------------------------- */

static int loop_make_executor(eddy_loop *loop) {
    const eddy_executor_options options = {.threads = loop->options.executor_threads,
                                           .spin_seconds = loop->options.executor_spin_seconds};

    return eddy__executor_new(&options, &loop->own_executor);
}

int eddy__loop_executor(eddy_loop *loop, eddy_executor **out) {
    if (unlikely(loop->executor_is_shut))
        return eddy_raise(EDDY_ESHUTDOWN, "the default executor of this loop is shut down");
    if (unlikely(!loop->executor && !loop->own_executor) && loop_make_executor(loop) < 0)
        return eddy__fail(-ENOMEM);
    *out = loop->executor ? loop->executor : loop->own_executor;
    return 0;
}

/* Those that wait stay out. Returns how many are at work, or on their way back. */
static unsigned jobs_withdraw(eddy_loop *loop) {
    unsigned away = 0;

    for (struct list_node *node = loop->jobs.next, *next; node != &loop->jobs; node = next) {
        next = node->next;
        away += !eddy__executor_withdraw(container_of(node, struct eddy__job, of_loop));
    }
    return away;
}

void eddy__loop_end_jobs(eddy_loop *loop) {
    unsigned away = jobs_withdraw(loop), refused;
    struct list_node *node;

    if (loop->own_executor) {
        eddy__executor_shutdown(loop->own_executor, true);
        eddy__executor_join(loop->own_executor);
    }
    while ((refused = loop->jobs_refused) < away)
        eddy__os_futex_wait(&loop->jobs_refused, refused);
    while ((node = loop->jobs.next) != &loop->jobs) {
        struct eddy__job *job = container_of(node, struct eddy__job, of_loop);
        job_came_back(&job->post);
    }
    eddy__executor_unref(TAKE_POINTER(loop->own_executor));
    eddy__executor_unref(TAKE_POINTER(loop->executor));
}
