/* SPDX-License-Identifier: MIT
 * test_file_write.c - writing: all of it, or an error that tells how much. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "net.h"

enum { MUCH = 3 << 20 };

TASK_TEST(what_is_written_is_in_the_file_and_the_position_behind_it) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = opened(in(&folder, "a"), O_RDWR | O_CREAT);

    for (int cold = 0; cold < 2; cold++) {
        disk_cold(cold);
        ASSERT_INT_EQ(eddy_file_seek(file, 0, SEEK_SET), 0);
        ASSERT_INT_EQ(eddy_file_write(file, "abc", 3), 3);
        ASSERT_INT_EQ(eddy_file_write(file, "def", 3), 3);
        ASSERT_INT_EQ(eddy_file_tell(file), 6);
        ASSERT_INT_EQ(eddy_file_pwrite(file, "X", 1, 1), 1);
        ASSERT_INT_EQ(eddy_file_tell(file), 6);
        ASSERT_UINT_EQ(eddy_file_written(file), 1);
        ASSERT_STR_EQ(contents(in(&folder, "a")), "aXcdef");
    }
    disk_cold(false);
    ASSERT_INT_EQ(eddy_file_write(file, "", 0), 0);
    return 0;
}

TASK_TEST(parts_are_written_one_after_the_other) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = opened(in(&folder, "a"), O_RDWR | O_CREAT);
    struct iovec parts[40];
    char expected[41] = "";

    for (int i = 0; i < 40; i++) {
        parts[i] = (struct iovec){(char *)"x0123456789" + i % 11, 1};
        expected[i] = "x0123456789"[i % 11];
    }
    ASSERT_INT_EQ(eddy_file_writev(file, parts, 40), 40);
    ASSERT_STR_EQ(contents(in(&folder, "a")), expected);
    ASSERT_INT_EQ(eddy_file_pwritev(file, parts, 2, 100), 2);
    ASSERT_INT_EQ(eddy_file_tell(file), 40);
    ASSERT_CODE(-EINVAL, (int)eddy_file_pwritev(file, parts, 2, -1));
    ASSERT_CODE(-EINVAL, (int)eddy_file_writev(file, parts, -2));
    return 0;
}

TASK_TEST(a_file_that_appends_writes_at_the_end_wherever_that_is) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = NULL;
    char text[8] = "";

    put(in(&folder, "a"), "abc");
    file = opened(in(&folder, "a"), O_RDWR | O_APPEND);
    ASSERT_INT_EQ(eddy_file_write(file, "d", 1), 1);
    ASSERT_INT_EQ(eddy_file_tell(file), 4);
    ASSERT_INT_EQ(eddy_file_seek(file, 0, SEEK_SET), 0);
    ASSERT_INT_EQ(eddy_file_read(file, text, 2), 2);
    ASSERT_INT_EQ(eddy_file_write(file, "e", 1), 1);
    ASSERT_INT_EQ(eddy_file_tell(file), 5);
    ASSERT_STR_EQ(contents(in(&folder, "a")), "abcde");
    ASSERT_CODE(-EINVAL, (int)eddy_file_pwrite(file, "x", 1, 0));
    return 0;
}

TASK_TEST(what_cannot_be_written_says_so) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = NULL;

    put(in(&folder, "a"), "abc");
    file = opened(in(&folder, "a"), O_RDONLY);
    ASSERT_CODE(-EBADF, (int)eddy_file_write(file, "x", 1));
    ASSERT_STR_CONTAINS(eddy_last_error()->message,
                        "/a\": Bad file descriptor (0 of 1 bytes were written)");
    ASSERT_UINT_EQ(eddy_file_written(file), 0);
    return 0;
}

/* The limit is a signal for who writes; the threads of files take none. */
TASK_TEST(a_limit_of_size_is_an_error_and_what_fits_is_told) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = NULL;
    const struct rlimit limit = {10000, 10000};
    char *data = calloc(1, MUCH);

    ASSERT_INT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    file = opened(in(&folder, "a"), O_WRONLY | O_CREAT);
    ASSERT_CODE(-EFBIG, (int)eddy_file_write(file, data, MUCH));
    ASSERT_UINT_EQ(eddy_file_written(file), 10000);
    ASSERT_INT_EQ(eddy_file_tell(file), 10000);
    ASSERT_STR_CONTAINS(eddy_last_error()->message,
                        ": File too large (10000 of 3145728 bytes were written)");
    ASSERT_CODE(-EFBIG, (int)eddy_file_write(file, data, 1));
    ASSERT_UINT_EQ(eddy_file_written(file), 0);
    free(data);
    return 0;
}

/* --- a full disk -------------------------------------------------------------------------------
 */

