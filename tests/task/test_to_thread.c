/* SPDX-License-Identifier: MIT
 * test_to_thread.c - blocking work in the pool's threads, awaited by a task. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "virtual.h"

/* --- results ---------------------------------------------------------------------------------- */

static int is_other_thread(void *here) {
    return !pthread_equal(*(pthread_t *)here, pthread_self());
}

TASK_TEST(to_thread_runs_the_function_in_another_thread) {
    pthread_t here = pthread_self();

    ASSERT_INT_EQ(eddy_to_thread(is_other_thread, &here), 1);
    ASSERT(pthread_equal(here, pthread_self()));
}

TASK_TEST(to_thread_returns_what_the_function_returned) {
    ASSERT_INT_EQ(eddy_to_thread(returner, &(int){0}), 0);
    ASSERT_INT_EQ(eddy_to_thread(returner, &(int){42}), 42);
    ASSERT_CODE(-EACCES, eddy_to_thread(returner, &(int){-EACCES}));
}

TASK_TEST(the_sentence_of_an_error_comes_back_with_its_place) {
    ASSERT_CODE(-EIO, eddy_to_thread(raiser, "the disk is full"));
    ASSERT_STR_EQ(eddy_last_error()->message, "the disk is full");
    ASSERT_STR_EQ(eddy_last_error()->function, "raiser");
}

TASK_TEST(a_plain_code_of_a_job_never_shows_an_older_sentence) {
    eddy_raise(-EIO, "the task's older one");
    ASSERT_CODE(-EIO, eddy_to_thread(returner, &(int){-EIO}));
    ASSERT_STR_EQ(eddy_last_error()->message, "Input/output error");
    for (int i = 0; i < 50; i++) { /* in the same threads */
        ASSERT_CODE(-EIO, eddy_to_thread(raiser, "a job's older one"));
        ASSERT_CODE(-EIO, eddy_to_thread(returner, &(int){-EIO}));
        ASSERT_STR_EQ(eddy_last_error()->message, "Input/output error");
    }
}

TEST(to_thread_outside_a_run_works_too) {
    ASSERT_INT_EQ(eddy_to_thread(returner, &(int){42}), 42);
    ASSERT_CODE(-EIO, eddy_to_thread(raiser, "why"));
    ASSERT_STR_EQ(eddy_last_error()->message, "why");
}

/* --- side by side ----------------------------------------------------------------------------- */

static int waits_for_post(void *semaphore) {
    while (sem_wait(semaphore) < 0)
        continue;
    return 3;
}

static int in_thread(void *semaphore) {
    return eddy_to_thread(waits_for_post, semaphore);
}

TASK_TEST(the_loop_goes_on_while_a_thread_works) {
    sem_t semaphore;

    sem_init(&semaphore, 0, 0);
    eddy_task *task = eddy_create_task(in_thread, &semaphore);
    for (int i = 0; i < 10; i++)
        ASSERT_OK(eddy_yield());
    ASSERT(!eddy_is_done(task));
    sem_post(&semaphore);
    ASSERT_INT_EQ(eddy_await(task), 3);
    sem_destroy(&semaphore);
}

TASK_TEST(virtual_time_stands_still_while_a_thread_works) {
    ASSERT_OK(eddy_detach(SLEEPER(.name = "sleeper", .seconds = 1)));
    for (int i = 0; i < 20; i++)
        ASSERT_INT_EQ(eddy_to_thread(returner, &(int){1}), 1);
    ASSERT_INT_EQ(milliseconds(), 0);
    ASSERT_OK(eddy_sleep(2));
    ASSERT_STR_EQ(noted(), "sleeper");
}

static int doubles(void *number) {
    return *(int *)number * 2;
}

static int doubles_in_thread(void *number) {
    return eddy_to_thread(doubles, number);
}

TASK_TEST(a_thousand_jobs_share_the_pool) {
    enum { COUNT = 1000 };
    const int count = UNDER_TSAN ? 200 : COUNT;
    const eddy_task_options options = {.copy_bytes = sizeof(int), .stack_bytes = 64 << 10};
    eddy_task *tasks[COUNT];
    int results[COUNT];

    for (int i = 0; i < count; i++)
        tasks[i] = eddy_create_task_with(&options, doubles_in_thread, &i);
    ASSERT_OK(eddy_gather_array(tasks, count, results));
    for (int i = 0; i < count; i++)
        ASSERT_INT_EQ(results[i], i * 2);
}

