/* SPDX-License-Identifier: MIT
 * test_waiters.c - what locks, events and queues have in common: whose they are, what a loop that
 * is closed over waiting tasks leaves, and their sizes. */
#include <pthread.h>

#include "actors.h"

/* --- whose they are --------------------------------------------------------------------------- */

TEST(their_sizes_are_abi) {
    ASSERT_UINT_EQ(sizeof(eddy_lock), 64);
    ASSERT_UINT_EQ(sizeof(eddy_event), 64);
    ASSERT_UINT_EQ(sizeof(eddy_condition), 128);
    ASSERT_UINT_EQ(sizeof(eddy_semaphore), 64);
    ASSERT_UINT_EQ(sizeof(eddy_barrier), 64);
    ASSERT_UINT_EQ(sizeof(eddy_queue), 256);
    ASSERT_UINT_EQ(sizeof(eddy_semaphore_options), 1);
    ASSERT_UINT_EQ(sizeof(eddy_queue_options), 2 * sizeof(void *));
}

/* One of each. */
struct all {
    eddy_lock lock;
    eddy_event event;
    eddy_condition condition;
    eddy_semaphore semaphore;
    eddy_barrier barrier;
    eddy_queue queue;
};

static int acquire_semaphore(void *semaphore) {
    return eddy_semaphore_acquire(semaphore);
}
static int wait_event(void *event) {
    return eddy_event_wait(event);
}
static int wait_barrier(void *barrier) {
    return eddy_barrier_wait(barrier);
}
static int get_item(void *queue) {
    void *item;
    return eddy_queue_get(queue, &item);
}
static int wait_condition(void *condition) {
    int r = eddy_condition_acquire(condition);
    return r < 0 ? r : eddy_condition_wait(condition);
}

static const struct {
    const char *name;
    call_fn *call;
    size_t offset;
} calls[] = {
    {"lock", acquire_lock, offsetof(struct all, lock)},
    {"event", wait_event, offsetof(struct all, event)},
    {"condition", wait_condition, offsetof(struct all, condition)},
    {"semaphore", acquire_semaphore, offsetof(struct all, semaphore)},
    {"barrier", wait_barrier, offsetof(struct all, barrier)},
    {"queue", get_item, offsetof(struct all, queue)},
};
enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

static void *object_of(struct all *all, int i) {
    return (char *)all + calls[i].offset;
}

/* Whatever is waited for is not there. */
static void all_init(struct all *all) {
    *all = (struct all){.lock = EDDY_LOCK_INIT};
    eddy_barrier_init(&all->barrier, 2);
}

static eddy_task *call_in(eddy_loop *loop, struct caller *made) {
    return eddy_create_task_with(&(eddy_task_options){.loop = loop, .copy_bytes = sizeof(*made)},
                                 caller, made);
}

/* A task of the loop waits for each. */
static void all_waited_for(struct all *all, eddy_loop *loop) {
    for (int i = 0; i < CALLS; i++)
        eddy_detach(call_in(loop, &(struct caller){.name = calls[i].name,
                                                   .call = calls[i].call,
                                                   .object = object_of(all, i)}));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
}

static void take_lock(struct all *all) {
    ASSERT_OK(eddy_lock_acquire(&all->lock));
}

static void *calls_from_another_thread(void *arg) {
    struct all *all = arg;
    void *item;

    for (int i = 0; i < CALLS; i++) {
        if (calls[i].call != wait_condition)
            ASSERT_CODE(EDDY_EWRONG_THREAD, calls[i].call(object_of(all, i)));
        else
            ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_condition_wait(&all->condition));
        ASSERT_STR_CONTAINS(eddy_last_error()->message, "another thread");
    }
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_queue_put_nowait(&all->queue, NULL));
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_queue_get_nowait(&all->queue, &item));
    return NULL;
}

TEST(another_thread_is_told_that_it_is_the_wrong_one) {
    eddy_loop *loop = virtual_loop();
    struct all all;
    pthread_t thread;

    all_init(&all);
    take_lock(&all);
    all_waited_for(&all, loop);
    ASSERT_INT_EQ(pthread_create(&thread, NULL, calls_from_another_thread, &all), 0);
    pthread_join(thread, NULL);
    ASSERT_NULL(eddy_loop_close(loop));
    reports();
}

static void *sets_from_another_thread(void *event) {
    eddy_event_set(event);
    return NULL;
}

static int set_from_another_thread(void) {
    eddy_loop *loop = virtual_loop();
    struct all all;
    pthread_t thread;

    all_init(&all);
    take_lock(&all);
    all_waited_for(&all, loop);
    eddy_set_log(NULL, NULL);
    pthread_create(&thread, NULL, sets_from_another_thread, &all.event);
    pthread_join(thread, NULL);
    return 0;
}

