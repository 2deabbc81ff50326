/* SPDX-License-Identifier: MIT
 * test_condition.c - a condition: waiting gives the lock back and takes it again, whatever happens
 * meanwhile, and no notification is lost. */
#include "actors.h"

static int wait_condition(void *condition) {
    int r = eddy_condition_acquire(condition);

    if (r < 0)
        return r;
    r = eddy_condition_wait(condition);
    ASSERT(eddy_condition_is_locked(condition));
    if (r < 0)
        eddy_condition_release(condition);
    return r;
}
static void release_condition(void *condition) {
    eddy_condition_release(condition);
}
/* Acquires, waits, notes, releases. */
static eddy_task *waiter_of(const char *name, eddy_condition *condition) {
    return call_of(name, wait_condition, condition, release_condition, 0);
}
/* Waits, and keeps the lock. */
static eddy_task *keeper_of(const char *name, eddy_condition *condition) {
    return call_of(name, wait_condition, condition, NULL, 0);
}

static void notify(eddy_condition *condition, int count) {
    ASSERT_OK(eddy_condition_acquire(condition));
    eddy_condition_notify(condition, count);
    eddy_condition_release(condition);
}

/* --- notifying -------------------------------------------------------------------------------- */

TASK_TEST(so_many_as_are_notified_go_on_in_their_order) {
    eddy_condition condition = EDDY_CONDITION_INIT;
    eddy_task *tasks[5];

    for (int i = 0; i < 5; i++)
        tasks[i] = waiter_of((const char *[]){"a", "b", "c", "d", "e"}[i], &condition);
    yield_times(2);
    notify(&condition, 1);
    yield_times(3);
    ASSERT_STR_EQ(noted(), "a");
    notify(&condition, 0);
    yield_times(3);
    ASSERT_STR_EQ(noted(), "");
    notify(&condition, 2);
    yield_times(3);
    ASSERT_STR_EQ(noted(), "b c");
    notify(&condition, 2048);
    ASSERT_OK(eddy_gather_array(tasks, 5, NULL));
    ASSERT_STR_EQ(noted(), "d e");
    ASSERT(!eddy_condition_is_locked(&condition));
}

TASK_TEST(all_are_notified) {
    eddy_condition condition = EDDY_CONDITION_INIT;
    eddy_task *a = waiter_of("a", &condition), *b = waiter_of("b", &condition);

    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_condition_acquire(&condition));
    eddy_condition_notify_all(&condition);
    eddy_condition_release(&condition);
    ASSERT_OK(eddy_gather(a, b));
    ASSERT_STR_EQ(noted(), "a b");
}

TASK_TEST(a_notified_task_goes_on_only_when_the_lock_is_its_own) {
    eddy_condition condition = EDDY_CONDITION_INIT;
    eddy_task *a = keeper_of("a", &condition), *b = keeper_of("b", &condition);

    ASSERT_OK(eddy_yield());
    ASSERT(!eddy_condition_is_locked(&condition)); /* waiting gives it back */
    ASSERT_OK(eddy_condition_acquire(&condition));
    eddy_condition_notify(&condition, 2);
    yield_times(3);
    ASSERT_STR_EQ(noted(), "");
    eddy_condition_release(&condition);
    yield_times(3);
    ASSERT_STR_EQ(noted(), "a"); /* which keeps the lock */
    eddy_condition_release(&condition);
    ASSERT_OK(eddy_gather(a, b));
    ASSERT_STR_EQ(noted(), "b");
}

TASK_TEST(nobody_to_notify_is_nothing) {
    eddy_condition condition = EDDY_CONDITION_INIT;

    notify(&condition, 1);
    eddy_task *a = waiter_of("a", &condition);
    yield_times(3);
    ASSERT_STR_EQ(noted(), ""); /* a notification is not kept */
    notify(&condition, 1);
    ASSERT_OK(eddy_await(a));
}

TASK_TEST(a_notified_task_stands_behind_those_who_wait_for_the_lock_already) {
    eddy_condition condition;
    eddy_lock lock = EDDY_LOCK_INIT;

    eddy_condition_init(&condition, &lock);
    eddy_task *a = waiter_of("a", &condition);
    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_lock_acquire(&lock));
    eddy_task *b = user_of("b", &lock, 1);
    ASSERT_OK(eddy_yield());
    eddy_condition_notify(&condition, 1);
    eddy_lock_release(&lock);
    ASSERT_OK(eddy_gather(a, b));
    ASSERT_STR_EQ(noted(), "b a");
}

/* --- its lock --------------------------------------------------------------------------------- */

