/* SPDX-License-Identifier: MIT
 * test_wait_for.c - eddy_wait_for(): await with a time-out. */
#include "virtual.h"

TASK_TEST(wait_for_returns_the_result_of_what_ends_in_time) {
    ASSERT_INT_EQ(eddy_wait_for(SLEEPER(.seconds = 1, .result = 8), 2), 8);
    ASSERT_INT_EQ(milliseconds(), 1000);
    ASSERT_CODE(-EIO, eddy_wait_for(eddy_create_task(raiser, "failed"), 2));
    ASSERT_STR_EQ(eddy_last_error()->message, "failed");
}

TASK_TEST(wait_for_cancels_what_is_late_and_returns_etimedout) {
    ASSERT_CODE(-ETIMEDOUT, eddy_wait_for(SLEEPER(.name = "late", .seconds = 9), 2));
    ASSERT_CODE(-ETIMEDOUT, eddy_last_error()->code);
    ASSERT_INT_EQ(milliseconds(), 2000);
    ASSERT_STR_EQ(noted(), "late!");
    ASSERT_INT_EQ(live_tasks(), 1);
}

TASK_TEST(wait_for_returns_only_when_what_it_cancelled_has_ended) {
    ASSERT_CODE(-ETIMEDOUT, eddy_wait_for(TIDY(.name = "late", .seconds = 9, .clean_up = 3), 2));
    ASSERT_INT_EQ(milliseconds(), 5000);
    ASSERT_STR_EQ(noted(), "late!");
}

TASK_TEST(a_child_that_completes_although_it_was_cancelled_keeps_its_result) {
    ASSERT_INT_EQ(eddy_wait_for(STUBBORN(.seconds = 9, .clean_up = 3, .result = 6), 2), 6);
    ASSERT_INT_EQ(milliseconds(), 5000);
}

TASK_TEST(wait_for_what_is_done_returns_its_result_whatever_the_time) {
    eddy_task *task = RETURNER(5);

    ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(eddy_wait_for(task, 0), 5);
}

TASK_TEST(wait_for_no_time_cancels_a_new_task_which_never_runs) {
    ASSERT_CODE(-ETIMEDOUT, eddy_wait_for(eddy_create_task(noter, "ran"), 0));
    ASSERT_CODE(-ETIMEDOUT, eddy_wait_for(eddy_create_task(noter, "ran"), -1));
    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(noted(), "");
}

TASK_TEST(wait_for_an_infinite_time_is_await) {
    ASSERT_INT_EQ(eddy_wait_for(SLEEPER(.seconds = 1e6, .result = 1), INFINITY), 1);
}

TASK_TEST(wait_for_null_is_no_memory) {
    ASSERT_CODE(-ENOMEM, eddy_wait_for(NULL, 1));
}

TASK_TEST(wait_for_a_plain_future_cancels_it_at_the_time_out) {
    eddy_future *future = eddy_future_new(NULL);

    ASSERT_CODE(-ETIMEDOUT, eddy_wait_for(eddy_ref(future), 1));
    ASSERT(eddy_is_cancelled(future));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_set_result(future, NULL));
    eddy_unref(future);
}

static int cancelled_by_itself(void *unused) {
    (void)unused;
    ASSERT_OK(eddy_sleep(1));
    return -ECANCELED;
}

TASK_TEST(a_child_that_is_cancelled_by_others_in_time_is_no_time_out) {
    ASSERT_CODE(-ECANCELED, eddy_wait_for(eddy_create_task(cancelled_by_itself, NULL), 2));
}

static int waits_for(void *arg) {
    struct actor *actor = arg;
    int r = eddy_wait_for(eddy_create_task(tidy, actor), 5);

    note("%s", eddy_error_name(r));
    return r;
}

