/* SPDX-License-Identifier: MIT
 * test_executor.c - pools of one's own: jobs behind futures, limits, shared by loops. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gate.h"

static int await_one(void *future) {
    return eddy_await(future);
}

/* --- results ---------------------------------------------------------------------------------- */

TASK_TEST(a_job_of_an_executor_returns_what_its_function_returned) {
    eddy_executor *pool = POOL(0);

    ASSERT_INT_EQ(eddy_await(eddy_run_in_executor(pool, returner, &(int){42})), 42);
    ASSERT_INT_EQ(eddy_to_executor(pool, returner, &(int){43}), 43);
    ASSERT_CODE(-EACCES, eddy_await(eddy_run_in_executor(pool, returner, &(int){-EACCES})));
    ASSERT_OK(eddy_executor_close(pool));
}

TASK_TEST(the_sentence_of_a_jobs_error_comes_along) {
    eddy_executor *pool = POOL(0);

    ASSERT_CODE(-EIO, eddy_await(eddy_run_in_executor(pool, raiser, "the disk is full")));
    ASSERT_STR_EQ(eddy_last_error()->message, "the disk is full");
    ASSERT_CODE(-EIO, eddy_await(eddy_run_in_executor(pool, returner, &(int){-EIO})));
    ASSERT_STR_EQ(eddy_last_error()->message, "Input/output error");
    ASSERT_CODE(-EIO, eddy_to_executor(pool, raiser, "the tape is torn"));
    ASSERT_STR_EQ(eddy_last_error()->message, "the tape is torn");
    ASSERT_OK(eddy_executor_close(pool));
}

TASK_TEST(no_executor_is_the_loops_default_one) {
    char name[16];

    ASSERT_INT_EQ(eddy_await(eddy_run_in_executor(NULL, returner, &(int){1})), 1);
    ASSERT_INT_EQ(eddy_to_executor(NULL, returner, &(int){2}), 2);
    ASSERT_OK(eddy_to_thread(thread_name, name));
    ASSERT_STR_EQ(name, "eddy pool 0");
}

TEST(outside_a_run_a_job_is_awaited_by_the_default_loop) {
    eddy_executor *pool = POOL(0);

    ASSERT_INT_EQ(eddy_await(eddy_run_in_executor(pool, returner, &(int){1})), 1);
    ASSERT_INT_EQ(eddy_await(eddy_run_in_executor(NULL, returner, &(int){2})), 2);
    ASSERT_INT_EQ(eddy_to_executor(pool, returner, &(int){3}), 3);
    ASSERT_OK(eddy_executor_close(pool));
}

TEST(a_job_can_be_blocked_on) {
    eddy_executor *pool = POOL(.threads = 1);
    struct gate gate;
    eddy_future *future = block(pool, &gate);

    ASSERT_CODE(-ETIMEDOUT, eddy_future_wait_blocking(future, 0));
    sem_post(&gate.may_end);
    ASSERT_INT_EQ(eddy_future_wait_blocking(future, INFINITY), 7);
    eddy_unref(future);
    ASSERT_OK(eddy_executor_close(pool));
}

TASK_TEST(jobs_are_gathered_together_with_tasks) {
    eddy_future *futures[] = {eddy_run_in_executor(NULL, returner, &(int){1}), RETURNER(2),
                              eddy_run_in_executor(NULL, returner, &(int){3})};
    int results[3];

    ASSERT_OK(eddy_gather_array(futures, 3, results));
    for (int i = 0; i < 3; i++)
        ASSERT_INT_EQ(results[i], i + 1);
}

TASK_TEST(a_job_that_is_awaited_stops_virtual_time) {
    struct gate gate;
    eddy_future *future = block(NULL, &gate);

    ASSERT_OK(eddy_detach(SLEEPER(.name = "late", .seconds = 1)));
    eddy_task *waits = eddy_create_task(await_one, future);
    turns(10);
    ASSERT_INT_EQ(milliseconds(), 0);
    sem_post(&gate.may_end);
    ASSERT_INT_EQ(eddy_await(waits), 7);
    ASSERT_OK(eddy_sleep(2));
    ASSERT_STR_EQ(noted(), "late");
}

TASK_TEST(a_job_has_no_task_no_loop_and_cannot_suspend) {
    eddy_executor *pool = POOL(0);

    ASSERT_CODE(-EDEADLK,
                eddy_await(eddy_run_in_executor(pool, sleeper, &(struct actor){NULL, 1, 0, 0})));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "thread of the pool");
    ASSERT_OK(eddy_executor_close(pool));
}

static int asks_and_blocks(void *unused) {
    eddy_future *future = eddy_run_in_executor(NULL, returner, &(int){1});
    int r = eddy_future_wait_blocking(future, INFINITY);

    (void)unused;
    eddy_unref(future);
    return r;
}

