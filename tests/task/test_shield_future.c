/* SPDX-License-Identifier: MIT
 * test_shield_future.c - eddy_shield(): a cancel stops at the shield, all else passes. */
#include "virtual.h"

/* --- what passes ------------------------------------------------------------------------------ */

TASK_TEST(a_shielded_task_gives_its_result) {
    ASSERT_INT_EQ(eddy_await(eddy_shield(SLEEPER(.seconds = 2, .result = 7))), 7);
    ASSERT_INT_EQ(milliseconds(), 2000);
}

TASK_TEST(a_shielded_task_gives_its_error_with_the_sentence) {
    ASSERT_CODE(-EIO, eddy_await(eddy_shield(eddy_create_task(raiser, "broken"))));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "broken");
}

static void note_destroyed(void *value) {
    note("destroyed-%s", (char *)value);
}

TASK_TEST(a_shielded_value_is_handed_over) {
    eddy_future *inner = eddy_future_new(NULL), *shield = eddy_shield(eddy_ref(inner));
    void *value = NULL;

    ASSERT_OK(eddy_future_set_result_with(inner, "value", note_destroyed));
    eddy_unref(inner);
    ASSERT_OK(eddy_await_value(shield, &value));
    ASSERT_STR_EQ(value, "value");
    ASSERT_STR_EQ(noted(), "");
}

TASK_TEST(a_shielded_value_that_nobody_takes_is_destroyed) {
    eddy_future *inner = eddy_future_new(NULL), *shield = eddy_shield(eddy_ref(inner));

    ASSERT_OK(eddy_future_set_result_with(inner, "value", note_destroyed));
    eddy_unref(inner);
    ASSERT_OK(eddy_await(shield));
    ASSERT_STR_EQ(noted(), "destroyed-value");
}

TASK_TEST(a_future_that_is_done_needs_no_shield) {
    eddy_future *done = RETURNER(3);

    ASSERT_OK(eddy_yield());
    ASSERT_PTR_EQ(eddy_shield(done), done);
    ASSERT_INT_EQ(eddy_await(done), 3);
}

TASK_TEST(the_shield_of_nothing_is_nothing) {
    ASSERT_NULL(eddy_shield(NULL));
    ASSERT_CODE(-ENOMEM, eddy_last_error()->code);
}

TASK_TEST(a_shield_is_shielded_like_any_other) {
    ASSERT_INT_EQ(eddy_await(eddy_shield(eddy_shield(SLEEPER(.seconds = 1, .result = 5)))), 5);
}

TASK_TEST(shields_are_gathered_and_waited_for) {
    eddy_future *slow = eddy_shield(SLEEPER(.seconds = 2)), *quick = eddy_shield(eddy_after(1));

    ASSERT_INT_EQ(eddy_wait((eddy_future *[]){slow, quick}, 2, INFINITY, EDDY_FIRST_COMPLETED), 1);
    ASSERT_OK(eddy_gather(slow, quick));
    ASSERT_INT_EQ(milliseconds(), 2000);
}

/* --- one in front of another ------------------------------------------------------------------ */

enum { CHAIN = 20000 }; /* one call inside another would need more stack than a task has */

static eddy_future *chain(eddy_future *future) {
    for (int i = 0; i < CHAIN; i++)
        future = eddy_shield(future);
    return future;
}

TASK_TEST(a_result_comes_through_a_long_chain_of_shields) {
    ASSERT_INT_EQ(eddy_await(chain(SLEEPER(.seconds = 1, .result = 5))), 5);
    ASSERT_INT_EQ(milliseconds(), 1000);
}

TASK_TEST(a_value_comes_through_a_long_chain_of_shields) {
    eddy_future *inner = eddy_future_new(NULL), *shield = chain(eddy_ref(inner));
    void *value = NULL;

    ASSERT_OK(eddy_future_set_result_with(inner, "value", note_destroyed));
    eddy_unref(inner);
    ASSERT_OK(eddy_await_value(shield, &value));
    ASSERT_STR_EQ(value, "value");
    ASSERT_STR_EQ(noted(), "");
}

