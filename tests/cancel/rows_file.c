/* SPDX-License-Identifier: MIT
 * rows_file.c - the suspending calls of files: nothing is in memory, and the disk answers when its
 * scene lets it.
 *
 * What only asks is left behind by a cancel; what changes something is waited for: FINISHES. */
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "file_pool.h"
#include "os_file.h"
#include "row.h"
#include "util.h"

/* --- the disk ----------------------------------------------------------------------------------
 */

/* Each scene has a number; what it asks waits until that is released. */
static atomic_int scenes, released;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct scene *current; /* under the lock; NULL: it is over */

static void wait_for_release(void) {
    int number = atomic_load(&scenes);

    pthread_mutex_lock(&lock);
    if (current)
        current->has_begun = true;
    pthread_mutex_unlock(&lock);
    while (atomic_load(&released) < number)
        usleep(100);
}

__attribute__((constructor)) static void hold_all_disks(void) {
    eddy__file_pool_hook = wait_for_release;
    eddy__os_disk_is_cold = true;
}

static void set_current(struct scene *scene) {
    pthread_mutex_lock(&lock);
    current = scene;
    pthread_mutex_unlock(&lock);
}

static void hold_disk(struct scene *scene) {
    atomic_fetch_add(&scenes, 1);
    set_current(scene);
}

static void release_disk(struct scene *scene) {
    (void)scene;
    atomic_store(&released, atomic_load(&scenes));
}

/* --- scenes ------------------------------------------------------------------------------------
 */

static const char *in(const struct scene *scene, const char *name) {
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", scene->folder, name);
    return path;
}

static void put(const char *path) {
    FILE *stream = fopen(path, "w");

    ASSERT_NOT_NULL(stream);
    fputs("abc\n", stream);
    fclose(stream);
}

/* A file, a link and a folder. */
static void make_folder(struct scene *scene) {
    snprintf(scene->folder, sizeof(scene->folder), "/tmp/eddy-test-XXXXXX");
    ASSERT_NOT_NULL(mkdtemp(scene->folder));
    put(in(scene, "file"));
    ASSERT_INT_EQ(symlink("file", in(scene, "link")), 0);
    ASSERT_INT_EQ(mkdir(in(scene, "folder"), 0700), 0);
}

static void hold_paths(struct scene *scene) {
    make_folder(scene);
    hold_disk(scene);
}

static void hold_file(struct scene *scene) {
    make_folder(scene);
    ASSERT_OK(eddy_file_open(in(scene, "file"), O_RDWR, 0, &scene->file));
    hold_disk(scene);
}

static void hold_directory(struct scene *scene) {
    make_folder(scene);
    ASSERT_OK(eddy_scandir(scene->folder, &scene->directory));
    hold_disk(scene);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)status, (void)type, (void)where;
    return remove(path);
}

