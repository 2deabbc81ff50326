/* SPDX-License-Identifier: MIT
 * test_signal_watch.c - signals as events of a loop, and what happens to their former actions. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "../base/scarce.h"
#include "fixture.h"
#include "signal_watch.h"

/* --- being told ------------------------------------------------------------------------------- */

TEST(a_signal_runs_its_callback_on_the_loop) {
    LOOP loop = test_loop();
    int ran = 0;
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, count, &ran));
    raise(SIGUSR1);
    ASSERT_INT_EQ(ran, 0); /* not in the signal handler */
    turn(loop);
    ASSERT_INT_EQ(ran, 1);
    turn(loop);
    ASSERT_INT_EQ(ran, 1);
}

TEST(a_signal_is_told_each_time_it_comes) {
    LOOP loop = test_loop();
    int ran = 0;
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, count, &ran));
    for (int i = 0; i < 5; i++) {
        raise(SIGUSR1);
        turn(loop);
    }
    ASSERT_INT_EQ(ran, 5);
}

TEST(several_signals_between_two_turns_are_told_as_one) {
    LOOP loop = test_loop();
    int ran = 0;
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, count, &ran));
    for (int i = 0; i < 100; i++)
        raise(SIGUSR1);
    turn(loop);
    turn(loop);
    ASSERT_INT_EQ(ran, 1);
}

TEST(no_loop_means_the_default_loop) {
    int ran = 0;
    ASSERT_OK(eddy_add_signal_handler(NULL, SIGUSR1, count, &ran));
    raise(SIGUSR1);
    turn(eddy__default_loop());
    ASSERT_INT_EQ(ran, 1);
    ASSERT_INT_EQ(eddy_remove_signal_handler(NULL, SIGUSR1), 1);
}

TEST(each_signal_has_its_own_callback) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, mark, MARK(&trace, "one")));
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR2, mark, MARK(&trace, "two")));
    ASSERT_OK(eddy_add_signal_handler(loop, SIGRTMIN, mark, MARK(&trace, "real-time")));
    raise(SIGUSR2);
    turn(loop);
    raise(SIGRTMIN);
    turn(loop);
    raise(SIGUSR1);
    turn(loop);
    ASSERT_STR_EQ(trace.text, "two real-time one");
}

static void *raise_elsewhere(void *arg) {
    kill(getpid(), SIGUSR1);
    return arg;
}

TEST(a_signal_wakes_a_loop_that_waits) {
    LOOP loop = loop_of_clock(EDDY_CLOCK_MONOTONIC);
    pthread_t thread;
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, stop, loop));
    pthread_create(&thread, NULL, raise_elsewhere, NULL);
    ASSERT_OK(eddy_loop_run_forever(loop));
    pthread_join(thread, NULL);
}

TEST(a_signal_handled_once_has_its_default_action_then) {
    LOOP loop = test_loop();
    struct sigaction after;
    int ran = 0;
    ASSERT_OK(eddy__signal_once(loop, SIGUSR1, count, &ran));
    raise(SIGUSR1);
    sigaction(SIGUSR1, NULL, &after);
    ASSERT(after.sa_handler == SIG_DFL); /* before the loop has heard of the first one */
    turn(loop);
    ASSERT_INT_EQ(ran, 1);
}

TEST(a_signal_leaves_errno_alone) {
    LOOP loop = test_loop();
    int ran = 0;
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, count, &ran));
    errno = ERANGE;
    raise(SIGUSR1);
    ASSERT_INT_EQ(errno, ERANGE);
}

/* --- replacing and removing ------------------------------------------------------------------- */

TEST(a_second_callback_replaces_the_first) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, mark, MARK(&trace, "first")));
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, mark, MARK(&trace, "second")));
    raise(SIGUSR1);
    turn(loop);
    ASSERT_STR_EQ(trace.text, "second");
}

static int former_ran;

static void former(int signo) {
    (void)signo;
    former_ran++;
}

TEST(removing_gives_the_signal_its_former_action_back) {
    LOOP loop = test_loop();
    struct sigaction before = {.sa_handler = former}, after;
    int ran = 0;
    sigaddset(&before.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &before, NULL);
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, count, &ran));
    raise(SIGUSR1);
    ASSERT_INT_EQ(former_ran, 0);

    ASSERT_INT_EQ(eddy_remove_signal_handler(loop, SIGUSR1), 1);
    raise(SIGUSR1);
    ASSERT_INT_EQ(former_ran, 1);
    sigaction(SIGUSR1, NULL, &after);
    ASSERT(sigismember(&after.sa_mask, SIGUSR2));
}

