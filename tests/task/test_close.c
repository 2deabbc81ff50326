/* SPDX-License-Identifier: MIT
 * test_close.c - closing a loop: what is still in it is reported, ends, and leaks nothing. The leak
 * checker of the sanitizer builds is half of each test. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

#include "virtual.h"

static eddy_task *task_of(eddy_loop *loop, eddy_fn *fn, void *arg) {
    return eddy_create_task_with(&(eddy_task_options){.loop = loop}, fn, arg);
}

static void turn(eddy_loop *loop) {
    for (int i = 0; i < 5; i++)
        ASSERT_OK(eddy_loop_run_once(loop, 0));
}

/* Closes it with tasks in it; they must have been reported. */
static void close_with(eddy_loop *loop, int tasks) {
    char line[100];

    snprintf(line, sizeof(line), "a loop was closed with %d task%s in it that had not ended\n",
             tasks, tasks == 1 ? "" : "s");
    ASSERT_STR_EQ(reports(), "");
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_STR_EQ(reports(), line);
}

static struct actor long_sleeper = {.name = "sleeper", .seconds = 1000};

/* --- tasks in every state --------------------------------------------------------------------- */

TEST(a_loop_closed_with_a_new_task_reports_it) {
    eddy_loop *loop = virtual_loop();

    eddy_detach(task_of(loop, noter, "ran"));
    close_with(loop, 1);
    ASSERT_STR_EQ(noted(), "");
}

TEST(a_loop_closed_with_a_sleeping_task_reports_it_and_it_runs_no_further) {
    eddy_loop *loop = virtual_loop();

    eddy_detach(task_of(loop, sleeper, &long_sleeper));
    turn(loop);
    close_with(loop, 1);
    ASSERT_STR_EQ(noted(), "");
}

static int yields_for_ever(void *unused) {
    (void)unused;
    while (eddy_yield() >= 0)
        continue;
    return 0;
}

TEST(a_loop_closed_with_ready_tasks_reports_them) {
    eddy_loop *loop = virtual_loop();

    eddy_detach(task_of(loop, yields_for_ever, NULL));
    eddy_detach(task_of(loop, yields_for_ever, NULL));
    turn(loop);
    close_with(loop, 2);
}

static int awaits_sleeper(void *unused) {
    (void)unused;
    return eddy_await(eddy_create_task(sleeper, &long_sleeper));
}

TEST(a_loop_closed_with_a_task_that_awaits_another_leaks_nothing) {
    eddy_loop *loop = virtual_loop();

    eddy_detach(task_of(loop, awaits_sleeper, NULL));
    turn(loop);
    close_with(loop, 2);
}

static int gathers_sleepers(void *unused) {
    eddy_task *fresh = eddy_create_task(awaits_sleeper, NULL);

    (void)unused;
    return eddy_gather(eddy_create_task(sleeper, &long_sleeper), fresh, eddy_after(1000),
                       eddy_future_new(NULL));
}

TEST(a_loop_closed_with_a_task_that_gathers_leaks_nothing) {
    eddy_loop *loop = virtual_loop();

    eddy_detach(task_of(loop, gathers_sleepers, NULL));
    turn(loop);
    close_with(loop, 4);
}

static int waits_for_future(void *future) {
    return eddy_wait((eddy_future **)future, 1, INFINITY, EDDY_ALL_COMPLETED);
}

TEST(a_loop_closed_with_a_task_in_eddy_wait_leaks_nothing) {
    eddy_loop *loop = virtual_loop();
    eddy_future *future = eddy_future_new(loop);

    eddy_detach(task_of(loop, waits_for_future, &future));
    turn(loop);
    close_with(loop, 1);
    ASSERT_NULL(eddy_unref(future));
}

static int times_out(void *unused) {
    (void)unused;
    return eddy_wait_for(eddy_create_task(sleeper, &long_sleeper), 500);
}

TEST(a_loop_closed_with_a_task_inside_a_time_out_leaks_nothing) {
    eddy_loop *loop = virtual_loop();

    eddy_detach(task_of(loop, times_out, NULL));
    turn(loop);
    close_with(loop, 2);
}

static int awaits_it(void *future) {
    return eddy_await(future);
}

TEST(a_loop_closed_with_a_task_that_awaits_a_plain_future_leaks_nothing) {
    eddy_loop *loop = virtual_loop();
    eddy_future *future = eddy_future_new(loop);

    eddy_detach(task_of(loop, awaits_it, eddy_ref(future)));
    turn(loop);
    close_with(loop, 1);
    ASSERT_NULL(eddy_unref(future));
}

static int raises_then_sleeps(void *unused) {
    (void)unused;
    eddy_raise(-EIO, "a sentence that lies in the task");
    return eddy_sleep(1000);
}

