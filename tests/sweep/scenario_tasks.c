/* SPDX-License-Identifier: MIT
 * scenario_tasks.c - tasks that wait for each other, in virtual time. */
#include <math.h>

#include "scenario.h"
#include "test.h"
#include "util.h"

static void ignore_failure(eddy_loop *loop, const eddy_error *error, const char *what, void *arg) {
    (void)loop, (void)error, (void)what, (void)arg;
}

int scenario_run(eddy_clock clock, eddy_fn *fn, void *arg) {
    const eddy_loop_options options = {
        .clock = clock, .executor_threads = 2, .exception_handler = ignore_failure};
    eddy_loop *loop;
    int r = eddy_loop_new(&options, &loop);

    if (r < 0)
        return r;
    const eddy_task_options main_options = {.name = "main", .loop = loop};
    r = eddy_loop_run_until_complete(loop, eddy_create_task_with(&main_options, fn, arg));
    ASSERT_NULL(eddy_loop_close(loop));
    return r < 0 ? r : 0;
}

/* --- tasks ------------------------------------------------------------------------------------ */

static int sleeps(void *seconds) {
    return eddy_sleep(*(double *)seconds);
}

static double quarter = 0.25, half = 0.5, ages = 1000;

static int awaits(void) {
    int r = eddy_gather(eddy_create_task(sleeps, &half), eddy_create_task(sleeps, &quarter),
                        eddy_after(0.1));

    return first_of(
        r, eddy_await(eddy_create_task_with(
               &(eddy_task_options){.name = "big", .stack_bytes = 1 << 20}, sleeps, &quarter)));
}

static int waits(void) {
    eddy_future *futures[] = {eddy_create_task(sleeps, &quarter), eddy_create_task(sleeps, &ages)};
    int r = eddy_wait(futures, 2, 1, EDDY_FIRST_COMPLETED);

    for (int i = 0; i < 2; i++) {
        if (futures[i])
            eddy_cancel(futures[i]);
        eddy_detach(futures[i]);
    }
    return r == -EINVAL ? -ENOMEM : first_of(r, 0); /* one of them was NULL */
}

static int times_out(void) {
    int r = eddy_wait_for(eddy_create_task(sleeps, &ages), 1);

    return r == -ETIMEDOUT ? 0 : r < 0 ? r : -EPROTO;
}

static int shields(void) {
    eddy_future *shield = eddy_shield(eddy_create_task(sleeps, &half));
    int r = eddy_wait_for(eddy_ref(shield), 0.1);

    eddy_unref(shield);
    return first_of(r == -ETIMEDOUT ? 0 : r, eddy_sleep(1));
}

static int iterates(void) {
    eddy_future *future, *futures[] = {eddy_create_task(sleeps, &half), eddy_after(0.1)};
    eddy_as_completed *iterator = eddy_as_completed_new(futures, 2);
    int r, s = 0;

    while ((r = eddy_as_completed_next(iterator, &future)) > 0)
        s = first_of(s, eddy_await(future));
    eddy_as_completed_free(iterator);
    return first_of(r, s);
}

static int tasks(void *unused) {
    int r = awaits();

    (void)unused;
    r = first_of(r, waits());
    r = first_of(r, times_out());
    r = first_of(r, shields());
    return first_of(r, iterates());
}

int scenario_tasks(void) {
    return scenario_run(EDDY_CLOCK_VIRTUAL, tasks, NULL);
}

/* --- groups ----------------------------------------------------------------------------------- */

static int fails_soon(void *code) {
    int r = eddy_sleep(0.25);

    return r < 0 ? r : eddy_raise(*(int *)code, "it had to be");
}

static int group_of(eddy_fn *fn, void *arg) {
    eddy_task_group *group = eddy_task_group_new();
    int r;

    eddy_task_group_create_task(group, fn, arg);
    eddy_task_group_create_task(group, sleeps, &half);
    eddy_task_group_create_task_with(group, &(eddy_task_options){.name = "named"}, sleeps, &half);
    r = eddy_sleep(0.1);
    return eddy_task_group_end(group, r);
}

