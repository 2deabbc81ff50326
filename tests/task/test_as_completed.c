/* SPDX-License-Identifier: MIT
 * test_as_completed.c - futures handed out in the order in which they complete. */
#include "virtual.h"

/* Awaits what comes next and returns its result; -1000: nothing came. */
static int next_result(eddy_as_completed *iterator) {
    eddy_future *future;
    int r = eddy_as_completed_next(iterator, &future);

    return r == 1 ? eddy_await(future) : r == 0 ? -1000 : r;
}

TASK_TEST(futures_come_in_the_order_in_which_they_complete) {
    eddy_future *futures[] = {SLEEPER(.seconds = 3, .result = 3), eddy_after(1),
                              SLEEPER(.seconds = 2, .result = 2)};
    eddy_as_completed *iterator = eddy_as_completed_new(futures, 3);

    ASSERT_INT_EQ(next_result(iterator), 0);
    ASSERT_INT_EQ(milliseconds(), 1000);
    ASSERT_INT_EQ(next_result(iterator), 2);
    ASSERT_INT_EQ(next_result(iterator), 3);
    ASSERT_INT_EQ(milliseconds(), 3000);
    ASSERT_INT_EQ(next_result(iterator), -1000);
    ASSERT_INT_EQ(next_result(iterator), -1000);
    ASSERT_NULL(eddy_as_completed_free(iterator));
}

TASK_TEST(what_completes_while_nobody_asks_waits_in_order) {
    eddy_future *futures[] = {SLEEPER(.seconds = 2, .result = 2), RETURNER(7),
                              SLEEPER(.seconds = 1, .result = 1)};
    eddy_as_completed *iterator = eddy_as_completed_new(futures, 3);

    ASSERT_OK(eddy_sleep(5));
    ASSERT_INT_EQ(next_result(iterator), 7);
    ASSERT_INT_EQ(next_result(iterator), 1);
    ASSERT_INT_EQ(next_result(iterator), 2);
    eddy_as_completed_free(iterator);
}

TASK_TEST(the_futures_handed_out_are_those_that_were_given) {
    eddy_future *given[] = {SLEEPER(.seconds = 2), eddy_future_new(NULL), eddy_after(1)}, *out;
    const int order[] = {1, 2, 0};

    ASSERT_OK(eddy_future_set_result(given[1], NULL));
    eddy_as_completed *iterator = eddy_as_completed_new(given, 3);
    for (int i = 0; i < 3; i++) {
        ASSERT_INT_EQ(eddy_as_completed_next(iterator, &out), 1);
        ASSERT_PTR_EQ(out, given[order[i]]);
        ASSERT(eddy_is_done(out));
        eddy_unref(out);
    }
    eddy_as_completed_free(iterator);
}

TASK_TEST(the_iterator_may_be_left_and_taken_up_again) {
    eddy_future *futures[] = {RETURNER(0), RETURNER(1), RETURNER(2), RETURNER(3)};
    eddy_as_completed *iterator = eddy_as_completed_new(futures, 4);

    ASSERT_INT_EQ(next_result(iterator), 0);
    ASSERT_INT_EQ(next_result(iterator), 1);
    ASSERT_OK(eddy_sleep(1));
    ASSERT_INT_EQ(next_result(iterator), 2);
    ASSERT_INT_EQ(next_result(iterator), 3);
    ASSERT_INT_EQ(next_result(iterator), -1000);
    eddy_as_completed_free(iterator);
}

TASK_TEST(several_handed_out_may_be_awaited_together) {
    eddy_future *futures[] = {SLEEPER(.seconds = 1, .result = 1),
                              SLEEPER(.seconds = 1, .result = 2)};
    eddy_as_completed *iterator = eddy_as_completed_new(futures, 2);
    int results[2];

    for (int i = 0; i < 2; i++)
        ASSERT_INT_EQ(eddy_as_completed_next(iterator, &futures[i]), 1);
    ASSERT_OK(eddy_gather_array(futures, 2, results));
    ASSERT_INT_EQ(results[0] + results[1], 3);
    ASSERT_INT_EQ(milliseconds(), 1000);
    eddy_as_completed_free(iterator);
}

TASK_TEST(the_same_future_given_twice_comes_twice) {
    eddy_task *task = SLEEPER(.seconds = 1, .result = 6);
    eddy_future *futures[] = {task, eddy_ref(task), SLEEPER(.seconds = 2, .result = 7)};
    eddy_as_completed *iterator = eddy_as_completed_new(futures, 3);

    ASSERT_INT_EQ(next_result(iterator), 6);
    ASSERT_INT_EQ(next_result(iterator), 6);
    ASSERT_INT_EQ(next_result(iterator), 7);
    eddy_as_completed_free(iterator);
}

