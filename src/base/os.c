/* SPDX-License-Identifier: MIT
 * os.c - system calls that return negative codes instead of setting errno. */
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "util.h"

#define RESULT(call)                    \
    ({                                  \
        __auto_type result_ = (call);   \
        result_ < 0 ? -errno : result_; \
    })

int64_t eddy__os_now(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/* --- sockets --------------------------------------------------------------------------------- */

int eddy__os_socket(int family, int type, int protocol) {
    return RESULT(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}

int eddy__os_bind(int fd, const struct sockaddr *address, socklen_t size) {
    return RESULT(bind(fd, address, size));
}

int eddy__os_listen(int fd, int backlog) {
    return RESULT(listen(fd, backlog));
}

int eddy__os_accept(int fd) {
    return RESULT(accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

int eddy__os_connect(int fd, const struct sockaddr *address, socklen_t size) {
    return RESULT(connect(fd, address, size));
}

int eddy__os_socket_error(int fd) {
    int error = 0;
    socklen_t size = sizeof(error);

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
}

int eddy__os_set_option(int fd, int level, int name, int value) {
    return RESULT(setsockopt(fd, level, name, &value, sizeof(value)));
}

int eddy__os_get_option(int fd, int level, int name) {
    int value = 0;
    socklen_t size = sizeof(value);

    return getsockopt(fd, level, name, &value, &size) < 0 ? -errno : value;
}

int eddy__os_getsockname(int fd, struct sockaddr *address, socklen_t *size) {
    return RESULT(getsockname(fd, address, size));
}

int eddy__os_getpeername(int fd, struct sockaddr *address, socklen_t *size) {
    return RESULT(getpeername(fd, address, size));
}

int eddy__os_peer_credentials(int fd, struct ucred *out) {
    socklen_t size = sizeof(*out);

    return RESULT(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, out, &size));
}

int eddy__os_shutdown(int fd, int how) {
    return RESULT(shutdown(fd, how));
}

ssize_t eddy__os_recv(int fd, void *buffer, size_t size, int flags) {
    return RESULT(recv(fd, buffer, size, flags));
}

ssize_t eddy__os_send(int fd, const void *buffer, size_t size, int flags) {
    return RESULT(send(fd, buffer, size, flags | MSG_NOSIGNAL));
}

int eddy__os_descriptors_max(void) {
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT_MAX)
        return INT_MAX;
    return (int)limit.rlim_cur;
}

int eddy__os_set_close_on_exec(int fd) {
    return RESULT(fcntl(fd, F_SETFD, FD_CLOEXEC));
}

ssize_t eddy__os_sendv(int fd, const struct iovec *pieces, size_t count, int flags) {
    const struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = count};

    return RESULT(sendmsg(fd, &message, flags | MSG_NOSIGNAL));
}

bool eddy__os_is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

bool eddy__os_is_ready(int fd, short events) {
    struct pollfd look = {.fd = fd, .events = events};

    return poll(&look, 1, 0) != 0;
}

void eddy__os_close(int fd) {
    int saved = errno;

    if (fd >= 0)
        close(fd); /* EINTR closes too, on Linux: never again */
    errno = saved;
}

/* --- epoll ----------------------------------------------------------------------------------- */

int eddy__os_epoll_create(void) {
    return RESULT(epoll_create1(EPOLL_CLOEXEC));
}

int eddy__os_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event) {
    return RESULT(epoll_ctl(epoll_fd, operation, fd, event));
}

/* Milliseconds, rounded up: to wake early would be to spin. */
static int epoll_wait_ms(int epoll_fd, struct epoll_event *events, int count, int64_t timeout_ns) {
    int64_t ms = timeout_ns < 0 ? -1 : (timeout_ns + NS_PER_MS - 1) / NS_PER_MS;

    return epoll_wait(epoll_fd, events, count, (int)MIN(ms, 60 * 60 * 1000));
}

int eddy__os_epoll_wait(int epoll_fd, struct epoll_event *events, int count, int64_t timeout_ns) {
#ifdef SYS_epoll_pwait2 /* Linux 5.11, nanoseconds */
    static atomic_bool refused;

    if (timeout_ns > 0 && timeout_ns != NS_NEVER && !atomic_load(&refused)) {
        struct timespec timeout = {timeout_ns / NS_PER_SECOND, timeout_ns % NS_PER_SECOND};
        long r = syscall(SYS_epoll_pwait2, epoll_fd, events, count, &timeout, NULL, (size_t)0);
        if (r >= 0)
            return (int)r;
        if (errno == EINTR)
            return 0;
        if (errno != ENOSYS && errno != EPERM)
            return -errno;
        atomic_store(&refused, true);
    }
#endif
    int r = epoll_wait_ms(epoll_fd, events, count, timeout_ns == NS_NEVER ? -1 : timeout_ns);
    return r < 0 ? (errno == EINTR ? 0 : -errno) : r;
}

/* --- eventfd --------------------------------------------------------------------------------- */

int eddy__os_eventfd(void) {
    return RESULT(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

void eddy__os_eventfd_write(int fd) {
    int saved = errno;
    uint64_t one = 1;

    /* It can only fail when the counter is full: then a wake-up is under way already. */
    if (write(fd, &one, sizeof(one)) < 0)
        errno = saved;
    errno = saved;
}

void eddy__os_eventfd_read(int fd) {
    uint64_t count;

    if (read(fd, &count, sizeof(count)) < 0)
        return; /* EAGAIN: nobody wrote */
}

/* --- futex ----------------------------------------------------------------------------------- */

void eddy__os_futex_wait(_Atomic unsigned *word, unsigned value) {
    int saved = errno;

    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
    errno = saved;
}

void eddy__os_futex_wake(_Atomic unsigned *word, int count) {
    int saved = errno;

    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
    errno = saved;
}

/* --- memory ---------------------------------------------------------------------------------- */

void *eddy__os_map(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    madvise(memory, bytes, MADV_NOHUGEPAGE); /* a huge page would cost each stack up to 2 MiB */
    return memory;
}

void eddy__os_unmap(void *memory, size_t bytes) {
    munmap(memory, bytes);
}

/* Where it must stay (locked memory, larger pages), it is cleared at least. */
void eddy__os_clear(void *memory, size_t bytes) {
    int saved = errno;

    if (madvise(memory, bytes, MADV_DONTNEED) < 0)
        memset(memory, 0, bytes);
    errno = saved;
}

bool eddy__os_is_asked(const char *variable) {
    const char *value = getenv(variable);

    return value && *value && strcmp(value, "0") != 0;
}
