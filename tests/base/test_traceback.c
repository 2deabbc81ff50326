/* SPDX-License-Identifier: MIT
 * test_traceback.c - a record prints as a Python programmer expects it; whole texts. */
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "test.h"
#include "util.h"

static void error_unrefp(const eddy_error **error) {
    eddy_error_unref(*error);
}

#define ERROR CLEANUP(error_unrefp) const eddy_error *

/* What eddy_error_print() writes. */
static const char *printed(const eddy_error *error) {
    static char text[20000];
    FILE *stream = fmemopen(text, sizeof(text), "w");

    ASSERT_NOT_NULL(stream);
    text[0] = '\0';
    eddy_error_print(error, stream);
    fclose(stream);
    return text;
}

/* A record with a place, which is the caller's. */
static const eddy_error *raised(int code, int line, const char *function, const char *sentence) {
    const eddy_error *error;

    eddy_raise_at(code, "net.c", line, function, "%s", sentence);
    error = eddy_error_ref(eddy_last_error());
    eddy__error_set(eddy__error_slot(), NULL);
    return error;
}

/* Takes the record; as it is after an await. */
static const eddy_error *awaited(const eddy_error *error, const eddy_place *place) {
    const eddy_error *again;

    eddy__error_set(eddy__error_slot(), error);
    eddy__error_awaited(place);
    again = eddy_error_ref(eddy_last_error());
    eddy__error_set(eddy__error_slot(), NULL);
    return again;
}

/* Takes the records. */
static const eddy_error *grouped(const eddy_error *errors[], int count) {
    const eddy_error *group = eddy__error_group(errors, count);

    for (int i = 0; i < count; i++)
        eddy_error_unref(errors[i]);
    return group;
}

static const eddy_place in_main = {"main.c:40\0eddy_main(async_main, NULL)", "main"};
static const eddy_place in_async_main = {"main.c:31\0eddy_await(eddy_create_task(load, name))",
                                         "async_main"};
static const eddy_place at_end = {"main.c:12\0eddy_task_group_wait(group)", "crawl"};

/* --- a chain ---------------------------------------------------------------------------------- */

TEST(an_error_prints_with_its_tasks_the_places_of_its_awaits_and_of_its_raise) {
    ERROR error = raised(-ECONNREFUSED, 7, "dial", "nobody listens on port 80");
    error = eddy__error_leave_task(error, "load", "main.c:31");
    error = awaited(error, &in_async_main);
    error = eddy__error_leave_task(error, "main", "main.c:40");
    error = awaited(error, &in_main);

    ASSERT_STR_EQ(printed(error), "Traceback (most recent call last):\n"
                                  "  File \"main.c\", line 40, in main\n"
                                  "    eddy_main(async_main, NULL)\n"
                                  "  Task \"main\", created at main.c:40\n"
                                  "  File \"main.c\", line 31, in async_main\n"
                                  "    eddy_await(eddy_create_task(load, name))\n"
                                  "  Task \"load\", created at main.c:31\n"
                                  "  File \"net.c\", line 7, in dial\n"
                                  "ECONNREFUSED: nobody listens on port 80\n");
}

TEST(an_error_that_left_no_task_prints_its_place) {
    ERROR error = raised(EDDY_ELIMIT, 9, "read_all", "more than 3 bytes");

    ASSERT_STR_EQ(printed(error), "Traceback (most recent call last):\n"
                                  "  File \"net.c\", line 9, in read_all\n"
                                  "EDDY_ELIMIT: more than 3 bytes\n");
}

TEST(an_error_without_a_place_prints_its_tasks) {
    ERROR error = eddy__error_leave_task(eddy__error_static(-EPIPE), "writer", "main.c:12");

    ASSERT_STR_EQ(printed(error), "Traceback (most recent call last):\n"
                                  "  Task \"writer\", created at main.c:12\n"
                                  "EPIPE: Broken pipe\n");
}

