/* SPDX-License-Identifier: MIT
 * test_run.c - eddy_run(): a loop of its own, a main task, and nothing left behind. */
#include "virtual.h"

/* --- results ---------------------------------------------------------------------------------- */

static int yields_then_returns(void *result) {
    ASSERT_OK(eddy_yield());
    return *(int *)result;
}

TEST(run_returns_what_the_function_returned) {
    ASSERT_INT_EQ(eddy_run(yields_then_returns, &(int){0}), 0);
    ASSERT_INT_EQ(eddy_run(yields_then_returns, &(int){77}), 77);
    ASSERT_CODE(-EPIPE, eddy_run(yields_then_returns, &(int){-EPIPE}));
}

TEST(run_returns_the_sentence_with_the_code) {
    ASSERT_CODE(-EIO, eddy_run(raiser, "the disk is full"));
    ASSERT_STR_EQ(eddy_last_error()->message, "the disk is full");
    ASSERT_STR_EQ(eddy_last_error()->task, "main");
}

TEST(run_may_be_called_again_and_again) {
    for (int i = 0; i < 200; i++)
        ASSERT_INT_EQ(eddy_run(yields_then_returns, &i), i);
}

/* What a Runner is to asyncio. */
TEST(a_loop_of_ones_own_may_run_several_times) {
    eddy_loop *loop = virtual_loop();
    eddy_future *future = eddy_future_new(loop);
    struct actor slow = {.seconds = 5, .result = 5};

    ASSERT_INT_EQ(virtual_run(loop, returner, &(int){1}), 1);
    ASSERT_CODE(-EIO, virtual_run(loop, raiser, "failed"));
    ASSERT_STR_EQ(eddy_last_error()->message, "failed");
    ASSERT_INT_EQ(virtual_run(loop, sleeper, &slow), 5);
    ASSERT_OK(eddy_future_set_result(future, NULL));
    ASSERT_OK(eddy_loop_run_until_complete(loop, future));
    virtual_close(loop);
}

static int says_loop(void *out) {
    *(eddy_loop **)out = eddy_running_loop();
    ASSERT_NOT_NULL(eddy_running_loop());
    ASSERT_STR_EQ(eddy_task_name(eddy_current_task()), "main");
    return 0;
}

TEST(run_has_a_loop_of_its_own_and_leaves_the_default_loop_alone) {
    eddy_loop *seen = NULL;

    ASSERT_OK(eddy_detach(eddy_create_task(noter, "default")));
    ASSERT_OK(eddy_run(says_loop, &seen));
    ASSERT_NOT_NULL(seen);
    ASSERT_NULL(eddy_running_loop());
    ASSERT_STR_EQ(noted(), "");
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "default");
}

static int runs_again(void *unused) {
    (void)unused;
    ASSERT_CODE(-EDEADLK, eddy_run(noter, "ran"));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "eddy_run() inside a running loop");
    ASSERT_OK(eddy_yield());
    return 3;
}

TEST(run_inside_a_run_is_refused_with_a_sentence) {
    ASSERT_INT_EQ(eddy_run(runs_again, NULL), 3);
    ASSERT_STR_EQ(noted(), "");
}

/* --- what is left ----------------------------------------------------------------------------- */

static int leaves_sleepers(void *unused) {
    static struct actor plain = {.name = "plain", .seconds = 1000},
                        tidy_one = {.name = "tidy", .seconds = 1000, .clean_up = 0.001};

    (void)unused;
    ASSERT_OK(eddy_detach(eddy_create_task(sleeper, &plain)));
    ASSERT_OK(eddy_detach(eddy_create_task(tidy, &tidy_one)));
    ASSERT_OK(eddy_detach(eddy_create_task(noter, "started")));
    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_detach(eddy_create_task(noter, "last"))); /* stands before the end of the run */
    return 5;
}

TEST(tasks_that_are_left_are_cancelled_and_awaited) {
    gather_reports();
    ASSERT_INT_EQ(eddy_run(leaves_sleepers, NULL), 5);
    ASSERT_STR_EQ(noted(), "started last plain! tidy!");
    ASSERT_STR_EQ(reports(), "");
}

static int fails_at_its_end(void *unused) {
    (void)unused;
    if (eddy_sleep(1000) == -ECANCELED)
        return eddy_raise(-EIO, "could not save");
    return 0;
}

static int leaves_a_failure(void *unused) {
    (void)unused;
    ASSERT_OK(eddy_detach(eddy_create_task(fails_at_its_end, NULL)));
    ASSERT_OK(eddy_yield());
    return eddy_raise(-EPIPE, "the main task's sentence");
}

