/* SPDX-License-Identifier: MIT
 * test_root.c - every thread has a root task: a suspending call outside any task runs the loop
 * until it is done. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "virtual.h"

static eddy_task *task_of(eddy_loop *loop, eddy_fn *fn, void *arg) {
    return eddy_create_task_with(&(eddy_task_options){.loop = loop}, fn, arg);
}

/* --- every suspending call outside a run ------------------------------------------------------ */

TEST(await_outside_a_run_runs_the_futures_loop) {
    eddy_loop *loop = virtual_loop();
    struct actor actor = {.seconds = 5, .result = 3};

    ASSERT_INT_EQ(eddy_await(task_of(loop, sleeper, &actor)), 3);
    ASSERT_NULL(eddy_running_loop());
    ASSERT(!eddy_loop_is_running(loop));
    virtual_close(loop);
}

TEST(await_outside_a_run_returns_the_sentence_too) {
    eddy_loop *loop = virtual_loop();

    ASSERT_CODE(-EIO, eddy_await(task_of(loop, raiser, "the disk is full")));
    ASSERT_STR_EQ(eddy_last_error()->message, "the disk is full");
    virtual_close(loop);
}

TEST(await_value_outside_a_run_gives_the_value) {
    eddy_loop *loop = virtual_loop();
    eddy_future *future = eddy_future_new(loop);
    void *value = NULL;

    ASSERT_OK(eddy_future_set_result(future, loop));
    ASSERT_OK(eddy_await_value(future, &value));
    ASSERT_PTR_EQ(value, loop);
    virtual_close(loop);
}

TEST(gather_outside_a_run_waits_for_all) {
    eddy_loop *loop = virtual_loop();
    struct actor a = {.name = "a", .seconds = 2}, b = {.name = "b", .seconds = 1};

    ASSERT_OK(eddy_gather(task_of(loop, sleeper, &a), task_of(loop, sleeper, &b)));
    ASSERT_STR_EQ(noted(), "b a");
    ASSERT_INT_EQ(eddy_gather(), 0);
    virtual_close(loop);
}

TEST(wait_outside_a_run_waits_for_the_first_and_for_a_time) {
    eddy_loop *loop = virtual_loop();
    struct actor a = {.name = "a", .seconds = 9}, b = {.name = "b", .seconds = 1};
    eddy_future *futures[] = {task_of(loop, sleeper, &a), task_of(loop, sleeper, &b)};

    ASSERT_INT_EQ(eddy_wait(futures, 2, INFINITY, EDDY_FIRST_COMPLETED), 1);
    ASSERT_INT_EQ(eddy_wait(futures, 2, 5, EDDY_ALL_COMPLETED), 1);
    ASSERT_OK(eddy_gather_array(futures, 2, NULL));
    ASSERT_STR_EQ(noted(), "b a");
    virtual_close(loop);
}

TEST(wait_for_outside_a_run_takes_the_clock_of_the_futures_loop) {
    eddy_loop *loop = virtual_loop();
    struct actor quick = {.seconds = 1, .result = 4}, slow = {.name = "slow", .seconds = 1000};

    ASSERT_INT_EQ(eddy_wait_for(task_of(loop, sleeper, &quick), 500), 4);
    ASSERT_CODE(-ETIMEDOUT, eddy_wait_for(task_of(loop, sleeper, &slow), 500));
    ASSERT_STR_EQ(noted(), "slow!");
    virtual_close(loop);
}

TEST(sleep_and_yield_outside_a_run_run_the_default_loop) {
    ASSERT_OK(eddy_detach(eddy_create_task(noter, "default")));
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "default");
    ASSERT_OK(eddy_detach(eddy_create_task(noter, "again")));
    ASSERT_OK(eddy_sleep(0.0001));
    ASSERT_STR_EQ(noted(), "again");
}

