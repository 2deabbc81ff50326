/* SPDX-License-Identifier: MIT
 * test_directory.c - the entries of a directory. */
#include <errno.h>
#include <unistd.h>

#include "disk.h"
#include "net.h"

enum { MANY = 3000 };

static void put_many(const struct folder *folder) {
    for (int i = 0; i < MANY; i++) {
        char name[64];
        snprintf(name, sizeof(name), "an entry with a rather long name %d", i);
        put(in(folder, name), "");
    }
}

/* Counts each number once. */
static void see(bool seen[MANY], const eddy_directory_entry *entry) {
    int i = -1;

    ASSERT_INT_EQ(sscanf(entry->name, "an entry with a rather long name %d", &i), 1);
    ASSERT(i >= 0 && i < MANY && !seen[i]);
    seen[i] = true;
    ASSERT(entry->inode != 0);
}

static void assert_all_seen(const bool seen[MANY]) {
    for (int i = 0; i < MANY; i++)
        ASSERT(seen[i]);
}

TASK_TEST(every_entry_comes_once_and_the_dots_never) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    bool seen[MANY] = {false};
    eddy_directory_entry entry;
    eddy_directory *directory;
    int r;

    put_many(&folder);
    ASSERT_OK(eddy_scandir(folder.path, &directory));
    while ((r = eddy_directory_next(directory, &entry)) == 1)
        see(seen, &entry);
    ASSERT_INT_EQ(r, 0);
    ASSERT_INT_EQ(eddy_directory_next(directory, &entry), 0);
    assert_all_seen(seen);
    ASSERT_NULL(eddy_directory_close(directory));
    ASSERT_NULL(eddy_directory_close(NULL));
    return 0;
}

TASK_TEST(an_entry_has_its_type) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    eddy_directory_entry entry;
    eddy_directory *directory;
    int types = 0;

    put(in(&folder, "file"), "");
    mkdir(in(&folder, "folder"), 0700);
    ASSERT_INT_EQ(symlink("nowhere", in(&folder, "link")), 0);
    mkfifo(in(&folder, "pipe"), 0600);
    ASSERT_OK(eddy_scandir(folder.path, &directory));
    while (eddy_directory_next(directory, &entry) == 1) {
        mode_t type = strcmp(entry.name, "file") == 0     ? S_IFREG
                      : strcmp(entry.name, "folder") == 0 ? S_IFDIR
                      : strcmp(entry.name, "link") == 0   ? S_IFLNK
                                                          : S_IFIFO;
        ASSERT_INT_EQ(entry.type, type);
        types++;
    }
    ASSERT_INT_EQ(types, 4);
    eddy_directory_close(directory);
    return 0;
}

TASK_TEST(what_is_no_directory_is_not_listed) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    eddy_directory *directory;

    put(in(&folder, "a"), "");
    for (int cold = 0; cold < 2; cold++) {
        disk_cold(cold);
        ASSERT_CODE(-ENOTDIR, eddy_scandir(in(&folder, "a"), &directory));
        ASSERT_STR_CONTAINS(eddy_last_error()->message, "/a\": Not a directory");
        ASSERT_CODE(-ENOENT, eddy_scandir(in(&folder, "b"), &directory));
    }
    return 0;
}

/* --- held --------------------------------------------------------------------------------------
 */

struct lister {
    eddy_directory *directory;
    eddy_directory_entry entry;
};

static int next_of(void *arg) {
    struct lister *lister = arg;

    return eddy_directory_next(lister->directory, &lister->entry);
}

/* Each batch is left behind once, and asked for again while the first asking is still on its way.
 */
TASK_TEST(no_entry_is_lost_or_comes_twice_when_a_batch_is_left_behind) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct lister lister;
    bool seen[MANY] = {false};
    int r, batches = 0;

    put_many(&folder);
    ASSERT_OK(eddy_scandir(folder.path, &lister.directory));
    do {
        disk_hold();
        eddy_task *task = eddy_create_task(next_of, &lister);
        ASSERT_OK(eddy_yield());
        if (!eddy_is_done(task)) {
            disk_await(1);
            eddy_cancel(task);
            ASSERT_CODE(-ECANCELED, eddy_await(task));
            task = eddy_create_task(next_of, &lister);
            disk_await(2);
            batches++;
        }
        disk_release();
        r = eddy_await(task);
        if (r == 1)
            see(seen, &lister.entry);
    } while (r == 1);
    ASSERT_INT_EQ(r, 0);
    ASSERT(batches >= 4);
    assert_all_seen(seen);
    eddy_directory_close(lister.directory);
    return 0;
}

TASK_TEST(one_task_at_a_time_reads_a_directory) {
    CLEANUP(folder_remove) struct folder folder = folder_make();
    eddy_directory_entry entry;
    struct lister lister;
    eddy_task *task;

    put(in(&folder, "a"), "");
    ASSERT_OK(eddy_scandir(folder.path, &lister.directory));
    disk_hold();
    task = eddy_create_task(next_of, &lister);
    disk_await(1);
    ASSERT_CODE(-EBUSY, eddy_directory_next(lister.directory, &entry));
    eddy_directory_close(lister.directory);
    disk_release();
    ASSERT_INT_EQ(eddy_await(task), 1);
    return 0;
}
