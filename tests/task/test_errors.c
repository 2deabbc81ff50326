/* SPDX-License-Identifier: MIT
 * test_errors.c - beside the code there is a sentence: whose it is, and how it travels. */
#include <pthread.h>
#include <stdio.h>

#include "virtual.h"

/* --- raising ---------------------------------------------------------------------------------- */

TASK_TEST(raise_returns_the_code_and_records_a_sentence_with_its_place) {
    int line = __LINE__ + 1;
    ASSERT_CODE(-EINVAL, eddy_raise(-EINVAL, "port %d is too large", 70000));

    const eddy_error *error = eddy_last_error();
    ASSERT_CODE(-EINVAL, error->code);
    ASSERT_STR_EQ(error->message, "port 70000 is too large");
    ASSERT_STR_CONTAINS(error->file, "test_errors.c");
    ASSERT_INT_EQ(error->line, line);
    ASSERT_STR_CONTAINS(error->function, "raise_returns_the_code");
    ASSERT_NULL(error->task);
    ASSERT_NULL(error->cause);
}

TASK_TEST(raise_takes_eddys_own_codes) {
    ASSERT_CODE(EDDY_ELIMIT, eddy_raise(EDDY_ELIMIT, "too much"));
    ASSERT_CODE(EDDY_ELIMIT, eddy_last_error()->code);
}

static int raise_no_failure(void) {
    return eddy_raise(0, "all is well");
}

TEST(raise_aborts_on_a_code_that_is_no_failure) {
    ASSERT_STR_CONTAINS(aborts(raise_no_failure).text, "test_errors.c:");
}

TASK_TEST(a_sentence_may_be_long) {
    char text[5001];

    memset(text, 'x', 5000);
    text[5000] = '\0';
    eddy_raise(-EIO, "%s", text);
    ASSERT_STR_EQ(eddy_last_error()->message, text);
}

/* --- the last error --------------------------------------------------------------------------- */

TASK_TEST(nothing_has_failed_in_a_new_task) {
    ASSERT_NULL(eddy_last_error());
    ASSERT_OK(eddy_yield());
    ASSERT_NULL(eddy_last_error());
}

TEST(nothing_has_failed_in_a_new_thread) {
    ASSERT_NULL(eddy_last_error());
}

static int raises_and_rests(void *sentence) {
    eddy_raise(-EIO, "%s", (const char *)sentence);
    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(eddy_last_error()->message, (const char *)sentence);
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(eddy_last_error()->message, (const char *)sentence);
    return 0;
}

TASK_TEST(each_task_has_a_last_error_of_its_own) {
    ASSERT_OK(eddy_gather(eddy_create_task(raises_and_rests, "one"),
                          eddy_create_task(raises_and_rests, "two")));
    ASSERT_NULL(eddy_last_error());
}

static void fail_in_callback(void *unused) {
    (void)unused;
    eddy_raise(-EPIPE, "the callback's");
    ASSERT_STR_EQ(eddy_last_error()->message, "the callback's");
}

TASK_TEST(a_callbacks_failure_is_not_the_tasks) {
    eddy_raise(-EIO, "the task's");
    eddy_call_soon(NULL, fail_in_callback, NULL);
    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(eddy_last_error()->message, "the task's");
}

TASK_TEST(a_call_that_succeeds_leaves_the_last_error) {
    eddy_raise(-EIO, "before");
    ASSERT_INT_EQ(eddy_await(RETURNER(1)), 1);
    ASSERT_STR_EQ(eddy_last_error()->message, "before");
}

TASK_TEST(a_reference_keeps_a_record_beyond_the_next_failure) {
    eddy_raise(-EIO, "first");
    const eddy_error *kept = eddy_error_ref(eddy_last_error());
    eddy_raise(-EIO, "second");
    ASSERT_STR_EQ(kept->message, "first");
    ASSERT_STR_EQ(eddy_last_error()->message, "second");
    ASSERT_NULL(eddy_error_unref(kept));
    ASSERT_NULL(eddy_error_unref(NULL));
    ASSERT_NULL(eddy_error_ref(NULL));
}

