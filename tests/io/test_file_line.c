/* SPDX-License-Identifier: MIT
 * test_file_line.c - lines of files, and what else moves the position meanwhile. */
#include <errno.h>
#include <unistd.h>

#include "disk.h"
#include "net.h"

#define ASSERT_LINE(file, text)                                                  \
    do {                                                                         \
        eddy_slice line_ = {0};                                                  \
        ASSERT_INT_EQ(eddy_file_read_line((file), 0, &line_), sizeof(text) - 1); \
        ASSERT_UINT_EQ(line_.size, sizeof(text) - 1);                            \
        ASSERT_MEM_EQ(line_.data, (text), sizeof(text) - 1);                     \
    } while (0)

TASK_TEST(lines_come_one_by_one_with_their_ends) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    eddy_slice line = {"untouched", 9};
    eddy_file *file;

    put(in(&folder, "a"), "first\n\nthird\nunended");
    for (int cold = 0; cold < 2; cold++) {
        file = opened(in(&folder, "a"), O_RDONLY);
        disk_cold(cold);
        ASSERT_LINE(file, "first\n");
        ASSERT_LINE(file, "\n");
        ASSERT_INT_EQ(eddy_file_tell(file), 7);
        ASSERT_LINE(file, "third\n");
        ASSERT_LINE(file, "unended");
        ASSERT_INT_EQ(eddy_file_read_line(file, 0, &line), 0);
        ASSERT_INT_EQ(eddy_file_read_line(file, 0, &line), 0);
        ASSERT_STR_EQ(line.data, "untouched");
        disk_cold(false);
        ASSERT_OK(eddy_file_close(file));
    }
    return 0;
}

/* Of every length around what is read at a time. */
TASK_TEST(ten_thousand_lines_of_all_lengths_are_read_whole) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    FILE *stream = fopen(in(&folder, "a"), "w");
    eddy_file *file;
    eddy_slice line;

    for (int i = 0; i < 10000; i++)
        fprintf(stream, "%*d\n", i % 300, i);
    fprintf(stream, "%*d\n", 60000, 1);
    fclose(stream);
    file = opened(in(&folder, "a"), O_RDONLY);
    for (int i = 0; i < 10000; i++) {
        ASSERT(eddy_file_read_line(file, 0, &line) > 0);
        ASSERT_INT_EQ(line.data[line.size - 1], '\n');
        ASSERT_INT_EQ(strtol(line.data, NULL, 10), i);
    }
    ASSERT_INT_EQ(eddy_file_read_line(file, 0, &line), 60001);
    ASSERT_INT_EQ(eddy_file_read_line(file, 0, &line), 0);
    ASSERT_OK(eddy_file_close(file));
    return 0;
}

TASK_TEST(a_line_beyond_the_limit_is_an_error_and_stays) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = NULL;
    eddy_slice line;

    put(in(&folder, "a"), "abcd\nefgh");
    file = opened(in(&folder, "a"), O_RDONLY);
    ASSERT_CODE(EDDY_ELIMIT, (int)eddy_file_read_line(file, 4, &line));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "/a\" is longer than 4 bytes");
    ASSERT_INT_EQ(eddy_file_tell(file), 0);
    ASSERT_INT_EQ(eddy_file_read_line(file, 5, &line), 5);
    ASSERT_CODE(EDDY_ELIMIT, (int)eddy_file_read_line(file, 3, &line));
    ASSERT_INT_EQ(eddy_file_read_line(file, 4, &line), 4);
    return 0;
}

TASK_TEST(lines_and_reads_and_seeks_agree_on_the_position) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = NULL;
    char text[4];

    put(in(&folder, "a"), "one\ntwo\nthree\nfour\n");
    file = opened(in(&folder, "a"), O_RDWR);
    ASSERT_LINE(file, "one\n");
    ASSERT_INT_EQ(eddy_file_read(file, text, 4), 4);
    ASSERT_MEM_EQ(text, "two\n", 4);
    ASSERT_LINE(file, "three\n");
    ASSERT_INT_EQ(eddy_file_seek(file, 1, SEEK_SET), 1);
    ASSERT_LINE(file, "ne\n");
    ASSERT_INT_EQ(eddy_file_pwrite(file, "TWO", 3, 4), 3);
    ASSERT_LINE(file, "TWO\n");
    ASSERT_INT_EQ(eddy_file_write(file, "THREE", 5), 5);
    ASSERT_LINE(file, "\n");
    ASSERT_OK(eddy_file_truncate(file, 16));
    ASSERT_LINE(file, "fo");
    return 0;
}

TASK_TEST(a_line_that_grows_is_read_on) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(file_closep) eddy_file *file = NULL;
    eddy_slice line;

    put(in(&folder, "a"), "one\n");
    file = opened(in(&folder, "a"), O_RDWR);
    ASSERT_LINE(file, "one\n");
    ASSERT_INT_EQ(eddy_file_read_line(file, 0, &line), 0);
    ASSERT_INT_EQ(eddy_file_pwrite(file, "two\n", 4, 4), 4);
    ASSERT_LINE(file, "two\n");
    return 0;
}

/* --- side by side ------------------------------------------------------------------------------
 */

struct growing {
    eddy_file *file;
    char text[64];
};

enum { LONG = 40000 }; /* so that there is room behind what was read ahead */

static int read_next_line(void *arg) {
    struct growing *growing = arg;
    eddy_slice line;
    ssize_t r = eddy_file_read_line(growing->file, 0, &line);

    if (r > 0)
        strncat(growing->text, line.data, line.size);
    return (int)r;
}

static void put_long_line(const char *path) {
    char text[LONG + 4];

    snprintf(text, sizeof(text), "%*s\ntw", LONG, "");
    put(path, text);
}

static int write_behind(void *arg) {
    return (int)eddy_file_pwrite(((struct growing *)arg)->file, "o\n", 2, LONG + 3);
}

/* Whichever comes first. What was read ahead is in use meanwhile. */
TASK_TEST(a_write_beside_a_waiting_line_leaves_it_whole) {
    for (int i = 0; i < 50; i++) {
        CLEANUP(folder_remove) struct folder folder = folder_make();
        CLEANUP(file_closep) eddy_file *file = NULL;
        struct growing growing = {0};
        eddy_task *reader, *writer;
        eddy_slice line;

        put_long_line(in(&folder, "a"));
        growing.file = file = opened(in(&folder, "a"), O_RDWR);
        ASSERT_INT_EQ(eddy_file_read_line(file, 0, &line), LONG + 1);
        disk_hold();
        reader = eddy_create_task(read_next_line, &growing);
        writer = eddy_create_task(write_behind, &growing);
        disk_await(2);
        disk_release();
        ASSERT_OK(eddy_gather(reader, writer));
        while (read_next_line(&growing) > 0)
            continue;
        ASSERT_STR_EQ(growing.text, "two\n");
    }
    return 0;
}
