/* SPDX-License-Identifier: MIT
 * test_future.c - futures completed by hand, without a coroutine in sight: results, values, errors,
 * cancels, callbacks, references, reports. Awaiting them is in ../task. */
#include <eddy.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

/* --- what the tests share --------------------------------------------------------------------- */

static char reported[1000];

static void report(eddy_loop *loop, const eddy_error *error, const char *what, void *arg) {
    (void)loop;
    (void)arg;
    size_t length = strlen(reported);
    snprintf(reported + length, sizeof(reported) - length, "%s: %s: %s\n", what,
             eddy_error_name(error->code), error->message);
}

static eddy_loop *loop_new(void) {
    const eddy_loop_options options = {.clock = EDDY_CLOCK_VIRTUAL, .exception_handler = report};
    eddy_loop *loop;

    ASSERT_OK(eddy_loop_new(&options, &loop));
    return loop;
}

/* At its end nothing may have been reported that the test did not look at. */
static void loop_end(eddy_loop *loop) {
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_STR_EQ(reported, "");
}

static void turn(eddy_loop *loop) {
    ASSERT_OK(eddy_loop_run_once(loop, 0));
}

static char trace[1000];

static void note_callback(eddy_future *future, void *name) {
    ASSERT(eddy_is_done(future));
    strcat(strcat(trace, name), " ");
}

static void count_destroy(void *value) {
    ++*(int *)value;
}

/* --- pending and done ------------------------------------------------------------------------- */

TEST(a_new_future_is_pending) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);
    void *value = &loop;

    ASSERT(!eddy_is_done(future));
    ASSERT(!eddy_is_cancelled(future));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_result(future, &value));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_last_error()->code);
    ASSERT_PTR_EQ(value, &loop);
    eddy_unref(future);
    loop_end(loop);
}

TEST(a_future_gives_the_value_that_it_was_given) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);
    void *value = NULL;

    ASSERT_OK(eddy_future_set_result(future, loop));
    ASSERT(eddy_is_done(future));
    ASSERT(!eddy_is_cancelled(future));
    ASSERT_INT_EQ(eddy_future_result(future, &value), 0);
    ASSERT_PTR_EQ(value, loop);
    ASSERT_INT_EQ(eddy_future_result(future, NULL), 0);
    eddy_unref(future);
    loop_end(loop);
}

TEST(a_future_is_completed_only_once) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);
    int first, second;
    void *value;

    ASSERT_OK(eddy_future_set_result(future, &first));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_set_result(future, &second));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_set_error(future, -EIO, "too late"));
    ASSERT(!eddy_cancel(future));
    ASSERT_OK(eddy_future_result(future, &value));
    ASSERT_PTR_EQ(value, &first);
    eddy_unref(future);
    loop_end(loop);
}

TEST(a_future_may_be_given_an_error_with_a_sentence) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);
    void *value = &loop;

    ASSERT_OK(eddy_future_set_error(future, -ECONNRESET, "peer %d went away", 7));
    ASSERT(eddy_is_done(future));
    ASSERT(!eddy_is_cancelled(future));
    ASSERT_CODE(-ECONNRESET, eddy_future_result(future, &value));
    ASSERT_PTR_EQ(value, &loop);
    ASSERT_CODE(-ECONNRESET, eddy_last_error()->code);
    ASSERT_STR_EQ(eddy_last_error()->message, "peer 7 went away");
    eddy_unref(future);
    loop_end(loop);
}

TEST(an_error_without_a_format_has_the_codes_text) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_set_error(future, -EPIPE, NULL));
    ASSERT_CODE(-EPIPE, eddy_future_result(future, NULL));
    ASSERT_STR_EQ(eddy_last_error()->message, "Broken pipe");
    eddy_unref(future);
    loop_end(loop);
}

TEST_SIGNAL(an_error_whose_code_is_no_failure_aborts, SIGABRT) {
    eddy_future_set_error(eddy_future_new(NULL), 5, "no failure");
}

TEST(without_a_loop_a_future_belongs_to_the_default_loop) {
    eddy_future *future = eddy_future_new(NULL);

    ASSERT_OK(eddy_future_set_result(future, NULL));
    ASSERT_OK(eddy_future_result(future, NULL));
    eddy_unref(future);
}

/* --- cancelling ------------------------------------------------------------------------------- */

