/* SPDX-License-Identifier: MIT
 * name_pool.c - lines of questions, and threads that come and go with them (see name_pool.h).
 *
 * All of it is under one lock, which nobody holds while he asks, posts or waits. Threads are
 * detached: a process that exits does not wait for them. */
#include "name_pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "loop.h"
#include "memory.h"
#include "name.h"
#include "name_line.h"
#include "os.h"
#include "processors.h"
#include "util.h"

#define THREADS_KEPT_MIN  4    /* also where there are less processors */
#define THREADS_KEPT_MAX  16   /* a limit is never less */
#define THREADS_MAX       1024 /* measured: each that is stuck keeps 18 KiB, and the kernel's */
#define DESCRIPTORS_SHARE 4    /* as much of the limit: 1/4 */
#define STACK_BYTES       (256 << 10)
#define STUCK_NS          (2 * 1000 * 1000)
#define STARTED_PER_STUCK 4
#define JOIN_NS           (1000 * 1000 * 1000) /* an older question may be a dead server's */
#define IDLE_SECONDS      10
#define BUCKETS           256

static struct {
    pthread_mutex_t lock;
    pthread_cond_t has_work, has_crowd; /* on CLOCK_MONOTONIC */
    struct list_node queries[BUCKETS];  /* that others may join */
    struct name_lines lines;
    struct list_node fresh, stuck; /* of queries that work, by the time they began */
    int stuck_count;
    int limit; /* of threads */
    int threads;
    int idle; /* of these, who have no query: new, asleep, woken, or on their way to the next */
    bool is_watched;
} pool;

/* As many as there are processors: they may work without one being stuck, and stay idle. For 100
 * look-ups of /etc/hosts at once on two processors, 16 took half as much CPU again as 4. */
static int threads_kept;

static pthread_once_t pool_once = PTHREAD_ONCE_INIT;

static void pool_init(void) {
    pthread_condattr_t attributes;

    memset(&pool, 0, sizeof(pool));
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.has_work, &attributes);
    pthread_cond_init(&pool.has_crowd, &attributes);
    pthread_condattr_destroy(&attributes);
    for (int i = 0; i < BUCKETS; i++)
        list_init(&pool.queries[i]);
    eddy__name_lines_init(&pool.lines);
    list_init(&pool.fresh);
    list_init(&pool.stuck);
}

/* A child of fork() has none of the threads, and whatever they held is held for ever: it starts
 * with a new pool. The queries were for the parent's loops. */
static void pool_open(void) {
    threads_kept = MIN(MAX(eddy__processors(), THREADS_KEPT_MIN), THREADS_KEPT_MAX);
    pool_init();
    pthread_atfork(NULL, NULL, pool_init);
}

/* --- how many threads ------------------------------------------------------------------------- */

static int threads_limit(void) {
    int share = eddy__os_descriptors_max() / DESCRIPTORS_SHARE;

    return MAX(THREADS_KEPT_MAX, MIN(share, THREADS_MAX));
}

/* Those that began first are the first to be stuck. */
static void pool_note_stuck(int64_t now_ns) {
    while (!list_is_empty(&pool.fresh)) {
        struct name_query *query = container_of(pool.fresh.next, struct name_query, node);
        if (now_ns - query->began_ns < STUCK_NS)
            return;
        list_remove(&query->node);
        list_append(&pool.stuck, &query->node);
        query->is_stuck = true;
        pool.stuck_count++;
    }
}

static int threads_allowed(void) {
    pool_note_stuck(eddy__os_now());
    return MIN(threads_kept + STARTED_PER_STUCK * pool.stuck_count, pool.limit);
}

/* Programs with large thread-locals need a larger stack than ours: the system's. Signals are for
 * the threads of the user: these take none. */
static int thread_start(void *(*body)(void *)) {
    sigset_t all, former;
    pthread_attr_t attributes;
    pthread_t thread;
    int r;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    r = pthread_create(&thread, &attributes, body, NULL);
    if (r == EINVAL) {
        pthread_attr_destroy(&attributes);
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        r = pthread_create(&thread, &attributes, body, NULL);
    }
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    pthread_attr_destroy(&attributes);
    return -r;
}

