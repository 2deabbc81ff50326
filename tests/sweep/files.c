/* SPDX-License-Identifier: MIT
 * files.c - the system calls on files that eddy makes, each with the ways in which it may fail.
 * Those that others make as well, and openat2 and getdents64, which have no functions, are in
 * calls.c. */
#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "fault.h"

#define WRAP(type, name, ...)        \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

static int fail(const struct fault *fault) {
    errno = fault->code;
    return -1;
}

/* A part of what was asked for: one byte of the first buffer. */
static struct iovec one_byte(const struct iovec *parts) {
    return (struct iovec){parts[0].iov_base, parts[0].iov_len > 0};
}

/* --- reading and writing -----------------------------------------------------------------------
 */

WRAP(ssize_t, preadv64v2, int fd, const struct iovec *parts, int count, off64_t offset, int flags) {
    const struct fault *fault = FAULT("preadv2", {EINTR, PASSES}, {EAGAIN, PASSES},
                                      {EOPNOTSUPP, PASSES}, {0, IS_SHORT}, {EIO, FAILS});
    struct iovec one = one_byte(parts);

    if (fault && fault->kind == IS_SHORT)
        return __real_preadv64v2(fd, &one, 1, offset, flags);
    return fault ? fail(fault) : __real_preadv64v2(fd, parts, count, offset, flags);
}

ssize_t __real_pwritev64(int fd, const struct iovec *parts, int count, off64_t offset);
ssize_t __real_writev(int fd, const struct iovec *parts, int count);

/* Few filesystems take writes without waiting. So that it is tested on all, this one does: one
 * byte, and then it would have to wait. */
static ssize_t take_one_byte(int fd, const struct iovec *parts, off64_t offset) {
    static bool is_full;
    struct iovec one = one_byte(parts);

    is_full = !is_full;
    if (!is_full) {
        errno = EAGAIN;
        return -1;
    }
    return offset < 0 ? __real_writev(fd, &one, 1) : __real_pwritev64(fd, &one, 1, offset);
}

WRAP(ssize_t, pwritev64v2, int fd, const struct iovec *parts, int count, off64_t offset,
     int flags) {
    const struct fault *fault = FAULT("pwritev2", {EINTR, PASSES}, {EAGAIN, PASSES},
                                      {EOPNOTSUPP, PASSES}, {ENOSPC, FAILS}, {EIO, FAILS});

    (void)count, (void)flags;
    return fault ? fail(fault) : take_one_byte(fd, parts, offset);
}

WRAP(ssize_t, preadv64, int fd, const struct iovec *parts, int count, off64_t offset) {
    const struct fault *fault =
        FAULT("preadv", {EINTR, PASSES}, {0, IS_SHORT}, {EIO, FAILS}, {ENOMEM, FAILS});
    struct iovec one = one_byte(parts);

    if (fault && fault->kind == IS_SHORT)
        return __real_preadv64(fd, &one, 1, offset);
    return fault ? fail(fault) : __real_preadv64(fd, parts, count, offset);
}

WRAP(ssize_t, pwritev64, int fd, const struct iovec *parts, int count, off64_t offset) {
    const struct fault *fault =
        FAULT("pwritev", {EINTR, PASSES}, {0, IS_SHORT}, {EIO, FAILS}, {ENOSPC, FAILS});
    struct iovec one = one_byte(parts);

    if (fault && fault->kind == IS_SHORT)
        return __real_pwritev64(fd, &one, 1, offset);
    return fault ? fail(fault) : __real_pwritev64(fd, parts, count, offset);
}

WRAP(ssize_t, readv, int fd, const struct iovec *parts, int count) {
    const struct fault *fault = FAULT("readv", {EINTR, PASSES}, {0, IS_SHORT}, {EIO, FAILS});
    struct iovec one = one_byte(parts);

    if (fault && fault->kind == IS_SHORT)
        return __real_readv(fd, &one, 1);
    return fault ? fail(fault) : __real_readv(fd, parts, count);
}

