/* SPDX-License-Identifier: MIT
 * test_process_options.c - each option but those of the streams, by what the child sees. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "processes.h"

/* --- where and with what ---------------------------------------------------------------------- */

PROCESS_TEST(it_runs_in_its_directory) {
    ASSERT_STR_EQ(shell_output("pwd -P", OPTIONS(.directory = "/proc")), "/proc\n");
    return 0;
}

PROCESS_TEST(it_has_the_environment_it_was_given) {
    ASSERT_STR_EQ(shell_output("/usr/bin/env | grep -v -e ^PWD= -e ^SHLVL= -e ^_=",
                               OPTIONS(.environment = ARGUMENTS("A=1", "B=two words"))),
                  "A=1\nB=two words\n");
    return 0;
}

PROCESS_TEST(else_it_has_ours) {
    setenv("EDDY_TEST_VARIABLE", "here", 1);
    ASSERT_STR_EQ(shell_output("echo $EDDY_TEST_VARIABLE", NULL), "here\n");
    return 0;
}

TEST(a_program_without_an_environment_has_children_without_one) {
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        clearenv();
        eddy_process *process = NULL;
        int r = eddy_process_run(ARGUMENTS("env"), NULL, (eddy_slice){0}, &process);
        _exit(r == 0 && eddy_process_output(process).size == 0 ? 0 : 1);
    }
    ASSERT_INT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_INT_EQ(status, 0);
}

/* A number that a pipe would get. */
PROCESS_TEST(a_closed_descriptor_does_not_become_a_pipe_of_ours) {
    eddy_process *process = NULL;
    int fd = dup(0);

    close(fd);
    ASSERT_CODE(-EBADF,
                eddy_process_spawn(ARGUMENTS("true"),
                                   OPTIONS(.input = EDDY_PROCESS_PIPE, .output = fd), &process));
    ASSERT_CODE(-EBADF,
                eddy_process_spawn(ARGUMENTS("true"), OPTIONS(.pass_fds = &fd, .pass_fds_count = 1),
                                   &process));
    return 0;
}

PROCESS_TEST(the_program_is_looked_for_in_the_path_it_will_have) {
    eddy_process *process = NULL;

    ASSERT_CODE(-ENOENT,
                eddy_process_spawn(ARGUMENTS("true"),
                                   OPTIONS(.environment = ARGUMENTS("PATH=/no:/where")), &process));
    ASSERT_OK(eddy_process_spawn(
        ARGUMENTS("true"), OPTIONS(.environment = ARGUMENTS("PATH=/no:/bin:/usr/bin")), &process));
    ASSERT_INT_EQ(eddy_process_wait(process, NULL), 0);
    eddy_process_close(process);
    ASSERT_OK(
        eddy_process_spawn(ARGUMENTS("true"), OPTIONS(.environment = ARGUMENTS("A=B")), &process));
    ASSERT_INT_EQ(eddy_process_wait(process, NULL), 0);
    eddy_process_close(process);
    return 0;
}

PROCESS_TEST(an_empty_element_of_the_path_is_its_directory) {
    eddy_process *process = NULL;

    ASSERT_OK(eddy_process_spawn(
        ARGUMENTS("true"), OPTIONS(.environment = ARGUMENTS("PATH=/no:"), .directory = "/bin"),
        &process));
    ASSERT_INT_EQ(eddy_process_wait(process, NULL), 0);
    eddy_process_close(process);
    return 0;
}

/* A directory of that name is found first, and cannot be run: the search goes on. */
PROCESS_TEST(the_search_goes_on_past_what_may_not_be_run) {
    eddy_process *process = NULL;

    mkdir("/tmp/eddy-process-path", 0700);
    mkdir("/tmp/eddy-process-path/true", 0700);
    ASSERT_OK(eddy_process_spawn(
        ARGUMENTS("true"),
        OPTIONS(.environment = ARGUMENTS("PATH=/tmp/eddy-process-path:/bin:/usr/bin")), &process));
    ASSERT_INT_EQ(eddy_process_wait(process, NULL), 0);
    eddy_process_close(process);
    process = NULL;
    ASSERT_CODE(-EACCES, eddy_process_spawn(
                             ARGUMENTS("true"),
                             OPTIONS(.environment = ARGUMENTS("PATH=/tmp/eddy-process-path:/no")),
                             &process));
    rmdir("/tmp/eddy-process-path/true");
    rmdir("/tmp/eddy-process-path");
    return 0;
}