TEST(with_timeout_outside_a_run_works_on_the_default_loop) {
    struct actor slow = {.seconds = 1000}, quick = {.seconds = 0.0001, .result = 3};

    ASSERT_CODE(-ETIMEDOUT, eddy_with_timeout(0.0001, sleeper, &slow));
    ASSERT_INT_EQ(eddy_with_timeout(1000, sleeper, &quick), 3);
    ASSERT_OK(eddy_yield());
}

static int sleeps_ten_times(void *loop) {
    for (int i = 0; i < 10; i++) {
        ASSERT_OK(eddy_sleep(0.1));
        if (i == 1)
            eddy_loop_stop(loop);
    }
    return 5;
}

TEST(a_stop_does_not_end_an_await_outside_a_run) {
    eddy_loop *loop = virtual_loop();

    ASSERT_INT_EQ(eddy_await(task_of(loop, sleeps_ten_times, loop)), 5);
    virtual_close(loop);
}

TEST(gather_and_wait_of_futures_of_two_loops_are_refused) {
    eddy_loop *one = virtual_loop(), *two = virtual_loop();
    eddy_future *futures[] = {eddy_future_new(one), eddy_future_new(two)};

    ASSERT_CODE(-EINVAL, eddy_wait(futures, 2, 1, EDDY_ALL_COMPLETED));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "different loops");
    ASSERT_CODE(-EINVAL, eddy_gather(futures[0], futures[1])); /* takes them */
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "different loops");
    virtual_close(one);
    virtual_close(two);
}

TEST(a_shield_outside_a_run_does_nothing) {
    eddy_shield_scope shield;

    eddy_shield_begin(&shield);
    ASSERT_OK(eddy_yield());
    eddy_shield_end(&shield);
}

TEST(run_until_complete_returns_what_await_would) {
    eddy_loop *loop = virtual_loop();
    struct actor actor = {.seconds = 5, .result = 3};

    ASSERT_INT_EQ(eddy_loop_run_until_complete(loop, task_of(loop, sleeper, &actor)), 3);
    ASSERT_CODE(-EIO, eddy_loop_run_until_complete(loop, task_of(loop, raiser, "why")));
    ASSERT_STR_EQ(eddy_last_error()->message, "why");
    ASSERT_CODE(-ENOMEM, eddy_loop_run_until_complete(loop, NULL));
    virtual_close(loop);
}

TEST(run_until_complete_of_another_loops_future_is_refused_and_takes_it) {
    eddy_loop *loop = virtual_loop(), *other = virtual_loop();

    ASSERT_CODE(-EINVAL, eddy_loop_run_until_complete(loop, eddy_future_new(other)));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "another loop");
    virtual_close(loop);
    virtual_close(other);
}

TASK_TEST(run_until_complete_inside_a_run_is_refused_and_takes_the_future) {
    eddy_loop *other = virtual_loop();

    ASSERT_CODE(-EDEADLK, eddy_loop_run_until_complete(other, eddy_future_new(other)));
    ASSERT_CODE(-EDEADLK, eddy_loop_run_forever(other));
    ASSERT_CODE(-EDEADLK, eddy_loop_run_once(other, 0));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "running");
    virtual_close(other);
}

/* --- what the root is ------------------------------------------------------------------------- */

TEST(the_root_is_no_task_that_a_program_sees) {
    eddy_loop *loop = virtual_loop();

    ASSERT_INT_EQ(eddy_await(task_of(loop, returner, &(int){2})), 2);
    ASSERT_NULL(eddy_current_task());
    ASSERT_INT_EQ(eddy_all_tasks(loop, NULL, 0), 0);
    ASSERT_INT_EQ(eddy_cancelling(), 0);
    virtual_close(loop);
}

TEST(what_is_left_waits_for_the_next_suspending_call) {
    eddy_loop *loop = virtual_loop();
    struct actor late = {.name = "late", .seconds = 10}, soon = {.name = "soon", .seconds = 1};
    eddy_task *left = task_of(loop, sleeper, &late);

    ASSERT_OK(eddy_await(task_of(loop, sleeper, &soon)));
    ASSERT_STR_EQ(noted(), "soon");
    ASSERT_OK(eddy_await(left));
    ASSERT_STR_EQ(noted(), "late");
    virtual_close(loop);
}