static int asks_pool(void *pool) {
    eddy_future *future = eddy_run_in_executor(pool, returner, &(int){8});
    int r = eddy_future_wait_blocking(future, INFINITY);

    eddy_unref(future);
    return r;
}

TASK_TEST(a_job_has_no_default_executor_but_may_name_one) {
    eddy_executor *pool = POOL(.threads = 2);

    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_to_thread(asks_and_blocks, NULL));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "name one");
    ASSERT_INT_EQ(eddy_to_executor(pool, asks_pool, pool), 8);
    ASSERT_OK(eddy_executor_close(pool));
}

static int detaches_a_failure(void *pool) {
    ASSERT_OK(eddy_detach(eddy_run_in_executor(pool, raiser, "lost")));
    ASSERT_OK(eddy_executor_close(pool));
    return eddy_sleep(1);
}

TASK_TEST(a_job_that_is_let_go_and_fails_is_reported_by_the_loop_that_asked) {
    ASSERT_OK(detaches_a_failure(POOL(0)));
    const char *text = reports();
    ASSERT_STR_CONTAINS(text, "job \"raiser\" (created at ");
    ASSERT_STR_CONTAINS(text, "failed and was never awaited: EIO: lost");
}

TEST(a_job_that_no_loop_asked_for_is_reported_in_the_log) {
    eddy_executor *pool = POOL(0);

    gather_reports();
    eddy_future *future = eddy_run_in_executor(pool, raiser, "lost");
    ASSERT_OK(eddy_executor_close(pool));
    eddy_unref(future);
    ASSERT_STR_CONTAINS(reports(), "job \"raiser\"");
}

/* --- options ---------------------------------------------------------------------------------- */

TASK_TEST(the_threads_bear_the_name_of_the_executor_and_a_number) {
    eddy_executor *pool = POOL(.threads = 1, .name = "databases are many");
    char name[16];

    ASSERT_OK(eddy_to_executor(pool, thread_name, name));
    ASSERT_STR_EQ(name, "databases a 0");
    ASSERT_OK(eddy_executor_close(pool));
}

TEST(negative_numbers_are_refused) {
    eddy_executor *pool = NULL;

    ASSERT_CODE(-EINVAL, eddy_executor_new(&(eddy_executor_options){.threads = -1}, &pool));
    ASSERT_CODE(-EINVAL, eddy_executor_new(&(eddy_executor_options){.queue_max = -1}, &pool));
    ASSERT_NULL(pool);
    ASSERT_OK(eddy_executor_close(NULL));
}

TEST(an_executor_without_options_or_jobs_is_closed_at_once) {
    eddy_executor *pool;

    ASSERT_OK(eddy_executor_new(NULL, &pool));
    ASSERT_OK(eddy_executor_close(pool));
}

TASK_TEST(no_more_threads_run_than_were_asked_for) {
    eddy_executor *pool = POOL(.threads = 2);
    struct gate gates[2];
    eddy_future *busy[] = {block(pool, &gates[0]), block(pool, &gates[1])};
    int count = 0;
    eddy_future *third = eddy_run_in_executor(pool, counts, &count);

    turns(10);
    ASSERT(!eddy_is_done(third));
    sem_post(&gates[0].may_end);
    ASSERT_INT_EQ(eddy_await(third), 1);
    sem_post(&gates[1].may_end);
    ASSERT_OK(eddy_gather_array(busy, 2, NULL));
    ASSERT_OK(eddy_executor_close(pool));
}

TASK_TEST(a_full_queue_refuses_a_job_with_eagain) {
    eddy_executor *pool = POOL(.threads = 1, .queue_max = 2);
    struct gate gate;
    eddy_future *busy = block(pool, &gate);
    int count = 0;
    eddy_future *first = eddy_run_in_executor(pool, counts, &count);
    eddy_future *second = eddy_run_in_executor(pool, counts, &count);
    eddy_future *third = eddy_run_in_executor(pool, counts, &count);

    ASSERT(eddy_is_done(third));
    ASSERT_CODE(-EAGAIN, eddy_await(third));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "too many jobs wait");
    ASSERT(eddy_cancel(first)); /* makes room */
    ASSERT_CODE(-ECANCELED, eddy_await(first));
    eddy_future *fourth = eddy_run_in_executor(pool, counts, &count);
    sem_post(&gate.may_end);
    ASSERT_INT_EQ(eddy_await(second), 1);
    ASSERT_INT_EQ(eddy_await(fourth), 2);
    ASSERT_INT_EQ(eddy_await(busy), 7);
    ASSERT_OK(eddy_executor_close(pool));
}

