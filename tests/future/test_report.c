/* SPDX-License-Identifier: MIT
 * test_report.c - a loop's exception handler: set, called, replaced, and when it fails itself. */
#include <pthread.h>

#include "future.h"

#include "../loop/fixture.h"

static struct trace heard;

static void hear(eddy_loop *loop, const eddy_error *error, const char *what, void *arg) {
    ASSERT_NOT_NULL(loop);
    ASSERT_STR_EQ(arg, "argument");
    trace_add(&heard, what);
    trace_add(&heard, error->message);
}

static struct trace logged;

static void hear_log(eddy_log_level level, const char *text, void *arg) {
    (void)arg;
    ASSERT_INT_EQ(level, EDDY_LOG_ERROR);
    trace_add(&logged, text);
}

TEST(a_handler_that_was_set_is_told_instead_of_the_log) {
    LOOP loop = test_loop();
    eddy_set_log(hear_log, NULL);
    ASSERT_NULL(eddy_loop_get_exception_handler(loop, NULL));
    ASSERT_OK(eddy_loop_set_exception_handler(loop, hear, "argument"));
    eddy_raise(-EIO, "the disk is full");
    ASSERT_OK(eddy_loop_call_exception_handler(loop, NULL, "a backup"));

    ASSERT_STR_EQ(heard.text, "a backup the disk is full");
    ASSERT_STR_EQ(logged.text, "");
}

TEST(the_handler_that_is_set_can_be_asked_for) {
    LOOP loop = test_loop();
    void *arg;
    ASSERT_OK(eddy_loop_set_exception_handler(loop, hear, "argument"));

    ASSERT(eddy_loop_get_exception_handler(loop, &arg) == hear);
    ASSERT_STR_EQ(arg, "argument");
}

TEST(without_a_handler_the_log_is_told_with_the_place) {
    LOOP loop = test_loop();
    eddy_set_log(hear_log, NULL);
    ASSERT_OK(eddy_loop_set_exception_handler(loop, hear, "argument"));
    ASSERT_OK(eddy_loop_set_exception_handler(loop, NULL, NULL));
    eddy_raise(-EIO, "the disk is full");
    ASSERT_OK(eddy_loop_call_exception_handler(loop, NULL, "a backup"));

    ASSERT_STR_EQ(heard.text, "");
    ASSERT_STR_CONTAINS(logged.text, "a backup: EIO: the disk is full (");
    ASSERT_STR_CONTAINS(logged.text, "test_report.c");
}

static void fails_in_callback(void *loop) {
    eddy_raise(-EPERM, "not allowed");
    ASSERT_OK(eddy_loop_call_exception_handler(NULL, eddy_last_error(), "a callback"));
    eddy_loop_stop(loop);
}

TEST(a_callback_reports_to_the_running_loop) {
    LOOP loop = test_loop();
    ASSERT_OK(eddy_loop_set_exception_handler(loop, hear, "argument"));
    eddy_call_soon(loop, fails_in_callback, loop);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT_STR_EQ(heard.text, "a callback not allowed");
}

static void fails_itself(eddy_loop *loop, const eddy_error *error, const char *what, void *arg) {
    (void)arg;
    trace_add(&heard, what);
    ASSERT_OK(eddy_loop_call_exception_handler(loop, error, "the handler"));
}

TEST(a_handler_that_reports_a_failure_of_its_own_is_not_told_of_it) {
    LOOP loop = test_loop();
    eddy_set_log(hear_log, NULL);
    ASSERT_OK(eddy_loop_set_exception_handler(loop, fails_itself, NULL));
    eddy_raise(-EIO, "why");
    ASSERT_OK(eddy_loop_call_exception_handler(loop, NULL, "first"));
    ASSERT_STR_EQ(heard.text, "first");
    ASSERT_STR_CONTAINS(logged.text, "the handler: EIO: why");

    ASSERT_OK(eddy_loop_call_exception_handler(loop, NULL, "second"));
    ASSERT_STR_EQ(heard.text, "first second"); /* it is told again */
}

TEST(a_handler_may_hand_on_to_the_default_one) {
    LOOP loop = test_loop();
    eddy_set_log(hear_log, NULL);
    ASSERT_OK(eddy_loop_set_exception_handler(loop, eddy_default_exception_handler, NULL));
    eddy_raise(-EIO, "why");
    ASSERT_OK(eddy_loop_call_exception_handler(loop, NULL, "something"));

    ASSERT_STR_CONTAINS(logged.text, "something: EIO: why");
}

TEST(without_an_error_there_is_nothing_to_report) {
    LOOP loop = test_loop();
    forget_last_error();
    ASSERT_CODE(-EINVAL, eddy_loop_call_exception_handler(loop, NULL, "nothing"));
}

static void *uses_elsewhere(void *loop) {
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_loop_set_exception_handler(loop, hear, NULL));
    ASSERT_CODE(EDDY_EWRONG_THREAD,
                eddy_loop_call_exception_handler(loop, eddy__error_static(-EIO), "elsewhere"));
    return NULL;
}

TEST(another_thread_neither_sets_nor_calls_it) {
    LOOP loop = test_loop();
    pthread_t other;
    ASSERT_OK(eddy_loop_set_exception_handler(loop, hear, "argument"));
    ASSERT_INT_EQ(pthread_create(&other, NULL, uses_elsewhere, loop), 0);
    pthread_join(other, NULL);

    ASSERT_STR_EQ(heard.text, "");
}

TEST(a_future_that_fails_unheard_is_told_to_a_handler_that_was_set_late) {
    LOOP loop = test_loop();
    eddy_future *future = eddy_future_new(loop);
    ASSERT_OK(eddy_future_set_error(future, -EIO, "lost"));
    ASSERT_OK(eddy_loop_set_exception_handler(loop, hear, "argument"));
    eddy_unref(future);

    ASSERT_STR_CONTAINS(heard.text, "failed and was never awaited");
    ASSERT_STR_CONTAINS(heard.text, "lost");
}