TEST(a_cancelled_future_is_done_at_once) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT(eddy_cancel(future));
    ASSERT(eddy_is_done(future));
    ASSERT(eddy_is_cancelled(future));
    ASSERT_CODE(-ECANCELED, eddy_future_result(future, NULL));
    ASSERT(!eddy_cancel(future));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_set_result(future, NULL));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_set_error(future, -EIO, "too late"));
    eddy_unref(future);
    loop_end(loop);
}

TEST(the_reason_of_a_cancel_is_copied_and_is_the_sentence) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);
    char reason[] = "no more pages";

    ASSERT(eddy_cancel_with(future, reason));
    reason[0] = 'X';
    ASSERT_CODE(-ECANCELED, eddy_future_result(future, NULL));
    ASSERT_STR_EQ(eddy_last_error()->message, "no more pages");
    eddy_unref(future);
    loop_end(loop);
}

TEST(a_reason_may_look_like_a_format) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT(eddy_cancel_with(future, "100%s %n"));
    eddy_future_result(future, NULL);
    ASSERT_STR_EQ(eddy_last_error()->message, "100%s %n");
    eddy_unref(future);
    loop_end(loop);
}

TEST(the_error_ecanceled_is_a_cancel) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_set_error(future, -ECANCELED, "given up"));
    ASSERT(eddy_is_cancelled(future));
    eddy_unref(future);
    loop_end(loop);
}

/* --- values that somebody must destroy -------------------------------------------------------- */

TEST(a_value_that_nobody_took_is_destroyed_with_the_last_reference) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_ref(eddy_future_new(loop));
    int destroyed = 0;

    ASSERT_OK(eddy_future_set_result_with(future, &destroyed, count_destroy));
    ASSERT_NULL(eddy_unref(future));
    ASSERT_INT_EQ(destroyed, 0);
    ASSERT_NULL(eddy_unref(future));
    ASSERT_INT_EQ(destroyed, 1);
    loop_end(loop);
}

TEST(a_refused_value_is_still_its_givers) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);
    int destroyed = 0;

    eddy_cancel(future);
    ASSERT_CODE(EDDY_EINVALID_STATE,
                eddy_future_set_result_with(future, &destroyed, count_destroy));
    eddy_unref(future);
    ASSERT_INT_EQ(destroyed, 0);
    loop_end(loop);
}

TEST(asking_for_the_result_without_the_value_leaves_the_value) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);
    int destroyed = 0;

    ASSERT_OK(eddy_future_set_result_with(future, &destroyed, count_destroy));
    ASSERT_OK(eddy_future_result(future, NULL));
    eddy_unref(future);
    ASSERT_INT_EQ(destroyed, 1);
    loop_end(loop);
}

TEST(a_value_without_a_destroyer_is_left_alone) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_set_result_with(future, (void *)1, NULL));
    eddy_unref(future);
    loop_end(loop);
}

/* --- done callbacks --------------------------------------------------------------------------- */

TEST(done_callbacks_run_in_a_turn_of_the_loop_in_the_order_they_were_added) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "a"));
    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "b"));
    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "c"));
    turn(loop);
    ASSERT_OK(eddy_future_set_result(future, NULL));
    ASSERT_STR_EQ(trace, ""); /* completing only queues */
    turn(loop);
    ASSERT_STR_EQ(trace, "a b c ");
    turn(loop);
    ASSERT_STR_EQ(trace, "a b c "); /* once */
    eddy_unref(future);
    loop_end(loop);
}

TEST(a_callback_added_to_a_done_future_runs_in_the_next_turn) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_set_result(future, NULL));
    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "late"));
    ASSERT_STR_EQ(trace, "");
    eddy_unref(future); /* the callback holds one of its own */
    turn(loop);
    ASSERT_STR_EQ(trace, "late ");
    loop_end(loop);
}

TEST(callbacks_of_a_failed_and_of_a_cancelled_future_run_too) {
    eddy_loop *loop = loop_new();
    eddy_future *failed = eddy_future_new(loop), *cancelled = eddy_future_new(loop);

    ASSERT_OK(eddy_future_add_done_callback(failed, note_callback, "failed"));
    ASSERT_OK(eddy_future_add_done_callback(cancelled, note_callback, "cancelled"));
    eddy_cancel(cancelled);
    ASSERT_OK(eddy_future_set_error(failed, -EIO, "why"));
    turn(loop);
    ASSERT_STR_EQ(trace, "cancelled failed ");
    ASSERT_CODE(-EIO, eddy_future_result(failed, NULL));
    eddy_unref(failed);
    eddy_unref(cancelled);
    loop_end(loop);
}

