/* SPDX-License-Identifier: MIT
 * test_task.c - a task's life: creating, names, arguments, references, reports. */
#include <pthread.h>

#include "virtual.h"

/* --- creating --------------------------------------------------------------------------------- */

TASK_TEST(a_task_returns_what_its_function_returned) {
    ASSERT_INT_EQ(eddy_await(RETURNER(0)), 0);
    ASSERT_INT_EQ(eddy_await(RETURNER(42)), 42);
    ASSERT_INT_EQ(eddy_await(RETURNER(INT32_MAX)), INT32_MAX);
    ASSERT_CODE(-EIO, eddy_await(RETURNER(-EIO)));
}

TASK_TEST(a_task_starts_in_its_turn_and_not_in_create) {
    eddy_task *task = eddy_create_task(noter, "ran");

    ASSERT(!eddy_is_done(task));
    ASSERT_STR_EQ(noted(), "");
    ASSERT_OK(eddy_await(task));
    ASSERT_STR_EQ(noted(), "ran");
}

TASK_TEST(tasks_start_in_the_order_in_which_they_were_created) {
    ASSERT_OK(eddy_gather(eddy_create_task(noter, "a"), eddy_create_task(noter, "b"),
                          eddy_create_task(noter, "c")));
    ASSERT_STR_EQ(noted(), "a b c");
}

static int creator(void *unused) {
    (void)unused;
    note("creator");
    ASSERT_OK(eddy_detach(eddy_create_task(noter, "created")));
    return 0;
}

TASK_TEST(a_created_task_goes_to_the_end_of_the_ready_queue) {
    ASSERT_OK(eddy_detach(eddy_create_task(creator, NULL)));
    ASSERT_OK(eddy_detach(eddy_create_task(noter, "queued")));
    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(noted(), "creator queued created");
}

static void create_noter(void *name) {
    ASSERT_OK(eddy_detach(eddy_create_task(noter, name)));
}

TASK_TEST(a_callback_may_create_a_task) {
    eddy_call_soon(NULL, create_noter, "ran");
    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(noted(), "ran");
}

TEST(a_task_may_be_created_for_a_loop_that_does_not_run_yet) {
    eddy_loop *loop = virtual_loop();
    const eddy_task_options options = {.loop = loop};
    eddy_task *task = eddy_create_task_with(&options, noter, "ran");

    ASSERT(!eddy_is_done(task));
    ASSERT_OK(eddy_loop_run_until_complete(loop, task));
    ASSERT_STR_EQ(noted(), "ran");
    virtual_close(loop);
}

TASK_TEST(null_options_are_all_defaults) {
    ASSERT_OK(eddy_await(eddy_create_task_with(NULL, noter, "ran")));
    ASSERT_STR_EQ(noted(), "ran");
}

/* A program compiled against an older header passes a smaller struct. */
TASK_TEST(options_past_the_size_that_was_passed_are_defaults) {
    const eddy_task_options options = {.name = "old", .eager = true};
    eddy_task *task =
        eddy_create_task_with_at("here:1\0&options, noter, \"ran\"",
                                 offsetof(eddy_task_options, eager), &options, noter, "ran");

    ASSERT_STR_EQ(eddy_task_name(task), "old");
    ASSERT_STR_EQ(noted(), "");
    ASSERT_OK(eddy_await(task));
}

/* --- the running task ------------------------------------------------------------------------- */

static int says_current(void *out) {
    *(eddy_task **)out = eddy_current_task();
    return 0;
}

TASK_TEST(the_current_task_is_the_one_that_runs) {
    eddy_task *seen = NULL, *task = eddy_create_task(says_current, &seen),
              *me = eddy_current_task();

    ASSERT_NOT_NULL(me);
    ASSERT_OK(eddy_await(eddy_ref(task)));
    ASSERT_PTR_EQ(seen, task);
    ASSERT_PTR_EQ(eddy_current_task(), me);
    eddy_unref(task);
}

static int stays_itself(void *unused) {
    eddy_task *me = eddy_current_task();

    (void)unused;
    for (int i = 0; i < 3; i++) {
        ASSERT_OK(eddy_yield());
        ASSERT_PTR_EQ(eddy_current_task(), me);
    }
    return 0;
}

TASK_TEST(the_current_task_is_the_same_before_and_after_a_wait) {
    ASSERT_OK(
        eddy_gather(eddy_create_task(stays_itself, NULL), eddy_create_task(stays_itself, NULL)));
}

static void callback_says_current(void *out) {
    says_current(out);
}

