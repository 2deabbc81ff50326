/* SPDX-License-Identifier: MIT
 * copy_file.c - a copy in parts, each made by a thread; between two of them it may be cancelled.
 *
 * The copy has a name of its own until it is whole (file_replace.h). Whatever ends it early, its
 * remains are removed, which is a change that no cancel may keep from happening. */
#include <errno.h>
#include <string.h>

#include "file.h"
#include "file_replace.h"
#include "memory.h"
#include "os.h"
#include "os_file.h"
#include "scheduler.h"
#include "util.h"

#define PART_BYTES   (8u << 20)
#define BUFFER_BYTES (256u << 10)

/* The ways of the kernel, from the best: sharing blocks, by way of a pipe, by hand. */
typedef ssize_t copy_fn(int from, int to, size_t size);

struct copy {
    const char *source, *target;
    int from;
    struct eddy__replacement to;
    copy_fn *const *way;
    off_t copied, total;
    bool was_stopped; /* by who is told of the progress */
    eddy_copy_file_options options;
};

/* --- in the pool's thread ----------------------------------------------------------------------
 */

static ssize_t write_through(int to, const char *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        struct iovec part = {(char *)bytes + done, size - done};
        ssize_t r = eddy__os_pwritev(to, &part, 1, -1);
        if (r <= 0)
            return r < 0 ? r : -ENOSPC;
        done += (size_t)r;
    }
    return (ssize_t)size;
}

static ssize_t copy_by_hand(int from, int to, size_t size) {
    CLEANUP(eddy__freep) char *buffer = eddy__alloc(BUFFER_BYTES);
    struct iovec part = {buffer, MIN(size, BUFFER_BYTES)};
    ssize_t r;

    if (!buffer)
        return -ENOMEM;
    r = eddy__os_preadv(from, &part, 1, -1);
    return r > 0 ? write_through(to, buffer, (size_t)r) : r;
}

static copy_fn *const ways[] = {eddy__os_copy_file_range, eddy__os_sendfile, copy_by_hand};

/* This filesystem, or these two, cannot do it so: the next way may. */
static bool is_refusal(const struct copy *copy, ssize_t code) {
    return copy->way < &ways[ARRAY_SIZE(ways) - 1] &&
           (code == -EXDEV || code == -EINVAL || code == -ENOSYS || code == -EOPNOTSUPP ||
            code == -EPERM || code == -EBADF);
}

/* Some filesystems say that a file is empty, or at its end, when the kernel's ways ask (/proc). */
static bool is_suspect(const struct copy *copy, ssize_t r) {
    return r == 0 && copy->way < &ways[ARRAY_SIZE(ways) - 1] && copy->copied == 0;
}

static ssize_t copy_some(struct copy *copy, size_t size) {
    ssize_t r = (*copy->way)(copy->from, copy->to.fd, size);

    while (is_refusal(copy, r) || is_suspect(copy, r)) {
        copy->way++;
        r = (*copy->way)(copy->from, copy->to.fd, size);
    }
    return r;
}

/* Returns 1 if there may be more, 0 at the end. */
static ssize_t copy_part(void *arg) {
    struct copy *copy = arg;

    for (size_t left = PART_BYTES; left > 0;) {
        ssize_t r = copy_some(copy, left);
        if (r <= 0)
            return r;
        copy->copied += r;
        left -= (size_t)r;
    }
    return 1;
}

static int copy_open_source(struct copy *copy, struct stat *status) {
    int r = copy->from = eddy__os_open(copy->source, O_RDONLY | O_NONBLOCK, 0);

    if (r >= 0)
        r = eddy__os_fstat(copy->from, status);
    if (r >= 0 && !S_ISREG(status->st_mode))
        r = S_ISDIR(status->st_mode) ? -EISDIR : -EINVAL;
    return r;
}

