/* SPDX-License-Identifier: MIT
 * test_queue.c - a queue: items from who puts to who gets, none lost and none twice. In which order
 * they leave: test_store.c. */
#include "actors.h"

#define ITEM(number) ((void *)(intptr_t)(number))

struct user {
    const char *name;
    eddy_queue *queue;
    intptr_t item;
};

static int ends(const struct user *user, int r, intptr_t item) {
    if (r < 0)
        note(r == -ECANCELED ? "%s!" : "%s-%s", user->name, eddy_error_name(r));
    else
        note("%s%d", user->name, (int)item);
    return r;
}

static int gets(void *arg) {
    const struct user *user = arg;
    void *item = NULL;
    int r = eddy_queue_get(user->queue, &item);

    return ends(user, r, (intptr_t)item);
}
static int puts_item(void *arg) {
    const struct user *user = arg;

    return ends(user, eddy_queue_put(user->queue, ITEM(user->item)), user->item);
}
static int joins(void *arg) {
    const struct user *user = arg;

    return ends(user, eddy_queue_join(user->queue), 0);
}

static eddy_task *task_of(eddy_fn *fn, const char *name, eddy_queue *queue, intptr_t item) {
    struct user user = {name, queue, item};

    return eddy_create_task_with(&(eddy_task_options){.copy_bytes = sizeof(user)}, fn, &user);
}
static eddy_task *getter(const char *name, eddy_queue *queue) {
    return task_of(gets, name, queue, 0);
}
static eddy_task *putter(const char *name, eddy_queue *queue, intptr_t item) {
    return task_of(puts_item, name, queue, item);
}

static intptr_t get_now(eddy_queue *queue) {
    void *item = NULL;

    ASSERT_OK(eddy_queue_get_nowait(queue, &item));
    return (intptr_t)item;
}

static eddy_queue bounded(int capacity) {
    eddy_queue queue;

    ASSERT_OK(eddy_queue_init(&queue, EDDY_FIFO, capacity));
    return queue;
}

/* --- empty and full --------------------------------------------------------------------------- */

TASK_TEST(a_queue_knows_its_size) {
    eddy_queue queue = bounded(2);

    ASSERT(eddy_queue_is_empty(&queue) && !eddy_queue_is_full(&queue));
    ASSERT_INT_EQ(eddy_queue_maxsize(&queue), 2);
    ASSERT_OK(eddy_queue_put_nowait(&queue, ITEM(1)));
    ASSERT(!eddy_queue_is_empty(&queue) && !eddy_queue_is_full(&queue));
    ASSERT_OK(eddy_queue_put_nowait(&queue, ITEM(2)));
    ASSERT_INT_EQ(eddy_queue_qsize(&queue), 2);
    ASSERT(eddy_queue_is_full(&queue));
    ASSERT_INT_EQ(get_now(&queue), 1);
    ASSERT_INT_EQ(eddy_queue_qsize(&queue), 1);
    eddy_queue_deinit(&queue);
}

TASK_TEST(all_zero_is_a_valid_queue) {
    static eddy_queue zero;
    eddy_queue queue = EDDY_QUEUE_INIT;

    ASSERT_OK(eddy_queue_put(&zero, ITEM(1)));
    ASSERT_OK(eddy_queue_put(&queue, NULL)); /* an item as any other */
    ASSERT_INT_EQ(get_now(&zero), 1);
    ASSERT_INT_EQ(get_now(&queue), 0);
    eddy_queue_deinit(&zero);
    eddy_queue_deinit(&queue);
    eddy_queue_deinit(&queue);
    ASSERT_OK(eddy_queue_put(&queue, ITEM(1))); /* deinit leaves it all zero */
    eddy_queue_deinit(&queue);
}