TEST(one_root_may_wait_on_many_loops_in_turn) {
    eddy_loop *loops[3];
    struct actor actor = {.seconds = 1, .result = 1};
    int sum = 0;

    for (int i = 0; i < 3; i++)
        loops[i] = virtual_loop();
    for (int round = 0; round < 10; round++)
        for (int i = 0; i < 3; i++)
            sum += eddy_await(task_of(loops[i], sleeper, &actor));
    ASSERT_INT_EQ(sum, 30);
    for (int i = 0; i < 3; i++)
        virtual_close(loops[i]);
    ASSERT_OK(eddy_yield());
}

TEST(outside_tasks_the_last_error_is_the_threads) {
    eddy_loop *loop = virtual_loop();

    eddy_raise(-EPERM, "mine");
    ASSERT_INT_EQ(eddy_await(task_of(loop, returner, &(int){1})), 1);
    ASSERT_STR_EQ(eddy_last_error()->message, "mine");
    virtual_close(loop);
}

/* --- where nothing can suspend ---------------------------------------------------------------- */

static void assert_refused(int r, const char *why) {
    ASSERT_CODE(-EDEADLK, r);
    ASSERT_STR_CONTAINS(eddy_last_error()->message, why);
}

static void assert_all_refused(const char *why, eddy_future *futures[4]) {
    assert_refused(eddy_sleep(1), why);
    assert_refused(eddy_sleep(0), why);
    assert_refused(eddy_yield(), why);
    assert_refused(eddy_await(futures[0]), why);
    assert_refused(eddy_await_value(futures[1], NULL), why);
    assert_refused(eddy_wait(futures + 2, 1, 1, EDDY_ALL_COMPLETED), why);
    assert_refused(eddy_wait_for(futures[2], 1), why);
    assert_refused(eddy_gather(futures[3]), why);
    assert_refused(eddy_to_thread(noter, "ran"), why);
    assert_refused(eddy_to_executor(NULL, noter, "ran"), why);
    assert_refused(eddy_shutdown_default_executor(), why);
}

static void refused_in_callback(void *futures) {
    assert_all_refused("callback", futures);
    note("refused");
}

TASK_TEST(every_suspending_call_in_a_callback_is_refused_with_a_sentence) {
    eddy_future *futures[4];

    for (int i = 0; i < 4; i++)
        futures[i] = eddy_future_new(NULL);
    eddy_call_soon(NULL, refused_in_callback, futures);
    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(noted(), "refused");
}

static void refused_in_done_callback(eddy_future *future, void *arg) {
    (void)arg;
    assert_refused(eddy_await(eddy_ref(future)), "callback");
    note("refused");
}

TASK_TEST(await_in_a_done_callback_is_refused_too) {
    eddy_task *task = RETURNER(1);

    ASSERT_OK(eddy_future_add_done_callback(task, refused_in_done_callback, NULL));
    ASSERT_INT_EQ(eddy_await(task), 1);
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "refused");
}

static void run_in_callback(void *unused) {
    (void)unused;
    assert_refused(eddy_run(noter, "ran"), "running loop");
    note("refused");
}

TASK_TEST(eddy_run_in_a_callback_is_refused) {
    eddy_call_soon(NULL, run_in_callback, NULL);
    ASSERT_OK(eddy_yield());
    ASSERT_STR_EQ(noted(), "refused");
}

static int refused_in_pool(void *unused) {
    eddy_loop *loop = virtual_loop();
    eddy_future *futures[4];

    (void)unused;
    for (int i = 0; i < 4; i++)
        futures[i] = eddy_future_new(loop);
    assert_all_refused("thread of the pool", futures);
    ASSERT_NULL(eddy_loop_close(loop));
    return 6;
}