TASK_TEST(a_callback_has_no_current_task) {
    eddy_task *seen = eddy_current_task();

    eddy_call_soon(NULL, callback_says_current, &seen);
    ASSERT_OK(eddy_yield());
    ASSERT_NULL(seen);
}

TEST(there_is_no_current_task_outside_a_run) {
    ASSERT_NULL(eddy_current_task());
}

TASK_TEST(all_tasks_are_those_of_the_loop_that_are_not_done) {
    eddy_task *sleeping = SLEEPER(.seconds = 1), *done = RETURNER(0), *tasks[8] = {0};

    ASSERT_OK(eddy_yield());
    ASSERT(eddy_is_done(done));
    ASSERT_INT_EQ(eddy_all_tasks(NULL, tasks, 8), 2);
    ASSERT(tasks[0] != tasks[1]);
    for (int i = 0; i < 2; i++) {
        ASSERT(tasks[i] == sleeping || tasks[i] == eddy_current_task());
        eddy_unref(tasks[i]);
    }
    ASSERT_NULL(tasks[2]);
    ASSERT_OK(eddy_gather(sleeping, done));
}

TASK_TEST(all_tasks_counts_beyond_the_capacity) {
    eddy_task *one[1], *a = SLEEPER(.seconds = 1), *b = SLEEPER(.seconds = 1);

    ASSERT_INT_EQ(eddy_all_tasks(eddy_running_loop(), NULL, 0), 3);
    ASSERT_INT_EQ(eddy_all_tasks(eddy_running_loop(), one, 1), 3);
    eddy_unref(one[0]);
    ASSERT_OK(eddy_gather(a, b));
}

TASK_TEST(all_tasks_gives_new_references) {
    eddy_task *tasks[2];

    ASSERT_OK(eddy_detach(SLEEPER(.seconds = 1, .result = 7)));
    ASSERT_INT_EQ(eddy_all_tasks(NULL, tasks, 2), 2);
    for (int i = 0; i < 2; i++)
        if (tasks[i] == eddy_current_task())
            eddy_unref(tasks[i]);
        else
            ASSERT_INT_EQ(eddy_await(tasks[i]), 7);
}

TEST(a_loop_without_tasks_has_none) {
    eddy_loop *loop = virtual_loop();

    ASSERT_INT_EQ(eddy_all_tasks(loop, NULL, 0), 0);
    virtual_close(loop);
}

/* --- arguments -------------------------------------------------------------------------------- */

struct point {
    long x, y, z, more[64];
};

static int reads_point(void *arg) {
    const struct point *point = arg;

    ASSERT_OK(eddy_sleep(1));
    return (int)(point->x + point->y + point->z + point->more[63]);
}

TASK_TEST(copied_bytes_live_until_the_function_has_returned) {
    struct point point = {1, 2, 3, {[63] = 4}};
    const eddy_task_options options = {.copy_bytes = sizeof(point)};
    eddy_task *task = eddy_create_task_with(&options, reads_point, &point);

    memset(&point, 0x55, sizeof(point));
    ASSERT_INT_EQ(eddy_await(task), 10);
}

TASK_TEST(an_argument_that_is_not_copied_is_passed_as_it_is) {
    eddy_task *seen = NULL;
    const eddy_task_options options = {.name = "plain"};

    ASSERT_OK(eddy_await(eddy_create_task_with(&options, says_current, &seen)));
    ASSERT_NOT_NULL(seen);
}

struct counted {
    int freed;
    int result;
};

static void count_free(void *arg) {
    ((struct counted *)arg)->freed++;
    note("free");
}

static int counted_task(void *arg) {
    const struct counted *counted = arg;

    ASSERT_INT_EQ(counted->freed, 0);
    ASSERT_OK(eddy_sleep(1));
    note("end");
    return counted->result;
}

static eddy_task *create_counted(struct counted *counted) {
    return eddy_create_task_with(&(eddy_task_options){.free_arg = count_free}, counted_task,
                                 counted);
}

TASK_TEST(free_arg_is_called_once_after_the_function) {
    struct counted counted = {.result = 3};
    eddy_task *task = create_counted(&counted);

    ASSERT_INT_EQ(eddy_await(eddy_ref(task)), 3);
    ASSERT_INT_EQ(counted.freed, 1);
    ASSERT_STR_EQ(noted(), "end free");
    eddy_unref(task);
    ASSERT_INT_EQ(counted.freed, 1);
}

TASK_TEST(free_arg_is_called_once_instead_of_the_function) {
    struct counted counted = {0};
    eddy_task *task = create_counted(&counted);

    ASSERT(eddy_cancel(task));
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_INT_EQ(counted.freed, 1);
    ASSERT_STR_EQ(noted(), "free");
}