TASK_TEST(a_plain_code_has_the_general_text_and_no_place) {
    ASSERT_CODE(-ENOENT, eddy_await(RETURNER(-ENOENT)));
    ASSERT_CODE(-ENOENT, eddy_last_error()->code);
    ASSERT_STR_EQ(eddy_last_error()->message, "No such file or directory");
    ASSERT_NULL(eddy_last_error()->file);
    ASSERT_INT_EQ(eddy_last_error()->line, 0);
}

/* --- through tasks ---------------------------------------------------------------------------- */

TASK_TEST(a_plain_code_of_a_child_never_shows_an_older_sentence_of_its_awaiter) {
    eddy_raise(-EINVAL, "mine, and older");
    ASSERT_CODE(-EINVAL, eddy_await(RETURNER(-EINVAL)));
    ASSERT_STR_EQ(eddy_last_error()->message, "Invalid argument");
}

static int fails_otherwise(void *unused) {
    (void)unused;
    eddy_raise(-EINVAL, "handled, and older");
    return -EPIPE;
}

TASK_TEST(a_plain_code_of_a_task_never_shows_its_older_sentence_of_another_code) {
    ASSERT_CODE(-EPIPE, eddy_await(eddy_create_task(fails_otherwise, NULL)));
    ASSERT_STR_EQ(eddy_last_error()->message, "Broken pipe");
}

static int opens(void *name) {
    return eddy_raise(-ENOENT, "cannot open %s", (const char *)name);
}

static int loads(void *name) {
    return eddy_await(eddy_create_task(opens, name));
}

TASK_TEST(a_sentence_travels_through_two_tasks_with_their_names_and_places) {
    ASSERT_CODE(-ENOENT, eddy_await(eddy_create_task(loads, "a.txt")));

    const eddy_error *error = eddy_last_error();
    ASSERT_STR_EQ(error->message, "cannot open a.txt");
    ASSERT_STR_EQ(error->task, "loads");
    ASSERT_STR_CONTAINS(error->place, "test_errors.c:");
    ASSERT_NOT_NULL(error->cause);
    ASSERT_STR_EQ(error->cause->task, "opens");
    ASSERT_STR_CONTAINS(error->cause->place, "test_errors.c:");
    ASSERT_NOT_NULL(error->cause->cause);
    ASSERT_NULL(error->cause->cause->task);
    ASSERT_STR_EQ(error->cause->cause->function, "opens");
    ASSERT_NULL(error->cause->cause->cause);
}

TASK_TEST(every_record_of_a_chain_has_the_code_the_sentence_and_the_place_of_the_raise) {
    ASSERT_CODE(-ENOENT, eddy_await(eddy_create_task(loads, "a.txt")));
    for (const eddy_error *error = eddy_last_error(); error; error = error->cause) {
        ASSERT_CODE(-ENOENT, error->code);
        ASSERT_STR_EQ(error->message, "cannot open a.txt");
        ASSERT_STR_EQ(error->function, "opens");
        ASSERT_STR_CONTAINS(error->file, "test_errors.c");
        ASSERT(error->line > 0);
    }
}

static int adds_context(void *name) {
    int r = eddy_await(eddy_create_task(opens, name));

    return eddy_raise(r, "no configuration: %s", eddy_last_error()->message);
}

TASK_TEST(a_task_may_raise_a_sentence_around_that_of_its_child) {
    ASSERT_CODE(-ENOENT, eddy_await(eddy_create_task(adds_context, "a.txt")));
    ASSERT_STR_EQ(eddy_last_error()->message, "no configuration: cannot open a.txt");
}

TASK_TEST(all_awaiters_of_a_task_read_its_sentence) {
    eddy_task *task = eddy_create_task(opens, "b.txt");

    for (int i = 0; i < 3; i++) {
        eddy_raise(-EIO, "something else");
        ASSERT_CODE(-ENOENT, eddy_await(eddy_ref(task)));
        ASSERT_STR_EQ(eddy_last_error()->message, "cannot open b.txt");
    }
    eddy_unref(task);
}

