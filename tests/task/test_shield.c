/* SPDX-License-Identifier: MIT
 * test_shield.c - shield scopes hide what comes from outside, for clean-up that must wait. */
#include "virtual.h"

TASK_TEST(a_shield_hides_a_cancel_that_came_before_it) {
    eddy_shield_scope shield;

    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_yield());
    eddy_shield_begin(&shield);
    ASSERT_OK(eddy_sleep(2));
    ASSERT_INT_EQ(eddy_await(RETURNER(3)), 3);
    eddy_shield_end(&shield);
    ASSERT_CODE(-ECANCELED, eddy_yield());
    eddy_uncancel();
}

static int shielded_sleep(void *unused) {
    eddy_shield_scope shield;

    (void)unused;
    eddy_shield_begin(&shield);
    ASSERT_OK(eddy_sleep(5));
    ASSERT_INT_EQ(eddy_cancelling(), 1);
    ASSERT_OK(eddy_sleep(1));
    eddy_shield_end(&shield);
    note("out");
    return eddy_sleep(1);
}

TASK_TEST(a_cancel_that_came_inside_a_shield_is_in_force_after_it) {
    eddy_task *task = eddy_create_task(shielded_sleep, NULL);

    cancel_later(1, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_INT_EQ(milliseconds(), 6000);
    ASSERT_STR_EQ(noted(), "out");
}

static int shielded_await(void *arg) {
    eddy_shield_scope shield;
    int r;

    eddy_shield_begin(&shield);
    r = eddy_await(eddy_create_task(sleeper, arg));
    eddy_shield_end(&shield);
    return r;
}

TASK_TEST(a_cancel_that_came_inside_a_shield_is_not_passed_on_to_what_is_awaited) {
    struct actor child = {.name = "child", .seconds = 5, .result = 2};
    eddy_task *task = eddy_create_task(shielded_await, &child);

    cancel_later(1, task);
    ASSERT_INT_EQ(eddy_await(task), 2);
    ASSERT_STR_EQ(noted(), "child");
}

TASK_TEST(a_cancel_that_is_taken_back_inside_a_shield_does_not_come_after_it) {
    eddy_shield_scope shield;

    eddy_shield_begin(&shield);
    eddy_cancel(eddy_current_task());
    ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(eddy_uncancel(), 0);
    eddy_shield_end(&shield);
    ASSERT_OK(eddy_yield());
}

TASK_TEST(a_shield_hides_the_time_outs_further_out) {
    eddy_timeout timeout;
    eddy_shield_scope shield;

    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ECANCELED, eddy_sleep(9));
    eddy_shield_begin(&shield);
    ASSERT_OK(eddy_sleep(2));
    eddy_shield_end(&shield);
    ASSERT_CODE(-ECANCELED, eddy_yield());
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
}

TASK_TEST(a_time_out_that_expires_inside_a_shield_is_in_force_after_it) {
    eddy_timeout timeout;
    eddy_shield_scope shield;

    eddy_timeout_begin(&timeout, 1);
    eddy_shield_begin(&shield);
    ASSERT_OK(eddy_sleep(3));
    ASSERT(eddy_timeout_expired(&timeout));
    ASSERT_OK(eddy_sleep(1));
    eddy_shield_end(&shield);
    ASSERT_CODE(-ECANCELED, eddy_yield());
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
}

TASK_TEST(a_time_out_begun_inside_a_shield_works) {
    eddy_shield_scope shield;
    eddy_timeout timeout;

    eddy_shield_begin(&shield);
    eddy_timeout_begin(&timeout, 1);
    int r = eddy_sleep(9);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, r));
    ASSERT_INT_EQ(milliseconds(), 1000);
    ASSERT_OK(eddy_yield());
    eddy_shield_end(&shield);
}

TASK_TEST(a_time_out_inside_a_shield_says_so_though_a_cancel_waits_outside) {
    eddy_timeout outer, inner;
    eddy_shield_scope shield;

    eddy_timeout_begin(&outer, 1);
    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_yield());
    eddy_shield_begin(&shield);
    ASSERT_OK(eddy_sleep(2)); /* now the outer one has expired, too */
    eddy_timeout_begin(&inner, 1);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&inner, eddy_sleep(9)));
    eddy_shield_end(&shield);
    ASSERT_CODE(-ECANCELED, eddy_timeout_end(&outer, eddy_yield()));
    eddy_uncancel();
}

TASK_TEST(shields_nest) {
    eddy_shield_scope outer, inner;

    eddy_shield_begin(&outer);
    eddy_cancel(eddy_current_task());
    eddy_shield_begin(&inner);
    ASSERT_OK(eddy_yield());
    eddy_shield_end(&inner);
    ASSERT_OK(eddy_yield());
    eddy_shield_end(&outer);
    ASSERT_CODE(-ECANCELED, eddy_yield());
    eddy_uncancel();
}

TASK_TEST(a_shield_inside_a_time_out_inside_a_shield_hides_that_time_out) {
    eddy_shield_scope outer, inner;
    eddy_timeout timeout;

    eddy_shield_begin(&outer);
    eddy_timeout_begin(&timeout, 1);
    eddy_shield_begin(&inner);
    ASSERT_OK(eddy_sleep(5));
    eddy_shield_end(&inner);
    ASSERT_CODE(-ECANCELED, eddy_yield());
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
    ASSERT_OK(eddy_yield());
    eddy_shield_end(&outer);
}

TASK_TEST(a_shield_is_the_tasks_own_and_not_its_childrens) {
    eddy_shield_scope shield;
    eddy_task *child;

    eddy_shield_begin(&shield);
    child = SLEEPER(.seconds = 9);
    cancel_later(1, child);
    ASSERT_CODE(-ECANCELED, eddy_await(child));
    eddy_shield_end(&shield);
}

/* --- mistakes --------------------------------------------------------------------------------- */

static int ends_shield_first(void *unused) {
    eddy_shield_scope shield;
    eddy_timeout timeout;

    (void)unused;
    eddy_shield_begin(&shield);
    eddy_timeout_begin(&timeout, 1);
    eddy_shield_end(&shield);
    return 0;
}

static int run_ends_shield_first(void) {
    return eddy_run(ends_shield_first, NULL);
}

TEST(a_shield_ended_out_of_order_aborts_with_its_place) {
    struct ending ending = aborts(run_ends_shield_first);

    ASSERT_STR_CONTAINS(ending.text, "out of order");
    ASSERT_STR_CONTAINS(ending.text, "test_shield.c:");
}

static int leaves_a_shield_open(void *storage) {
    eddy_shield_begin((eddy_shield_scope *)storage);
    return 0;
}

static int run_shield_left_open(void) {
    static eddy_shield_scope shield;

    return eddy_run(leaves_a_shield_open, &shield);
}

TEST(a_task_that_ends_inside_a_shield_aborts_with_its_place) {
    ASSERT_STR_CONTAINS(aborts(run_shield_left_open).text, "test_shield.c:");
}
