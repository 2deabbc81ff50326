/* SPDX-License-Identifier: MIT
 * test_executor_close.c - how pools of threads end: shut down, closed, and with their loops. */
#include <stdatomic.h>
#include <unistd.h>

#include "gate.h"

static int close_pool(void *pool) {
    return eddy_executor_close(pool);
}

static int never(void *unused) {
    (void)unused;
    TEST_FAIL("a job ran that was cancelled");
}

/* --- shutting down and closing ---------------------------------------------------------------- */

TASK_TEST(closing_waits_for_all_jobs_while_the_loop_goes_on) {
    eddy_executor *pool = POOL(.threads = 1);
    struct gate gate;
    int count = 0;
    eddy_future *busy = block(pool, &gate);
    eddy_future *second = eddy_run_in_executor(pool, counts, &count);
    eddy_task *closes = eddy_create_task(close_pool, pool);

    turns(10);
    ASSERT(!eddy_is_done(closes));
    sem_post(&gate.may_end);
    ASSERT_OK(eddy_await(closes));
    ASSERT(eddy_is_done(busy) && eddy_is_done(second));
    ASSERT_INT_EQ(eddy_await(busy), 7);
    ASSERT_INT_EQ(eddy_await(second), 1);
}

TASK_TEST(a_closer_that_is_cancelled_cancels_what_waits_and_awaits_what_runs) {
    eddy_executor *pool = POOL(.threads = 1);
    struct gate gate;
    int count = 0;
    struct counting counting = {pool, &count};
    eddy_future *busy = block(pool, &gate);
    eddy_future *second = eddy_run_in_executor(pool, counts, &count);
    eddy_task *third = eddy_create_task(counts_in_pool, &counting);
    eddy_task *closes = eddy_create_task(close_pool, pool);

    turns(1);
    ASSERT(eddy_cancel_with(closes, "in a hurry"));
    turns(10);
    ASSERT(!eddy_is_done(closes));
    ASSERT_CODE(-ECANCELED, eddy_await(second));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "shut down before the job could start");
    ASSERT_CODE(-ECANCELED, eddy_await(third));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "shut down before the job could start");
    sem_post(&gate.may_end);
    ASSERT_CODE(-ECANCELED, eddy_await(closes));
    ASSERT_STR_EQ(eddy_last_error()->message, "in a hurry");
    ASSERT_INT_EQ(eddy_await(busy), 7);
    ASSERT_INT_EQ(count, 0);
}

TASK_TEST(a_task_that_is_cancelled_already_still_closes) {
    eddy_executor *pool = POOL(.threads = 1);
    struct gate gate;
    eddy_future *busy = block(pool, &gate);

    sem_post(&gate.may_end);
    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_executor_close(pool));
    ASSERT(eddy_is_done(busy));
    eddy_uncancel();
    ASSERT_INT_EQ(eddy_await(busy), 7);
}

TASK_TEST(a_pool_that_is_shut_down_takes_no_job_and_runs_those_that_wait) {
    eddy_executor *pool = POOL(.threads = 1);
    struct gate gate;
    int count = 0;
    eddy_future *busy = block(pool, &gate);
    eddy_future *second = eddy_run_in_executor(pool, counts, &count);

    eddy_executor_shutdown(pool, false);
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_to_executor(pool, counts, &count));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "shut down");
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_await(eddy_run_in_executor(pool, counts, &count)));
    sem_post(&gate.may_end);
    ASSERT_INT_EQ(eddy_await(second), 1);
    ASSERT_INT_EQ(eddy_await(busy), 7);
    eddy_executor_shutdown(pool, true);
    ASSERT_OK(eddy_executor_close(pool));
}

TASK_TEST(an_immediate_shutdown_cancels_what_waits) {
    eddy_executor *pool = POOL(.threads = 1);
    struct gate gate;
    int count = 0;
    eddy_future *busy = block(pool, &gate), *waiting[3];

    for (int i = 0; i < 3; i++)
        waiting[i] = eddy_run_in_executor(pool, counts, &count);
    eddy_executor_shutdown(pool, true);
    for (int i = 0; i < 3; i++) {
        ASSERT(eddy_is_cancelled(waiting[i]));
        ASSERT(!eddy_cancel(waiting[i]));
        ASSERT_CODE(-ECANCELED, eddy_await(waiting[i]));
    }
    sem_post(&gate.may_end);
    ASSERT_INT_EQ(eddy_await(busy), 7);
    ASSERT_OK(eddy_executor_close(pool));
    ASSERT_INT_EQ(count, 0);
}

