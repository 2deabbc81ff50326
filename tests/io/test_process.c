/* SPDX-License-Identifier: MIT
 * test_process.c - programs spawned, waited for, signalled: what comes back. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "processes.h"

/* --- how it ends ------------------------------------------------------------------------------ */

PROCESS_TEST(a_program_runs_and_returns_0) {
    CLEANUP(process_closep) eddy_process *process = NULL;
    int code = -1;

    ASSERT_OK(eddy_process_spawn(ARGUMENTS("true"), NULL, &process));
    ASSERT_OK(eddy_process_wait(process, &code));
    ASSERT_INT_EQ(code, 0);
    return 0;
}

PROCESS_TEST(the_exit_status_is_the_return_code) {
    ASSERT_INT_EQ(shell("exit 42", NULL), 42);
    ASSERT_INT_EQ(shell("exit 255", NULL), 255);
    return 0;
}

PROCESS_TEST(a_signal_is_a_negative_return_code) {
    ASSERT_INT_EQ(shell("kill -TERM $$", NULL), -SIGTERM);
    ASSERT_INT_EQ(shell("kill -KILL $$", NULL), -SIGKILL);
    return 0;
}

PROCESS_TEST(a_running_process_has_no_return_code) {
    CLEANUP(process_closep) eddy_process *process = spawn_shell("exec sleep 100", NULL);
    int code = 5;

    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_process_returncode(process, &code));
    ASSERT_INT_EQ(code, 5);
    ASSERT_OK(eddy_process_kill(process));
    ASSERT_OK(eddy_process_wait(process, NULL));
    ASSERT_OK(eddy_process_returncode(process, &code));
    ASSERT_INT_EQ(code, -SIGKILL);
    return 0;
}

PROCESS_TEST(an_ended_process_may_be_waited_for_again) {
    CLEANUP(process_closep) eddy_process *process = spawn_shell("exit 3", NULL);
    int code = -1;

    ASSERT_OK(eddy_process_wait(process, NULL));
    ASSERT_OK(eddy_process_wait(process, &code));
    ASSERT_INT_EQ(code, 3);
    return 0;
}

static int waits(void *process) {
    int code = -1, r = eddy_process_wait(process, &code);

    return r < 0 ? r : code;
}

PROCESS_TEST(any_number_of_tasks_may_wait) {
    CLEANUP(process_closep)
    eddy_process *process =
        spawn_shell("read x; exit 7", &(eddy_process_options){.input = EDDY_PROCESS_PIPE});
    eddy_task *tasks[3];
    int results[3];

    for (int i = 0; i < 3; i++)
        tasks[i] = eddy_create_task(waits, process);
    settle();
    eddy_stream_close(eddy_process_stdin(process));
    ASSERT_OK(eddy_gather_array(tasks, 3, results));
    for (int i = 0; i < 3; i++)
        ASSERT_INT_EQ(results[i], 7);
    return 0;
}

PROCESS_TEST(a_child_nobody_waits_for_is_no_zombie) {
    CLEANUP(process_closep) eddy_process *process = spawn_shell("exit 0", NULL);
    int code, r;

    while ((r = eddy_process_returncode(process, &code)) == EDDY_EINVALID_STATE)
        ASSERT_OK(eddy_sleep(1e-3));
    ASSERT_OK(r);
    ASSERT_INT_EQ(code, 0);
    assert_no_children();
    return 0;
}

PROCESS_TEST(a_child_that_ends_before_it_is_watched_is_noticed) {
    for (int i = 0; i < 50; i++)
        ASSERT_INT_EQ(shell("exit 1", NULL), 1);
    return 0;
}

static int waits_in_root(eddy_process *process) {
    int code;

    ASSERT_OK(eddy_process_wait(process, &code));
    return code;
}

TEST(a_plain_program_spawns_and_waits_without_a_task) {
    eddy_process *process = spawn_shell("exit 9", NULL);

    ASSERT_INT_EQ(waits_in_root(process), 9);
    eddy_process_close(process);
    assert_no_children();
}

/* --- signals ---------------------------------------------------------------------------------- */