TEST(outside_any_task_the_asking_runs_the_loop) {
    eddy_loop *loop = virtual_loop();
    const eddy_task_options options = {.loop = loop};
    struct actor slow = {.seconds = 2, .result = 2}, quick = {.seconds = 1, .result = 1};
    eddy_future *futures[] = {eddy_create_task_with(&options, sleeper, &slow),
                              eddy_create_task_with(&options, sleeper, &quick)};
    eddy_as_completed *iterator = eddy_as_completed_new(futures, 2);

    ASSERT_INT_EQ(next_result(iterator), 1);
    ASSERT_INT_EQ(next_result(iterator), 2);
    eddy_as_completed_free(iterator);
    virtual_close(loop);
}

TASK_TEST(a_failed_future_is_handed_out_like_any_other) {
    eddy_future *futures[] = {eddy_create_task(raiser, "broken"), NULL};
    eddy_as_completed *iterator = eddy_as_completed_new(futures, 2);

    ASSERT_CODE(-ENOMEM, next_result(iterator));
    ASSERT_CODE(-EIO, next_result(iterator));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "broken");
    eddy_as_completed_free(iterator);
}

TASK_TEST(of_no_futures_none_comes) {
    eddy_as_completed *iterator = eddy_as_completed_new(NULL, 0);

    ASSERT_INT_EQ(next_result(iterator), -1000);
    eddy_as_completed_free(iterator);
    ASSERT_CODE(-ENOMEM, next_result(NULL));
    ASSERT_NULL(eddy_as_completed_free(NULL));
}

TASK_TEST(an_iterator_freed_early_lets_the_rest_go_on) {
    eddy_future *futures[] = {SLEEPER(.name = "a", .seconds = 1),
                              SLEEPER(.name = "b", .seconds = 2)};
    eddy_as_completed *iterator = eddy_as_completed_new(futures, 2);

    ASSERT_OK(next_result(iterator));
    eddy_as_completed_free(iterator);
    ASSERT_OK(eddy_sleep(5));
    ASSERT_STR_EQ(noted(), "a b");
}

TASK_TEST(a_failure_that_was_not_asked_for_is_reported) {
    eddy_as_completed *iterator =
        eddy_as_completed_new((eddy_future *[]){eddy_create_task(raiser, "unseen")}, 1);

    ASSERT_OK(eddy_sleep(1));
    eddy_as_completed_free(iterator);
    ASSERT_STR_CONTAINS(reports(), "unseen");
}

TASK_TEST(a_time_out_ends_the_asking_and_loses_nothing) {
    eddy_as_completed *iterator =
        eddy_as_completed_new((eddy_future *[]){SLEEPER(.seconds = 3, .result = 3)}, 1);
    eddy_future *future;
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 1);
    int r = eddy_as_completed_next(iterator, &future);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, r));
    ASSERT_NULL(future);
    ASSERT_INT_EQ(milliseconds(), 1000);
    ASSERT_INT_EQ(next_result(iterator), 3);
    eddy_as_completed_free(iterator);
}

TASK_TEST(a_time_out_around_all_the_asking_keeps_what_came_in_time) {
    eddy_future *futures[] = {SLEEPER(.seconds = 1, .result = 1), SLEEPER(.seconds = 5)};
    eddy_as_completed *iterator = eddy_as_completed_new(futures, 2);
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 2);
    ASSERT_INT_EQ(next_result(iterator), 1);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, next_result(iterator)));
    ASSERT_INT_EQ(milliseconds(), 2000);
    eddy_timeout_begin(&timeout, 10);
    ASSERT_OK(eddy_timeout_end(&timeout, next_result(iterator)));
    eddy_as_completed_free(iterator);
}

static int asks(void *iterator) {
    return next_result(iterator);
}

TASK_TEST(a_cancel_after_the_completion_still_gives_the_future) {
    eddy_future *future = eddy_future_new(NULL);
    eddy_as_completed *iterator = eddy_as_completed_new((eddy_future *[]){eddy_ref(future)}, 1);
    eddy_task *task = eddy_create_task(asks, iterator);

    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_future_set_result(future, NULL));
    ASSERT(eddy_cancel(task));
    ASSERT_OK(eddy_await(task));
    eddy_unref(future);
    eddy_as_completed_free(iterator);
}

TASK_TEST(a_cancel_before_the_completion_leaves_the_future_to_the_next_who_asks) {
    eddy_future *future = eddy_future_new(NULL);
    eddy_as_completed *iterator = eddy_as_completed_new((eddy_future *[]){eddy_ref(future)}, 1);
    eddy_task *task = eddy_create_task(asks, iterator);

    ASSERT_OK(eddy_yield());
    ASSERT(eddy_cancel(task));
    ASSERT_OK(eddy_future_set_result(future, NULL));
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_OK(next_result(iterator));
    eddy_unref(future);
    eddy_as_completed_free(iterator);
}

