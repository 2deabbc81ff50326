/* SPDX-License-Identifier: MIT
 * test_debug.c - debug mode: slow steps of tasks, results that nobody saw, tasks left in a loop,
 * and pointers to tasks that are gone. */
#include <stdio.h>

#include "virtual.h"

#define ALWAYS 1e-9
#define NEVER  1000

static eddy_loop *debug_loop(double slow_seconds) {
    const eddy_loop_options options = {
        .clock = EDDY_CLOCK_VIRTUAL, .debug = true, .slow_callback_seconds = slow_seconds};
    eddy_loop *loop;

    eddy_set_log(NULL, NULL);
    ASSERT_OK(eddy_loop_new(&options, &loop));
    gather_reports(); /* without the line that tells the backend */
    return loop;
}

/* What was reported while fn(arg) ran as the main task, and when the loop was closed. */
static const char *reports_of(double slow_seconds, eddy_fn *fn, void *arg) {
    eddy_loop *loop = debug_loop(slow_seconds);

    ASSERT_OK(virtual_run(loop, fn, arg));
    eddy_loop_close(loop);
    return reports();
}

static int count(const char *text, const char *part) {
    int found = 0;

    for (; (text = strstr(text, part)); text++)
        found++;
    return found;
}

/* --- slow steps ------------------------------------------------------------------------------- */

static int yields_three_times(void *unused) {
    (void)unused;
    for (int i = 0; i < 3; i++)
        ASSERT_OK(eddy_yield());
    return 0;
}

static int runs_two(void *unused) {
    (void)unused;
    return eddy_gather(eddy_create_task(yields_three_times, NULL),
                       eddy_create_task(returner, &(int){0}));
}

TEST(each_step_of_a_task_that_keeps_the_loop_is_reported_with_its_name_and_place) {
    const char *text = reports_of(ALWAYS, runs_two, NULL);

    ASSERT_INT_EQ(count(text, "task \"yields_three_times\" (created at "), 4);
    ASSERT_INT_EQ(count(text, "task \"returner\" (created at "), 1);
    ASSERT_INT_EQ(count(text, "task \"main\" (created at "), 2);
    ASSERT_STR_CONTAINS(text, "test_debug.c:");
    ASSERT_INT_EQ(count(text, ") kept its loop for 0."), 7);
}

TEST(steps_that_are_not_slow_are_not_reported) {
    ASSERT_STR_EQ(reports_of(NEVER, runs_two, NULL), "");
}

static int notes_its_turns(void *name) {
    for (int i = 0; i < 3; i++) {
        note("%s", (const char *)name);
        ASSERT_OK(eddy_yield());
    }
    return 0;
}

static int takes_turns(void *unused) {
    (void)unused;
    return eddy_gather(eddy_create_task(notes_its_turns, "a"),
                       eddy_create_task(notes_its_turns, "b"),
                       eddy_create_task(notes_its_turns, "c"));
}

TEST(debug_mode_changes_nothing_about_the_order) {
    reports_of(NEVER, takes_turns, NULL);
    ASSERT_STR_EQ(noted(), "a b c a b c a b c");
}

/* --- results that nobody saw ------------------------------------------------------------------ */

static int drops(void *unused) {
    (void)unused;
    eddy_unref(eddy_create_task(returner, &(int){7}));
    return (int)eddy_sleep(1);
}

TEST(a_result_that_nobody_has_seen_is_reported_when_the_task_is_let_go) {
    const char *text = reports_of(NEVER, drops, NULL);

    ASSERT_STR_CONTAINS(text, "task \"returner\" (created at ");
    ASSERT_STR_CONTAINS(text, " was neither awaited nor detached: nobody has seen its result, 7\n");
    ASSERT_INT_EQ(count(text, "\n"), 1);
}

static int lets_go_properly(void *unused) {
    eddy_task *tasks[2] = {RETURNER(1), RETURNER(2)};
    eddy_task *kept = eddy_ref(tasks[0]), *cancelled = SLEEPER(.seconds = 9);
    eddy_task_group *group = eddy_task_group_new();
    eddy_as_completed *iterator;
    eddy_future *future;

    (void)unused;
    eddy_detach(RETURNER(0));
    ASSERT_OK(eddy_gather_array(tasks, 2, NULL));
    eddy_unref(kept);
    eddy_cancel(cancelled);
    eddy_unref(cancelled);
    eddy_task_group_create_task(group, returner, &(int){3});
    ASSERT_OK(eddy_task_group_wait(group));
    ASSERT_OK(eddy_await(eddy_shield(RETURNER(4))));
    eddy_unref(eddy_shield(RETURNER(5)));
    iterator = eddy_as_completed_new((eddy_future *[]){RETURNER(6), RETURNER(7)}, 2);
    ASSERT_INT_EQ(eddy_as_completed_next(iterator, &future), 1);
    eddy_as_completed_free(iterator);
    ASSERT_INT_EQ(eddy_await(future), 6);
    return eddy_sleep(1);
}