/* The file itself would be replaced by its copy. */
static int copy_check_target(const struct copy *copy, const struct stat *source) {
    struct stat target;

    if (eddy__os_stat(copy->target, &target) < 0)
        return 0;
    return target.st_dev == source->st_dev && target.st_ino == source->st_ino ? -EINVAL : 0;
}

static ssize_t copy_open(void *arg) {
    struct copy *copy = arg;
    struct stat status;
    int r = copy_open_source(copy, &status);

    if (r >= 0)
        r = copy_check_target(copy, &status);
    if (r >= 0)
        r = eddy__replacement_open(&copy->to, copy->target, 0600);
    if (r >= 0)
        r = eddy__os_fchmod(copy->to.fd, status.st_mode & 0777);
    copy->total = r >= 0 ? status.st_size : 0;
    return r;
}

static ssize_t copy_commit(void *arg) {
    struct copy *copy = arg;

    eddy__os_close(TAKE_FD(copy->from));
    return eddy__replacement_commit(&copy->to, copy->options.sync);
}

static ssize_t copy_abort(void *arg) {
    struct copy *copy = arg;

    eddy__os_close(TAKE_FD(copy->from));
    eddy__replacement_abort(&copy->to);
    return 0;
}

/* --- in the task -------------------------------------------------------------------------------
 */

static void copy_dropped(void *arg) {
    copy_abort(arg);
}

/* A step of it. Suspends. */
static ssize_t copy_do(struct copy *copy, struct eddy__task *task, ssize_t (*fn)(void *arg)) {
    return eddy__file_change(task, fn, copy, false, (struct eddy__file_drop){copy_dropped, copy});
}

static int copy_tell(struct copy *copy) {
    int r;

    if (!copy->options.progress)
        return 0;
    r = copy->options.progress(copy->copied, copy->total, copy->options.arg);
    copy->was_stopped = r < 0;
    return r;
}

/* A cancel that found no part to take back stops it here. Suspends. */
static ssize_t copy_parts(struct copy *copy, struct eddy__task *task) {
    for (;;) {
        ssize_t more = copy_do(copy, task, copy_part), r;
        if (more < 0)
            return more;
        r = copy_tell(copy);
        if (r < 0)
            return r;
        if (more == 0)
            return 0;
        if (task->future.task_flags & TASK_REFUSED)
            return eddy__task_fail_cancelled(task);
    }
}

/* Suspends. */
static ssize_t copy_run(struct copy *copy, struct eddy__task *task) {
    ssize_t r = copy_do(copy, task, copy_open);

    if (r >= 0)
        r = copy_parts(copy, task);
    return r < 0 ? r : copy_do(copy, task, copy_commit);
}

/* Removes what is left. Suspends. Whatever becomes of the task, it ends; and the last error stays
 * what it was. */
static void copy_end(struct copy *copy, struct eddy__task *task) {
    const eddy_error *before;

    if (copy->from < 0 && copy->to.fd < 0)
        return;
    before = eddy_error_ref(eddy_last_error());
    if (eddy__file_change(task, copy_abort, copy, true,
                          (struct eddy__file_drop){copy_dropped, copy}) < 0)
        copy_abort(copy); /* no thread could be started */
    eddy__error_set(eddy__error_slot(), before);
}

static off_t copy_fail(const struct copy *copy, ssize_t code) {
    if (code == -ECANCELED || copy->was_stopped)
        return code;
    return eddy_raise((int)code, "cannot copy \"%s\" to \"%s\": %s", copy->source, copy->target,
                      eddy_error_text((int)code));
}

off_t eddy_copy_file_sized(const char *source, const char *target,
                           const eddy_copy_file_options *options, size_t options_size) {
    struct copy copy = {
        .source = source, .target = target, .from = -1, .to = {.fd = -1}, .way = ways};
    struct eddy__task *task;
    ssize_t r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    if (options)
        memcpy(&copy.options, options, MIN(options_size, sizeof(copy.options)));
    r = copy_run(&copy, task);
    copy_end(&copy, task);
    return r < 0 ? copy_fail(&copy, r) : copy.copied;
}
