/* SPDX-License-Identifier: MIT
 * file.c - the life of an open file: open, the calls under way, close.
 *
 * Opening asks memory first (openat2 with RESOLVE_CACHED), then a thread. An open that makes or
 * empties a file is a change, any other a question (file_wait.h). */
#include "file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "memory.h"
#include "os.h"
#include "os_file.h"
#include "scheduler.h"
#include "util.h"

#define MAKES (O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

/* --- the end -----------------------------------------------------------------------------------
 */

static eddy_file *file_of(struct eddy__file_job *job) {
    return container_of(job, eddy_file, closing);
}

static void file_free(eddy_file *file) {
    eddy__buffer_deinit(&file->lines);
    eddy__free(file);
}

static int file_close_fd(eddy_file *file) {
    return eddy__os_close_file(TAKE_FD(file->fd));
}

static void closing_work(struct eddy__file_job *job) {
    job->result = file_close_fd(file_of(job));
}

static void closing_free(struct eddy__file_job *job) {
    file_free(file_of(job));
}

/* In the background, for nobody. */
static void closing_work_alone(struct eddy__job *job) {
    eddy__file_pool_enter();
    file_close_fd(container_of(job, eddy_file, closing.job));
}

static void closing_done_alone(struct eddy__job *job) {
    file_free(container_of(job, eddy_file, closing.job));
}

/* The last reference went. Without a thread for it, it is done here: never leaked. */
static void file_end(eddy_file *file) {
    eddy_executor *pool = eddy__thread.in_pool ? NULL : eddy__file_pool();
    const eddy_error *before = eddy_error_ref(eddy_last_error());

    file->closing.job = (struct eddy__job){.work = closing_work_alone, .done = closing_done_alone};
    if (!pool || eddy__executor_submit(pool, &file->closing.job) < 0) {
        file_close_fd(file);
        file_free(file);
    }
    eddy__error_set(eddy__error_slot(), before);
}

void eddy__file_unref(eddy_file *file) {
    if (file && atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) == 1)
        file_end(file);
}

/* --- the beginning -----------------------------------------------------------------------------
 */

static void name_format(char *name, size_t size, int fd, const char *path) {
    if (path)
        snprintf(name, size, "\"%s\"", path);
    else
        snprintf(name, size, "descriptor %d", fd);
}

static eddy_file *file_alloc(int fd, int flags, const char *path) {
    size_t name_bytes = path ? strlen(path) + sizeof("\"\"") : sizeof("descriptor 1234567890");
    eddy_file *file = eddy__alloc(sizeof(*file) + name_bytes);

    if (!file)
        return NULL;
    *file = (eddy_file){.closing = {.work = closing_work, .free = closing_free, .is_due = true},
                        .fd = fd,
                        .flags = flags};
    atomic_init(&file->refs, 1);
    name_format(file->name, name_bytes, fd, path);
    return file;
}

/* What cannot seek has no place here: it may keep a thread for ever. */
static int file_check_type(const eddy_file *file) {
    switch (file->type) {
    case S_IFREG:
    case S_IFBLK:
        return 0;
    case S_IFDIR:
        return file->flags & (O_DIRECTORY | O_PATH) ? 0 : -EISDIR;
    case S_IFCHR:
        return (int)MIN(eddy__os_lseek(file->fd, 0, SEEK_CUR), 0);
    default:
        return file->flags & O_PATH ? 0 : -ESPIPE;
    }
}

/* A write beyond the limit is a signal for the thread that makes it: those of the pool take none,
 * and get the error. */
static bool has_size_limit(void) {
    struct rlimit limit;

    return getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur != RLIM_INFINITY;
}

/* A read past the cache, and a write that must reach the disk, wait for it whatever they are told.
 */
static void file_look(eddy_file *file) {
    bool is_cached = !(file->flags & O_DIRECT);
    bool writes = (file->flags & O_ACCMODE) != O_RDONLY;

    file->reads_now = is_cached;
    file->writes_now = writes && is_cached && !(file->flags & (O_SYNC | O_DSYNC)) &&
                       file->type == S_IFREG && !has_size_limit();
}

static int file_examine(eddy_file *file) {
    int r = file->flags < 0 ? file->flags : 0;

    if (r == 0)
        r = eddy__os_kind_now(file->fd, &file->type, &file->is_local);
    if (r == 0)
        r = file_check_type(file);
    if (r == 0)
        file_look(file);
    return r;
}

#define NO_POSITION "it has no position, as pipes, sockets and terminals have none"