static void drop_disk(struct scene *scene) {
    set_current(NULL);
    release_disk(scene);
    ASSERT_OK(eddy_file_close(TAKE_POINTER(scene->file)));
    scene->directory = eddy_directory_close(scene->directory);
    nftw(scene->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* --- open files --------------------------------------------------------------------------------
 */

/* Whether it could be closed in time is of no account. */
static int closed(int r, eddy_file *file) {
    ASSERT((r == 0) == (file != NULL));
    eddy_file_close(file);
    return r;
}

static int opens(struct scene *scene) {
    eddy_file *file = NULL;
    int r = eddy_file_open(in(scene, "file"), O_RDONLY, 0, &file);

    return closed(r, file);
}

static int opens_temporary(struct scene *scene) {
    eddy_file *file = NULL;
    int r = eddy_file_open_temporary(scene->folder, &file);

    return closed(r, file);
}

static int closes(struct scene *scene) {
    return eddy_file_close(TAKE_POINTER(scene->file));
}

static int has_read(const struct scene *scene, ssize_t r) {
    if (r < 0)
        return (int)r;
    ASSERT_INT_EQ(r, 4);
    ASSERT_MEM_EQ(scene->lent, "abc\n", 4);
    return 0;
}

static int reads(struct scene *scene) {
    return has_read(scene, eddy_file_read(scene->file, scene->lent, sizeof(scene->lent)));
}

static int reads_parts(struct scene *scene) {
    const struct iovec parts[] = {{scene->lent, 2}, {scene->lent + 2, 2}};

    return has_read(scene, eddy_file_readv(scene->file, parts, 2));
}

static int reads_at(struct scene *scene) {
    return has_read(scene, eddy_file_pread(scene->file, scene->lent, 4, 0));
}

static int reads_parts_at(struct scene *scene) {
    const struct iovec parts[] = {{scene->lent, 2}, {scene->lent + 2, 2}};

    return has_read(scene, eddy_file_preadv(scene->file, parts, 2, 0));
}

static int reads_line(struct scene *scene) {
    eddy_slice line = {0};
    ssize_t r = eddy_file_read_line(scene->file, 0, &line);

    if (r < 0) {
        ASSERT_NULL(line.data);
        return (int)r;
    }
    ASSERT_UINT_EQ(line.size, 4);
    return 0;
}

/* After a cancel nothing is written, and the position is where it was. */
static int has_written(const struct scene *scene, ssize_t r, off_t position) {
    ASSERT_INT_EQ(eddy_file_tell(scene->file), r < 0 ? 0 : position);
    ASSERT_UINT_EQ(eddy_file_written(scene->file), r < 0 ? 0 : 2);
    return r < 0 ? (int)r : 0;
}

static int writes(struct scene *scene) {
    return has_written(scene, eddy_file_write(scene->file, "xy", 2), 2);
}

static int writes_parts(struct scene *scene) {
    const struct iovec parts[] = {{(char *)"x", 1}, {(char *)"y", 1}};

    return has_written(scene, eddy_file_writev(scene->file, parts, 2), 2);
}

static int writes_at(struct scene *scene) {
    return has_written(scene, eddy_file_pwrite(scene->file, "xy", 2, 1), 0);
}

static int writes_parts_at(struct scene *scene) {
    const struct iovec parts[] = {{(char *)"x", 1}, {(char *)"y", 1}};

    return has_written(scene, eddy_file_pwritev(scene->file, parts, 2, 1), 0);
}

static int seeks(struct scene *scene) {
    off_t r = eddy_file_seek(scene->file, 0, SEEK_END);

    ASSERT_INT_EQ(eddy_file_tell(scene->file), r < 0 ? 0 : 4);
    return r < 0 ? (int)r : 0;
}

static int syncs(struct scene *scene) {
    return eddy_file_fsync(scene->file);
}

static int syncs_data(struct scene *scene) {
    return eddy_file_fdatasync(scene->file);
}

static int truncates(struct scene *scene) {
    return eddy_file_truncate(scene->file, 1);
}

/* 4 bytes, or nothing was told. */
static int has_size(int r, const struct stat *status, off_t size) {
    ASSERT_INT_EQ(status->st_size, r < 0 ? -1 : size);
    return r;
}

static int stats_file(struct scene *scene) {
    struct stat status = {.st_size = -1};
    int r = eddy_file_stat(scene->file, &status);

    return has_size(r, &status, 4);
}

/* --- names -------------------------------------------------------------------------------------
 */

static int stats(struct scene *scene) {
    struct stat status = {.st_size = -1};
    int r = eddy_stat(in(scene, "link"), &status);

    return has_size(r, &status, 4);
}

static int stats_link(struct scene *scene) {
    struct stat status = {.st_size = -1};
    int r = eddy_lstat(in(scene, "link"), &status);

    return has_size(r, &status, (off_t)strlen("file"));
}

static int renames(struct scene *scene) {
    return eddy_rename(in(scene, "file"), in(scene, "other"));
}

static int unlinks(struct scene *scene) {
    return eddy_unlink(in(scene, "file"));
}

static int makes_directory(struct scene *scene) {
    return eddy_mkdir(in(scene, "new"), 0700);
}

static int removes_directory(struct scene *scene) {
    return eddy_rmdir(in(scene, "folder"));
}

static int changes_mode(struct scene *scene) {
    return eddy_chmod(in(scene, "file"), 0600);
}

static int links(struct scene *scene) {
    return eddy_symlink("file", in(scene, "new"));
}

static int reads_link(struct scene *scene) {
    char *target = NULL;
    ssize_t r = eddy_readlink(in(scene, "link"), &target);

    ASSERT((r < 0) == (target == NULL));
    eddy_free(target);
    return r < 0 ? (int)r : 0;
}

static int opens_directory(struct scene *scene) {
    eddy_directory *directory = NULL;
    int r = eddy_scandir(scene->folder, &directory);

    ASSERT((r == 0) == (directory != NULL));
    eddy_directory_close(directory);
    return r;
}

static int lists(struct scene *scene) {
    eddy_directory_entry entry = {0};
    int r = eddy_directory_next(scene->directory, &entry);

    ASSERT((r < 0) == (entry.name == NULL));
    return r;
}

/* --- whole files -------------------------------------------------------------------------------
 */

static int reads_whole(struct scene *scene) {
    char *text = NULL;
    ssize_t r = eddy_read_file(in(scene, "file"), 0, &text);

    ASSERT((r < 0) == (text == NULL));
    eddy_free(text);
    return r < 0 ? (int)r : 0;
}

static int writes_whole(struct scene *scene) {
    return eddy_write_file(in(scene, "file"), "xy", 2, &(eddy_write_file_options){.atomic = true});
}

static int copies(struct scene *scene) {
    off_t r = eddy_copy_file(in(scene, "file"), in(scene, "new"), NULL);

    return r < 0 ? (int)r : 0;
}

#define ASKS    (LATCHES | THREAD)
#define CHANGES (LATCHES | THREAD | FINISHES)

const struct row file_rows[] = {
    {"eddy_file_open", opens, release_disk, hold_paths, drop_disk, ASKS},
    {"eddy_file_open_temporary", opens_temporary, release_disk, hold_paths, drop_disk, CHANGES},
    {"eddy_file_close", closes, release_disk, hold_file, drop_disk, ASKS | TAKES},
    {"eddy_file_read", reads, release_disk, hold_file, drop_disk, ASKS},
    {"eddy_file_readv", reads_parts, release_disk, hold_file, drop_disk, ASKS},
    {"eddy_file_pread", reads_at, release_disk, hold_file, drop_disk, ASKS},
    {"eddy_file_preadv", reads_parts_at, release_disk, hold_file, drop_disk, ASKS},
    {"eddy_file_read_line", reads_line, release_disk, hold_file, drop_disk, ASKS},
    {"eddy_file_write", writes, release_disk, hold_file, drop_disk, CHANGES},
    {"eddy_file_writev", writes_parts, release_disk, hold_file, drop_disk, CHANGES},
    {"eddy_file_pwrite", writes_at, release_disk, hold_file, drop_disk, CHANGES},
    {"eddy_file_pwritev", writes_parts_at, release_disk, hold_file, drop_disk, CHANGES},
    {"eddy_file_seek", seeks, release_disk, hold_file, drop_disk, ASKS},
    {"eddy_file_fsync", syncs, release_disk, hold_file, drop_disk, ASKS},
    {"eddy_file_fdatasync", syncs_data, release_disk, hold_file, drop_disk, ASKS},
    {"eddy_file_truncate", truncates, release_disk, hold_file, drop_disk, CHANGES},
    {"eddy_file_stat", stats_file, release_disk, hold_file, drop_disk, ASKS},
    {"eddy_stat", stats, release_disk, hold_paths, drop_disk, ASKS},
    {"eddy_lstat", stats_link, release_disk, hold_paths, drop_disk, ASKS},
    {"eddy_rename", renames, release_disk, hold_paths, drop_disk, CHANGES},
    {"eddy_unlink", unlinks, release_disk, hold_paths, drop_disk, CHANGES},
    {"eddy_mkdir", makes_directory, release_disk, hold_paths, drop_disk, CHANGES},
    {"eddy_rmdir", removes_directory, release_disk, hold_paths, drop_disk, CHANGES},
    {"eddy_chmod", changes_mode, release_disk, hold_paths, drop_disk, CHANGES},
    {"eddy_symlink", links, release_disk, hold_paths, drop_disk, CHANGES},
    {"eddy_readlink", reads_link, release_disk, hold_paths, drop_disk, ASKS},
    {"eddy_scandir", opens_directory, release_disk, hold_paths, drop_disk, ASKS},
    {"eddy_directory_next", lists, release_disk, hold_directory, drop_disk, ASKS},
    {"eddy_read_file", reads_whole, release_disk, hold_paths, drop_disk, ASKS},
    {"eddy_write_file", writes_whole, release_disk, hold_paths, drop_disk, CHANGES},
    {"eddy_copy_file", copies, release_disk, hold_paths, drop_disk, CHANGES},
    {NULL},
};