static int shuts_down(void *pool) {
    eddy_executor_shutdown(pool, true);
    return eddy_executor_close(pool);
}

TASK_TEST(a_job_may_shut_its_own_pool_down_but_not_close_it) {
    eddy_executor *pool = POOL(.threads = 1);

    ASSERT_CODE(-EDEADLK, eddy_to_executor(pool, shuts_down, pool));
    ASSERT_OK(eddy_executor_close(pool));
}

static void closes_in_callback(void *pool) {
    ASSERT_CODE(-EDEADLK, eddy_executor_close(pool));
    note("refused");
}

TASK_TEST(a_callback_cannot_close_a_pool_which_goes_on) {
    eddy_executor *pool = POOL(.threads = 1);

    eddy_call_soon(NULL, closes_in_callback, pool);
    turns(1);
    ASSERT_STR_EQ(noted(), "refused");
    ASSERT_INT_EQ(eddy_to_executor(pool, returner, &(int){1}), 1);
    ASSERT_OK(eddy_executor_close(pool));
}

static int asks_loop(void *loop) {
    eddy_future *future = eddy_run_coroutine_threadsafe(loop, returner, &(int){5});
    int r = eddy_future_wait_blocking(future, INFINITY);

    eddy_unref(future);
    return r;
}

TASK_TEST(a_job_may_ask_the_loop_while_its_pool_is_closed) {
    eddy_executor *pool = POOL(.threads = 1);
    struct gate gate;
    eddy_future *busy = block(pool, &gate);
    eddy_future *asks = eddy_run_in_executor(pool, asks_loop, eddy_running_loop());

    sem_post(&gate.may_end);
    ASSERT_OK(eddy_executor_close(pool));
    ASSERT_INT_EQ(eddy_await(busy), 7);
    ASSERT_INT_EQ(eddy_await(asks), 5);
}

/* --- the default executor --------------------------------------------------------------------- */

TASK_TEST(a_default_executor_that_was_set_runs_what_names_none) {
    eddy_executor *pool = POOL(.threads = 1, .name = "mine");
    char name[16];

    ASSERT_OK(eddy_loop_set_default_executor(NULL, pool));
    ASSERT_OK(eddy_to_thread(thread_name, name));
    ASSERT_STR_EQ(name, "mine 0");
    ASSERT_OK(eddy_await(eddy_run_in_executor(NULL, thread_name, name)));
    ASSERT_STR_EQ(name, "mine 0");
    ASSERT_OK(eddy_loop_set_default_executor(eddy_running_loop(), NULL));
    ASSERT_OK(eddy_to_thread(thread_name, name));
    ASSERT_STR_EQ(name, "eddy pool 0");
    ASSERT_OK(eddy_executor_close(pool));
}

TASK_TEST(a_default_executor_that_was_closed_answers_eshutdown) {
    eddy_executor *pool = POOL(.threads = 1);

    ASSERT_OK(eddy_loop_set_default_executor(NULL, pool));
    ASSERT_INT_EQ(eddy_to_thread(returner, &(int){1}), 1);
    ASSERT_OK(eddy_executor_close(pool));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_to_thread(returner, &(int){1}));
    ASSERT_OK(eddy_loop_set_default_executor(NULL, NULL));
    ASSERT_INT_EQ(eddy_to_thread(returner, &(int){1}), 1);
}

static int sets_default(void *loop) {
    return eddy_loop_set_default_executor(loop, NULL);
}

TASK_TEST(another_thread_may_not_set_the_default_executor) {
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_to_thread(sets_default, eddy_running_loop()));
}

TASK_TEST(the_default_executor_is_shut_down_when_its_jobs_have_run) {
    struct gate gate;
    int count = 0;
    eddy_future *busy = block(NULL, &gate);
    eddy_future *second = eddy_run_in_executor(NULL, counts, &count);

    sem_post(&gate.may_end);
    ASSERT_OK(eddy_shutdown_default_executor());
    ASSERT(eddy_is_done(busy));
    ASSERT_INT_EQ(eddy_await(second), 1);
    ASSERT_INT_EQ(eddy_await(busy), 7);
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_to_thread(counts, &count));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "default executor");
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_await(eddy_run_in_executor(NULL, counts, &count)));
    ASSERT_OK(eddy_shutdown_default_executor());
}