static int in_time(void *unused) {
    int code = -EXDEV, r = group_of(sleeps, &quarter), s;

    (void)unused;
    s = group_of(fails_soon, &code);
    return first_of(r, s == -EXDEV ? 0 : s < 0 ? s : -EPROTO);
}

static int groups(void *unused) {
    int r = eddy_with_timeout(10, in_time, unused), s = eddy_with_timeout(0.05, in_time, unused);

    return first_of(r, s == -ETIMEDOUT ? 0 : s < 0 ? s : -EPROTO);
}

int scenario_groups(void) {
    return scenario_run(EDDY_CLOCK_VIRTUAL, groups, NULL);
}

/* --- locks and queues ------------------------------------------------------------------------- */

struct desk {
    eddy_lock lock;
    eddy_condition condition;
    eddy_semaphore semaphore;
    eddy_event event;
    eddy_barrier barrier;
    eddy_queue queue;
    int holders, worked;
};

static int work_at(void *arg) {
    struct desk *desk = arg;
    int r = eddy_event_wait(&desk->event);

    if (r == 0)
        r = eddy_semaphore_acquire(&desk->semaphore);
    if (r < 0)
        return r;
    r = eddy_condition_acquire(&desk->condition);
    if (r == 0) {
        ASSERT_INT_EQ(++desk->holders, 1);
        r = eddy_sleep(0.25);
        desk->holders--;
        desk->worked++;
        eddy_condition_notify_all(&desk->condition);
        eddy_condition_release(&desk->condition);
    }
    eddy_semaphore_release(&desk->semaphore);
    return r < 0 ? r : first_of(eddy_barrier_wait(&desk->barrier), 0);
}

static bool all_have_worked(void *desk) {
    return ((struct desk *)desk)->worked == 3;
}

static int waits_for_the_work(void *arg) {
    struct desk *desk = arg;
    int r = eddy_condition_acquire(&desk->condition);

    if (r < 0)
        return r;
    r = eddy_condition_wait_for(&desk->condition, all_have_worked, desk);
    eddy_condition_release(&desk->condition);
    return r;
}

static int locks(void *unused) {
    struct desk desk = {.semaphore = EDDY_SEMAPHORE_INIT(2)};
    eddy_task_group *group = eddy_task_group_new();

    (void)unused;
    eddy_condition_init(&desk.condition, &desk.lock);
    eddy_barrier_init(&desk.barrier, 3);
    for (int i = 0; i < 3; i++)
        eddy_task_group_create_task(group, work_at, &desk);
    eddy_task_group_create_task(group, waits_for_the_work, &desk);
    eddy_event_set(&desk.event);
    return eddy_task_group_wait(group);
}

int scenario_locks(void) {
    return scenario_run(EDDY_CLOCK_VIRTUAL, locks, NULL);
}

static int puts_items(void *queue) {
    int r = 0;

    for (intptr_t i = 0; i < 100 && r == 0; i++)
        r = eddy_queue_put(queue, (void *)(i % 10));
    eddy_queue_shutdown(queue, false);
    return r;
}

static int gets_items(void *queue) {
    void *item;
    int r;

    while ((r = eddy_queue_get(queue, &item)) == 0)
        eddy_queue_task_done(queue);
    return r == EDDY_ESHUTDOWN ? 0 : r;
}

static int queue_of(eddy_queue_kind kind, int capacity) {
    eddy_task_group *group;
    eddy_queue queue;
    int r = eddy_queue_init(&queue, kind, capacity);

    if (r < 0)
        return r;
    group = eddy_task_group_new();
    eddy_task_group_create_task(group, puts_items, &queue);
    eddy_task_group_create_task(group, gets_items, &queue);
    r = eddy_task_group_wait(group);
    eddy_queue_deinit(&queue);
    return r;
}

static int queues(void *unused) {
    int r = queue_of(EDDY_FIFO, 3);

    (void)unused;
    r = first_of(r, queue_of(EDDY_PRIORITY, 0));
    return first_of(r, queue_of(EDDY_LIFO, 0));
}

int scenario_queues(void) {
    return scenario_run(EDDY_CLOCK_VIRTUAL, queues, NULL);
}