TASK_TEST(a_queue_of_capacity_0_or_less_is_never_full) {
    for (int capacity = 0; capacity >= -1; capacity--) {
        eddy_queue queue = bounded(capacity);
        ASSERT_INT_EQ(eddy_queue_maxsize(&queue), 0);
        for (int i = 0; i < 1000; i++)
            ASSERT_OK(eddy_queue_put_nowait(&queue, ITEM(i)));
        ASSERT(!eddy_queue_is_full(&queue));
        for (int i = 0; i < 1000; i++)
            ASSERT_INT_EQ(get_now(&queue), i);
        eddy_queue_deinit(&queue);
    }
}

TASK_TEST(what_does_not_wait_answers_eagain) {
    eddy_queue queue = bounded(1);
    void *item = &queue;

    ASSERT_CODE(-EAGAIN, eddy_queue_get_nowait(&queue, &item));
    ASSERT_CODE(-EAGAIN, eddy_last_error()->code);
    ASSERT_PTR_EQ(item, &queue);
    ASSERT_OK(eddy_queue_put_nowait(&queue, ITEM(1)));
    ASSERT_CODE(-EAGAIN, eddy_queue_put_nowait(&queue, ITEM(2)));
    ASSERT_INT_EQ(get_now(&queue), 1);
    eddy_queue_deinit(&queue);
}

TASK_TEST(there_is_no_such_kind_of_queue) {
    eddy_queue queue;

    ASSERT_CODE(-EINVAL, eddy_queue_init(&queue, (eddy_queue_kind)7, 0));
}

/* --- getting ---------------------------------------------------------------------------------- */

TASK_TEST(a_get_that_need_not_wait_does_not_suspend) {
    eddy_queue queue = EDDY_QUEUE_INIT;
    void *item;

    ASSERT_OK(eddy_queue_put(&queue, ITEM(1)));
    eddy_detach(eddy_create_task(noter, "other"));
    ASSERT_OK(eddy_queue_get(&queue, &item));
    ASSERT_INT_EQ((intptr_t)item, 1);
    ASSERT_STR_EQ(noted(), "");
    for (int i = 0; i < 500; i++) {
        ASSERT_OK(eddy_queue_put(&queue, ITEM(i)));
        ASSERT_OK(eddy_queue_get(&queue, &item));
    }
    ASSERT_STR_EQ(noted(), "other"); /* now and then it does */
    eddy_queue_deinit(&queue);
}

static void put_7(void *queue) {
    ASSERT_OK(eddy_queue_put_nowait(queue, ITEM(7)));
}

TASK_TEST(a_get_waits_for_an_item) {
    eddy_queue queue = EDDY_QUEUE_INIT;
    void *item;

    eddy_call_later(NULL, 3, put_7, &queue);
    ASSERT_OK(eddy_queue_get(&queue, &item));
    ASSERT_INT_EQ((intptr_t)item, 7);
    ASSERT_INT_EQ(milliseconds(), 3000);
    eddy_queue_deinit(&queue);
}

TASK_TEST(items_go_to_those_who_wait_in_their_order) {
    eddy_queue queue = EDDY_QUEUE_INIT;
    eddy_task *a = getter("a", &queue), *b = getter("b", &queue), *c = getter("c", &queue);

    ASSERT_OK(eddy_yield());
    for (int i = 1; i <= 3; i++)
        ASSERT_OK(eddy_queue_put_nowait(&queue, ITEM(i)));
    ASSERT(eddy_queue_is_empty(&queue)); /* each is somebody's already */
    ASSERT_OK(eddy_gather(a, b, c));
    ASSERT_STR_EQ(noted(), "a1 b2 c3");
    eddy_queue_deinit(&queue);
}

TASK_TEST(nobody_takes_the_item_of_one_who_waited) {
    eddy_queue queue = EDDY_QUEUE_INIT;
    eddy_task *a = getter("a", &queue);
    void *item;

    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_queue_put_nowait(&queue, ITEM(1)));
    ASSERT_CODE(-EAGAIN, eddy_queue_get_nowait(&queue, &item));
    ASSERT_OK(eddy_await(a));
    ASSERT_STR_EQ(noted(), "a1");
    eddy_queue_deinit(&queue);
}

/* --- putting ---------------------------------------------------------------------------------- */

