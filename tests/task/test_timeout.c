/* SPDX-License-Identifier: MIT
 * test_timeout.c - time-outs are scopes: what they refuse, who says -ETIMEDOUT, rescheduling. */
#include "virtual.h"

/* --- one scope -------------------------------------------------------------------------------- */

TASK_TEST(a_time_out_ends_the_call_inside_and_says_etimedout_at_its_end) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 2);
    int r = eddy_sleep(9);
    ASSERT_CODE(-ECANCELED, r);
    ASSERT_INT_EQ(milliseconds(), 2000);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, r));
    ASSERT_CODE(-ETIMEDOUT, eddy_last_error()->code);
}

TASK_TEST(a_call_that_ends_in_time_is_untouched) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 2);
    int r = eddy_await(SLEEPER(.seconds = 1, .result = 7));
    ASSERT(!eddy_timeout_expired(&timeout));
    ASSERT_INT_EQ(eddy_timeout_end(&timeout, r), 7);
    ASSERT_OK(eddy_sleep(9)); /* and nothing comes afterwards */
}

TASK_TEST(only_ecanceled_becomes_etimedout) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ECANCELED, eddy_sleep(9));
    ASSERT_INT_EQ(eddy_timeout_end(&timeout, 5), 5);

    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ECANCELED, eddy_sleep(9));
    ASSERT_CODE(-EIO, eddy_timeout_end(&timeout, -EIO));
}

TASK_TEST(ecanceled_without_an_expiry_stays_ecanceled) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ECANCELED, eddy_timeout_end(&timeout, -ECANCELED));
}

TASK_TEST(from_expiry_to_its_end_every_suspending_call_is_refused) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ECANCELED, eddy_sleep(9));
    ASSERT(eddy_timeout_expired(&timeout));
    ASSERT_CODE(-ECANCELED, eddy_sleep(1));
    ASSERT_CODE(-ECANCELED, eddy_yield());
    ASSERT_CODE(-ECANCELED, eddy_await(RETURNER(1)));
    ASSERT_CODE(-ECANCELED, eddy_gather(RETURNER(1), RETURNER(2)));
    ASSERT_INT_EQ(milliseconds(), 1000);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
    ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(eddy_await(RETURNER(1)), 1);
}

TASK_TEST(a_call_refused_by_a_time_out_lets_the_others_run) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 0);
    ASSERT_OK(eddy_detach(eddy_create_task(noter, "other")));
    ASSERT_CODE(-ECANCELED, eddy_yield());
    ASSERT_STR_EQ(noted(), "other");
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
}

TASK_TEST(an_expiry_is_not_counted_by_cancelling_nor_cleared_by_uncancel) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ECANCELED, eddy_sleep(9));
    ASSERT_INT_EQ(eddy_cancelling(), 0);
    ASSERT_INT_EQ(eddy_uncancel(), 0);
    ASSERT_CODE(-ECANCELED, eddy_yield());
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
}

TASK_TEST(no_time_or_less_is_expired_at_once) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 0);
    ASSERT(eddy_timeout_expired(&timeout));
    ASSERT_CODE(-ECANCELED, eddy_sleep(1));
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));

    eddy_timeout_begin(&timeout, -3);
    ASSERT(eddy_timeout_expired(&timeout));
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_yield()));

    eddy_timeout_begin(&timeout, -INFINITY);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_yield()));
    ASSERT_INT_EQ(milliseconds(), 0);
}

TASK_TEST(an_infinite_time_never_expires) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, INFINITY);
    ASSERT_OK(eddy_sleep(1e9));
    ASSERT_INT_EQ(eddy_timeout_end(&timeout, 3), 3);
}

TASK_TEST(a_time_out_without_a_call_inside_does_nothing) {
    eddy_timeout timeout;

    for (int i = 0; i < 1000; i++) {
        eddy_timeout_begin(&timeout, 1);
        ASSERT_INT_EQ(eddy_timeout_end(&timeout, i), i);
    }
    ASSERT_OK(eddy_sleep(5));
}

TASK_TEST(the_time_passes_over_all_calls_inside_together) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 5);
    ASSERT_OK(eddy_sleep(2));
    ASSERT_OK(eddy_sleep(2));
    ASSERT_CODE(-ECANCELED, eddy_sleep(2));
    ASSERT_INT_EQ(milliseconds(), 5000);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
}

