/* SPDX-License-Identifier: MIT
 * test_await.c - waiting for one future, a task's or a plain one. */
#include "virtual.h"

static eddy_future *pending_future(void) {
    eddy_future *future = eddy_future_new(NULL);

    ASSERT_NOT_NULL(future);
    return future;
}

/* --- what comes back -------------------------------------------------------------------------- */

TASK_TEST(await_suspends_until_the_task_has_ended) {
    ASSERT_INT_EQ(eddy_await(SLEEPER(.seconds = 3, .result = 7)), 7);
    ASSERT_INT_EQ(milliseconds(), 3000);
}

TASK_TEST(await_of_a_task_that_is_done_returns_its_result) {
    eddy_task *task = RETURNER(7);

    ASSERT_OK(eddy_sleep(1));
    ASSERT_INT_EQ(eddy_await(task), 7);
}

TASK_TEST(await_of_a_failed_task_returns_its_code_and_its_sentence) {
    ASSERT_CODE(-EIO, eddy_await(eddy_create_task(raiser, "the disk is full")));
    ASSERT_STR_EQ(eddy_last_error()->message, "the disk is full");
    ASSERT_CODE(-EIO, eddy_last_error()->code);
}

TASK_TEST(await_of_null_says_that_there_was_no_memory) {
    ASSERT_CODE(-ENOMEM, eddy_await(NULL));
    ASSERT_CODE(-ENOMEM, eddy_last_error()->code);
    ASSERT_CODE(-ENOMEM, eddy_await_value(NULL, NULL));
}

static void set_seven(void *future) {
    ASSERT_OK(eddy_future_set_result(future, (void *)7));
    eddy_unref(future);
}

TASK_TEST(await_value_gives_the_value_of_a_future) {
    eddy_future *future = pending_future();
    void *value = NULL;

    eddy_call_later(NULL, 2, set_seven, eddy_ref(future));
    ASSERT_OK(eddy_await_value(future, &value));
    ASSERT_PTR_EQ(value, (void *)7);
    ASSERT_INT_EQ(milliseconds(), 2000);
}

TASK_TEST(await_value_leaves_the_value_untouched_on_failure) {
    eddy_future *future = pending_future();
    void *value = &future;

    ASSERT_OK(eddy_future_set_error(future, -EPIPE, "the pipe is gone"));
    ASSERT_CODE(-EPIPE, eddy_await_value(future, &value));
    ASSERT_PTR_EQ(value, &future);
    ASSERT_STR_EQ(eddy_last_error()->message, "the pipe is gone");
}

TASK_TEST(await_value_of_a_task_returns_its_result_and_has_no_value) {
    void *value = &value;

    ASSERT_INT_EQ(eddy_await_value(RETURNER(5), &value), 5);
    ASSERT_PTR_EQ(value, &value);
}

static void count_destroy(void *value) {
    ++*(int *)value;
}

TASK_TEST(a_value_that_was_awaited_belongs_to_the_awaiter) {
    eddy_future *future = pending_future();
    int destroyed = 0;
    void *value = NULL;

    ASSERT_OK(eddy_future_set_result_with(future, &destroyed, count_destroy));
    ASSERT_OK(eddy_await_value(future, &value));
    ASSERT_PTR_EQ(value, &destroyed);
    ASSERT_INT_EQ(destroyed, 0);
}

TASK_TEST(a_value_that_the_awaiter_did_not_want_is_destroyed) {
    eddy_future *future = pending_future();
    int destroyed = 0;

    ASSERT_OK(eddy_future_set_result_with(future, &destroyed, count_destroy));
    ASSERT_OK(eddy_await(future));
    ASSERT_INT_EQ(destroyed, 1);
}

TASK_TEST(await_of_a_timer_future_takes_its_time) {
    ASSERT_OK(eddy_await(eddy_after(5)));
    ASSERT_INT_EQ(milliseconds(), 5000);
}

/* --- several who wait ------------------------------------------------------------------------- */

static int awaits(void *future) {
    int r = eddy_await(eddy_ref(future));

    note("%d", r);
    return r;
}

TASK_TEST(all_who_await_a_task_get_its_result) {
    eddy_task *task = SLEEPER(.seconds = 1, .result = 6);
    eddy_task *a = eddy_create_task(awaits, task), *b = eddy_create_task(awaits, task);

    ASSERT_INT_EQ(eddy_await(eddy_ref(task)), 6);
    ASSERT_OK(eddy_gather(a, b));
    ASSERT_STR_EQ(noted(), "6 6");
    eddy_unref(task);
}

static int awaits_then_notes(void *arg) {
    const struct {
        eddy_future *future;
        const char *name;
    } *waiter = arg;
    int r = eddy_await(eddy_ref(waiter->future));

    note("%s", waiter->name);
    return r;
}

TASK_TEST(waiters_wake_in_the_order_in_which_they_came) {
    eddy_future *future = pending_future();
    struct {
        eddy_future *future;
        const char *name;
    } waiters[] = {{future, "a"}, {future, "b"}, {future, "c"}};
    eddy_task *tasks[3];

    for (int i = 0; i < 3; i++)
        tasks[i] = eddy_create_task(awaits_then_notes, &waiters[i]);
    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_future_set_result(future, NULL));
    ASSERT_STR_EQ(noted(), ""); /* completing only queues */
    ASSERT_OK(eddy_gather_array(tasks, 3, NULL));
    ASSERT_STR_EQ(noted(), "a b c");
    eddy_unref(future);
}

static int depth_left(void *arg) {
    int depth = *(int *)arg - 1;

    if (depth == 0)
        return eddy_sleep(1) < 0 ? -EIO : 1;
    return eddy_await(eddy_create_task(depth_left, &depth)) + 1;
}

TASK_TEST(tasks_await_tasks_a_thousand_deep) {
    int depth = UNDER_TSAN ? 100 : 1000;

    ASSERT_INT_EQ(eddy_await(eddy_create_task(depth_left, &depth)), depth);
}

/* --- what cannot be awaited ------------------------------------------------------------------- */

TASK_TEST(a_task_that_awaits_itself_is_refused_with_a_sentence) {
    eddy_task *me = eddy_current_task();

    ASSERT_CODE(-EDEADLK, eddy_await(me));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "task \"main\" awaits itself");
    ASSERT_CODE(-EDEADLK, eddy_await_value(me, NULL)); /* its reference was not taken */
    ASSERT_PTR_EQ(eddy_current_task(), me);
}

static void await_in_callback(void *future) {
    ASSERT_CODE(-EDEADLK, eddy_await(future));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "callback");
    note("refused");
}

TASK_TEST(await_in_a_callback_is_refused_and_takes_the_reference) {
    eddy_task *task = SLEEPER(.seconds = 1);

    eddy_call_soon(NULL, await_in_callback, task);
    ASSERT_OK(eddy_sleep(2));
    ASSERT_STR_EQ(noted(), "refused");
    ASSERT_INT_EQ(live_tasks(), 1);
}

TASK_TEST(awaiting_what_belongs_to_another_loop_is_refused_and_takes_the_reference) {
    eddy_loop *other = virtual_loop();
    eddy_future *future = eddy_future_new(other);

    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_await(eddy_ref(future)));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "another loop");
    eddy_unref(future);
    virtual_close(other);
}