static void *worker_main(void *unused);
static void *watch_main(void *unused);

/* A question that may be taken has nobody who is free for it, and one more thread is allowed. */
static bool pool_lacks_thread(void) {
    return pool.lines.ready > pool.idle && pool.threads < threads_allowed();
}

/* It counts, as idle, from before its start. */
static void pool_count_thread(int count) {
    pool.threads += count;
    pool.idle += count;
}

/* Returns 0, or why none could be started. */
static int pool_start_thread(void) {
    int r = thread_start(worker_main);

    if (r == 0)
        pool_count_thread(1);
    return r;
}

/* Those that stand in line now may need a thread when others have become stuck. Without a watch the
 * next who submits sees to them. */
static void pool_watch(void) {
    if (pool.is_watched)
        pthread_cond_signal(&pool.has_crowd);
    else
        pool.is_watched = thread_start(watch_main) == 0;
}

/* --- a thread --------------------------------------------------------------------------------- */

/* Under the lock. Waits until the time; false: it has come. */
static bool wait_until(pthread_cond_t *condition, const struct timespec *until) {
    return pthread_cond_timedwait(condition, &pool.lock, until) == 0;
}

static struct timespec in_a_while(void) {
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_SECONDS;
    return until;
}

/* Under the lock: the next question, of the line whose turn it is. */
static struct name_query *pool_take(void) {
    struct name_query *query = eddy__name_lines_take(&pool.lines);

    query->is_working = true;
    query->began_ns = eddy__os_now();
    list_append(&pool.fresh, &query->node);
    pool.idle--;
    return query;
}

/* Under the lock: the thread is free. Returns who waits for the answer, linked by their posts: now
 * it is too late to withdraw one. */
static struct eddy__post *pool_finish(struct name_query *query) {
    struct eddy__post *first = NULL, **last = &first;
    struct list_node *node;

    while ((node = list_take_first(&query->requests))) {
        *last = &container_of(node, struct name_request, node)->post;
        last = &(*last)->next;
    }
    *last = NULL;
    list_remove(&query->known);
    list_remove(&query->node);
    pool.stuck_count -= query->is_stuck;
    pool.idle++;
    eddy__name_lines_finish(&pool.lines, query);
    return first;
}

/* Once posted, a request may be gone, and its reference to the loop with it, while the post still
 * has to wake that loop. */
static void requests_post(struct eddy__post *first) {
    while (first) {
        struct name_request *request = container_of(first, struct name_request, post);
        eddy_loop *loop = eddy_loop_ref(request->loop);

        first = first->next;
        if (eddy__loop_post(loop, &request->post) < 0)
            eddy__name_request_unref(request);
        eddy_loop_unref(loop);
    }
}

/* Under the lock, which it gives up meanwhile. */
static void worker_work(struct name_query *query) {
    struct eddy__post *first;

    pthread_mutex_unlock(&pool.lock);
    eddy__name_query_work(query);
    pthread_mutex_lock(&pool.lock);
    first = pool_finish(query);
    pthread_mutex_unlock(&pool.lock);
    requests_post(first);
    eddy__name_query_unref(query);
    pthread_mutex_lock(&pool.lock);
}

/* Ends after some idle seconds, or at once when enough others are idle. */
static void *worker_main(void *unused) {
    struct timespec until = in_a_while();

    eddy__thread.in_pool = true;
    pthread_setname_np(pthread_self(), "eddy names");
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        if (pool.lines.ready > 0) {
            worker_work(pool_take());
            until = in_a_while();
        } else if (pool.idle > threads_kept || !wait_until(&pool.has_work, &until)) {
            if (pool.lines.ready == 0)
                break;
        }
    }
    pool.idle--;
    pool.threads--;
    pthread_mutex_unlock(&pool.lock);
    return unused;
}

/* Under the lock, which it gives up for each start: loops do not wait for many. */
static void watch_start_threads(void) {
    int r = 0;

    while (r == 0 && pool_lacks_thread()) {
        pool_count_thread(1);
        pthread_mutex_unlock(&pool.lock);
        r = thread_start(worker_main);
        pthread_mutex_lock(&pool.lock);
    }
    if (r < 0)
        pool_count_thread(-1);
}