TASK_TEST(conditions_may_share_a_lock) {
    eddy_lock lock = EDDY_LOCK_INIT;
    eddy_condition one, other;

    eddy_condition_init(&one, &lock);
    eddy_condition_init(&other, &lock);
    eddy_task *a = waiter_of("a", &one), *b = waiter_of("b", &other);
    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_lock_acquire(&lock));
    ASSERT(eddy_condition_is_locked(&one) && eddy_condition_is_locked(&other));
    eddy_condition_notify(&other, 1);
    eddy_condition_release(&one);
    ASSERT_OK(eddy_await(b));
    ASSERT_STR_EQ(noted(), "b");
    notify(&one, 1);
    ASSERT_OK(eddy_await(a));
}

TASK_TEST(to_wait_without_the_lock_is_an_error) {
    eddy_condition condition = EDDY_CONDITION_INIT;

    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_condition_wait(&condition));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "acquire it first");
    ASSERT(!eddy_condition_is_locked(&condition));
}

static int notifies_without_lock(void) {
    eddy_condition condition = EDDY_CONDITION_INIT;

    eddy_condition_notify(&condition, 1);
    return 0;
}
static int notifies_all_without_lock(void) {
    eddy_condition condition = EDDY_CONDITION_INIT;

    eddy_condition_notify_all(&condition);
    return 0;
}

TEST(to_notify_without_the_lock_aborts) {
    ASSERT_STR_CONTAINS(aborts(notifies_without_lock).text,
                        "eddy_condition_notify: the condition's lock is not held");
    ASSERT_STR_CONTAINS(aborts(notifies_all_without_lock).text, "eddy_condition_notify_all");
}

/* --- wait_for --------------------------------------------------------------------------------- */

struct stock {
    eddy_condition condition;
    int items;
};

static bool has_items(void *stock) {
    return ((struct stock *)stock)->items != 0;
}

static int consumes_one(void *arg) {
    struct stock *stock = arg;
    int r = eddy_condition_acquire(&stock->condition);

    if (r < 0)
        return r;
    r = eddy_condition_wait_for(&stock->condition, has_items, stock);
    if (r == 0)
        stock->items--;
    note(r == 0 ? "consumed" : "refused");
    eddy_condition_release(&stock->condition);
    return r;
}

TASK_TEST(a_wait_for_a_predicate_ends_when_it_is_true) {
    struct stock stock = {0};
    eddy_task *task = eddy_create_task(consumes_one, &stock);

    ASSERT_OK(eddy_yield());
    notify(&stock.condition, 1); /* for nothing */
    yield_times(3);
    ASSERT(!eddy_is_done(task));
    stock.items = 1;
    notify(&stock.condition, 1);
    ASSERT_OK(eddy_await(task));
    ASSERT_STR_EQ(noted(), "consumed");
}

TASK_TEST(a_predicate_that_is_true_already_is_not_waited_for) {
    struct stock stock = {.items = 1};

    ASSERT_OK(consumes_one(&stock));
    ASSERT_INT_EQ(stock.items, 0);
}

TASK_TEST(to_wait_for_a_predicate_without_the_lock_is_an_error) {
    struct stock stock = {0};

    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_condition_wait_for(&stock.condition, has_items, &stock));
    stock.items = 1;
    ASSERT_OK(eddy_condition_wait_for(&stock.condition, has_items, &stock));
}

/* --- cancels ---------------------------------------------------------------------------------- */

TASK_TEST(a_cancelled_wait_returns_with_the_lock) {
    eddy_condition condition = EDDY_CONDITION_INIT;
    eddy_task *a = waiter_of("a", &condition);

    ASSERT_OK(eddy_yield());
    ASSERT(!eddy_condition_is_locked(&condition));
    eddy_cancel(a);
    ASSERT(eddy_condition_is_locked(&condition)); /* a's */
    ASSERT_CANCELLED(a);
    ASSERT(!eddy_condition_is_locked(&condition));
    ASSERT_STR_EQ(noted(), "a!");
}

TASK_TEST(a_cancelled_wait_waits_for_the_lock_that_another_holds) {
    eddy_condition condition = EDDY_CONDITION_INIT;
    eddy_task *a = waiter_of("a", &condition);

    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_condition_acquire(&condition));
    eddy_cancel(a);
    eddy_cancel(a);
    yield_times(3);
    ASSERT(!eddy_is_done(a));
    eddy_condition_notify(&condition, 1); /* not for a any more */
    eddy_condition_release(&condition);
    ASSERT_CANCELLED(a);
    ASSERT(!eddy_condition_is_locked(&condition));
}

static int waits_and_yields(void *condition) {
    ASSERT_OK(eddy_condition_acquire(condition));
    int r = eddy_condition_wait(condition);
    ASSERT(eddy_condition_is_locked(condition));
    note(r == 0 ? "notified" : "refused");
    ASSERT_CODE(-ECANCELED, eddy_yield());
    eddy_condition_release(condition);
    return -ECANCELED;
}

