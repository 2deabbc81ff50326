/* SPDX-License-Identifier: MIT
 * test_lock.c - a lock: in order of arrival, handed over, and never lost by a cancel. */
#include "actors.h"

/* --- free and held ---------------------------------------------------------------------------- */

TASK_TEST(a_lock_is_held_from_acquire_to_release) {
    eddy_lock lock;

    eddy_lock_init(&lock);
    ASSERT(!eddy_lock_is_locked(&lock));
    ASSERT_OK(eddy_lock_acquire(&lock));
    ASSERT(eddy_lock_is_locked(&lock));
    eddy_lock_release(&lock);
    ASSERT(!eddy_lock_is_locked(&lock));
}

TASK_TEST(all_zero_is_a_valid_lock) {
    static eddy_lock zero;
    eddy_lock initialized = EDDY_LOCK_INIT;

    ASSERT_OK(eddy_lock_acquire(&zero));
    ASSERT_OK(eddy_lock_acquire(&initialized));
    ASSERT(eddy_lock_is_locked(&zero) && eddy_lock_is_locked(&initialized));
}

TASK_TEST(to_acquire_a_free_lock_does_not_suspend) {
    eddy_lock lock = EDDY_LOCK_INIT;

    eddy_detach(eddy_create_task(noter, "other"));
    ASSERT_OK(eddy_lock_acquire(&lock));
    eddy_lock_release(&lock);
    ASSERT_STR_EQ(noted(), "");
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "other");
}

TASK_TEST(a_task_that_never_has_to_wait_for_a_lock_lets_the_others_run_now_and_then) {
    eddy_lock lock = EDDY_LOCK_INIT;
    eddy_task *other = eddy_create_task(noter, "other");
    int rounds = 0;

    for (; !eddy_is_done(other) && rounds < 10000; rounds++) {
        ASSERT_OK(eddy_lock_acquire(&lock));
        eddy_lock_release(&lock);
    }
    ASSERT(rounds > 1 && rounds < 10000);
    ASSERT_OK(eddy_await(other));
    ASSERT_STR_EQ(noted(), "other");
}

TASK_TEST(whoever_releases_a_lock_need_not_have_acquired_it) {
    eddy_lock lock = EDDY_LOCK_INIT;

    ASSERT_OK(eddy_await(taker_of("taker", &lock)));
    eddy_lock_release(&lock);
    ASSERT(!eddy_lock_is_locked(&lock));
}

/* --- the line --------------------------------------------------------------------------------- */

TASK_TEST(tasks_get_the_lock_in_the_order_in_which_they_came) {
    eddy_lock lock = EDDY_LOCK_INIT;

    ASSERT_OK(eddy_lock_acquire(&lock));
    eddy_task *a = taker_of("a", &lock), *b = taker_of("b", &lock);
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "");

    eddy_lock_release(&lock);
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "a");
    ASSERT(eddy_lock_is_locked(&lock));
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "");

    eddy_task *c = taker_of("c", &lock);
    eddy_lock_release(&lock);
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "b");
    eddy_lock_release(&lock);
    ASSERT_OK(eddy_gather(a, b, c));
    ASSERT_STR_EQ(noted(), "c");
    ASSERT(eddy_lock_is_locked(&lock));
}

TASK_TEST(nobody_gets_ahead_of_the_line) {
    eddy_lock lock = EDDY_LOCK_INIT;

    ASSERT_OK(eddy_lock_acquire(&lock));
    eddy_task *a = user_of("a", &lock, 1), *b = user_of("b", &lock, 1);
    ASSERT_OK(eddy_yield());
    eddy_lock_release(&lock);
    ASSERT(eddy_lock_is_locked(&lock)); /* a's already */
    ASSERT_OK(eddy_lock_acquire(&lock));
    note("main");
    eddy_lock_release(&lock);
    ASSERT_OK(eddy_gather(a, b));
    ASSERT_STR_EQ(noted(), "a b main");
    ASSERT_INT_EQ(milliseconds(), 2000);
}

TASK_TEST(a_thousand_tasks_hold_a_lock_one_after_the_other) {
    enum { TASKS = 1000 };
    eddy_lock lock = EDDY_LOCK_INIT;
    eddy_task *tasks[TASKS];

    for (int i = 0; i < TASKS; i++)
        tasks[i] = user_of("-", &lock, 1);
    ASSERT_OK(eddy_gather_array(tasks, TASKS, NULL));
    ASSERT_INT_EQ(milliseconds(), TASKS * 1000);
    ASSERT(!eddy_lock_is_locked(&lock));
}

/* --- cancels ---------------------------------------------------------------------------------- */

