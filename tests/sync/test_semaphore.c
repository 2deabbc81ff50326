/* SPDX-License-Identifier: MIT
 * test_semaphore.c - a semaphore: so many at a time, in order of arrival. */
#include "actors.h"

static int acquire(void *semaphore) {
    return eddy_semaphore_acquire(semaphore);
}
static void release(void *semaphore) {
    eddy_semaphore_release(semaphore);
}
static eddy_task *taker(const char *name, eddy_semaphore *semaphore) {
    return call_of(name, acquire, semaphore, NULL, 0);
}
static eddy_task *user(const char *name, eddy_semaphore *semaphore, double seconds) {
    return call_of(name, acquire, semaphore, release, seconds);
}

TASK_TEST(a_semaphore_lets_so_many_in) {
    eddy_semaphore semaphore;

    eddy_semaphore_init(&semaphore, 2);
    ASSERT_OK(eddy_semaphore_acquire(&semaphore));
    ASSERT(!eddy_semaphore_is_locked(&semaphore));
    ASSERT_OK(eddy_semaphore_acquire(&semaphore));
    ASSERT(eddy_semaphore_is_locked(&semaphore));
    eddy_semaphore_release(&semaphore);
    ASSERT(!eddy_semaphore_is_locked(&semaphore));
}

TASK_TEST(a_semaphore_may_begin_with_none) {
    static eddy_semaphore zero, initialized = EDDY_SEMAPHORE_INIT(1);

    ASSERT(eddy_semaphore_is_locked(&zero));
    eddy_semaphore_release(&zero);
    eddy_semaphore_release(&zero); /* more than it began with */
    ASSERT_OK(eddy_semaphore_acquire(&zero));
    ASSERT_OK(eddy_semaphore_acquire(&zero));
    ASSERT_OK(eddy_semaphore_acquire(&initialized));
    ASSERT(eddy_semaphore_is_locked(&initialized));
}

TASK_TEST(ten_tasks_three_at_a_time_take_four_rounds) {
    eddy_semaphore semaphore = EDDY_SEMAPHORE_INIT(3);
    eddy_task *tasks[10];

    for (int i = 0; i < 10; i++)
        tasks[i] = user("-", &semaphore, 1);
    ASSERT_OK(eddy_gather_array(tasks, 10, NULL));
    ASSERT_INT_EQ(milliseconds(), 4000);
}

TASK_TEST(a_task_that_never_has_to_wait_for_a_semaphore_lets_the_others_run_now_and_then) {
    eddy_semaphore semaphore = EDDY_SEMAPHORE_INIT(1000);

    eddy_detach(eddy_create_task(noter, "other"));
    ASSERT_OK(eddy_semaphore_acquire(&semaphore));
    ASSERT_STR_EQ(noted(), "");
    for (int i = 0; i < 500; i++)
        ASSERT_OK(eddy_semaphore_acquire(&semaphore));
    ASSERT_STR_EQ(noted(), "other");
}

/* --- the line --------------------------------------------------------------------------------- */

TASK_TEST(tasks_get_in_in_the_order_in_which_they_came) {
    eddy_semaphore semaphore = EDDY_SEMAPHORE_INIT(3);

    eddy_task *tasks[] = {taker("a", &semaphore), taker("b", &semaphore), taker("c", &semaphore),
                          taker("d", &semaphore), taker("e", &semaphore)};
    yield_times(2);
    ASSERT_STR_EQ(noted(), "a b c");
    ASSERT(eddy_semaphore_is_locked(&semaphore));
    eddy_semaphore_release(&semaphore);
    eddy_semaphore_release(&semaphore);
    ASSERT(eddy_semaphore_is_locked(&semaphore)); /* they are d's and e's */
    ASSERT_OK(eddy_gather_array(tasks, 5, NULL));
    ASSERT_STR_EQ(noted(), "d e");
    eddy_semaphore_release(&semaphore);
    ASSERT(!eddy_semaphore_is_locked(&semaphore));
}

static int acquires_twice(void *arg) {
    struct caller *what = arg;

    for (int i = 1; i <= 2; i++) {
        int r = eddy_semaphore_acquire(what->object);
        if (r < 0)
            return r;
        note("%s%d", what->name, i);
        eddy_sleep(0.01);
        eddy_semaphore_release(what->object);
    }
    return 0;
}

/* gh-90155: who came back at once got ahead of those who waited. */
TASK_TEST(who_comes_back_stands_at_the_end_of_the_line) {
    eddy_semaphore semaphore = EDDY_SEMAPHORE_INIT(1);
    struct caller a = {.name = "a", .object = &semaphore}, b = {.name = "b", .object = &semaphore},
                  c = {.name = "c", .object = &semaphore};

    ASSERT_OK(eddy_gather(eddy_create_task(acquires_twice, &a),
                          eddy_create_task(acquires_twice, &b),
                          eddy_create_task(acquires_twice, &c)));
    ASSERT_STR_EQ(noted(), "a1 b1 c1 a2 b2 c2");
}

static int releases_three_then_acquires(void *semaphore) {
    for (int i = 0; i < 3; i++)
        eddy_semaphore_release(semaphore);
    ASSERT(!eddy_semaphore_is_locked(semaphore));
    ASSERT_OK(eddy_semaphore_acquire(semaphore));
    note("b");
    return 0;
}

