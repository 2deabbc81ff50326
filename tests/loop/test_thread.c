/* SPDX-License-Identifier: MIT
 * test_thread.c - a thread's default loop: made on first use, closed when the thread ends. */
#include <pthread.h>
#include <sys/wait.h>

#include "../base/scarce.h"
#include "fixture.h"

TEST(no_loop_means_the_default_loop_outside_of_a_run) {
    struct trace trace = {0};
    eddy_call_soon(NULL, mark, MARK(&trace, "default"));
    eddy_call_later(NULL, 0, stop, eddy__default_loop());
    ASSERT_OK(eddy_loop_run_forever(eddy__default_loop()));

    ASSERT_STR_EQ(trace.text, "default");
}

static void call_without_a_loop(void *mark_arg) {
    eddy_call_soon(NULL, mark, mark_arg);
    eddy_call_soon(NULL, stop, eddy_running_loop());
}

TEST(no_loop_means_the_running_loop_inside_of_a_run) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_call_soon(loop, call_without_a_loop, MARK(&trace, "running"));
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT_STR_EQ(trace.text, "running");
}

TEST(the_default_loop_is_made_once) {
    ASSERT_NOT_NULL(eddy__default_loop());
    ASSERT_PTR_EQ(eddy__default_loop(), eddy__default_loop());
}

TEST(a_closed_default_loop_is_replaced) {
    eddy_loop_close(eddy__default_loop());

    ASSERT_NOT_NULL(eddy__default_loop());
    ASSERT_OK(eddy_call_soon_threadsafe(eddy__default_loop(), stop, eddy__default_loop()));
    ASSERT_OK(eddy_loop_run_forever(eddy__default_loop()));
}

static void *default_of_thread(void *arg) {
    *(eddy_loop **)arg = eddy__default_loop();
    return NULL;
}

TEST(each_thread_has_a_default_loop_that_ends_with_it) {
    scarce_begin();
    eddy_loop *of_thread = NULL;
    pthread_t thread;
    ASSERT_NOT_NULL(eddy__default_loop());
    int descriptors = descriptors_open(), allocations = scarce_out;
    pthread_create(&thread, NULL, default_of_thread, &of_thread);
    pthread_join(thread, NULL);

    ASSERT_NOT_NULL(of_thread);
    ASSERT(of_thread != eddy__default_loop());
    ASSERT_INT_EQ(descriptors_open(), descriptors);
    ASSERT_INT_EQ(scarce_out, allocations);
}

TEST(a_forked_child_gets_a_default_loop_of_its_own) {
    eddy_loop *parents = eddy__default_loop();
    int status;
    pid_t child = fork();
    if (child == 0) {
        eddy_loop *own = eddy__default_loop();
        eddy_call_soon(NULL, stop, own);
        _exit(own && own != parents && eddy_loop_run_forever(own) == 0 ? 42 : 1);
    }
    waitpid(child, &status, 0);
    ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

TEST(the_default_loop_is_closed_when_the_process_exits) {
    eddy_call_later(NULL, 1000, stop, NULL);
    /* The leak checker looks afterwards. */
}