TASK_TEST(a_long_name_of_a_task_does_not_break_the_trace) {
    char name[301];
    const eddy_task_options options = {.name = name};

    memset(name, 'n', 300);
    name[300] = '\0';
    ASSERT_CODE(-ENOENT, eddy_await(eddy_create_task_with(&options, opens, "c.txt")));
    ASSERT_STR_CONTAINS(eddy_last_error()->task, "nnnnnnnn");
}

TASK_TEST(the_error_of_a_plain_future_arrives_with_its_sentence) {
    eddy_future *future = eddy_future_new(NULL);

    ASSERT_OK(eddy_future_set_error(future, EDDY_EPROTOCOL, "bad frame %d", 3));
    ASSERT_CODE(EDDY_EPROTOCOL, eddy_await(future));
    ASSERT_STR_EQ(eddy_last_error()->message, "bad frame 3");
}

/* --- printing --------------------------------------------------------------------------------- */

static const char *printed(const eddy_error *error) {
    static char text[4096];
    FILE *stream = fmemopen(text, sizeof(text), "w");

    ASSERT_NOT_NULL(stream);
    eddy_error_print(error, stream);
    fclose(stream);
    return text;
}

/* `format` with the numbers of lines of this file. */
#define EXPECT(text, ...)                                  \
    do {                                                   \
        char expected[4000];                               \
        snprintf(expected, sizeof(expected), __VA_ARGS__); \
        ASSERT_STR_EQ(text, expected);                     \
    } while (0)

static int line_of_await;

static int awaits_twice_removed(void *name) {
    line_of_await = __LINE__ + 1;
    return eddy_await(eddy_create_task(opens, name));
}

TASK_TEST(an_error_is_printed_as_a_traceback_outermost_first_and_the_sentence_last) {
    int line = __LINE__ + 1;
    ASSERT_CODE(-ENOENT, eddy_await(eddy_create_task(awaits_twice_removed, "a.txt")));

    EXPECT(printed(eddy_last_error()),
           "Traceback (most recent call last):\n"
           "  File \"%s\", line %d, in %s\n"
           "    eddy_await(eddy_create_task(awaits_twice_removed, \"a.txt\"))\n"
           "  Task \"awaits_twice_removed\", created at %s:%d\n"
           "  File \"%s\", line %d, in awaits_twice_removed\n"
           "    eddy_await(eddy_create_task(opens, name))\n"
           "  Task \"opens\", created at %s:%d\n"
           "  File \"%s\", line %d, in opens\n"
           "ENOENT: cannot open a.txt\n",
           __FILE__, line, __func__, __FILE__, line, __FILE__, line_of_await, __FILE__,
           line_of_await, __FILE__, eddy_last_error()->line);
}

TASK_TEST(a_plain_error_is_printed_with_the_task_and_its_awaiter) {
    int line = __LINE__ + 1;
    eddy_await(RETURNER(-ENOENT));

    EXPECT(printed(eddy_last_error()),
           "Traceback (most recent call last):\n"
           "  File \"%s\", line %d, in %s\n"
           "    eddy_await(RETURNER(-ENOENT))\n"
           "  Task \"returner\", created at %s:%d\n"
           "ENOENT: No such file or directory\n",
           __FILE__, line, __func__, __FILE__, line);
}

TASK_TEST(each_way_to_await_shows_its_call) {
    eddy_future *futures[1];
    void *value;

    eddy_await_value(RETURNER(-EIO), &value);
    ASSERT_STR_CONTAINS(printed(eddy_last_error()),
                        "    eddy_await_value(RETURNER(-EIO), &value)\n");
    eddy_gather(RETURNER(0), RETURNER(-EIO));
    ASSERT_STR_CONTAINS(printed(eddy_last_error()),
                        "    eddy_gather(RETURNER(0), RETURNER(-EIO))\n");
    futures[0] = RETURNER(-EIO);
    eddy_gather_array(futures, 1, NULL);
    ASSERT_STR_CONTAINS(printed(eddy_last_error()), "    eddy_gather_array(futures, 1, NULL)\n");
    eddy_wait_for(RETURNER(-EIO), 5);
    ASSERT_STR_CONTAINS(printed(eddy_last_error()), "    eddy_wait_for(RETURNER(-EIO), 5)\n");
}

