/* SPDX-License-Identifier: MIT
 * test_misuse.c - NULL, oneself, the wrong place: an error with a sentence, never a crash. The
 * wrong places of suspending calls are in test_root.c, closing a running loop in test_close.c. */
#include <pthread.h>

#include "virtual.h"

static void never_done(eddy_future *future, void *arg) {
    (void)future;
    (void)arg;
    TEST_FAIL("a callback of no future ran");
}

TASK_TEST(every_call_that_takes_a_future_takes_null_for_no_memory) {
    eddy_future *none[] = {NULL, NULL};
    void *value = &value;

    ASSERT_CODE(-ENOMEM, eddy_await(NULL));
    ASSERT_CODE(-ENOMEM, eddy_await_value(NULL, &value));
    ASSERT_CODE(-ENOMEM, eddy_wait_for(NULL, 1));
    ASSERT_CODE(-ENOMEM, eddy_gather(NULL));
    ASSERT_CODE(-ENOMEM, eddy_gather_array(none, 2, NULL));
    ASSERT_CODE(-EINVAL, eddy_wait(none, 2, 1, EDDY_ALL_COMPLETED));
    ASSERT_CODE(-ENOMEM, eddy_detach(NULL));
    ASSERT_CODE(-ENOMEM, eddy_future_result(NULL, &value));
    ASSERT_CODE(-ENOMEM, eddy_future_set_result(NULL, NULL));
    ASSERT_CODE(-ENOMEM, eddy_future_set_result_with(NULL, NULL, NULL));
    ASSERT_CODE(-ENOMEM, eddy_future_set_error(NULL, -EIO, "x"));
    ASSERT_CODE(-ENOMEM, eddy_future_add_done_callback(NULL, never_done, NULL));
    ASSERT_PTR_EQ(value, &value);
    ASSERT_NULL(eddy_ref(NULL));
    ASSERT_NULL(eddy_unref(NULL));
    ASSERT(!eddy_cancel(NULL));
    ASSERT(!eddy_cancel_with(NULL, "x"));
    ASSERT(!eddy_is_cancelled(NULL));
    ASSERT_NULL(eddy_task_name(NULL));
}

TASK_TEST(removing_a_callback_of_null_removes_none) {
    ASSERT(eddy_future_remove_done_callback(NULL, never_done, NULL) <= 0);
}

TASK_TEST(calls_nest_over_a_failed_creation) {
    ASSERT_CODE(-ENOMEM, eddy_await(eddy_ref(NULL)));
    ASSERT_CODE(-ENOMEM, eddy_gather(eddy_ref(NULL), RETURNER(1)));
}

/* --- oneself ---------------------------------------------------------------------------------- */

static int waits_for_itself_in_every_way(void *unused) {
    eddy_task *me = eddy_current_task();

    (void)unused;
    ASSERT_CODE(-EDEADLK, eddy_await(me));
    ASSERT_CODE(-EDEADLK, eddy_wait_for(me, 1));
    ASSERT_CODE(-EDEADLK, eddy_gather(me));
    ASSERT_CODE(-EDEADLK, eddy_wait(&me, 1, 1, EDDY_ALL_COMPLETED));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "awaits itself");
    return 5;
}

TASK_TEST(a_task_cannot_wait_for_itself_in_any_way) {
    ASSERT_INT_EQ(eddy_await(eddy_create_task(waits_for_itself_in_every_way, NULL)), 5);
    ASSERT_INT_EQ(live_tasks(), 1);
}

/* --- the wrong thread ------------------------------------------------------------------------- */

struct wrong_thread {
    eddy_future *future;
    eddy_task *task;
    eddy_loop *loop;
};

static void *meddles(void *arg) {
    struct wrong_thread *wrong = arg;

    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_future_set_result(wrong->future, NULL));
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_future_set_error(wrong->future, -EIO, "x"));
    ASSERT(!eddy_cancel(wrong->future));
    ASSERT(!eddy_cancel_with(wrong->task, "x"));
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_future_add_done_callback(wrong->future, never_done, NULL));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "another thread");
    return NULL;
}

TASK_TEST(calls_on_a_future_from_another_thread_are_refused_with_a_sentence) {
    struct wrong_thread wrong = {eddy_future_new(NULL), SLEEPER(.seconds = 1, .result = 1),
                                 eddy_running_loop()};
    pthread_t thread;

    ASSERT_INT_EQ(pthread_create(&thread, NULL, meddles, &wrong), 0);
    pthread_join(thread, NULL);
    ASSERT(!eddy_is_done(wrong.future));
    ASSERT_INT_EQ(eddy_await(wrong.task), 1);
    eddy_unref(wrong.future);
}

static void *makes_future(void *loop) {
    eddy_future *future = eddy_future_new(loop);

    ASSERT_NOT_NULL(future);
    ASSERT(eddy_is_done(future));
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_await(future));
    return NULL;
}

TASK_TEST(a_plain_future_for_another_threads_loop_is_a_failed_future) {
    pthread_t thread;

    ASSERT_INT_EQ(pthread_create(&thread, NULL, makes_future, eddy_running_loop()), 0);
    pthread_join(thread, NULL);
}

/* --- a circle --------------------------------------------------------------------------------- */

static eddy_task *circle[2];

static int awaits_the_other(void *index) {
    return eddy_await(eddy_ref(circle[1 - *(int *)index]));
}

static int cancels_a_circle(void *unused) {
    int first = 0, second = 1;

    (void)unused;
    circle[0] = eddy_create_task(awaits_the_other, &first);
    circle[1] = eddy_create_task(awaits_the_other, &second);
    ASSERT_OK(eddy_yield());
    eddy_cancel(circle[0]);
    return 0;
}

static int run_a_circle(void) {
    return eddy_run(cancels_a_circle, NULL);
}

TEST(a_cancel_in_a_circle_of_tasks_says_so_instead_of_going_round) {
    struct ending ending = aborts(run_a_circle);

    ASSERT_STR_CONTAINS(ending.text, "awaits a task that awaits it: none of them can end");
}
