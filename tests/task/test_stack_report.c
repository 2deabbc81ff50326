/* SPDX-License-Identifier: MIT
 * test_stack_report.c - how deep the stacks of tasks were used, by place of creation. */
#include <alloca.h>

#include "virtual.h"

enum { KIB = 1024, SLACK = 24 * KIB /* what a sanitizer adds */ };

/* Uses some bytes of the stack, all of them. */
static int uses_stack(void *bytes) {
    volatile char *memory = alloca(*(size_t *)bytes);

    for (size_t i = 0; i < *(size_t *)bytes; i++)
        memory[i] = 'x';
    return memory[0] == 'x' ? 0 : -EIO;
}

static int yields_after(void *bytes) {
    ASSERT_OK(uses_stack(bytes));
    return eddy_sleep(1);
}

static eddy_loop *measuring_loop(void) {
    eddy_loop *loop;

    ASSERT_OK(eddy_loop_new(
        &(eddy_loop_options){.clock = EDDY_CLOCK_VIRTUAL, .measure_stacks = true}, &loop));
    return loop;
}

/* One task that uses so much. */
static void use(eddy_loop *loop, size_t bytes) {
    ASSERT_OK(eddy_loop_run_until_complete(
        loop, eddy_create_task_with(&(eddy_task_options){.loop = loop}, uses_stack, &bytes)));
}

TEST(the_deepest_use_of_a_place_is_told_whatever_came_after_on_the_same_stack) {
    eddy_loop *loop = measuring_loop();
    eddy_stack_use uses[2];

    use(loop, 1 * KIB);
    use(loop, 100 * KIB);
    use(loop, 10 * KIB);
    ASSERT_INT_EQ(eddy_stack_report(loop, uses, 2), 1);
    ASSERT_UINT_EQ(uses[0].tasks, 3);
    ASSERT_UINT_EQ(uses[0].stack_bytes, 256 * KIB);
    ASSERT(uses[0].usable_bytes > 200 * KIB && uses[0].usable_bytes < 256 * KIB);
    ASSERT(uses[0].deepest_bytes > 100 * KIB && uses[0].deepest_bytes < 100 * KIB + SLACK);
    ASSERT_STR_CONTAINS(uses[0].place, "test_stack_report.c:");
    ASSERT(strncmp(uses[0].function.data, "uses_stack", uses[0].function.size) == 0);
    ASSERT_NULL(eddy_loop_close(loop));
}

static int uses_little_and_much(void *unused) {
    size_t little = 1 * KIB, much = 50 * KIB;

    (void)unused;
    ASSERT_OK(eddy_await(eddy_create_task(uses_stack, &much)));
    ASSERT_OK(
        eddy_gather(eddy_create_task(uses_stack, &little), eddy_create_task(uses_stack, &little)));
    return 0;
}

TEST(a_task_is_not_blamed_for_what_another_has_used_before_it) {
    eddy_loop *loop = measuring_loop();
    eddy_stack_use uses[8];

    ASSERT_OK(virtual_run(loop, uses_little_and_much, NULL));
    ASSERT_INT_EQ(eddy_stack_report(loop, uses, 8), 3);
    ASSERT(uses[0].deepest_bytes > 50 * KIB);
    for (int i = 1; i < 3; i++)
        ASSERT(uses[i].deepest_bytes < 1 * KIB + SLACK);
    ASSERT_NULL(eddy_loop_close(loop));
}

TEST(tasks_that_live_count_with_what_they_have_used_so_far) {
    eddy_loop *loop = measuring_loop();
    size_t bytes = 60 * KIB;
    eddy_task *task =
        eddy_create_task_with(&(eddy_task_options){.loop = loop}, yields_after, &bytes);
    eddy_stack_use use;

    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_INT_EQ(eddy_stack_report(loop, &use, 1), 1);
    ASSERT_UINT_EQ(use.tasks, 0);
    ASSERT(use.deepest_bytes > 60 * KIB);
    ASSERT_OK(eddy_loop_run_until_complete(loop, task));
    ASSERT_INT_EQ(eddy_stack_report(loop, &use, 1), 1);
    ASSERT_UINT_EQ(use.tasks, 1);
    ASSERT_NULL(eddy_loop_close(loop));
}

TASK_TEST(a_loop_that_does_not_measure_says_how_to) {
    ASSERT_CODE(-ENOTSUP, eddy_stack_report(NULL, NULL, 0));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "EDDY_MEASURE_STACKS");
}

static int runs_measured(void) {
    setenv("EDDY_MEASURE_STACKS", "1", 1);
    return eddy_main(uses_little_and_much, NULL);
}

TEST(the_environment_has_every_loop_measure_and_print_at_its_end) {
    struct ending ending = in_child(runs_measured);

    ASSERT_INT_EQ(ending.status, 0);
    ASSERT_STR_CONTAINS(ending.text, "coroutine, created at\n");
    ASSERT_STR_CONTAINS(ending.text, "         1  uses_stack, ");
}