/* --- with children ---------------------------------------------------------------------------- */

TASK_TEST(a_time_out_is_passed_on_to_what_is_awaited_and_waits_for_its_end) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 1);
    int r = eddy_await(TIDY(.name = "child", .seconds = 9, .clean_up = 2));
    ASSERT_INT_EQ(milliseconds(), 3000);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, r));
    ASSERT_STR_EQ(noted(), "child!");
}

TASK_TEST(a_child_that_completes_after_the_expiry_keeps_its_result) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 1);
    int r = eddy_await(STUBBORN(.seconds = 9, .clean_up = 2, .result = 4));
    ASSERT_INT_EQ(eddy_timeout_end(&timeout, r), 4);
}

TASK_TEST(a_time_out_is_the_tasks_own_and_not_its_childrens) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 1);
    ASSERT_OK(eddy_detach(SLEEPER(.name = "child", .seconds = 2)));
    ASSERT_CODE(-ECANCELED, eddy_sleep(9));
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
    ASSERT_OK(eddy_sleep(5));
    ASSERT_STR_EQ(noted(), "child");
}

/* --- nested ----------------------------------------------------------------------------------- */

TASK_TEST(the_inner_scope_that_expires_first_says_so_and_the_outer_goes_on) {
    eddy_timeout outer, inner;

    eddy_timeout_begin(&outer, 5);
    eddy_timeout_begin(&inner, 1);
    int r = eddy_sleep(9);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&inner, r));
    ASSERT_OK(eddy_sleep(1));
    ASSERT_INT_EQ(eddy_timeout_end(&outer, 0), 0);
}

TASK_TEST(the_outer_scope_that_expires_first_says_so_and_the_inner_does_not) {
    eddy_timeout outer, inner;

    eddy_timeout_begin(&outer, 1);
    eddy_timeout_begin(&inner, 5);
    int r = eddy_sleep(9);
    ASSERT_INT_EQ(milliseconds(), 1000);
    r = eddy_timeout_end(&inner, r);
    ASSERT_CODE(-ECANCELED, r);
    ASSERT_CODE(-ECANCELED, eddy_yield()); /* still inside the outer one */
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&outer, r));
}

TASK_TEST(of_two_expired_scopes_the_outer_one_says_so) {
    eddy_timeout outer, inner;

    eddy_timeout_begin(&outer, 1);
    eddy_timeout_begin(&inner, 1);
    int r = eddy_timeout_end(&inner, eddy_sleep(9));
    ASSERT_CODE(-ECANCELED, r);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&outer, r));
}

TASK_TEST(the_inner_one_expired_before_the_outer_one_but_ends_after_it) {
    eddy_timeout outer, inner;

    eddy_timeout_begin(&outer, 2);
    eddy_timeout_begin(&inner, 1);
    int r = eddy_await(TIDY(.seconds = 9, .clean_up = 4));
    ASSERT_INT_EQ(milliseconds(), 5000);
    r = eddy_timeout_end(&inner, r);
    ASSERT_CODE(-ECANCELED, r);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&outer, r));
}

TASK_TEST(the_middle_one_of_three_scopes_says_so) {
    eddy_timeout outer, middle, inner;

    eddy_timeout_begin(&outer, 9);
    eddy_timeout_begin(&middle, 1);
    eddy_timeout_begin(&inner, 5);
    int r = eddy_timeout_end(&inner, eddy_sleep(99));
    ASSERT_CODE(-ECANCELED, r);
    r = eddy_timeout_end(&middle, r);
    ASSERT_CODE(-ETIMEDOUT, r);
    ASSERT_OK(eddy_yield());
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&outer, r));
}

/* --- with cancels ----------------------------------------------------------------------------- */

static int with_scope(void *arg) {
    const struct actor *actor = arg;
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, actor->seconds);
    int r = eddy_await(TIDY(.seconds = 100, .clean_up = 3));
    r = eddy_timeout_end(&timeout, r);
    note("%s at %ld, %d", eddy_error_name(r), milliseconds(), eddy_cancelling());
    return r;
}