static void note_copy(void *arg) {
    note("%d", *(int *)arg);
}

TASK_TEST(free_arg_is_given_the_copy) {
    const eddy_task_options options = {.copy_bytes = sizeof(int), .free_arg = note_copy};
    int number = 5;
    eddy_task *task = eddy_create_task_with(&options, returner, &number);

    number = 6;
    ASSERT_INT_EQ(eddy_await(task), 5);
    ASSERT_STR_EQ(noted(), "5");
}

/* --- stacks ----------------------------------------------------------------------------------- */

static int uses_stack(void *arg) {
    size_t bytes = *(size_t *)arg;
    volatile char *memory = __builtin_alloca(bytes);

    for (size_t i = 0; i < bytes; i += 1024)
        memory[i] = 1;
    ASSERT_OK(eddy_sleep(1));
    return memory[0];
}

TASK_TEST(a_task_has_the_stack_that_it_asked_for) {
    const eddy_task_options options = {.stack_bytes = 8 << 20};
    size_t bytes = 7 << 20;

    ASSERT_INT_EQ(eddy_await(eddy_create_task_with(&options, uses_stack, &bytes)), 1);
}

TASK_TEST(tasks_with_stacks_of_different_sizes_run_side_by_side) {
    size_t bytes[] = {1 << 10, 100 << 10, 900 << 10, 3 << 20};
    eddy_task *tasks[4];

    for (int i = 0; i < 4; i++)
        tasks[i] = eddy_create_task_with(&(eddy_task_options){.stack_bytes = bytes[i] + (64 << 10)},
                                         uses_stack, &bytes[i]);
    ASSERT_OK(eddy_gather_array(tasks, 4, NULL));
}

TEST(a_loop_may_set_the_stack_of_its_tasks) {
    const eddy_loop_options options = {.clock = EDDY_CLOCK_VIRTUAL, .stack_bytes = 4 << 20};
    size_t bytes = 3 << 20;
    eddy_loop *loop;

    ASSERT_OK(eddy_loop_new(&options, &loop));
    ASSERT_INT_EQ(virtual_run(loop, uses_stack, &bytes), 1);
    virtual_close(loop);
}

/* --- references ------------------------------------------------------------------------------- */

TASK_TEST(a_running_task_goes_on_without_its_last_reference) {
    ASSERT_NULL(eddy_unref(SLEEPER(.name = "a", .seconds = 1)));
    ASSERT_OK(eddy_detach(SLEEPER(.name = "b", .seconds = 2)));
    ASSERT_INT_EQ(live_tasks(), 3);
    ASSERT_OK(eddy_sleep(3));
    ASSERT_STR_EQ(noted(), "a b");
    ASSERT_INT_EQ(live_tasks(), 1);
}

TASK_TEST(awaiting_takes_the_reference) {
    eddy_task *kept = eddy_ref(RETURNER(4));

    ASSERT_INT_EQ(eddy_await(eddy_ref(kept)), 4);
    ASSERT_INT_EQ(eddy_await(kept), 4);
    ASSERT_INT_EQ(live_tasks(), 2);
    ASSERT_INT_EQ(eddy_await(kept), 4); /* the second reference of the first line */
    ASSERT_INT_EQ(live_tasks(), 1);
}

TASK_TEST(a_task_lives_as_long_as_somebody_holds_it) {
    eddy_task *task = RETURNER(4);

    ASSERT_OK(eddy_sleep(1));
    ASSERT_INT_EQ(live_tasks(), 2);
    ASSERT_INT_EQ(eddy_future_result(task, NULL), 4);
    ASSERT_NULL(eddy_unref(task));
    ASSERT_INT_EQ(live_tasks(), 1);
}

TASK_TEST(a_task_cannot_be_completed_by_hand) {
    eddy_task *task = RETURNER(4);

    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_set_result(task, NULL));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_set_error(task, -EIO, "no"));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "completes itself");
    ASSERT_INT_EQ(eddy_await(task), 4);
}

static void note_done(eddy_future *future, void *arg) {
    note("%s=%d", (const char *)arg, eddy_future_result(future, NULL));
}

TASK_TEST(done_callbacks_of_a_task_run_in_the_order_they_were_added) {
    eddy_task *task = SLEEPER(.seconds = 1, .result = 9);

    ASSERT_OK(eddy_future_add_done_callback(task, note_done, "first"));
    ASSERT_OK(eddy_future_add_done_callback(task, note_done, "second"));
    ASSERT_INT_EQ(eddy_await(task), 9);
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "first=9 second=9");
}

/* --- reports ---------------------------------------------------------------------------------- */