TEST(remove_takes_off_all_callbacks_with_that_function_and_argument) {
    static char name[] = "a", other[] = "b";
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, name));
    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, other));
    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, name));
    ASSERT_INT_EQ(eddy_future_remove_done_callback(future, note_callback, name), 2);
    ASSERT_INT_EQ(eddy_future_remove_done_callback(future, note_callback, name), 0);
    ASSERT_INT_EQ(eddy_future_remove_done_callback(future, note_callback, "never added"), 0);
    ASSERT_OK(eddy_future_set_result(future, NULL));
    turn(loop);
    ASSERT_STR_EQ(trace, "b ");
    ASSERT_INT_EQ(eddy_future_remove_done_callback(future, note_callback, other), 0);
    eddy_unref(future);
    loop_end(loop);
}

/* Its argument may go away with who removes it. */
TEST(a_callback_that_is_due_and_has_not_run_can_still_be_removed) {
    static char name[] = "a";
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, name));
    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "b"));
    ASSERT_OK(eddy_future_set_result(future, NULL));
    ASSERT_INT_EQ(eddy_future_remove_done_callback(future, note_callback, name), 1);
    ASSERT_INT_EQ(eddy_future_remove_done_callback(future, note_callback, name), 0);
    turn(loop);
    ASSERT_STR_EQ(trace, "b ");
    eddy_unref(future);
    loop_end(loop);
}

TEST(the_same_callback_added_twice_runs_twice) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "a"));
    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "a"));
    eddy_cancel(future);
    turn(loop);
    ASSERT_STR_EQ(trace, "a a ");
    eddy_unref(future);
    loop_end(loop);
}

TEST(callbacks_of_a_future_that_goes_without_completing_never_run) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "a"));
    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "b"));
    eddy_unref(future);
    turn(loop);
    ASSERT_STR_EQ(trace, "");
    loop_end(loop);
}

static void complete_next(eddy_future *future, void *next) {
    ASSERT_OK(eddy_future_set_result(next, future));
    eddy_unref(next);
}

TEST(a_callback_may_complete_another_future) {
    eddy_loop *loop = loop_new();
    eddy_future *first = eddy_future_new(loop), *second = eddy_future_new(loop);

    ASSERT_OK(eddy_future_add_done_callback(first, complete_next, eddy_ref(second)));
    ASSERT_OK(eddy_future_add_done_callback(second, note_callback, "second"));
    ASSERT_OK(eddy_future_set_result(first, NULL));
    turn(loop);
    ASSERT_STR_EQ(trace, "second ");
    eddy_unref(first);
    eddy_unref(second);
    loop_end(loop);
}

static void drop_future(eddy_future *future, void *arg) {
    (void)arg;
    eddy_unref(future);
}

TEST(a_callback_may_let_go_of_the_future) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_add_done_callback(future, drop_future, NULL));
    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "after"));
    eddy_cancel(future);
    turn(loop);
    ASSERT_STR_EQ(trace, "after ");
    loop_end(loop);
}

static void add_another(eddy_future *future, void *name) {
    note_callback(future, name);
    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "added"));
}

TEST(a_callback_may_add_another) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_add_done_callback(future, add_another, "first"));
    eddy_cancel(future);
    turn(loop);
    ASSERT_STR_EQ(trace, "first added ");
    eddy_unref(future);
    loop_end(loop);
}

TEST(a_thousand_callbacks_run_in_order) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop), *results[1000];

    for (int i = 0; i < 1000; i++) {
        results[i] = eddy_future_new(loop);
        ASSERT_OK(eddy_future_add_done_callback(future, complete_next, eddy_ref(results[i])));
    }
    eddy_cancel(future);
    for (int i = 0; i < 10; i++)
        turn(loop); /* a turn runs 256 */
    for (int i = 0; i < 1000; i++) {
        ASSERT(eddy_is_done(results[i]));
        eddy_unref(results[i]);
    }
    eddy_unref(future);
    loop_end(loop);
}

/* --- reports ---------------------------------------------------------------------------------- */

TEST(a_failure_that_nobody_asked_for_is_reported_when_the_last_reference_goes) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_ref(eddy_future_new(loop));

    ASSERT_OK(eddy_future_set_error(future, -EIO, "unseen"));
    eddy_unref(future);
    ASSERT_STR_EQ(reported, "");
    eddy_unref(future);
    ASSERT_STR_CONTAINS(reported, "never awaited: EIO: unseen\n");
    ASSERT_STR_EQ(strchr(reported, '\n'), "\n");
    reported[0] = '\0';
    loop_end(loop);
}

