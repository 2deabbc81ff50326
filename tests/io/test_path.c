/* SPDX-License-Identifier: MIT
 * test_path.c - files by their names. */
#include <errno.h>
#include <unistd.h>

#include "disk.h"
#include "net.h"

TASK_TEST(stat_follows_a_link_and_lstat_does_not) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct stat status;

    put(in(&folder, "a"), "abc");
    ASSERT_OK(eddy_symlink("a", in(&folder, "link")));
    for (int cold = 0; cold < 2; cold++) {
        disk_cold(cold);
        ASSERT_OK(eddy_stat(in(&folder, "link"), &status));
        ASSERT(S_ISREG(status.st_mode));
        ASSERT_INT_EQ(status.st_size, 3);
        ASSERT_OK(eddy_lstat(in(&folder, "link"), &status));
        ASSERT(S_ISLNK(status.st_mode));
        ASSERT_CODE(-ENOENT, eddy_stat(in(&folder, "b"), &status));
        ASSERT_STR_CONTAINS(eddy_last_error()->message, "/b\": No such file or directory");
        ASSERT_CODE(-ENOTDIR, eddy_stat(in(&folder, "a/b"), &status));
        ASSERT_OK(eddy_stat("/proc/self/status", &status));
    }
    return 0;
}

TASK_TEST(a_link_says_where_it_points) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    char *target = NULL;

    ASSERT_OK(eddy_symlink("some/where else", in(&folder, "link")));
    ASSERT_INT_EQ(eddy_readlink(in(&folder, "link"), &target), 15);
    ASSERT_STR_EQ(target, "some/where else");
    eddy_free(target);
    put(in(&folder, "a"), "");
    ASSERT_CODE(-EINVAL, (int)eddy_readlink(in(&folder, "a"), &target));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "cannot read the link \"/tmp/");
    ASSERT_CODE(-EEXIST, eddy_symlink("b", in(&folder, "a")));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "/a\" to \"b\": File exists");
    return 0;
}

TASK_TEST(files_are_renamed_and_unlinked) {
    CLEANUP(folder_remove) struct folder folder = folder_make();

    put(in(&folder, "a"), "abc");
    put(in(&folder, "b"), "old");
    ASSERT_OK(eddy_rename(in(&folder, "a"), in(&folder, "b")));
    ASSERT(!exists(in(&folder, "a")));
    ASSERT_STR_EQ(contents(in(&folder, "b")), "abc");
    ASSERT_CODE(-ENOENT, eddy_rename(in(&folder, "a"), in(&folder, "c")));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "cannot rename \"/tmp/");
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "/c\": No such file or directory");
    ASSERT_OK(eddy_unlink(in(&folder, "b")));
    ASSERT_CODE(-ENOENT, eddy_unlink(in(&folder, "b")));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "cannot unlink \"/tmp/");
    return 0;
}

TASK_TEST(directories_are_made_and_removed) {
    CLEANUP(folder_remove) struct folder folder = folder_make();

    ASSERT_OK(eddy_mkdir(in(&folder, "d"), 0755));
    ASSERT_CODE(-EEXIST, eddy_mkdir(in(&folder, "d"), 0755));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "cannot make the directory \"/tmp/");
    put(in(&folder, "d/a"), "");
    ASSERT_CODE(-ENOTEMPTY, eddy_rmdir(in(&folder, "d")));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "/d\": Directory not empty");
    ASSERT_OK(eddy_unlink(in(&folder, "d/a")));
    ASSERT_OK(eddy_rmdir(in(&folder, "d")));
    ASSERT(!exists(in(&folder, "d")));
    return 0;
}

TASK_TEST(a_mode_is_changed) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct stat status;

    put(in(&folder, "a"), "");
    ASSERT_OK(eddy_chmod(in(&folder, "a"), 0751));
    ASSERT_OK(eddy_stat(in(&folder, "a"), &status));
    ASSERT_INT_EQ(status.st_mode & 07777, 0751);
    ASSERT_CODE(-ENOENT, eddy_chmod(in(&folder, "b"), 0600));
    return 0;
}

/* --- held ------------------------------------------------------------------------------------- */

static int unlink_it(void *path) {
    return eddy_unlink(path);
}

TASK_TEST(a_change_that_has_begun_is_waited_for) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const char *path = in(&folder, "a");
    eddy_task *task;

    put(path, "");
    disk_hold();
    task = eddy_create_task(unlink_it, (void *)path);
    disk_await(1);
    eddy_cancel(task);
    ASSERT_OK(eddy_sleep(0.005));
    ASSERT(!eddy_is_done(task));
    ASSERT(exists(path));
    disk_release();
    ASSERT_OK(eddy_await(task));
    ASSERT(!exists(path));
    return 0;
}