WRAP(ssize_t, writev, int fd, const struct iovec *parts, int count) {
    const struct fault *fault =
        FAULT("writev", {EINTR, PASSES}, {0, IS_SHORT}, {EIO, FAILS}, {EDQUOT, FAILS});
    struct iovec one = one_byte(parts);

    if (fault && fault->kind == IS_SHORT)
        return __real_writev(fd, &one, 1);
    return fault ? fail(fault) : __real_writev(fd, parts, count);
}

WRAP(ssize_t, copy_file_range, int from, off64_t *from_at, int to, off64_t *to_at, size_t size,
     unsigned flags) {
    const struct fault *fault = FAULT("copy_file_range", {EINTR, PASSES}, {EXDEV, PASSES},
                                      {ENOSYS, PASSES}, {0, IS_SHORT}, {ENOSPC, FAILS});

    if (fault && fault->kind == IS_SHORT)
        size = 1;
    else if (fault)
        return fail(fault);
    return __real_copy_file_range(from, from_at, to, to_at, size, flags);
}

WRAP(ssize_t, sendfile64, int to, int from, off64_t *from_at, size_t size) {
    const struct fault *fault =
        FAULT("sendfile", {EINTR, PASSES}, {EINVAL, PASSES}, {0, IS_SHORT}, {EIO, FAILS});

    if (fault && fault->kind == IS_SHORT)
        size = 1;
    else if (fault)
        return fail(fault);
    return __real_sendfile64(to, from, from_at, size);
}

/* --- the others: once, or interrupted ----------------------------------------------------------
 */

#define WRAP_SIMPLE(title, parameters, arguments, ...)          \
    int __real_##title parameters;                              \
    int __wrap_##title parameters;                              \
    int __wrap_##title parameters {                             \
        const struct fault *fault = FAULT(#title, __VA_ARGS__); \
        return fault ? fail(fault) : __real_##title arguments;  \
    }

WRAP_SIMPLE(statx, (int fd, const char *path, int flags, unsigned mask, struct statx *out),
            (fd, path, flags, mask, out), {ENOSYS, PASSES})
WRAP_SIMPLE(fstat64, (int fd, struct stat64 *out), (fd, out), {EIO, FAILS})
WRAP_SIMPLE(stat64, (const char *path, struct stat64 *out), (path, out), {EIO, FAILS})
WRAP_SIMPLE(fsync, (int fd), (fd), {EINTR, PASSES}, {EIO, FAILS})
WRAP_SIMPLE(fdatasync, (int fd), (fd), {EINTR, PASSES}, {EIO, FAILS})
WRAP_SIMPLE(ftruncate64, (int fd, off64_t size), (fd, size), {EINTR, PASSES}, {EIO, FAILS})
WRAP_SIMPLE(fchmod, (int fd, mode_t mode), (fd, mode), {EIO, FAILS})
WRAP_SIMPLE(rename, (const char *from, const char *to), (from, to), {EIO, FAILS}, {ENOSPC, FAILS})
WRAP_SIMPLE(mkdir, (const char *path, mode_t mode), (path, mode), {EIO, FAILS}, {ENOSPC, FAILS})
WRAP_SIMPLE(rmdir, (const char *path), (path), {EIO, FAILS}, {EBUSY, FAILS})
WRAP_SIMPLE(symlink, (const char *target, const char *path), (target, path), {EIO, FAILS})
WRAP_SIMPLE(getrlimit64, (int resource, void *limit), (resource, limit), {EINVAL, PASSES})

WRAP(off64_t, lseek64, int fd, off64_t offset, int whence) {
    const struct fault *fault = FAULT("lseek", {EIO, FAILS});

    return fault ? fail(fault) : __real_lseek64(fd, offset, whence);
}

WRAP(ssize_t, readlink, const char *path, char *buffer, size_t size) {
    const struct fault *fault = FAULT("readlink", {EIO, FAILS});

    return fault ? fail(fault) : __real_readlink(path, buffer, size);
}

WRAP(ssize_t, getrandom, void *buffer, size_t size, unsigned flags) {
    const struct fault *fault = FAULT("getrandom", {EINTR, PASSES}, {ENOSYS, FAILS});

    return fault ? fail(fault) : __real_getrandom(buffer, size, flags);
}
