/* SPDX-License-Identifier: MIT
 * test_file_read.c - reading: in one piece or in parts, from memory or from the disk. */
#include <errno.h>
#include <unistd.h>

#include "disk.h"
#include "file.h"
#include "net.h"

enum { MUCH = 5 << 20 };

static char *pattern(size_t size) {
    char *bytes = malloc(size);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 31 + i / 509);
    return bytes;
}

static void put_bytes(const char *path, const char *bytes, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT, 0644);

    ASSERT_INT_EQ(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static void read_much(const char *path, const char *expected) {
    CLEANUP(file_closep) eddy_file *file = opened(path, O_RDONLY);
    char *bytes = calloc(1, MUCH + 100);

    ASSERT_INT_EQ(eddy_file_read(file, bytes, MUCH + 100), MUCH);
    ASSERT(memcmp(bytes, expected, MUCH) == 0);
    ASSERT_INT_EQ(eddy_file_pread(file, bytes, MUCH, 12345), MUCH - 12345);
    ASSERT(memcmp(bytes, expected + 12345, MUCH - 12345) == 0);
    ASSERT_INT_EQ(eddy_file_tell(file), MUCH);
    free(bytes);
}

TASK_TEST(a_read_is_short_at_the_end_of_the_file_only) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    char *expected = pattern(MUCH);

    put_bytes(in(&folder, "a"), expected, MUCH);
    read_much(in(&folder, "a"), expected);
    disk_cold(true);
    read_much(in(&folder, "a"), expected);
    disk_cold(false);
    free(expected);
    return 0;
}

/* Twenty buffers of ten bytes each, every third of them empty. */
static void read_parts(const char *path) {
    CLEANUP(file_closep) eddy_file *file = opened(path, O_RDONLY);
    struct iovec parts[20];
    char bytes[20][10];

    memset(bytes, 0, sizeof(bytes));
    for (int i = 0; i < 20; i++)
        parts[i] = (struct iovec){bytes[i], i % 3 == 0 ? 0 : 10};
    ASSERT_INT_EQ(eddy_file_readv(file, parts, 20), 130);
    for (int i = 0, at = 0; i < 20; i++)
        for (int k = 0; k < 10; k++)
            ASSERT_INT_EQ(bytes[i][k], i % 3 == 0 ? 0 : 'a' + at++ % 26);
    ASSERT_INT_EQ(eddy_file_preadv(file, parts + 1, 2, 26), 20);
    ASSERT_INT_EQ(bytes[1][0], 'a');
    ASSERT_INT_EQ(eddy_file_tell(file), 130);
    ASSERT_CODE(-EINVAL, (int)eddy_file_readv(file, parts, -1));
    parts[1].iov_len = SIZE_MAX;
    ASSERT_CODE(-EINVAL, (int)eddy_file_readv(file, parts, 2));
    ASSERT_INT_EQ(eddy_file_tell(file), 130);
}

TASK_TEST(buffers_are_filled_one_after_the_other) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    char text[200];

    for (int i = 0; i < 200; i++)
        text[i] = (char)('a' + i % 26);
    put_bytes(in(&folder, "a"), text, sizeof(text));
    read_parts(in(&folder, "a"));
    disk_cold(true);
    read_parts(in(&folder, "a"));
    disk_cold(false);
    return 0;
}

TASK_TEST(a_read_before_the_start_is_an_error_and_one_behind_the_end_is_none) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = NULL;
    char byte;

    put(in(&folder, "a"), "abc");
    file = opened(in(&folder, "a"), O_RDONLY);
    ASSERT_CODE(-EINVAL, (int)eddy_file_pread(file, &byte, 1, -1));
    ASSERT_INT_EQ(eddy_file_pread(file, &byte, 1, 3), 0);
    ASSERT_INT_EQ(eddy_file_pread(file, &byte, 1, 1ll << 40), 0);
    ASSERT_INT_EQ(eddy_file_read(file, &byte, 0), 0);
    return 0;
}

TASK_TEST(what_cannot_be_read_says_so_with_its_name) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = opened(in(&folder, "a"), O_WRONLY | O_CREAT);
    char byte;

    ASSERT_CODE(-EBADF, (int)eddy_file_read(file, &byte, 1));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "cannot read \"/tmp/");
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "/a\": Bad file descriptor");
    return 0;
}

