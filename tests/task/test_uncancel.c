/* SPDX-License-Identifier: MIT
 * test_uncancel.c - cancels counted and taken back from outside, and the reasons they carry. */
#include "virtual.h"

static eddy_future *pending_future(void) {
    eddy_future *future = eddy_future_new(NULL);

    ASSERT_NOT_NULL(future);
    return future;
}

/* The pointer to a future, borrowed; returns 42 when it is done. */
static int awaits(void *future) {
    int r = eddy_await(eddy_ref(future));

    return r < 0 ? r : 42;
}

/* --- counting --------------------------------------------------------------------------------- */

TASK_TEST(the_cancels_of_any_task_can_be_counted) {
    eddy_task *task = SLEEPER(.seconds = 10);

    ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(eddy_task_cancelling(task), 0);
    ASSERT(eddy_cancel(task));
    ASSERT_INT_EQ(eddy_task_cancelling(task), 1);
    ASSERT(eddy_cancel(task));
    ASSERT_INT_EQ(eddy_task_cancelling(task), 2);
    ASSERT(!eddy_is_done(task));
    ASSERT_CODE(-ECANCELED, eddy_await(task));
}

TASK_TEST(the_running_task_is_counted_as_any_other) {
    eddy_task *me = eddy_current_task();

    eddy_cancel(me);
    ASSERT_INT_EQ(eddy_task_cancelling(me), 1);
    ASSERT_INT_EQ(eddy_cancelling(), 1);
    ASSERT_INT_EQ(eddy_task_uncancel(me), 0);
    ASSERT_INT_EQ(eddy_cancelling(), 0);
    ASSERT_OK(eddy_yield());
}

TASK_TEST(what_is_no_task_has_no_cancels) {
    eddy_future *future = pending_future();

    ASSERT_INT_EQ(eddy_task_cancelling(NULL), 0);
    ASSERT_INT_EQ(eddy_task_uncancel(NULL), 0);
    eddy_cancel(future);
    ASSERT_INT_EQ(eddy_task_cancelling(future), 0);
    ASSERT_INT_EQ(eddy_task_uncancel(future), 0);
    eddy_unref(future);
}

static int sleeps_again_when_cancelled(void *unused) {
    int r = eddy_sleep(10);

    (void)unused;
    if (r == -ECANCELED && eddy_uncancel() == 0) {
        note("uncancelled");
        r = eddy_sleep(10);
    }
    return r;
}

TASK_TEST(a_task_that_was_uncancelled_may_be_cancelled_again) {
    eddy_task *task = eddy_create_task(sleeps_again_when_cancelled, NULL);

    ASSERT_OK(eddy_sleep(1));
    ASSERT(eddy_cancel(task));
    ASSERT_INT_EQ(eddy_task_cancelling(task), 1);
    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(noted(), "uncancelled");
    ASSERT_INT_EQ(eddy_task_cancelling(task), 0);
    ASSERT(!eddy_is_done(task));
    ASSERT(eddy_cancel(task));
    ASSERT_INT_EQ(eddy_task_cancelling(task), 1);
    ASSERT_CODE(-ECANCELED, eddy_await(eddy_ref(task)));
    ASSERT_INT_EQ(milliseconds(), 2000);
    ASSERT_INT_EQ(eddy_task_uncancel(task), 1); /* it is done: the count stays */
    ASSERT(eddy_is_cancelled(task));
    eddy_unref(task);
}

/* --- taken back from outside ------------------------------------------------------------------ */

TASK_TEST(a_cancel_taken_back_before_the_task_has_run_leaves_no_trace) {
    eddy_future *future = pending_future();
    eddy_task *task = eddy_create_task(awaits, future);

    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_future_set_result(future, NULL)); /* it stands in the ready queue */
    ASSERT(eddy_cancel_with(task, "never mind"));
    ASSERT_INT_EQ(eddy_task_uncancel(task), 0);
    ASSERT_INT_EQ(eddy_await(task), 42);
    eddy_unref(future);
}

