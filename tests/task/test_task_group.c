/* SPDX-License-Identifier: MIT
 * test_task_group.c - tasks that end together: what CPython's test_taskgroups.py knows, and more.
 */
#include "virtual.h"

/* --- ends well -------------------------------------------------------------------------------- */

#define JOIN(group, ...) eddy_task_group_create_task(group, sleeper, &((struct actor){__VA_ARGS__}))

TASK_TEST(the_end_waits_for_every_task) {
    eddy_task_group *group = eddy_task_group_new();
    JOIN(group, .name = "slow", .seconds = 2);
    JOIN(group, .name = "quick", .seconds = 1);

    ASSERT_OK(eddy_task_group_wait(group));
    ASSERT_STR_EQ(noted(), "quick slow");
    ASSERT_INT_EQ(milliseconds(), 2000);
    ASSERT_INT_EQ(live_tasks(), 1);
}

TASK_TEST(an_empty_group_ends_at_once) {
    ASSERT_INT_EQ(eddy_task_group_wait(eddy_task_group_new()), 0);
    ASSERT_INT_EQ(milliseconds(), 0);
}

TASK_TEST(a_body_that_goes_well_gives_its_value) {
    eddy_task_group *group = eddy_task_group_new();
    JOIN(group, .seconds = 1, .result = 7);
    ASSERT_INT_EQ(eddy_task_group_end(group, 5), 5);
}

TASK_TEST(tasks_may_have_ended_before_the_end) {
    eddy_task_group *group = eddy_task_group_new();
    JOIN(group, .name = "a", .seconds = 1);
    ASSERT_OK(eddy_sleep(2));
    JOIN(group, .name = "b", .seconds = 1);
    ASSERT_OK(eddy_task_group_wait(group));
    ASSERT_STR_EQ(noted(), "a b");
}

TASK_TEST(a_task_of_a_group_may_be_kept_and_asked_for_its_result) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_task *task = eddy_ref(JOIN(group, .seconds = 1, .result = 9));
    ASSERT_OK(eddy_task_group_wait(group));
    ASSERT_INT_EQ(eddy_await(task), 9);
}

TASK_TEST(a_task_of_a_group_has_the_name_of_its_function) {
    eddy_task_group *group = eddy_task_group_new();
    ASSERT_STR_EQ(eddy_task_name(JOIN(group, .seconds = 1)), "sleeper");
    ASSERT_OK(eddy_task_group_wait(group));
}

static int freed;

static void count_free(void *arg) {
    (void)arg;
    freed++;
}

TASK_TEST(tasks_of_a_group_have_options) {
    struct actor actor = {.name = "a", .seconds = 1};
    const eddy_task_options options = {
        .name = "reader", .copy_bytes = sizeof(actor), .free_arg = count_free};
    eddy_task_group *group = eddy_task_group_new();
    eddy_task *task = eddy_task_group_create_task_with(group, &options, sleeper, &actor);

    ASSERT_STR_EQ(eddy_task_name(task), "reader");
    actor.name = "overwritten";
    ASSERT_OK(eddy_task_group_wait(group));
    ASSERT_STR_EQ(noted(), "a");
    ASSERT_INT_EQ(freed, 1);
}

TASK_TEST(an_eager_task_may_be_done_before_it_has_joined) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_task *task = eddy_task_group_create_task_with(group, &(eddy_task_options){.eager = true},
                                                       returner, &(int){3});

    ASSERT(eddy_is_done(task));
    ASSERT_INT_EQ(eddy_future_result(task, NULL), 3);
    ASSERT_OK(eddy_task_group_wait(group));
}

/* --- added while it waits --------------------------------------------------------------------- */

static struct actor late = {.name = "late", .seconds = 3};

static int adds_another(void *arg) {
    eddy_task_group *group = arg;

    ASSERT_OK(eddy_sleep(1));
    eddy_task_group_create_task(group, sleeper, &late); /* which outlives this function */
    return 0;
}

TASK_TEST(a_task_may_add_others_while_the_end_waits) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_task_group_create_task(group, adds_another, group);
    ASSERT_OK(eddy_task_group_wait(group));
    ASSERT_STR_EQ(noted(), "late");
    ASSERT_INT_EQ(milliseconds(), 4000);
}

