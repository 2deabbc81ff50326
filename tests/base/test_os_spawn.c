/* SPDX-License-Identifier: MIT
 * test_os_spawn.c - a child comes to be, or says at which step it did not. */
#include "os_spawn.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os.h"
#include "os_process.h"
#include "test.h"
#include "util.h"

/* A child that is as we are. */
static struct eddy__spawn spawn_of(const char *const *programs, const char *const *arguments) {
    static const char *const nothing[] = {NULL};

    return (struct eddy__spawn){
        .programs = programs,
        .arguments = arguments,
        .environment = nothing,
        .streams = {SPAWN_INHERITED, SPAWN_INHERITED, SPAWN_INHERITED},
        .process_group = -1,
        .group = SPAWN_NO_ID,
        .user = SPAWN_NO_ID,
    };
}

#define TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_no_children(void) {
    ASSERT_INT_EQ(waitpid(-1, NULL, WNOHANG), -1);
    ASSERT_INT_EQ(errno, ECHILD);
}

static int status_of(const struct eddy__spawn *spawn) {
    int status = -1000;

    ASSERT_OK(eddy__os_pidfd_wait(spawn->pidfd, true, &status));
    eddy__os_close(spawn->pidfd);
    return status;
}

TEST(a_child_runs_the_program_and_its_pidfd_tells_the_end) {
    struct eddy__spawn spawn = spawn_of(TEXTS("/bin/sh"), TEXTS("sh", "-c", "exit 5"));

    ASSERT_OK(eddy__os_spawn(&spawn));
    ASSERT(spawn.pid > 0);
    ASSERT_INT_EQ(status_of(&spawn), 5);
    assert_no_children();
}

TEST(programs_are_tried_in_turn) {
    struct eddy__spawn spawn = spawn_of(TEXTS("/no/sh", "/etc/passwd/sh", "/etc/passwd", "/bin/sh"),
                                        TEXTS("sh", "-c", "exit 6"));

    ASSERT_OK(eddy__os_spawn(&spawn));
    ASSERT_INT_EQ(status_of(&spawn), 6);
}

TEST(that_one_may_not_be_run_says_more_than_that_others_are_not_there) {
    struct eddy__spawn spawn = spawn_of(TEXTS("/no/sh", "/etc/passwd", "/no/sh"), TEXTS("sh"));

    ASSERT_CODE(-EACCES, eddy__os_spawn(&spawn));
    ASSERT_INT_EQ(spawn.step, SPAWN_EXEC);
}

TEST(a_step_that_fails_is_told_and_no_child_is_left) {
    const int absent[] = {999};
    const struct {
        enum eddy__spawn_step step;
        int code;
        struct eddy__spawn change;
    } cases[] = {
        {SPAWN_STREAMS, -EBADF, {.streams = {999, SPAWN_INHERITED, SPAWN_INHERITED}}},
        {SPAWN_DIRECTORY, -ENOENT, {.directory = "/no/where"}},
        {SPAWN_PROCESS_GROUP, -EPERM, {.process_group = 0x3fffff}},
        {SPAWN_DESCRIPTORS, -EBADF, {.passed = absent, .passed_count = 1}},
        {SPAWN_DEATH_SIGNAL, -EINVAL, {.death_signal = 1000}},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct eddy__spawn spawn = spawn_of(TEXTS("/bin/true"), TEXTS("true"));
        const struct eddy__spawn *change = &cases[i].change;
        if (cases[i].step == SPAWN_STREAMS)
            memcpy(spawn.streams, change->streams, sizeof(spawn.streams));
        spawn.directory = change->directory;
        spawn.process_group = change->process_group ? change->process_group : -1;
        spawn.passed = change->passed;
        spawn.passed_count = change->passed_count;
        spawn.death_signal = change->death_signal;
        ASSERT_CODE(cases[i].code, eddy__os_spawn(&spawn));
        ASSERT_INT_EQ(spawn.step, cases[i].step);
        ASSERT_INT_EQ(spawn.pidfd, -1);
        assert_no_children();
    }
}

TEST(errno_is_left_alone) {
    struct eddy__spawn spawn = spawn_of(TEXTS("/no/program"), TEXTS("program"));

    errno = EDOM;
    ASSERT_CODE(-ENOENT, eddy__os_spawn(&spawn));
    ASSERT_INT_EQ(errno, EDOM);
}

static volatile sig_atomic_t handled;

static void handle(int signo) {
    (void)signo;
    handled++;
}

/* A signal that comes meanwhile runs its handler here, once, and not in the child. */
TEST(signals_wait_until_the_child_is_another_program) {
    struct sigaction action = {.sa_handler = handle};
    struct eddy__spawn spawn = spawn_of(TEXTS("/bin/sh"), TEXTS("sh", "-c", "exit 0"));
    sigset_t now;

    sigaction(SIGCHLD, &action, NULL);
    for (int i = 0; i < 20; i++) {
        ASSERT_OK(eddy__os_spawn(&spawn));
        ASSERT_INT_EQ(status_of(&spawn), 0);
    }
    ASSERT_INT_EQ(handled, 20);
    sigprocmask(SIG_SETMASK, NULL, &now);
    ASSERT_INT_EQ(sigismember(&now, SIGCHLD), 0);
}