TASK_TEST(a_cancelled_waiter_leaves_the_line) {
    eddy_lock lock = EDDY_LOCK_INIT;

    ASSERT_OK(eddy_lock_acquire(&lock));
    eddy_task *a = taker_of("a", &lock);
    cancel_later(1, a);
    ASSERT_CANCELLED(a);
    ASSERT_STR_EQ(noted(), "a!");
    eddy_lock_release(&lock);
    ASSERT(!eddy_lock_is_locked(&lock));
}

TASK_TEST(a_refused_task_does_not_acquire_even_a_free_lock) {
    eddy_lock lock = EDDY_LOCK_INIT;

    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_lock_acquire(&lock));
    ASSERT(!eddy_lock_is_locked(&lock));
    eddy_uncancel();
    ASSERT_OK(eddy_lock_acquire(&lock));
}

/* As in asyncio's test_cancel_race: the release goes past a waiter that is being cancelled. */
TASK_TEST(a_release_after_a_cancel_goes_to_the_next_in_the_line) {
    eddy_lock lock = EDDY_LOCK_INIT;

    ASSERT_OK(eddy_lock_acquire(&lock));
    eddy_task *a = user_of("a", &lock, 0), *b = user_of("b", &lock, 0);
    ASSERT_OK(eddy_yield());
    eddy_cancel(a);
    eddy_lock_release(&lock);
    ASSERT_CANCELLED(a);
    ASSERT_OK(eddy_await(b));
    ASSERT_STR_EQ(noted(), "a! b");
    ASSERT(!eddy_lock_is_locked(&lock));
}

/* bpo-32734: one release, two owners. */
TASK_TEST(a_cancel_and_a_release_in_one_turn_give_the_lock_to_one_task) {
    eddy_lock lock = EDDY_LOCK_INIT;

    ASSERT_OK(eddy_lock_acquire(&lock));
    eddy_task *a = taker_of("a", &lock), *b = taker_of("b", &lock), *c = taker_of("c", &lock);
    ASSERT_OK(eddy_yield());
    eddy_cancel(a);
    eddy_lock_release(&lock);
    ASSERT_CANCELLED(a);
    ASSERT_OK(eddy_await(b));
    yield_times(3);
    ASSERT_STR_EQ(noted(), "a! b");
    ASSERT(!eddy_is_done(c));
    eddy_cancel(c);
    ASSERT_CANCELLED(c);
}

static int acquires_and_waits(void *lock) {
    int r = eddy_lock_acquire(lock);

    note("%s", r == 0 ? "acquired" : "refused");
    ASSERT_CODE(-ECANCELED, eddy_yield());
    if (r == 0)
        eddy_lock_release(lock);
    return r < 0 ? r : -ECANCELED;
}

TASK_TEST(a_waiter_that_is_cancelled_after_the_release_has_the_lock) {
    eddy_lock lock = EDDY_LOCK_INIT;

    ASSERT_OK(eddy_lock_acquire(&lock));
    eddy_task *a = eddy_create_task(acquires_and_waits, &lock), *b = taker_of("b", &lock);
    ASSERT_OK(eddy_yield());
    eddy_lock_release(&lock);
    eddy_cancel(a);
    eddy_cancel(a);
    ASSERT_CANCELLED(a);
    ASSERT_OK(eddy_await(b));
    ASSERT_STR_EQ(noted(), "acquired b");
}

TASK_TEST(a_waiter_that_is_cancelled_twice_leaves_once) {
    eddy_lock lock = EDDY_LOCK_INIT;

    ASSERT_OK(eddy_lock_acquire(&lock));
    eddy_task *a = taker_of("a", &lock), *b = taker_of("b", &lock);
    ASSERT_OK(eddy_yield());
    eddy_cancel(a);
    eddy_cancel(a);
    ASSERT_CANCELLED(a);
    eddy_lock_release(&lock);
    ASSERT_OK(eddy_await(b));
    ASSERT_STR_EQ(noted(), "a! b");
}

static int acquires_shielded(void *lock) {
    eddy_shield_scope shield;

    eddy_shield_begin(&shield);
    int r = eddy_lock_acquire(lock);
    eddy_shield_end(&shield);
    note("%s", r == 0 ? "acquired" : "refused");
    ASSERT_CODE(-ECANCELED, eddy_yield());
    return r;
}

TASK_TEST(a_shield_keeps_a_waiter_in_the_line) {
    eddy_lock lock = EDDY_LOCK_INIT;

    ASSERT_OK(eddy_lock_acquire(&lock));
    eddy_task *task = eddy_create_task(acquires_shielded, &lock);
    ASSERT_OK(eddy_yield());
    eddy_cancel(task);
    yield_times(3);
    ASSERT(!eddy_is_done(task));
    eddy_lock_release(&lock);
    ASSERT_OK(eddy_await(task));
    ASSERT_STR_EQ(noted(), "acquired");
}