static void add_late(void *group) {
    eddy_task_group_create_task(group, sleeper, &late);
}

TASK_TEST(a_task_may_come_after_the_last_one_and_before_the_end_has_run) {
    eddy_task_group *group = eddy_task_group_new();
    JOIN(group, .name = "first", .seconds = 1);
    ASSERT_OK(eddy_yield());
    eddy_call_later(NULL, 1, add_late, group);
    ASSERT_OK(eddy_task_group_wait(group));
    ASSERT_STR_EQ(noted(), "first late");
}

static int adds_to_cancelled(void *arg) {
    eddy_task_group *group = arg;
    int r = eddy_sleep(10);

    eddy_task_group_create_task(group, sleeper, &late);
    return r;
}

TASK_TEST(who_joins_a_cancelled_group_does_not_run) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_task_group_create_task(group, adds_to_cancelled, group);
    ASSERT_OK(eddy_yield());
    ASSERT_CODE(-EPERM, eddy_task_group_end(group, -EPERM));
    ASSERT_STR_EQ(noted(), "");
    ASSERT_INT_EQ(milliseconds(), 0);
}

/* --- failures --------------------------------------------------------------------------------- */

static int fails_later(void *arg) {
    const struct actor *actor = arg;
    int r = eddy_sleep(actor->seconds);

    return r < 0 ? r : eddy_raise(actor->result, "%s failed", actor->name);
}

#define FAIL(group, ...) \
    eddy_task_group_create_task(group, fails_later, &((struct actor){__VA_ARGS__}))

TASK_TEST(the_first_failure_cancels_the_others_and_is_what_the_end_returns) {
    eddy_task_group *group = eddy_task_group_new();
    JOIN(group, .name = "a", .seconds = 10);
    FAIL(group, .name = "b", .seconds = 1, .result = -EIO);
    JOIN(group, .name = "c", .seconds = 10);

    ASSERT_CODE(-EIO, eddy_task_group_wait(group));
    ASSERT_STR_EQ(eddy_last_error()->message, "b failed");
    ASSERT_INT_EQ(eddy_last_error()->others_count, 0);
    ASSERT_STR_EQ(noted(), "a! c!");
    ASSERT_INT_EQ(milliseconds(), 1000);
}

TASK_TEST(a_failure_cancels_also_those_that_have_not_run) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_task_group_create_task(group, raiser, "at once");
    JOIN(group, .name = "never", .seconds = 1);
    ASSERT_CODE(-EIO, eddy_task_group_wait(group));
    ASSERT_STR_EQ(noted(), "");
}

TASK_TEST(a_failure_interrupts_the_body) {
    eddy_task_group *group = eddy_task_group_new();
    FAIL(group, .name = "a", .seconds = 1, .result = -EIO);

    int r = eddy_sleep(10);
    ASSERT_CODE(-ECANCELED, r);
    ASSERT_INT_EQ(eddy_cancelling(), 1);
    ASSERT_CODE(-EIO, eddy_task_group_end(group, r));
    ASSERT_INT_EQ(eddy_cancelling(), 0);
    ASSERT_INT_EQ(milliseconds(), 1000);
    ASSERT_OK(eddy_yield()); /* the interruption is over */
}

TASK_TEST(a_body_that_does_not_heed_the_interruption_ends_with_the_failure) {
    eddy_task_group *group = eddy_task_group_new();
    FAIL(group, .name = "a", .seconds = 1, .result = -EIO);
    eddy_sleep(10);
    ASSERT_CODE(-EIO, eddy_task_group_end(group, 0));
}

TASK_TEST(the_error_of_the_body_cancels_the_tasks) {
    eddy_task_group *group = eddy_task_group_new();
    JOIN(group, .name = "a", .seconds = 10);
    ASSERT_OK(eddy_yield());

    ASSERT_CODE(-EPIPE, eddy_task_group_end(group, eddy_raise(-EPIPE, "the body failed")));
    ASSERT_STR_EQ(eddy_last_error()->message, "the body failed");
    ASSERT_STR_EQ(noted(), "a!");
}

TASK_TEST(an_error_without_a_sentence_does_not_show_an_older_one) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_raise(-EIO, "older");
    ASSERT_CODE(-EPIPE, eddy_task_group_end(group, -EPIPE));
    ASSERT_STR_EQ(eddy_last_error()->message, "Broken pipe");
}

