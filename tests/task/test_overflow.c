/* SPDX-License-Identifier: MIT
 * test_overflow.c - a stack overflow ends in one line that names the task, and then as a crash
 * ends. The sanitizers have their own stacks and handlers: there these tests do nothing. */
#include <signal.h>
#include <sys/wait.h>

#include "virtual.h"

/* Without end, which the compiler must not see. */
static int recurses(void *arg) {
    volatile char frame[512];

    frame[0] = *(volatile char *)arg;
    return frame[0] == 'x' ? 0 : recurses((void *)frame) + frame[0];
}

static int awaits_recursion(void *options) {
    return eddy_await(eddy_create_task_with((const eddy_task_options *)options, recurses, ""));
}

static bool is_crash(struct ending ending) {
    return WIFSIGNALED(ending.status) &&
           (WTERMSIG(ending.status) == SIGSEGV || WTERMSIG(ending.status) == SIGBUS ||
            WTERMSIG(ending.status) == SIGABRT);
}

static void assert_one_line(struct ending ending, const char *task, const char *size) {
    if (!is_crash(ending))
        TEST_FAIL("it did not crash: status 0x%x, and it said: %s", ending.status, ending.text);
    ASSERT_STR_CONTAINS(ending.text, "eddy: stack overflow in task");
    ASSERT_STR_CONTAINS(ending.text, task);
    ASSERT_STR_CONTAINS(ending.text, "test_overflow.c:");
    ASSERT_STR_CONTAINS(ending.text, size);
    ASSERT_STR_EQ(strchr(ending.text, '\n'), "\n");
}

static int overflow_plain(void) {
    return eddy_run(awaits_recursion, &(eddy_task_options){0});
}

TEST(a_stack_overflow_ends_in_one_line_that_names_the_task) {
    if (!UNDER_SANITIZER)
        assert_one_line(in_child(overflow_plain), "\"recurses\"", "256 KiB");
}

static int overflow_named(void) {
    return eddy_run(awaits_recursion,
                    &(eddy_task_options){.name = "parser", .stack_bytes = 1 << 20});
}

TEST(the_line_of_an_overflow_has_the_given_name_and_size) {
    if (!UNDER_SANITIZER)
        assert_one_line(in_child(overflow_named), "\"parser\"", "1024 KiB");
}

static int overflow_eager(void) {
    return eddy_run(awaits_recursion, &(eddy_task_options){.name = "eager", .eager = true});
}

TEST(an_eager_task_that_overflows_is_named_too) {
    if (!UNDER_SANITIZER)
        assert_one_line(in_child(overflow_eager), "\"eager\"", "256 KiB");
}

static int overflow_on_default_loop(void) {
    return eddy_await(eddy_create_task(recurses, ""));
}

TEST(a_task_run_from_outside_a_run_that_overflows_is_named) {
    if (!UNDER_SANITIZER)
        assert_one_line(in_child(overflow_on_default_loop), "\"recurses\"", "256 KiB");
}

static int overflow_after_many(void) {
    for (int i = 0; i < 100; i++)
        eddy_run(returner, &i);
    return overflow_plain();
}

TEST(a_later_run_watches_for_overflows_too) {
    if (!UNDER_SANITIZER)
        assert_one_line(in_child(overflow_after_many), "\"recurses\"", "256 KiB");
}

/* --- what is no overflow, or not ours --------------------------------------------------------- */

static int writes_to_null(void *unused) {
    static int *volatile nowhere;

    (void)unused;
    *nowhere = 1;
    return 0;
}

static int crash_otherwise(void) {
    return eddy_run(writes_to_null, NULL);
}

TEST(another_crash_in_a_task_is_not_called_an_overflow) {
    if (UNDER_SANITIZER)
        return;
    struct ending ending = in_child(crash_otherwise);
    ASSERT(is_crash(ending));
    ASSERT_STR_EQ(ending.text, "");
}

static int overflow_unwatched(void) {
    const eddy_loop_options options = {.keep_sigsegv = true};
    eddy_loop *loop;

    ASSERT_OK(eddy_loop_new(&options, &loop));
    return virtual_run(loop, recurses, "");
}

TEST(with_keep_sigsegv_an_overflow_is_a_plain_crash) {
    if (UNDER_SANITIZER)
        return;
    struct ending ending = in_child(overflow_unwatched);
    ASSERT(is_crash(ending));
    ASSERT_STR_EQ(ending.text, "");
}

static void own_handler(int signo) {
    (void)signo;
    _Exit(77);
}

static int overflow_with_own_handler(void) {
    static char stack[64 << 10];
    struct sigaction action = {.sa_handler = own_handler, .sa_flags = SA_ONSTACK};

    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof(stack)}, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    return overflow_plain();
}

TEST(a_programs_own_handler_of_sigsegv_stays) {
    if (UNDER_SANITIZER)
        return;
    struct ending ending = in_child(overflow_with_own_handler);
    ASSERT(WIFEXITED(ending.status));
    ASSERT_INT_EQ(WEXITSTATUS(ending.status), 77);
}

static int goes_deep(void *arg) {
    int depth = *(int *)arg - 1;
    volatile char frame[512];

    frame[0] = 1;
    return depth > 0 ? goes_deep(&depth) + frame[0] : 1;
}

TASK_TEST(a_task_may_use_nearly_all_of_its_stack_again_and_again) {
    int depth = UNDER_SANITIZER ? 50 : 300; /* 300 frames of 512 bytes and a little: ~200 KiB */

    for (int i = 0; i < 100; i++)
        ASSERT_INT_EQ(eddy_await(eddy_create_task(goes_deep, &depth)), depth);
}