TASK_TEST(in_a_cancelled_task_asking_is_refused) {
    eddy_as_completed *iterator = eddy_as_completed_new((eddy_future *[]){RETURNER(4)}, 1);

    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, next_result(iterator));
    ASSERT_INT_EQ(eddy_uncancel(), 0);
    ASSERT_INT_EQ(next_result(iterator), 4);
    eddy_as_completed_free(iterator);
}

TASK_TEST(one_task_asks_at_a_time) {
    eddy_as_completed *iterator = eddy_as_completed_new((eddy_future *[]){eddy_after(1)}, 1);
    eddy_task *task = eddy_create_task(asks, iterator);

    ASSERT_OK(eddy_yield());
    ASSERT_CODE(-EBUSY, next_result(iterator));
    ASSERT_OK(eddy_await(task));
    eddy_as_completed_free(iterator);
}

TASK_TEST(a_task_does_not_ask_for_itself) {
    eddy_as_completed *iterator =
        eddy_as_completed_new((eddy_future *[]){eddy_current_task(), eddy_after(9)}, 2);

    ASSERT_CODE(-EDEADLK, next_result(iterator));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "awaits itself");
    eddy_as_completed_free(iterator);
}

TASK_TEST(coroutines_run_for_other_threads_come_too) {
    eddy_future *futures[] = {
        eddy_after(1), eddy_run_coroutine_threadsafe(eddy_running_loop(), returner, &(int){5}),
        eddy_run_coroutine_threadsafe(eddy_running_loop(), returner, &(int){6})};
    eddy_as_completed *iterator = eddy_as_completed_new(futures, 3);

    ASSERT_INT_EQ(next_result(iterator), 5);
    eddy_as_completed_free(iterator);
    ASSERT_OK(eddy_sleep(2));
}

TEST(a_loop_closed_with_a_task_that_asks_leaks_nothing) {
    eddy_loop *loop = virtual_loop();
    eddy_future *future = eddy_future_new(loop);
    eddy_as_completed *iterator = eddy_as_completed_new((eddy_future *[]){eddy_ref(future)}, 1);

    eddy_detach(eddy_create_task_with(&(eddy_task_options){.loop = loop}, asks, iterator));
    for (int i = 0; i < 5; i++)
        ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_STR_CONTAINS(reports(), "a loop was closed with 1 task");
    eddy_unref(future);
}

static void nothing(void *unused) {
    (void)unused;
}

/* The task that asks is refused and lets others run, and there the loop stops. */
static int asks_when_cancelled(void *iterator) {
    eddy_loop_stop(eddy_running_loop());
    eddy_call_soon(NULL, nothing, NULL);
    eddy_cancel(eddy_current_task());
    return next_result(iterator);
}

TEST(a_loop_closed_with_a_task_that_is_refused_to_ask_leaks_nothing) {
    eddy_loop *loop = virtual_loop();
    eddy_future *future = eddy_future_new(loop);
    eddy_as_completed *iterator = eddy_as_completed_new((eddy_future *[]){eddy_ref(future)}, 1);
    const eddy_task_options options = {.loop = loop};

    eddy_detach(eddy_create_task_with(&options, asks_when_cancelled, iterator));
    ASSERT_OK(eddy_loop_run_forever(loop));
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_STR_CONTAINS(reports(), "a loop was closed with 1 task");
    eddy_unref(future);
}

static int asks_again(void *iterator) {
    int r = next_result(iterator);

    note("%s", r < 0 ? eddy_error_name(r) : "done");
    return r;
}

TASK_TEST(what_completes_while_a_refused_task_lets_the_others_run_is_for_the_next_who_asks) {
    eddy_future *future = eddy_future_new(NULL);
    eddy_as_completed *iterator = eddy_as_completed_new((eddy_future *[]){eddy_ref(future)}, 1);

    eddy_task *task = eddy_create_task(asks_again, iterator);
    ASSERT_OK(eddy_yield());
    eddy_cancel(task);
    ASSERT_OK(eddy_yield());
    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, next_result(iterator));
    ASSERT_OK(eddy_future_set_result(future, NULL));
    ASSERT_CODE(-ECANCELED, next_result(iterator));
    ASSERT_INT_EQ(eddy_uncancel(), 0);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_OK(next_result(iterator));
    ASSERT_STR_EQ(noted(), "ECANCELED");
    eddy_unref(future);
    eddy_as_completed_free(iterator);
}