PROCESS_TEST(the_first_argument_may_be_another_name_than_the_programs) {
    CLEANUP(process_closep) eddy_process *process = NULL;

    ASSERT_OK(eddy_process_run(ARGUMENTS("my-name", "-c", "echo $0"), OPTIONS(.program = "sh"),
                               (eddy_slice){0}, &process));
    ASSERT_SLICE_EQ(eddy_process_output(process), "my-name\n");
    return 0;
}

PROCESS_TEST(arguments_come_as_they_are) {
    CLEANUP(process_closep) eddy_process *process = NULL;

    ASSERT_OK(eddy_process_run(ARGUMENTS("printf", "%s|", "a b", "", "*", "$x", "\"'"), NULL,
                               (eddy_slice){0}, &process));
    ASSERT_SLICE_EQ(eddy_process_output(process), "a b||*|$x|\"'|");
    return 0;
}

/* --- sessions and groups of processes --------------------------------------------------------- */

/* Numbers 4, 5 and 6 of its line in /proc: its parent, its process group, its session. */
static void read_ids(eddy_process *process, int ids[3]) {
    char path[32], line[512] = "";
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", eddy_process_pid(process));
    file = fopen(path, "re");
    ASSERT_NOT_NULL(file);
    ASSERT_NOT_NULL(fgets(line, sizeof(line), file));
    fclose(file);
    ASSERT_INT_EQ(sscanf(strrchr(line, ')') + 2, "%*c %d %d %d", &ids[0], &ids[1], &ids[2]), 3);
}

PROCESS_TEST(it_is_in_our_session_and_process_group) {
    CLEANUP(process_closep) eddy_process *process = spawn_shell("exec sleep 100", NULL);
    int ids[3];

    read_ids(process, ids);
    ASSERT_INT_EQ(ids[0], getpid());
    ASSERT_INT_EQ(ids[1], getpgrp());
    ASSERT_INT_EQ(ids[2], getsid(0));
    return 0;
}

PROCESS_TEST(it_may_lead_a_session) {
    CLEANUP(process_closep)
    eddy_process *process = spawn_shell("exec sleep 100", OPTIONS(.new_session = true));
    int ids[3];

    read_ids(process, ids);
    ASSERT_INT_EQ(ids[1], eddy_process_pid(process));
    ASSERT_INT_EQ(ids[2], eddy_process_pid(process));
    return 0;
}

PROCESS_TEST(it_may_lead_a_process_group_and_others_enter_it) {
    CLEANUP(process_closep)
    eddy_process *leader = spawn_shell("exec sleep 100", OPTIONS(.new_process_group = true));
    CLEANUP(process_closep)
    eddy_process *other =
        spawn_shell("exec sleep 100", OPTIONS(.process_group = eddy_process_pid(leader)));
    int ids[3];

    read_ids(leader, ids);
    ASSERT_INT_EQ(ids[1], eddy_process_pid(leader));
    ASSERT_INT_EQ(ids[2], getsid(0));
    read_ids(other, ids);
    ASSERT_INT_EQ(ids[1], eddy_process_pid(leader));
    return 0;
}

PROCESS_TEST(a_process_group_that_is_not_there_is_named) {
    eddy_process *process = NULL;

    ASSERT_CODE(-EPERM, eddy_process_spawn(ARGUMENTS("true"), OPTIONS(.process_group = 0x3fffff),
                                           &process));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "cannot enter the process group 4194303");
    return 0;
}

PROCESS_TEST(options_that_contradict_each_other_are_refused) {
    eddy_process *process = NULL;

    ASSERT_CODE(-EINVAL, eddy_process_spawn(ARGUMENTS("true"),
                                            OPTIONS(.new_session = true, .new_process_group = true),
                                            &process));
    ASSERT_CODE(-EINVAL, eddy_process_spawn(ARGUMENTS("true"),
                                            OPTIONS(.process_group = 5, .new_process_group = true),
                                            &process));
    ASSERT_CODE(-EINVAL,
                eddy_process_spawn(ARGUMENTS("true"), OPTIONS(.process_group = -5), &process));
    ASSERT_CODE(-EINVAL,
                eddy_process_spawn(ARGUMENTS("true"), OPTIONS(.pass_fds_count = -1), &process));
    ASSERT_CODE(-EINVAL,
                eddy_process_spawn(ARGUMENTS("true"), OPTIONS(.death_signal = 1000), &process));
    return 0;
}

