/* SPDX-License-Identifier: MIT
 * os_file.c - system calls on files that return negative codes instead of setting errno. */
#include "os_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 /* Linux 5.12, younger than some headers */
#endif

/* The call's result or its negative errno; once more if a signal interrupted it. */
#define RESULT(call)                                     \
    ({                                                   \
        __typeof__(call) result_;                        \
        do                                               \
            result_ = (call);                            \
        while (unlikely(result_ < 0 && errno == EINTR)); \
        result_ < 0 ? -errno : result_;                  \
    })

bool eddy__os_disk_is_cold;

/* --- from memory ------------------------------------------------------------------------------ */

/* An older kernel, or a filter, knows no openat2: the answer is that the disk has to be asked. */
int eddy__os_open_now(const char *path, int flags) {
    struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC), .resolve = RESOLVE_CACHED};
    int fd;

    if (unlikely(eddy__os_disk_is_cold))
        return -EAGAIN;
    fd = (int)RESULT(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)));
    return fd == -ENOSYS || fd == -EPERM || fd == -EINVAL ? -EAGAIN : fd;
}

ssize_t eddy__os_preadv_now(int fd, const struct iovec *parts, int count, off_t offset) {
    if (unlikely(eddy__os_disk_is_cold))
        return -EAGAIN;
    return RESULT(preadv2(fd, parts, count, offset, RWF_NOWAIT));
}

ssize_t eddy__os_pwritev_now(int fd, const struct iovec *parts, int count, off_t offset) {
    if (unlikely(eddy__os_disk_is_cold))
        return -EAGAIN;
    return RESULT(pwritev2(fd, parts, count, offset, RWF_NOWAIT));
}

/* Filesystems on no device of their own have the major number 0. Without statx nothing is known to
 * be local. */
int eddy__os_kind_now(int fd, mode_t *type, bool *is_local) {
    struct statx about;
    struct stat status;
    int r;

    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &about) == 0) {
        *type = about.stx_mode & S_IFMT;
        *is_local = about.stx_dev_major != 0 && !eddy__os_disk_is_cold;
        return 0;
    }
    r = eddy__os_fstat(fd, &status);
    if (r == 0) {
        *type = status.st_mode & S_IFMT;
        *is_local = false;
    }
    return r;
}

int eddy__os_fstat_now(int fd, struct stat *out) {
    mode_t type;
    bool is_local;
    int r = eddy__os_kind_now(fd, &type, &is_local);

    if (r < 0)
        return r;
    return is_local ? eddy__os_fstat(fd, out) : -EAGAIN;
}

/* --- an open file ----------------------------------------------------------------------------- */

int eddy__os_open(const char *path, int flags, mode_t mode) {
    return RESULT(open(path, flags | O_CLOEXEC, mode));
}

/* Never twice: on Linux an interrupted close has closed. */
int eddy__os_close_file(int fd) {
    return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

ssize_t eddy__os_preadv(int fd, const struct iovec *parts, int count, off_t offset) {
    return offset < 0 ? RESULT(readv(fd, parts, count)) : RESULT(preadv(fd, parts, count, offset));
}

ssize_t eddy__os_pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    return offset < 0 ? RESULT(writev(fd, parts, count))
                      : RESULT(pwritev(fd, parts, count, offset));
}

off_t eddy__os_lseek(int fd, off_t offset, int whence) {
    return RESULT(lseek(fd, offset, whence));
}

int eddy__os_fsync(int fd) {
    return RESULT(fsync(fd));
}

int eddy__os_fdatasync(int fd) {
    return RESULT(fdatasync(fd));
}

int eddy__os_ftruncate(int fd, off_t size) {
    return RESULT(ftruncate(fd, size));
}

int eddy__os_fstat(int fd, struct stat *out) {
    return RESULT(fstat(fd, out));
}

int eddy__os_fchmod(int fd, mode_t mode) {
    return RESULT(fchmod(fd, mode));
}

int eddy__os_get_flags(int fd) {
    return RESULT(fcntl(fd, F_GETFL));
}

/* --- names ------------------------------------------------------------------------------------ */

int eddy__os_stat(const char *path, struct stat *out) {
    return RESULT(stat(path, out));
}

int eddy__os_lstat(const char *path, struct stat *out) {
    return RESULT(lstat(path, out));
}

int eddy__os_rename(const char *from, const char *to) {
    return RESULT(rename(from, to));
}

int eddy__os_unlink(const char *path) {
    return RESULT(unlink(path));
}

int eddy__os_mkdir(const char *path, mode_t mode) {
    return RESULT(mkdir(path, mode));
}

int eddy__os_rmdir(const char *path) {
    return RESULT(rmdir(path));
}

int eddy__os_chmod(const char *path, mode_t mode) {
    return RESULT(chmod(path, mode));
}

int eddy__os_symlink(const char *target, const char *path) {
    return RESULT(symlink(target, path));
}

ssize_t eddy__os_readlink(const char *path, char *buffer, size_t size) {
    return RESULT(readlink(path, buffer, size));
}

#define UNIQUE_LETTERS 6
#define UNIQUE_TRIES   100

static int name_unique(char *letters) {
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    unsigned char random[UNIQUE_LETTERS];

    if (RESULT(getrandom(random, sizeof(random), 0)) < 0)
        return -errno;
    for (int i = 0; i < UNIQUE_LETTERS; i++)
        letters[i] = alphabet[random[i] % (sizeof(alphabet) - 1)];
    return 0;
}

/* mkstemp would make it private, whatever the umask. */
int eddy__os_open_unique(char *path, mode_t mode) {
    char *letters = path + strlen(path) - UNIQUE_LETTERS;
    int fd = -EEXIST;

    for (int i = 0; i < UNIQUE_TRIES && fd == -EEXIST; i++) {
        int r = name_unique(letters);
        fd = r < 0 ? r : eddy__os_open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    }
    return fd;
}

ssize_t eddy__os_getdents(int fd, void *buffer, size_t size) {
    return RESULT(syscall(SYS_getdents64, fd, buffer, size));
}

/* --- copies ----------------------------------------------------------------------------------- */

ssize_t eddy__os_copy_file_range(int from, int to, size_t size) {
    return RESULT(copy_file_range(from, NULL, to, NULL, size, 0));
}

ssize_t eddy__os_sendfile(int from, int to, size_t size) {
    return RESULT(sendfile(to, from, NULL, size));
}