TEST(an_error_that_was_awaited_twice_in_a_task_prints_both_places) {
    ERROR error = awaited(awaited(raised(-EIO, 7, "dial", "failed"), &in_async_main), &at_end);

    ASSERT_STR_EQ(printed(error), "Traceback (most recent call last):\n"
                                  "  File \"main.c\", line 12, in crawl\n"
                                  "    eddy_task_group_wait(group)\n"
                                  "  File \"main.c\", line 31, in async_main\n"
                                  "    eddy_await(eddy_create_task(load, name))\n"
                                  "  File \"net.c\", line 7, in dial\n"
                                  "EIO: failed\n");
}

TEST(a_plain_code_prints_as_one_line) {
    ASSERT_STR_EQ(printed(eddy__error_static(-EINVAL)), "EINVAL: Invalid argument\n");
}

TEST(no_error_prints_nothing) {
    ASSERT_STR_EQ(printed(NULL), "");
}

TEST(a_percent_sign_in_a_sentence_prints_as_it_is) {
    ERROR error = eddy__error_format(-EIO, "%s", "100 %s %n");
    ASSERT_STR_EQ(printed(error), "EIO: 100 %s %n\n");
}

TEST(a_long_call_is_cut) {
    char origin[400] = "main.c:5", call[300];
    eddy_place place = {origin, "f"};
    memset(origin + strlen(origin) + 1, 'x', 300);
    ERROR error = awaited(raised(-EIO, 7, "dial", "failed"), &place);
    memset(call, 'x', 200);
    memcpy(call + 200, "...\n", 5);

    ASSERT_STR_CONTAINS(printed(error), call);
    ASSERT(!strstr(printed(error), "xxx\n"));
}

TEST(of_a_hundred_thousand_tasks_the_outermost_and_the_innermost_print) {
    ERROR error = raised(-EIO, 7, "dial", "deep");
    char expected[4000] = "Traceback (most recent call last):\n";
    for (int i = 0; i < 100000; i++) {
        char name[20];
        snprintf(name, sizeof(name), "t%d", i);
        error = eddy__error_leave_task(error, name, "main.c:1");
    }
    for (int i = 99999; i > 99983; i--)
        sprintf(expected + strlen(expected), "  Task \"t%d\", created at main.c:1\n", i);
    strcat(expected, "  [99968 more hops]\n");
    for (int i = 15; i >= 0; i--)
        sprintf(expected + strlen(expected), "  Task \"t%d\", created at main.c:1\n", i);
    strcat(expected, "  File \"net.c\", line 7, in dial\nEIO: deep\n");

    ASSERT_STR_EQ(printed(error), expected);
}

/* --- groups ----------------------------------------------------------------------------------- */

TEST(the_errors_of_a_task_group_print_as_branches) {
    ERROR error = grouped(
        (const eddy_error *[]){
            eddy__error_leave_task(raised(-EIO, 7, "dial", "no\ndial tone"), "a", "main.c:9"),
            eddy__error_leave_task(eddy__error_static(-EPERM), "b", "main.c:10"),
            eddy__error_static(-EPIPE)},
        3);
    error = eddy__error_leave_task(awaited(error, &at_end), "main", "main.c:40");

    ASSERT_STR_EQ(printed(error), "  + Group traceback (most recent call last):\n"
                                  "  |   Task \"main\", created at main.c:40\n"
                                  "  |   File \"main.c\", line 12, in crawl\n"
                                  "  |     eddy_task_group_wait(group)\n"
                                  "  | EIO: no\n"
                                  "  | dial tone (and 2 more in its task group)\n"
                                  "  +-+---------------- 1 ----------------\n"
                                  "    | Traceback (most recent call last):\n"
                                  "    |   Task \"a\", created at main.c:9\n"
                                  "    |   File \"net.c\", line 7, in dial\n"
                                  "    | EIO: no\n"
                                  "    | dial tone\n"
                                  "    +---------------- 2 ----------------\n"
                                  "    | Traceback (most recent call last):\n"
                                  "    |   Task \"b\", created at main.c:10\n"
                                  "    | EPERM: Operation not permitted\n"
                                  "    +---------------- 3 ----------------\n"
                                  "    | EPIPE: Broken pipe\n"
                                  "    +------------------------------------\n");
}

