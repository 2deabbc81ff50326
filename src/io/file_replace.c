/* SPDX-License-Identifier: MIT
 * file_replace.c - write beside, then rename: who opens the name sees the old file or the new one.
 */
#include "file_replace.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "os.h"
#include "os_file.h"
#include "util.h"

#define TEMPORARY_ENDING ".XXXXXX"

/* The name behind all links; of a file that is not there yet, the name as it is. NULL: no memory.
 */
static char *target_of(const char *path) {
    char resolved[PATH_MAX];

    return eddy__strdup(realpath(path, resolved) ? resolved : path);
}

/* Hidden, in the same folder: ".name.XXXXXX". A name may be 255 bytes long. */
static char *temporary_of(const char *target) {
    const char *slash = strrchr(target, '/');
    int folder_bytes = slash ? (int)(slash + 1 - target) : 0;
    size_t size = strlen(target) + sizeof("." TEMPORARY_ENDING);
    char *name = eddy__alloc(size);

    if (name)
        snprintf(name, size, "%.*s.%.200s%s", folder_bytes, target, target + folder_bytes,
                 TEMPORARY_ENDING);
    return name;
}

static int replacement_name(struct eddy__replacement *replacement, const char *path) {
    replacement->target = target_of(path);
    if (!replacement->target)
        return -ENOMEM;
    replacement->temporary = temporary_of(replacement->target);
    return replacement->temporary ? 0 : -ENOMEM;
}

/* As the file that is to be replaced. */
static int replacement_take_mode(struct eddy__replacement *replacement) {
    struct stat status;
    int r = eddy__os_stat(replacement->target, &status);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (S_ISDIR(status.st_mode)) /* only the rename would say so, when all is written */
        return -EISDIR;
    return eddy__os_fchmod(replacement->fd, status.st_mode & 07777);
}

int eddy__replacement_open(struct eddy__replacement *replacement, const char *path, mode_t mode) {
    int r;

    *replacement = EDDY__REPLACEMENT_NONE;
    r = replacement_name(replacement, path);
    if (r == 0)
        r = replacement->fd = eddy__os_open_unique(replacement->temporary, mode);
    if (r >= 0)
        r = replacement_take_mode(replacement);
    if (r < 0)
        eddy__replacement_abort(replacement);
    return MIN(r, 0);
}

static int folder_sync(char *path) {
    CLEANUP(eddy__os_closep) int fd = eddy__os_open(dirname(path), O_RDONLY | O_DIRECTORY, 0);

    return fd < 0 ? fd : eddy__os_fsync(fd);
}

/* A close may be the first to tell of a failed write. */
int eddy__replacement_commit(struct eddy__replacement *replacement, bool sync) {
    int r = sync ? eddy__os_fsync(replacement->fd) : 0;

    if (r == 0)
        r = eddy__os_close_file(TAKE_FD(replacement->fd));
    if (r == 0)
        r = eddy__os_rename(replacement->temporary, replacement->target);
    if (r < 0) {
        if (replacement->temporary)
            eddy__os_unlink(replacement->temporary);
    } else if (sync) {
        r = folder_sync(replacement->target);
    }
    eddy__os_close(TAKE_FD(replacement->fd));
    eddy__free(TAKE_POINTER(replacement->temporary));
    eddy__free(TAKE_POINTER(replacement->target));
    return r;
}

void eddy__replacement_abort(struct eddy__replacement *replacement) {
    if (replacement->fd >= 0)
        eddy__os_unlink(replacement->temporary);
    eddy__os_close(TAKE_FD(replacement->fd));
    eddy__free(TAKE_POINTER(replacement->temporary));
    eddy__free(TAKE_POINTER(replacement->target));
}
