/* SPDX-License-Identifier: MIT
 * test_stop.c - eddy_loop_stop() in a run that waits for a future. */
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include "virtual.h"

static void stop(void *loop) {
    eddy_loop_stop(loop);
}

static void says(void *word) {
    note("%s", (const char *)word);
}

static int stops_and_sleeps(void *seconds) {
    eddy_loop_stop(eddy_running_loop());
    int r = eddy_sleep(*(double *)seconds);
    note("%s", r < 0 ? "cancelled" : "slept");
    return r;
}

static int stops_and_returns(void *unused) {
    (void)unused;
    eddy_loop_stop(eddy_running_loop());
    return 5;
}

#define ASSERT_STOPPED(r)                                                        \
    do {                                                                         \
        ASSERT_CODE(EDDY_EINVALID_STATE, (r));                                   \
        ASSERT_STR_CONTAINS(eddy_last_error()->message, "the loop was stopped"); \
    } while (0)

TEST(a_stop_ends_a_run_before_its_future_is_done) {
    eddy_loop *loop = virtual_loop();
    double seconds = 1;

    ASSERT_STOPPED(virtual_run(loop, stops_and_sleeps, &seconds));
    ASSERT_STR_EQ(noted(), "");
    ASSERT_INT_EQ(virtual_run(loop, sleeper, &(struct actor){.seconds = 2, .result = 3}), 3);
    ASSERT_STR_EQ(noted(), "slept"); /* it went on in the next run */
    virtual_close(loop);
}

TEST(a_future_that_is_done_in_the_turn_of_the_stop_gives_its_result) {
    eddy_loop *loop = virtual_loop();

    ASSERT_INT_EQ(virtual_run(loop, stops_and_returns, NULL), 5);
    ASSERT_INT_EQ(virtual_run(loop, sleeper, &(struct actor){.seconds = 1, .result = 3}), 3);
    virtual_close(loop);
}

TEST(a_loop_that_is_stopped_already_runs_one_turn_for_a_future) {
    struct actor late = {.name = "late", .seconds = 1};
    eddy_loop *loop = virtual_loop();

    eddy_loop_stop(loop);
    ASSERT_INT_EQ(virtual_run(loop, returner, &(int){5}), 5);
    eddy_loop_stop(loop);
    ASSERT_STOPPED(virtual_run(loop, sleeper, &late));
    ASSERT_INT_EQ(virtual_run(loop, returner, &(int){6}), 6); /* the stop is forgotten */
    ASSERT_INT_EQ(virtual_run(loop, sleeper, &(struct actor){.seconds = 2, .result = 7}), 7);
    ASSERT_STR_EQ(noted(), "late");
    virtual_close(loop);
}

TEST(callbacks_that_are_ready_at_the_stop_run_before_such_a_run_ends) {
    eddy_loop *loop = virtual_loop();
    eddy_future *future = eddy_future_new(loop);

    eddy_call_soon(loop, stop, loop);
    eddy_call_soon(loop, says, "ready");
    ASSERT_STOPPED(eddy_loop_run_until_complete(loop, eddy_ref(future)));
    ASSERT_STR_EQ(noted(), "ready");
    eddy_call_soon(loop, says, "set");
    ASSERT_OK(eddy_future_set_result(future, NULL));
    ASSERT_OK(eddy_loop_run_until_complete(loop, eddy_ref(future)));
    eddy_unref(future);
    noted();
    virtual_close(loop);
}

static void completes(void *future) {
    ASSERT_OK(eddy_future_set_result(future, NULL));
}

TEST(a_future_completed_by_a_callback_behind_the_stop_is_waited_for_no_more) {
    eddy_loop *loop = virtual_loop();
    eddy_future *future = eddy_future_new(loop);

    eddy_call_soon(loop, stop, loop);
    eddy_call_soon(loop, completes, future);
    ASSERT_OK(eddy_loop_run_until_complete(loop, eddy_ref(future))); /* it was ready at the stop */
    eddy_unref(future);
    virtual_close(loop);
}

TEST(a_failure_after_a_stop_is_reported) {
    struct actor failing = {.seconds = 1, .result = -EIO};
    eddy_loop *loop = virtual_loop();

    eddy_loop_stop(loop);
    eddy_call_soon(loop, stop, loop);
    ASSERT_STOPPED(virtual_run(loop, sleeper, &failing));
    ASSERT_OK(virtual_run(loop, sleeper, &(struct actor){.seconds = 2}));
    ASSERT_STR_CONTAINS(reports(), "task \"main\"");
    virtual_close(loop);
}

TEST(a_plain_wait_outside_a_task_does_not_heed_a_stop) {
    eddy_loop *loop = virtual_loop();
    eddy_future *future = eddy_future_new(loop);

    eddy_call_soon(loop, stop, loop);
    eddy_call_later(loop, 1, completes, future);
    ASSERT_OK(eddy_await(future));
    ASSERT_OK(eddy_loop_run_forever(loop)); /* which does, at once */
    virtual_close(loop);
}

/* --- while another thread works for it -------------------------------------------------------- */

static sem_t may_end;

static int waits_for_post(void *unused) {
    (void)unused;
    while (sem_wait(&may_end) < 0)
        continue;
    return 4;
}

TEST(a_stop_ends_a_run_for_a_future_of_another_thread) {
    eddy_loop *loop = virtual_loop();
    eddy_executor *pool;
    eddy_future *job;

    sem_init(&may_end, 0, 0);
    ASSERT_OK(eddy_executor_new(NULL, &pool));
    job = eddy_run_in_executor(pool, waits_for_post, NULL);
    eddy_call_soon(loop, stop, loop);
    ASSERT_STOPPED(eddy_loop_run_until_complete(loop, eddy_ref(job)));
    sem_post(&may_end);
    ASSERT_INT_EQ(eddy_loop_run_until_complete(loop, job), 4);
    ASSERT_OK(eddy_executor_close(pool));
    virtual_close(loop);
}

/* The job is done, and the news of it on its way, as the loop stops: the run ends with it. */
static void lets_end_and_stops(void *loop) {
    sem_post(&may_end);
    usleep(20000);
    eddy_loop_stop(loop);
}

TEST(a_stop_that_meets_the_news_of_the_end_gives_the_result_or_the_error) {
    eddy_loop *loop = virtual_loop();
    eddy_executor *pool;
    int r;

    sem_init(&may_end, 0, 0);
    ASSERT_OK(eddy_executor_new(NULL, &pool));
    eddy_future *job = eddy_run_in_executor(pool, waits_for_post, NULL);
    eddy_call_soon(loop, lets_end_and_stops, loop);
    r = eddy_loop_run_until_complete(loop, eddy_ref(job));
    ASSERT(r == 4 || r == EDDY_EINVALID_STATE);
    ASSERT_INT_EQ(eddy_loop_run_until_complete(loop, job), 4);
    ASSERT_OK(eddy_executor_close(pool));
    virtual_close(loop);
}

/* --- in a run of a program -------------------------------------------------------------------- */

TEST(a_stop_in_eddy_run_ends_it_and_cancels_its_main_task) {
    gather_reports();
    ASSERT_STOPPED(eddy_run(stops_and_sleeps, &(double){100}));
    ASSERT_STR_EQ(noted(), "cancelled");
    ASSERT_STR_EQ(reports(), "");
}
