/* SPDX-License-Identifier: MIT
 * test_done_callback.c - callbacks that are taken off, by hand and by one another, and reports that
 * come once. */
#include <eddy.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

static char trace[1000];
static int reported;

static void count_report(eddy_loop *loop, const eddy_error *error, const char *what, void *arg) {
    (void)loop, (void)error, (void)what, (void)arg;
    reported++;
}

static eddy_loop *loop_new(void) {
    const eddy_loop_options options = {.exception_handler = count_report};
    eddy_loop *loop;

    ASSERT_OK(eddy_loop_new(&options, &loop));
    return loop;
}

static void turn(eddy_loop *loop) {
    ASSERT_OK(eddy_loop_run_once(loop, 0));
}

static void note_callback(eddy_future *future, void *name) {
    ASSERT(eddy_is_done(future));
    strcat(trace, name);
}

/* --- taken off -------------------------------------------------------------------------------- */

static void complete_with_value(eddy_future *future) {
    ASSERT_OK(eddy_future_set_result(future, NULL));
}

static void complete_with_error(eddy_future *future) {
    ASSERT_OK(eddy_future_set_error(future, -EIO, NULL));
    ASSERT_CODE(-EIO, eddy_future_result(future, NULL));
}

/* Adds three, and removes those whose bit is not set. */
static void run_those_left(eddy_loop *loop, int left, void (*complete)(eddy_future *future)) {
    char names[3][2] = {"1", "2", "3"}, expected[4] = "";
    eddy_future *future = eddy_future_new(loop);

    trace[0] = '\0';
    for (int i = 0; i < 3; i++)
        ASSERT_OK(eddy_future_add_done_callback(future, note_callback, names[i]));
    for (int i = 0; i < 3; i++) {
        if (left & 1 << i)
            strcat(expected, names[i]);
        else
            ASSERT_INT_EQ(eddy_future_remove_done_callback(future, note_callback, names[i]), 1);
    }
    complete(future);
    ASSERT_STR_EQ(trace, "");
    turn(loop);
    ASSERT_STR_EQ(trace, expected);
    eddy_unref(future);
}

TEST(any_of_three_callbacks_may_be_taken_off_and_the_others_run_in_order) {
    eddy_loop *loop = loop_new();

    for (int left = 0; left < 8; left++) {
        run_those_left(loop, left, complete_with_value);
        run_those_left(loop, left, complete_with_error);
    }
    eddy_loop_close(loop);
    ASSERT_INT_EQ(reported, 0);
}

TEST(remove_counts_what_it_takes_off) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "1"));
    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "2"));
    ASSERT_INT_EQ(eddy_future_remove_done_callback(future, note_callback, "2"), 1);
    ASSERT_INT_EQ(eddy_future_remove_done_callback(future, note_callback, "3"), 0);
    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "2"));
    for (int i = 0; i < 5; i++)
        ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "1"));
    ASSERT_INT_EQ(eddy_future_remove_done_callback(future, note_callback, "1"), 6);
    ASSERT_OK(eddy_future_set_result(future, NULL));
    turn(loop);
    ASSERT_STR_EQ(trace, "2");
    ASSERT_INT_EQ(eddy_future_remove_done_callback(future, note_callback, "2"), 0);
    eddy_unref(future);
    eddy_loop_close(loop);
}

static void remove_two(eddy_future *future, void *name) {
    strcat(trace, name);
    ASSERT_INT_EQ(eddy_future_remove_done_callback(future, note_callback, "b"), 2);
}

TEST(a_callback_may_take_off_others_that_are_due) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_add_done_callback(future, remove_two, "a"));
    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "b"));
    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "b"));
    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "c"));
    ASSERT_OK(eddy_future_set_result(future, NULL));
    turn(loop);
    ASSERT_STR_EQ(trace, "ac");
    eddy_unref(future);
    eddy_loop_close(loop);
}

static void remove_itself(eddy_future *future, void *name) {
    strcat(trace, name);
    ASSERT_INT_EQ(eddy_future_remove_done_callback(future, remove_itself, name), 0);
}

TEST(a_callback_that_runs_cannot_be_taken_off_any_more) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_add_done_callback(future, remove_itself, "a"));
    ASSERT_OK(eddy_future_set_result(future, NULL));
    turn(loop);
    ASSERT_STR_EQ(trace, "a");
    eddy_unref(future);
    eddy_loop_close(loop);
}

/* --- reports ---------------------------------------------------------------------------------- */

TEST(a_future_that_is_let_go_before_it_is_done_is_no_news) {
    eddy_loop *loop = loop_new();

    eddy_unref(eddy_future_new(loop));
    eddy_loop_close(loop);
    ASSERT_INT_EQ(reported, 0);
}

TEST(a_result_that_nobody_asked_for_is_no_news) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_set_result(future, "value"));
    eddy_unref(future);
    eddy_loop_close(loop);
    ASSERT_INT_EQ(reported, 0);
}

TEST(a_failure_is_reported_once_and_with_the_last_reference_only) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    eddy_ref(future);
    ASSERT_OK(eddy_future_set_error(future, -EIO, "unseen"));
    eddy_unref(future);
    ASSERT_INT_EQ(reported, 0);
    eddy_unref(future);
    ASSERT_INT_EQ(reported, 1);
    eddy_loop_close(loop);
    ASSERT_INT_EQ(reported, 1);
}

TEST(a_failure_may_be_asked_for_as_often_as_one_likes) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_set_error(future, -EIO, "seen"));
    for (int i = 0; i < 5; i++) {
        ASSERT_CODE(-EIO, eddy_future_result(future, NULL));
        ASSERT_STR_EQ(eddy_last_error()->message, "seen");
    }
    eddy_unref(future);
    eddy_loop_close(loop);
    ASSERT_INT_EQ(reported, 0);
}