TASK_TEST(a_failure_behind_a_long_chain_of_shields_is_reported_once_with_its_name) {
    eddy_future *shield = chain(eddy_create_task(raiser, "broken"));
    const char *text;

    ASSERT_OK(eddy_sleep(1));
    eddy_unref(shield);
    text = reports();
    ASSERT_STR_CONTAINS(text, "task \"raiser\"");
    ASSERT_PTR_EQ(strchr(text, '\n'), text + strlen(text) - 1);
}

TASK_TEST(a_long_chain_of_shields_may_be_cancelled_or_let_go) {
    eddy_task *task = SLEEPER(.name = "inner", .seconds = 1);
    eddy_future *cancelled = chain(eddy_ref(task)), *dropped = chain(eddy_ref(task));

    ASSERT(eddy_cancel(cancelled));
    ASSERT_CODE(-ECANCELED, eddy_await(cancelled));
    eddy_unref(dropped);
    ASSERT_OK(eddy_await(task));
    ASSERT_STR_EQ(noted(), "inner");
}

TASK_TEST(a_cancel_in_the_middle_of_a_chain_ends_what_is_in_front_of_it) {
    eddy_future *inner = SLEEPER(.name = "inner", .seconds = 2, .result = 3);
    eddy_future *middle = eddy_shield(eddy_ref(inner)), *outer = chain(eddy_ref(middle));

    cancel_later(1, middle);
    ASSERT_CODE(-ECANCELED, eddy_await(outer));
    ASSERT_INT_EQ(milliseconds(), 1000);
    ASSERT_CODE(-ECANCELED, eddy_await(middle));
    ASSERT_INT_EQ(eddy_await(inner), 3);
    ASSERT_STR_EQ(noted(), "inner");
}

TASK_TEST(one_future_may_have_many_shields) {
    eddy_future *inner = eddy_future_new(NULL), *shields[3], *outer;

    for (int i = 0; i < 3; i++)
        shields[i] = eddy_shield(eddy_ref(inner));
    outer = eddy_shield(eddy_ref(shields[1]));
    ASSERT(eddy_cancel(shields[0]));
    ASSERT_OK(eddy_future_set_result(inner, NULL));
    eddy_unref(inner);
    ASSERT_CODE(-ECANCELED, eddy_await(shields[0]));
    ASSERT_OK(eddy_gather(shields[1], shields[2], outer));
}

/* --- what does not ---------------------------------------------------------------------------- */

TASK_TEST(a_cancel_of_the_shield_leaves_the_task_running) {
    eddy_task *task = SLEEPER(.name = "inner", .seconds = 1, .result = 4);
    eddy_future *shield = eddy_shield(eddy_ref(task));

    ASSERT_OK(eddy_yield());
    ASSERT(eddy_cancel_with(shield, "not needed"));
    ASSERT(!eddy_cancel(shield));
    ASSERT(eddy_is_cancelled(shield) && !eddy_is_done(task));
    ASSERT_CODE(-ECANCELED, eddy_await(shield));
    ASSERT_STR_EQ(eddy_last_error()->message, "not needed");
    ASSERT_INT_EQ(eddy_await(task), 4);
    ASSERT_STR_EQ(noted(), "inner");
}

TASK_TEST(a_cancel_of_the_shielded_task_ends_the_shield) {
    eddy_task *task = SLEEPER(.seconds = 1);
    eddy_future *shield = eddy_shield(eddy_ref(task));

    cancel_later(0.5, task);
    ASSERT_CODE(-ECANCELED, eddy_await(shield));
    ASSERT_INT_EQ(milliseconds(), 500);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
}

/* The pointer to a task. */
static int awaits_shield(void *task) {
    int r = eddy_await(eddy_shield(eddy_ref(*(eddy_task **)task)));

    note("%s", eddy_error_name(r));
    return r;
}

TASK_TEST(a_cancelled_waiter_leaves_at_once_and_the_task_behind_the_shield_goes_on) {
    eddy_task *task = SLEEPER(.name = "inner", .seconds = 5, .result = 1);
    eddy_task *outer = eddy_create_task(awaits_shield, &task);

    cancel_later(1, outer);
    ASSERT_CODE(-ECANCELED, eddy_await(outer));
    ASSERT_INT_EQ(milliseconds(), 1000);
    ASSERT_INT_EQ(eddy_await(task), 1);
    ASSERT_STR_EQ(noted(), "ECANCELED inner");
}