TASK_TEST(a_cancel_before_the_expiry_stays_a_cancel) {
    struct actor actor = {.seconds = 5};
    eddy_task *task = eddy_create_task(with_scope, &actor);

    cancel_later(1, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(noted(), "ECANCELED at 4000, 1");
}

TASK_TEST(a_cancel_after_the_expiry_is_a_cancel_too) {
    struct actor actor = {.seconds = 1};
    eddy_task *task = eddy_create_task(with_scope, &actor);

    cancel_later(2, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(noted(), "ECANCELED at 4000, 1");
}

TASK_TEST(a_cancel_taken_back_inside_leaves_the_time_out) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ECANCELED, eddy_sleep(9));
    eddy_cancel(eddy_current_task());
    ASSERT_INT_EQ(eddy_cancelling(), 1);
    ASSERT_INT_EQ(eddy_uncancel(), 0);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
}

/* --- rescheduling ----------------------------------------------------------------------------- */

TASK_TEST(a_time_out_may_be_put_off_from_now) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 2);
    ASSERT_OK(eddy_sleep(1));
    eddy_timeout_reschedule(&timeout, 5);
    ASSERT_CODE(-ECANCELED, eddy_sleep(99));
    ASSERT_INT_EQ(milliseconds(), 6000);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
}

TASK_TEST(a_time_out_may_be_brought_forward) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 50);
    eddy_timeout_reschedule(&timeout, 1);
    ASSERT_CODE(-ECANCELED, eddy_sleep(99));
    ASSERT_INT_EQ(milliseconds(), 1000);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
}

TASK_TEST(a_time_out_may_be_set_on_the_loops_clock) {
    eddy_timeout timeout;

    ASSERT_OK(eddy_sleep(3));
    eddy_timeout_begin(&timeout, 50);
    eddy_timeout_reschedule_at(&timeout, eddy_time() + 4);
    ASSERT_CODE(-ECANCELED, eddy_sleep(99));
    ASSERT_INT_EQ(milliseconds(), 7000);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
}

TASK_TEST(a_time_out_rescheduled_into_the_past_is_expired_at_once) {
    eddy_timeout timeout;

    ASSERT_OK(eddy_sleep(3));
    eddy_timeout_begin(&timeout, 50);
    eddy_timeout_reschedule_at(&timeout, 2);
    ASSERT(eddy_timeout_expired(&timeout));
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_yield()));

    eddy_timeout_begin(&timeout, 50);
    eddy_timeout_reschedule(&timeout, 0);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_yield()));
}

TASK_TEST(a_time_out_may_be_taken_off_and_put_on) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 1);
    eddy_timeout_reschedule(&timeout, INFINITY);
    ASSERT_OK(eddy_sleep(9));
    eddy_timeout_reschedule_at(&timeout, INFINITY);
    ASSERT_OK(eddy_sleep(9));
    eddy_timeout_reschedule(&timeout, 1);
    ASSERT_CODE(-ECANCELED, eddy_sleep(9));
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
}

TASK_TEST(an_expired_time_out_stays_so_when_it_is_rescheduled) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ECANCELED, eddy_sleep(9));
    eddy_timeout_reschedule(&timeout, 100);
    eddy_timeout_reschedule_at(&timeout, INFINITY);
    ASSERT(eddy_timeout_expired(&timeout));
    ASSERT_CODE(-ECANCELED, eddy_sleep(9));
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
}

static void brings_forward(void *timeout) {
    eddy_timeout_reschedule(timeout, 0);
}

TASK_TEST(a_callback_may_reschedule_the_time_out_of_a_task_that_waits) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 50);
    eddy_call_later(NULL, 2, brings_forward, &timeout);
    ASSERT_CODE(-ECANCELED, eddy_sleep(99));
    ASSERT_INT_EQ(milliseconds(), 2000);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
}

/* --- eddy_with_timeout ------------------------------------------------------------------------ */

static int leaves_early(void *arg) {
    if (eddy_sleep(1) < 0)
        return -EIO;
    return *(int *)arg;
}

TASK_TEST(with_timeout_returns_what_the_function_returned) {
    int value = 6;

    ASSERT_INT_EQ(eddy_with_timeout(5, leaves_early, &value), 6);
    ASSERT_CODE(-EIO, eddy_with_timeout(5, raiser, "why"));
    ASSERT_STR_EQ(eddy_last_error()->message, "why");
    ASSERT_OK(eddy_sleep(100));
}