TASK_TEST(wait_for_passes_the_waiters_cancel_on_and_returns_when_the_child_has_ended) {
    struct actor actor = {.name = "child", .seconds = 9, .clean_up = 2};
    eddy_task *task = eddy_create_task(waits_for, &actor);

    cancel_later(1, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_INT_EQ(milliseconds(), 3000);
    ASSERT_STR_EQ(noted(), "child! ECANCELED");
}

TASK_TEST(a_cancel_that_comes_while_the_late_child_cleans_up_is_a_cancel) {
    struct actor actor = {.name = "child", .seconds = 9, .clean_up = 2};
    eddy_task *task = eddy_create_task(waits_for, &actor);

    cancel_later(6, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_INT_EQ(milliseconds(), 7000);
}

TASK_TEST(wait_for_oneself_with_a_time_is_refused) {
    ASSERT_CODE(-EDEADLK, eddy_wait_for(eddy_current_task(), 1));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "awaits itself");
}

static void wait_for_in_callback(void *task) {
    ASSERT_CODE(-EDEADLK, eddy_wait_for(task, 1));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "callback");
}

TASK_TEST(wait_for_in_a_callback_is_refused_and_takes_the_reference) {
    eddy_call_soon(NULL, wait_for_in_callback, SLEEPER(.seconds = 1));
    ASSERT_OK(eddy_sleep(2));
    ASSERT_INT_EQ(live_tasks(), 1);
}

TASK_TEST(a_cancel_ends_a_wait_without_a_time_limit_and_the_child_with_it) {
    eddy_future *future = eddy_future_new(NULL);
    eddy_task *task = eddy_current_task();

    cancel_later(1, task);
    ASSERT_CODE(-ECANCELED, eddy_wait_for(eddy_ref(future), INFINITY));
    ASSERT(eddy_is_cancelled(future));
    ASSERT_INT_EQ(eddy_uncancel(), 0);
    eddy_unref(future);
}

TASK_TEST(wait_for_no_time_waits_for_the_end_of_what_it_cancels) {
    eddy_task *task = TIDY(.name = "child", .seconds = 9, .clean_up = 3);

    ASSERT_OK(eddy_sleep(1));
    ASSERT_CODE(-ETIMEDOUT, eddy_wait_for(task, 0));
    ASSERT_INT_EQ(milliseconds(), 4000);
    ASSERT_STR_EQ(noted(), "child!");
}

static int fails_when_cancelled(void *unused) {
    (void)unused;
    return eddy_sleep(9) == -ECANCELED ? eddy_raise(-EIO, "failed in the clean-up") : 0;
}

TASK_TEST(an_error_of_the_late_child_is_returned) {
    ASSERT_CODE(-EIO, eddy_wait_for(eddy_create_task(fails_when_cancelled, NULL), 1));
    ASSERT_STR_EQ(eddy_last_error()->message, "failed in the clean-up");
}

static int waits_and_goes_on(void *child) {
    int r = eddy_wait_for(eddy_ref(child), 100);

    note("%d", r);
    return eddy_sleep(1);
}

TASK_TEST(a_cancel_in_the_turn_of_the_childs_end_refuses_the_next_call) {
    eddy_task *child = RETURNER(8), *task = eddy_create_task(waits_and_goes_on, child);

    ASSERT_OK(eddy_yield());
    ASSERT(eddy_is_done(child));
    ASSERT(eddy_cancel(task));
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(noted(), "8");
    ASSERT_INT_EQ(eddy_await(child), 8);
    ASSERT_INT_EQ(milliseconds(), 0);
}

TASK_TEST(no_time_for_a_shield_cancels_the_shield_alone) {
    eddy_task *task = SLEEPER(.seconds = 1, .result = 4);
    eddy_future *shield = eddy_shield(eddy_ref(task));

    ASSERT_CODE(-ETIMEDOUT, eddy_wait_for(eddy_ref(shield), 0));
    ASSERT(eddy_is_cancelled(shield));
    ASSERT(!eddy_is_done(task));
    ASSERT_INT_EQ(eddy_await(task), 4);
    eddy_unref(shield);
}

TASK_TEST(an_infinite_time_for_a_shield_gives_the_result) {
    ASSERT_INT_EQ(eddy_wait_for(eddy_shield(SLEEPER(.seconds = 1, .result = 4)), INFINITY), 4);
}