static int fails_after_a_while(void *sentence) {
    ASSERT_OK(eddy_sleep(1));
    return eddy_raise(-EIO, "%s", (const char *)sentence);
}

TASK_TEST(what_failed_in_a_group_is_printed_as_branches_below_its_end) {
    eddy_task_group *group = eddy_task_group_new();
    int line = __LINE__ + 1;
    eddy_task_group_create_task(group, fails_after_a_while, "one");
    eddy_task_group_create_task(group, fails_after_a_while, "two");
    ASSERT_CODE(-EIO, eddy_task_group_wait(group));

    EXPECT(printed(eddy_last_error()),
           "  + Group traceback (most recent call last):\n"
           "  |   File \"%s\", line %d, in %s\n"
           "  |     eddy_task_group_wait(group)\n"
           "  | EIO: one (and 1 more in its task group)\n"
           "  +-+---------------- 1 ----------------\n"
           "    | Traceback (most recent call last):\n"
           "    |   Task \"fails_after_a_while\", created at %s:%d\n"
           "    |   File \"%s\", line %d, in fails_after_a_while\n"
           "    | EIO: one\n"
           "    +---------------- 2 ----------------\n"
           "    | Traceback (most recent call last):\n"
           "    |   Task \"fails_after_a_while\", created at %s:%d\n"
           "    |   File \"%s\", line %d, in fails_after_a_while\n"
           "    | EIO: two\n"
           "    +------------------------------------\n",
           __FILE__, line + 2, __func__, __FILE__, line, __FILE__, eddy_last_error()->line,
           __FILE__, line + 1, __FILE__, eddy_last_error()->line);
}

TASK_TEST(a_time_out_says_which_call_it_was) {
    int line = __LINE__ + 1;
    ASSERT_CODE(-ETIMEDOUT, eddy_wait_for(eddy_after(60), 1));

    EXPECT(printed(eddy_last_error()),
           "Traceback (most recent call last):\n"
           "  File \"%s\", line %d, in %s\n"
           "    eddy_wait_for(eddy_after(60), 1)\n"
           "ETIMEDOUT: The time-out of %s:%d has expired\n",
           __FILE__, line, __func__, __FILE__, line);
}

TASK_TEST(each_awaiter_of_a_task_shows_its_own_place) {
    eddy_task *task = eddy_create_task(opens, "b.txt");
    const eddy_error *first;

    eddy_await(eddy_ref(task));
    first = eddy_error_ref(eddy_last_error());
    eddy_gather(eddy_ref(task));
    ASSERT_STR_CONTAINS(printed(first), "    eddy_await(eddy_ref(task))\n");
    ASSERT(!strstr(printed(first), "eddy_gather"));
    ASSERT_STR_CONTAINS(printed(eddy_last_error()), "    eddy_gather(eddy_ref(task))\n");
    ASSERT(!strstr(printed(eddy_last_error()), "eddy_await"));
    eddy_error_unref(first);
    eddy_unref(task);
}

TASK_TEST(who_calls_the_functions_behind_the_macros_shows_no_place) {
    ASSERT_CODE(-EIO, (eddy_await)(RETURNER(-EIO)));
    ASSERT_NULL(eddy_last_error()->awaited);
    ASSERT_CODE(-ETIMEDOUT, (eddy_wait_for)(eddy_after(60), 1));
    ASSERT_STR_EQ(eddy_last_error()->message, "The time-out of eddy_wait_for has expired");
}

static int loads_unawaited(void *name) {
    eddy_detach(eddy_create_task(loads, name));
    return 0;
}

