/* SPDX-License-Identifier: MIT
 * os_pipe.c - reading and writing what is no socket, without SIGPIPE.
 *
 * There is no MSG_NOSIGNAL for pipes. A library must neither take SIGPIPE from its user, who may
 * want it, nor let it end his program: the signal is blocked in this thread around the write, and
 * one that the write has raised is taken back. It is sent to the thread that writes, so no other
 * thread sees it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "os.h"

#ifndef RWF_NOSIGNAL /* Linux 6.18 */
#define RWF_NOSIGNAL 0x00000100
#endif

ssize_t eddy__os_read(int fd, void *buffer, size_t size) {
    ssize_t r = read(fd, buffer, size);

    return r < 0 ? -errno : r;
}

static bool is_pending(int signo) {
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, signo);
}

/* One that was pending before, as it was blocked, stays. */
static ssize_t write_blocking_sigpipe(int fd, const struct iovec *pieces, int count) {
    const struct timespec at_once = {0};
    sigset_t sigpipe, before;
    bool was_pending;
    ssize_t r;

    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
    was_pending = sigismember(&before, SIGPIPE) && is_pending(SIGPIPE);
    r = writev(fd, pieces, count);
    r = r < 0 ? -errno : r;
    if (r == -EPIPE && !was_pending)
        while (sigtimedwait(&sigpipe, NULL, &at_once) < 0 && errno == EINTR)
            continue;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
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
