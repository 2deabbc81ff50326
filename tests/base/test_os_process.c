/* SPDX-License-Identifier: MIT
 * test_os_process.c - statuses by pidfd, and the numbers of users. */
#include "os_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os.h"
#include "test.h"

static pid_t forked(int status) {
    pid_t pid = fork();

    if (pid == 0)
        _exit(status);
    ASSERT(pid > 0);
    return pid;
}

static pid_t forked_to_pause(void) {
    pid_t pid = fork();

    while (pid == 0)
        pause();
    ASSERT(pid > 0);
    return pid;
}

TEST(a_status_is_what_it_exited_with_or_a_negative_signal) {
    pid_t pid = forked(7);
    int fd = eddy__os_pidfd_open(pid), status = -1000;

    ASSERT_OK(fd);
    ASSERT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    ASSERT_OK(eddy__os_pidfd_wait(fd, true, &status));
    ASSERT_INT_EQ(status, 7);
    eddy__os_close(fd);

    pid = forked_to_pause();
    fd = eddy__os_pidfd_open(pid);
    ASSERT_CODE(-EAGAIN, eddy__os_pidfd_wait(fd, false, &status));
    ASSERT_OK(eddy__os_pidfd_signal(fd, pid, SIGTERM));
    ASSERT_OK(eddy__os_pidfd_wait(fd, true, &status));
    ASSERT_INT_EQ(status, -SIGTERM);
    ASSERT_CODE(-ESRCH, eddy__os_pidfd_signal(fd, pid, SIGTERM));
    eddy__os_close(fd);
}

TEST(a_status_that_was_taken_is_told_or_is_ECHILD) {
    pid_t pid = forked(7);
    int fd = eddy__os_pidfd_open(pid), status = -1000, r;

    ASSERT_INT_EQ(waitpid(pid, NULL, 0), pid);
    r = eddy__os_pidfd_wait(fd, true, &status);
    ASSERT(r == -ECHILD || (r == 0 && status == 7));
    eddy__os_close(fd);
}

TEST(reaping_waits_for_the_end) {
    eddy__os_reap(forked(0));
    ASSERT_INT_EQ(waitpid(-1, NULL, WNOHANG), -1);
    ASSERT_INT_EQ(errno, ECHILD);
}

TEST(users_and_groups_have_names_or_numbers) {
    uid_t user = 1;
    gid_t group = 1;

    ASSERT_OK(eddy__os_user_id("root", &user));
    ASSERT_OK(eddy__os_group_id("root", &group));
    ASSERT_INT_EQ(user, 0);
    ASSERT_INT_EQ(group, 0);
    ASSERT_OK(eddy__os_user_id("1234", &user));
    ASSERT_INT_EQ(user, 1234);
}

TEST(what_is_neither_is_ENOENT) {
    static const char *const texts[] = {"",   "no-such-name", "12x",
                                        "-1", "4294967295",   "99999999999999999999"};
    uid_t user = 1;

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        ASSERT_CODE(-ENOENT, eddy__os_user_id(texts[i], &user));
    ASSERT_INT_EQ(user, 1);
}