TASK_TEST(every_suspending_call_in_a_pool_thread_is_refused_with_a_sentence) {
    ASSERT_INT_EQ(eddy_to_thread(refused_in_pool, NULL), 6);
}

static int with_timeout_in_pool(void *unused) {
    (void)unused;
    assert_refused(eddy_with_timeout(1, noter, "ran"), "thread of the pool");
    return 6;
}

TASK_TEST(with_timeout_in_a_pool_thread_is_refused_and_does_not_call_the_function) {
    ASSERT_INT_EQ(eddy_to_thread(with_timeout_in_pool, NULL), 6);
    ASSERT_STR_EQ(noted(), "");
}

static int run_in_pool(void *unused) {
    (void)unused;
    assert_refused(eddy_run(noter, "ran"), "thread of the pool");
    return 6;
}

TASK_TEST(eddy_run_in_a_pool_thread_is_refused) {
    ASSERT_INT_EQ(eddy_to_thread(run_in_pool, NULL), 6);
    ASSERT_STR_EQ(noted(), "");
}

/* --- threads ---------------------------------------------------------------------------------- */

static void *uses_default_loop(void *unused) {
    struct actor actor = {.seconds = 0.0001, .result = 9};

    ASSERT_INT_EQ(eddy_await(eddy_create_task(sleeper, &actor)), 9);
    return unused;
}

TEST(each_thread_has_a_default_loop_that_is_freed_at_its_end) {
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        ASSERT_INT_EQ(pthread_create(&threads[i], NULL, uses_default_loop, NULL), 0);
    uses_default_loop(NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void *awaits_here(void *future) {
    ASSERT_INT_EQ(eddy_await(future), 5);
    return NULL;
}

TEST(a_loop_that_does_not_run_may_be_run_by_another_thread) {
    eddy_loop *loop = virtual_loop();
    struct actor actor = {.seconds = 1, .result = 5};
    pthread_t thread;

    ASSERT_INT_EQ(pthread_create(&thread, NULL, awaits_here, task_of(loop, sleeper, &actor)), 0);
    pthread_join(thread, NULL);
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_await(task_of(loop, noter, "ran"))); /* it is theirs */
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_INT_EQ(eddy_await(task_of(loop, sleeper, &actor)), 5);
    virtual_close(loop);
}

static void *closes_here(void *loop) {
    struct actor actor = {.seconds = 1, .result = 5};

    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_INT_EQ(eddy_await(task_of(loop, sleeper, &actor)), 5);
    ASSERT_NULL(eddy_loop_close(loop));
    return NULL;
}

static void *makes_and_awaits(void *unused) {
    (void)unused;
    for (int i = 0; i < 3; i++) {
        eddy_loop *loop = virtual_loop();
        ASSERT_INT_EQ(eddy_await(task_of(loop, returner, &(int){1})), 1);
        pthread_t thread;
        ASSERT_INT_EQ(pthread_create(&thread, NULL, closes_here, loop), 0);
        pthread_join(thread, NULL);
    }
    ASSERT_OK(eddy_yield());
    return NULL;
}

/* Nothing of it may be remembered here: not by address either, which the next loop may get. */
TEST(a_loop_that_this_thread_ran_may_be_closed_by_another) {
    makes_and_awaits(NULL);
}

static void *runs_for_a_while(void *loop) {
    struct actor actor = {.seconds = 1, .result = 5};

    ASSERT_OK(eddy_loop_run_once(loop, 0));
    for (int i = 0; i < 200; i++)
        ASSERT_INT_EQ(eddy_await(task_of(loop, sleeper, &actor)), 5);
    return NULL;
}

/* The root was bound to it; leaving it for another loop must not write into it now. */
TEST(a_loop_that_another_thread_took_over_is_left_alone_by_the_root_that_ran_it) {
    eddy_loop *loop = virtual_loop();
    pthread_t thread;

    ASSERT_INT_EQ(eddy_await(task_of(loop, returner, &(int){1})), 1);
    ASSERT_INT_EQ(pthread_create(&thread, NULL, runs_for_a_while, loop), 0);
    for (int i = 0; i < 10; i++)
        ASSERT_OK(eddy_yield());
    pthread_join(thread, NULL);
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    virtual_close(loop);
}

static void *sees_running_loop(void *arg) {
    eddy_loop *loop = arg;
    eddy_future *future = eddy_future_new(NULL);

    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_await(task_of(loop, noter, "ran")));
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_loop_run_forever(loop));
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_loop_run_once(loop, 0));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "another thread");
    eddy_unref(future);
    return NULL;
}

