/* SPDX-License-Identifier: MIT
 * test_child.c - children are reaped when they end, without a task that waits. */
#include "child.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "../loop/fixture.h"

static void child_ended(struct eddy__child *child) {
    ASSERT(child->has_ended);
    eddy_loop_stop(child->loop);
}

static void start(eddy_loop *loop, const char *command, struct eddy__child *child) {
    static const char *const nothing[] = {NULL}, *const programs[] = {"/bin/sh", NULL};
    const char *const arguments[] = {"sh", "-c", command, NULL};
    struct eddy__spawn spawn = {
        .programs = programs,
        .arguments = arguments,
        .environment = nothing,
        .streams = {SPAWN_INHERITED, SPAWN_INHERITED, SPAWN_INHERITED},
        .process_group = -1,
        .group = SPAWN_NO_ID,
        .user = SPAWN_NO_ID,
    };

    ASSERT_OK(eddy__child_start(loop, &spawn, child_ended, child));
}

static void assert_no_children(void) {
    ASSERT_INT_EQ(waitpid(-1, NULL, WNOHANG), -1);
    ASSERT_INT_EQ(errno, ECHILD);
}

TEST(a_child_that_ends_is_reaped_and_told_of) {
    LOOP loop = loop_of_clock(EDDY_CLOCK_MONOTONIC);
    struct eddy__child child;

    start(loop, "exit 3", &child);
    if (!child.has_ended)
        ASSERT_OK(eddy_loop_run_forever(loop));
    ASSERT_OK(child.result);
    ASSERT_INT_EQ(child.status, 3);
    ASSERT_INT_EQ(child.pidfd, -1);
    assert_no_children();
    ASSERT_CODE(-ESRCH, eddy__child_signal(&child, SIGTERM));
}

TEST(a_signal_ends_it) {
    LOOP loop = loop_of_clock(EDDY_CLOCK_MONOTONIC);
    struct eddy__child child;

    start(loop, "exec sleep 100", &child);
    ASSERT_OK(eddy__child_signal(&child, SIGTERM));
    ASSERT_OK(eddy_loop_run_forever(loop));
    ASSERT_INT_EQ(child.status, -SIGTERM);
}

TEST(a_loop_that_closes_kills_and_reaps) {
    eddy_loop *loop = loop_of_clock(EDDY_CLOCK_MONOTONIC);
    struct eddy__child children[3];

    for (int i = 0; i < 3; i++)
        start(loop, "trap '' TERM; exec sleep 100", &children[i]);
    test_loop_closep(&loop);
    for (int i = 0; i < 3; i++) {
        ASSERT(children[i].has_ended);
        ASSERT_OK(children[i].result);
        ASSERT_INT_EQ(children[i].status, -SIGKILL);
    }
    assert_no_children();
}
