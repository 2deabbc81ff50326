/* SPDX-License-Identifier: MIT
 * descriptors.c - the system calls on files that eddy makes for descriptors of the user's. What the
 * calls of eddy/file.h make of them is in files.c: a program has one or the other. */
#include <errno.h>
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

WRAP(ssize_t, preadv64v2, int fd, const struct iovec *parts, int count, off_t offset, int flags) {
    const struct fault *fault =
        FAULT("preadv2", {EINTR, PASSES}, {EOPNOTSUPP, PASSES}, {ENOMEM, FAILS});

    return fault ? fail(fault) : __real_preadv64v2(fd, parts, count, offset, flags);
}

WRAP(ssize_t, pwritev64v2, int fd, const struct iovec *parts, int count, off_t offset, int flags) {
    const struct fault *fault =
        FAULT("pwritev2", {EINTR, PASSES}, {EOPNOTSUPP, PASSES}, {ENOMEM, FAILS});

    return fault ? fail(fault) : __real_pwritev64v2(fd, parts, count, offset, flags);
}

/* What older kernels than Linux 6.18 are left with. */
WRAP(ssize_t, writev, int fd, const struct iovec *parts, int count) {
    const struct fault *fault = FAULT("writev", {EINTR, PASSES}, {0, IS_SHORT}, {ENOMEM, FAILS});
    struct iovec one = {parts[0].iov_base, parts[0].iov_len > 0};

    if (fault && fault->kind == IS_SHORT)
        return __real_writev(fd, &one, 1);
    return fault ? fail(fault) : __real_writev(fd, parts, count);
}

WRAP(ssize_t, sendfile64, int out_fd, int in_fd, off_t *offset, size_t size) {
    const struct fault *fault = FAULT("sendfile", {EINTR, PASSES}, {ENOMEM, FAILS});

    return fault ? fail(fault) : __real_sendfile64(out_fd, in_fd, offset, size);
}

WRAP(int, fstat64, int fd, struct stat *about) {
    const struct fault *fault = FAULT("fstat", {ENOMEM, FAILS});

    return fault ? fail(fault) : __real_fstat64(fd, about);
}
