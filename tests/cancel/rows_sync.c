/* SPDX-License-Identifier: MIT
 * rows_sync.c - the suspending calls of locks and queues. */
#include "row.h"

static void nothing(struct scene *scene) {
    (void)scene;
}

/* --- lock, event, semaphore, barrier ---------------------------------------------------------- */

static void hold_lock(struct scene *scene) {
    ASSERT_OK(eddy_lock_acquire(&scene->lock));
}

static int acquires_lock(struct scene *scene) {
    return eddy_lock_acquire(&scene->lock);
}

static void release_lock(struct scene *scene) {
    eddy_lock_release(&scene->lock);
}

static int waits_for_event(struct scene *scene) {
    return eddy_event_wait(&scene->event);
}

static void set_event(struct scene *scene) {
    eddy_event_set(&scene->event);
}

static void hold_semaphore(struct scene *scene) {
    eddy_semaphore_init(&scene->semaphore, 0);
}

static int acquires_semaphore(struct scene *scene) {
    return eddy_semaphore_acquire(&scene->semaphore);
}

static void release_semaphore(struct scene *scene) {
    eddy_semaphore_release(&scene->semaphore);
}

static void make_barrier(struct scene *scene) {
    eddy_barrier_init(&scene->barrier, 2);
}

static int waits_at_barrier(struct scene *scene) {
    int r = eddy_barrier_wait(&scene->barrier);

    ASSERT(r != 1);
    return r;
}

static int comes_last(void *scene) {
    int r = eddy_barrier_wait(&((struct scene *)scene)->barrier);

    return r == 1 || r == EDDY_EBROKEN_BARRIER ? 0 : r;
}

/* Runs at once; the barrier is let go if nobody else had come. */
static void come_last(struct scene *scene) {
    bool is_last = eddy_barrier_n_waiting(&scene->barrier) == 1;

    eddy_detach(eddy_create_task_with(&(eddy_task_options){.eager = true}, comes_last, scene));
    if (!is_last)
        eddy_barrier_reset(&scene->barrier);
}

/* --- condition -------------------------------------------------------------------------------- */

static void hold_condition(struct scene *scene) {
    ASSERT_OK(eddy_condition_acquire(&scene->condition));
}

static int acquires_condition(struct scene *scene) {
    return eddy_condition_acquire(&scene->condition);
}

static void release_condition(struct scene *scene) {
    eddy_condition_release(&scene->condition);
}

/* Under the lock, which is free: it is the wait that is cancelled. */
static int under_lock(struct scene *scene, int (*wait)(struct scene *scene)) {
    eddy_shield_scope shield;
    int r;

    eddy_shield_begin(&shield);
    ASSERT_OK(eddy_condition_acquire(&scene->condition));
    eddy_shield_end(&shield);
    r = wait(scene);
    ASSERT(eddy_condition_is_locked(&scene->condition));
    eddy_condition_release(&scene->condition);
    return r;
}

static int wait_on(struct scene *scene) {
    return eddy_condition_wait(&scene->condition);
}

static int waits_on_condition(struct scene *scene) {
    return under_lock(scene, wait_on);
}

static bool is_over(void *scene) {
    return ((struct scene *)scene)->is_over;
}

static int wait_until_over(struct scene *scene) {
    return eddy_condition_wait_for(&scene->condition, is_over, scene);
}

static int waits_for_predicate(struct scene *scene) {
    return under_lock(scene, wait_until_over);
}

static void notify(struct scene *scene) {
    ASSERT_OK(eddy_condition_acquire(&scene->condition));
    scene->is_over = true;
    eddy_condition_notify(&scene->condition, 1);
    eddy_condition_release(&scene->condition);
}

/* --- queue ------------------------------------------------------------------------------------ */

static void make_queue(struct scene *scene) {
    ASSERT_OK(eddy_queue_init(&scene->queue, EDDY_FIFO, 1));
}

static void make_full_queue(struct scene *scene) {
    make_queue(scene);
    ASSERT_OK(eddy_queue_put_nowait(&scene->queue, scene));
}

static int gets_item(struct scene *scene) {
    void *item = NULL;
    int r = eddy_queue_get(&scene->queue, &item);

    ASSERT_PTR_EQ(item, r < 0 ? NULL : scene);
    return r;
}

static void put_item(struct scene *scene) {
    ASSERT_OK(eddy_queue_put_nowait(&scene->queue, scene));
}

static int puts_item(struct scene *scene) {
    return eddy_queue_put(&scene->queue, scene);
}

static void get_item(struct scene *scene) {
    void *item = NULL;

    ASSERT_OK(eddy_queue_get_nowait(&scene->queue, &item));
    ASSERT_PTR_EQ(item, scene);
}

static int joins_queue(struct scene *scene) {
    return eddy_queue_join(&scene->queue);
}

static void finish_item(struct scene *scene) {
    eddy_queue_task_done(&scene->queue);
}

static void drop_queue(struct scene *scene) {
    eddy_queue_deinit(&scene->queue);
}

/* --- channel ---------------------------------------------------------------------------------- */

static void make_channel(struct scene *scene) {
    ASSERT_OK(eddy_channel_new(1, &scene->channel));
}

static void make_full_channel(struct scene *scene) {
    make_channel(scene);
    ASSERT_OK(eddy_channel_send_nowait(scene->channel, scene));
}

static int receives_item(struct scene *scene) {
    void *item = NULL;
    int r = eddy_channel_receive(scene->channel, &item);

    ASSERT_PTR_EQ(item, r < 0 ? NULL : scene);
    return r;
}

static void send_item(struct scene *scene) {
    ASSERT_OK(eddy_channel_send_nowait(scene->channel, scene));
}

static int sends_item(struct scene *scene) {
    return eddy_channel_send(scene->channel, scene);
}

static void receive_item(struct scene *scene) {
    void *item = NULL;

    ASSERT_OK(eddy_channel_receive_nowait(scene->channel, &item));
    ASSERT_PTR_EQ(item, scene);
}

static void drop_channel(struct scene *scene) {
    scene->channel = eddy_channel_unref(scene->channel);
}

enum { EACH = HANDS | LATCHES | ONE_EACH, ALL = HANDS | LATCHES };

const struct row sync_rows[] = {
    {"eddy_lock_acquire", acquires_lock, release_lock, hold_lock, nothing, EACH},
    {"eddy_event_wait", waits_for_event, set_event, nothing, nothing, ALL},
    {"eddy_semaphore_acquire", acquires_semaphore, release_semaphore, hold_semaphore, nothing,
     EACH},
    {"eddy_barrier_wait", waits_at_barrier, come_last, make_barrier, nothing, HANDS},
    {"eddy_condition_acquire", acquires_condition, release_condition, hold_condition, nothing,
     EACH},
    {"eddy_condition_wait", waits_on_condition, notify, nothing, nothing, HANDS | ONE_EACH},
    {"eddy_condition_wait_for", waits_for_predicate, notify, nothing, nothing,
     HANDS | LATCHES | ONE_EACH},
    {"eddy_queue_get", gets_item, put_item, make_queue, drop_queue, EACH},
    {"eddy_queue_put", puts_item, get_item, make_full_queue, drop_queue, EACH},
    {"eddy_queue_join", joins_queue, finish_item, make_full_queue, drop_queue, ALL},
    {"eddy_channel_receive", receives_item, send_item, make_channel, drop_channel, EACH},
    {"eddy_channel_send", sends_item, receive_item, make_full_channel, drop_channel, EACH},
    {NULL},
};