/* A filesystem in memory, of a megabyte, that only this process sees. False: not permitted. */
static bool mount_small(const char *path) {
    int can = unshare(CLONE_NEWNS);

    if (can < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return false;
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    return mount("eddy", path, "tmpfs", 0, "size=1m") == 0;
}

static void write_full(const char *path) {
    CLEANUP(file_closep) eddy_file *file = opened(path, O_RDWR | O_CREAT | O_TRUNC);
    char *data = malloc(MUCH), byte;

    memset(data, 'x', MUCH);
    ASSERT_CODE(-ENOSPC, (int)eddy_file_write(file, data, MUCH));
    ASSERT_UINT_EQ(eddy_file_written(file), 1 << 20);
    ASSERT_INT_EQ(eddy_file_tell(file), 1 << 20);
    ASSERT_STR_CONTAINS(eddy_last_error()->message,
                        ": No space left on device (1048576 of 3145728 bytes were written)");
    ASSERT_INT_EQ(eddy_file_pread(file, &byte, 1, (1 << 20) - 1), 1);
    ASSERT_INT_EQ(byte, 'x');
    ASSERT_CODE(-ENOSPC, (int)eddy_file_write(file, data, 1));
    ASSERT_OK(eddy_file_truncate(file, 0));
    ASSERT_INT_EQ(eddy_file_pwrite(file, data, 4096, 0), 4096);
    free(data);
}

static void write_whole_full(const struct folder *folder) {
    char *data = malloc(MUCH);

    memset(data, 'y', MUCH);
    put(in(folder, "whole"), "the old one");
    ASSERT_CODE(-ENOSPC, eddy_write_file(in(folder, "whole"), data, MUCH,
                                         &(eddy_write_file_options){.atomic = true}));
    ASSERT_STR_EQ(contents(in(folder, "whole")), "the old one");
    ASSERT_INT_EQ(entries_of(folder), 2);
    ASSERT_CODE(-ENOSPC, eddy_write_file(in(folder, "whole"), data, MUCH, NULL));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "/whole\": No space left on device (");
    ASSERT_INT_EQ(unlink(in(folder, "whole")), 0);
    free(data);
}

static void copy_full(const struct folder *folder) {
    CLEANUP(folder_remove) struct folder elsewhere = folder_make();

    put(in(&elsewhere, "much"), "x");
    ASSERT_INT_EQ(truncate(in(&elsewhere, "much"), 0), 0);
    eddy_file *file = opened(in(&elsewhere, "much"), O_WRONLY);
    char *data = calloc(1, MUCH);
    ASSERT_INT_EQ(eddy_file_write(file, data, MUCH), MUCH);
    ASSERT_OK(eddy_file_close(file));
    free(data);
    ASSERT_CODE(-ENOSPC, (int)eddy_copy_file(in(&elsewhere, "much"), in(folder, "copy"), NULL));
    ASSERT(!exists(in(folder, "copy")));
    ASSERT_INT_EQ(entries_of(folder), 1);
}

TASK_TEST(a_full_disk_is_an_error_that_tells_what_was_written) {
    CLEANUP(folder_remove) struct folder folder = folder_make();

    if (!mount_small(folder.path)) {
        printf("skipped: no small filesystem can be mounted here\n");
        return 0;
    }
    write_full(in(&folder, "a"));
    write_whole_full(&folder);
    copy_full(&folder);
    umount(folder.path);
    return 0;
}

/* --- the disk's own ----------------------------------------------------------------------------
 */

struct writer {
    eddy_file *file;
    const char *data;
    size_t size;
};

static int write_it(void *arg) {
    struct writer *writer = arg;

    return (int)eddy_file_write(writer->file, writer->data, writer->size);
}

TASK_TEST(a_write_that_no_thread_has_begun_is_cancelled_and_never_happens) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    eddy_file *files[33];
    struct writer writers[33];
    eddy_task *tasks[33];

    for (int i = 0; i < 33; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%d", i);
        files[i] = opened(in(&folder, name), O_WRONLY | O_CREAT);
        writers[i] = (struct writer){files[i], "data", 4};
    }
    disk_hold(); /* there are 32 threads */
    for (int i = 0; i < 33; i++)
        tasks[i] = eddy_create_task(write_it, &writers[i]);
    disk_await(32);
    eddy_cancel(tasks[32]);
    ASSERT_CODE(-ECANCELED, eddy_await(tasks[32]));
    disk_release();
    ASSERT_OK(eddy_gather_array(tasks, 32, NULL));
    ASSERT_STR_EQ(contents(in(&folder, "32")), "");
    ASSERT_STR_EQ(contents(in(&folder, "31")), "data");
    ASSERT_INT_EQ(eddy_file_tell(files[32]), 0);
    for (int i = 0; i < 33; i++)
        ASSERT_OK(eddy_file_close(files[i]));
    return 0;
}

TASK_TEST(a_write_that_has_begun_is_waited_for_and_its_result_stands) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = opened(in(&folder, "a"), O_WRONLY | O_CREAT);
    struct writer writer = {file, "data", 4};
    eddy_task *task;

    disk_hold();
    task = eddy_create_task(write_it, &writer);
    disk_await(1);
    eddy_cancel(task);
    for (int i = 0; i < 10; i++)
        ASSERT_OK(eddy_sleep(0.001));
    ASSERT(!eddy_is_done(task));
    disk_release();
    ASSERT_INT_EQ(eddy_await(task), 4);
    ASSERT_STR_EQ(contents(in(&folder, "a")), "data");
    return 0;
}
