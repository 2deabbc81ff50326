/* SPDX-License-Identifier: MIT
 * test_gather.c - waiting for all. */
#include "virtual.h"

/* --- results ---------------------------------------------------------------------------------- */

TASK_TEST(gather_runs_its_children_side_by_side) {
    ASSERT_OK(eddy_gather(SLEEPER(.seconds = 2), SLEEPER(.seconds = 1), SLEEPER(.seconds = 3)));
    ASSERT_INT_EQ(milliseconds(), 3000);
}

TASK_TEST(gather_of_nothing_is_done_at_once) {
    ASSERT_INT_EQ(eddy_gather(), 0);
    ASSERT_INT_EQ(eddy_gather_array(NULL, 0, NULL), 0);
    ASSERT_INT_EQ(milliseconds(), 0);
}

TASK_TEST(gather_of_one_returns_0_and_not_its_value) {
    ASSERT_INT_EQ(eddy_gather(RETURNER(7)), 0);
}

TASK_TEST(gather_gives_the_results_in_the_order_of_its_arguments) {
    eddy_future *children[] = {SLEEPER(.seconds = 3, .result = 1), RETURNER(2),
                               SLEEPER(.seconds = 1, .result = 3)};
    int results[3];

    ASSERT_INT_EQ(eddy_gather_array(children, 3, results), 0);
    ASSERT_INT_EQ(results[0], 1);
    ASSERT_INT_EQ(results[1], 2);
    ASSERT_INT_EQ(results[2], 3);
}

TASK_TEST(gather_takes_tasks_timers_and_plain_futures_alike) {
    eddy_future *plain = eddy_future_new(NULL);

    ASSERT_OK(eddy_future_set_result(plain, NULL));
    ASSERT_OK(eddy_gather(RETURNER(1), eddy_after(4), plain));
    ASSERT_INT_EQ(milliseconds(), 4000);
}

TASK_TEST(gather_takes_what_it_waits_for) {
    ASSERT_OK(eddy_gather(RETURNER(1), RETURNER(2)));
    ASSERT_INT_EQ(live_tasks(), 1);
}

TASK_TEST(gather_may_be_given_the_same_future_twice) {
    eddy_task *task = SLEEPER(.seconds = 1, .result = 5);
    eddy_future *children[] = {task, eddy_ref(task)};
    int results[2];

    ASSERT_OK(eddy_gather_array(children, 2, results));
    ASSERT_INT_EQ(results[0], 5);
    ASSERT_INT_EQ(results[1], 5);
}

/* --- errors ----------------------------------------------------------------------------------- */

static int fails_later(void *arg) {
    const struct actor *actor = arg;

    ASSERT_OK(eddy_sleep(actor->seconds));
    return eddy_raise(actor->result, "%s failed", actor->name);
}

#define FAILER(...) eddy_create_task(fails_later, &((struct actor){__VA_ARGS__}))

TASK_TEST(gather_returns_the_error_that_came_first_in_time_and_not_in_order) {
    ASSERT_CODE(-EPIPE, eddy_gather(FAILER(.name = "slow", .seconds = 2, .result = -EIO),
                                    FAILER(.name = "quick", .seconds = 1, .result = -EPIPE),
                                    SLEEPER(.seconds = 1)));
    ASSERT_STR_EQ(eddy_last_error()->message, "quick failed");
}

TASK_TEST(gather_returns_only_when_all_children_are_done_also_after_an_error) {
    ASSERT_CODE(-EIO, eddy_gather(FAILER(.name = "a", .seconds = 1, .result = -EIO),
                                  SLEEPER(.name = "b", .seconds = 5)));
    ASSERT_INT_EQ(milliseconds(), 5000);
    ASSERT_STR_EQ(noted(), "b"); /* not cancelled by its sibling's failure */
}

TASK_TEST(gather_gives_every_result_beside_the_error) {
    eddy_future *children[] = {RETURNER(1), RETURNER(-EIO), RETURNER(3), RETURNER(-EPERM)};
    int results[4];

    ASSERT_CODE(-EIO, eddy_gather_array(children, 4, results));
    ASSERT_INT_EQ(results[0], 1);
    ASSERT_CODE(-EIO, results[1]);
    ASSERT_INT_EQ(results[2], 3);
    ASSERT_CODE(-EPERM, results[3]);
}

