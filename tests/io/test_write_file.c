/* SPDX-License-Identifier: MIT
 * test_write_file.c - files written whole, in place or beside. */
#include <errno.h>
#include <unistd.h>

#include "disk.h"
#include "net.h"

static int mode_of(const char *path) {
    struct stat status;

    ASSERT_INT_EQ(lstat(path, &status), 0);
    return status.st_mode & 07777;
}

TASK_TEST(a_file_is_made_or_replaced) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    mode_t before = umask(022);

    ASSERT_OK(eddy_write_file(in(&folder, "a"), "a long text", 11, NULL));
    ASSERT_OK(eddy_write_file(in(&folder, "a"), "short", 5, NULL));
    ASSERT_STR_EQ(contents(in(&folder, "a")), "short");
    ASSERT_INT_EQ(mode_of(in(&folder, "a")), 0644);
    ASSERT_OK(eddy_write_file(in(&folder, "b"), NULL, 0,
                              &(eddy_write_file_options){.mode = 0600, .sync = true}));
    ASSERT_STR_EQ(contents(in(&folder, "b")), "");
    ASSERT_INT_EQ(mode_of(in(&folder, "b")), 0600);
    umask(before);
    return 0;
}

TASK_TEST(text_is_appended) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const eddy_write_file_options append = {.append = true};

    ASSERT_OK(eddy_write_file(in(&folder, "a"), "one ", 4, &append));
    ASSERT_OK(eddy_write_file(in(&folder, "a"), "two", 3, &append));
    ASSERT_STR_EQ(contents(in(&folder, "a")), "one two");
    ASSERT_CODE(-EINVAL,
                eddy_write_file(in(&folder, "a"), "x", 1,
                                &(eddy_write_file_options){.append = true, .atomic = true}));
    return 0;
}

TASK_TEST(an_atomic_write_makes_another_file_with_the_old_ones_mode) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const eddy_write_file_options atomic = {.atomic = true, .sync = true};
    mode_t before = umask(022);
    int old;

    put(in(&folder, "a"), "old");
    chmod(in(&folder, "a"), 0751);
    old = open(in(&folder, "a"), O_RDONLY);
    ASSERT_OK(eddy_write_file(in(&folder, "a"), "new", 3, &atomic));
    ASSERT_STR_EQ(contents(in(&folder, "a")), "new");
    ASSERT_INT_EQ(mode_of(in(&folder, "a")), 0751);
    char text[4] = "";
    ASSERT_INT_EQ(read(old, text, 3), 3);
    ASSERT_STR_EQ(text, "old");
    close(old);
    ASSERT_OK(eddy_write_file(in(&folder, "b"), "new", 3, &atomic));
    ASSERT_INT_EQ(mode_of(in(&folder, "b")), 0644);
    ASSERT_INT_EQ(entries_of(&folder), 2);
    umask(before);
    return 0;
}

TASK_TEST(an_atomic_write_follows_a_link) {
    CLEANUP(folder_remove) struct folder folder = folder_make();

    ASSERT_INT_EQ(mkdir(in(&folder, "d"), 0700), 0);
    put(in(&folder, "d/a"), "old");
    ASSERT_INT_EQ(symlink("d/a", in(&folder, "link")), 0);
    ASSERT_OK(
        eddy_write_file(in(&folder, "link"), "new", 3, &(eddy_write_file_options){.atomic = true}));
    ASSERT_STR_EQ(contents(in(&folder, "d/a")), "new");
    ASSERT_INT_EQ(entries_of(&folder), 2);
    return 0;
}

TASK_TEST(a_name_in_the_current_folder_needs_no_path) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const eddy_write_file_options atomic = {.atomic = true, .sync = true};

    ASSERT_INT_EQ(chdir(folder.path), 0);
    ASSERT_OK(eddy_write_file("a", "new", 3, &atomic));
    ASSERT_STR_EQ(contents("a"), "new");
    ASSERT_INT_EQ(chdir("/"), 0);
    return 0;
}

TASK_TEST(the_longest_name_is_written_atomically_too) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    char name[256];

    memset(name, 'n', 255);
    name[255] = '\0';
    ASSERT_OK(
        eddy_write_file(in(&folder, name), "new", 3, &(eddy_write_file_options){.atomic = true}));
    ASSERT_STR_EQ(contents(in(&folder, name)), "new");
    ASSERT_INT_EQ(entries_of(&folder), 1);
    return 0;
}

TASK_TEST(what_cannot_be_written_is_told_and_leaves_nothing) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const eddy_write_file_options atomic = {.atomic = true};

    mkfifo(in(&folder, "fifo"), 0600);
    ASSERT_CODE(-ENOENT, eddy_write_file("/no/such/file", "x", 1, NULL));
    ASSERT_STR_EQ(eddy_last_error()->message, "cannot write \"/no/such/file\": No such file or "
                                              "directory (0 of 1 bytes were written)");
    ASSERT_CODE(-ENOENT, eddy_write_file("/no/such/file", "x", 1, &atomic));
    ASSERT_CODE(-EISDIR, eddy_write_file(folder.path, "x", 1, NULL));
    ASSERT_CODE(-EISDIR, eddy_write_file(folder.path, "x", 1, &atomic));
    ASSERT_CODE(-ESPIPE, eddy_write_file(in(&folder, "fifo"), "x", 1, NULL));
    ASSERT_INT_EQ(entries_of(&folder), 1);
    return 0;
}
