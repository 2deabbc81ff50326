/* SPDX-License-Identifier: MIT
 * test_timeout_nested.c - time-outs, task groups and cancels inside one another, and when a
 * time-out is due. */
#include "virtual.h"

#define JOIN(group, ...) eddy_task_group_create_task(group, sleeper, &((struct actor){__VA_ARGS__}))

/* --- when ------------------------------------------------------------------------------------- */

TASK_TEST(a_time_out_may_begin_with_a_time_on_the_loops_clock) {
    eddy_timeout timeout;

    ASSERT_OK(eddy_sleep(5));
    eddy_timeout_at_begin(&timeout, 7);
    ASSERT(eddy_timeout_when(&timeout) == 7);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_sleep(10)));
    ASSERT_INT_EQ(milliseconds(), 7000);
    ASSERT(eddy_timeout_expired(&timeout));
    ASSERT(eddy_timeout_when(&timeout) == 7); /* also after its end */
}

TASK_TEST(a_time_out_at_a_time_that_has_passed_is_expired_at_once) {
    eddy_timeout timeout;

    ASSERT_OK(eddy_sleep(5));
    eddy_timeout_at_begin(&timeout, 4);
    ASSERT(eddy_timeout_expired(&timeout));
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_yield()));
}

TASK_TEST(a_time_out_knows_when_it_is_due) {
    eddy_timeout timeout, never;

    eddy_timeout_begin(&timeout, 10);
    eddy_timeout_at_begin(&never, INFINITY);
    ASSERT(eddy_timeout_when(&timeout) == 10);
    ASSERT(isinf(eddy_timeout_when(&never)));
    eddy_timeout_reschedule_at(&timeout, 30);
    ASSERT(eddy_timeout_when(&timeout) == 30);
    eddy_timeout_reschedule(&timeout, INFINITY);
    ASSERT(isinf(eddy_timeout_when(&timeout)));
    ASSERT_OK(eddy_sleep(100));
    eddy_timeout_reschedule(&timeout, 1);
    ASSERT(eddy_timeout_when(&timeout) == 101);
    ASSERT_OK(eddy_timeout_end(&never, 0));
    ASSERT_OK(eddy_timeout_end(&timeout, 0));
    ASSERT(!eddy_timeout_expired(&timeout));
}

TASK_TEST(a_time_out_may_be_begun_again_after_its_end) {
    eddy_timeout timeout;

    for (int i = 0; i < 3; i++) {
        eddy_timeout_begin(&timeout, 1);
        ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_sleep(10)));
        eddy_timeout_begin(&timeout, 10);
        ASSERT_OK(eddy_timeout_end(&timeout, eddy_sleep(1)));
    }
    ASSERT_INT_EQ(milliseconds(), 6000);
}

static int reschedules_after_the_end(void *unused) {
    eddy_timeout timeout;

    (void)unused;
    eddy_timeout_begin(&timeout, 1);
    eddy_timeout_end(&timeout, 0);
    eddy_timeout_reschedule(&timeout, 2);
    return 0;
}

static int run_reschedules_after_the_end(void) {
    return eddy_run(reschedules_after_the_end, NULL);
}

TEST(a_time_out_rescheduled_after_its_end_aborts_with_the_place_of_its_begin) {
    struct ending ending = aborts(run_reschedules_after_the_end);

    ASSERT_STR_CONTAINS(ending.text, "test_timeout_nested.c:");
    ASSERT_STR_CONTAINS(ending.text, "after its end");
}

/* --- time-outs inside time-outs --------------------------------------------------------------- */

TASK_TEST(of_two_time_outs_with_one_deadline_the_outer_one_says_so) {
    eddy_timeout outer, inner;

    eddy_timeout_at_begin(&outer, 2);
    eddy_timeout_at_begin(&inner, 2);
    int r = eddy_timeout_end(&inner, eddy_sleep(10));
    ASSERT_CODE(-ECANCELED, r);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&outer, r));
    ASSERT(eddy_timeout_expired(&outer) && eddy_timeout_expired(&inner));
}

static int meets_a_time_out(void *unused) {
    (void)unused;
    ASSERT_CODE(-ETIMEDOUT, eddy_with_timeout(1, sleeper, &(struct actor){.seconds = 10}));
    ASSERT_INT_EQ(eddy_cancelling(), 0);
    return 6;
}

TASK_TEST(a_task_that_met_a_time_out_is_not_cancelled) {
    eddy_task *task = eddy_create_task(meets_a_time_out, NULL);

    ASSERT_INT_EQ(eddy_await(eddy_ref(task)), 6);
    ASSERT(!eddy_is_cancelled(task));
    eddy_unref(task);
}