TASK_TEST(files_beyond_four_gigabytes_are_read_where_they_are) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = opened(in(&folder, "a"), O_RDWR | O_CREAT);
    char text[4];

    ASSERT_INT_EQ(eddy_file_pwrite(file, "far", 4, 5ll << 30), 4);
    ASSERT_INT_EQ(eddy_file_pread(file, text, 4, 5ll << 30), 4);
    ASSERT_STR_EQ(text, "far");
    ASSERT_INT_EQ(eddy_file_seek(file, 5ll << 30, SEEK_SET), 5ll << 30);
    ASSERT_INT_EQ(eddy_file_read(file, text, 4), 4);
    ASSERT_STR_EQ(text, "far");
    return 0;
}

/* The kernel reads past its cache: the memory it reads into must be aligned, ours need not be. */
TASK_TEST(a_file_that_passes_the_cache_by_is_read_as_any_other) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    char *expected = pattern(8192), *bytes = malloc(8192 + 1);
    eddy_file *file;
    int r;

    put_bytes(in(&folder, "a"), expected, 8192);
    r = eddy_file_open(in(&folder, "a"), O_RDONLY | O_DIRECT, 0, &file);
    if (r == 0) {
        ASSERT_INT_EQ(eddy_file_pread(file, bytes + 1, 4096, 4096), 4096);
        ASSERT(memcmp(bytes + 1, expected + 4096, 4096) == 0);
        ASSERT_OK(eddy_file_close(file));
    } else {
        ASSERT_CODE(-EINVAL, r); /* a filesystem that has none of it */
    }
    free(expected);
    free(bytes);
    return 0;
}

/* --- side by side ------------------------------------------------------------------------------
 */

struct reader {
    eddy_file *file;
    off_t offset;
    char byte;
};

static int read_one(void *arg) {
    struct reader *reader = arg;

    return (int)eddy_file_pread(reader->file, &reader->byte, 1, reader->offset);
}

static int read_next(void *arg) {
    struct reader *reader = arg;

    return (int)eddy_file_read(reader->file, &reader->byte, 1);
}

TASK_TEST(reads_at_offsets_go_side_by_side) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = NULL;
    struct reader readers[8];
    eddy_task *tasks[8];

    put(in(&folder, "a"), "abcdefgh");
    file = opened(in(&folder, "a"), O_RDONLY);
    disk_hold();
    for (int i = 0; i < 8; i++) {
        readers[i] = (struct reader){file, i, 0};
        tasks[i] = eddy_create_task(read_one, &readers[i]);
    }
    disk_await(8);
    disk_release();
    ASSERT_OK(eddy_gather_array(tasks, 8, NULL));
    for (int i = 0; i < 8; i++)
        ASSERT_INT_EQ(readers[i].byte, 'a' + i);
    return 0;
}

TASK_TEST(the_position_is_one_tasks_at_a_time) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = NULL;
    struct reader reader = {0};
    eddy_slice line;
    eddy_task *task;
    char byte;

    put(in(&folder, "a"), "abc");
    reader.file = file = opened(in(&folder, "a"), O_RDWR);
    disk_hold();
    task = eddy_create_task(read_next, &reader);
    disk_await(1);
    ASSERT_CODE(-EBUSY, (int)eddy_file_read(file, &byte, 1));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "another task uses the position of \"/tmp/");
    ASSERT_CODE(-EBUSY, (int)eddy_file_read_line(file, 0, &line));
    ASSERT_CODE(-EBUSY, (int)eddy_file_write(file, "x", 1));
    ASSERT_CODE(-EBUSY, (int)eddy_file_seek(file, 0, SEEK_SET));
    disk_release();
    ASSERT_INT_EQ(eddy_await(task), 1);
    ASSERT_INT_EQ(reader.byte, 'a');
    ASSERT_INT_EQ(eddy_file_read(file, &byte, 1), 1);
    ASSERT_INT_EQ(byte, 'b');
    return 0;
}

/* A row of reads that never wait is no reason that nobody else runs. */
static int read_a_thousand_times(void *file) {
    char byte;

    for (int i = 0; i < 1000; i++)
        ASSERT_INT_EQ(eddy_file_pread(file, &byte, 1, 0), 1);
    return 0;
}

static int count_turns(void *count) {
    while (eddy_yield() == 0)
        ++*(int *)count;
    return 0;
}

TASK_TEST(reads_from_memory_let_the_others_run_now_and_then) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = NULL;
    eddy_task *counter;
    int count = 0;

    put(in(&folder, "a"), "a");
    file = opened(in(&folder, "a"), O_RDONLY);
    counter = eddy_create_task(count_turns, &count);
    ASSERT_OK(eddy_await(eddy_create_task(read_a_thousand_times, file)));
    ASSERT(count >= 1000 / 64);
    eddy_cancel(counter);
    ASSERT_OK(eddy_await(counter));
    return 0;
}
