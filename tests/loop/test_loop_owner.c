/* SPDX-License-Identifier: MIT
 * test_loop_owner.c - a loop belongs to one thread of one process; others are told so. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "fixture.h"

/* --- threads ---------------------------------------------------------------------------------- */

static void in_a_thread(void *(*fn)(void *), void *arg) {
    pthread_t thread;
    ASSERT_INT_EQ(pthread_create(&thread, NULL, fn, arg), 0);
    pthread_join(thread, NULL);
}

static void *use_elsewhere(void *arg) {
    eddy_loop *loop = arg;
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_add_reader(loop, STDIN_FILENO, stop, loop));
    ASSERT_LAST_ERROR(EDDY_EWRONG_THREAD, "eddy_call_soon_threadsafe");
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_add_writer(loop, STDIN_FILENO, stop, loop));
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_remove_reader(loop, STDIN_FILENO));
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_remove_writer(loop, STDIN_FILENO));
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_add_signal_handler(loop, SIGUSR1, stop, loop));
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_remove_signal_handler(loop, SIGUSR1));
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_loop_fd(loop));
    forget_last_error();
    return NULL;
}

TEST(a_loop_is_of_no_use_to_another_thread) {
    LOOP loop = test_loop();
    in_a_thread(use_elsewhere, loop);
}

static void *run_elsewhere(void *loop) {
    ASSERT_OK(eddy_loop_run_forever(loop));
    return NULL;
}

TEST(a_loop_at_rest_moves_to_the_thread_that_runs_it) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_call_soon(loop, mark, MARK(&trace, "there"));
    eddy_call_soon(loop, stop, loop);
    in_a_thread(run_elsewhere, loop);
    ASSERT_STR_EQ(trace.text, "there");

    ASSERT_UINT_EQ(eddy_call_soon(loop, stop, loop).token, 0); /* it is the other's now */
    ASSERT_LAST_ERROR(EDDY_EWRONG_THREAD, "another thread");
    eddy_loop_stop(loop);
    ASSERT_OK(eddy_loop_run_forever(loop)); /* and back */
    ASSERT(eddy_call_soon(loop, stop, loop).token != 0);
    forget_last_error();
}

static void *run_and_close_elsewhere(void *loop) {
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_loop_run_forever(loop));
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_loop_run_once(loop, 0));
    ASSERT_PTR_EQ(eddy_loop_close(loop), loop);
    forget_last_error();
    return NULL;
}

static void try_elsewhere(void *loop) {
    in_a_thread(run_and_close_elsewhere, loop);
    eddy_loop_stop(loop);
}

TEST(a_running_loop_is_not_run_or_closed_by_another_thread) {
    LOOP loop = test_loop();
    eddy_call_soon(loop, try_elsewhere, loop);
    ASSERT_OK(eddy_loop_run_forever(loop));
}

static void *close_elsewhere(void *loop) {
    ASSERT_PTR_EQ(eddy_loop_close(loop), loop);
    ASSERT_LAST_ERROR(EDDY_EWRONG_THREAD, "another thread");
    forget_last_error();
    return NULL;
}

TEST(a_loop_at_rest_is_not_closed_by_another_thread) {
    LOOP loop = test_loop();
    in_a_thread(close_elsewhere, loop);
}

/* --- fork ------------------------------------------------------------------------------------- */

/* Runs fn in a forked child, whose failed assertions end it otherwise than with 42. */
static void in_a_child(void (*fn)(void *), void *arg) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        fn(arg);
        _exit(42);
    }
    ASSERT_INT_EQ(waitpid(child, &status, 0), child);
    ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

/* In the child, where a failed assertion must not go on as the test. */
#define CHILD_ASSERT(condition)                                                   \
    do {                                                                          \
        if (!(condition)) {                                                       \
            fprintf(stderr, "in the child, line %d: %s\n", __LINE__, #condition); \
            _exit(1);                                                             \
        }                                                                         \
    } while (0)

static void use_parents_loop(void *arg) {
    eddy_loop *loop = arg;
    CHILD_ASSERT(eddy_call_soon(loop, stop, loop).token == 0);
    CHILD_ASSERT(eddy_last_error()->code == EDDY_EFORKED);
    CHILD_ASSERT(strstr(eddy_last_error()->message, "fork"));
    CHILD_ASSERT(eddy_call_soon_threadsafe(loop, stop, loop) == EDDY_EFORKED);
    CHILD_ASSERT(eddy_add_reader(loop, STDIN_FILENO, stop, loop) == EDDY_EFORKED);
    CHILD_ASSERT(eddy_remove_reader(loop, STDIN_FILENO) == EDDY_EFORKED);
    CHILD_ASSERT(eddy_add_signal_handler(loop, SIGUSR1, stop, loop) == EDDY_EFORKED);
    CHILD_ASSERT(eddy_loop_run_forever(loop) == EDDY_EFORKED);
    CHILD_ASSERT(eddy_loop_run_once(loop, 0) == EDDY_EFORKED);
    CHILD_ASSERT(eddy_loop_fd(loop) == EDDY_EFORKED);
    CHILD_ASSERT(eddy_loop_close(loop) == loop);
    CHILD_ASSERT(eddy_last_error()->code == EDDY_EFORKED);
}

TEST(after_a_fork_the_loop_is_the_parents) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    in_a_child(use_parents_loop, loop);

    eddy_call_later(loop, 1, mark, MARK(&trace, "the parent goes on"));
    run_dry(loop);
    ASSERT_STR_EQ(trace.text, "the parent goes on");
}

static void use_loop_of_its_own(void *unused) {
    eddy_loop *loop;
    (void)unused;
    CHILD_ASSERT(eddy_loop_new(NULL, &loop) == 0);
    CHILD_ASSERT(eddy_call_soon(loop, stop, loop).token != 0);
    CHILD_ASSERT(eddy_loop_run_forever(loop) == 0);
    CHILD_ASSERT(eddy_loop_close(loop) == NULL);
}

TEST(a_forked_child_may_have_loops_of_its_own) {
    LOOP loop = test_loop();
    in_a_child(use_loop_of_its_own, NULL);
    run_dry(loop);
}

static void fork_inside(void *loop) {
    in_a_child(use_parents_loop, loop);
    in_a_child(use_loop_of_its_own, NULL);
    eddy_loop_stop(loop);
}

TEST(a_child_forked_by_a_callback_starts_afresh) {
    LOOP loop = test_loop();
    eddy_call_soon(loop, fork_inside, loop);
    ASSERT_OK(eddy_loop_run_forever(loop));
}