TASK_TEST(errors_that_gather_does_not_return_are_not_reported_either) {
    ASSERT_CODE(-EIO,
                eddy_gather(eddy_create_task(raiser, "one"), eddy_create_task(raiser, "two")));
    ASSERT_STR_EQ(eddy_last_error()->message, "one");
    ASSERT_STR_EQ(reports(), "");
}

TASK_TEST(null_among_the_children_is_no_memory_and_the_others_are_waited_for) {
    eddy_future *children[] = {SLEEPER(.name = "a", .seconds = 1, .result = 1), NULL,
                               RETURNER(-EIO)};
    int results[3];

    ASSERT_CODE(-ENOMEM, eddy_gather_array(children, 3, results));
    ASSERT_STR_EQ(noted(), "a");
    ASSERT_INT_EQ(results[0], 1);
    ASSERT_CODE(-ENOMEM, results[1]);
    ASSERT_CODE(-EIO, results[2]);
}

TASK_TEST(gather_of_null_alone_is_no_memory) {
    ASSERT_CODE(-ENOMEM, eddy_gather(NULL));
    ASSERT_CODE(-ENOMEM, eddy_gather(NULL, NULL));
}

TASK_TEST(gather_of_oneself_is_refused_and_takes_the_others) {
    ASSERT_CODE(-EDEADLK, eddy_gather(SLEEPER(.seconds = 1), eddy_current_task()));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "awaits itself");
    ASSERT_OK(eddy_sleep(2));
    ASSERT_INT_EQ(live_tasks(), 1);
}

static void gather_in_callback(void *task) {
    ASSERT_CODE(-EDEADLK, eddy_gather(task));
    ASSERT_CODE(-EDEADLK, eddy_gather());
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "callback");
}

TASK_TEST(gather_in_a_callback_is_refused_and_takes_the_references) {
    eddy_call_soon(NULL, gather_in_callback, SLEEPER(.seconds = 1));
    ASSERT_OK(eddy_sleep(2));
    ASSERT_INT_EQ(live_tasks(), 1);
}

/* --- cancels ---------------------------------------------------------------------------------- */

static int gathers_two(void *out) {
    int *results = out;
    eddy_future *children[] = {TIDY(.name = "a", .seconds = 9, .clean_up = 2),
                               TIDY(.name = "b", .seconds = 9, .clean_up = 1)};
    int r = eddy_gather_array(children, 2, results);

    note("%s", eddy_error_name(r));
    return r;
}

