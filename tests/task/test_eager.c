/* SPDX-License-Identifier: MIT
 * test_eager.c - eager tasks run at once, until they first suspend. */
#include "virtual.h"

static eddy_task *eager(eddy_fn *fn, void *arg) {
    return eddy_create_task_with(&(eddy_task_options){.name = "eager", .eager = true}, fn, arg);
}

TASK_TEST(an_eager_task_that_never_suspends_is_done_when_create_returns) {
    eddy_task *task = eager(noter, "ran");

    ASSERT_STR_EQ(noted(), "ran");
    ASSERT(eddy_is_done(task));
    ASSERT_OK(eddy_await(task));
}

static int notes_around_yield(void *name) {
    note("%s1", (const char *)name);
    ASSERT_OK(eddy_yield());
    note("%s2", (const char *)name);
    return 7;
}

TASK_TEST(an_eager_task_runs_until_it_first_suspends) {
    eddy_task *task = eager(notes_around_yield, "a");

    note("main");
    ASSERT(!eddy_is_done(task));
    ASSERT_INT_EQ(eddy_await(task), 7);
    ASSERT_STR_EQ(noted(), "a1 main a2");
}

TASK_TEST(an_eager_task_comes_before_what_is_ready_and_goes_on_after_it) {
    ASSERT_OK(eddy_detach(eddy_create_task(noter, "ready")));
    ASSERT_OK(eddy_detach(eager(notes_around_yield, "a")));
    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(noted(), "a1 ready a2");
}

static int says_current(void *out) {
    *(eddy_task **)out = eddy_current_task();
    return 0;
}

TASK_TEST(an_eager_task_is_the_current_one_while_it_runs_and_then_its_maker_is_again) {
    eddy_task *seen = NULL, *me = eddy_current_task();
    eddy_task *task = eager(says_current, &seen);

    ASSERT_PTR_EQ(seen, task);
    ASSERT_PTR_EQ(eddy_current_task(), me);
    ASSERT_OK(eddy_await(task));
}

static int makes_eager(void *arg) {
    int depth = *(int *)arg - 1;

    note("in%d", depth);
    if (depth > 0)
        ASSERT_OK(eddy_detach(eager(makes_eager, &depth)));
    note("out%d", depth);
    ASSERT_OK(eddy_yield());
    note("end%d", depth);
    return 0;
}

TASK_TEST(eager_tasks_nest) {
    int depth = 3;

    ASSERT_OK(eddy_detach(eager(makes_eager, &depth)));
    note("main");
    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(noted(), "in2 in1 in0 out0 out1 out2 main end0 end1 end2");
}

static void create_eager_in_callback(void *unused) {
    (void)unused;
    note("callback");
    ASSERT_OK(eddy_detach(eager(notes_around_yield, "a")));
    note("back");
    ASSERT_NULL(eddy_current_task());
}

TASK_TEST(a_callback_may_make_an_eager_task) {
    eddy_call_soon(NULL, create_eager_in_callback, NULL);
    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(noted(), "callback a1 back a2");
}

static int makes_two(void *unused) {
    (void)unused;
    ASSERT_OK(eddy_detach(eager(noter, "short")));
    ASSERT_OK(eddy_detach(eager(notes_around_yield, "long")));
    ASSERT_OK(eddy_yield());
    note("maker");
    return 0;
}

TASK_TEST(an_eager_task_that_ends_at_once_gives_way_to_the_next) {
    ASSERT_OK(eddy_await(eager(makes_two, NULL)));
    ASSERT_STR_EQ(noted(), "short long1 long2 maker");
}

static int awaits_eager(void *unused) {
    (void)unused;
    return eddy_await(eager(notes_around_yield, "inner"));
}

TASK_TEST(an_eager_task_may_await_an_eager_task) {
    ASSERT_INT_EQ(eddy_await(eager(awaits_eager, NULL)), 7);
    ASSERT_STR_EQ(noted(), "inner1 inner2");
}