TASK_TEST(a_pool_that_was_set_outlives_the_shut_down_of_the_default_executor) {
    eddy_executor *pool = POOL(.threads = 1);

    ASSERT_OK(eddy_loop_set_default_executor(NULL, pool));
    ASSERT_OK(eddy_shutdown_default_executor());
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_to_thread(returner, &(int){1}));
    ASSERT_INT_EQ(eddy_to_executor(pool, returner, &(int){1}), 1);
    ASSERT_OK(eddy_executor_close(pool));
}

TASK_TEST(a_time_out_around_the_shut_down_cancels_what_waits) {
    struct gate gate;
    eddy_timeout timeout;
    eddy_future *busy = block(NULL, &gate);

    sem_post(&gate.may_end);
    eddy_timeout_begin(&timeout, 0);
    int r = eddy_shutdown_default_executor();
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, r));
    ASSERT_INT_EQ(eddy_await(busy), 7);
}

static atomic_int ran;

static int runs_late(void *unused) {
    (void)unused;
    return atomic_fetch_add(&ran, 1) >= 0;
}

static int asks_from_a_job(void *loop) {
    int r = asks_loop(loop);

    note("%d", r);
    return r;
}

static int leaves_a_job_that_asks(void *unused) {
    (void)unused;
    for (int i = 0; i < 50; i++)
        ASSERT_OK(eddy_detach(eddy_run_in_executor(NULL, runs_late, NULL)));
    return eddy_detach(eddy_run_in_executor(NULL, asks_from_a_job, eddy_running_loop()));
}

TEST(jobs_that_are_left_at_the_end_of_a_run_are_run_and_may_ask_the_loop) {
    ASSERT_OK(eddy_run(leaves_a_job_that_asks, NULL));
    ASSERT_INT_EQ(ran, 50);
    ASSERT_STR_EQ(noted(), "5");
}

/* --- loops that end --------------------------------------------------------------------------- */

TEST(a_loop_that_is_closed_leaves_the_jobs_of_a_pool_that_was_set_alone) {
    eddy_loop *loop;
    struct gate gate;
    eddy_future *job, *busy;

    gather_reports();
    ASSERT_OK(eddy_loop_new(&(eddy_loop_options){.executor_threads = 1}, &loop));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    eddy_executor *pool = POOL(.threads = 1);
    ASSERT_OK(eddy_loop_set_default_executor(loop, pool));
    busy = block(pool, &gate);
    job = eddy_run_in_executor(pool, returner, &(int){1});
    ASSERT_NULL(eddy_loop_close(loop)); /* whose pool this is not */
    sem_post(&gate.may_end);
    ASSERT_INT_EQ(eddy_await(busy), 7);
    ASSERT_INT_EQ(eddy_await(job), 1);
    ASSERT_OK(eddy_executor_close(pool));
}

static struct gate at_close;
static eddy_future *jobs_at_close[2];

static int leaves_jobs_in_own_pool(void *unused) {
    (void)unused;
    jobs_at_close[0] = block(NULL, &at_close);
    jobs_at_close[1] = eddy_run_in_executor(NULL, never, NULL);
    return 0;
}

static void *lets_end_later(void *unused) {
    usleep(10000);
    sem_post(&at_close.may_end);
    return unused;
}

TEST(jobs_of_a_closed_loops_own_pool_have_ended_when_the_close_returns) {
    eddy_loop *loop;
    pthread_t other;

    ASSERT_OK(eddy_loop_new(&(eddy_loop_options){.executor_threads = 1}, &loop));
    ASSERT_OK(virtual_run(loop, leaves_jobs_in_own_pool, NULL));
    ASSERT_INT_EQ(pthread_create(&other, NULL, lets_end_later, NULL), 0);
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT(eddy_is_done(jobs_at_close[0]));
    ASSERT_INT_EQ(eddy_await(jobs_at_close[0]), 7);
    ASSERT_CODE(-ECANCELED, eddy_await(jobs_at_close[1]));
    pthread_join(other, NULL);
}

static eddy_executor *foreign;

static int waits_in_foreign(void *unused) {
    (void)unused;
    return eddy_to_executor(foreign, waits_at_gate, &at_close);
}

static int waits_behind(void *unused) {
    (void)unused;
    return eddy_to_executor(foreign, never, NULL);
}