TEST(who_awaits_detaches_or_cancels_is_not_reported) {
    ASSERT_STR_EQ(reports_of(NEVER, lets_go_properly, NULL), "");
}

static int drops_failure(void *unused) {
    (void)unused;
    eddy_unref(eddy_create_task(raiser, "bad"));
    return eddy_sleep(1);
}

TEST(a_failure_that_nobody_has_seen_is_reported_once) {
    const char *text = reports_of(NEVER, drops_failure, NULL);

    ASSERT_STR_CONTAINS(text, "failed and was never awaited: EIO: bad");
    ASSERT_INT_EQ(count(text, "\n"), 1);
}

/* --- tasks left in a loop --------------------------------------------------------------------- */

static struct actor long_sleeper = {.seconds = 1000};

static int awaits_for_ever(void *unused) {
    (void)unused;
    return eddy_await(eddy_create_task(sleeper, &long_sleeper));
}

static int leaves_three(void *unused) {
    (void)unused;
    eddy_detach(eddy_create_task(sleeper, &long_sleeper));
    eddy_detach(eddy_create_task(awaits_for_ever, NULL));
    return 0;
}

TEST(a_loop_that_is_closed_with_tasks_in_it_lists_them) {
    const char *text = reports_of(NEVER, leaves_three, NULL);

    ASSERT_STR_CONTAINS(text, "a loop was closed with 3 tasks in it that had not ended\n");
    ASSERT_INT_EQ(count(text, " had not ended: it waits for a sleep\n"), 1);
    ASSERT_INT_EQ(count(text, " had not ended\n"), 1 + 1); /* the second has not run */
    ASSERT_STR_CONTAINS(text, "task \"awaits_for_ever\" (created at ");
    ASSERT_STR_CONTAINS(text, " had not ended, at ");
    ASSERT_INT_EQ(count(text, "\n"), 4);
}

/* --- tasks that are gone ---------------------------------------------------------------------- */

static int awaits_twice(void *unused) {
    eddy_task *task = RETURNER(0);
    (void)unused;
    ASSERT_OK(eddy_await(task));
    return eddy_await(task);
}

static int unrefs_twice(void *unused) {
    eddy_task *task = RETURNER(0);
    (void)unused;
    ASSERT_OK(eddy_await(task));
    eddy_unref(task);
    return 0;
}

static int cancels_after(void *unused) {
    eddy_task *task = RETURNER(0);
    (void)unused;
    ASSERT_OK(eddy_await(task));
    eddy_cancel(task);
    return 0;
}

static int refs_after(void *unused) {
    eddy_task *task = RETURNER(0);
    (void)unused;
    ASSERT_OK(eddy_await(task));
    eddy_await(RETURNER(0)); /* its record is not the one that was just freed */
    eddy_ref(task);
    return 0;
}

static eddy_fn *misuse;

static int runs_misuse(void) {
    setenv("EDDY_DEBUG", "1", 1);
    return eddy_run(misuse, NULL);
}

static void assert_names_itself(eddy_fn *fn) {
    misuse = fn;
    struct ending ending = aborts(runs_misuse);
    ASSERT_STR_CONTAINS(ending.text, "task \"returner\" (created at ");
    ASSERT_STR_CONTAINS(ending.text, " is used after its last reference was given back");
}

TEST(a_task_that_is_awaited_twice_names_itself) {
    assert_names_itself(awaits_twice);
}

TEST(a_reference_that_is_given_back_twice_names_its_task) {
    assert_names_itself(unrefs_twice);
}

TEST(a_task_that_is_cancelled_after_its_end_names_itself) {
    assert_names_itself(cancels_after);
}

TEST(a_task_that_is_referenced_after_its_end_names_itself) {
    assert_names_itself(refs_after);
}

static int makes_many(void *unused) {
    eddy_loop_statistics info;
    (void)unused;
    for (int i = 0; i < 5000; i++)
        ASSERT_INT_EQ(eddy_await(RETURNER(i)), i);
    ASSERT_OK(eddy_loop_info(eddy_running_loop(), &info));
    ASSERT_UINT_EQ(info.tasks, 1);
    return 0;
}

TEST(records_are_kept_for_a_while_only_and_are_not_counted) {
    ASSERT_STR_EQ(reports_of(NEVER, makes_many, NULL), "");
}
