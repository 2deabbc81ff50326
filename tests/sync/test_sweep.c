/* SPDX-License-Identifier: MIT
 * test_sweep.c - tasks that use everything at once, and one of them is ended: at the nth moment,
 * once and twice, by a time-out, behind a shield; or the nth allocation fails. Nothing may hang,
 * and no lock, no turn and no item may be lost. */
#include "../base/scarce.h"
#include "actors.h"

enum { ROUNDS = 4, INSIDE_MAX = 2 };

struct world {
    eddy_lock lock;
    eddy_condition condition;
    eddy_event event;
    eddy_semaphore semaphore;
    eddy_barrier barrier;
    eddy_queue queue;
    int holders, inside;
    intptr_t put, got;
    bool is_over;
};

static void world_begin(struct world *world) {
    *world = (struct world){.semaphore = EDDY_SEMAPHORE_INIT(INSIDE_MAX)};
    eddy_condition_init(&world->condition, &world->lock);
    eddy_barrier_init(&world->barrier, 2);
    ASSERT_OK(eddy_queue_init(&world->queue, EDDY_FIFO, 1));
}

/* --- its people ------------------------------------------------------------------------------- */

/* Each does its round again and again, and ends with the first error. */
typedef int round_fn(struct world *world);

static int hold_lock(struct world *world) {
    int r = eddy_lock_acquire(&world->lock);

    if (r < 0)
        return r;
    ASSERT_INT_EQ(++world->holders, 1);
    r = eddy_sleep(0.25);
    ASSERT_INT_EQ(world->holders--, 1);
    eddy_lock_release(&world->lock);
    return r;
}

static int wait_for_notification(struct world *world) {
    int r = eddy_condition_acquire(&world->condition);

    if (r < 0)
        return r;
    if (!world->is_over)
        r = eddy_condition_wait(&world->condition);
    ASSERT_INT_EQ(++world->holders, 1);
    ASSERT(eddy_lock_is_locked(&world->lock));
    world->holders--;
    eddy_condition_release(&world->condition);
    return r;
}

static int notify_one(struct world *world) {
    int r = eddy_condition_acquire(&world->condition);

    if (r < 0)
        return r;
    eddy_condition_notify(&world->condition, 1);
    eddy_condition_release(&world->condition);
    return eddy_sleep(0.25);
}

static int go_inside(struct world *world) {
    int r = eddy_semaphore_acquire(&world->semaphore);

    if (r < 0)
        return r;
    ASSERT(++world->inside <= INSIDE_MAX);
    r = eddy_sleep(0.25);
    world->inside--;
    eddy_semaphore_release(&world->semaphore);
    return r;
}

static int put_item(struct world *world) {
    int r = eddy_queue_put(&world->queue, world);

    world->put += r == 0;
    return r;
}

static int get_item(struct world *world) {
    void *item = NULL;
    int r = eddy_queue_get(&world->queue, &item);

    if (r < 0)
        return r;
    ASSERT_PTR_EQ(item, world);
    world->got++;
    r = eddy_sleep(0.125);
    eddy_queue_task_done(&world->queue);
    return r;
}

static int join_queue(struct world *world) {
    int r = eddy_queue_join(&world->queue);
    return r < 0 ? r : eddy_sleep(0.125);
}

static int meet(struct world *world) {
    int r = eddy_barrier_wait(&world->barrier);
    return r < 0 ? r : eddy_sleep(0.125);
}

static int wait_for_event(struct world *world) {
    int r = eddy_event_wait(&world->event);
    return r < 0 ? r : eddy_sleep(0.125);
}

static int blink(struct world *world) {
    int r = eddy_sleep(0.25);

    eddy_event_set(&world->event);
    if (!world->is_over)
        eddy_event_clear(&world->event);
    return r;
}

static round_fn *const people[] = {
    hold_lock,
    hold_lock,
    wait_for_notification,
    wait_for_notification,
    notify_one,
    go_inside,
    go_inside,
    go_inside,
    put_item,
    put_item,
    get_item,
    join_queue,
    meet,
    meet,
    wait_for_event,
    blink,
};
enum { PEOPLE = sizeof(people) / sizeof(people[0]) };

/* --- what happens to one of them -------------------------------------------------------------- */

enum fate { CANCEL, CANCEL_TWICE, TIME_OUT, SHIELD, FATES };

struct person {
    struct world *world;
    round_fn *round;
    enum fate fate;
    int moment; /* of a victim; -1: nothing happens to this one */
};