PROCESS_TEST(terminate_kill_and_send_signal_reach_it) {
    static const struct {
        int (*send)(eddy_process *process);
        int signo;
    } ways[] = {{eddy_process_terminate, SIGTERM}, {eddy_process_kill, SIGKILL}};

    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        CLEANUP(process_closep) eddy_process *process = spawn_shell("exec sleep 100", NULL);
        ASSERT_OK(ways[i].send(process));
        ASSERT_INT_EQ(waits(process), -ways[i].signo);
    }
    CLEANUP(process_closep) eddy_process *process = spawn_shell("exec sleep 100", NULL);
    ASSERT_OK(eddy_process_send_signal(process, SIGUSR1));
    int code;
    ASSERT_OK(eddy_process_wait(process, &code));
    ASSERT_INT_EQ(code, -SIGUSR1);
    return 0;
}

PROCESS_TEST(an_ended_process_gets_no_signal) {
    CLEANUP(process_closep) eddy_process *process = spawn_shell("exit 0", NULL);

    ASSERT_OK(eddy_process_wait(process, NULL));
    ASSERT_CODE(-ESRCH, eddy_process_kill(process));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "has ended");
    return 0;
}

PROCESS_TEST(a_number_that_is_no_signal_is_refused) {
    CLEANUP(process_closep) eddy_process *process = spawn_shell("exec sleep 100", NULL);

    ASSERT_CODE(-EINVAL, eddy_process_send_signal(process, 1000));
    return 0;
}

/* --- what cannot be run ----------------------------------------------------------------------- */

static int fails_to_spawn(const char *program, const eddy_process_options *options) {
    eddy_process *process = NULL;
    int r = eddy_process_spawn(ARGUMENTS(program), options, &process);

    ASSERT_NULL(process);
    return r;
}

PROCESS_TEST(a_program_that_is_nowhere_is_ENOENT) {
    ASSERT_CODE(-ENOENT, fails_to_spawn("no-such-program", NULL));
    ASSERT_STR_EQ(eddy_last_error()->message,
                  "cannot run \"no-such-program\": No such file or directory");
    ASSERT_CODE(-ENOENT, fails_to_spawn("/no/such/program", NULL));
    ASSERT_CODE(-ENOENT, fails_to_spawn("", NULL));
    assert_no_children();
    return 0;
}

PROCESS_TEST(a_file_that_may_not_be_run_is_EACCES) {
    ASSERT_CODE(-EACCES, fails_to_spawn("/etc/passwd", NULL));
    ASSERT_CODE(-EACCES, fails_to_spawn("/tmp", NULL));
    return 0;
}

PROCESS_TEST(a_file_that_is_no_program_is_ENOEXEC) {
    char path[] = "/tmp/eddy-not-a-program-XXXXXX";
    int fd = mkstemp(path);

    ASSERT_INT_EQ(write(fd, "echo\n", 5), 5);
    ASSERT_INT_EQ(fchmod(fd, 0700), 0);
    close(fd);
    ASSERT_CODE(-ENOEXEC, fails_to_spawn(path, NULL));
    unlink(path);
    return 0;
}

PROCESS_TEST(a_directory_that_is_not_there_is_named) {
    ASSERT_CODE(-ENOENT, fails_to_spawn("true", &(eddy_process_options){.directory = "/no/where"}));
    ASSERT_STR_EQ(eddy_last_error()->message, "cannot run \"true\": cannot change to directory "
                                              "\"/no/where\": No such file or directory");
    return 0;
}

PROCESS_TEST(no_arguments_are_refused) {
    eddy_process *process = NULL;
    const char *none[] = {NULL};

    ASSERT_CODE(-EINVAL, eddy_process_spawn(none, NULL, &process));
    ASSERT_CODE(-EINVAL, eddy_process_spawn(NULL, NULL, &process));
    ASSERT_CODE(-EINVAL, eddy_process_spawn_shell(NULL, NULL, &process));
    return 0;
}

PROCESS_TEST(arguments_that_are_too_much_are_E2BIG) {
    eddy_process *process = NULL;
    char *much = calloc(1, 1 << 20);

    memset(much, 'x', (1 << 20) - 1);
    ASSERT_CODE(-E2BIG, eddy_process_spawn(ARGUMENTS("true", much), NULL, &process));
    free(much);
    return 0;
}

/* --- SIGCHLD is the user's -------------------------------------------------------------------- */

static volatile sig_atomic_t sigchld_count;

static void count_sigchld(int signo) {
    (void)signo;
    sigchld_count++;
}