TASK_TEST(a_loop_that_runs_elsewhere_is_refused_with_a_sentence) {
    pthread_t thread;

    ASSERT_INT_EQ(pthread_create(&thread, NULL, sees_running_loop, eddy_running_loop()), 0);
    pthread_join(thread, NULL);
    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(noted(), "");
}

/* --- fork ------------------------------------------------------------------------------------- */

static eddy_loop *inherited;
static eddy_task *inherited_task;

static int child_of_fork(void) {
    struct actor actor = {.seconds = 0.0001, .result = 5};

    ASSERT_CODE(EDDY_EFORKED, eddy_await(task_of(inherited, noter, "ran")));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "fork");
    ASSERT_CODE(EDDY_EFORKED, eddy_loop_run_forever(inherited));
    ASSERT_CODE(EDDY_EFORKED, eddy_await(inherited_task));
    ASSERT_PTR_EQ(eddy_loop_close(inherited), inherited);
    ASSERT_INT_EQ(eddy_await(eddy_create_task(sleeper, &actor)), 5);
    return eddy_run(sleeper, &actor);
}

TEST(after_fork_the_inherited_loops_are_refused_and_new_ones_work) {
    eddy_yield(); /* the default loop, too, is the parent's */
    inherited = virtual_loop();
    inherited_task = task_of(inherited, returner, &(int){8});
    struct ending ending = in_child(child_of_fork);

    if (!WIFEXITED(ending.status) || WEXITSTATUS(ending.status) != 5)
        TEST_FAIL("status 0x%x: %s", ending.status, ending.text);
    ASSERT_INT_EQ(eddy_await(inherited_task), 8);
    virtual_close(inherited);
}

static int forks_and_goes_on(void *unused) {
    (void)unused;
    ASSERT_OK(eddy_yield());
    pid_t child = fork();
    if (child == 0) {
        ASSERT_NULL(eddy_current_task());
        ASSERT_NULL(eddy_running_loop());
        ASSERT_OK(eddy_sleep(0.0001));
        struct actor actor = {.seconds = 0.0001, .result = 6};
        ASSERT_INT_EQ(eddy_await(eddy_create_task(sleeper, &actor)), 6);
        _exit(eddy_run(sleeper, &actor));
    }
    ASSERT_OK(eddy_yield());

    int status;
    ASSERT_INT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

TEST(a_child_forked_in_a_task_goes_on_as_a_program_of_its_own) {
    ASSERT_INT_EQ(eddy_run(forks_and_goes_on, NULL), 6);
}

static int returns_in_the_child(void *child) {
    *(pid_t *)child = fork();
    return 0;
}

static int returns_from_a_forked_task(void) {
    pid_t child;

    eddy_run(returns_in_the_child, &child);
    int status;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(a_child_forked_in_a_task_must_not_return_from_it) {
    struct ending ending = in_child(returns_from_a_forked_task);

    ASSERT(WIFEXITED(ending.status));
    ASSERT_INT_EQ(WEXITSTATUS(ending.status), SIGABRT);
    ASSERT_STR_CONTAINS(ending.text, "task \"main\"");
    ASSERT_STR_CONTAINS(ending.text, "forked child");
}