/* --- time-outs -------------------------------------------------------------------------------- */

static int acquire_within(eddy_lock *lock, double seconds) {
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, seconds);
    return eddy_timeout_end(&timeout, eddy_lock_acquire(lock));
}

TASK_TEST(a_time_out_ends_the_wait_for_a_lock) {
    eddy_lock lock = EDDY_LOCK_INIT;

    ASSERT_OK(eddy_lock_acquire(&lock));
    ASSERT_CODE(-ETIMEDOUT, acquire_within(&lock, 2));
    ASSERT_INT_EQ(milliseconds(), 2000);
    eddy_lock_release(&lock);
    ASSERT(!eddy_lock_is_locked(&lock));
    ASSERT_OK(acquire_within(&lock, 2));
}

static int releases_after(void *arg) {
    const struct caller *what = arg;

    ASSERT_OK(eddy_sleep(what->seconds));
    what->release(what->object);
    return 0;
}

static int acquires_within_2(void *lock) {
    return acquire_within(lock, 2);
}

TASK_TEST(a_release_and_a_time_out_at_the_same_instant_lose_nothing) {
    for (int release_first = 0; release_first < 2; release_first++) {
        eddy_lock lock = EDDY_LOCK_INIT;
        struct caller release = {.object = &lock, .release = release_lock, .seconds = 2};
        eddy_task *first, *second;

        ASSERT_OK(eddy_lock_acquire(&lock));
        first = eddy_create_task(release_first ? releases_after : acquires_within_2,
                                 release_first ? (void *)&release : (void *)&lock);
        second = eddy_create_task(release_first ? acquires_within_2 : releases_after,
                                  release_first ? (void *)&lock : (void *)&release);
        int r = eddy_await(release_first ? second : first);
        ASSERT_OK(eddy_await(release_first ? first : second));
        ASSERT(r == 0 || r == -ETIMEDOUT);
        ASSERT_INT_EQ(eddy_lock_is_locked(&lock), r == 0);
    }
}

/* --- places ----------------------------------------------------------------------------------- */

TASK_TEST(a_callback_cannot_wait_for_a_lock_but_release_it) {
    eddy_lock lock = EDDY_LOCK_INIT;

    ASSERT_CODE(-EDEADLK, code_in_callback(acquire_lock, &lock));
    ASSERT(!eddy_lock_is_locked(&lock));
    ASSERT_OK(eddy_lock_acquire(&lock));
    eddy_call_later(NULL, 3, release_lock, &lock);
    ASSERT_OK(eddy_lock_acquire(&lock));
    ASSERT_INT_EQ(milliseconds(), 3000);
}

TEST(outside_any_task_a_wait_for_a_lock_runs_the_loop) {
    eddy_lock lock = EDDY_LOCK_INIT;

    ASSERT_OK(eddy_lock_acquire(&lock));
    eddy_detach(eddy_create_task(noter, "task"));
    eddy_call_soon(NULL, release_lock, &lock);
    ASSERT_OK(eddy_lock_acquire(&lock));
    ASSERT_STR_EQ(noted(), "task");
    eddy_lock_release(&lock);
    ASSERT(!eddy_lock_is_locked(&lock));
}

TEST(outside_any_task_the_loop_of_those_who_wait_runs) {
    eddy_loop *loop = virtual_loop();
    eddy_lock lock = EDDY_LOCK_INIT;
    struct caller use = {"a", acquire_lock, &lock, release_lock, 3};

    ASSERT_OK(eddy_lock_acquire(&lock));
    eddy_detach(eddy_create_task_with(&(eddy_task_options){.loop = loop}, caller, &use));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    eddy_lock_release(&lock);
    eddy_detach(eddy_create_task_with(&(eddy_task_options){.loop = loop}, caller, &use));
    ASSERT_OK(eddy_loop_run_once(loop, 0)); /* one holds it, one waits */
    ASSERT_OK(eddy_lock_acquire(&lock));
    ASSERT_STR_EQ(noted(), "a a");
    eddy_lock_release(&lock);
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    virtual_close(loop);
}

static int releases_a_free_lock(void *unused) {
    eddy_lock lock = EDDY_LOCK_INIT;

    (void)unused;
    eddy_lock_release(&lock);
    return 0;
}

static int misuses(void) {
    return eddy_run(releases_a_free_lock, NULL);
}

TEST(to_release_a_lock_that_is_not_held_aborts_and_names_the_task) {
    struct ending ending = aborts(misuses);

    ASSERT_STR_CONTAINS(ending.text, "eddy_lock_release: the lock is not held");
    ASSERT_STR_CONTAINS(ending.text, "task \"main\"");
}