/* Moments are yields, then eighths of a second. */
static double seconds_of(int moment) {
    return moment / 4 * 0.125;
}

static int do_rounds(struct person *person) {
    int r = 0;

    for (int i = 0; i < ROUNDS && r >= 0; i++)
        r = person->round(person->world);
    return r;
}

static int live(void *arg) {
    struct person *person = arg;
    eddy_shield_scope shield;
    eddy_timeout timeout;
    int r;

    if (person->moment < 0 || person->fate == CANCEL || person->fate == CANCEL_TWICE)
        return do_rounds(person);
    if (person->fate == TIME_OUT) {
        eddy_timeout_begin(&timeout, seconds_of(person->moment));
        return eddy_timeout_end(&timeout, do_rounds(person));
    }
    eddy_shield_begin(&shield);
    r = do_rounds(person);
    eddy_shield_end(&shield);
    ASSERT(r != -ECANCELED);
    return r;
}

static void strike(eddy_task *victim, enum fate fate, int moment) {
    yield_times(moment % 4);
    ASSERT_OK(eddy_sleep(seconds_of(moment)));
    if (fate != TIME_OUT)
        eddy_cancel(victim);
    if (fate == CANCEL_TWICE)
        eddy_cancel(victim);
}

/* Whoever still waits is let go, and what is left is what it must be. */
static void world_end(struct world *world, eddy_task **tasks, int *results) {
    ASSERT_OK(eddy_sleep(100));
    world->is_over = true;
    eddy_event_set(&world->event);
    eddy_barrier_abort(&world->barrier);
    eddy_queue_shutdown(&world->queue, false);
    ASSERT_OK(eddy_lock_acquire(&world->lock)); /* nobody sleeps with it for ever */
    eddy_condition_notify_all(&world->condition);
    eddy_lock_release(&world->lock);
    while (eddy_queue_qsize(&world->queue) > 0)
        ASSERT_OK(get_item(world));
    eddy_gather_array(tasks, PEOPLE, results);

    ASSERT(!eddy_lock_is_locked(&world->lock));
    ASSERT_INT_EQ(world->put, world->got);
    for (int i = 0; i < INSIDE_MAX; i++) {
        ASSERT(!eddy_semaphore_is_locked(&world->semaphore));
        ASSERT_OK(eddy_semaphore_acquire(&world->semaphore));
    }
    ASSERT(eddy_semaphore_is_locked(&world->semaphore));
    ASSERT_INT_EQ(eddy_barrier_n_waiting(&world->barrier), 0);
    ASSERT_OK(eddy_queue_join(&world->queue));
    eddy_queue_deinit(&world->queue);
    ASSERT_INT_EQ(live_tasks(), 1);
}

/* Returns how it ended for the victim. */
static int live_through(int victim, enum fate fate, int moment) {
    struct person persons[PEOPLE];
    eddy_task *tasks[PEOPLE];
    int results[PEOPLE];
    struct world world;

    world_begin(&world);
    for (int i = 0; i < PEOPLE; i++) {
        persons[i] = (struct person){&world, people[i], fate, i == victim ? moment : -1};
        tasks[i] = eddy_create_task(live, &persons[i]);
    }
    strike(tasks[victim], fate, moment);
    world_end(&world, tasks, results);
    for (int i = 0; i < PEOPLE; i++)
        ASSERT(i == victim || results[i] != -ECANCELED);
    return results[victim];
}

static void sweep(enum fate fate, int code) {
    int ended = 0;

    for (int victim = 0; victim < PEOPLE; victim++)
        for (int moment = 0; moment < 36; moment += UNDER_TSAN ? 5 : 1)
            ended += live_through(victim, fate, moment) == code;
    ASSERT(code == 0 || ended > (UNDER_TSAN ? 20 : 100));
}

TASK_TEST(at_whichever_moment_a_cancel_comes_the_others_get_what_they_wait_for) {
    sweep(CANCEL, -ECANCELED);
}

TASK_TEST(at_whichever_moment_two_cancels_come_the_others_get_what_they_wait_for) {
    sweep(CANCEL_TWICE, -ECANCELED);
}

TASK_TEST(at_whichever_moment_a_time_out_expires_the_others_get_what_they_wait_for) {
    sweep(TIME_OUT, -ETIMEDOUT);
}

TASK_TEST(at_whichever_moment_a_cancel_comes_a_shield_keeps_it_away) {
    sweep(SHIELD, 0);
}

