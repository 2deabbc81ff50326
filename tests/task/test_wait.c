/* SPDX-License-Identifier: MIT
 * test_wait.c - eddy_wait(): all, the first, the first error, or a time; it takes nothing. */
#include "virtual.h"

static void await_all_of(eddy_future *futures[], int count) {
    for (int i = 0; i < count; i++)
        eddy_await(futures[i]);
}

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* --- the three ways --------------------------------------------------------------------------- */

TASK_TEST(wait_for_all_returns_when_the_last_is_done) {
    eddy_future *futures[] = {SLEEPER(.seconds = 1), SLEEPER(.seconds = 3), SLEEPER(.seconds = 2)};

    ASSERT_INT_EQ(eddy_wait(futures, 3, INFINITY, EDDY_ALL_COMPLETED), 3);
    ASSERT_INT_EQ(milliseconds(), 3000);
    await_all_of(futures, 3);
}

TASK_TEST(wait_for_the_first_returns_when_one_is_done_and_the_others_go_on) {
    eddy_future *futures[] = {SLEEPER(.name = "slow", .seconds = 3),
                              SLEEPER(.name = "quick", .seconds = 1)};

    ASSERT_INT_EQ(eddy_wait(futures, 2, INFINITY, EDDY_FIRST_COMPLETED), 1);
    ASSERT_INT_EQ(milliseconds(), 1000);
    ASSERT(!eddy_is_done(futures[0]));
    ASSERT(eddy_is_done(futures[1]));
    await_all_of(futures, 2);
    ASSERT_STR_EQ(noted(), "quick slow");
}

static int fails_after(void *seconds) {
    ASSERT_OK(eddy_sleep(*(double *)seconds));
    return eddy_raise(-EIO, "failed");
}

TASK_TEST(wait_for_the_first_error_passes_over_what_succeeds) {
    double two = 2;
    eddy_future *futures[] = {SLEEPER(.seconds = 1), eddy_create_task(fails_after, &two),
                              SLEEPER(.seconds = 3)};

    ASSERT_INT_EQ(eddy_wait(futures, 3, INFINITY, EDDY_FIRST_ERROR), 2);
    ASSERT_INT_EQ(milliseconds(), 2000);
    await_all_of(futures, 3);
}

TASK_TEST(wait_for_the_first_error_without_one_waits_for_all) {
    eddy_future *futures[] = {SLEEPER(.seconds = 1), SLEEPER(.seconds = 2)};

    ASSERT_INT_EQ(eddy_wait(futures, 2, INFINITY, EDDY_FIRST_ERROR), 2);
    ASSERT_INT_EQ(milliseconds(), 2000);
    await_all_of(futures, 2);
}

TASK_TEST(wait_takes_tasks_timers_and_plain_futures_alike) {
    eddy_future *futures[] = {eddy_future_new(NULL), eddy_after(2), SLEEPER(.seconds = 1)};

    ASSERT_INT_EQ(eddy_wait(futures, 3, 5, EDDY_ALL_COMPLETED), 2);
    ASSERT_INT_EQ(milliseconds(), 5000);
    ASSERT_OK(eddy_future_set_result(futures[0], NULL));
    ASSERT_INT_EQ(eddy_wait(futures, 3, 5, EDDY_ALL_COMPLETED), 3);
    await_all_of(futures, 3);
}

TASK_TEST(wait_for_all_goes_on_after_a_failure_and_may_be_asked_again) {
    double two = 2;
    eddy_future *futures[] = {eddy_create_task(fails_after, &two), SLEEPER(.seconds = 3)};

    for (int i = 0; i < 2; i++) {
        ASSERT_INT_EQ(eddy_wait(futures, 2, INFINITY, EDDY_ALL_COMPLETED), 2);
        ASSERT_INT_EQ(milliseconds(), 3000);
    }
    ASSERT_CODE(-EIO, eddy_await(futures[0]));
    ASSERT_OK(eddy_await(futures[1]));
}

TASK_TEST(a_cancelled_future_is_no_error_for_who_waits_for_the_first_one) {
    eddy_future *futures[] = {SLEEPER(.seconds = 9), SLEEPER(.seconds = 2)};

    cancel_later(1, futures[0]);
    ASSERT_INT_EQ(eddy_wait(futures, 2, INFINITY, EDDY_FIRST_ERROR), 2);
    ASSERT_INT_EQ(milliseconds(), 2000);
    await_all_of(futures, 2);
}