TASK_TEST(a_waiter_cancelled_when_the_task_has_ended_gets_its_result) {
    eddy_future *inner = eddy_future_new(NULL);
    eddy_task *outer = eddy_create_task(awaits_shield, &inner);

    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_future_set_result(inner, NULL));
    ASSERT(eddy_cancel(outer));
    ASSERT_OK(eddy_await(outer));
    eddy_unref(inner);
    noted();
}

TASK_TEST(in_a_cancelled_task_a_shield_still_protects) {
    eddy_task *task = SLEEPER(.seconds = 1, .result = 4);

    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_await(eddy_shield(eddy_ref(task))));
    ASSERT_INT_EQ(eddy_uncancel(), 0);
    ASSERT_INT_EQ(eddy_await(task), 4);
}

TASK_TEST(a_time_out_around_a_shield_ends_the_wait_alone) {
    eddy_task *task = SLEEPER(.seconds = 3, .result = 2);

    ASSERT_CODE(-ETIMEDOUT, eddy_wait_for(eddy_shield(eddy_ref(task)), 1));
    ASSERT_INT_EQ(milliseconds(), 1000);
    ASSERT_INT_EQ(eddy_await(task), 2);
}

TASK_TEST(a_gather_that_is_cancelled_stops_what_has_no_shield) {
    eddy_task *kept = SLEEPER(.name = "kept", .seconds = 2);
    eddy_future *futures[] = {eddy_shield(eddy_ref(kept)), SLEEPER(.name = "gone", .seconds = 2)};
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_gather_array(futures, 2, NULL)));
    ASSERT_OK(eddy_await(kept));
    ASSERT_STR_EQ(noted(), "gone! kept");
}

/* --- failures that nobody sees ---------------------------------------------------------------- */

static int fails_later(void *unused) {
    int r = eddy_sleep(2);

    (void)unused;
    return r < 0 ? r : eddy_raise(-EIO, "failed behind the shield");
}

TASK_TEST(a_task_that_fails_after_its_shield_was_cancelled_is_reported) {
    eddy_future *shield = eddy_shield(eddy_create_task(fails_later, NULL));

    ASSERT_CODE(-ETIMEDOUT, eddy_wait_for(shield, 1));
    ASSERT_STR_EQ(reports(), "");
    ASSERT_OK(eddy_sleep(5));
    ASSERT_STR_CONTAINS(reports(), "failed behind the shield");
}

TASK_TEST(a_failed_shield_that_nobody_awaits_is_reported_once_with_the_name_of_the_task) {
    eddy_future *shield = eddy_shield(eddy_create_task(fails_later, NULL));
    const char *text;

    ASSERT_OK(eddy_sleep(5));
    eddy_unref(shield);
    text = reports();
    ASSERT_STR_CONTAINS(text, "task \"fails_later\"");
    ASSERT_PTR_EQ(strchr(text, '\n'), text + strlen(text) - 1);
}

TASK_TEST(a_failure_awaited_through_the_shield_is_not_reported) {
    ASSERT_CODE(-EIO, eddy_await(eddy_shield(eddy_create_task(fails_later, NULL))));
    ASSERT_STR_EQ(reports(), "");
}

TASK_TEST(a_shield_may_be_let_go_while_the_task_runs) {
    ASSERT_OK(eddy_detach(eddy_shield(SLEEPER(.name = "inner", .seconds = 1))));
    ASSERT_OK(eddy_sleep(2));
    ASSERT_STR_EQ(noted(), "inner");
}

TASK_TEST(a_result_behind_a_cancelled_shield_is_no_news) {
    eddy_future *inner = eddy_future_new(NULL), *shield = eddy_shield(eddy_ref(inner));

    ASSERT(eddy_cancel(shield));
    ASSERT_OK(eddy_future_set_result(inner, NULL));
    eddy_unref(inner);
    eddy_unref(shield);
    ASSERT_STR_EQ(reports(), "");
}

TASK_TEST(a_failure_behind_two_cancelled_shields_is_reported_once) {
    eddy_future *inner = eddy_future_new(NULL);
    const char *text;

    for (int i = 0; i < 2; i++) {
        eddy_future *shield = eddy_shield(eddy_ref(inner));
        ASSERT(eddy_cancel(shield));
        eddy_unref(shield);
    }
    ASSERT_OK(eddy_future_set_error(inner, -EIO, "foo"));
    eddy_unref(inner);
    text = reports();
    ASSERT_STR_CONTAINS(text, "foo");
    ASSERT_PTR_EQ(strchr(text, '\n'), text + strlen(text) - 1);
}