/* Looks, while questions wait that nobody is free for, whether other threads have become stuck. */
static void *watch_main(void *unused) {
    const struct timespec tick = {.tv_nsec = STUCK_NS};
    struct timespec until = in_a_while();

    pthread_setname_np(pthread_self(), "eddy names");
    pthread_mutex_lock(&pool.lock);
    while (pool.lines.ready > pool.idle || wait_until(&pool.has_crowd, &until)) {
        if (pool.lines.ready <= pool.idle)
            continue;
        pthread_mutex_unlock(&pool.lock);
        nanosleep(&tick, NULL);
        pthread_mutex_lock(&pool.lock);
        watch_start_threads();
        until = in_a_while();
    }
    pool.is_watched = false;
    pthread_mutex_unlock(&pool.lock);
    return unused;
}

/* --- submitting ------------------------------------------------------------------------------- */

static struct name_query *pool_find(const struct name_question *question, uint64_t hash,
                                    int64_t now_ns) {
    struct list_node *bucket = &pool.queries[hash % BUCKETS];

    for (struct list_node *node = bucket->next; node != bucket; node = node->next) {
        struct name_query *query = container_of(node, struct name_query, known);
        if (query->hash == hash && now_ns - query->asked_ns < JOIN_NS &&
            eddy__name_question_equal(&query->asked, question))
            return query;
    }
    return NULL;
}

/* Takes it out of the line that it waits in. */
static void query_withdraw(struct name_query *query) {
    list_remove(&query->known);
    eddy__name_lines_leave(&pool.lines, query);
    eddy__name_query_unref(query);
}

/* A new query, with the pool's reference. With threads at work, one that cannot be started is no
 * failure: they will come to it. */
static int pool_ask(const struct name_question *question, int64_t now_ns, struct name_query **out) {
    struct name_query *query = eddy__name_query_new(question);
    int r;

    pool.limit = threads_limit();
    pool.lines.each_limit = pool.limit * 3 / 4;
    if (!query || eddy__name_lines_enter(&pool.lines, query) < 0) {
        eddy__name_query_unref(query);
        return -ENOMEM;
    }
    query->asked_ns = now_ns;
    list_append(&pool.queries[query->hash % BUCKETS], &query->known);
    r = pool_lacks_thread() ? pool_start_thread() : 0;
    if (r < 0 && pool.threads == 0) {
        query_withdraw(query);
        return r;
    }
    if (pool.lines.ready > pool.idle)
        pool_watch();
    pthread_cond_signal(&pool.has_work);
    *out = query;
    return 0;
}

int eddy__name_pool_submit(struct name_request *request, const struct name_question *question) {
    uint64_t hash = eddy__name_question_hash(question);
    int64_t now_ns = eddy__os_now();
    struct name_query *query;
    int r = 0;

    pthread_once(&pool_once, pool_open);
    pthread_mutex_lock(&pool.lock);
    query = pool_find(question, hash, now_ns);
    if (!query)
        r = pool_ask(question, now_ns, &query);
    if (r == 0) {
        request->query = eddy__name_query_ref(query);
        list_append(&query->requests, &request->node);
    }
    pthread_mutex_unlock(&pool.lock);
    return r;
}

/* A thread that asks already finishes alone. What a parent's pool had is not in this one. */
bool eddy__name_pool_withdraw(struct name_request *request) {
    struct name_query *query = request->query;
    bool was_waiting;

    if (request->loop->fork_generation != eddy__fork_generation)
        return false;
    pthread_mutex_lock(&pool.lock);
    was_waiting = !list_is_empty(&request->node);
    list_remove(&request->node);
    if (was_waiting && list_is_empty(&query->requests) && !query->is_working)
        query_withdraw(query);
    pthread_mutex_unlock(&pool.lock);
    return was_waiting;
}

int eddy__resolver_threads(void) {
    int threads;

    pthread_once(&pool_once, pool_open);
    pthread_mutex_lock(&pool.lock);
    threads = pool.threads;
    pthread_mutex_unlock(&pool.lock);
    return threads;
}
