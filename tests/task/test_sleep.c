/* SPDX-License-Identifier: MIT
 * test_sleep.c - sleeping, yielding, and the order in which things come up. */
#include "virtual.h"

TASK_TEST(a_sleep_takes_the_time_that_was_asked) {
    ASSERT_OK(eddy_sleep(3600));
    ASSERT_INT_EQ(milliseconds(), 3600 * 1000);
    ASSERT_OK(eddy_sleep(0.001));
    ASSERT_INT_EQ(milliseconds(), 3600 * 1000 + 1);
    ASSERT_OK(eddy_sleep(1e-9));
    ASSERT(eddy_time() > 3600.001);
}

TASK_TEST(sleepers_wake_in_the_order_of_their_deadlines) {
    ASSERT_OK(eddy_gather(SLEEPER(.name = "c", .seconds = 3), SLEEPER(.name = "a", .seconds = 1),
                          SLEEPER(.name = "d", .seconds = 1000),
                          SLEEPER(.name = "b", .seconds = 2)));
    ASSERT_STR_EQ(noted(), "a b c d");
}

TASK_TEST(equal_sleeps_wake_in_the_order_in_which_they_began) {
    ASSERT_OK(eddy_gather(SLEEPER(.name = "a", .seconds = 1), SLEEPER(.name = "b", .seconds = 1),
                          SLEEPER(.name = "c", .seconds = 1), SLEEPER(.name = "d", .seconds = 1)));
    ASSERT_STR_EQ(noted(), "a b c d");
}

TASK_TEST(sleeping_no_time_or_less_is_a_yield) {
    const double times[] = {0, -1, -INFINITY, NAN};

    for (int i = 0; i < 4; i++) {
        ASSERT_OK(eddy_detach(eddy_create_task(noter, "other")));
        ASSERT_OK(eddy_sleep(times[i]));
        ASSERT_STR_EQ(noted(), "other");
    }
    ASSERT_INT_EQ(milliseconds(), 0);
}

static int sleeps_for_ever(void *unused) {
    (void)unused;
    return eddy_sleep(INFINITY);
}

TASK_TEST(sleeping_what_is_no_number_is_a_yield) {
    eddy_detach(eddy_create_task(noter, "other"));
    ASSERT_OK(eddy_sleep(NAN));
    ASSERT_STR_EQ(noted(), "other");
    ASSERT_INT_EQ(milliseconds(), 0);
}

TASK_TEST(an_infinite_sleep_ends_by_a_cancel_only) {
    eddy_task *task = eddy_create_task(sleeps_for_ever, NULL);

    ASSERT_OK(eddy_sleep(1e8));
    ASSERT(!eddy_is_done(task));
    eddy_cancel(task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
}

TASK_TEST(a_cancelled_sleep_leaves_no_timer_behind) {
    eddy_task *task = SLEEPER(.seconds = 5);

    cancel_later(1, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_OK(eddy_sleep(100));
    ASSERT_INT_EQ(milliseconds(), 101000);
}

TASK_TEST(the_clock_stands_still_while_a_task_runs) {
    double before = eddy_time();

    ASSERT_OK(eddy_yield());
    ASSERT(eddy_time() == before);
}

/* --- yield ------------------------------------------------------------------------------------ */

static int yields_and_notes(void *name) {
    for (int i = 1; i <= 3; i++) {
        note("%s%d", (const char *)name, i);
        ASSERT_OK(eddy_yield());
    }
    return 0;
}

TASK_TEST(yield_goes_to_the_end_of_the_ready_queue) {
    ASSERT_OK(eddy_gather(eddy_create_task(yields_and_notes, "a"),
                          eddy_create_task(yields_and_notes, "b"),
                          eddy_create_task(yields_and_notes, "c")));
    ASSERT_STR_EQ(noted(), "a1 b1 c1 a2 b2 c2 a3 b3 c3");
}

TASK_TEST(yield_with_nobody_else_ready_returns) {
    for (int i = 0; i < 1000; i++)
        ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(milliseconds(), 0);
}

static void note_callback(void *name) {
    note("%s", (const char *)name);
}

TASK_TEST(tasks_and_callbacks_share_one_queue) {
    eddy_call_soon(NULL, note_callback, "callback1");
    ASSERT_OK(eddy_detach(eddy_create_task(noter, "task1")));
    eddy_call_soon(NULL, note_callback, "callback2");
    ASSERT_OK(eddy_detach(eddy_create_task(noter, "task2")));
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "callback1 task1 callback2 task2");
}

static int yields_until(void *done) {
    int count = 0;

    while (!*(bool *)done) {
        ASSERT_OK(eddy_yield());
        count++;
    }
    return count;
}

/* A budget of 256 switches, then the timers that are due. */
TASK_TEST(tasks_that_only_yield_do_not_keep_timers_from_firing) {
    bool done = false;
    eddy_task *busy = eddy_create_task(yields_until, &done);

    ASSERT_OK(eddy_await(eddy_after(0)));
    done = true;
    ASSERT(eddy_await(busy) <= 600);
}

static void set_flag(void *flag) {
    *(bool *)flag = true;
}

TASK_TEST(a_task_that_only_yields_does_not_keep_posts_of_other_threads_out) {
    bool done = false;

    ASSERT_OK(eddy_call_soon_threadsafe(eddy_running_loop(), set_flag, &done));
    ASSERT(yields_until(&done) <= 600);
}

TASK_TEST(a_turn_runs_the_ready_queue_before_timers_that_are_due) {
    ASSERT_OK(eddy_detach(SLEEPER(.name = "timer", .seconds = 1e-9)));
    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_detach(eddy_create_task(noter, "ready")));
    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(noted(), "ready timer");
}