TASK_TEST(wait_until_what_is_unknown_is_refused) {
    eddy_future *futures[] = {SLEEPER(.seconds = 1)};

    ASSERT_CODE(-EINVAL, eddy_wait(futures, 1, INFINITY, (eddy_wait_until)3));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "until what?");
    ASSERT_CODE(-EINVAL, eddy_wait(futures, 1, INFINITY, (eddy_wait_until)-1));
    await_all_of(futures, 1);
}

/* --- what is done already --------------------------------------------------------------------- */

TASK_TEST(wait_returns_at_once_when_enough_is_done) {
    eddy_future *futures[] = {RETURNER(1), RETURNER(-EIO), SLEEPER(.seconds = 9)};

    ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(eddy_wait(futures, 3, INFINITY, EDDY_FIRST_COMPLETED), 2);
    ASSERT_INT_EQ(eddy_wait(futures, 3, INFINITY, EDDY_FIRST_ERROR), 2);
    ASSERT_INT_EQ(eddy_wait(futures, 2, INFINITY, EDDY_ALL_COMPLETED), 2);
    ASSERT_INT_EQ(milliseconds(), 0);
    await_all_of(futures, 3);
}

TASK_TEST(wait_for_nothing_returns_0) {
    ASSERT_INT_EQ(eddy_wait(NULL, 0, INFINITY, EDDY_ALL_COMPLETED), 0);
    ASSERT_INT_EQ(milliseconds(), 0);
}

TASK_TEST(wait_counts_all_that_are_done_and_not_only_the_first) {
    eddy_future *futures[] = {SLEEPER(.seconds = 1), SLEEPER(.seconds = 1), SLEEPER(.seconds = 2)};

    ASSERT_INT_EQ(eddy_wait(futures, 3, INFINITY, EDDY_FIRST_COMPLETED), 2);
    await_all_of(futures, 3);
}

TASK_TEST(wait_may_be_given_the_same_future_twice) {
    eddy_task *task = SLEEPER(.seconds = 1);
    eddy_future *futures[] = {task, task};

    ASSERT_INT_EQ(eddy_wait(futures, 2, INFINITY, EDDY_ALL_COMPLETED), 2);
    ASSERT_OK(eddy_await(task));
}

/* --- the time-out ----------------------------------------------------------------------------- */

TASK_TEST(wait_that_times_out_returns_how_many_are_done_and_cancels_nothing) {
    eddy_future *futures[] = {SLEEPER(.name = "a", .seconds = 1),
                              SLEEPER(.name = "b", .seconds = 5)};

    ASSERT_INT_EQ(eddy_wait(futures, 2, 2, EDDY_ALL_COMPLETED), 1);
    ASSERT_INT_EQ(milliseconds(), 2000);
    ASSERT_INT_EQ(eddy_wait(futures + 1, 1, 0.5, EDDY_FIRST_COMPLETED), 0);
    ASSERT_INT_EQ(milliseconds(), 2500);
    await_all_of(futures, 2);
    ASSERT_STR_EQ(noted(), "a b");
}

TASK_TEST(wait_for_no_time_only_looks) {
    eddy_future *futures[] = {SLEEPER(.seconds = 1)};

    ASSERT_INT_EQ(eddy_wait(futures, 1, 0, EDDY_ALL_COMPLETED), 0);
    ASSERT_INT_EQ(eddy_wait(futures, 1, -1, EDDY_ALL_COMPLETED), 0);
    ASSERT_INT_EQ(milliseconds(), 0);
    await_all_of(futures, 1);
}

TASK_TEST(a_wait_that_ended_early_leaves_no_timer_behind) {
    eddy_future *futures[] = {SLEEPER(.seconds = 1)};

    ASSERT_INT_EQ(eddy_wait(futures, 1, 1000, EDDY_ALL_COMPLETED), 1);
    ASSERT_OK(eddy_sleep(5000));
    ASSERT_INT_EQ(milliseconds(), 5001000);
    await_all_of(futures, 1);
}

/* The timer of the task was armed first, so the task is done before who waits for it has run. */
TASK_TEST(a_wait_that_times_out_in_the_turn_of_a_completion_counts_it) {
    eddy_future *futures[] = {SLEEPER(.seconds = 2), SLEEPER(.seconds = 3)};

    ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(eddy_wait(futures, 2, 2, EDDY_ALL_COMPLETED), 1);
    ASSERT_INT_EQ(milliseconds(), 2000);
    await_all_of(futures, 2);
}

