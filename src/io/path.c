/* SPDX-License-Identifier: MIT
 * path.c - files by their names: what they are, and what becomes of the names. */
#include <errno.h>
#include <limits.h>

#include "file.h"
#include "memory.h"
#include "os.h"
#include "os_file.h"
#include "scheduler.h"
#include "util.h"

/* --- questions ---------------------------------------------------------------------------------
 */

static ssize_t query_stat(struct eddy__file_query *query) {
    return query->flags & O_NOFOLLOW ? eddy__os_lstat(query->path, &query->status)
                                     : eddy__os_stat(query->path, &query->status);
}

/* Suspends. */
static ssize_t stat_asked(struct eddy__task *task, const char *path, int flags, struct stat *out) {
    CLEANUP(eddy__file_queryp_free)
    struct eddy__file_query *query = eddy__file_query_new(query_stat, NULL, path);
    ssize_t r;

    if (!query)
        return -ENOMEM;
    query->flags = flags;
    r = eddy__file_query_ask(task, &query, (struct eddy__file_drop){0});
    if (r == 0)
        *out = query->status;
    return r;
}

/* From memory, by way of a descriptor that is good for nothing else. -EAGAIN: not all is there. */
static int stat_now(const char *path, int flags, struct stat *out) {
    int fd = eddy__os_open_now(path, O_PATH | flags), r;

    if (fd < 0) /* a full table of descriptors is nothing to a stat */
        return fd == -EMFILE || fd == -ENFILE ? -EAGAIN : fd;
    r = eddy__os_fstat_now(fd, out);
    eddy__os_close(fd);
    return r;
}

static int path_stat(const char *path, int flags, struct stat *out) {
    struct eddy__task *task;
    int r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    r = stat_now(path, flags, out);
    if (r == -EAGAIN)
        return eddy__path_fail(stat_asked(task, path, flags, out), "stat", path);
    if (r < 0)
        return eddy__path_fail(r, "stat", path);
    eddy__task_charge(task);
    return 0;
}

int eddy_stat(const char *path, struct stat *out) {
    return path_stat(path, 0, out);
}

int eddy_lstat(const char *path, struct stat *out) {
    return path_stat(path, O_NOFOLLOW, out);
}

static ssize_t query_readlink(struct eddy__file_query *query) {
    ssize_t r = eddy__os_readlink(query->path, query->memory, query->size);

    if (r < 0)
        return r;
    if ((size_t)r == query->size)
        return -ENAMETOOLONG;
    query->memory[r] = '\0';
    return r;
}

/* Suspends. */
static ssize_t readlink_asked(struct eddy__task *task, const char *path, char **out) {
    CLEANUP(eddy__file_queryp_free)
    struct eddy__file_query *query = eddy__file_query_new(query_readlink, NULL, path);
    ssize_t r;

    if (!query)
        return -ENOMEM;
    query->size = PATH_MAX;
    query->memory = eddy__alloc(query->size);
    if (!query->memory)
        return -ENOMEM;
    r = eddy__file_query_ask(task, &query, (struct eddy__file_drop){0});
    if (r >= 0)
        *out = TAKE_POINTER(query->memory);
    return r;
}

ssize_t eddy_readlink(const char *path, char **out) {
    struct eddy__task *task;
    ssize_t r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    r = readlink_asked(task, path, out);
    return r < 0 ? eddy__path_fail(r, "read the link", path) : r;
}

/* --- changes -----------------------------------------------------------------------------------
 */

/* Its texts are the caller's: the call waits for it. */
struct path_change {
    const char *path, *other;
    mode_t mode;
};

static int path_change(ssize_t (*fn)(void *arg), struct path_change *change, const char *what) {
    struct eddy__task *task;
    ssize_t r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return (int)r;
    r = eddy__file_change(task, fn, change, false, (struct eddy__file_drop){0});
    if (r >= 0 || r == -ECANCELED || !change->other)
        return eddy__path_fail(r, what, change->path);
    return eddy_raise((int)r, "cannot %s \"%s\" to \"%s\": %s", what, change->path, change->other,
                      eddy_error_text((int)r));
}

static ssize_t change_rename(void *arg) {
    const struct path_change *change = arg;

    return eddy__os_rename(change->path, change->other);
}

int eddy_rename(const char *from, const char *to) {
    return path_change(change_rename, &(struct path_change){.path = from, .other = to}, "rename");
}

static ssize_t change_unlink(void *arg) {
    return eddy__os_unlink(((const struct path_change *)arg)->path);
}

int eddy_unlink(const char *path) {
    return path_change(change_unlink, &(struct path_change){.path = path}, "unlink");
}

static ssize_t change_mkdir(void *arg) {
    const struct path_change *change = arg;

    return eddy__os_mkdir(change->path, change->mode);
}

int eddy_mkdir(const char *path, mode_t mode) {
    return path_change(change_mkdir, &(struct path_change){.path = path, .mode = mode},
                       "make the directory");
}

static ssize_t change_rmdir(void *arg) {
    return eddy__os_rmdir(((const struct path_change *)arg)->path);
}

int eddy_rmdir(const char *path) {
    return path_change(change_rmdir, &(struct path_change){.path = path}, "remove the directory");
}

static ssize_t change_chmod(void *arg) {
    const struct path_change *change = arg;

    return eddy__os_chmod(change->path, change->mode);
}

int eddy_chmod(const char *path, mode_t mode) {
    return path_change(change_chmod, &(struct path_change){.path = path, .mode = mode},
                       "change the mode of");
}

static ssize_t change_symlink(void *arg) {
    const struct path_change *change = arg;

    return eddy__os_symlink(change->other, change->path);
}

int eddy_symlink(const char *target, const char *path) {
    return path_change(change_symlink, &(struct path_change){.path = path, .other = target},
                       "link");
}
