/* SPDX-License-Identifier: MIT
 * rows_task.c - the suspending calls of tasks and futures. */
#include <math.h>

#include <eddy/threads.h>

#include "row.h"
#include "util.h"

static void nothing(struct scene *scene) {
    (void)scene;
}

/* --- time ------------------------------------------------------------------------------------- */

static int sleeps(struct scene *scene) {
    (void)scene;
    return eddy_sleep(1);
}

static int yields(struct scene *scene) {
    (void)scene;
    return eddy_yield();
}

/* --- futures ---------------------------------------------------------------------------------- */

static void make_futures(struct scene *scene) {
    for (int i = 0; i < 2; i++) {
        scene->futures[i] = eddy_future_new(NULL);
        ASSERT_NOT_NULL(scene->futures[i]);
    }
}

static void drop_futures(struct scene *scene) {
    for (int i = 0; i < 2; i++)
        scene->futures[i] = eddy_unref(scene->futures[i]);
}

static void complete_futures(struct scene *scene) {
    for (int i = 0; i < 2; i++) {
        int r = eddy_future_set_result(scene->futures[i], NULL);
        ASSERT(r == 0 || r == EDDY_EINVALID_STATE);
    }
}

/* Cancelled, it has passed the cancel on; it never returns while the future is not done. */
static int awaited(struct scene *scene, int r) {
    ASSERT(eddy_is_done(scene->futures[0]));
    return r;
}

static int awaits(struct scene *scene) {
    return awaited(scene, eddy_await(eddy_ref(scene->futures[0])));
}

static int awaits_value(struct scene *scene) {
    void *value;

    return awaited(scene, eddy_await_value(eddy_ref(scene->futures[0]), &value));
}

static int waits_for(struct scene *scene) {
    return awaited(scene, eddy_wait_for(eddy_ref(scene->futures[0]), 1000));
}

static int gathers(struct scene *scene) {
    int r = eddy_gather(eddy_ref(scene->futures[0]), eddy_ref(scene->futures[1]));

    ASSERT(eddy_is_done(scene->futures[1]));
    return awaited(scene, r);
}

static int gathers_array(struct scene *scene) {
    eddy_future *futures[] = {eddy_ref(scene->futures[0]), eddy_ref(scene->futures[1])};
    int r = eddy_gather_array(futures, 2, NULL);

    ASSERT(eddy_is_done(scene->futures[1]));
    return awaited(scene, r);
}

static int waits(struct scene *scene) {
    return eddy_wait(scene->futures, 2, INFINITY, EDDY_ALL_COMPLETED);
}

static void make_iterator(struct scene *scene) {
    make_futures(scene);
    eddy_future *futures[] = {eddy_ref(scene->futures[0]), eddy_ref(scene->futures[1])};
    scene->iterator = eddy_as_completed_new(futures, 2);
    ASSERT_NOT_NULL(scene->iterator);
}

static int takes_next(struct scene *scene) {
    eddy_future *future;
    int r = eddy_as_completed_next(scene->iterator, &future);

    return r == 1 ? eddy_await(future) : r;
}

static void drop_iterator(struct scene *scene) {
    eddy_as_completed_free(scene->iterator);
    drop_futures(scene);
}

/* "Closing the loop over a task that asks frees the iterator." */
static void drop_iterator_unless_closed(struct scene *scene) {
    if (eddy_running_loop())
        drop_iterator(scene);
    else
        drop_futures(scene);
}

/* --- tasks ------------------------------------------------------------------------------------ */

static int waits_for_event(void *scene) {
    return eddy_event_wait(&((struct scene *)scene)->event);
}

static void set_event(struct scene *scene) {
    eddy_event_set(&scene->event);
}

static int with_timeout(struct scene *scene) {
    return eddy_with_timeout(1000, waits_for_event, scene);
}

static int waits_and_is_over(void *arg) {
    struct scene *scene = arg;
    int r = eddy_event_wait(&scene->event);

    scene->is_over = true;
    return r;
}

/* Its body is that of the caller's task, so it is made there. The end waits for its task, unless
 * that never began. */
static int in_group(struct scene *scene, int (*end)(eddy_task_group *group)) {
    eddy_task_group *group = eddy_task_group_new();
    int r;

    scene->is_over = eddy_cancelling() > 0;
    eddy_task_group_create_task(group, waits_and_is_over, scene);
    r = end(group);
    ASSERT(scene->is_over);
    return r;
}