TASK_TEST(a_put_waits_for_room) {
    eddy_queue queue = bounded(1);
    eddy_task *a = putter("a", &queue, 1), *b = putter("b", &queue, 2), *c = putter("c", &queue, 3);

    yield_times(2);
    ASSERT_STR_EQ(noted(), "a1");
    ASSERT_INT_EQ(get_now(&queue), 1);
    ASSERT(eddy_queue_is_full(&queue)); /* of b's */
    ASSERT_CODE(-EAGAIN, eddy_queue_put_nowait(&queue, ITEM(9)));
    ASSERT_INT_EQ(get_now(&queue), 2);
    ASSERT_INT_EQ(get_now(&queue), 3);
    ASSERT_OK(eddy_gather(a, b, c));
    ASSERT_STR_EQ(noted(), "b2 c3");
    eddy_queue_deinit(&queue);
}

static int puts_many(void *arg) {
    const struct user *user = arg;

    for (intptr_t i = 0; i < user->item; i++)
        ASSERT_OK(eddy_queue_put(user->queue, ITEM(i)));
    return 0;
}
static int gets_many(void *arg) {
    const struct user *user = arg;
    void *item;

    for (intptr_t i = 0; i < user->item; i++) {
        ASSERT_OK(eddy_queue_get(user->queue, &item));
        ASSERT_INT_EQ((intptr_t)item, i);
    }
    return 0;
}

TASK_TEST(through_a_narrow_queue_all_items_come_in_their_order) {
    for (int capacity = 0; capacity < 4; capacity++) {
        eddy_queue queue = bounded(capacity);
        ASSERT_OK(eddy_gather(task_of(puts_many, "", &queue, 1000),
                              task_of(gets_many, "", &queue, 1000)));
        ASSERT(eddy_queue_is_empty(&queue));
        eddy_queue_deinit(&queue);
    }
}

/* --- cancels ---------------------------------------------------------------------------------- */

TASK_TEST(a_cancelled_getter_leaves_the_line_and_the_next_gets_the_item) {
    eddy_queue queue = EDDY_QUEUE_INIT;
    eddy_task *a = getter("a", &queue), *b = getter("b", &queue);

    ASSERT_OK(eddy_yield());
    eddy_cancel(a);
    ASSERT_OK(eddy_queue_put(&queue, ITEM(1)));
    ASSERT_CANCELLED(a);
    ASSERT_OK(eddy_await(b));
    ASSERT_STR_EQ(noted(), "a! b1");
    eddy_queue_deinit(&queue);
}

static int gets_and_yields(void *arg) {
    int r = gets(arg);

    ASSERT_CODE(-ECANCELED, eddy_yield());
    return r;
}

TASK_TEST(a_getter_that_is_cancelled_after_the_put_has_the_item) {
    eddy_queue queue = EDDY_QUEUE_INIT;
    eddy_task *a = task_of(gets_and_yields, "a", &queue, 0), *b = getter("b", &queue);

    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_queue_put_nowait(&queue, ITEM(1)));
    ASSERT_OK(eddy_queue_put_nowait(&queue, ITEM(2)));
    eddy_cancel(a);
    ASSERT_OK(eddy_gather(a, b));
    ASSERT_STR_EQ(noted(), "a1 b2");
    eddy_queue_deinit(&queue);
}

TASK_TEST(a_cancelled_putter_puts_nothing_and_the_next_has_its_turn) {
    eddy_queue queue = bounded(1);
    eddy_task *a = putter("a", &queue, 1), *b = putter("b", &queue, 2), *c = putter("c", &queue, 3);

    ASSERT_OK(eddy_yield());
    eddy_cancel(b);
    ASSERT_INT_EQ(get_now(&queue), 1);
    ASSERT_CANCELLED(b);
    ASSERT_OK(eddy_gather(a, c));
    ASSERT_INT_EQ(get_now(&queue), 3);
    ASSERT(eddy_queue_is_empty(&queue));
    ASSERT_STR_EQ(noted(), "a1 b! c3");
    eddy_queue_deinit(&queue);
}

