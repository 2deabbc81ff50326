/* SPDX-License-Identifier: MIT
 * test_runner.c - eddy_runner: several runs on one loop, and their end. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "virtual.h"

static eddy_runner *runner_new(void) {
    const eddy_loop_options options = {.clock = EDDY_CLOCK_VIRTUAL};
    eddy_runner *runner;

    gather_reports();
    ASSERT_OK(eddy_runner_new(&options, &runner));
    return runner;
}

static void runner_close(eddy_runner *runner) {
    ASSERT_NULL(eddy_runner_close(runner));
    ASSERT_STR_EQ(reports(), "");
}

/* --- runs ------------------------------------------------------------------------------------- */

TEST(a_runner_runs_one_function_after_the_other_on_one_loop) {
    eddy_runner *runner = runner_new();
    eddy_loop *loop = eddy_runner_loop(runner);
    struct actor actor = {.name = "sleeper", .seconds = 3, .result = 5};

    ASSERT_INT_EQ(eddy_runner_run(runner, returner, &(int){1}), 1);
    ASSERT_INT_EQ(eddy_runner_run(runner, sleeper, &actor), 5);
    ASSERT_PTR_EQ(eddy_runner_loop(runner), loop);
    ASSERT(!eddy_loop_is_running(loop));
    runner_close(runner);
}

TEST(a_runner_returns_the_sentence_with_the_code) {
    eddy_runner *runner = runner_new();

    ASSERT_CODE(-EIO, eddy_runner_run(runner, raiser, "why"));
    ASSERT_STR_EQ(eddy_last_error()->message, "why");
    ASSERT_INT_EQ(eddy_runner_run(runner, returner, &(int){2}), 2);
    runner_close(runner);
}

static int leaves_a_sleeper(void *actor) {
    ASSERT_OK(eddy_detach(eddy_create_task(sleeper, actor)));
    return eddy_yield();
}

TEST(tasks_that_a_run_leaves_go_on_in_the_next_one) {
    eddy_runner *runner = runner_new();
    struct actor left = {.name = "left", .seconds = 1}, next = {.name = "next", .seconds = 2};

    ASSERT_OK(eddy_runner_run(runner, leaves_a_sleeper, &left));
    ASSERT_STR_EQ(noted(), "");
    ASSERT_OK(eddy_runner_run(runner, sleeper, &next));
    ASSERT_STR_EQ(noted(), "left next");
    runner_close(runner);
}

TEST(the_close_cancels_and_awaits_what_the_runs_have_left) {
    eddy_runner *runner = runner_new();
    struct actor left = {.name = "left", .seconds = 100};

    ASSERT_OK(eddy_runner_run(runner, leaves_a_sleeper, &left));
    runner_close(runner);
    ASSERT_STR_EQ(noted(), "left!");
}

static int leaves_a_job(void *unused) {
    (void)unused;
    return eddy_detach(eddy_run_in_executor(NULL, noter, "job"));
}

TEST(the_close_waits_for_the_jobs_of_the_default_executor) {
    eddy_runner *runner = runner_new();

    ASSERT_OK(eddy_runner_run(runner, leaves_a_job, NULL));
    runner_close(runner);
    ASSERT_STR_EQ(noted(), "job");
}

TEST(a_runner_that_never_ran_is_closed_at_once) {
    runner_close(runner_new());
    ASSERT_NULL(eddy_runner_close(NULL));
}

TEST(the_loop_of_a_runner_is_closed_with_it) {
    eddy_runner *runner = runner_new();
    eddy_loop *loop = eddy_loop_ref(eddy_runner_loop(runner));

    ASSERT(!eddy_loop_is_closed(loop));
    runner_close(runner);
    ASSERT(eddy_loop_is_closed(loop));
    eddy_loop_unref(loop);
}

static int says_stack_bytes(void *unused) {
    char deep[700 << 10];

    (void)unused;
    memset(deep, 1, sizeof(deep));
    return deep[1000];
}

TEST(a_runner_takes_the_options_of_a_loop) {
    const eddy_loop_options options = {.stack_bytes = 1 << 20};
    eddy_runner *runner;

    ASSERT_OK(eddy_runner_new(&options, &runner));
    ASSERT_INT_EQ(eddy_runner_run(runner, says_stack_bytes, NULL), 1);
    runner_close(runner);
}

TEST(without_options_a_runner_has_a_plain_loop) {
    eddy_runner *runner;

    ASSERT_OK(eddy_runner_new(NULL, &runner));
    ASSERT_INT_EQ(eddy_runner_run(runner, returner, &(int){3}), 3);
    runner_close(runner);
}

TEST(a_loop_that_cannot_be_had_is_no_runner) {
    const eddy_loop_options options = {.backend = EDDY_BACKEND_SIM};
    eddy_runner *runner = NULL;

    ASSERT_CODE(-ENOTSUP, eddy_runner_new(&options, &runner));
    ASSERT_NULL(runner);
}