static int fail_to_open(int code, const char *name) {
    if (code == -ESPIPE)
        return eddy_raise(code, "cannot open %s as a file: " NO_POSITION, name);
    return (int)eddy__file_fail(code, "open", name);
}

static int fail_to_open_path(int code, const char *path) {
    if (code == -ESPIPE)
        return eddy_raise(code, "cannot open \"%s\" as a file: " NO_POSITION, path);
    return eddy__path_fail(code, "open", path);
}

/* A file of a descriptor that was opened with these flags (or why they are not known); fd is still
 * the caller's when it fails. */
static int file_new(int fd, int flags, const char *path, eddy_file **out) {
    eddy_file *file = file_alloc(fd, flags, path);
    int r;

    if (!file)
        return eddy__fail(-ENOMEM);
    r = file_examine(file);
    if (r < 0) {
        r = fail_to_open(r, file->name);
        file_free(file);
        return r;
    }
    *out = file;
    return 0;
}

/* --- opening -----------------------------------------------------------------------------------
 */

/* Takes the descriptor. */
static int file_adopt(int fd, int flags, const char *path, eddy_file **out) {
    int r = file_new(fd, flags, path, out);

    if (r < 0)
        eddy__os_close(fd);
    return r;
}

static ssize_t query_open(struct eddy__file_query *query) {
    query->fd = eddy__os_open(query->path, query->flags, 0);
    return query->fd < 0 ? query->fd : 0;
}

/* Suspends. Returns the descriptor. */
static int open_asked(struct eddy__task *task, const char *path, int flags) {
    CLEANUP(eddy__file_queryp_free)
    struct eddy__file_query *query = eddy__file_query_new(query_open, NULL, path);
    ssize_t r;

    if (!query)
        return -ENOMEM;
    query->flags = flags;
    r = eddy__file_query_ask(task, &query, (struct eddy__file_drop){0});
    return r < 0 ? (int)r : TAKE_FD(query->fd);
}

struct making {
    const char *path;
    int flags;
    mode_t mode;
    int fd;
};

static ssize_t make(void *arg) {
    struct making *making = arg;

    return making->fd = eddy__os_open(making->path, making->flags, making->mode);
}

static void making_dropped(void *arg) {
    eddy__os_close(((struct making *)arg)->fd);
}

/* Suspends. Returns the descriptor. */
static int open_made(struct eddy__task *task, const char *path, int flags, mode_t mode) {
    struct making making = {path, flags, mode, -1};

    return (int)eddy__file_change(task, make, &making, false,
                                  (struct eddy__file_drop){making_dropped, &making});
}

/* O_NONBLOCK is for the FIFO that nobody writes to; of a file it changes nothing. */
static int open_now_or_later(struct eddy__task *task, const char *path, int flags, mode_t mode) {
    int fd;

    if (!(flags & O_PATH))
        flags |= O_NONBLOCK;
    if (flags & MAKES)
        return open_made(task, path, flags, mode);
    fd = eddy__os_open_now(path, flags);
    return fd == -EAGAIN ? open_asked(task, path, flags) : fd;
}

int eddy__file_open_fd(struct eddy__task *task, const char *path, int flags) {
    return open_now_or_later(task, path, flags, 0);
}

int eddy_file_open(const char *path, int flags, mode_t mode, eddy_file **out) {
    struct eddy__task *task;
    int r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    r = open_now_or_later(task, path, flags, mode);
    if (r == -ENXIO) /* a FIFO to write to, or a socket's name */
        r = -ESPIPE;
    if (r < 0)
        return fail_to_open_path(r, path);
    r = file_adopt(r, flags, path, out);
    if (r == 0)
        eddy__task_charge(task);
    return r;
}

static const char *temporary_directory(void) {
    const char *directory = getenv("TMPDIR");

    return directory && *directory ? directory : "/tmp";
}

/* Where the filesystem has no files without a name, it has one for a moment. */
static ssize_t make_temporary(void *arg) {
    struct making *making = arg;
    char path[PATH_MAX];

    making->fd = eddy__os_open(making->path, O_TMPFILE | O_RDWR, 0600);
    if (making->fd != -EOPNOTSUPP && making->fd != -EISDIR)
        return making->fd;
    if (snprintf(path, sizeof(path), "%s/eddy-XXXXXX", making->path) >= (int)sizeof(path))
        return making->fd = -ENAMETOOLONG;
    making->fd = eddy__os_open_unique(path, 0600);
    if (making->fd >= 0)
        eddy__os_unlink(path);
    return making->fd;
}