TASK_TEST(a_putter_that_is_cancelled_after_there_was_room_has_put) {
    eddy_queue queue = bounded(1);
    eddy_task *a;

    ASSERT_OK(eddy_queue_put_nowait(&queue, ITEM(1)));
    a = putter("a", &queue, 2);
    ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(get_now(&queue), 1);
    eddy_cancel(a);
    ASSERT_OK(eddy_await(a));
    ASSERT_INT_EQ(get_now(&queue), 2);
    ASSERT(eddy_queue_is_empty(&queue));
    eddy_queue_deinit(&queue);
}

TASK_TEST(a_refused_task_neither_puts_nor_gets_nor_joins) {
    eddy_queue queue = EDDY_QUEUE_INIT;
    void *item = NULL;

    ASSERT_OK(eddy_queue_put(&queue, ITEM(1)));
    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_queue_put(&queue, ITEM(2)));
    ASSERT_CODE(-ECANCELED, eddy_queue_get(&queue, &item));
    ASSERT_CODE(-ECANCELED, eddy_queue_join(&queue));
    eddy_uncancel();
    ASSERT_INT_EQ(eddy_queue_qsize(&queue), 1);
    ASSERT_NULL(item);
    eddy_queue_deinit(&queue);
}

TASK_TEST(time_outs_end_the_waiting_for_a_queue) {
    eddy_queue queue = bounded(1);
    eddy_timeout timeout;
    void *item = NULL;

    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_queue_get(&queue, &item)));
    ASSERT_OK(eddy_queue_put(&queue, ITEM(1)));
    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_queue_put(&queue, ITEM(2))));
    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_queue_join(&queue)));
    ASSERT_INT_EQ(milliseconds(), 3000);
    ASSERT_INT_EQ(get_now(&queue), 1);
    ASSERT(eddy_queue_is_empty(&queue));
    eddy_queue_deinit(&queue);
}

/* --- join ------------------------------------------------------------------------------------- */

TASK_TEST(a_join_ends_when_every_item_is_told_as_done) {
    eddy_queue queue = EDDY_QUEUE_INIT;

    ASSERT_OK(eddy_queue_put(&queue, ITEM(1)));
    ASSERT_OK(eddy_queue_put(&queue, ITEM(2)));
    eddy_task *a = task_of(joins, "a", &queue, 0), *b = task_of(joins, "b", &queue, 0);
    get_now(&queue);
    get_now(&queue);
    eddy_queue_task_done(&queue);
    yield_times(2);
    ASSERT_STR_EQ(noted(), ""); /* empty, but one is at work */
    eddy_queue_task_done(&queue);
    ASSERT_OK(eddy_queue_put(&queue, ITEM(3))); /* too late for them to wait for */
    ASSERT_OK(eddy_gather(a, b));
    ASSERT_STR_EQ(noted(), "a0 b0");
    eddy_queue_deinit(&queue);
}

TASK_TEST(an_unused_queue_is_joined_at_once) {
    eddy_queue queue = EDDY_QUEUE_INIT;

    ASSERT_OK(eddy_queue_join(&queue));
    ASSERT_OK(eddy_queue_join(&queue));
}

static int work(void *arg) {
    struct user *user = arg;
    void *item;

    while (eddy_queue_get(user->queue, &item) == 0) {
        eddy_sleep(0.5);
        eddy_queue_task_done(user->queue);
    }
    return 0;
}

TASK_TEST(two_workers_do_a_hundred_items) {
    eddy_queue queue = bounded(3);
    eddy_task *a = task_of(work, "a", &queue, 0), *b = task_of(work, "b", &queue, 0);

    for (int i = 0; i < 100; i++)
        ASSERT_OK(eddy_queue_put(&queue, ITEM(i)));
    ASSERT_OK(eddy_queue_join(&queue));
    ASSERT_INT_EQ(milliseconds(), 25000);
    eddy_queue_shutdown(&queue, false);
    ASSERT_OK(eddy_gather(a, b));
    eddy_queue_deinit(&queue);
}

