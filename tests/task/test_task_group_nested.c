/* SPDX-License-Identifier: MIT
 * test_task_group_nested.c - groups inside groups, failures and cancels at one time, and what is
 * left afterwards. */
#include "virtual.h"

#define JOIN(group, ...) eddy_task_group_create_task(group, sleeper, &((struct actor){__VA_ARGS__}))

/* Fails after so many seconds. */
static int fails_after(void *seconds) {
    int r = eddy_sleep(*(double *)seconds);

    return r < 0 ? r : eddy_raise(-EIO, "failed after %g s", *(double *)seconds);
}

#define JOIN_FAILURE(group, seconds) \
    eddy_task_group_create_task(group, fails_after, &(double){seconds})

/* --- groups in groups ------------------------------------------------------------------------- */

TASK_TEST(a_failure_in_the_outer_group_ends_the_inner_one) {
    eddy_task_group *outer = eddy_task_group_new(), *inner;

    JOIN_FAILURE(outer, 1);
    inner = eddy_task_group_new();
    JOIN(inner, .name = "inner", .seconds = 10);
    int r = eddy_task_group_wait(inner);
    ASSERT_CODE(-ECANCELED, r);
    ASSERT_CODE(-EIO, eddy_task_group_end(outer, r));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "after 1 s");
    ASSERT_STR_EQ(noted(), "inner!");
    ASSERT_INT_EQ(milliseconds(), 1000);
    ASSERT_INT_EQ(eddy_cancelling(), 0);
}

TASK_TEST(both_of_two_nested_groups_may_be_interrupted_at_once) {
    eddy_task_group *outer = eddy_task_group_new(), *inner = eddy_task_group_new();

    JOIN_FAILURE(inner, 0);
    JOIN_FAILURE(outer, 0);
    ASSERT_CODE(-ECANCELED, eddy_sleep(10));
    ASSERT_INT_EQ(eddy_cancelling(), 2);
    ASSERT_CODE(-EIO, eddy_task_group_end(inner, -ECANCELED));
    ASSERT_INT_EQ(eddy_cancelling(), 1); /* the outer one's */
    ASSERT_CODE(-EIO, eddy_task_group_end(outer, 0));
    ASSERT_INT_EQ(eddy_cancelling(), 0);
    ASSERT_OK(eddy_yield());
}

static int has_a_group(void *seconds) {
    eddy_task_group *group = eddy_task_group_new();

    JOIN(group, .name = "grandchild", .seconds = 10);
    JOIN_FAILURE(group, *(double *)seconds);
    return eddy_task_group_wait(group);
}

TASK_TEST(a_task_of_a_group_may_have_a_group_and_its_failure_comes_up_through_both) {
    eddy_task_group *group = eddy_task_group_new();

    JOIN(group, .name = "child", .seconds = 10);
    eddy_task_group_create_task(group, has_a_group, &(double){1});
    ASSERT_CODE(-EIO, eddy_task_group_wait(group));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "after 1 s");
    ASSERT_STR_EQ(eddy_last_error()->task, "has_a_group");
    ASSERT_STR_EQ(noted(), "grandchild! child!");
    ASSERT_INT_EQ(milliseconds(), 1000);
}

static int nests(void *arg) {
    int depth = *(int *)arg - 1;
    eddy_task_group *group = eddy_task_group_new();

    for (int i = 0; i < 3 && depth > 0; i++)
        eddy_task_group_create_task(group, nests, &depth);
    return eddy_task_group_wait(group);
}

TASK_TEST(groups_of_groups_leave_no_task_behind) {
    ASSERT_OK(eddy_await(eddy_create_task(nests, &(int){5})));
    ASSERT_INT_EQ(live_tasks(), 1);
}

/* --- what is left of an interruption ---------------------------------------------------------- */

TASK_TEST(after_the_end_nothing_of_the_interruption_is_left) {
    eddy_task_group *group = eddy_task_group_new();

    JOIN_FAILURE(group, 0);
    ASSERT_CODE(-EIO, eddy_task_group_wait(group));
    ASSERT_INT_EQ(eddy_cancelling(), 0);
    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_sleep(1));
}