/* bpo-32841: it hung. */
TASK_TEST(a_wait_that_is_cancelled_after_the_notification_was_notified) {
    eddy_condition condition = EDDY_CONDITION_INIT;
    eddy_task *a = eddy_create_task(waits_and_yields, &condition);

    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_condition_acquire(&condition));
    eddy_condition_notify(&condition, 1);
    ASSERT_OK(eddy_yield());
    eddy_cancel(a);
    ASSERT_OK(eddy_yield());
    eddy_condition_release(&condition);
    ASSERT_CANCELLED(a);
    ASSERT_STR_EQ(noted(), "notified");
    ASSERT(!eddy_condition_is_locked(&condition));
}

TASK_TEST(a_refused_task_keeps_the_lock_when_it_would_wait) {
    eddy_condition condition = EDDY_CONDITION_INIT;

    ASSERT_OK(eddy_condition_acquire(&condition));
    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_condition_wait(&condition));
    ASSERT(eddy_condition_is_locked(&condition));
    eddy_uncancel();
}

TASK_TEST(a_time_out_inside_a_condition_returns_with_the_lock) {
    eddy_condition condition = EDDY_CONDITION_INIT;
    eddy_timeout timeout;

    ASSERT_OK(eddy_condition_acquire(&condition));
    eddy_timeout_begin(&timeout, 0.5);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_condition_wait(&condition)));
    ASSERT_INT_EQ(milliseconds(), 500);
    ASSERT(eddy_condition_is_locked(&condition));
    eddy_condition_release(&condition);
}

TASK_TEST(the_reason_of_a_cancel_comes_through_a_condition) {
    eddy_condition condition = EDDY_CONDITION_INIT;
    eddy_task *a = waiter_of("a", &condition);

    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_condition_acquire(&condition));
    eddy_cancel_with(a, "foo");
    yield_times(2);
    eddy_condition_release(&condition);
    ASSERT_CANCELLED(a);
    ASSERT_STR_EQ(eddy_last_error()->message, "foo");
}

static int consumes_until_negative(void *arg) {
    struct stock *stock = arg;
    int r = eddy_condition_acquire(&stock->condition);

    while (r == 0) {
        r = eddy_condition_wait_for(&stock->condition, has_items, stock);
        if (r < 0 || stock->items < 0)
            break;
        stock->items--;
    }
    eddy_condition_release(&stock->condition);
    return r;
}

/* asyncio's gh-112202: the notification of a consumer that is cancelled serves another. */
TASK_TEST(a_consumer_that_is_cancelled_in_the_turn_of_its_notification_loses_no_item) {
    for (int yields = 0; yields < 4; yields++) {
        struct stock stock = {0};
        eddy_task *a = eddy_create_task(consumes_until_negative, &stock),
                  *b = eddy_create_task(consumes_until_negative, &stock);

        ASSERT_OK(eddy_yield());
        ASSERT_OK(eddy_condition_acquire(&stock.condition));
        stock.items++;
        eddy_condition_notify(&stock.condition, 1);
        yield_times(yields);
        eddy_cancel(a);
        eddy_condition_release(&stock.condition);
        ASSERT_OK(eddy_sleep(1));
        ASSERT_INT_EQ(stock.items, 0);
        ASSERT_CANCELLED(a);
        ASSERT_OK(eddy_condition_acquire(&stock.condition));
        stock.items = -1;
        eddy_condition_notify_all(&stock.condition);
        eddy_condition_release(&stock.condition);
        ASSERT_OK(eddy_await(b));
    }
}

/* --- places ----------------------------------------------------------------------------------- */

static int wait_held(void *condition) {
    return eddy_condition_wait(condition);
}

TASK_TEST(a_callback_cannot_wait_for_a_condition) {
    eddy_condition condition = EDDY_CONDITION_INIT;

    ASSERT_OK(eddy_condition_acquire(&condition));
    ASSERT_CODE(-EDEADLK, code_in_callback(wait_held, &condition));
    ASSERT(eddy_condition_is_locked(&condition));
}

static void notifies_in_callback(void *condition) {
    eddy_condition_notify_all(condition);
}

TEST(outside_any_task_a_wait_for_a_condition_runs_the_loop) {
    eddy_lock lock = EDDY_LOCK_INIT;
    eddy_condition condition;

    eddy_condition_init(&condition, &lock);
    ASSERT_OK(eddy_condition_acquire(&condition));
    eddy_detach(taker_of("taker", &lock));
    eddy_call_later(NULL, 0.001, notifies_in_callback, &condition);
    eddy_call_later(NULL, 0.002, release_lock, &lock);
    ASSERT_OK(eddy_condition_wait(&condition));
    ASSERT(eddy_lock_is_locked(&lock));
    ASSERT_STR_EQ(noted(), "taker");
}