TEST(a_call_without_a_result_from_another_thread_aborts) {
    struct ending ending = aborts(set_from_another_thread);

    ASSERT_STR_CONTAINS(ending.text, "eddy_event_set");
    ASSERT_STR_CONTAINS(ending.text, "another thread");
}

/* Waits for all, each until it times out. */
static int waits_in_vain(void *arg) {
    for (int i = 0; i < CALLS; i++) {
        eddy_timeout timeout;
        eddy_timeout_begin(&timeout, 1);
        ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, calls[i].call(object_of(arg, i))));
        if (calls[i].call == wait_condition)
            eddy_condition_release(object_of(arg, i));
    }
    return 0;
}

TEST(once_nobody_waits_another_loop_of_the_thread_may_use_them) {
    struct all all;

    all_init(&all);
    take_lock(&all);
    for (int i = 0; i < 3; i++) {
        eddy_loop *loop = virtual_loop();
        ASSERT_OK(virtual_run(loop, waits_in_vain, &all));
        virtual_close(loop);
    }
}

static int wrong_loop(void *arg) {
    for (int i = 0; i < CALLS; i++)
        if (calls[i].call != wait_condition)
            ASSERT_CODE(EDDY_EWRONG_THREAD, calls[i].call(object_of(arg, i)));
    return 0;
}

TEST(while_somebody_waits_another_loop_of_the_thread_may_not) {
    eddy_loop *one = virtual_loop(), *other = virtual_loop();
    struct all all;

    all_init(&all);
    take_lock(&all);
    all_waited_for(&all, one);
    ASSERT_OK(virtual_run(other, wrong_loop, &all));
    virtual_close(other);
    ASSERT_NULL(eddy_loop_close(one));
    reports();
}

static void *awaits_here(void *task) {
    ASSERT_OK(eddy_await(task));
    return NULL;
}

TEST(a_loop_that_moves_to_another_thread_takes_them_along) {
    eddy_loop *loop = virtual_loop();
    eddy_task *task;
    struct all all;
    pthread_t thread;

    all_init(&all);
    take_lock(&all);
    ASSERT_OK(virtual_run(loop, waits_in_vain, &all));
    task = eddy_create_task_with(&(eddy_task_options){.loop = loop}, waits_in_vain, &all);
    ASSERT_INT_EQ(pthread_create(&thread, NULL, awaits_here, task), 0);
    pthread_join(thread, NULL);
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_OK(virtual_run(loop, waits_in_vain, &all));
    virtual_close(loop);
}

/* --- a loop that is closed -------------------------------------------------------------------- */

TEST(a_loop_closed_over_tasks_that_wait_leaves_everything_usable) {
    struct all all;

    all_init(&all);
    take_lock(&all);
    for (int i = 0; i < 2; i++) {
        eddy_loop *loop = virtual_loop();
        all_waited_for(&all, loop);
        ASSERT_INT_EQ(eddy_barrier_n_waiting(&all.barrier), 1);
        ASSERT_NULL(eddy_loop_close(loop));
        ASSERT_STR_EQ(reports(), "a loop was closed with 6 tasks in it that had not ended\n");
        ASSERT_INT_EQ(eddy_barrier_n_waiting(&all.barrier), 0);
    }
    eddy_lock_release(&all.lock);
    ASSERT(!eddy_lock_is_locked(&all.lock));
    ASSERT(!eddy_condition_is_locked(&all.condition));
    eddy_event_set(&all.event);
    eddy_semaphore_release(&all.semaphore);
    ASSERT(!eddy_semaphore_is_locked(&all.semaphore));
    ASSERT_OK(eddy_queue_put_nowait(&all.queue, NULL));
    ASSERT_INT_EQ(eddy_queue_qsize(&all.queue), 1);
    ASSERT_STR_EQ(noted(), "");
    eddy_queue_deinit(&all.queue);
}

/* Gives each what it waits for, while so many others stand before them that they do not run. */
static void hand_over(struct all *all) {
    eddy_lock_release(&all->lock);
    eddy_event_set(&all->event);
    ASSERT_OK(eddy_condition_acquire(&all->condition));
    eddy_condition_notify_all(&all->condition);
    eddy_condition_release(&all->condition);
    eddy_semaphore_release(&all->semaphore);
    ASSERT_OK(eddy_queue_put_nowait(&all->queue, (void *)(intptr_t)7));
    ASSERT_OK(eddy_queue_put_nowait(&all->queue, (void *)(intptr_t)8));
}

