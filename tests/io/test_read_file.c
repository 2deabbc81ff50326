/* SPDX-License-Identifier: MIT
 * test_read_file.c - files read whole. */
#include <errno.h>
#include <unistd.h>

#include "disk.h"
#include "net.h"

TASK_TEST(a_file_is_read_whole_and_ends_with_a_nul) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    char *text = NULL;

    put(in(&folder, "a"), "hello\n");
    put(in(&folder, "empty"), "");
    for (int cold = 0; cold < 2; cold++) {
        disk_cold(cold);
        ASSERT_INT_EQ(eddy_read_file(in(&folder, "a"), 0, &text), 6);
        ASSERT_STR_EQ(text, "hello\n");
        ASSERT_NULL(eddy_free(text));
        ASSERT_INT_EQ(eddy_read_file(in(&folder, "empty"), 0, &text), 0);
        ASSERT_STR_EQ(text, "");
        eddy_free(text);
    }
    return 0;
}

TASK_TEST(a_long_file_is_read_whole) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    size_t size = (5 << 20) + 17;
    char *data = malloc(size), *text = NULL;

    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 7 + i / 1000);
    ASSERT_OK(eddy_write_file(in(&folder, "a"), data, size, NULL));
    ASSERT_INT_EQ(eddy_read_file(in(&folder, "a"), 0, &text), (ssize_t)size);
    ASSERT(memcmp(text, data, size) == 0);
    eddy_free(text);
    free(data);
    return 0;
}

TASK_TEST(a_file_beyond_the_limit_is_not_read) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    char *text = NULL;

    put(in(&folder, "a"), "hello\n");
    for (int cold = 0; cold < 2; cold++) {
        disk_cold(cold);
        ASSERT_CODE(EDDY_ELIMIT, (int)eddy_read_file(in(&folder, "a"), 5, &text));
        ASSERT_STR_CONTAINS(eddy_last_error()->message, "/a\" is longer than 5 bytes");
        ASSERT_NULL(text);
        ASSERT_INT_EQ(eddy_read_file(in(&folder, "a"), 6, &text), 6);
        text = eddy_free(text);
        ASSERT_CODE(EDDY_ELIMIT, (int)eddy_read_file("/dev/zero", 10000, &text));
    }
    return 0;
}

TASK_TEST(a_file_that_says_no_size_is_read_to_its_end) {
    char *text = NULL;

    ASSERT(eddy_read_file("/proc/self/status", 0, &text) > 100);
    ASSERT_STR_CONTAINS(text, "Name:");
    eddy_free(text);
    return 0;
}

TASK_TEST(what_cannot_be_read_whole_is_told_with_its_name) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    char *text = NULL;

    mkfifo(in(&folder, "fifo"), 0600);
    for (int cold = 0; cold < 2; cold++) {
        disk_cold(cold);
        ASSERT_CODE(-ENOENT, (int)eddy_read_file("/no/such/file", 0, &text));
        ASSERT_STR_EQ(eddy_last_error()->message,
                      "cannot read \"/no/such/file\": No such file or directory");
        ASSERT_CODE(-EISDIR, (int)eddy_read_file(folder.path, 0, &text));
        ASSERT_CODE(-ESPIPE, (int)eddy_read_file(in(&folder, "fifo"), 0, &text));
    }
    ASSERT_NULL(text);
    return 0;
}
