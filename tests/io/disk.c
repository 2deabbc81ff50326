/* SPDX-License-Identifier: MIT
 * disk.c - folders for tests, and a disk that answers when it may. */
#include "disk.h"

#include <dirent.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <eddy.h>

#include "file_pool.h"
#include "os_file.h"
#include "test.h"

/* --- folders ---------------------------------------------------------------------------------- */

struct folder folder_make(void) {
    struct folder folder = {"/tmp/eddy-test-XXXXXX"};

    ASSERT_NOT_NULL(mkdtemp(folder.path));
    return folder;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)status, (void)type, (void)where;
    return remove(path);
}

void folder_remove(struct folder *folder) {
    nftw(folder->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *in(const struct folder *folder, const char *name) {
    static char paths[16][512];
    static int next;
    char *path = paths[next++ % 16];

    snprintf(path, sizeof(paths[0]), "%s/%s", folder->path, name);
    return path;
}

void put(const char *path, const char *text) {
    FILE *stream = fopen(path, "w");

    ASSERT_NOT_NULL(stream);
    fputs(text, stream);
    ASSERT_INT_EQ(fclose(stream), 0);
}

const char *contents(const char *path) {
    static char text[1 << 16];
    FILE *stream = fopen(path, "r");

    ASSERT_NOT_NULL(stream);
    text[fread(text, 1, sizeof(text) - 1, stream)] = '\0';
    fclose(stream);
    return text;
}

bool exists(const char *path) {
    return access(path, F_OK) == 0;
}

int entries_of(const struct folder *folder) {
    DIR *directory = opendir(folder->path);
    int count = -2; /* . and .. */

    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

/* --- the disk --------------------------------------------------------------------------------- */

static atomic_bool is_held;
static atomic_int come; /* since it was held */

static void wait_for_release(void) {
    if (!atomic_load(&is_held))
        return;
    atomic_fetch_add(&come, 1);
    while (atomic_load(&is_held))
        usleep(100);
}

__attribute__((constructor)) static void disk_introduce(void) {
    eddy__file_pool_hook = wait_for_release;
}

void disk_cold(bool is_cold) {
    eddy__os_disk_is_cold = is_cold;
}

void disk_hold(void) {
    disk_cold(true);
    atomic_store(&come, 0);
    atomic_store(&is_held, true);
}

void disk_release(void) {
    disk_cold(false);
    atomic_store(&is_held, false);
}

int disk_waiting(void) {
    return atomic_load(&come);
}

void disk_await(int count) {
    for (int i = 0; i < 20000 && disk_waiting() < count; i++) {
        eddy_yield();
        usleep(100);
    }
    ASSERT(disk_waiting() >= count);
}

/* --- files ------------------------------------------------------------------------------------ */

void file_closep(eddy_file **file) {
    ASSERT_OK(eddy_file_close(*file));
}

eddy_file *opened(const char *path, int flags) {
    eddy_file *file = NULL;

    ASSERT_OK(eddy_file_open(path, flags, 0644, &file));
    return file;
}