TASK_TEST(a_detached_task_that_fails_is_reported_at_its_end) {
    ASSERT_OK(eddy_detach(eddy_create_task(raiser, "the disk is full")));
    ASSERT_STR_EQ(reports(), "");
    ASSERT_OK(eddy_yield());

    const char *text = reports();
    ASSERT_STR_CONTAINS(text, "task \"raiser\"");
    ASSERT_STR_CONTAINS(text, "test_task.c:");
    ASSERT_STR_CONTAINS(text, "EIO: the disk is full");
}

TASK_TEST(a_detached_task_that_fails_with_a_plain_code_is_reported_by_its_name) {
    ASSERT_OK(eddy_detach(RETURNER(-EINVAL)));
    ASSERT_OK(eddy_yield());

    const char *text = reports();
    ASSERT_STR_CONTAINS(text, "EINVAL");
    ASSERT_STR_CONTAINS(text, "task \"returner\"");
    ASSERT_STR_CONTAINS(text, "test_task.c:");
}

TASK_TEST(a_failed_task_is_reported_when_its_last_reference_goes) {
    eddy_task *task = eddy_create_task(raiser, "nobody looked");

    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(reports(), "");
    eddy_unref(task);
    ASSERT_STR_CONTAINS(reports(), "nobody looked");
}

TASK_TEST(a_failure_that_was_awaited_is_not_reported) {
    eddy_task *task = eddy_create_task(raiser, "seen");

    ASSERT_CODE(-EIO, eddy_await(eddy_ref(task)));
    eddy_unref(task);
    ASSERT_STR_EQ(reports(), "");
}

TASK_TEST(a_failure_whose_result_was_asked_for_is_not_reported) {
    eddy_task *task = eddy_create_task(raiser, "seen");

    ASSERT_OK(eddy_yield());
    ASSERT_CODE(-EIO, eddy_future_result(task, NULL));
    ASSERT_STR_EQ(eddy_last_error()->message, "seen");
    eddy_unref(task);
}

TASK_TEST(a_cancelled_task_and_a_value_are_not_reported) {
    eddy_task *task = SLEEPER(.seconds = 1);

    eddy_cancel(task);
    eddy_unref(task);
    ASSERT_OK(eddy_detach(RETURNER(3)));
    ASSERT_OK(eddy_yield());
}

TASK_TEST(detaching_a_task_that_has_failed_reports_it_at_once) {
    eddy_task *task = eddy_create_task(raiser, "too late");

    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_detach(task));
    ASSERT_STR_CONTAINS(reports(), "too late");
}

TEST(without_a_handler_a_failure_is_reported_to_the_log_with_its_place) {
    const eddy_loop_options options = {.clock = EDDY_CLOCK_VIRTUAL};
    eddy_loop *loop;

    gather_reports();
    ASSERT_OK(eddy_loop_new(&options, &loop));
    eddy_detach(eddy_create_task_with(&(eddy_task_options){.name = "lost", .loop = loop}, raiser,
                                      "no such page"));
    ASSERT_OK(eddy_loop_run_once(loop, 0));

    const char *text = reports();
    ASSERT_STR_CONTAINS(text, "task \"lost\"");
    ASSERT_STR_CONTAINS(text, "no such page");
    ASSERT_STR_CONTAINS(text, "virtual.c:");
    ASSERT_STR_CONTAINS(text, "raiser");
    virtual_close(loop);
}

/* --- on another thread's loop ----------------------------------------------------------------- */

static void *create_elsewhere(void *loop) {
    struct counted counted = {0};
    const eddy_task_options options = {.loop = loop, .free_arg = count_free};
    eddy_task *task = eddy_create_task_with(&options, counted_task, &counted);

    ASSERT_NOT_NULL(task);
    ASSERT(eddy_is_done(task));
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_await(task));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "another thread");
    ASSERT_INT_EQ(counted.freed, 1);
    return NULL;
}

TEST(a_task_for_another_threads_loop_is_a_failed_future) {
    eddy_loop *loop = virtual_loop();
    pthread_t thread;

    ASSERT_INT_EQ(pthread_create(&thread, NULL, create_elsewhere, loop), 0);
    ASSERT_INT_EQ(pthread_join(thread, NULL), 0);
    ASSERT_STR_EQ(noted(), "free");
    virtual_close(loop);
}

/* --- what the header promises the compiler ---------------------------------------------------- */

TEST(the_sizes_of_what_lies_on_the_users_stack_are_fixed) {
    ASSERT_UINT_EQ(sizeof(eddy_timeout), 128);
    ASSERT_UINT_EQ(sizeof(eddy_shield_scope), 64);
    ASSERT_UINT_EQ(sizeof(eddy_handle), 8);
}