TASK_TEST(gather_passes_a_cancel_on_to_all_and_returns_when_they_have_ended) {
    int results[2];
    eddy_task *task = eddy_create_task(gathers_two, results);

    cancel_later(1, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_INT_EQ(milliseconds(), 3000);
    ASSERT_STR_EQ(noted(), "b! a! ECANCELED");
    ASSERT_CODE(-ECANCELED, results[0]);
    ASSERT_CODE(-ECANCELED, results[1]);
}

static int gathers_the_stubborn(void *out) {
    eddy_future *children[] = {STUBBORN(.seconds = 9, .result = 1, .clean_up = 1),
                               STUBBORN(.seconds = 9, .result = 2, .clean_up = 2)};
    int r = eddy_gather_array(children, 2, out);

    note("%d", r);
    ASSERT_CODE(-ECANCELED, eddy_yield()); /* the mark refuses the next call */
    return r;
}

TASK_TEST(gather_whose_children_all_swallow_the_cancel_returns_their_results) {
    int results[2];
    eddy_task *task = eddy_create_task(gathers_the_stubborn, results);

    cancel_later(1, task);
    ASSERT_INT_EQ(eddy_await(task), 0);
    ASSERT_INT_EQ(milliseconds(), 3000);
    ASSERT_STR_EQ(noted(), "0");
    ASSERT_INT_EQ(results[0], 1);
    ASSERT_INT_EQ(results[1], 2);
}

static int gathers_error_and_sleep(void *unused) {
    (void)unused;
    return eddy_gather(eddy_create_task(raiser, "failed first"), SLEEPER(.seconds = 9));
}

TASK_TEST(an_own_cancel_of_gather_comes_before_an_error_of_a_child) {
    eddy_task *task = eddy_create_task(gathers_error_and_sleep, NULL);

    cancel_later(1, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
}

TASK_TEST(a_child_that_was_cancelled_by_others_is_an_error_of_gather) {
    eddy_task *child = SLEEPER(.seconds = 9);

    cancel_later(1, child);
    ASSERT_CODE(-ECANCELED, eddy_gather(child, SLEEPER(.seconds = 2)));
    ASSERT_INT_EQ(milliseconds(), 2000);
    ASSERT_INT_EQ(eddy_cancelling(), 0);
}

TASK_TEST(gather_gives_cancels_and_errors_among_the_results) {
    eddy_future *futures[] = {RETURNER(1), RETURNER(-EPIPE),      SLEEPER(.seconds = 9),
                              RETURNER(3), SLEEPER(.seconds = 9), RETURNER(-EPERM)};
    const int expected[] = {1, -EPIPE, -ECANCELED, 3, -ECANCELED, -EPERM};
    int results[6];

    cancel_later(1, futures[2]);
    cancel_later(2, futures[4]);
    ASSERT_CODE(-EPIPE, eddy_gather_array(futures, 6, results));
    ASSERT_INT_EQ(milliseconds(), 2000);
    for (int i = 0; i < 6; i++)
        ASSERT_INT_EQ(results[i], expected[i]);
}

static int gathers_one(void *future) {
    return eddy_gather(eddy_ref(future));
}

TASK_TEST(gather_whose_children_are_done_before_the_cancel_returns_their_results) {
    eddy_future *future = eddy_future_new(NULL);
    eddy_task *task = eddy_create_task(gathers_one, future);

    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_future_set_result(future, NULL));
    ASSERT(eddy_cancel(task));
    ASSERT_OK(eddy_await(task));
    eddy_unref(future);
}

TASK_TEST(gather_in_a_cancelled_task_cancels_its_children_and_waits_for_them) {
    eddy_task *running = TIDY(.seconds = 9, .clean_up = 4), *fresh = eddy_create_task(noter, "ran");

    ASSERT_OK(eddy_sleep(1));
    eddy_task *newer = eddy_create_task(noter, "ran too");
    ASSERT_STR_EQ(noted(), "ran");
    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_gather(running, newer, fresh));
    ASSERT_STR_EQ(noted(), "");
    ASSERT_INT_EQ(milliseconds(), 5000);
    ASSERT_INT_EQ(eddy_uncancel(), 0);
}

TASK_TEST(gather_of_done_children_in_a_cancelled_task_returns_their_results) {
    eddy_task *a = RETURNER(1), *b = RETURNER(2);

    ASSERT_OK(eddy_yield());
    eddy_cancel(eddy_current_task());
    ASSERT_INT_EQ(eddy_gather(a, b), 0);
    ASSERT_CODE(-ECANCELED, eddy_yield());
    eddy_uncancel();
}

TASK_TEST(gather_of_nothing_in_a_cancelled_task_is_refused) {
    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_gather());
    eddy_uncancel();
}

/* --- many ------------------------------------------------------------------------------------- */

static int sleeps_by_number(void *arg) {
    int number = *(int *)arg;

    ASSERT_OK(eddy_sleep(number % 100));
    return number;
}

TASK_TEST(gather_waits_for_ten_thousand_children) {
    const int count = UNDER_TSAN ? 300 : 10000;
    const eddy_task_options options = {.copy_bytes = sizeof(int), .stack_bytes = 32 << 10};
    eddy_future **children = calloc((size_t)count, sizeof(*children));
    int *results = calloc((size_t)count, sizeof(*results));

    for (int i = 0; i < count; i++)
        children[i] = eddy_create_task_with(&options, sleeps_by_number, &i);
    ASSERT_OK(eddy_gather_array(children, count, results));
    for (int i = 0; i < count; i++)
        ASSERT_INT_EQ(results[i], i);
    ASSERT_INT_EQ(milliseconds(), 99000);
    ASSERT_INT_EQ(live_tasks(), 1);
    free(children);
    free(results);
}

TASK_TEST(gather_waits_for_a_hundred_thousand_timers) {
    const int count = 100000;
    eddy_future **children = calloc((size_t)count, sizeof(*children));

    for (int i = 0; i < count; i++)
        children[i] = eddy_after(i % 1000);
    ASSERT_OK(eddy_gather_array(children, count, NULL));
    ASSERT_INT_EQ(milliseconds(), 999000);
    free(children);
}