TASK_TEST(several_releases_let_several_in_in_their_order) {
    eddy_semaphore semaphore = EDDY_SEMAPHORE_INIT(0);
    eddy_task *a = taker("a", &semaphore),
              *b = eddy_create_task(releases_three_then_acquires, &semaphore),
              *c = taker("c", &semaphore);

    ASSERT_OK(eddy_gather(a, b, c));
    ASSERT_STR_EQ(noted(), "b c a"); /* b and c need not wait; a is woken at the end of the queue */
    ASSERT(eddy_semaphore_is_locked(&semaphore));
}

/* --- cancels ---------------------------------------------------------------------------------- */

TASK_TEST(a_release_goes_past_those_who_were_cancelled) {
    eddy_semaphore semaphore = EDDY_SEMAPHORE_INIT(0);
    eddy_task *a = taker("a", &semaphore), *b = taker("b", &semaphore), *c = taker("c", &semaphore),
              *d = taker("d", &semaphore);

    ASSERT_OK(eddy_yield());
    eddy_cancel(a);
    eddy_cancel(b);
    eddy_semaphore_release(&semaphore);
    ASSERT_CANCELLED(a);
    ASSERT_CANCELLED(b);
    ASSERT_OK(eddy_await(c));
    yield_times(2);
    ASSERT(!eddy_is_done(d));
    eddy_cancel(d);
    ASSERT_CANCELLED(d);
    ASSERT_STR_EQ(noted(), "a! b! c d!");
    ASSERT(eddy_semaphore_is_locked(&semaphore));
}

TASK_TEST(who_is_cancelled_after_the_release_is_in) {
    eddy_semaphore semaphore = EDDY_SEMAPHORE_INIT(0);
    eddy_task *a = user("a", &semaphore, 5), *b = taker("b", &semaphore);

    ASSERT_OK(eddy_yield());
    eddy_semaphore_release(&semaphore);
    eddy_cancel(a); /* it sleeps no more, and releases */
    ASSERT_OK(eddy_gather(a, b));
    ASSERT_STR_EQ(noted(), "a b");
    ASSERT_INT_EQ(milliseconds(), 0);
}

TASK_TEST(a_refused_task_is_not_let_in) {
    eddy_semaphore semaphore = EDDY_SEMAPHORE_INIT(1);

    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_semaphore_acquire(&semaphore));
    ASSERT(!eddy_semaphore_is_locked(&semaphore));
    eddy_uncancel();
}

TASK_TEST(a_time_out_ends_the_wait_for_a_semaphore) {
    eddy_semaphore semaphore = EDDY_SEMAPHORE_INIT(0);
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_semaphore_acquire(&semaphore)));
    eddy_semaphore_release(&semaphore);
    ASSERT_OK(eddy_semaphore_acquire(&semaphore));
}

/* --- misuse ----------------------------------------------------------------------------------- */

TASK_TEST(a_bounded_semaphore_may_be_released_as_often_as_it_was_acquired) {
    eddy_semaphore semaphore;

    eddy_semaphore_init_with(&semaphore, 1, &(eddy_semaphore_options){.bounded = true});
    for (int i = 0; i < 3; i++) {
        ASSERT_OK(eddy_semaphore_acquire(&semaphore));
        eddy_task *a = user("a", &semaphore, 1);
        ASSERT_OK(eddy_yield());
        eddy_semaphore_release(&semaphore);
        ASSERT_OK(eddy_await(a));
    }
}

static int releases_too_often(void) {
    eddy_semaphore semaphore;

    eddy_semaphore_init_with(&semaphore, 1, &(eddy_semaphore_options){.bounded = true});
    eddy_semaphore_release(&semaphore);
    return 0;
}

static int begins_below_0(void) {
    eddy_semaphore semaphore;

    eddy_semaphore_init(&semaphore, -1);
    return 0;
}

TEST(a_bounded_semaphore_that_is_released_too_often_aborts) {
    ASSERT_STR_CONTAINS(
        aborts(releases_too_often).text,
        "eddy_semaphore_release: the bounded semaphore is released more often than");
}

TEST(a_semaphore_below_0_aborts) {
    ASSERT_STR_CONTAINS(aborts(begins_below_0).text, "the value is negative");
}

TASK_TEST(a_callback_cannot_wait_for_a_semaphore_but_release_it) {
    eddy_semaphore semaphore = EDDY_SEMAPHORE_INIT(1);

    ASSERT_CODE(-EDEADLK, code_in_callback(acquire, &semaphore));
    ASSERT_OK(eddy_semaphore_acquire(&semaphore));
    eddy_call_later(NULL, 2, release, &semaphore);
    ASSERT_OK(eddy_semaphore_acquire(&semaphore));
    ASSERT_INT_EQ(milliseconds(), 2000);
}

TEST(outside_any_task_a_wait_for_a_semaphore_runs_the_loop) {
    eddy_semaphore semaphore = EDDY_SEMAPHORE_INIT(0);

    eddy_call_soon(NULL, release, &semaphore);
    ASSERT_OK(eddy_semaphore_acquire(&semaphore));
}