static int is_current(void *task) {
    return eddy_current_task() == task;
}

TASK_TEST(with_timeout_runs_the_function_in_the_same_task) {
    ASSERT_INT_EQ(eddy_with_timeout(5, is_current, eddy_current_task()), 1);
}

TASK_TEST(with_timeout_says_etimedout_when_the_function_was_too_slow) {
    struct actor actor = {.name = "slow", .seconds = 9};

    ASSERT_CODE(-ETIMEDOUT, eddy_with_timeout(2, sleeper, &actor));
    ASSERT_INT_EQ(milliseconds(), 2000);
    ASSERT_STR_EQ(noted(), "slow!");
}

TASK_TEST(an_error_returned_after_the_expiry_is_not_hidden_by_it) {
    int value = 6;

    ASSERT_CODE(-EIO, eddy_with_timeout(0.5, leaves_early, &value));
}

static int nested_with(void *arg) {
    int r = eddy_with_timeout(5, sleeper, arg);

    note("%s", eddy_error_name(r));
    return r;
}

TASK_TEST(with_timeout_nests) {
    struct actor actor = {.seconds = 9};

    ASSERT_CODE(-ETIMEDOUT, eddy_with_timeout(2, nested_with, &actor));
    ASSERT_STR_EQ(noted(), "ECANCELED");
    ASSERT_CODE(-ETIMEDOUT, eddy_with_timeout(8, nested_with, &actor));
    ASSERT_STR_EQ(noted(), "ETIMEDOUT");
}

/* --- mistakes --------------------------------------------------------------------------------- */

static int ends_out_of_order(void *unused) {
    eddy_timeout outer, inner;

    (void)unused;
    eddy_timeout_begin(&outer, 1);
    eddy_timeout_begin(&inner, 1);
    return eddy_timeout_end(&outer, 0);
}

static int run_out_of_order(void) {
    return eddy_run(ends_out_of_order, NULL);
}

TEST(scopes_ended_out_of_order_abort_with_the_places_of_their_begins) {
    struct ending ending = aborts(run_out_of_order);

    ASSERT_STR_CONTAINS(ending.text, "out of order");
    ASSERT_STR_CONTAINS(ending.text, "test_timeout.c:");
    ASSERT_STR_CONTAINS(strstr(ending.text, "test_timeout.c:") + 1, "test_timeout.c:");
}

static int ends_twice(void *unused) {
    eddy_timeout timeout;

    (void)unused;
    eddy_timeout_begin(&timeout, 1);
    eddy_timeout_end(&timeout, 0);
    return eddy_timeout_end(&timeout, 0);
}

static int run_ends_twice(void) {
    return eddy_run(ends_twice, NULL);
}

TEST(a_scope_ended_twice_aborts_with_the_place_of_its_begin) {
    ASSERT_STR_CONTAINS(aborts(run_ends_twice).text, "test_timeout.c:");
}

static int leaves_a_scope_open(void *storage) {
    eddy_timeout_begin((eddy_timeout *)storage, 1);
    return 0;
}

static int run_left_open(void) {
    static eddy_timeout timeout;

    return eddy_run(leaves_a_scope_open, &timeout);
}

TEST(a_task_that_ends_inside_a_scope_aborts_with_its_name_and_the_place_of_the_begin) {
    struct ending ending = aborts(run_left_open);

    ASSERT_STR_CONTAINS(ending.text, "task \"main\"");
    ASSERT_STR_CONTAINS(ending.text, "ended inside the scope begun at");
    ASSERT_STR_CONTAINS(ending.text, "test_timeout.c:");
}

static void begin_in_callback(void *storage) {
    eddy_timeout_begin((eddy_timeout *)storage, 1);
}

static int run_begin_in_callback(void) {
    eddy_timeout timeout;

    eddy_call_soon(NULL, begin_in_callback, &timeout);
    return eddy_yield();
}

TEST(a_scope_begun_in_a_callback_aborts_with_its_place) {
    struct ending ending = aborts(run_begin_in_callback);

    ASSERT_STR_CONTAINS(ending.text, "test_timeout.c:");
    ASSERT_STR_CONTAINS(ending.text, "callback");
}
