/* SPDX-License-Identifier: MIT
 * unix_socket.c - Unix sockets: names and files. */
#include "unix_socket.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <eddy/error.h>

#include "memory.h"
#include "os.h"
#include "os_file.h"
#include "util.h"

#define REPLACED_MAX 4 /* stale files in a row: others may be starting, and crashing, too */

int eddy__unix_address(const char *path, union eddy__address *out) {
    size_t size = path ? strlen(path) : 0;
    bool is_abstract = size > 0 && path[0] == '@';

    if (size == 0)
        return -EINVAL;
    if (size + !is_abstract > sizeof(out->local.sun_path))
        return -ENAMETOOLONG;
    memset(&out->local, 0, sizeof(out->local));
    out->local.sun_family = AF_UNIX;
    memcpy(out->local.sun_path, path, size);
    if (!is_abstract)
        return (int)(offsetof(struct sockaddr_un, sun_path) + size + 1);
    out->local.sun_path[0] = '\0';
    return (int)(offsetof(struct sockaddr_un, sun_path) + (size > 1 ? size : 0));
}

/* "@" alone is a family, and no more: the kernel chooses a name. */
static bool is_in_file_system(const union eddy__address *address, socklen_t size) {
    return size > offsetof(struct sockaddr_un, sun_path) && address->local.sun_path[0] != '\0';
}

int eddy__unix_raise(int code, const char *path) {
    if (code == -ENAMETOOLONG)
        return eddy_raise(code, "\"%.200s\" is too long for a Unix socket: %zu bytes at most", path,
                          sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
    return eddy_raise(code, "\"%s\" names no Unix socket: a path, or @ and an abstract name",
                      path ? path : "");
}

/* --- who was there before --------------------------------------------------------------------- */

/* Does nobody listen there, or receive? Asked by connecting: a server finds a client that leaves at
 * once. */
static bool is_stale(int type, const union eddy__address *address, socklen_t size) {
    CLEANUP(eddy__os_closep) int fd = eddy__os_socket(AF_UNIX, type, 0);

    return fd >= 0 && eddy__os_connect(fd, &address->any, size) == -ECONNREFUSED;
}

/* Looks twice: another server may be replacing the same file. True: it is gone. */
static bool file_remove_stale(int type, const union eddy__address *address, socklen_t size) {
    const char *path = address->local.sun_path;
    struct stat before, after;

    if (eddy__os_lstat(path, &before) < 0 || !S_ISSOCK(before.st_mode) ||
        !is_stale(type, address, size))
        return false;
    return eddy__os_lstat(path, &after) == 0 && before.st_dev == after.st_dev &&
           before.st_ino == after.st_ino && eddy__os_unlink(path) == 0;
}

static int bind_replacing(int fd, const union eddy__address *address, socklen_t size) {
    int type = eddy__os_get_option(fd, SOL_SOCKET, SO_TYPE);
    int r = eddy__os_bind(fd, &address->any, size);

    for (int i = 0; i < REPLACED_MAX && r == -EADDRINUSE && is_in_file_system(address, size); i++) {
        if (!file_remove_stale(type, address, size))
            return r;
        r = eddy__os_bind(fd, &address->any, size);
    }
    return r;
}

/* --- our own ---------------------------------------------------------------------------------- */

/* A program may go to another directory before it closes its server. NULL: no memory. */
static char *path_from_root(const char *path) {
    char directory[4096];
    size_t bytes = strlen(path) + 2;
    char *out;

    if (path[0] == '/' || !getcwd(directory, sizeof(directory)))
        directory[0] = '\0';
    bytes += strlen(directory);
    out = eddy__alloc(bytes);
    if (out)
        snprintf(out, bytes, "%s%s%s", directory, directory[0] ? "/" : "", path);
    return out;
}

/* The file that bind() has made: nobody can connect before listen(), so its mode is in time. */
static int file_note(const char *path, mode_t mode, struct eddy__unix_file *file) {
    struct stat status;
    int r = mode ? eddy__os_chmod(path, mode) : 0;

    if (r == 0)
        r = eddy__os_lstat(path, &status);
    if (r < 0)
        return r;
    file->device = status.st_dev;
    file->inode = status.st_ino;
    file->process = getpid();
    return 0;
}

int eddy__unix_bind(int fd, const union eddy__address *address, socklen_t size, mode_t mode,
                    struct eddy__unix_file *file) {
    CLEANUP(eddy__unix_file_keep) struct eddy__unix_file own = {0};
    const char *path = address->local.sun_path;
    int r;

    if (is_in_file_system(address, size)) {
        own.path = path_from_root(path);
        if (!own.path)
            return -ENOMEM;
    }
    r = bind_replacing(fd, address, size);
    if (r < 0)
        return r;
    r = own.path ? file_note(path, mode, &own) : 0;
    if (r < 0) {
        eddy__os_unlink(path); /* a moment ago we made it */
        return r;
    }
    *file = own;
    own.path = NULL;
    return 0;
}

int eddy__unix_listen(const char *path, mode_t mode, const struct eddy__listen_options *options,
                      struct eddy__unix_file *file) {
    CLEANUP(eddy__os_closep) int fd = -1;
    struct eddy__unix_file own = {0};
    union eddy__address address;
    int size = eddy__unix_address(path, &address), r;

    if (size < 0)
        return size;
    fd = eddy__socket_new(AF_UNIX, &options->socket);
    r = fd < 0 ? fd : eddy__unix_bind(fd, &address, (socklen_t)size, mode, &own);
    if (r == 0 && options->backlog > 0)
        r = eddy__os_listen(fd, options->backlog);
    if (r < 0) {
        eddy__unix_file_remove(&own);
        return r;
    }
    *file = own;
    return TAKE_FD(fd);
}

void eddy__unix_file_keep(struct eddy__unix_file *file) {
    eddy__free(TAKE_POINTER(file->path));
}

void eddy__unix_file_remove(struct eddy__unix_file *file) {
    struct stat now;

    if (file->path && file->process == getpid() && eddy__os_lstat(file->path, &now) == 0 &&
        S_ISSOCK(now.st_mode) && now.st_dev == file->device && now.st_ino == file->inode)
        eddy__os_unlink(file->path);
    eddy__unix_file_keep(file);
}