TEST(a_loop_closed_over_a_task_waits_for_its_job_in_a_pool_of_others) {
    eddy_loop *loop = virtual_loop();
    const eddy_task_options options = {.loop = loop};
    pthread_t other;

    foreign = POOL(.threads = 1);
    gate_open(&at_close);
    ASSERT_OK(eddy_detach(eddy_create_task_with(&options, waits_in_foreign, NULL)));
    ASSERT_OK(eddy_detach(eddy_create_task_with(&options, waits_behind, NULL)));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    pass(&at_close.begun);
    ASSERT_INT_EQ(pthread_create(&other, NULL, lets_end_later, NULL), 0);
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_STR_CONTAINS(reports(), "closed with 2 tasks");
    pthread_join(other, NULL);
    ASSERT_OK(eddy_executor_close(foreign));
}

static int asks_closing_loop(void *loop) {
    sem_post(&at_close.begun);
    pass(&at_close.may_end);
    return asks_loop(loop) == EDDY_ESHUTDOWN ? 0 : -1;
}

static int waits_for_asker(void *unused) {
    (void)unused;
    return eddy_to_thread(asks_closing_loop, eddy_running_loop());
}

TEST(a_job_that_asks_a_loop_that_is_being_closed_is_refused_and_does_not_hang_it) {
    eddy_loop *loop = virtual_loop();
    const eddy_task_options options = {.loop = loop};
    pthread_t other;

    gate_open(&at_close);
    ASSERT_OK(eddy_detach(eddy_create_task_with(&options, waits_for_asker, NULL)));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    pass(&at_close.begun);
    ASSERT_INT_EQ(pthread_create(&other, NULL, lets_end_later, NULL), 0);
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_STR_CONTAINS(reports(), "closed with 1 task");
    pthread_join(other, NULL);
}

TEST(a_loop_closed_over_a_task_that_closes_a_pool_closes_the_pool) {
    eddy_loop *loop = virtual_loop();
    const eddy_task_options options = {.loop = loop};
    pthread_t other;

    foreign = POOL(.threads = 1);
    eddy_future *busy = block(foreign, &at_close);
    eddy_future *job = eddy_run_in_executor(foreign, never, NULL);
    ASSERT_OK(eddy_detach(eddy_create_task_with(&options, close_pool, foreign)));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_INT_EQ(pthread_create(&other, NULL, lets_end_later, NULL), 0);
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_INT_EQ(eddy_await(busy), 7);
    ASSERT_CODE(-ECANCELED, eddy_await(job));
    ASSERT_STR_CONTAINS(reports(), "closed with 1 task");
    pthread_join(other, NULL);
}

/* --- while others use it ---------------------------------------------------------------------- */

enum { FLOOD_THREADS = 4 };

static atomic_int flood_ran;

static int flood_job(void *unused) {
    (void)unused;
    atomic_fetch_add(&flood_ran, 1);
    return 1;
}

struct flood {
    eddy_executor *pool;
    sem_t has_begun;
    int ran, refused;
};

/* Until the pool is shut down. */
static void *flood_thread(void *arg) {
    struct flood *flood = arg;

    for (int i = 0;; i++) {
        eddy_future *future = eddy_run_in_executor(flood->pool, flood_job, NULL);
        int r = eddy_future_wait_blocking(future, INFINITY);
        eddy_unref(future);
        flood->ran += r == 1;
        flood->refused += r == -ECANCELED;
        if (r == EDDY_ESHUTDOWN)
            return NULL;
        ASSERT(r == 1 || r == -ECANCELED);
        if (i == 10)
            sem_post(&flood->has_begun);
    }
}

TEST(a_pool_may_be_shut_down_while_threads_give_it_jobs) {
    eddy_executor *pool = POOL(.threads = 2);
    struct flood floods[FLOOD_THREADS];
    pthread_t threads[FLOOD_THREADS];
    int known = 0;

    for (int i = 0; i < FLOOD_THREADS; i++) {
        floods[i] = (struct flood){.pool = pool};
        sem_init(&floods[i].has_begun, 0, 0);
        ASSERT_INT_EQ(pthread_create(&threads[i], NULL, flood_thread, &floods[i]), 0);
    }
    for (int i = 0; i < FLOOD_THREADS; i++)
        pass(&floods[i].has_begun);
    eddy_executor_shutdown(pool, true);
    for (int i = 0; i < FLOOD_THREADS; i++) {
        pthread_join(threads[i], NULL);
        known += floods[i].ran;
    }
    ASSERT_OK(eddy_executor_close(pool));
    ASSERT_INT_EQ(flood_ran, known);
}