static void note_free(void *name) {
    note("free-%s", (char *)name);
}

TASK_TEST(the_argument_of_an_eager_task_is_freed_before_create_returns_when_it_has_ended) {
    const eddy_task_options options = {.eager = true, .free_arg = note_free};

    ASSERT_OK(eddy_await(eddy_create_task_with(&options, noter, "a")));
    ASSERT_STR_EQ(noted(), "a free-a");
}

TASK_TEST(an_eager_task_is_not_cancelled_by_the_cancel_of_its_maker) {
    eddy_cancel(eddy_current_task());
    ASSERT_OK(eddy_detach(eager(notes_around_yield, "a")));
    ASSERT_CODE(-ECANCELED, eddy_yield());
    eddy_uncancel();
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "a1 a2");
}

TASK_TEST(a_failure_of_an_eager_task_is_its_own) {
    ASSERT_NULL(eddy_last_error());
    eddy_task *task = eager(raiser, "why");
    ASSERT_NULL(eddy_last_error());
    ASSERT_CODE(-EIO, eddy_await(task));
    ASSERT_STR_EQ(eddy_last_error()->message, "why");
}

TEST(outside_a_run_an_eager_task_starts_with_the_loop) {
    eddy_loop *loop = virtual_loop();
    const eddy_task_options options = {.eager = true, .loop = loop};
    eddy_task *task = eddy_create_task_with(&options, noter, "ran");

    ASSERT_STR_EQ(noted(), "");
    ASSERT_OK(eddy_await(task));
    ASSERT_STR_EQ(noted(), "ran");
    virtual_close(loop);
}

TASK_TEST(a_thousand_eager_tasks_that_never_suspend_use_one_stack) {
    eddy_loop_statistics before, after;

    ASSERT_OK(eddy_await(eager(noter, "")));
    ASSERT_OK(eddy_loop_info(eddy_running_loop(), &before));
    for (int i = 0; i < 1000; i++)
        ASSERT_OK(eddy_await(eager(noter, "")));
    ASSERT_OK(eddy_loop_info(eddy_running_loop(), &after));
    ASSERT_UINT_EQ(after.stacks_in_use + after.stacks_free,
                   before.stacks_in_use + before.stacks_free);
}

static int completes_it(void *future) {
    ASSERT_OK(eddy_future_set_result(future, "value"));
    eddy_unref(future);
    return 0;
}

TASK_TEST(an_eager_task_may_complete_what_its_maker_then_awaits) {
    eddy_future *future = eddy_future_new(NULL);
    void *value;

    ASSERT_OK(eddy_await(eager(completes_it, eddy_ref(future))));
    ASSERT(eddy_is_done(future));
    ASSERT_OK(eddy_await_value(future, &value));
    ASSERT_STR_EQ(value, "value");
}

static int counts_all_tasks(void *count) {
    *(int *)count = eddy_all_tasks(NULL, NULL, 0);
    return 0;
}

TASK_TEST(an_eager_task_is_among_all_tasks_while_it_runs) {
    int count = 0;
    eddy_task *task = eager(counts_all_tasks, &count);

    ASSERT_INT_EQ(count, 2);
    ASSERT_INT_EQ(eddy_all_tasks(NULL, NULL, 0), 1);
    ASSERT_OK(eddy_await(task));
}

TASK_TEST(an_eager_task_that_is_done_cannot_be_cancelled) {
    eddy_task *task = eager(returner, &(int){5});

    ASSERT(!eddy_cancel(task));
    ASSERT_INT_EQ(eddy_await(task), 5);
}

TASK_TEST(an_eager_task_that_waits_is_cancelled_with_the_reason) {
    struct actor actor = {.seconds = 10};
    eddy_task *task = eager(sleeper, &actor);

    ASSERT(eddy_cancel_with(task, "cancellation message"));
    ASSERT(eddy_task_cancelling(task) > 0);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(eddy_last_error()->message, "cancellation message");
}