TASK_TEST(a_time_out_begun_after_the_outer_one_expired_is_refused_by_that_one) {
    eddy_timeout outer, inner;

    eddy_timeout_begin(&outer, 1);
    ASSERT_CODE(-ECANCELED, eddy_sleep(10));
    eddy_timeout_begin(&inner, 1); /* the clean-up: it would need a shield */
    int r = eddy_timeout_end(&inner, eddy_sleep(10));
    ASSERT_CODE(-ECANCELED, r);
    ASSERT(!eddy_timeout_expired(&inner));
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&outer, r));
    ASSERT_INT_EQ(milliseconds(), 1000);
}

TASK_TEST(a_clean_up_behind_an_expired_time_out_may_have_one_of_its_own) {
    eddy_shield_scope shield;
    eddy_timeout outer, inner;

    eddy_timeout_begin(&outer, 1);
    int r = eddy_sleep(10);
    eddy_shield_begin(&shield);
    eddy_timeout_begin(&inner, 3);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&inner, eddy_sleep(10)));
    eddy_shield_end(&shield);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&outer, r));
    ASSERT_INT_EQ(milliseconds(), 4000);
}

/* --- after a cancel --------------------------------------------------------------------------- */

TASK_TEST(after_a_cancel_that_was_taken_back_a_time_out_says_so) {
    eddy_timeout timeout;

    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_sleep(1));
    ASSERT_INT_EQ(eddy_uncancel(), 0);
    eddy_timeout_begin(&timeout, 0);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_sleep(1)));
}

TASK_TEST(a_cancel_that_is_in_force_goes_before_the_time_out_inside) {
    eddy_timeout timeout;

    eddy_cancel(eddy_current_task());
    eddy_timeout_begin(&timeout, 0);
    ASSERT_CODE(-ECANCELED, eddy_timeout_end(&timeout, eddy_sleep(1)));
    ASSERT_INT_EQ(eddy_uncancel(), 0);
}

TASK_TEST(a_second_cancel_inside_a_time_out_is_a_cancel) {
    eddy_timeout timeout;

    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_sleep(1));
    ASSERT_INT_EQ(eddy_uncancel(), 0);
    eddy_timeout_begin(&timeout, 1);
    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_timeout_end(&timeout, eddy_sleep(2)));
    ASSERT(!eddy_timeout_expired(&timeout));
    ASSERT_INT_EQ(eddy_uncancel(), 0);
    ASSERT_INT_EQ(milliseconds(), 0);
}

/* --- groups ----------------------------------------------------------------------------------- */

static int fails_in_its_clean_up(void *unused) {
    int r = eddy_sleep(2);

    (void)unused;
    return r == -ECANCELED ? eddy_raise(-EIO, "the clean-up failed") : r;
}

TASK_TEST(an_error_of_a_groups_clean_up_goes_before_the_time_out_around_it) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 1);
    eddy_task_group_create_task(group, fails_in_its_clean_up, NULL);
    int r = eddy_task_group_end(group, eddy_sleep(10));
    ASSERT_CODE(-EIO, r);
    ASSERT_CODE(-EIO, eddy_timeout_end(&timeout, r));
    ASSERT_STR_EQ(eddy_last_error()->message, "the clean-up failed");
    ASSERT_INT_EQ(milliseconds(), 1000);
}

TASK_TEST(a_time_out_inside_the_body_leaves_the_group_alone) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_timeout timeout;

    JOIN(group, .name = "child", .seconds = 5);
    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_sleep(10)));
    ASSERT_OK(eddy_task_group_wait(group));
    ASSERT_STR_EQ(noted(), "child");
}

static int fails_after_a_second(void *unused) {
    (void)unused;
    ASSERT_OK(eddy_sleep(1));
    return eddy_raise(-EIO, "failed");
}

TASK_TEST(the_interruption_of_a_body_is_no_time_out) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_timeout timeout;

    eddy_task_group_create_task(group, fails_after_a_second, NULL);
    eddy_timeout_begin(&timeout, 5);
    int r = eddy_timeout_end(&timeout, eddy_sleep(10));
    ASSERT_CODE(-ECANCELED, r);
    ASSERT_INT_EQ(eddy_cancelling(), 1);
    ASSERT_CODE(-EIO, eddy_task_group_end(group, r));
    ASSERT_INT_EQ(eddy_cancelling(), 0);
    ASSERT_OK(eddy_yield());
}