static int gathers_pair(void *arg) {
    eddy_future **pair = arg;

    return eddy_gather_array(pair, 2, NULL);
}

TASK_TEST(a_task_that_gathers_may_be_shielded) {
    eddy_future *children[] = {eddy_future_new(NULL), eddy_future_new(NULL)};
    eddy_future *pair[] = {eddy_ref(children[0]), eddy_ref(children[1])};
    eddy_task *parent = eddy_create_task(gathers_pair, pair);
    eddy_future *shield = eddy_shield(eddy_ref(parent));

    ASSERT_OK(eddy_yield());
    ASSERT(eddy_cancel(shield));
    ASSERT_CODE(-ECANCELED, eddy_await(shield));
    for (int i = 0; i < 2; i++) {
        ASSERT_OK(eddy_future_set_result(children[i], NULL));
        eddy_unref(children[i]);
    }
    ASSERT_OK(eddy_await(parent));
}

/* --- callbacks -------------------------------------------------------------------------------- */

static void note_done(eddy_future *future, void *name) {
    note("%s=%d", (char *)name, eddy_future_result(future, NULL));
}

TASK_TEST(callbacks_of_the_shield_run_when_the_task_has_ended) {
    eddy_future *shield = eddy_shield(SLEEPER(.seconds = 1, .result = 6));

    ASSERT_OK(eddy_future_add_done_callback(shield, note_done, "shield"));
    ASSERT_OK(eddy_sleep(2));
    ASSERT_STR_EQ(noted(), "shield=6");
    eddy_unref(shield);
}

TASK_TEST(callbacks_of_a_shield_that_was_let_go_do_not_run) {
    eddy_future *inner = eddy_future_new(NULL), *shield = eddy_shield(eddy_ref(inner));

    ASSERT_OK(eddy_future_add_done_callback(shield, note_done, "shield"));
    eddy_unref(shield);
    ASSERT_OK(eddy_future_set_result(inner, NULL));
    eddy_unref(inner);
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "");
}

TASK_TEST(a_shield_is_not_completed_by_hand) {
    eddy_future *shield = eddy_shield(eddy_after(1));

    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_set_result(shield, NULL));
    ASSERT_OK(eddy_await(shield));
}

/* --- other threads, and the end of a loop ----------------------------------------------------- */

static int returns_seven(void *unused) {
    (void)unused;
    return 7;
}

TASK_TEST(a_coroutine_run_for_other_threads_is_shielded_too) {
    eddy_future *future = eddy_run_coroutine_threadsafe(eddy_running_loop(), returns_seven, NULL);

    ASSERT_INT_EQ(eddy_await(eddy_shield(future)), 7);
}

static int yields(void *unused) {
    (void)unused;
    return eddy_yield();
}

TASK_TEST(a_cancelled_shield_leaves_a_coroutine_run_for_other_threads_alone) {
    eddy_future *future = eddy_run_coroutine_threadsafe(eddy_running_loop(), yields, NULL);
    eddy_future *shield = eddy_shield(eddy_ref(future));

    ASSERT(eddy_cancel(shield));
    ASSERT_CODE(-ECANCELED, eddy_await(shield));
    ASSERT_OK(eddy_await(future));
    ASSERT_OK(eddy_sleep(1)); /* nobody is waited for any more: virtual time goes on */
}

static int awaits_far(void *unused) {
    (void)unused;
    return eddy_await(eddy_shield(SLEEPER(.seconds = 1000)));
}

TEST(a_loop_closed_with_a_shield_in_it_leaks_nothing) {
    eddy_loop *loop = virtual_loop();
    eddy_future *inner = eddy_future_new(loop), *shield = eddy_shield(eddy_ref(inner));

    eddy_detach(eddy_create_task_with(&(eddy_task_options){.loop = loop}, awaits_far, NULL));
    for (int i = 0; i < 5; i++)
        ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_STR_CONTAINS(reports(), "a loop was closed with 2 tasks");
    eddy_unref(shield);
    eddy_unref(inner);
}