/* What left is not woken by what it waited for. */
TASK_TEST(a_wait_that_is_over_is_forgotten_by_its_futures) {
    eddy_future *futures[] = {eddy_future_new(NULL), eddy_future_new(NULL)};

    for (int i = 0; i < 100; i++)
        ASSERT_INT_EQ(eddy_wait(futures, 2, 1, EDDY_FIRST_COMPLETED), 0);
    ASSERT_OK(eddy_future_set_result(futures[0], NULL));
    ASSERT_OK(eddy_sleep(7));
    ASSERT_INT_EQ(milliseconds(), 107000);
    for (int i = 0; i < 2; i++)
        eddy_unref(futures[i]);
}

/* --- errors and cancels ----------------------------------------------------------------------- */

TASK_TEST(wait_takes_nothing_also_when_it_fails) {
    eddy_future *futures[] = {RETURNER(3), NULL};

    ASSERT_CODE(-EINVAL, eddy_wait(futures, 2, INFINITY, EDDY_ALL_COMPLETED));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "future 1 of 2 is NULL");
    ASSERT_INT_EQ(eddy_await(futures[0]), 3);
}

TASK_TEST(wait_for_oneself_is_refused) {
    eddy_future *futures[] = {eddy_current_task()};

    ASSERT_CODE(-EDEADLK, eddy_wait(futures, 1, INFINITY, EDDY_ALL_COMPLETED));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "awaits itself");
}

TASK_TEST(a_failure_seen_by_wait_alone_is_still_reported) {
    eddy_future *futures[] = {eddy_create_task(raiser, "unseen")};

    ASSERT_INT_EQ(eddy_wait(futures, 1, INFINITY, EDDY_ALL_COMPLETED), 1);
    eddy_unref(futures[0]);
    ASSERT_STR_CONTAINS(reports(), "unseen");
}

struct waiting {
    eddy_future *futures[2];
    eddy_wait_until until;
};

static int waits(void *arg) {
    struct waiting *waiting = arg;
    int r = eddy_wait(waiting->futures, 2, INFINITY, waiting->until);

    note("%s", r < 0 ? eddy_error_name(r) : "done");
    return r;
}

TASK_TEST(a_cancelled_wait_returns_at_once_and_its_futures_go_on) {
    struct waiting waiting = {
        .futures = {SLEEPER(.name = "a", .seconds = 5), SLEEPER(.name = "b", .seconds = 6)}};
    eddy_task *task = eddy_create_task(waits, &waiting);

    cancel_later(1, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_INT_EQ(milliseconds(), 1000);
    await_all_of(waiting.futures, COUNT(waiting.futures));
    ASSERT_STR_EQ(noted(), "ECANCELED a b");
}

TASK_TEST(a_wait_that_was_over_before_the_cancel_keeps_its_result) {
    struct waiting waiting = {.futures = {eddy_future_new(NULL), eddy_future_new(NULL)},
                              .until = EDDY_FIRST_COMPLETED};
    eddy_task *task = eddy_create_task(waits, &waiting);

    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_future_set_result(waiting.futures[0], NULL));
    ASSERT(eddy_cancel(task));
    ASSERT_INT_EQ(eddy_await(task), 1);
    ASSERT_STR_EQ(noted(), "done");
    for (int i = 0; i < 2; i++)
        eddy_unref(waiting.futures[i]);
}

TASK_TEST(wait_in_a_cancelled_task_is_refused_and_cancels_nothing) {
    eddy_future *futures[] = {SLEEPER(.seconds = 1, .result = 4)};

    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_wait(futures, 1, INFINITY, EDDY_ALL_COMPLETED));
    ASSERT_INT_EQ(eddy_uncancel(), 0);
    ASSERT_INT_EQ(eddy_await(futures[0]), 4);
}

TASK_TEST(wait_for_ten_thousand_futures) {
    const int count = 10000;
    eddy_future **futures = calloc((size_t)count, sizeof(*futures));

    for (int i = 0; i < count; i++)
        futures[i] = eddy_after(1 + i);
    ASSERT_INT_EQ(eddy_wait(futures, count, INFINITY, EDDY_FIRST_COMPLETED), 1);
    ASSERT_INT_EQ(eddy_wait(futures, count, INFINITY, EDDY_ALL_COMPLETED), count);
    ASSERT_INT_EQ(milliseconds(), count * 1000);
    for (int i = 0; i < count; i++)
        eddy_unref(futures[i]);
    free(futures);
}