TEST(a_loop_closed_with_a_task_that_has_an_error_and_a_reason_leaks_nothing) {
    eddy_loop *loop = virtual_loop();
    eddy_task *task = task_of(loop, raises_then_sleeps, NULL);

    turn(loop);
    eddy_cancel_with(task, "a reason");
    close_with(loop, 1);
    ASSERT(eddy_is_done(task));
    ASSERT_NULL(eddy_unref(task));
}

/* --- tasks that were just woken --------------------------------------------------------------- */

/* More than run_once() runs, so that what is woken meanwhile still stands in the queue at its end.
 */
static int crowd(void *unused) {
    (void)unused;
    for (int i = 0; i < 1000; i++)
        eddy_detach(eddy_create_task(noter, "-"));
    return 0;
}

static void close_crowded(eddy_loop *loop) {
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_STR_CONTAINS(reports(), "a loop was closed with");
}

static int gathers_after_cancel(void *unused) {
    (void)unused;
    crowd(NULL);
    eddy_cancel(eddy_current_task());
    return eddy_gather(eddy_create_task(sleeper, &long_sleeper), eddy_after(1000));
}

TEST(a_loop_closed_with_a_refused_task_that_gathers_leaks_nothing) {
    eddy_loop *loop = virtual_loop();

    eddy_detach(task_of(loop, gathers_after_cancel, NULL));
    close_crowded(loop);
}

static int awaits_crowd(void *unused) {
    (void)unused;
    return eddy_await(eddy_create_task(crowd, NULL));
}

TEST(a_loop_closed_with_a_task_whose_child_has_just_ended_leaks_nothing) {
    eddy_loop *loop = virtual_loop();

    eddy_detach(task_of(loop, awaits_crowd, NULL));
    close_crowded(loop);
}

struct pair {
    eddy_future *futures[2];
};

static int waits_for_first(void *pair) {
    return eddy_wait(((struct pair *)pair)->futures, 2, INFINITY, EDDY_FIRST_COMPLETED);
}

TEST(a_loop_closed_with_tasks_that_were_just_woken_leaks_nothing) {
    eddy_loop *loop = virtual_loop();
    struct pair pair = {{eddy_future_new(loop), eddy_future_new(loop)}};

    eddy_detach(task_of(loop, waits_for_first, &pair));
    eddy_detach(task_of(loop, awaits_it, eddy_ref(pair.futures[0])));
    turn(loop);
    ASSERT_OK(eddy_future_set_result(pair.futures[0], NULL));
    close_with(loop, 2);
    eddy_unref(pair.futures[0]);
    eddy_unref(pair.futures[1]);
}

/* --- tasks with a job in the pool ------------------------------------------------------------- */

static int waits_for_post(void *semaphore) {
    while (sem_wait(semaphore) < 0)
        continue;
    return eddy_raise(-EIO, "a sentence from the pool");
}

static int in_thread(void *semaphore) {
    return eddy_to_thread(waits_for_post, semaphore);
}

static void *posts_later(void *semaphore) {
    usleep(1000);
    for (int i = 0; i < 3; i++) /* one would do, unless the close comes late */
        sem_post(semaphore);
    return NULL;
}

TEST(closing_a_loop_waits_for_jobs_that_run_and_drops_those_that_wait) {
    const eddy_loop_options options = {.executor_threads = 1};
    eddy_loop *loop;
    pthread_t thread;
    sem_t semaphore;

    gather_reports();
    ASSERT_OK(eddy_loop_new(&options, &loop));
    sem_init(&semaphore, 0, 0);
    for (int i = 0; i < 3; i++)
        eddy_detach(task_of(loop, in_thread, &semaphore));
    turn(loop);
    ASSERT_INT_EQ(pthread_create(&thread, NULL, posts_later, &semaphore), 0);
    close_with(loop, 3);
    pthread_join(thread, NULL);
    sem_destroy(&semaphore);
}

/* --- tasks that are over ---------------------------------------------------------------------- */

TEST(a_loop_closed_with_done_tasks_is_not_reported) {
    eddy_loop *loop = virtual_loop();
    eddy_task *task = task_of(loop, returner, &(int){5});

    turn(loop);
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_STR_EQ(reports(), "");
    ASSERT_INT_EQ(eddy_future_result(task, NULL), 5);
    ASSERT_NULL(eddy_unref(task));
}

TEST(a_loop_closed_with_a_thousand_tasks_leaks_nothing) {
    eddy_loop *loop = virtual_loop();
    const int count = UNDER_TSAN ? 100 : 1000;

    for (int i = 0; i < count; i++)
        eddy_detach(task_of(loop, i % 2 ? awaits_sleeper : sleeper, &long_sleeper));
    turn(loop);
    close_with(loop, count / 2 * 3);
}

/* --- what their owners see -------------------------------------------------------------------- */