static int blocks, failing;

static bool fails(void) {
    return failing > 0 && --failing == 0;
}

static void *allocate(size_t size) {
    if (fails())
        return NULL;
    blocks++;
    return malloc(size);
}

static void *resize(void *memory, size_t size) {
    if (fails())
        return NULL;
    blocks += memory == NULL;
    return realloc(memory, size);
}

static void release(void *memory) {
    blocks -= memory != NULL;
    free(memory);
}

static int awaits_child(void *child) {
    return eddy_await(eddy_create_task(returner, child));
}

static int runs_twice(void) {
    eddy_runner *runner;
    int r = eddy_runner_new(NULL, &runner);

    if (r < 0)
        return r;
    r = eddy_runner_run(runner, awaits_child, &(int){0});
    if (r == 0)
        r = eddy_runner_run(runner, awaits_child, &(int){0});
    ASSERT_NULL(eddy_runner_close(runner));
    return r;
}

TEST(whichever_allocation_fails_a_runner_leaks_nothing) {
    const eddy_allocator allocator = {allocate, resize, release};
    int n = 1;

    ASSERT_OK(eddy_set_allocator(&allocator));
    for (bool has_failed = true; has_failed; n++) {
        failing = n;
        int r = runs_twice();
        has_failed = failing == 0;
        failing = 0;
        ASSERT_CODE(-ENOMEM, eddy_detach(NULL)); /* the last error is a block, too */
        if (r != 0 && r != -ENOMEM)
            TEST_FAIL("allocation %d: %s", n, eddy_error_name(r));
        ASSERT_INT_EQ(blocks, 0);
    }
    ASSERT(n > 8);
}

/* --- refused ---------------------------------------------------------------------------------- */

static int runs_inside(void *runner) {
    ASSERT_CODE(-EDEADLK, eddy_runner_run(runner, noter, "inside"));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "eddy_runner_run() inside a running loop");
    ASSERT_PTR_EQ(eddy_runner_close(runner), runner);
    ASSERT_CODE(-EDEADLK, eddy_last_error()->code);
    return 4;
}

TEST(a_run_or_a_close_inside_a_run_is_refused) {
    eddy_runner *runner = runner_new();

    ASSERT_INT_EQ(eddy_runner_run(runner, runs_inside, runner), 4);
    ASSERT_STR_EQ(noted(), "");
    runner_close(runner);
}

static void *uses_elsewhere(void *runner) {
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_runner_run(runner, noter, "elsewhere"));
    ASSERT_PTR_EQ(eddy_runner_close(runner), runner);
    return NULL;
}

TEST(a_runner_is_of_no_use_to_another_thread) {
    eddy_runner *runner = runner_new();
    pthread_t other;

    ASSERT_INT_EQ(pthread_create(&other, NULL, uses_elsewhere, runner), 0);
    pthread_join(other, NULL);
    ASSERT_STR_EQ(noted(), "");
    runner_close(runner);
}

/* --- SIGINT ----------------------------------------------------------------------------------- */

static int interrupts_itself(void *unused) {
    (void)unused;
    ASSERT_OK(kill(getpid(), SIGINT));
    return eddy_sleep(1000);
}

static int yields_for_ever(void *unused) {
    int r = 0;

    (void)unused;
    ASSERT_OK(kill(getpid(), SIGINT));
    while (r == 0)
        r = eddy_yield();
    return r;
}

/* In a child, as the runner of the tests has its own handler. */
static int interrupted_again_and_again(void) {
    eddy_runner *runner = runner_new();

    ASSERT_CODE(-ECANCELED, eddy_runner_run(runner, interrupts_itself, NULL));
    ASSERT_STR_EQ(eddy_last_error()->message, "interrupted by SIGINT");
    ASSERT_CODE(-ECANCELED, eddy_runner_run(runner, yields_for_ever, NULL));
    ASSERT_INT_EQ(eddy_runner_run(runner, returner, &(int){6}), 6);
    runner_close(runner);
    return 9;
}

TEST(each_run_heeds_sigint) {
    struct ending ending = in_child(interrupted_again_and_again);

    if (!WIFEXITED(ending.status) || WEXITSTATUS(ending.status) != 9)
        TEST_FAIL("status 0x%x, and it said: %s", ending.status, ending.text);
}

static int interrupted_between_runs(void) {
    eddy_runner *runner = runner_new();

    ASSERT_INT_EQ(eddy_runner_run(runner, returner, &(int){6}), 6);
    kill(getpid(), SIGINT);
    return 9;
}

TEST(between_runs_sigint_has_its_own_action) {
    struct ending ending = in_child(interrupted_between_runs);

    ASSERT(WIFSIGNALED(ending.status) && WTERMSIG(ending.status) == SIGINT);
}