TASK_TEST(tasks_that_wait_for_their_jobs_are_let_into_a_full_queue) {
    eddy_executor *pool = POOL(.threads = 1, .queue_max = 1);
    struct gate gate;
    eddy_future *busy = block(pool, &gate);
    int count = 0;
    struct counting counting = {pool, &count};
    eddy_task *tasks[5];

    for (int i = 0; i < 5; i++)
        tasks[i] = eddy_create_task(counts_in_pool, &counting);
    turns(2);
    sem_post(&gate.may_end);
    ASSERT_OK(eddy_gather_array(tasks, 5, NULL));
    ASSERT_INT_EQ(count, 5);
    ASSERT_INT_EQ(eddy_await(busy), 7);
    ASSERT_OK(eddy_executor_close(pool));
}

/* --- cancelling ------------------------------------------------------------------------------- */

TASK_TEST(a_job_cancelled_before_it_starts_never_runs) {
    eddy_executor *pool = POOL(.threads = 1);
    struct gate gate;
    eddy_future *busy = block(pool, &gate);
    int count = 0;
    eddy_future *job = eddy_run_in_executor(pool, counts, &count);

    ASSERT(eddy_cancel_with(job, "not needed any more"));
    ASSERT(!eddy_cancel(job));
    ASSERT(eddy_is_cancelled(job));
    ASSERT_CODE(-ECANCELED, eddy_await(job));
    ASSERT_STR_EQ(eddy_last_error()->message, "not needed any more");
    sem_post(&gate.may_end);
    ASSERT_INT_EQ(eddy_await(busy), 7);
    ASSERT_OK(eddy_executor_close(pool));
    ASSERT_INT_EQ(count, 0);
}

TASK_TEST(a_job_that_has_started_is_not_cancelled) {
    struct gate gate;
    eddy_future *job = block(NULL, &gate);

    ASSERT(!eddy_cancel(job));
    sem_post(&gate.may_end);
    ASSERT_INT_EQ(eddy_await(eddy_ref(job)), 7);
    ASSERT(!eddy_is_cancelled(job));
    eddy_unref(job);
}

TASK_TEST(who_is_cancelled_waits_for_a_job_that_has_started) {
    struct gate gate;
    eddy_task *waits = eddy_create_task(await_one, block(NULL, &gate));

    turns(1);
    ASSERT(eddy_cancel(waits));
    turns(10);
    ASSERT(!eddy_is_done(waits));
    sem_post(&gate.may_end);
    ASSERT_INT_EQ(eddy_await(waits), 7);
}

TASK_TEST(who_is_cancelled_cancels_a_job_that_waits) {
    eddy_executor *pool = POOL(.threads = 1);
    struct gate gate;
    eddy_future *busy = block(pool, &gate);
    int count = 0;
    struct counting counting = {pool, &count};
    eddy_task *awaits = eddy_create_task(await_one, eddy_run_in_executor(pool, counts, &count));
    eddy_task *runs = eddy_create_task(counts_in_pool, &counting);

    turns(1);
    eddy_cancel(awaits);
    eddy_cancel(runs);
    ASSERT_CODE(-ECANCELED, eddy_await(awaits));
    ASSERT_CODE(-ECANCELED, eddy_await(runs));
    sem_post(&gate.may_end);
    ASSERT_INT_EQ(eddy_await(busy), 7);
    ASSERT_OK(eddy_executor_close(pool));
    ASSERT_INT_EQ(count, 0);
}

TASK_TEST(a_time_out_ends_the_wait_for_a_job_that_has_not_started) {
    eddy_executor *pool = POOL(.threads = 1);
    struct gate gate;
    eddy_future *busy = block(pool, &gate);
    int count = 0;

    eddy_future *job = eddy_run_in_executor(pool, counts, &count);
    ASSERT_CODE(-ETIMEDOUT, eddy_wait_for(job, 0));
    sem_post(&gate.may_end);
    ASSERT_INT_EQ(eddy_await(busy), 7);
    ASSERT_OK(eddy_executor_close(pool));
    ASSERT_INT_EQ(count, 0);
}

/* --- several threads -------------------------------------------------------------------------- */

enum { STORM_THREADS = 4, STORM_JOBS = UNDER_TSAN ? 100 : 400 };

static atomic_int storm_ran;

static int storm_job(void *unused) {
    (void)unused;
    atomic_fetch_add(&storm_ran, 1);
    return 1;
}

