/* SPDX-License-Identifier: MIT
 * test_after.c - futures that a timer completes. */
#include <eddy.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

static char trace[1000];

static void stop(void *loop) {
    eddy_loop_stop(loop);
}

/* The body of a test, called on a running loop in virtual time, to which eddy_after() then belongs.
 */
static void in_loop(eddy_callback *body, void *arg, double seconds) {
    const eddy_loop_options options = {.clock = EDDY_CLOCK_VIRTUAL};
    eddy_loop *loop;

    ASSERT_OK(eddy_loop_new(&options, &loop));
    eddy_call_soon(loop, body, arg);
    eddy_call_later(loop, seconds, stop, loop);
    ASSERT_OK(eddy_loop_run_forever(loop));
    ASSERT_NULL(eddy_loop_close(loop));
}

static void note_time(eddy_future *future, void *name) {
    size_t length = strlen(trace);

    ASSERT(eddy_is_done(future));
    snprintf(trace + length, sizeof(trace) - length, "%s@%ld ", (const char *)name,
             lround(eddy_time() * 1000));
}

/* The future notes its name and the time when it is done. */
static eddy_future *after(double seconds, const char *name) {
    eddy_future *future = eddy_after(seconds);

    ASSERT_NOT_NULL(future);
    ASSERT(!eddy_is_done(future));
    ASSERT_OK(eddy_future_add_done_callback(future, note_time, (void *)name));
    return future;
}

static void in_order_of_deadlines(void *unused) {
    (void)unused;
    eddy_unref(after(3, "c"));
    eddy_unref(after(1, "a"));
    eddy_unref(after(2, "b"));
}

TEST(after_completes_when_its_time_has_come_and_not_before) {
    in_loop(in_order_of_deadlines, NULL, 10);
    ASSERT_STR_EQ(trace, "a@1000 b@2000 c@3000 ");
}

static void in_order_of_creation(void *unused) {
    (void)unused;
    eddy_unref(after(1, "a"));
    eddy_unref(after(1, "b"));
    eddy_unref(after(1, "c"));
}

TEST(equal_deadlines_complete_in_the_order_they_were_made) {
    in_loop(in_order_of_creation, NULL, 10);
    ASSERT_STR_EQ(trace, "a@1000 b@1000 c@1000 ");
}

static void no_time(void *unused) {
    (void)unused;
    eddy_unref(after(0, "zero"));
    eddy_unref(after(-5, "negative"));
    eddy_unref(after(NAN, "nan"));
}

TEST(after_no_time_completes_in_the_same_turn_but_not_in_the_call) {
    in_loop(no_time, NULL, 10);
    ASSERT_STR_EQ(trace, "zero@0 negative@0 nan@0 ");
}

static void for_ever(void *out) {
    *(eddy_future **)out = after(INFINITY, "never");
}

TEST(after_an_infinite_time_never_completes_and_is_cancelled_with_its_loop) {
    eddy_future *future;

    in_loop(for_ever, &future, 1e9);
    ASSERT_STR_EQ(trace, "");
    ASSERT(eddy_is_cancelled(future));
    eddy_unref(future);
}

static void result_of_done(eddy_future *future, void *unused) {
    void *value = unused;

    ASSERT_INT_EQ(eddy_future_result(future, &value), 0);
    ASSERT_NULL(value);
    strcat(trace, "checked");
}

static void checks_result(void *unused) {
    eddy_future *future = eddy_after(1);

    ASSERT_OK(eddy_future_add_done_callback(future, result_of_done, unused));
    eddy_unref(future);
}

TEST(the_result_of_after_is_0_and_no_value) {
    in_loop(checks_result, NULL, 10);
    ASSERT_STR_EQ(trace, "checked");
}

static void cancels(void *unused) {
    eddy_future *future = after(5, "cancelled");

    (void)unused;
    ASSERT(eddy_cancel_with(future, "not needed"));
    ASSERT(eddy_is_cancelled(future));
    ASSERT(!eddy_cancel(future));
    ASSERT_CODE(-ECANCELED, eddy_future_result(future, NULL));
    ASSERT_STR_EQ(eddy_last_error()->message, "not needed");
    eddy_unref(future);
}

TEST(a_cancelled_after_is_done_at_once_and_leaves_no_timer) {
    in_loop(cancels, NULL, 10);
    ASSERT_STR_EQ(trace, "cancelled@0 ");
}

static void completes_by_hand(void *unused) {
    eddy_future *future = eddy_after(5);

    (void)unused;
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_set_result(future, NULL));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "completes itself");
    eddy_unref(future);
    strcat(trace, "refused");
}

TEST(after_cannot_be_completed_by_hand) {
    in_loop(completes_by_hand, NULL, 10);
    ASSERT_STR_EQ(trace, "refused");
}

static void left_behind(void *out) {
    eddy_future **futures = out;

    futures[0] = after(100, "late");
    futures[1] = eddy_ref(futures[0]);
    eddy_unref(eddy_after(100));
}

TEST(what_is_pending_when_its_loop_closes_is_cancelled) {
    eddy_future *futures[2];

    in_loop(left_behind, futures, 1);
    ASSERT(eddy_is_cancelled(futures[0]));
    ASSERT_STR_EQ(trace, "");
    eddy_unref(futures[0]);
    eddy_unref(futures[1]);
}

TEST(outside_a_run_after_belongs_to_the_default_loop) {
    eddy_future *future = eddy_after(1000);

    ASSERT(!eddy_is_done(future));
    ASSERT(eddy_cancel(future));
    eddy_unref(future);
}

static int completed;

static void count(eddy_future *future, void *unused) {
    (void)unused;
    ASSERT(!eddy_is_cancelled(future));
    completed++;
}

static void makes_many(void *unused) {
    (void)unused;
    for (int i = 0; i < 10000; i++) {
        eddy_future *future = eddy_after((i * 7919) % 1000 / 10.0);
        ASSERT_OK(eddy_future_add_done_callback(future, count, NULL));
        eddy_unref(future);
    }
}

TEST(ten_thousand_complete_each_in_its_time) {
    in_loop(makes_many, NULL, 200);
    ASSERT_INT_EQ(completed, 10000);
}
