/* SPDX-License-Identifier: MIT
 * os_pipe.c - reading and writing what is no socket, without SIGPIPE (see sigpipe.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "os.h"
#include "sigpipe.h"

#ifndef RWF_NOSIGNAL /* Linux 6.18 */
#define RWF_NOSIGNAL 0x00000100
#endif

ssize_t eddy__os_read(int fd, void *buffer, size_t size) {
    ssize_t r = read(fd, buffer, size);

    return r < 0 ? -errno : r;
}

static ssize_t write_blocking_sigpipe(int fd, const struct iovec *pieces, int count) {
    struct eddy__sigpipe sigpipe;
    ssize_t r;

    eddy__sigpipe_block(&sigpipe);
    r = writev(fd, pieces, count);
    r = r < 0 ? -errno : r;
    eddy__sigpipe_restore(&sigpipe, r);
    return r;
}

ssize_t eddy__os_writev(int fd, const struct iovec *pieces, int count) {
    static atomic_bool refused;

    if (!atomic_load_explicit(&refused, memory_order_relaxed)) {
        ssize_t r = pwritev2(fd, pieces, count, -1, RWF_NOSIGNAL);
        if (r >= 0)
            return r;
        if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL && errno != EPERM)
            return -errno;
        atomic_store_explicit(&refused, true, memory_order_relaxed);
    }
    return write_blocking_sigpipe(fd, pieces, count);
}

ssize_t eddy__os_write(int fd, const void *buffer, size_t size) {
    const struct iovec whole = {(void *)buffer, size};

    return eddy__os_writev(fd, &whole, 1);
}

int eddy__os_pipe(int fds[2]) {
    return pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
}

int eddy__os_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0)
        return -errno;
    return flags & O_NONBLOCK || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 ? 0 : -errno;
}

int eddy__os_file_mode(int fd, mode_t *out) {
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -errno;
    *out = status.st_mode;
    return 0;
}

int eddy__os_access_mode(int fd) {
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 ? -errno : flags & O_ACCMODE;
}

void eddy__os_file_name(int fd, char *text, size_t size) {
    char path[32];
    ssize_t used;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    used = readlink(path, text, size - 1);
    if (used <= 0) {
        text[0] = '?';
        used = 1;
    }
    text[used] = '\0';
}