TEST(replacing_a_callback_does_not_forget_the_former_action) {
    LOOP loop = test_loop();
    int ran = 0;
    signal(SIGUSR1, former);
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, count, &ran));
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, stop, loop));
    ASSERT_INT_EQ(eddy_remove_signal_handler(loop, SIGUSR1), 1);
    raise(SIGUSR1);

    ASSERT_INT_EQ(former_ran, 1);
}

TEST(removing_tells_whether_there_was_one) {
    LOOP loop = test_loop();
    int ran = 0;
    ASSERT_INT_EQ(eddy_remove_signal_handler(loop, SIGUSR1), 0);
    ASSERT_INT_EQ(eddy_remove_signal_handler(loop, -1), 0);
    ASSERT_INT_EQ(eddy_remove_signal_handler(loop, 10000), 0);
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, count, &ran));
    ASSERT_INT_EQ(eddy_remove_signal_handler(loop, SIGUSR1), 1);
    ASSERT_INT_EQ(eddy_remove_signal_handler(loop, SIGUSR1), 0);
}

TEST(closing_the_loop_gives_the_former_action_back) {
    int ran = 0;
    signal(SIGUSR1, former);
    {
        LOOP loop = test_loop();
        ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, count, &ran));
    }
    raise(SIGUSR1);
    ASSERT_INT_EQ(former_ran, 1);
}

TEST_SIGNAL(a_signal_kills_again_once_its_callback_was_removed, SIGUSR1) {
    LOOP loop = test_loop();
    int ran = 0;
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, count, &ran));
    raise(SIGUSR1);
    ASSERT_INT_EQ(eddy_remove_signal_handler(loop, SIGUSR1), 1);
    raise(SIGUSR1);
}

TEST(a_signal_that_came_before_the_removal_is_not_told) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, mark, MARK(&trace, "old")));
    raise(SIGUSR1);
    ASSERT_INT_EQ(eddy_remove_signal_handler(loop, SIGUSR1), 1);
    turn(loop);
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, mark, MARK(&trace, "new")));
    turn(loop);
    ASSERT_STR_EQ(trace.text, "");
}

static void remove_it(void *loop) {
    ASSERT_INT_EQ(eddy_remove_signal_handler(loop, SIGUSR1), 1);
    signal(SIGUSR1, former);
}

TEST(a_callback_may_remove_itself) {
    LOOP loop = test_loop();
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, remove_it, loop));
    raise(SIGUSR1);
    turn(loop);
    raise(SIGUSR1);
    ASSERT_INT_EQ(former_ran, 1);
}

/* --- several loops ---------------------------------------------------------------------------- */

TEST(a_signal_belongs_to_one_loop_at_a_time) {
    LOOP one = test_loop();
    LOOP two = test_loop();
    struct trace trace = {0};
    ASSERT_OK(eddy_add_signal_handler(one, SIGUSR1, mark, MARK(&trace, "one")));
    ASSERT_CODE(-EBUSY, eddy_add_signal_handler(two, SIGUSR1, mark, MARK(&trace, "two")));
    ASSERT_LAST_ERROR(-EBUSY, "another loop");
    raise(SIGUSR1);
    turn(two);
    turn(one);
    ASSERT_STR_EQ(trace.text, "one");

    ASSERT_INT_EQ(eddy_remove_signal_handler(two, SIGUSR1), 0);
    ASSERT_INT_EQ(eddy_remove_signal_handler(one, SIGUSR1), 1);
    ASSERT_OK(eddy_add_signal_handler(two, SIGUSR1, mark, MARK(&trace, "two")));
    raise(SIGUSR1);
    turn(one);
    turn(two);
    ASSERT_STR_EQ(trace.text, "one two");
    forget_last_error();
}

TEST(two_loops_may_have_different_signals) {
    LOOP one = test_loop();
    LOOP two = test_loop();
    struct trace trace = {0};
    ASSERT_OK(eddy_add_signal_handler(one, SIGUSR1, mark, MARK(&trace, "one")));
    ASSERT_OK(eddy_add_signal_handler(two, SIGUSR2, mark, MARK(&trace, "two")));
    raise(SIGUSR2);
    raise(SIGUSR1);
    turn(one);
    turn(two);
    ASSERT_STR_EQ(trace.text, "one two");
}