/* A task whose group of two has failed. */
static const eddy_error *inner_group(const char *task) {
    const eddy_error *error =
        grouped((const eddy_error *[]){eddy__error_static(-EIO), eddy__error_static(-EPIPE)}, 2);

    return eddy__error_leave_task(awaited(error, &at_end), task, "main.c:9");
}

TEST(a_group_in_a_group_is_a_branch_with_branches) {
    ERROR error = grouped((const eddy_error *[]){inner_group("a"), inner_group("b")}, 2);

    ASSERT_STR_EQ(printed(error), "  + Group traceback (most recent call last):\n"
                                  "  | EIO: Input/output error (and 1 more in its task group)\n"
                                  "  +-+---------------- 1 ----------------\n"
                                  "    | Group traceback (most recent call last):\n"
                                  "    |   Task \"a\", created at main.c:9\n"
                                  "    |   File \"main.c\", line 12, in crawl\n"
                                  "    |     eddy_task_group_wait(group)\n"
                                  "    | EIO: Input/output error (and 1 more in its task group)\n"
                                  "    +-+---------------- 1 ----------------\n"
                                  "      | EIO: Input/output error\n"
                                  "      +---------------- 2 ----------------\n"
                                  "      | EPIPE: Broken pipe\n"
                                  "      +------------------------------------\n"
                                  "    +---------------- 2 ----------------\n"
                                  "    | Group traceback (most recent call last):\n"
                                  "    |   Task \"b\", created at main.c:9\n"
                                  "    |   File \"main.c\", line 12, in crawl\n"
                                  "    |     eddy_task_group_wait(group)\n"
                                  "    | EIO: Input/output error (and 1 more in its task group)\n"
                                  "    +-+---------------- 1 ----------------\n"
                                  "      | EIO: Input/output error\n"
                                  "      +---------------- 2 ----------------\n"
                                  "      | EPIPE: Broken pipe\n"
                                  "      +------------------------------------\n");
}

TEST(of_a_thousand_branches_fifteen_print) {
    const eddy_error *errors[1000];
    for (int i = 0; i < 1000; i++)
        errors[i] = eddy__error_static(-EIO);
    ERROR error = grouped(errors, 1000);
    const char *text = printed(error);

    ASSERT_STR_CONTAINS(text, "+---------------- 15 ----------------\n");
    ASSERT(!strstr(text, "+---------------- 16 ----------------\n"));
    ASSERT_STR_EQ(strstr(text, "    +---------------- ["),
                  "    +---------------- [985 more failures]\n");
}

TEST(groups_that_are_nested_very_deeply_print_to_a_depth_of_ten) {
    ERROR error = eddy__error_static(-EIO);
    for (int i = 0; i < 1000; i++)
        error = grouped((const eddy_error *[]){error, eddy__error_static(-EPIPE)}, 2);

    ASSERT_STR_CONTAINS(printed(error),
                        "\n                      | [groups inside are not shown]\n");
    ASSERT(!strstr(printed(error), "                        | "));
}

/* --- the log ---------------------------------------------------------------------------------- */

static void hear(eddy_log_level level, const char *text, void *arg) {
    (void)level;
    strcat(strcat(arg, text), "/");
}

TEST(the_log_gets_a_report_for_each_line) {
    char heard[1000] = "";
    eddy_set_log(hear, heard);
    ERROR error = awaited(raised(-EIO, 7, "dial", "failed"), &in_async_main);
    eddy__error_log(error);

    ASSERT_STR_EQ(heard, "Traceback (most recent call last):/"
                         "  File \"main.c\", line 31, in async_main/"
                         "    eddy_await(eddy_create_task(load, name))/"
                         "  File \"net.c\", line 7, in dial/"
                         "EIO: failed/");
}

TEST(only_what_came_through_several_tasks_or_with_others_is_long) {
    ERROR error = eddy__error_leave_task(raised(-EIO, 7, "dial", "failed"), "a", "main.c:1");
    ASSERT(!eddy__error_is_long(error));
    error = eddy__error_leave_task(error, "b", "main.c:2");
    ASSERT(eddy__error_is_long(error));
    ERROR group =
        grouped((const eddy_error *[]){eddy__error_static(-EIO), eddy__error_static(-EPIPE)}, 2);
    ASSERT(eddy__error_is_long(group));
}