static int done_too_often(void) {
    eddy_queue queue = EDDY_QUEUE_INIT;

    eddy_queue_put_nowait(&queue, NULL);
    eddy_queue_task_done(&queue);
    eddy_queue_task_done(&queue);
    return 0;
}

TEST(more_items_done_than_put_aborts) {
    ASSERT_STR_CONTAINS(aborts(done_too_often).text,
                        "eddy_queue_task_done: more items are done than were put");
}

TASK_TEST(items_may_be_told_as_done_while_they_are_still_in_the_queue) {
    eddy_queue queue = EDDY_QUEUE_INIT;

    ASSERT_OK(eddy_queue_put(&queue, ITEM(1)));
    ASSERT_OK(eddy_queue_put(&queue, ITEM(2)));
    eddy_queue_task_done(&queue);
    eddy_queue_shutdown(&queue, true);
    ASSERT_OK(eddy_queue_join(&queue));
    eddy_queue_deinit(&queue);
}

/* --- shutdown --------------------------------------------------------------------------------- */

static void assert_shut(eddy_queue *queue) {
    void *item = queue;

    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_queue_put(queue, ITEM(1)));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_queue_put_nowait(queue, ITEM(1)));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_queue_get(queue, &item));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_queue_get_nowait(queue, &item));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_last_error()->code);
    ASSERT_PTR_EQ(item, queue);
}

TASK_TEST(to_shut_an_empty_queue_down_ends_the_waiting_for_items) {
    for (int immediate = 0; immediate < 2; immediate++) {
        eddy_queue queue = EDDY_QUEUE_INIT;
        eddy_task *a = getter("a", &queue), *b = getter("b", &queue);
        ASSERT_OK(eddy_yield());
        eddy_queue_shutdown(&queue, immediate);
        ASSERT_CODE(EDDY_ESHUTDOWN, eddy_await(a));
        ASSERT_CODE(EDDY_ESHUTDOWN, eddy_await(b));
        ASSERT_OK(eddy_queue_join(&queue));
        assert_shut(&queue);
        eddy_queue_deinit(&queue);
    }
}

TASK_TEST(a_queue_that_was_shut_down_gives_out_what_is_in_it) {
    eddy_queue queue = bounded(1);

    ASSERT_OK(eddy_queue_put(&queue, ITEM(1)));
    eddy_task *join = task_of(joins, "join", &queue, 0), *put = putter("put", &queue, 2);
    ASSERT_OK(eddy_yield());
    eddy_queue_shutdown(&queue, false);
    ASSERT_INT_EQ(eddy_queue_qsize(&queue), 1);
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_await(put));
    void *item;
    ASSERT_OK(eddy_queue_get(&queue, &item));
    ASSERT_INT_EQ((intptr_t)item, 1);
    yield_times(2);
    ASSERT(!eddy_is_done(join));
    assert_shut(&queue);
    eddy_queue_task_done(&queue);
    ASSERT_OK(eddy_await(join));
    eddy_queue_deinit(&queue);
}

TASK_TEST(an_immediate_shutdown_counts_what_was_in_the_queue_as_done) {
    eddy_queue queue = EDDY_QUEUE_INIT;

    ASSERT_OK(eddy_queue_put(&queue, ITEM(1)));
    eddy_task *join = task_of(joins, "join", &queue, 0);
    ASSERT_OK(eddy_yield());
    eddy_queue_shutdown(&queue, true);
    ASSERT_INT_EQ(eddy_queue_qsize(&queue), 0);
    ASSERT_OK(eddy_await(join));
    assert_shut(&queue);
    eddy_queue_deinit(&queue);
}

TASK_TEST(an_immediate_shutdown_leaves_what_is_at_work) {
    eddy_queue queue = EDDY_QUEUE_INIT;

    ASSERT_OK(eddy_queue_put(&queue, ITEM(1)));
    ASSERT_OK(eddy_queue_put(&queue, ITEM(2)));
    eddy_task *join = task_of(joins, "join", &queue, 0);
    ASSERT_INT_EQ(get_now(&queue), 1);
    ASSERT_OK(eddy_yield());
    eddy_queue_shutdown(&queue, true);
    yield_times(2);
    ASSERT(!eddy_is_done(join));
    eddy_queue_task_done(&queue);
    ASSERT_OK(eddy_await(join));
    eddy_queue_deinit(&queue);
}