/* --- refusals --------------------------------------------------------------------------------- */

TEST(what_is_no_signal_is_refused) {
    const int bad[] = {0, -1, SIGKILL, SIGSTOP, NSIG, 10000, INT_MAX};
    LOOP loop = test_loop();
    int ran = 0;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        ASSERT_CODE(-EINVAL, eddy_add_signal_handler(loop, bad[i], count, &ran));
    ASSERT_LAST_ERROR(-EINVAL, "cannot be handled");
    forget_last_error();
}

TEST(without_memory_or_descriptors_a_signal_keeps_its_action) {
    scarce_begin();
    LOOP loop = test_loop();
    struct sigaction action;
    int ran = 0;
    scarce_left = 0;
    ASSERT_CODE(-ENOMEM, eddy_add_signal_handler(loop, SIGUSR1, count, &ran));
    scarce_left = INT_MAX;
    leave_descriptors(0);
    ASSERT_CODE(-EMFILE, eddy_add_signal_handler(loop, SIGUSR1, count, &ran));

    sigaction(SIGUSR1, NULL, &action);
    ASSERT(action.sa_handler == SIG_DFL);
    forget_last_error();
    leave_all_descriptors();
}

TEST(a_signal_that_the_c_library_keeps_is_refused) {
    LOOP loop = test_loop();
    int ran = 0;
    ASSERT_CODE(-EINVAL, eddy_add_signal_handler(loop, 32, count, &ran));
    ASSERT_CODE(-EINVAL, eddy_add_signal_handler(loop, 32, count, &ran)); /* and not taken */
    forget_last_error();
}

/* --- fork ------------------------------------------------------------------------------------- */

/* The child's exit status: which of its own steps failed, or 42. */
static int child_status(int (*fn)(void)) {
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(fn());
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int raise_and_live(void) {
    raise(SIGUSR1);
    return 42;
}

TEST(a_signal_of_a_forked_child_is_not_told_to_its_parent) {
    LOOP loop = test_loop();
    int ran = 0;
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, count, &ran));
    ASSERT_INT_EQ(child_status(raise_and_live), 42);
    turn(loop);
    ASSERT_INT_EQ(ran, 0);
}

static int handle_both_signals(void) {
    eddy_loop *loop = test_loop();
    int ran = 0;
    if (eddy_add_signal_handler(loop, SIGUSR1, count, &ran) < 0)
        return 1;
    if (eddy_add_signal_handler(loop, SIGUSR2, count, &ran) < 0)
        return 2;
    raise(SIGUSR1);
    raise(SIGUSR2);
    turn(loop);
    return ran == 2 ? 42 : 3;
}

TEST(a_forked_child_may_handle_the_signals_that_its_parent_handles) {
    LOOP loop = test_loop();
    int ran = 0;
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, count, &ran));
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR2, count, &ran));
    ASSERT_INT_EQ(child_status(handle_both_signals), 42);
    turn(loop);
    ASSERT_INT_EQ(ran, 0); /* the parent hears none of it */
    raise(SIGUSR1);
    turn(loop);
    ASSERT_INT_EQ(ran, 1); /* and goes on with its own */
}

static void *handle_and_remove(void *is_over) {
    eddy_loop *loop = test_loop();
    int ran = 0;

    while (!atomic_load((atomic_bool *)is_over)) {
        eddy_add_signal_handler(loop, SIGUSR2, count, &ran);
        eddy_remove_signal_handler(loop, SIGUSR2);
    }
    test_loop_closep(&loop);
    return NULL;
}

TEST(a_child_is_free_of_the_locks_of_threads_that_it_does_not_have) {
    atomic_bool is_over = false;
    pthread_t thread;

    if (UNDER_SANITIZER || test_is_emulated())
        return; /* their own locks are not safe from this */
    ASSERT_INT_EQ(pthread_create(&thread, NULL, handle_and_remove, &is_over), 0);
    for (int i = 0; i < 20; i++)
        ASSERT_INT_EQ(child_status(handle_both_signals), 42); /* it would hang */
    atomic_store(&is_over, true);
    pthread_join(thread, NULL);
}