TEST(a_task_whose_loop_was_closed_is_cancelled) {
    eddy_loop *loop = virtual_loop();
    eddy_task *fresh = task_of(loop, noter, "ran"),
              *waiting = task_of(loop, sleeper, &long_sleeper);

    turn(loop);
    eddy_task *newer = task_of(loop, noter, "ran too");
    close_with(loop, 2);
    ASSERT(!eddy_is_cancelled(fresh));
    ASSERT(eddy_is_cancelled(waiting) && eddy_is_cancelled(newer));
    ASSERT_CODE(-ECANCELED, eddy_future_result(waiting, NULL));
    ASSERT_STR_EQ(eddy_task_name(waiting), "fn"); /* as task_of() calls it */
    ASSERT(!eddy_cancel(waiting));
    ASSERT_STR_EQ(noted(), "ran");
    eddy_unref(fresh);
    eddy_unref(waiting);
    eddy_unref(newer);
}

static void note_free(void *name) {
    note("free-%s", (char *)name);
}

static int named_sleep(void *name) {
    int r = eddy_sleep(1000);

    note("%s", (char *)name);
    return r;
}

TEST(the_arguments_of_tasks_in_a_closed_loop_are_freed_once) {
    eddy_loop *loop = virtual_loop();
    const eddy_task_options options = {.loop = loop, .free_arg = note_free};

    eddy_detach(eddy_create_task_with(&options, named_sleep, "waiting"));
    turn(loop);
    eddy_detach(eddy_create_task_with(&options, named_sleep, "new"));
    close_with(loop, 2);
    ASSERT_STR_EQ(noted(), "free-waiting free-new");
}

TEST(copied_arguments_of_tasks_in_a_closed_loop_are_freed) {
    eddy_loop *loop = virtual_loop();
    const eddy_task_options options = {.loop = loop, .copy_bytes = 1000, .name = "copied"};
    char bytes[1000] = "name";

    eddy_detach(eddy_create_task_with(&options, named_sleep, bytes));
    turn(loop);
    eddy_detach(eddy_create_task_with(&options, named_sleep, bytes));
    close_with(loop, 2);
}

static void create_after_close(void *loop) {
    eddy_task *task = task_of(loop, noter, "ran");

    ASSERT_NOT_NULL(task);
    note("%s", eddy_error_name(eddy_future_result(task, NULL)));
    eddy_unref(task);
}

TEST(a_task_for_a_closed_loop_is_a_failed_future) {
    eddy_loop *loop = virtual_loop();

    eddy_loop_ref(loop);
    ASSERT_NULL(eddy_loop_close(loop));
    create_after_close(loop);
    ASSERT_STR_EQ(noted(), "EDDY_ESHUTDOWN");
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_call_soon_threadsafe(loop, note_free, "x"));
    ASSERT_NULL(eddy_loop_unref(loop));
}

static void done(eddy_future *future, void *name) {
    (void)future;
    note("%s", (char *)name);
}

TEST(done_callbacks_in_a_closed_loop_do_not_run_and_leak_nothing) {
    eddy_loop *loop = virtual_loop();
    eddy_task *task = task_of(loop, sleeper, &long_sleeper);
    eddy_future *future = eddy_future_new(loop), *completed = eddy_future_new(loop);

    ASSERT_OK(eddy_future_add_done_callback(task, done, "task"));
    ASSERT_OK(eddy_future_add_done_callback(future, done, "future"));
    ASSERT_OK(eddy_future_add_done_callback(completed, done, "completed"));
    ASSERT_OK(eddy_future_set_result(completed, NULL));
    eddy_unref(completed);
    close_with(loop, 1);
    eddy_unref(task);
    eddy_unref(future);
    ASSERT_STR_EQ(noted(), "");
}

/* --- when it may not be closed ---------------------------------------------------------------- */

TASK_TEST(a_running_loop_is_not_closed) {
    eddy_loop *loop = eddy_running_loop();

    ASSERT_PTR_EQ(eddy_loop_close(loop), loop);
    ASSERT_CODE(-EBUSY, eddy_last_error()->code);
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "running");
    ASSERT_OK(eddy_sleep(1));
}

TEST(closing_null_is_nothing) {
    ASSERT_NULL(eddy_loop_close(NULL));
}

TEST(the_default_loop_may_be_closed_and_a_new_one_is_made) {
    eddy_loop *loop = NULL;

    ASSERT_OK(eddy_detach(eddy_create_task(noter, "first")));
    ASSERT_OK(eddy_yield());
    eddy_task *task = RETURNER(3);
    ASSERT_INT_EQ(eddy_await(task), 3);
    ASSERT_INT_EQ(eddy_all_tasks(loop, NULL, 0), 0);
    ASSERT_OK(eddy_detach(eddy_create_task(noter, "second")));
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "first second");
}

TEST(loops_are_made_and_closed_five_hundred_times) {
    for (int i = 0; i < 500; i++) {
        eddy_loop *loop = virtual_loop();
        ASSERT_INT_EQ(virtual_run(loop, returner, &i), i);
        virtual_close(loop);
    }
}
