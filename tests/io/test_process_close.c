/* SPDX-License-Identifier: MIT
 * test_process_close.c - children let go of, cancelled, out of time, or outlived by nothing. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "processes.h"

/* The process with this number is no child of ours any more. */
static bool is_reaped(int pid) {
    siginfo_t info;

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

static int await_reaped(int pid) {
    while (!is_reaped(pid)) {
        int r = eddy_sleep(1e-3);
        if (r < 0)
            return r;
    }
    return 0;
}

PROCESS_TEST(a_closed_process_is_killed_and_reaped) {
    eddy_process *process = spawn_shell("exec sleep 100", NULL);
    int pid = eddy_process_pid(process);

    ASSERT_NULL(eddy_process_close(process));
    return await_reaped(pid);
}

PROCESS_TEST(closing_an_ended_process_only_frees_it) {
    eddy_process *process = spawn_shell("exit 0", NULL);

    ASSERT_OK(eddy_process_wait(process, NULL));
    ASSERT_NULL(eddy_process_close(process));
    ASSERT_NULL(eddy_process_close(NULL));
    return 0;
}

PROCESS_TEST(a_loop_that_closes_reaps_what_was_just_let_go) {
    eddy_process_close(spawn_shell("exec sleep 100", NULL));
    return 0;
}

static eddy_process *left;

static int leave_one(void *unused) {
    (void)unused;
    left = spawn_shell(
        "trap '' TERM HUP; while :; do sleep 100; done",
        &(eddy_process_options){.output = EDDY_PROCESS_PIPE, .new_process_group = true});
    return 0;
}

TEST(a_process_outlives_its_loop_as_a_return_code) {
    int code, pid;

    ASSERT_OK(eddy_run(leave_one, NULL));
    assert_no_children();
    pid = eddy_process_pid(left);
    kill(-pid, SIGKILL); /* its sleep */
    ASSERT_OK(eddy_process_returncode(left, &code));
    ASSERT_INT_EQ(code, -SIGKILL);
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_process_wait(left, &code));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_process_kill(left));
    eddy_process_close(left);
}

/* --- who waits -------------------------------------------------------------------------------- */

static int waits(void *process) {
    return eddy_process_wait(process, NULL);
}

PROCESS_TEST(closing_wakes_who_waits) {
    eddy_process *process = spawn_shell("exec sleep 100", NULL);
    eddy_task *task = eddy_create_task(waits, process);

    settle();
    eddy_process_close(process);
    ASSERT_CODE(EDDY_ECLOSED, eddy_await(task));
    return 0;
}

static int closes_when_ended(void *process) {
    int r = eddy_process_wait(process, NULL);

    eddy_process_close(process);
    return r;
}

PROCESS_TEST(one_who_waits_may_close_before_the_other_has_its_turn) {
    eddy_process *process =
        spawn_shell("read x; exit 0", &(eddy_process_options){.input = EDDY_PROCESS_PIPE});
    eddy_task *first = eddy_create_task(closes_when_ended, process);
    eddy_task *second = eddy_create_task(waits, process);

    settle();
    eddy_stream_close(eddy_process_stdin(process));
    return eddy_gather(first, second);
}

PROCESS_TEST(a_cancelled_wait_leaves_the_child_running) {
    CLEANUP(process_closep) eddy_process *process = spawn_shell("exec sleep 100", NULL);
    eddy_task *task = eddy_create_task(waits, process);
    int code;

    settle();
    eddy_cancel(task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_process_returncode(process, &code));
    ASSERT_OK(eddy_process_terminate(process));
    ASSERT_OK(eddy_process_wait(process, &code));
    ASSERT_INT_EQ(code, -SIGTERM);
    return 0;
}

/* --- out of time ------------------------------------------------------------------------------ */

static int runs_for_ever(void *unused) {
    CLEANUP(process_closep) eddy_process *process = NULL;

    (void)unused;
    return eddy_process_run(ARGUMENTS("sleep", "100"), NULL, (eddy_slice){0}, &process);
}

PROCESS_TEST_VIRTUAL(a_run_that_is_out_of_time_leaves_no_child_and_no_pipe) {
    int before = count_descriptors();

    ASSERT_CODE(-ETIMEDOUT, eddy_with_timeout(5, runs_for_ever, NULL));
    while (count_zombies() || count_descriptors() > before)
        ASSERT_OK(eddy_sleep(1e-3));
    return 0;
}

PROCESS_TEST(a_run_may_be_cancelled_at_any_moment) {
    for (int turns = 0;; turns++) {
        eddy_task *task = eddy_create_task(runs_for_ever, NULL);
        for (int i = 0; i < turns; i++)
            eddy_sleep(1e-9);
        ASSERT(eddy_cancel(task));
        ASSERT_CODE(-ECANCELED, eddy_await(task));
        if (turns > 20)
            return 0;
    }
}

/* --- after a fork ----------------------------------------------------------------------------- */

TEST(a_forked_process_lets_go_without_harm) {
    eddy_process *process = spawn_shell("exec sleep 100", NULL);
    int code, status;
    pid_t pid = fork();

    if (pid == 0) {
        if (eddy_process_kill(process) != EDDY_EFORKED)
            _exit(1);
        if (eddy_process_wait(process, NULL) != EDDY_EFORKED)
            _exit(2);
        eddy_process_close(process);
        _exit(0);
    }
    ASSERT_INT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_INT_EQ(status, 0);
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_process_returncode(process, &code));
    ASSERT_OK(eddy_process_kill(process));
    ASSERT_OK(eddy_process_wait(process, &code));
    eddy_process_close(process);
}