TASK_TEST(a_body_that_fails_in_its_clean_up_gives_both_errors_and_is_not_cancelling) {
    eddy_task_group *group = eddy_task_group_new();

    JOIN_FAILURE(group, 1);
    ASSERT_CODE(-ECANCELED, eddy_sleep(10));
    int r = eddy_raise(-EPIPE, "the database could not be closed");
    ASSERT_CODE(-EIO, eddy_task_group_end(group, r));
    ASSERT_INT_EQ(eddy_last_error()->others_count, 1);
    ASSERT_CODE(-EPIPE, eddy_last_error()->others[0]->code);
    ASSERT_INT_EQ(eddy_cancelling(), 0);
}

/* --- cancelled from outside ------------------------------------------------------------------- */

static int has_sleepers(void *unused) {
    eddy_task_group *group = eddy_task_group_new();
    struct actor child = {.name = "child", .seconds = 5};

    (void)unused;
    for (int i = 0; i < 5; i++)
        eddy_task_group_create_task(group, sleeper, &child);
    return eddy_task_group_wait(group);
}

TASK_TEST(the_reason_of_a_cancel_comes_out_of_the_group) {
    eddy_task *task = eddy_create_task(has_sleepers, NULL);

    ASSERT_OK(eddy_sleep(1));
    ASSERT(eddy_cancel_with(task, "test"));
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(eddy_last_error()->message, "test");
    ASSERT_STR_EQ(noted(), "child! child! child! child! child!");
    ASSERT_INT_EQ(milliseconds(), 1000);
}

static int turns_its_cancel_into_an_error(void *unused) {
    eddy_task_group *group = eddy_task_group_new();
    int r = eddy_sleep(10);

    (void)unused;
    if (r == -ECANCELED)
        r = eddy_raise(-EPERM, "this is not a good idea");
    return eddy_task_group_end(group, r);
}

TASK_TEST(a_body_that_turns_its_cancel_into_an_error_ends_with_it) {
    eddy_task *task = eddy_create_task(turns_its_cancel_into_an_error, NULL);

    ASSERT_OK(eddy_sleep(1));
    ASSERT(eddy_cancel(task));
    ASSERT_CODE(-EPERM, eddy_await(task));
}

/* Its child fails while it cleans up behind a cancel. */
static int cleans_up_while_a_child_fails(void *unused) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_shield_scope shield;

    (void)unused;
    JOIN_FAILURE(group, 3);
    int r = eddy_sleep(10);
    eddy_shield_begin(&shield);
    ASSERT_OK(eddy_sleep(5));
    eddy_shield_end(&shield);
    r = eddy_task_group_end(group, r);
    note("%s %d", eddy_error_name(r), eddy_cancelling());
    return eddy_yield(); /* the cancel is in force */
}

TASK_TEST(a_failure_during_the_clean_up_of_a_cancelled_body_does_not_hide_the_cancel) {
    eddy_task *task = eddy_create_task(cleans_up_while_a_child_fails, NULL);

    ASSERT_OK(eddy_sleep(1));
    ASSERT(eddy_cancel(task));
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(noted(), "EIO 1");
    ASSERT_INT_EQ(milliseconds(), 6000);
}

static int fails_next_turn(void *event) {
    eddy_future_set_result(event, NULL);
    ASSERT_OK(eddy_yield());
    return eddy_raise(-EIO, "failed");
}

static int goes_on_behind_a_group(void *event) {
    eddy_task_group *group = eddy_task_group_new();

    eddy_task_group_create_task(group, fails_next_turn, event);
    int r = eddy_task_group_end(group, eddy_sleep(1));
    note("%s %d", eddy_error_name(r), eddy_cancelling());
    return eddy_sleep(1);
}

