/* SPDX-License-Identifier: MIT
 * test_stack.c - the calls on one task's stack. */
#include "picture.h"

NOINLINE static const char *stack_of(const eddy_task *task) {
    static char text[20000];
    FILE *stream = fmemopen(text, sizeof(text), "w");

    ASSERT_NOT_NULL(stream);
    text[0] = '\0';
    ASSERT_OK(eddy_print_stack(task, stream));
    NOT_LAST;
    fclose(stream);
    return text;
}

NOINLINE static int sleeps_deeply(int depth) {
    int r = depth > 0 ? sleeps_deeply(depth - 1) : eddy_sleep(5);
    NOT_LAST;
    return r;
}

static int sleeps(void *unused) {
    int r = sleeps_deeply(3);
    (void)unused;
    NOT_LAST;
    return r;
}

/* The words, in this order. */
static void assert_in_order(const char *text, const char *const words[], int count) {
    for (int i = 0; i < count; i++) {
        ASSERT_STR_CONTAINS(text, words[i]);
        text = strstr(text, words[i]) + strlen(words[i]);
    }
}

#if SWITCH_VISITS

TASK_TEST(the_stack_of_a_parked_task_is_printed_the_most_recent_call_last) {
    eddy_task *task = eddy_create_task(sleeps, NULL);

    ASSERT_OK(eddy_sleep(1));
    assert_in_order(stack_of(task),
                    (const char *[]){"Stack of task \"sleeps\", created at ",
                                     ", waiting for a sleep, 4.000 s left (most recent call last):",
                                     "  in sleeps, ", "  in sleeps_deeply, ",
                                     "  in sleeps_deeply, ", "  in sleeps_deeply, ",
                                     "  in sleeps_deeply, "},
                    7);
    ASSERT(!strstr(stack_of(task), "stack_of"));
    ASSERT_OK(eddy_await(task));
}

/* A stack with so little left cannot be visited. */
NOINLINE static int uses_its_stack(void *unused) {
    char *room = __builtin_alloca((32 << 10) - 4096 - 6000);
    int r;

    (void)unused;
    __asm__ volatile("" : : "r"(room) : "memory");
    r = eddy_sleep(5);
    NOT_LAST;
    return r;
}

TASK_TEST(a_stack_that_is_nearly_full_is_left_alone) {
    const eddy_task_options options = {.stack_bytes = 32 << 10};
    eddy_task *task;

    if (UNDER_SANITIZER)
        return; /* their frames are larger */
    task = eddy_create_task_with(&options, uses_its_stack, NULL);
    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_CONTAINS(stack_of(task), "waiting for a sleep, 4.000 s left\n");
    ASSERT(!strstr(stack_of(task), "uses_its_stack,"));
    ASSERT_OK(eddy_await(task));
}

#endif

NOINLINE static const char *own_stack(void) {
    const char *text = stack_of(NULL);
    NOT_LAST;
    return text;
}

TASK_TEST(the_stack_of_the_running_task_ends_with_the_call_that_asks) {
    assert_in_order(own_stack(),
                    (const char *[]){"Stack of task \"main\", created at ",
                                     ", running (most recent", "  in run_body, ",
                                     "  in own_stack, ", "  in stack_of, "},
                    5);
}

static int awaits(void *task) {
    return eddy_await(task);
}

TASK_TEST(a_task_that_awaits_shows_its_place_whatever_the_stack) {
    eddy_task *task = eddy_create_task(awaits, eddy_create_task(sleeps, NULL));

    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_CONTAINS(stack_of(task), "test_stack.c:");
    ASSERT_STR_CONTAINS(stack_of(task), ", in awaits)\n");
    ASSERT_OK(eddy_await(task));
}

TASK_TEST(a_task_that_has_not_run_has_no_stack) {
    eddy_task *task = eddy_create_task(sleeps, NULL);

    ASSERT_STR_CONTAINS(stack_of(task), ", new\n");
    ASSERT_OK(eddy_await(task));
}

TEST(outside_any_task_there_is_none_to_print) {
    ASSERT_CODE(-EINVAL, eddy_print_stack(NULL, stderr));
}