PROCESS_TEST(a_handler_of_SIGCHLD_is_left_alone) {
    struct sigaction action = {.sa_handler = count_sigchld}, found;

    ASSERT_INT_EQ(sigaction(SIGCHLD, &action, NULL), 0);
    ASSERT_INT_EQ(shell("exit 5", NULL), 5);
    ASSERT_INT_EQ(sigaction(SIGCHLD, NULL, &found), 0);
    ASSERT(found.sa_handler == count_sigchld);
    ASSERT_INT_EQ(sigchld_count, 1);
    return 0;
}

/* Linux 6.15: whether a pidfd still tells the status when it was taken elsewhere. */
static bool kernel_remembers(void) {
    pid_t pid = fork();
    int fd;
    bool remembers;
    struct {
        uint64_t mask, rest[7];
    } info = {.mask = 1 << 3};

    if (pid == 0)
        _exit(0);
    fd = (int)syscall(SYS_pidfd_open, pid, 0);
    ASSERT_INT_EQ(waitpid(pid, NULL, 0), pid);
    remembers = ioctl(fd, _IOWR(0xFF, 11, uint64_t[8]), &info) == 0 && info.mask & 1 << 3;
    close(fd);
    return remembers;
}

/* The status was 6, if it can be known. */
static void assert_taken(eddy_process *process) {
    int code = -1000, r = eddy_process_wait(process, &code);

    if (kernel_remembers()) {
        ASSERT_OK(r);
        ASSERT_INT_EQ(code, 6);
        return;
    }
    ASSERT_CODE(-ECHILD, r);
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "has waited for it elsewhere");
    ASSERT_CODE(-ECHILD, eddy_process_returncode(process, &code));
}

PROCESS_TEST(a_status_that_was_taken_elsewhere_is_told_or_known_to_be_lost) {
    CLEANUP(process_closep)
    eddy_process *process =
        spawn_shell("read x; exit 6", &(eddy_process_options){.input = EDDY_PROCESS_PIPE});

    eddy_stream_close(eddy_process_stdin(process));
    ASSERT_INT_EQ(waitpid(eddy_process_pid(process), NULL, 0), eddy_process_pid(process));
    assert_taken(process);
    return 0;
}

PROCESS_TEST(where_SIGCHLD_is_ignored_the_end_is_noticed_all_the_same) {
    CLEANUP(process_closep) eddy_process *process = NULL;

    if (test_is_emulated()) {
        printf("skipped: the emulator has no CLONE_PIDFD, and the child is gone before a look\n");
        return 0;
    }
    signal(SIGCHLD, SIG_IGN);
    process = spawn_shell("exit 6", NULL);
    ASSERT(eddy_with_timeout(10, waits, process) != -ETIMEDOUT);
    signal(SIGCHLD, SIG_DFL);
    assert_taken(process);
    return 0;
}

/* --- many ------------------------------------------------------------------------------------- */

enum { MANY = UNDER_SANITIZER ? 200 : 1000, TASKS = 8 };

static int spawns_many(void *unused) {
    (void)unused;
    for (int i = 0; i < MANY / TASKS; i++) {
        CLEANUP(process_closep) eddy_process *process = NULL;
        int code = -1, r = eddy_process_run(ARGUMENTS("/bin/sh", "-c", "exit 4"), NULL,
                                            (eddy_slice){0}, &process);
        if (r < 0)
            return r;
        ASSERT_OK(eddy_process_returncode(process, &code));
        ASSERT_INT_EQ(code, 4);
    }
    return 0;
}

PROCESS_TEST(a_thousand_spawns_leave_nothing) {
    eddy_task *tasks[TASKS];
    int before = count_descriptors();

    for (int i = 0; i < TASKS; i++)
        tasks[i] = eddy_create_task(spawns_many, NULL);
    ASSERT_OK(eddy_gather_array(tasks, TASKS, NULL));
    assert_no_children();
    ASSERT(count_descriptors() <= before + 1);
    return 0;
}

TEST(a_hundred_run_at_once) {
    enum { COUNT = 100 };
    eddy_process *processes[COUNT];

    for (int i = 0; i < COUNT; i++)
        processes[i] =
            spawn_shell("read x; exit 2", &(eddy_process_options){.input = EDDY_PROCESS_PIPE});
    for (int i = 0; i < COUNT; i++)
        eddy_stream_close(eddy_process_stdin(processes[i]));
    for (int i = 0; i < COUNT; i++) {
        ASSERT_INT_EQ(waits_in_root(processes[i]), 2);
        eddy_process_close(processes[i]);
    }
    assert_no_children();
}