/* --- signals ---------------------------------------------------------------------------------- */

/* The kernel's masks, as its own /proc shows them to the child. */
static const char *signals_of_child(bool keep) {
    return shell_output("exec sed -n '/^Sig[BIC]/p' /proc/self/status",
                        OPTIONS(.keep_signals = keep));
}

static void do_nothing(int signo) {
    (void)signo;
}

static void set_signals(void) {
    sigset_t mask;

    for (int signo = 1; signo < NSIG; signo++)
        signal(signo, SIG_DFL); /* a shell's background jobs ignore some */
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, do_nothing);
}

/* SIGHUP is 1, SIGUSR2 12, SIGPIPE 13. */
PROCESS_TEST(it_begins_with_no_signal_blocked_and_no_handler) {
    set_signals();
    ASSERT_STR_EQ(
        signals_of_child(false),
        "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000001\nSigCgt:\t0000000000000000\n");
    return 0;
}

PROCESS_TEST(it_may_keep_what_is_blocked_and_ignored) {
    set_signals();
    ASSERT_STR_EQ(
        signals_of_child(true),
        "SigBlk:\t0000000000000800\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000000\n");
    return 0;
}

PROCESS_TEST(our_own_signals_are_as_they_were) {
    sigset_t before, after;

    set_signals();
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    ASSERT_INT_EQ(shell("exit 0", NULL), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int signo = 1; signo < NSIG; signo++)
        ASSERT_INT_EQ(sigismember(&before, signo), sigismember(&after, signo));
    ASSERT(signal(SIGUSR1, SIG_DFL) == do_nothing);
    return 0;
}

static int death_signal_spawned;

static int spawn_mortal(void *unused) {
    (void)unused;
    eddy_process *process = spawn_shell("exec sleep 100", OPTIONS(.death_signal = SIGTERM));
    death_signal_spawned = eddy_process_pid(process);
    return 0;
}

/* In a parent that ends without a word. */
TEST(it_may_be_told_of_its_parents_death) {
    int fds[2], pid = 0, status;
    pid_t parent;

    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
        printf("skipped: no subreaper here, who would inherit the child\n");
        return;
    }
    ASSERT_INT_EQ(pipe(fds), 0);
    parent = fork();
    if (parent == 0) {
        spawn_mortal(NULL);
        if (write(fds[1], &death_signal_spawned, sizeof(int)) != sizeof(int))
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    ASSERT_INT_EQ(read(fds[0], &pid, sizeof(pid)), sizeof(pid));
    ASSERT_INT_EQ(waitpid(parent, &status, 0), parent);
    ASSERT_INT_EQ(waitpid(pid, &status, 0), pid); /* we have inherited it */
    ASSERT(WIFSIGNALED(status));
    ASSERT_INT_EQ(WTERMSIG(status), SIGTERM);
    close(fds[0]);
    close(fds[1]);
}

/* --- descriptors ------------------------------------------------------------------------------ */

static const char *descriptors_of_child(const eddy_process_options *options) {
    return shell_output(
        "for fd in /proc/$$/fd/*; do n=${fd##*/}; [ -e $fd ] && [ $n -gt 2 ] && [ $n -lt 60 ] && "
        "echo $n; done; exit 0",
        options);
}

PROCESS_TEST(it_has_no_descriptor_of_ours) {
    int fd = dup(0), high = dup2(0, 55);

    ASSERT_STR_EQ(descriptors_of_child(NULL), "");
    close(fd);
    close(high);
    return 0;
}

PROCESS_TEST(descriptors_may_be_passed) {
    int first = dup2(0, 50), second = fcntl(0, F_DUPFD_CLOEXEC, 52), other = dup2(0, 54);
    const int passed[] = {first, second};

    ASSERT_STR_EQ(descriptors_of_child(OPTIONS(.pass_fds = passed, .pass_fds_count = 2)),
                  "50\n52\n");
    ASSERT_INT_EQ(fcntl(second, F_GETFD), FD_CLOEXEC);
    close(first), close(second), close(other);
    return 0;
}

PROCESS_TEST(or_all_that_are_not_close_on_exec) {
    int first = dup2(0, 50), second = fcntl(0, F_DUPFD_CLOEXEC, 52);
    const int passed[] = {second};

    ASSERT_STR_CONTAINS(descriptors_of_child(OPTIONS(.keep_fds = true)), "50\n");
    ASSERT_NULL(strstr(descriptors_of_child(OPTIONS(.keep_fds = true)), "52\n"));
    ASSERT_STR_CONTAINS(
        descriptors_of_child(OPTIONS(.keep_fds = true, .pass_fds = passed, .pass_fds_count = 1)),
        "52\n");
    close(first), close(second);
    return 0;
}