/* --- no memory -------------------------------------------------------------------------------- */

TEST(a_bounded_queue_without_memory_is_not_made) {
    eddy_queue queue;

    scarce_begin();
    scarce_left = 0;
    ASSERT_CODE(-ENOMEM, eddy_queue_init(&queue, EDDY_FIFO, 10));
    ASSERT_CODE(-ENOMEM, eddy_queue_init(&queue, EDDY_PRIORITY, 10));
    ASSERT_CODE(-ENOMEM, eddy_last_error()->code);
    ASSERT_OK(eddy_queue_init(&queue, EDDY_FIFO, 0));
}

TEST(a_put_that_finds_no_memory_puts_nothing) {
    for (int kind = EDDY_FIFO; kind <= EDDY_PRIORITY; kind++) {
        eddy_queue queue;
        intptr_t put = 0, got = 0;
        void *item;

        if (kind == EDDY_FIFO)
            scarce_begin();
        ASSERT_OK(eddy_queue_init(&queue, (eddy_queue_kind)kind, 0));
        for (int i = 0; i < 200; i++) {
            scarce_left = i % 3 ? 0 : INT_MAX;
            int r = eddy_queue_put_nowait(&queue, (void *)put);
            ASSERT(r == 0 || (r == -ENOMEM && scarce_left == 0));
            put += r == 0;
        }
        scarce_left = 0;
        ASSERT(put < 200 && put > 60);
        ASSERT_INT_EQ(eddy_queue_qsize(&queue), put);
        while (eddy_queue_get_nowait(&queue, &item) == 0)
            ASSERT_INT_EQ((intptr_t)item, kind == EDDY_LIFO ? put - ++got : got++);
        ASSERT_INT_EQ(got, put);
        eddy_queue_deinit(&queue);
        ASSERT_INT_EQ(scarce_out, 0);
    }
}

static int gets_one(void *queue) {
    void *item = NULL;
    int r = eddy_queue_get(queue, &item);

    ASSERT_PTR_EQ(item, queue);
    return r;
}

TEST(waiting_and_handing_over_need_no_memory) {
    eddy_queue queue = EDDY_QUEUE_INIT, full;

    scarce_begin();
    eddy_loop *loop = virtual_loop();
    ASSERT_OK(eddy_queue_init(&full, EDDY_FIFO, 1));
    eddy_task *a = eddy_create_task_with(&(eddy_task_options){.loop = loop}, gets_one, &queue);
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    scarce_left = 0;
    ASSERT_OK(eddy_queue_put_nowait(&queue, &queue));
    ASSERT_OK(eddy_await(a));
    ASSERT_OK(eddy_queue_put_nowait(&full, &queue));
    scarce_left = INT_MAX;
    eddy_queue_deinit(&full);
    virtual_close(loop);
}

TEST(a_channel_without_memory_is_not_made) {
    eddy_channel *channel = NULL;

    scarce_begin();
    for (int n = 0; n < 2; n++) {
        scarce_left = n;
        ASSERT_CODE(-ENOMEM, eddy_channel_new(10, &channel));
        ASSERT_NULL(channel);
        ASSERT_INT_EQ(scarce_out, 0);
    }
    scarce_left = 2;
    ASSERT_OK(eddy_channel_new(10, &channel));
    scarce_left = 0;
    for (int i = 0; i < 10; i++)
        ASSERT_OK(eddy_channel_send_nowait(channel, NULL)); /* it has all its room */
    ASSERT_NULL(eddy_channel_unref(channel));
    ASSERT_INT_EQ(scarce_out, 0);
}

TEST(a_send_that_finds_no_memory_sends_nothing) {
    eddy_channel *channel;
    intptr_t sent = 0, received = 0;
    void *item;

    scarce_begin();
    ASSERT_OK(eddy_channel_new(0, &channel));
    for (int i = 0; i < 200; i++) {
        scarce_left = i % 3 ? 0 : INT_MAX;
        int r = eddy_channel_send_nowait(channel, (void *)sent);
        ASSERT(r == 0 || (r == -ENOMEM && scarce_left == 0));
        sent += r == 0;
    }
    ASSERT(sent < 200 && sent > 60);
    while (eddy_channel_receive_nowait(channel, &item) == 0)
        ASSERT_INT_EQ((intptr_t)item, received++);
    ASSERT_INT_EQ(received, sent);
    ASSERT_NULL(eddy_channel_unref(channel));
    ASSERT_INT_EQ(scarce_out, 0);
}