TASK_TEST(a_cancel_that_has_ended_a_wait_ends_it_although_it_is_taken_back) {
    eddy_task *task = eddy_create_task(sleeps_again_when_cancelled, NULL);

    ASSERT_OK(eddy_sleep(1));
    ASSERT(eddy_cancel(task));
    ASSERT_INT_EQ(eddy_task_uncancel(task), 0);
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(milliseconds(), 11000);
    ASSERT_STR_EQ(noted(), "uncancelled");
}

TASK_TEST(to_take_back_more_than_there_was_changes_nothing) {
    eddy_task *task = SLEEPER(.seconds = 1, .result = 3);

    ASSERT_INT_EQ(eddy_task_uncancel(task), 0);
    ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(eddy_task_uncancel(task), 0);
    ASSERT_INT_EQ(eddy_await(task), 3);
}

/* What a program would build that has no time-outs: asyncio's own are made like this. */
struct homemade {
    double timeout, sleep;
    eddy_task *task;
    bool timed_out;
};

static void homemade_expires(void *arg) {
    struct homemade *homemade = arg;

    homemade->timed_out = true;
    eddy_cancel(homemade->task);
}

static int homemade_run(void *arg) {
    struct homemade *homemade = arg;
    int r;

    homemade->task = eddy_current_task();
    eddy_handle timer = eddy_call_later(NULL, homemade->timeout, homemade_expires, homemade);
    r = eddy_sleep(homemade->sleep);
    eddy_handle_cancel(timer);
    if (homemade->timed_out && eddy_uncancel() == 0 && r == -ECANCELED)
        r = -ETIMEDOUT;
    ASSERT_OK(eddy_yield()); /* what stands behind the block is not touched */
    return r;
}

TASK_TEST(a_time_out_may_be_made_of_a_callback_a_cancel_and_an_uncancel) {
    struct homemade slow = {.timeout = 1, .sleep = 10}, quick = {.timeout = 10, .sleep = 1};

    ASSERT_CODE(-ETIMEDOUT, eddy_await(eddy_create_task(homemade_run, &slow)));
    ASSERT_OK(eddy_await(eddy_create_task(homemade_run, &quick)));
    ASSERT(!quick.timed_out);
    ASSERT_INT_EQ(milliseconds(), 2000);
}

/* --- what is awaited -------------------------------------------------------------------------- */

TASK_TEST(who_awaits_a_future_that_is_cancelled_gets_ecanceled_and_is_not_cancelling) {
    eddy_future *future = pending_future();
    eddy_task *task = eddy_create_task(awaits, future);

    ASSERT_OK(eddy_yield());
    ASSERT(eddy_cancel(future));
    ASSERT_CODE(-ECANCELED, eddy_await(eddy_ref(task)));
    ASSERT(eddy_is_cancelled(task));
    ASSERT_INT_EQ(eddy_task_cancelling(task), 0);
    eddy_unref(task);
    eddy_unref(future);
}

TASK_TEST(the_awaited_future_and_the_task_may_be_cancelled_in_one_turn) {
    eddy_future *future = pending_future();
    eddy_task *task = eddy_create_task(awaits, future);

    ASSERT_OK(eddy_yield());
    ASSERT(eddy_cancel(future));
    ASSERT(eddy_cancel(task));
    ASSERT_CODE(-ECANCELED, eddy_await(eddy_ref(task)));
    ASSERT(eddy_is_cancelled(task) && eddy_is_cancelled(future));
    eddy_unref(task);
    eddy_unref(future);
}

/* Cancels itself, and awaits a task that awaits the future. */
static int cancels_itself_and_awaits(void *future) {
    eddy_task *nested = eddy_create_task(awaits, future);

    ASSERT_OK(eddy_yield());
    eddy_cancel(eddy_current_task());
    return eddy_await(nested);
}