/* --- cancelling ------------------------------------------------------------------------------- */

static eddy_loop *loop_with_one_thread(void) {
    const eddy_loop_options options = {.clock = EDDY_CLOCK_VIRTUAL, .executor_threads = 1};
    eddy_loop *loop;

    ASSERT_OK(eddy_loop_new(&options, &loop));
    return loop;
}

static int note_in_thread(void *name) {
    return eddy_to_thread(noter, name);
}

static int cancels_a_queued_job(void *unused) {
    sem_t semaphore;
    eddy_task *first, *second;

    (void)unused;
    sem_init(&semaphore, 0, 0);
    first = eddy_create_task(in_thread, &semaphore);
    second = eddy_create_task(note_in_thread, "ran");
    ASSERT_OK(eddy_yield());
    ASSERT(eddy_cancel(second));
    ASSERT_CODE(-ECANCELED, eddy_await(second));
    ASSERT(!eddy_is_done(first));
    sem_post(&semaphore);
    ASSERT_INT_EQ(eddy_await(first), 3);
    ASSERT_INT_EQ(eddy_to_thread(returner, &(int){1}), 1);
    ASSERT_STR_EQ(noted(), "");
    sem_destroy(&semaphore);
    return 0;
}

TEST(a_job_that_is_cancelled_before_it_started_never_runs) {
    eddy_loop *loop = loop_with_one_thread();

    ASSERT_OK(virtual_run(loop, cancels_a_queued_job, NULL));
    virtual_close(loop);
}

struct job {
    sem_t started, may_end;
};

static int says_started(void *arg) {
    struct job *job = arg;

    sem_post(&job->started);
    return waits_for_post(&job->may_end);
}

static int runs_job(void *job) {
    int r = eddy_to_thread(says_started, job);

    ASSERT_CODE(-ECANCELED, eddy_yield());
    return r;
}

TASK_TEST(a_job_that_has_started_is_waited_for_and_keeps_its_result) {
    struct job job;

    sem_init(&job.started, 0, 0);
    sem_init(&job.may_end, 0, 0);
    eddy_task *task = eddy_create_task(runs_job, &job);
    ASSERT_OK(eddy_yield());
    while (sem_wait(&job.started) < 0)
        continue;
    ASSERT(eddy_cancel(task));
    for (int i = 0; i < 10; i++)
        ASSERT_OK(eddy_yield());
    ASSERT(!eddy_is_done(task));
    sem_post(&job.may_end);
    ASSERT_INT_EQ(eddy_await(task), 3);
    sem_destroy(&job.started);
    sem_destroy(&job.may_end);
}

TASK_TEST(in_a_cancelled_task_no_job_starts) {
    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_to_thread(noter, "ran"));
    eddy_uncancel();
    ASSERT_INT_EQ(eddy_to_thread(returner, &(int){1}), 1);
    ASSERT_STR_EQ(noted(), "");
}

/* --- what a pool thread is -------------------------------------------------------------------- */

static int describes_itself(void *unused) {
    sigset_t mask;

    (void)unused;
    ASSERT_NULL(eddy_current_task());
    ASSERT_NULL(eddy_running_loop());
    ASSERT_NULL(eddy_last_error());
    ASSERT_INT_EQ(eddy_cancelling(), 0);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    return sigismember(&mask, SIGTERM) && sigismember(&mask, SIGUSR1);
}

TASK_TEST(a_pool_thread_has_no_task_no_loop_and_takes_no_signals) {
    ASSERT_INT_EQ(eddy_to_thread(describes_itself, NULL), 1);
}

static void note_posted(void *name) {
    note("%s", (const char *)name);
}

static int posts_to_loop(void *loop) {
    return eddy_call_soon_threadsafe(loop, note_posted, "posted");
}

TASK_TEST(a_job_may_hand_work_back_to_the_loop) {
    ASSERT_OK(eddy_to_thread(posts_to_loop, eddy_running_loop()));
    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(noted(), "posted");
}

static int runs_a_loop(void *unused) {
    eddy_loop *loop;

    (void)unused;
    ASSERT_OK(eddy_loop_new(NULL, &loop));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_NULL(eddy_loop_close(loop));
    return 0;
}

TASK_TEST(a_job_may_turn_a_loop_of_its_own_by_hand) {
    ASSERT_OK(eddy_to_thread(runs_a_loop, NULL));
}