TASK_TEST(every_error_is_readable_the_first_in_time_first) {
    eddy_task_group *group = eddy_task_group_new();
    FAIL(group, .name = "second", .seconds = 2, .result = -EPERM);
    FAIL(group, .name = "first", .seconds = 1, .result = -EIO);
    eddy_task_group_create_task(group, stubborn,
                                &((struct actor){.seconds = 9, .clean_up = 2, .result = -EBADF}));
    ASSERT_OK(eddy_sleep(0.5));

    ASSERT_CODE(-EIO, eddy_task_group_end(group, 0));
    const eddy_error *error = eddy_last_error();
    ASSERT_STR_EQ(error->message, "first failed");
    ASSERT_INT_EQ(error->others_count, 1);
    ASSERT_CODE(-EBADF, error->others[0]->code);
    ASSERT_INT_EQ(milliseconds(), 3000);
}

TASK_TEST(the_error_of_a_child_comes_before_that_of_the_body_it_interrupted) {
    eddy_task_group *group = eddy_task_group_new();
    FAIL(group, .name = "child", .seconds = 1, .result = -EIO);
    eddy_sleep(5);
    ASSERT_CODE(-EIO, eddy_task_group_end(group, eddy_raise(-EPIPE, "the body's")));
    ASSERT_INT_EQ(eddy_last_error()->others_count, 1);
    ASSERT_STR_EQ(eddy_last_error()->others[0]->message, "the body's");
}

TASK_TEST(a_task_that_was_cancelled_is_no_failure) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_task *task = JOIN(group, .name = "a", .seconds = 10);
    JOIN(group, .name = "b", .seconds = 2);
    cancel_later(1, task);

    ASSERT_OK(eddy_task_group_wait(group));
    ASSERT_STR_EQ(noted(), "a! b");
    ASSERT_INT_EQ(milliseconds(), 2000);
}

TASK_TEST(what_failed_in_a_group_is_not_reported_as_never_awaited) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_task_group_create_task(group, raiser, "x");
    eddy_task_group_create_task(group, returner, &(int){-EPERM});
    ASSERT_CODE(-EIO,
                eddy_task_group_wait(group)); /* reports() is looked at by the end of a test */
}

/* --- cancelling the group --------------------------------------------------------------------- */

TASK_TEST(a_group_that_was_cancelled_ends_without_an_error) {
    eddy_task_group *group = eddy_task_group_new();
    JOIN(group, .name = "a", .seconds = 10);
    ASSERT_OK(eddy_yield());
    eddy_task_group_cancel(group);

    ASSERT_OK(eddy_task_group_wait(group));
    ASSERT_STR_EQ(noted(), "a!");
    ASSERT_INT_EQ(milliseconds(), 0);
}

static int cancels_group(void *group) {
    ASSERT_OK(eddy_sleep(1));
    eddy_task_group_cancel(group);
    return eddy_yield();
}

TASK_TEST(a_task_may_cancel_its_group_and_the_body_with_it) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_task_group_create_task(group, cancels_group, group);
    JOIN(group, .name = "a", .seconds = 10);

    int r = eddy_sleep(10);
    ASSERT_CODE(-ECANCELED, r);
    ASSERT_OK(eddy_task_group_end(group, r));
    ASSERT_STR_EQ(noted(), "a!");
    ASSERT_INT_EQ(milliseconds(), 1000);
    ASSERT_INT_EQ(eddy_cancelling(), 0);
}

TASK_TEST(cancelling_a_group_twice_is_cancelling_it_once) {
    eddy_task_group *group = eddy_task_group_new();
    JOIN(group, .seconds = 10);
    eddy_task_group_cancel(group);
    eddy_task_group_cancel(group);
    ASSERT_OK(eddy_task_group_wait(group));
    ASSERT_INT_EQ(eddy_cancelling(), 0);
}

TASK_TEST(an_error_during_the_clean_up_of_a_cancelled_group_is_returned) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_task_group_create_task(group, stubborn,
                                &((struct actor){.seconds = 9, .clean_up = 1, .result = -EBADF}));
    ASSERT_OK(eddy_yield());
    eddy_task_group_cancel(group);
    ASSERT_CODE(-EBADF, eddy_task_group_wait(group));
}

/* --- cancelling who waits --------------------------------------------------------------------- */

