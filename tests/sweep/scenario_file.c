/* SPDX-License-Identifier: MIT
 * scenario_file.c - a folder of files, in memory or not: written, read, listed, copied. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os_file.h"
#include "scenario.h"
#include "test.h"

static char folder[32];

static const char *in(const char *name) {
    static char paths[4][64];
    static int next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

/* A close that fails has closed all the same; where it is told, it is so late that all is done. */
static int late(int r) {
    return r == -EIO || r == -EINTR ? 0 : r;
}

/* --- one open file -----------------------------------------------------------------------------
 */

static int write_lines(eddy_file *file) {
    const struct iovec parts[] = {{(char *)"one\n", 4}, {(char *)"two\n", 4}};
    ssize_t r = eddy_file_writev(file, parts, 2);

    if (r < 0)
        return (int)r;
    ASSERT_INT_EQ(r, 8);
    r = eddy_file_pwrite(file, "ONE", 3, 0);
    return r < 0 ? (int)r : 0;
}

static int read_lines(eddy_file *file) {
    char text[16] = "";
    eddy_slice line;
    ssize_t r = (ssize_t)eddy_file_seek(file, -4, SEEK_END);

    if (r < 0)
        return (int)r;
    r = eddy_file_read_line(file, 0, &line);
    if (r < 0)
        return (int)r;
    ASSERT_INT_EQ(r, 4);
    ASSERT_MEM_EQ(line.data, "two\n", 4);
    r = eddy_file_pread(file, text, sizeof(text), 0);
    if (r < 0)
        return (int)r;
    ASSERT_STR_EQ(text, "ONE\ntwo\n");
    return 0;
}

static int settle_file(eddy_file *file) {
    struct stat status;
    int r = eddy_file_truncate(file, 3);

    if (r == 0)
        r = eddy_file_fdatasync(file);
    if (r == 0)
        r = eddy_file_fsync(file);
    if (r == 0)
        r = eddy_file_stat(file, &status);
    if (r == 0)
        ASSERT_INT_EQ(status.st_size, 3);
    return r;
}

static int open_file(void) {
    eddy_file *file;
    int r = eddy_file_open(in("file"), O_RDWR | O_CREAT, 0600, &file);

    if (r < 0)
        return r;
    r = write_lines(file);
    if (r == 0)
        r = read_lines(file);
    if (r == 0)
        r = settle_file(file);
    return first_of(r, late(eddy_file_close(file)));
}

static int append_to_file(void) {
    eddy_file *file;
    ssize_t r = eddy_file_open(in("file"), O_WRONLY | O_APPEND, 0, &file);

    if (r < 0)
        return (int)r;
    r = eddy_file_write(file, "abcd", 4);
    if (r >= 0)
        ASSERT_INT_EQ(r, 4);
    return first_of((int)r, late(eddy_file_close(file)));
}

static int open_others(void) {
    eddy_file *file;
    int r = eddy_file_open("/dev/zero", O_RDONLY, 0, &file);

    if (r < 0)
        return r;
    r = late(eddy_file_close(file));
    if (r == 0)
        r = eddy_file_open_temporary(folder, &file);
    return r < 0 ? r : late(eddy_file_close(file));
}

/* --- names -------------------------------------------------------------------------------------
 */

static int change_names(void) {
    struct stat status;
    char *target;
    int r = eddy_symlink("file", in("link"));

    if (r == 0)
        r = eddy_lstat(in("link"), &status);
    if (r == 0)
        r = eddy_stat(in("link"), &status);
    if (r == 0)
        r = (int)eddy_readlink(in("link"), &target);
    if (r > 0)
        eddy_free(target);
    if (r > 0)
        r = eddy_chmod(in("file"), 0640);
    if (r == 0)
        r = eddy_mkdir(in("folder"), 0700);
    if (r == 0)
        r = eddy_rename(in("link"), in("folder/link"));
    if (r == 0)
        r = eddy_unlink(in("folder/link"));
    return r < 0 ? r : eddy_rmdir(in("folder"));
}

static int list(int expected) {
    eddy_directory_entry entry;
    eddy_directory *directory;
    int r = eddy_scandir(folder, &directory), count = 0;

    if (r < 0)
        return r;
    while ((r = eddy_directory_next(directory, &entry)) == 1)
        count++;
    if (r == 0)
        ASSERT_INT_EQ(count, expected);
    eddy_directory_close(directory);
    return r;
}

/* --- whole files -------------------------------------------------------------------------------
 */

static int read_back(const char *name, const char *expected) {
    char *text;
    ssize_t r = eddy_read_file(in(name), 0, &text);

    if (r < 0)
        return (int)r;
    ASSERT_STR_EQ(text, expected);
    eddy_free(text);
    return 0;
}

static int write_whole(void) {
    const eddy_write_file_options atomic = {.atomic = true, .sync = true};
    int r = late(eddy_write_file(in("whole"), "whole", 5, NULL));

    if (r == 0)
        r = late(eddy_write_file(in("whole"), "again", 5, &atomic));
    if (r == 0)
        r = (int)eddy_copy_file(in("whole"), in("copy"), NULL);
    return r < 0 ? late(r) : 0;
}

/* --- together ----------------------------------------------------------------------------------
 */

static int use_files(void *unused) {
    int r = open_file();

    (void)unused;
    if (r == 0)
        r = append_to_file();
    if (r == 0)
        r = read_back("file", "ONEabcd");
    if (r == 0)
        r = open_others();
    if (r == 0)
        r = change_names();
    if (r == 0)
        r = list(1);
    return r < 0 ? r : write_whole();
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)status, (void)type, (void)where;
    return remove(path);
}

static int use_folder(bool is_cold) {
    int r;

    strcpy(folder, "/tmp/eddy-test-XXXXXX");
    ASSERT_NOT_NULL(mkdtemp(folder));
    eddy__os_disk_is_cold = is_cold;
    r = scenario_run(EDDY_CLOCK_MONOTONIC, use_files, NULL);
    eddy__os_disk_is_cold = false;
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return r;
}

int scenario_files(void) {
    return use_folder(false);
}

int scenario_cold_files(void) {
    return use_folder(true);
}