PROCESS_TEST(a_descriptor_that_is_not_open_cannot_be_passed) {
    eddy_process *process = NULL;
    const int passed[] = {1000};

    ASSERT_CODE(-EBADF,
                eddy_process_spawn(ARGUMENTS("true"),
                                   OPTIONS(.pass_fds = passed, .pass_fds_count = 1), &process));
    ASSERT_STR_EQ(eddy_last_error()->message,
                  "the descriptor 1000, which is to be passed to a process, is not open");
    return 0;
}

/* --- who it is -------------------------------------------------------------------------------- */

PROCESS_TEST(it_has_its_umask) {
    ASSERT_STR_EQ(shell_output("umask", OPTIONS(.set_umask = true, .umask = 0)), "0000\n");
    ASSERT_STR_EQ(shell_output("umask", OPTIONS(.set_umask = true, .umask = 027)), "0027\n");
    umask(022);
    ASSERT_STR_EQ(shell_output("umask", NULL), "0022\n");
    return 0;
}

PROCESS_TEST(it_may_be_nicer_than_we) {
    char expected[16];

    snprintf(expected, sizeof(expected), "%d\n", MIN(getpriority(PRIO_PROCESS, 0) + 3, 19));
    ASSERT_STR_EQ(shell_output("nice", OPTIONS(.nice = 3)), expected);
    return 0;
}

static bool is_root(void) {
    if (geteuid() == 0)
        return true;
    printf("skipped: only root may become another user\n");
    return false;
}

PROCESS_TEST(it_may_be_another_user) {
    if (!is_root())
        return 0;
    ASSERT_STR_EQ(shell_output("id -u; id -g; id -G", OPTIONS(.user = "65534", .group = "65533",
                                                              .groups = ARGUMENTS("1", "2"))),
                  "65534\n65533\n65533 1 2\n");
    ASSERT_STR_EQ(shell_output("id -un", OPTIONS(.user = "nobody")), "nobody\n");
    ASSERT_STR_EQ(shell_output("grep -E '^(Uid|Gid)' /proc/self/status",
                               OPTIONS(.user = "65534", .group = "65533")),
                  "Uid:\t65534\t65534\t65534\t65534\nGid:\t65533\t65533\t65533\t65533\n");
    return 0;
}

PROCESS_TEST(it_may_have_no_supplementary_groups) {
    const char *none[] = {NULL};

    if (!is_root())
        return 0;
    ASSERT_STR_EQ(
        shell_output("grep -c '^Groups:[[:space:]]*$' /proc/self/status", OPTIONS(.groups = none)),
        "1\n");
    return 0;
}

PROCESS_TEST(a_user_that_is_not_there_is_named) {
    eddy_process *process = NULL;

    ASSERT_CODE(-EINVAL,
                eddy_process_spawn(ARGUMENTS("true"), OPTIONS(.user = "no-such-user"), &process));
    ASSERT_STR_EQ(eddy_last_error()->message,
                  "cannot run \"true\": there is no user \"no-such-user\"");
    ASSERT_CODE(-EINVAL,
                eddy_process_spawn(ARGUMENTS("true"), OPTIONS(.group = "no-such-group"), &process));
    ASSERT_CODE(-EINVAL, eddy_process_spawn(ARGUMENTS("true"),
                                            OPTIONS(.groups = ARGUMENTS("0", "99x")), &process));
    return 0;
}

/* As nobody, who may not become root; and how a child that is another user's withstands. */
TEST(who_may_not_become_another_user_is_told) {
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        eddy_process *process = NULL;
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
            _exit(1);
        int r = eddy_process_spawn(ARGUMENTS("true"), OPTIONS(.user = "0"), &process);
        if (r != -EPERM || !strstr(eddy_last_error()->message, "cannot become user \"0\""))
            _exit(2);
        r = eddy_process_spawn(ARGUMENTS("true"), OPTIONS(.group = "1", .user = "65534"), &process);
        _exit(r == -EPERM && strstr(eddy_last_error()->message, "cannot become group \"1\"") ? 0
                                                                                             : 3);
    }
    ASSERT_INT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_INT_EQ(status, 0);
}