TASK_TEST(who_was_given_an_item_or_room_before_the_shutdown_keeps_it) {
    eddy_queue queue = EDDY_QUEUE_INIT, full = bounded(1);
    eddy_task *get = getter("get", &queue), *put = putter("put", &full, 2);

    ASSERT_OK(eddy_queue_put(&full, ITEM(1)));
    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_queue_put(&queue, ITEM(5)));
    ASSERT_INT_EQ(get_now(&full), 1);
    eddy_queue_shutdown(&queue, true);
    eddy_queue_shutdown(&full, false);
    ASSERT_OK(eddy_gather(get, put));
    ASSERT_STR_EQ(noted(), "get5 put2");
    ASSERT_INT_EQ(get_now(&full), 2);
    eddy_queue_deinit(&queue);
    eddy_queue_deinit(&full);
}

/* --- what is left ----------------------------------------------------------------------------- */

static void note_item(void *item) {
    note("%d", (int)(intptr_t)item);
}

TASK_TEST(items_that_nobody_gets_are_destroyed) {
    eddy_queue queue;

    for (int shutdown = 0; shutdown < 2; shutdown++) {
        ASSERT_OK(eddy_queue_init_with(&queue, EDDY_FIFO, 4,
                                       &(eddy_queue_options){.destroy = note_item}));
        for (int i = 1; i <= 4; i++)
            ASSERT_OK(eddy_queue_put(&queue, ITEM(i)));
        get_now(&queue);
        if (shutdown)
            eddy_queue_shutdown(&queue, true);
        else
            eddy_queue_deinit(&queue);
        ASSERT_STR_EQ(noted(), "2 3 4");
    }
    eddy_queue_deinit(&queue);
    ASSERT_STR_EQ(noted(), "");
}

static int ends_it_meanwhile(void *queue) {
    eddy_detach(getter("a", queue));
    ASSERT_OK(eddy_yield());
    eddy_queue_deinit(queue);
    return 0;
}
static int ends_with_waiters(void) {
    eddy_queue queue = EDDY_QUEUE_INIT;

    return eddy_run(ends_it_meanwhile, &queue);
}

TEST(to_end_a_queue_that_tasks_wait_for_aborts) {
    ASSERT_STR_CONTAINS(aborts(ends_with_waiters).text, "eddy_queue_deinit: tasks wait");
}

/* --- places ----------------------------------------------------------------------------------- */

static int get_here(void *queue) {
    void *item;
    return eddy_queue_get(queue, &item);
}
static int put_here(void *queue) {
    return eddy_queue_put(queue, NULL);
}
static int join_here(void *queue) {
    return eddy_queue_join(queue);
}

TASK_TEST(a_callback_cannot_wait_for_a_queue) {
    eddy_queue queue = EDDY_QUEUE_INIT;

    ASSERT_CODE(-EDEADLK, code_in_callback(get_here, &queue));
    ASSERT_CODE(-EDEADLK, code_in_callback(put_here, &queue));
    ASSERT_CODE(-EDEADLK, code_in_callback(join_here, &queue));
    ASSERT(eddy_queue_is_empty(&queue));
}

TEST(outside_any_task_a_wait_for_a_queue_runs_the_loop) {
    eddy_queue queue = bounded(1);
    void *item;

    eddy_detach(putter("a", &queue, 1));
    ASSERT_OK(eddy_queue_get(&queue, &item));
    ASSERT_INT_EQ((intptr_t)item, 1);
    ASSERT_OK(eddy_queue_put(&queue, ITEM(2)));
    eddy_detach(getter("b", &queue));
    ASSERT_OK(eddy_queue_put(&queue, ITEM(3)));
    ASSERT_STR_EQ(noted(), "a1 b2");
    eddy_queue_deinit(&queue);
}