TASK_TEST(a_cancel_in_the_turn_of_a_failure_is_in_force_after_the_group) {
    eddy_future *event = eddy_future_new(NULL);
    eddy_task *task = eddy_create_task(goes_on_behind_a_group, event);

    ASSERT_OK(eddy_await(event));
    ASSERT_INT_EQ(eddy_task_cancelling(task), 0);
    ASSERT(eddy_cancel(task));
    ASSERT_INT_EQ(eddy_task_cancelling(task), 1);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(noted(), "EIO 1");
}

/* --- tasks that come and go ------------------------------------------------------------------- */

TASK_TEST(a_group_keeps_no_task_that_is_done) {
    eddy_task_group *group = eddy_task_group_new();
    struct actor child = {.seconds = 0.3};

    for (int i = 0; i < 10; i++) {
        ASSERT_OK(eddy_sleep(0.1));
        eddy_task_group_create_task(group, sleeper, &child);
        ASSERT(live_tasks() <= 6);
    }
    ASSERT_OK(eddy_sleep(1.35));
    ASSERT(live_tasks() <= 2); /* this one, and the group's latest, which may still be asked for */
    ASSERT_OK(eddy_task_group_wait(group));
    ASSERT_INT_EQ(live_tasks(), 1);
}

static int heads;

static int hydra(void *group) {
    heads++;
    int r = eddy_sleep(0.01);
    if (r == 0)
        for (int i = 0; i < 2; i++)
            eddy_task_group_create_task((eddy_task_group *)group, hydra, group);
    return r;
}

static int hercules(void *unused) {
    int r = 0;

    (void)unused;
    while (heads < 10 && r == 0)
        r = eddy_sleep(0.015);
    return r < 0 ? r : eddy_raise(-EIO, "%d heads", heads);
}

TASK_TEST(tasks_that_add_others_for_ever_end_with_the_first_failure) {
    eddy_task_group *group = eddy_task_group_new();

    heads = 0;
    eddy_task_group_create_task(group, hydra, group);
    eddy_task_group_create_task(group, hercules, NULL);
    ASSERT_CODE(-EIO, eddy_task_group_wait(group));
    ASSERT(heads >= 10);
    ASSERT_INT_EQ(live_tasks(), 1);
}

static int adds_when_cancelled(void *group) {
    int r = eddy_sleep(10);

    if (r == -ECANCELED) {
        eddy_task *late = eddy_task_group_create_task((eddy_task_group *)group, noter, "late");
        note("%s", eddy_is_cancelled(late) ? "cancelled" : "pending");
    }
    return r;
}

TASK_TEST(a_task_that_is_added_after_the_failure_never_runs) {
    eddy_task_group *group = eddy_task_group_new();

    JOIN_FAILURE(group, 1);
    eddy_task_group_create_task(group, adds_when_cancelled, group);
    ASSERT_CODE(-EIO, eddy_task_group_wait(group));
    ASSERT_STR_EQ(noted(), "cancelled");
}

static const eddy_task_options eagerly = {.eager = true};

static int fails_at_once(void *unused) {
    (void)unused;
    return eddy_raise(-EIO, "the third task failed");
}

static int adds_one_that_fails_at_once(void *group) {
    eddy_task_group_create_task_with((eddy_task_group *)group, &eagerly, fails_at_once, NULL);
    int r = eddy_yield();
    if (r == 0)
        r = eddy_yield();
    note("%s", eddy_error_name(r));
    return r;
}

TASK_TEST(an_eager_task_that_fails_cancels_who_is_just_adding_it) {
    for (int is_eager = 0; is_eager < 2; is_eager++) {
        const eddy_task_options options = {.eager = is_eager};
        eddy_task_group *group = eddy_task_group_new();
        eddy_task_group_create_task_with(group, &options, adds_one_that_fails_at_once, group);
        ASSERT_CODE(-EIO, eddy_task_group_wait(group));
        ASSERT_STR_CONTAINS(eddy_last_error()->message, "third");
        ASSERT_STR_EQ(noted(), "ECANCELED");
        ASSERT_INT_EQ(eddy_cancelling(), 0);
    }
}