int eddy_file_open_temporary(const char *directory, eddy_file **out) {
    struct making making = {.path = directory ? directory : temporary_directory(), .fd = -1};
    struct eddy__task *task;
    int r = eddy__checkpoint(NULL, &task);

    if (r == 0)
        r = (int)eddy__file_change(task, make_temporary, &making, false,
                                   (struct eddy__file_drop){making_dropped, &making});
    if (r == -ECANCELED)
        return r;
    if (r < 0)
        return eddy_raise(r, "cannot open a temporary file in \"%s\": %s", making.path,
                          eddy_error_text(r));
    return file_adopt(r, O_RDWR, NULL, out);
}

int eddy_file_from_fd(int fd, eddy_file **out) {
    int r = file_adopt(fd, eddy__os_get_flags(fd), NULL, out);
    off_t position = r < 0 ? 0 : eddy__os_lseek(fd, 0, SEEK_CUR);

    if (r == 0)
        (*out)->position = position > 0 ? position : 0;
    return r;
}

/* --- closing -----------------------------------------------------------------------------------
 */

/* Nothing is left to write, and no blocks are to be freed: the descriptor goes, and that is all. */
static bool closes_now(const eddy_file *file) {
    struct stat status;

    return (file->flags & O_ACCMODE) == O_RDONLY && file->is_local && !eddy__os_disk_is_cold &&
           eddy__os_fstat(file->fd, &status) == 0 && status.st_nlink > 0;
}

/* Suspends. Cancelled, it goes on alone: it is due. */
static int file_close_waiting(struct eddy__task *task, eddy_file *file) {
    struct eddy__file_job *job = &file->closing;
    int r = (int)eddy__file_ask(task, &job, (struct eddy__file_drop){0});

    if (!job)
        return r;
    if (file->fd >= 0) /* no thread could be started */
        r = file_close_fd(file);
    r = (int)eddy__file_fail(r, "close", file->name);
    file_free(file);
    return r;
}

/* What a close that is refused holds, while the others run. */
struct refusal {
    struct eddy__wait wait;
    eddy_file *file;
};

static void refusal_dropped(struct eddy__wait *wait) {
    eddy__file_unref(container_of(wait, struct refusal, wait)->file);
}

int eddy_file_close(eddy_file *file) {
    struct refusal refusal = {.wait = {.drop = refusal_dropped}, .file = file};
    struct eddy__task *task;
    int r;

    if (!file)
        return 0;
    r = eddy__checkpoint_holding(NULL, &refusal.wait, &task);
    if (r == 0 && atomic_load_explicit(&file->refs, memory_order_acquire) == 1) {
        if (!closes_now(file))
            return file_close_waiting(task, file);
        file_close_fd(file);
        file_free(file);
        eddy__task_charge(task);
        return 0;
    }
    eddy__file_unref(file);
    return r;
}

/* --- calls under way ---------------------------------------------------------------------------
 */

int eddy__file_begin(eddy_file *file, bool positions, struct eddy__task **task) {
    int r = eddy__checkpoint(NULL, task);

    if (r < 0)
        return r;
    if (positions && file->is_positioning)
        return eddy_raise(-EBUSY, "another task uses the position of %s", file->name);
    file->is_positioning |= positions;
    eddy__file_ref(file);
    return 0;
}

void eddy__file_end(eddy_file *file, bool positions) {
    if (positions)
        file->is_positioning = false;
    eddy__file_unref(file);
}

static void drop_positioning(void *file) {
    eddy__file_end(file, true);
}

static void drop_other(void *file) {
    eddy__file_end(file, false);
}

struct eddy__file_drop eddy__file_ends(eddy_file *file, bool positions) {
    return (struct eddy__file_drop){positions ? drop_positioning : drop_other, file};
}

ssize_t eddy__file_fail(ssize_t code, const char *what, const char *name) {
    if (code >= 0 || code == -ECANCELED)
        return code;
    return eddy_raise((int)code, "cannot %s %s: %s", what, name, eddy_error_text((int)code));
}

int eddy__path_fail(ssize_t code, const char *what, const char *path) {
    if (code >= 0 || code == -ECANCELED)
        return (int)code;
    return eddy_raise((int)code, "cannot %s \"%s\": %s", what, path, eddy_error_text((int)code));
}

int eddy_file_fd(const eddy_file *file) {
    return file->fd;
}

size_t eddy_file_written(const eddy_file *file) {
    return file->written;
}

off_t eddy_file_tell(const eddy_file *file) {
    return file->position;
}