static int owns_group(void *arg) {
    eddy_task_group *group = eddy_task_group_new();

    JOIN(group, .name = "a", .seconds = 10);
    eddy_task_group_create_task(group, tidy,
                                &((struct actor){.name = "b", .seconds = 10, .clean_up = 2}));
    if (arg)
        FAIL(group, .name = "c", .seconds = 4, .result = *(int *)arg);
    int r = eddy_task_group_wait(group);
    note("%s", r < 0 ? eddy_error_name(r) : "well");
    return r;
}

TASK_TEST(a_cancel_of_the_end_is_passed_on_and_waited_for) {
    eddy_task *task = eddy_create_task(owns_group, NULL);
    cancel_later(1, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(noted(), "a! b! ECANCELED");
    ASSERT_INT_EQ(milliseconds(), 3000);
}

static int cleans_up_badly(void *arg) {
    (void)arg;
    return eddy_sleep(10) < 0 ? eddy_raise(-EIO, "clean-up failed") : 0;
}

static int owns_bad_one(void *arg) {
    eddy_task_group *group = eddy_task_group_new();

    (void)arg;
    eddy_task_group_create_task(group, cleans_up_badly, NULL);
    int r = eddy_task_group_wait(group);
    ASSERT_CODE(-EIO, r);
    ASSERT_INT_EQ(eddy_cancelling(), 1); /* the cancel goes on */
    ASSERT_CODE(-ECANCELED, eddy_yield());
    return r;
}

TASK_TEST(an_error_goes_before_the_cancel_that_caused_it) {
    eddy_task *task = eddy_create_task(owns_bad_one, NULL);
    cancel_later(1, task);
    ASSERT_CODE(-EIO, eddy_await(task));
}

TASK_TEST(a_time_out_around_the_end_cancels_the_tasks) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_timeout timeout;
    JOIN(group, .name = "a", .seconds = 10);

    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_task_group_wait(group)));
    ASSERT_STR_EQ(noted(), "a!");
    ASSERT_INT_EQ(milliseconds(), 1000);
}

static int sleeps_in_body(void *arg) {
    eddy_task_group *group = eddy_task_group_new();

    (void)arg;
    JOIN(group, .name = "a", .seconds = 10);
    int r = eddy_task_group_end(group, eddy_sleep(10));
    note("%s", eddy_error_name(r));
    return r;
}

TASK_TEST(a_cancel_of_the_body_ends_all) {
    eddy_task *task = eddy_create_task(sleeps_in_body, NULL);
    cancel_later(1, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(noted(), "a! ECANCELED");
}

static int is_cancelled_twice(void *arg) {
    eddy_task_group *group = eddy_task_group_new();

    (void)arg;
    FAIL(group, .name = "a", .seconds = 1, .result = -EIO);
    ASSERT_CODE(-ECANCELED, eddy_sleep(10)); /* by the failure */
    ASSERT_CODE(-EIO, eddy_task_group_end(group, -ECANCELED));
    ASSERT_INT_EQ(eddy_cancelling(), 1); /* from outside, in the same turn */
    return -ECANCELED;
}

TASK_TEST(a_cancel_from_outside_outlives_the_interruption_of_the_group) {
    eddy_task *task = eddy_create_task(is_cancelled_twice, NULL);
    cancel_later(1, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
}

TASK_TEST(a_group_in_a_shield_does_not_see_the_cancel) {
    eddy_shield_scope shield;
    eddy_task_group *group;

    eddy_cancel(eddy_current_task());
    eddy_shield_begin(&shield);
    group = eddy_task_group_new();
    JOIN(group, .name = "a", .seconds = 1);
    ASSERT_OK(eddy_task_group_wait(group));
    eddy_shield_end(&shield);
    ASSERT_STR_EQ(noted(), "a");
    eddy_uncancel();
}

/* --- a group in a group ----------------------------------------------------------------------- */

static int owns_failing(void *arg) {
    eddy_task_group *group = eddy_task_group_new();

    FAIL(group, .name = "inner", .seconds = 1, .result = *(int *)arg);
    JOIN(group, .name = "inner sibling", .seconds = 5);
    return eddy_task_group_wait(group);
}

TASK_TEST(a_failure_in_an_inner_group_ends_the_outer_one) {
    eddy_task_group *group = eddy_task_group_new();
    JOIN(group, .name = "outer sibling", .seconds = 5);
    eddy_task_group_create_task(group, owns_failing, &(int){-EIO});
    ASSERT_CODE(-EIO, eddy_task_group_wait(group));
    ASSERT_STR_EQ(eddy_last_error()->message, "inner failed");
    ASSERT_STR_EQ(noted(), "inner sibling! outer sibling!");
}

TASK_TEST(groups_of_one_body_nest) {
    eddy_task_group *outer = eddy_task_group_new(), *inner = eddy_task_group_new();
    JOIN(outer, .name = "outer", .seconds = 3);
    FAIL(inner, .name = "inner", .seconds = 1, .result = -EIO);
    ASSERT_CODE(-EIO, eddy_task_group_end(inner, eddy_sleep(10)));
    ASSERT_OK(eddy_sleep(1)); /* only the inner one was over */
    ASSERT_OK(eddy_task_group_wait(outer));
    ASSERT_STR_EQ(noted(), "outer");
}

TASK_TEST(an_outer_cancel_goes_through_both_groups) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_task_group_create_task(group, owns_group, NULL);
    ASSERT_OK(eddy_sleep(1));
    eddy_task_group_cancel(group);
    ASSERT_OK(eddy_task_group_wait(group));
    ASSERT_STR_EQ(noted(), "a! b! ECANCELED");
    ASSERT_INT_EQ(milliseconds(), 3000);
}

/* --- where it may stand ----------------------------------------------------------------------- */

TEST(outside_any_task_the_end_runs_the_loop) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_task_group_create_task(group, noter, "a");
    ASSERT_OK(eddy_task_group_wait(group));
    ASSERT_STR_EQ(noted(), "a");
}