TASK_TEST(a_task_that_cancelled_itself_cancels_what_it_then_awaits) {
    eddy_future *future = pending_future();

    ASSERT_CODE(-ECANCELED, eddy_await(eddy_create_task(cancels_itself_and_awaits, future)));
    ASSERT(eddy_is_cancelled(future));
    eddy_unref(future);
}

/* --- reasons ---------------------------------------------------------------------------------- */

TASK_TEST(a_task_cancelled_before_it_ran_has_the_reason) {
    eddy_task *task = SLEEPER(.seconds = 10);

    ASSERT(eddy_cancel_with(task, "my message"));
    ASSERT_INT_EQ(eddy_wait(&task, 1, INFINITY, EDDY_ALL_COMPLETED), 1);
    ASSERT_CODE(-ECANCELED, eddy_future_result(task, NULL));
    ASSERT_STR_EQ(eddy_last_error()->message, "my message");
    eddy_unref(task);
}

TASK_TEST(the_reason_is_read_off_a_done_task_without_awaiting_it) {
    eddy_task *with = SLEEPER(.seconds = 10), *without = SLEEPER(.seconds = 10);
    eddy_task *tasks[] = {with, without};

    ASSERT_OK(eddy_yield());
    ASSERT(eddy_cancel_with(with, "my message"));
    ASSERT(eddy_cancel_with(without, NULL));
    ASSERT_INT_EQ(eddy_wait(tasks, 2, INFINITY, EDDY_ALL_COMPLETED), 2);
    for (int i = 0; i < 3; i++) { /* as often as one likes */
        ASSERT_CODE(-ECANCELED, eddy_future_result(with, NULL));
        ASSERT_STR_EQ(eddy_last_error()->message, "my message");
        ASSERT_CODE(-ECANCELED, eddy_future_result(without, NULL));
        ASSERT_STR_EQ(eddy_last_error()->message, eddy_error_text(-ECANCELED));
    }
    eddy_unref(with);
    eddy_unref(without);
}

TASK_TEST(the_last_reason_of_several_is_the_sentence) {
    eddy_task *task = SLEEPER(.seconds = 10);

    ASSERT_OK(eddy_yield());
    eddy_cancel_with(task, "the first");
    eddy_cancel_with(task, "the second");
    eddy_cancel(task); /* has none, and hides none */
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(eddy_last_error()->message, "the second");
}

static int gathers_again_and_again(void *unused) {
    int r = 0;

    (void)unused;
    for (int i = 0; i < 20 && r == 0; i++)
        r = eddy_gather(eddy_after(0.05));
    return r;
}

TASK_TEST(a_row_of_gathers_ends_with_the_reason_of_the_cancel) {
    eddy_task *task = eddy_create_task(gathers_again_and_again, NULL);

    ASSERT_OK(eddy_sleep(0.2));
    ASSERT(eddy_cancel_with(task, "my message"));
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(eddy_last_error()->message, "my message");
    ASSERT_INT_EQ(milliseconds(), 200);
}

static int raises_when_cancelled(void *unused) {
    int r = eddy_sleep(10);

    (void)unused;
    return r == -ECANCELED ? eddy_raise(-EIO, "it was: %s", eddy_last_error()->message) : r;
}

TASK_TEST(who_turns_a_cancel_into_an_error_has_failed_and_is_not_cancelled) {
    eddy_task *task = eddy_create_task(raises_when_cancelled, NULL);

    ASSERT_OK(eddy_yield());
    ASSERT(eddy_cancel_with(task, "my message"));
    ASSERT_CODE(-EIO, eddy_await(eddy_ref(task)));
    ASSERT_STR_EQ(eddy_last_error()->message, "it was: my message");
    ASSERT(!eddy_is_cancelled(task));
    eddy_unref(task);
}

TASK_TEST(a_failure_is_reported_although_the_task_was_cancelled_afterwards) {
    eddy_task *task = eddy_create_task(raiser, "broken");

    ASSERT_OK(eddy_yield());
    ASSERT(!eddy_cancel(task));
    eddy_unref(task);
    ASSERT_STR_CONTAINS(reports(), "broken");
}