/* Jobs of all kinds, some of them cancelled, from a loop of its own. Returns how many ran. */
static int storm(void *pool) {
    int known = 0;

    for (int i = 0; i < STORM_JOBS; i++) {
        eddy_future *futures[2] = {eddy_run_in_executor(pool, storm_job, NULL),
                                   eddy_run_in_executor(pool, storm_job, NULL)};
        if (i % 3 == 0)
            eddy_cancel(futures[1]);
        int r = eddy_to_executor(pool, storm_job, NULL);
        ASSERT_INT_EQ(r, 1);
        for (int k = 0; k < 2; k++) {
            r = eddy_await(futures[k]);
            ASSERT(r == 1 || (r == -ECANCELED && k == 1));
            known += r == 1;
        }
        known++;
    }
    return known;
}

static void *storm_thread(void *pool) {
    return (void *)(intptr_t)eddy_run(storm, pool);
}

TEST(loops_of_several_threads_share_a_pool) {
    eddy_executor *pool = POOL(.threads = 3);
    pthread_t threads[STORM_THREADS];
    int known = 0;

    for (int i = 0; i < STORM_THREADS; i++)
        ASSERT_INT_EQ(pthread_create(&threads[i], NULL, storm_thread, pool), 0);
    for (int i = 0; i < STORM_THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        known += (int)(intptr_t)result;
    }
    ASSERT_OK(eddy_executor_close(pool));
    ASSERT_INT_EQ(storm_ran, known);
}

/* --- what may fail ---------------------------------------------------------------------------- */

static eddy_executor *parents;

static int in_forked_child(void) {
    int status;
    pid_t child = fork();

    if (child == 0) {
        bool refused =
            eddy_executor_close(parents) == EDDY_EFORKED &&
            eddy_to_executor(parents, returner, &(int){0}) == EDDY_EFORKED &&
            eddy_await(eddy_run_in_executor(parents, returner, &(int){0})) == EDDY_EFORKED;
        eddy_executor_shutdown(parents, true);
        _exit(!refused);
    }
    ASSERT_INT_EQ(waitpid(child, &status, 0), child);
    return status;
}

TEST(in_a_forked_child_a_pool_is_the_parents) {
    parents = POOL(.threads = 1);
    ASSERT_INT_EQ(eddy_to_executor(parents, returner, &(int){1}), 1);
    ASSERT_INT_EQ(in_forked_child(), 0);
    ASSERT_INT_EQ(eddy_to_executor(parents, returner, &(int){1}), 1);
    ASSERT_OK(eddy_executor_close(parents));
}

static int blocks, failing;

static bool fails(void) {
    return failing > 0 && --failing == 0;
}

static void *allocate(size_t size) {
    if (fails())
        return NULL;
    __atomic_fetch_add(&blocks, 1, __ATOMIC_RELAXED);
    return malloc(size);
}

static void *resize(void *memory, size_t size) {
    if (fails())
        return NULL;
    __atomic_fetch_add(&blocks, memory == NULL, __ATOMIC_RELAXED);
    return realloc(memory, size);
}

static void release(void *memory) {
    __atomic_fetch_sub(&blocks, memory != NULL, __ATOMIC_RELAXED);
    free(memory);
}

/* All that allocates; jobs fail only with a code, as counting happens on one thread. */
static int uses_a_pool(void *unused) {
    eddy_executor *pool;
    int r = eddy_executor_new(&(eddy_executor_options){.threads = 2}, &pool);

    (void)unused;
    if (r < 0)
        return r;
    int first = eddy_to_executor(pool, returner, &(int){0});
    int second = eddy_await(eddy_run_in_executor(pool, returner, &(int){0}));
    int third = eddy_to_thread(returner, &(int){0});
    r = eddy_executor_close(pool);
    ASSERT_OK(r);
    return first < 0 ? first : second < 0 ? second : third;
}

static int sweep_once(void) {
    eddy_loop *loop;
    int r = eddy_loop_new(&(eddy_loop_options){.executor_threads = 1}, &loop);

    if (r < 0)
        return r;
    r = virtual_run(loop, uses_a_pool, NULL);
    ASSERT_NULL(eddy_loop_close(loop));
    return r;
}

TEST(whichever_allocation_fails_nothing_leaks_and_no_thread_is_left) {
    const eddy_allocator allocator = {allocate, resize, release};
    int n = 1;

    ASSERT_OK(eddy_set_allocator(&allocator));
    for (bool has_failed = true; has_failed; n++) {
        failing = n;
        int r = sweep_once();
        has_failed = failing == 0;
        failing = 0;
        ASSERT_CODE(-ENOMEM, eddy_detach(NULL)); /* the last error is a block, too */
        if (r != 0 && r != -ENOMEM)
            TEST_FAIL("allocation %d: %s", n, eddy_error_name(r));
        ASSERT(has_failed == (r == -ENOMEM) || has_failed);
        ASSERT_INT_EQ(blocks, 0);
    }
    ASSERT(n > 10);
}