TEST(outside_any_task_a_failure_interrupts_the_body_too) {
    eddy_task_group *group = eddy_task_group_new();
    eddy_task_group_create_task(group, raiser, "x");
    int r = eddy_sleep(60);
    ASSERT_CODE(-ECANCELED, r);
    ASSERT_CODE(-EIO, eddy_task_group_end(group, r));
    ASSERT_OK(eddy_yield());
}

static void ends_in_callback(void *arg) {
    eddy_task_group *group = eddy_task_group_new();

    *(eddy_task **)arg = eddy_ref(JOIN(group, .name = "a", .seconds = 10));
    ASSERT_CODE(-EDEADLK, eddy_task_group_wait(group));
}

TASK_TEST(in_a_callback_the_end_cannot_wait_and_cancels) {
    eddy_task *task = NULL;
    eddy_call_soon(NULL, ends_in_callback, &task);
    ASSERT_OK(eddy_yield());
    ASSERT_CODE(-ECANCELED, eddy_await(task));
}

static int joins_from_pool(void *group) {
    ASSERT_NULL(JOIN(group, .seconds = 1));
    return eddy_last_error()->code;
}

TASK_TEST(another_thread_cannot_add_a_task) {
    eddy_task_group *group = eddy_task_group_new();
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_to_thread(joins_from_pool, group));
    ASSERT_OK(eddy_task_group_wait(group));
}

TASK_TEST(without_memory_for_a_group_its_calls_say_so) {
    ASSERT_NULL(JOIN(NULL, .seconds = 1));
    ASSERT_CODE(-ENOMEM, eddy_last_error()->code);
    eddy_task_group_cancel(NULL);
    ASSERT_CODE(-ENOMEM, eddy_task_group_wait(NULL));
}

static int waits_for_ever(void *arg) {
    eddy_task_group *group = eddy_task_group_new();

    (void)arg;
    JOIN(group, .seconds = 1e6);
    JOIN(group, .seconds = 2e6);
    return eddy_task_group_wait(group);
}

static int starts_and_leaves(void *arg) {
    eddy_detach(eddy_create_task(waits_for_ever, arg));
    return eddy_sleep(1);
}

TEST(a_loop_closed_over_a_group_that_waits_gives_all_back) {
    eddy_loop *loop = virtual_loop();
    ASSERT_OK(virtual_run(loop, starts_and_leaves, NULL));
    ASSERT_NULL(eddy_loop_close(loop)); /* and the leak checker looks */
    ASSERT_STR_CONTAINS(reports(), "3 tasks");
}