TEST(what_was_handed_over_to_tasks_of_a_closed_loop_comes_back) {
    eddy_loop *loop = virtual_loop();
    struct all all;
    void *item;

    all_init(&all);
    take_lock(&all);
    all_waited_for(&all, loop);
    eddy_detach(call_in(
        loop, &(struct caller){.name = "second", .call = acquire_lock, .object = &all.lock}));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    hand_over(&all);
    ASSERT(eddy_lock_is_locked(&all.lock) && eddy_condition_is_locked(&all.condition));
    ASSERT(eddy_semaphore_is_locked(&all.semaphore));
    ASSERT_INT_EQ(eddy_queue_qsize(&all.queue), 1);

    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_STR_EQ(reports(), "a loop was closed with 7 tasks in it that had not ended\n");
    ASSERT_STR_EQ(noted(), "");
    ASSERT(!eddy_lock_is_locked(&all.lock) && !eddy_condition_is_locked(&all.condition));
    ASSERT(!eddy_semaphore_is_locked(&all.semaphore));
    ASSERT_INT_EQ(eddy_queue_qsize(&all.queue), 2);
    ASSERT_OK(eddy_queue_get_nowait(&all.queue, &item));
    ASSERT_INT_EQ((intptr_t)item, 7); /* before the other, as it was */
    eddy_queue_deinit(&all.queue);
}

static int put_item(void *queue) {
    return eddy_queue_put(queue, NULL);
}

TEST(an_item_that_waited_for_room_in_a_closed_loop_was_never_put) {
    eddy_loop *loop = virtual_loop();
    eddy_queue queue;

    ASSERT_OK(eddy_queue_init(&queue, EDDY_FIFO, 1));
    ASSERT_OK(eddy_queue_put_nowait(&queue, &queue));
    eddy_detach(call_in(loop, &(struct caller){.name = "put", .call = put_item, .object = &queue}));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_STR_EQ(reports(), "a loop was closed with 1 task in it that had not ended\n");
    ASSERT_INT_EQ(eddy_queue_qsize(&queue), 1);
    eddy_queue_deinit(&queue);
    ASSERT_STR_EQ(noted(), "");
}

/* A task of a new loop waits for the call and is given what it waits for; then the loop is closed,
 * before it runs. */
static void close_after(call_fn *call, eddy_queue *queue, void (*turn)(eddy_queue *queue)) {
    eddy_loop *loop = virtual_loop();

    eddy_detach(call_in(loop, &(struct caller){.name = "x", .call = call, .object = queue}));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    turn(queue);
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_STR_EQ(reports(), "a loop was closed with 1 task in it that had not ended\n");
}

static void put_2_and_1(eddy_queue *queue) {
    ASSERT_OK(eddy_queue_put_nowait(queue, (void *)(intptr_t)2));
    ASSERT_OK(eddy_queue_put_nowait(queue, (void *)(intptr_t)1));
}

static intptr_t get_now(eddy_queue *queue) {
    void *item = NULL;

    ASSERT_OK(eddy_queue_get_nowait(queue, &item));
    return (intptr_t)item;
}

TEST(an_item_that_comes_back_stands_where_its_queue_orders_it) {
    static const intptr_t first[] = {[EDDY_FIFO] = 2, [EDDY_LIFO] = 2, [EDDY_PRIORITY] = 1};

    for (int kind = EDDY_FIFO; kind <= EDDY_PRIORITY; kind++) {
        eddy_queue queue;
        ASSERT_OK(eddy_queue_init(&queue, (eddy_queue_kind)kind, 0));
        close_after(get_item, &queue, put_2_and_1);
        ASSERT_INT_EQ(eddy_queue_qsize(&queue), 2);
        ASSERT_INT_EQ(get_now(&queue), first[kind]);
        ASSERT_INT_EQ(get_now(&queue), 3 - first[kind]);
        eddy_queue_deinit(&queue);
    }
}

static void shut_down(eddy_queue *queue) {
    eddy_queue_shutdown(queue, false);
}

TEST(who_was_only_told_of_a_shutdown_gives_no_item_back) {
    eddy_queue queue = EDDY_QUEUE_INIT;

    close_after(get_item, &queue, shut_down);
    ASSERT(eddy_queue_is_empty(&queue));
}

TEST(a_queue_that_is_over_full_of_what_came_back_lets_nobody_in_before_it_has_room) {
    eddy_queue queue;
    void *item;

    ASSERT_OK(eddy_queue_init(&queue, EDDY_FIFO, 1));
    close_after(get_item, &queue, put_2_and_1);
    ASSERT_INT_EQ(eddy_queue_qsize(&queue), 2);
    ASSERT(eddy_queue_is_full(&queue));
    eddy_task *putter = call_of("put", put_item, &queue, NULL, 0);
    ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(get_now(&queue), 2);
    ASSERT_INT_EQ(eddy_queue_qsize(&queue), 1);
    ASSERT_INT_EQ(get_now(&queue), 1);
    ASSERT_OK(eddy_await(putter));
    ASSERT_OK(eddy_queue_get(&queue, &item));
    eddy_queue_deinit(&queue);
}
