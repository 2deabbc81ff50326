/* SPDX-License-Identifier: MIT
 * test_print.c - what is printed is the text that can be had, too. */
#include "picture.h"

static char printed[20000];

static FILE *paper(void) {
    FILE *stream = fmemopen(printed, sizeof(printed), "w");

    ASSERT_NOT_NULL(stream);
    printed[0] = '\0';
    return stream;
}

TASK_TEST(a_call_graph_is_printed_as_it_is_formatted) {
    eddy_task *task = SLEEPER(.seconds = 2);
    FILE *stream = paper();
    char *text;

    ASSERT_OK(eddy_sleep(1));
    ASSERT_OK(eddy_print_call_graph(task, stream));
    fclose(stream);
    ASSERT_OK(eddy_format_call_graph(task, &text));
    ASSERT_STR_CONTAINS(printed, "Is waiting for a sleep, 1.000 s left\n");
    ASSERT_STR_EQ(printed, text);
    eddy_free(text);
    ASSERT_OK(eddy_await(task));
}

TEST(a_tree_of_tasks_is_printed_as_it_is_formatted) {
    eddy_loop *loop = virtual_loop();
    struct actor actor = {.seconds = 1};
    eddy_task *task = eddy_create_task_with(&(eddy_task_options){.loop = loop}, sleeper, &actor);
    FILE *stream = paper();
    char *text;

    ASSERT_OK(eddy_print_task_tree(loop, stream));
    fclose(stream);
    ASSERT_OK(eddy_format_task_tree(loop, &text));
    ASSERT_STR_EQ(printed, "Task \"sleeper\", new\n");
    ASSERT_STR_EQ(printed, text);
    eddy_free(text);
    ASSERT_OK(eddy_await(task));
    virtual_close(loop);
}