TEST(failures_of_left_tasks_are_reported_and_do_not_touch_the_result) {
    gather_reports();
    ASSERT_CODE(-EPIPE, eddy_run(leaves_a_failure, NULL));
    ASSERT_STR_EQ(eddy_last_error()->message, "the main task's sentence");
    const char *text = reports();
    ASSERT_STR_CONTAINS(text, "task \"fails_at_its_end\"");
    ASSERT_STR_CONTAINS(text, "could not save");
}

static int creates_at_its_end(void *levels) {
    int left = *(int *)levels;

    if (eddy_sleep(1000) == -ECANCELED && left > 0) {
        const eddy_task_options options = {.copy_bytes = sizeof(left)};
        left--;
        note("%d", left);
        eddy_detach(eddy_create_task_with(&options, creates_at_its_end, &left));
    }
    eddy_uncancel();
    ASSERT_OK(eddy_yield()); /* so that the next one has begun */
    return 0;
}

static int leaves_a_creator(void *levels) {
    ASSERT_OK(eddy_detach(eddy_create_task(creates_at_its_end, levels)));
    return eddy_yield();
}

TEST(tasks_created_while_the_left_ones_end_are_ended_too) {
    int levels = 3;

    gather_reports();
    ASSERT_OK(eddy_run(leaves_a_creator, &levels));
    ASSERT_STR_EQ(noted(), "2 1 0");
    ASSERT_STR_EQ(reports(), "");
}

static void note_free(void *name) {
    note("free-%s", (char *)name);
}

static int leaves_arguments(void *unused) {
    const eddy_task_options options = {.free_arg = note_free};

    (void)unused;
    ASSERT_OK(eddy_detach(eddy_create_task_with(&options, noter, "a")));
    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_detach(eddy_create_task_with(&options, noter, "b")));
    return 0;
}

TEST(the_arguments_of_left_tasks_are_freed) {
    ASSERT_OK(eddy_run(leaves_arguments, NULL));
    ASSERT_STR_EQ(noted(), "a free-a b free-b");
}

static int leaves_futures(void *out) {
    *(eddy_future **)out = eddy_future_new(NULL);
    eddy_unref(eddy_after(1000));
    eddy_call_later(NULL, 1000, note_free, "never");
    return 0;
}

TEST(a_future_may_outlive_its_run) {
    eddy_future *future = NULL;

    gather_reports();
    ASSERT_OK(eddy_run(leaves_futures, &future));
    ASSERT(!eddy_is_done(future));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_await(eddy_ref(future)));
    ASSERT_NULL(eddy_unref(future));
    ASSERT_STR_EQ(noted(), "");
    ASSERT_STR_EQ(reports(), "");
}

static int leaves_task(void *out) {
    *(eddy_task **)out = eddy_create_task(noter, "ran");
    ASSERT_OK(eddy_yield());
    return 0;
}

TEST(a_done_task_may_outlive_its_run) {
    eddy_task *task = NULL;

    ASSERT_OK(eddy_run(leaves_task, &task));
    ASSERT(eddy_is_done(task));
    ASSERT_STR_EQ(eddy_task_name(task), "noter");
    ASSERT_INT_EQ(eddy_future_result(task, NULL), 0);
    ASSERT_NULL(eddy_unref(task));
}

/* --- a run inside a time-out of the thread ---------------------------------------------------- */

/* Brings the time-out of the thread forward, which then expires in this run. */
static int expires_and_sleeps(void *timeout) {
    eddy_timeout_reschedule(timeout, 0);
    int r = eddy_sleep(1000);
    note("%s", eddy_error_name(r));
    return r;
}

TEST(a_time_out_around_a_run_cancels_its_main_task) {
    eddy_timeout timeout;

    gather_reports();
    eddy_timeout_begin(&timeout, 1000);
    int r = eddy_run(expires_and_sleeps, &timeout);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, r));
    ASSERT_STR_EQ(noted(), "ECANCELED");
    ASSERT_STR_EQ(reports(), "");
}

TEST(a_time_out_around_a_run_expires_while_it_sleeps) {
    struct actor actor = {.seconds = 1000};
    eddy_timeout timeout;

    gather_reports();
    eddy_timeout_begin(&timeout, 0.0001);
    int r = eddy_run(sleeper, &actor);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, r));
    ASSERT_STR_EQ(reports(), "");
}