TEST(a_failure_that_was_asked_for_is_not_reported) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_set_error(future, -EIO, "seen"));
    ASSERT_CODE(-EIO, eddy_future_result(future, NULL));
    eddy_unref(future);
    loop_end(loop);
}

TEST(a_cancel_is_not_reported) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    eddy_cancel_with(future, "a reason");
    eddy_unref(future);
    loop_end(loop);
}

TEST(a_detached_future_is_reported_when_it_fails) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_detach(eddy_ref(future)));
    ASSERT_OK(eddy_future_set_error(future, -EIO, "detached"));
    ASSERT_OK(eddy_detach(future));
    ASSERT_STR_CONTAINS(reported, "detached");
    reported[0] = '\0';
    loop_end(loop);
}

static void log_line(eddy_log_level level, const char *text, void *arg) {
    ASSERT(level == EDDY_LOG_ERROR);
    ASSERT_PTR_EQ(arg, reported);
    strcat(strcat(reported, text), "\n");
}

TEST(without_a_handler_a_failure_is_reported_to_the_log) {
    eddy_future *future = eddy_future_new(NULL);

    eddy_set_log(log_line, reported);
    ASSERT_OK(eddy_future_set_error(future, -EIO, "to the log"));
    eddy_unref(future);
    ASSERT_STR_CONTAINS(reported, "EIO: to the log\n");
}

/* --- null ------------------------------------------------------------------------------------- */

TEST(null_is_no_memory_for_every_call) {
    void *value = &value;

    ASSERT_NULL(eddy_ref(NULL));
    ASSERT_NULL(eddy_unref(NULL));
    ASSERT_CODE(-ENOMEM, eddy_detach(NULL));
    ASSERT_CODE(-ENOMEM, eddy_future_set_result(NULL, NULL));
    ASSERT_CODE(-ENOMEM, eddy_future_set_error(NULL, -EIO, "x"));
    ASSERT_CODE(-ENOMEM, eddy_future_result(NULL, &value));
    ASSERT_CODE(-ENOMEM, eddy_future_add_done_callback(NULL, note_callback, NULL));
    ASSERT_PTR_EQ(value, &value);
    ASSERT(!eddy_cancel(NULL));
    ASSERT(!eddy_is_cancelled(NULL));
}

/* --- after the loop --------------------------------------------------------------------------- */

TEST(a_future_may_outlive_its_loop) {
    eddy_loop *loop = loop_new();
    eddy_future *pending = eddy_future_new(loop), *done = eddy_future_new(loop);
    void *value = NULL;

    ASSERT_OK(eddy_future_set_result(done, &value));
    loop_end(loop);
    ASSERT_OK(eddy_future_result(done, &value));
    ASSERT_PTR_EQ(value, &value);
    ASSERT(!eddy_is_done(pending));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_future_set_result(pending, NULL));
    ASSERT(!eddy_cancel(pending));
    ASSERT_NULL(eddy_unref(pending));
    ASSERT_NULL(eddy_unref(done));
}

TEST(a_failed_future_that_outlives_its_loop_is_still_reported) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_set_error(future, -EIO, "after the loop"));
    loop_end(loop);
    eddy_unref(future);
    ASSERT_STR_CONTAINS(reported, "after the loop");
}

TEST(callbacks_that_are_due_when_the_loop_closes_do_not_run) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);

    ASSERT_OK(eddy_future_add_done_callback(future, note_callback, "a"));
    eddy_cancel(future);
    eddy_unref(future);
    loop_end(loop);
    ASSERT_STR_EQ(trace, "");
}

/* --- other threads ---------------------------------------------------------------------------- */

static void *meddle(void *future) {
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_future_set_result(future, NULL));
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_future_set_error(future, -EIO, "x"));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "another thread");
    ASSERT(!eddy_cancel(future));
    return NULL;
}

TEST(a_future_belongs_to_its_loops_thread) {
    eddy_loop *loop = loop_new();
    eddy_future *future = eddy_future_new(loop);
    pthread_t thread;

    ASSERT_INT_EQ(pthread_create(&thread, NULL, meddle, future), 0);
    pthread_join(thread, NULL);
    ASSERT(!eddy_is_done(future));
    eddy_unref(future);
    loop_end(loop);
}