TEST(a_failure_that_came_through_tasks_and_that_nobody_awaited_is_reported_with_its_traceback) {
    eddy_loop *loop;

    gather_reports();
    ASSERT_OK(eddy_loop_new(&(eddy_loop_options){.clock = EDDY_CLOCK_VIRTUAL}, &loop));
    ASSERT_OK(virtual_run(loop, loads_unawaited, "c.txt"));
    for (int i = 0; i < 5; i++)
        ASSERT_OK(eddy_loop_run_once(loop, 0));
    const char *text = reports();
    ASSERT_STR_CONTAINS(text, "failed and was never awaited\nTraceback (most recent call last):\n"
                              "  Task \"loads\", created at ");
    ASSERT_STR_CONTAINS(text, "    eddy_await(eddy_create_task(opens, name))\n  Task \"opens\"");
    ASSERT_STR_CONTAINS(text, ", in opens\nENOENT: cannot open c.txt\n");
    ASSERT_NULL(eddy_loop_close(loop));
}

TEST(printing_no_error_prints_nothing) {
    char text[8] = "";
    FILE *stream = fmemopen(text, sizeof(text), "w");

    ASSERT_NOT_NULL(stream);
    eddy_error_print(NULL, stream);
    fclose(stream);
    ASSERT_STR_EQ(text, "");
}

/* --- names and texts -------------------------------------------------------------------------- */

TEST(every_code_has_a_name_and_a_text) {
    ASSERT_STR_EQ(eddy_error_name(-ECONNREFUSED), "ECONNREFUSED");
    ASSERT_STR_EQ(eddy_error_text(-ECONNREFUSED), "Connection refused");
    for (int code = EDDY_EREDIRECTS; code <= EDDY_EINVALID_STATE; code++) {
        ASSERT_STR_CONTAINS(eddy_error_name(code), "EDDY_E");
        ASSERT(strlen(eddy_error_text(code)) > 5);
        ASSERT(code < -4095);
    }
}

TEST(an_unknown_code_has_a_name_too) {
    const int codes[] = {0, 7, -4000, -999999, INT32_MIN, INT32_MAX};

    for (int i = 0; i < 6; i++) {
        ASSERT_STR_EQ(eddy_error_name(codes[i]), "E?");
        ASSERT_STR_EQ(eddy_error_text(codes[i]), "Unknown error");
    }
}

static int returns_unknown(void *unused) {
    (void)unused;
    return -99999;
}

TASK_TEST(a_code_that_nobody_knows_is_passed_on_as_it_is) {
    ASSERT_INT_EQ(eddy_await(eddy_create_task(returns_unknown, NULL)), -99999);
    ASSERT_INT_EQ(eddy_last_error()->code, -99999);
    ASSERT_INT_EQ(eddy_gather(RETURNER(1), RETURNER(-99999)), -99999);
}

/* --- across threads --------------------------------------------------------------------------- */

static void *reads_and_unrefs(void *arg) {
    const eddy_error *error = arg;

    ASSERT_STR_EQ(error->message, "carried over");
    eddy_error_unref(eddy_error_ref(error));
    eddy_error_unref(error);
    return NULL;
}

TASK_TEST(a_record_may_be_read_and_released_by_another_thread) {
    pthread_t threads[4];

    eddy_raise(-EIO, "carried over");
    for (int i = 0; i < 4; i++)
        ASSERT_INT_EQ(pthread_create(&threads[i], NULL, reads_and_unrefs,
                                     (void *)eddy_error_ref(eddy_last_error())),
                      0);
    ASSERT_STR_EQ(eddy_last_error()->message, "carried over");
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void *raises_alone(void *unused) {
    ASSERT_NULL(eddy_last_error());
    eddy_raise(-EIO, "freed with the thread");
    return unused;
}

TEST(each_thread_has_a_last_error_of_its_own) {
    pthread_t thread;

    eddy_raise(-EIO, "the main thread's");
    ASSERT_INT_EQ(pthread_create(&thread, NULL, raises_alone, NULL), 0);
    pthread_join(thread, NULL);
    ASSERT_STR_EQ(eddy_last_error()->message, "the main thread's");
}