static int end_well(eddy_task_group *group) {
    return eddy_task_group_end(group, 0);
}

static int ends_group(struct scene *scene) {
    return in_group(scene, end_well);
}

static int waits_for_group(struct scene *scene) {
    return in_group(scene, eddy_task_group_wait);
}

/* --- threads ---------------------------------------------------------------------------------- */

static void make_thread(struct scene *scene) {
    sem_init(&scene->held, 0, 0);
}

static int is_held(void *arg) {
    struct scene *scene = arg;

    scene->has_begun = true;
    while (sem_wait(&scene->held) < 0)
        continue;
    return 0;
}

static int to_thread(struct scene *scene) {
    return eddy_to_thread(is_held, scene);
}

static void release_thread(struct scene *scene) {
    sem_post(&scene->held);
}

static void drop_thread(struct scene *scene) {
    sem_destroy(&scene->held);
}

static void make_executor(struct scene *scene) {
    make_thread(scene);
    ASSERT_OK(eddy_executor_new(&(eddy_executor_options){.threads = 1}, &scene->executor));
}

static int to_executor(struct scene *scene) {
    return eddy_to_executor(scene->executor, is_held, scene);
}

/* Over a job that works, unless the call is refused. */
static int over_job(struct scene *scene, int (*end)(struct scene *scene)) {
    bool is_refused = eddy_cancelling() > 0;
    int r;

    if (!is_refused)
        eddy_detach(eddy_run_in_executor(scene->executor, is_held, scene));
    r = end(scene);
    return r == -ECANCELED && scene->has_begun ? 0 : r; /* cancelled, it has waited all the same */
}

static int close_executor(struct scene *scene) {
    return eddy_executor_close(TAKE_POINTER(scene->executor));
}

static int closes_executor(struct scene *scene) {
    return over_job(scene, close_executor);
}

static int shut_down_executor(struct scene *scene) {
    (void)scene;
    return eddy_shutdown_default_executor();
}

static int shuts_down_executor(struct scene *scene) {
    return over_job(scene, shut_down_executor);
}

static void drop_executor(struct scene *scene) {
    ASSERT_OK(eddy_executor_close(scene->executor));
    drop_thread(scene);
}

static int return_at_once(void *arg) {
    (void)arg;
    return 0;
}

static int runs_threads(struct scene *scene) {
    return eddy_run_threads(return_at_once, scene, NULL);
}

const struct row task_rows[] = {
    {"eddy_sleep", sleeps, NULL, nothing, nothing, 0, .seconds = 1},
    {"eddy_yield", yields, NULL, nothing, nothing, BRIEF},
    {"eddy_await", awaits, complete_futures, make_futures, drop_futures, TAKES | HANDS},
    {"eddy_await_value", awaits_value, complete_futures, make_futures, drop_futures, TAKES | HANDS},
    {"eddy_gather", gathers, complete_futures, make_futures, drop_futures, TAKES | HANDS},
    {"eddy_gather_array", gathers_array, complete_futures, make_futures, drop_futures,
     TAKES | HANDS},
    {"eddy_wait_for", waits_for, complete_futures, make_futures, drop_futures, TAKES | HANDS},
    {"eddy_wait", waits, complete_futures, make_futures, drop_futures, HANDS | LATCHES},
    {"eddy_as_completed_next", takes_next, complete_futures, make_iterator,
     drop_iterator_unless_closed, HANDS | LATCHES},
    {"eddy_with_timeout", with_timeout, set_event, nothing, nothing, HANDS | LATCHES},
    {"eddy_task_group_end", ends_group, set_event, nothing, nothing, HANDS | LATCHES},
    {"eddy_task_group_wait", waits_for_group, set_event, nothing, nothing, HANDS | LATCHES},
    {"eddy_to_thread", to_thread, release_thread, make_thread, drop_thread, FINISHES | THREAD},
    {"eddy_to_executor", to_executor, release_thread, make_executor, drop_executor,
     FINISHES | THREAD},
    {"eddy_executor_close", closes_executor, release_thread, make_executor, drop_executor,
     TAKES | FINISHES | THREAD},
    {"eddy_shutdown_default_executor", shuts_down_executor, release_thread, make_thread,
     drop_thread, TAKES | FINISHES | THREAD},
    {"eddy_run_threads", runs_threads, NULL, nothing, nothing, NO_TASK},
    {NULL},
};
