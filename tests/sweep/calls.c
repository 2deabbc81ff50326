/* SPDX-License-Identifier: MIT
 * calls.c - the system calls that eddy makes, each with the ways in which it may fail.
 *
 * What a kernel never does is not among them: a receive that finds nothing where something is, or
 * leaves something when it brings less than there was room for. Edges of epoll rely on both. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"

#define WRAP(type, name, ...)        \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

static int fail(const struct fault *fault) {
    errno = fault->code;
    return -1;
}

/* --- sockets ---------------------------------------------------------------------------------- */

WRAP(int, socket, int family, int type, int protocol) {
    const struct fault *fault =
        FAULT("socket", {EMFILE, FAILS}, {ENFILE, FAILS}, {ENOBUFS, FAILS}, {EAFNOSUPPORT, FAILS});

    return fault ? fail(fault) : __real_socket(family, type, protocol);
}

WRAP(int, bind, int fd, const struct sockaddr *address, socklen_t size) {
    const struct fault *fault = FAULT("bind", {EADDRINUSE, FAILS}, {EACCES, FAILS});

    return fault ? fail(fault) : __real_bind(fd, address, size);
}

WRAP(int, listen, int fd, int backlog) {
    const struct fault *fault = FAULT("listen", {EADDRINUSE, FAILS});

    return fault ? fail(fault) : __real_listen(fd, backlog);
}

WRAP(int, accept4, int fd, struct sockaddr *address, socklen_t *size, int flags) {
    const struct fault *fault =
        FAULT("accept4", {EINTR, PASSES}, {ECONNABORTED, PASSES}, {EMFILE, PASSES},
              {ENFILE, PASSES}, {ENOBUFS, PASSES}, {ENOMEM, PASSES}, {EPERM, PASSES});

    return fault ? fail(fault) : __real_accept4(fd, address, size, flags);
}

WRAP(int, connect, int fd, const struct sockaddr *address, socklen_t size) {
    const struct fault *fault = FAULT("connect", {ECONNREFUSED, FAILS}, {ENETUNREACH, FAILS},
                                      {EADDRNOTAVAIL, FAILS}, {ETIMEDOUT, FAILS});

    return fault ? fail(fault) : __real_connect(fd, address, size);
}

WRAP(int, getsockopt, int fd, int level, int name, void *value, socklen_t *size) {
    const struct fault *fault = FAULT("getsockopt", {ENOBUFS, FAILS});

    return fault ? fail(fault) : __real_getsockopt(fd, level, name, value, size);
}

WRAP(int, setsockopt, int fd, int level, int name, const void *value, socklen_t size) {
    const struct fault *fault = FAULT("setsockopt", {ENOPROTOOPT, FAILS}, {ENOMEM, FAILS});

    return fault ? fail(fault) : __real_setsockopt(fd, level, name, value, size);
}

WRAP(int, getsockname, int fd, struct sockaddr *address, socklen_t *size) {
    const struct fault *fault = FAULT("getsockname", {ENOBUFS, FAILS});

    return fault ? fail(fault) : __real_getsockname(fd, address, size);
}

WRAP(int, getpeername, int fd, struct sockaddr *address, socklen_t *size) {
    const struct fault *fault = FAULT("getpeername", {ENOTCONN, FAILS});

    return fault ? fail(fault) : __real_getpeername(fd, address, size);
}

WRAP(int, shutdown, int fd, int how) {
    const struct fault *fault = FAULT("shutdown", {ENOTCONN, FAILS});

    return fault ? fail(fault) : __real_shutdown(fd, how);
}

static ssize_t fail_on(int fd, const struct fault *fault) {
    if (fault->kind == BREAKS)
        __real_shutdown(fd, SHUT_RDWR);
    return fail(fault);
}

WRAP(ssize_t, recv, int fd, void *buffer, size_t size, int flags) {
    const struct fault *fault = FAULT("recv", {EINTR, PASSES}, {ECONNRESET, BREAKS},
                                      {ETIMEDOUT, BREAKS}, {ENOMEM, FAILS}, {ENOBUFS, FAILS});

    return fault ? fail_on(fd, fault) : __real_recv(fd, buffer, size, flags);
}

WRAP(ssize_t, send, int fd, const void *buffer, size_t size, int flags) {
    const struct fault *fault = FAULT("send", {EINTR, PASSES}, {0, IS_SHORT}, {EPIPE, BREAKS},
                                      {ECONNRESET, BREAKS}, {ENOBUFS, FAILS}, {ENOMEM, FAILS});

    if (fault && fault->kind == IS_SHORT)
        return __real_send(fd, buffer, size ? 1 : 0, flags);
    return fault ? fail_on(fd, fault) : __real_send(fd, buffer, size, flags);
}

WRAP(ssize_t, recvmsg, int fd, struct msghdr *message, int flags) {
    const struct fault *fault = FAULT("recvmsg", {EINTR, PASSES}, {ENOMEM, FAILS});

    return fault ? fail(fault) : __real_recvmsg(fd, message, flags);
}

WRAP(ssize_t, sendmsg, int fd, const struct msghdr *message, int flags) {
    const struct fault *fault =
        FAULT("sendmsg", {EINTR, PASSES}, {ENOBUFS, FAILS}, {ENOMEM, FAILS});

    return fault ? fail(fault) : __real_sendmsg(fd, message, flags);
}

WRAP(int, recvmmsg, int fd, struct mmsghdr *messages, unsigned count, int flags,
     struct timespec *timeout) {
    const struct fault *fault = FAULT("recvmmsg", {EINTR, PASSES}, {ENOMEM, FAILS});

    return fault ? fail(fault) : __real_recvmmsg(fd, messages, count, flags, timeout);
}

WRAP(int, sendmmsg, int fd, struct mmsghdr *messages, unsigned count, int flags) {
    const struct fault *fault =
        FAULT("sendmmsg", {EINTR, PASSES}, {0, IS_SHORT}, {ENOBUFS, FAILS}, {ENOMEM, FAILS});

    if (fault && fault->kind == IS_SHORT)
        return __real_sendmmsg(fd, messages, count ? 1 : 0, flags);
    return fault ? fail(fault) : __real_sendmmsg(fd, messages, count, flags);
}

WRAP(int, poll, struct pollfd *fds, nfds_t count, int timeout) {
    const struct fault *fault = FAULT("poll", {EINTR, PASSES}, {ENOMEM, PASSES});

    return fault ? fail(fault) : __real_poll(fds, count, timeout);
}

static int fail_resolver(const struct fault *fault) {
    errno = fault->code;
    return fault->code == ENOMEM ? EAI_MEMORY : fault->code == EAGAIN ? EAI_AGAIN : EAI_SYSTEM;
}

WRAP(int, getaddrinfo, const char *host, const char *port, const struct addrinfo *hints,
     struct addrinfo **out) {
    const struct fault *fault =
        FAULT("getaddrinfo", {EMFILE, FAILS}, {ENOMEM, FAILS}, {EAGAIN, FAILS});

    return fault ? fail_resolver(fault) : __real_getaddrinfo(host, port, hints, out);
}

WRAP(int, getnameinfo, const struct sockaddr *address, socklen_t size, char *host,
     socklen_t host_bytes, char *service, socklen_t service_bytes, int flags) {
    const struct fault *fault =
        FAULT("getnameinfo", {EMFILE, FAILS}, {ENOMEM, FAILS}, {EAGAIN, FAILS});

    return fault
               ? fail_resolver(fault)
               : __real_getnameinfo(address, size, host, host_bytes, service, service_bytes, flags);
}

/* --- paths ------------------------------------------------------------------------------------ */

WRAP(int, chmod, const char *path, mode_t mode) {
    const struct fault *fault = FAULT("chmod", {EPERM, FAILS}, {EROFS, FAILS});

    return fault ? fail(fault) : __real_chmod(path, mode);
}

WRAP(int, lstat64, const char *path, struct stat64 *status) {
    const struct fault *fault = FAULT("lstat", {EACCES, FAILS}, {ENOMEM, FAILS});

    return fault ? fail(fault) : __real_lstat64(path, status);
}

WRAP(int, unlink, const char *path) {
    const struct fault *fault = FAULT("unlink", {EPERM, FAILS}, {EROFS, FAILS});

    return fault ? fail(fault) : __real_unlink(path);
}

/* --- epoll, and what else has a descriptor ---------------------------------------------------- */

WRAP(int, epoll_create1, int flags) {
    const struct fault *fault = FAULT("epoll_create1", {EMFILE, FAILS}, {ENOMEM, FAILS});

    return fault ? fail(fault) : __real_epoll_create1(flags);
}

/* Only an addition needs memory. */
WRAP(int, epoll_ctl, int epoll_fd, int operation, int fd, struct epoll_event *event) {
    const struct fault *fault = NULL;

    if (operation == EPOLL_CTL_ADD)
        fault = FAULT("epoll_ctl", {ENOMEM, FAILS}, {ENOSPC, FAILS});
    return fault ? fail(fault) : __real_epoll_ctl(epoll_fd, operation, fd, event);
}

WRAP(int, epoll_wait, int epoll_fd, struct epoll_event *events, int count, int timeout) {
    const struct fault *fault = FAULT("epoll_wait", {EINTR, PASSES});

    return fault ? fail(fault) : __real_epoll_wait(epoll_fd, events, count, timeout);
}

WRAP(int, eventfd, unsigned value, int flags) {
    const struct fault *fault = FAULT("eventfd", {EMFILE, FAILS}, {ENFILE, FAILS}, {ENOMEM, FAILS});

    return fault ? fail(fault) : __real_eventfd(value, flags);
}

WRAP(int, timerfd_create, int clock, int flags) {
    const struct fault *fault = FAULT("timerfd_create", {EMFILE, FAILS}, {ENOMEM, FAILS});

    return fault ? fail(fault) : __real_timerfd_create(clock, flags);
}

/* Of an eventfd: another thread was faster. */
WRAP(ssize_t, read, int fd, void *buffer, size_t size) {
    const struct fault *fault =
        size == sizeof(uint64_t) ? FAULT("read", {EAGAIN, PASSES}) : FAULT("read", {EINTR, PASSES});

    return fault ? fail(fault) : __real_read(fd, buffer, size);
}

/* Of an eventfd: it is full, so whoever waits for it has been woken. */
WRAP(ssize_t, write, int fd, const void *buffer, size_t size) {
    const struct fault *fault =
        size == sizeof(uint64_t) ? FAULT("write", {EAGAIN, COMES_LATE}) : NULL;
    ssize_t r = __real_write(fd, buffer, size);

    return fault ? fail(fault) : r;
}

WRAP(ssize_t, pread64, int fd, void *buffer, size_t size, off_t offset) {
    const struct fault *fault = FAULT("pread", {EINTR, PASSES}, {EIO, FAILS});

    return fault ? fail(fault) : __real_pread64(fd, buffer, size, offset);
}

/* Only another number may be wanting. */
int __real_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...) {
    const struct fault *fault = NULL;
    long argument;
    va_list list;

    va_start(list, command);
    argument = va_arg(list, long);
    va_end(list);
    if (command == F_DUPFD_CLOEXEC)
        fault = FAULT("fcntl", {EMFILE, FAILS});
    return fault ? fail(fault) : __real_fcntl64(fd, command, argument);
}

WRAP(int, close, int fd) {
    const struct fault *fault = FAULT("close", {EINTR, COMES_LATE}, {EIO, COMES_LATE});
    int r = __real_close(fd);

    return fault ? fail(fault) : r;
}

WRAP(FILE *, fopen64, const char *path, const char *mode) {
    const struct fault *fault = FAULT("fopen", {EMFILE, PASSES}, {ENOENT, PASSES});

    return fault && fail(fault) ? NULL : __real_fopen64(path, mode);
}

/* --- files and processes ---------------------------------------------------------------------- */

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...) {
    const struct fault *fault =
        FAULT("open", {EMFILE, FAILS}, {ENFILE, FAILS}, {EIO, FAILS}, {EINTR, PASSES});
    mode_t mode;
    va_list list;

    va_start(list, flags);
    mode = va_arg(list, mode_t);
    va_end(list);
    return fault ? fail(fault) : __real_open64(path, flags, mode);
}

WRAP(int, pipe2, int fds[2], int flags) {
    const struct fault *fault = FAULT("pipe2", {EMFILE, FAILS}, {ENFILE, FAILS});

    return fault ? fail(fault) : __real_pipe2(fds, flags);
}

/* An emulator that refuses CLONE_PIDFD says EINVAL. */
int __real___clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);
int __wrap___clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);
int __wrap___clone(int (*fn)(void *), void *stack, int flags, void *arg, ...) {
    const struct fault *fault =
        FAULT("clone", {EAGAIN, FAILS}, {ENOMEM, FAILS}, {EPERM, FAILS}, {EINVAL, PASSES});
    int *pidfd;
    va_list list;

    va_start(list, arg);
    pidfd = va_arg(list, int *);
    va_end(list);
    return fault ? fail(fault) : __real___clone(fn, stack, flags, arg, pidfd);
}

WRAP(int, waitid, idtype_t type, id_t id, siginfo_t *info, int options) {
    const struct fault *fault = FAULT("waitid", {EINTR, PASSES});

    return fault ? fail(fault) : __real_waitid(type, id, info, options);
}

/* --- memory and threads ----------------------------------------------------------------------- */

WRAP(void *, mmap64, void *address, size_t size, int protection, int flags, int fd, off_t offset) {
    const struct fault *fault = FAULT("mmap", {ENOMEM, FAILS});

    return fault && fail(fault) ? MAP_FAILED
                                : __real_mmap64(address, size, protection, flags, fd, offset);
}

/* A hint, but for MADV_GUARD_INSTALL, which older kernels do not know: there are other guards. */
WRAP(int, madvise, void *address, size_t size, int advice) {
    const struct fault *fault = FAULT("madvise", {EINVAL, PASSES}, {ENOMEM, PASSES});

    return fault ? fail(fault) : __real_madvise(address, size, advice);
}

WRAP(int, mprotect, void *address, size_t size, int protection) {
    const struct fault *fault = FAULT("mprotect", {ENOMEM, FAILS});

    return fault ? fail(fault) : __real_mprotect(address, size, protection);
}

WRAP(int, sigaltstack, const stack_t *stack, stack_t *former) {
    const struct fault *fault = FAULT("sigaltstack", {ENOMEM, PASSES});

    return fault ? fail(fault) : __real_sigaltstack(stack, former);
}

WRAP(int, pthread_create, pthread_t *thread, const pthread_attr_t *attributes,
     void *(*main_of_it)(void *), void *arg) {
    const struct fault *fault = FAULT("pthread_create", {EAGAIN, FAILS});

    return fault ? fault->code : __real_pthread_create(thread, attributes, main_of_it, arg);
}

/* --- those without a function ----------------------------------------------------------------- */

static const struct fault *syscall_fault(long number) {
    switch (number) {
#ifdef SYS_epoll_pwait2
    case SYS_epoll_pwait2:
        return FAULT("epoll_pwait2", {EINTR, PASSES}, {ENOSYS, PASSES}, {EPERM, PASSES});
#endif
#ifdef SYS_process_madvise
    case SYS_process_madvise:
        return FAULT("process_madvise", {ENOSYS, PASSES}, {EPERM, PASSES}, {EBADF, PASSES},
                     {EINVAL, PASSES}, {ENOMEM, PASSES});
#endif
    case SYS_openat2:
        return FAULT("openat2", {EAGAIN, PASSES}, {ENOSYS, PASSES}, {EMFILE, FAILS});
    case SYS_getdents64:
        return FAULT("getdents64", {EINTR, PASSES}, {EIO, FAILS}, {ENOMEM, FAILS});
    case SYS_fcntl:
        return FAULT("fcntl", {EMFILE, FAILS});
    case SYS_dup3:
        return FAULT("dup3", {EMFILE, FAILS}, {EBADF, FAILS});
    case SYS_chdir:
        return FAULT("chdir", {ENOENT, FAILS}, {EACCES, FAILS});
    case SYS_setsid:
        return FAULT("setsid", {EPERM, FAILS});
    case SYS_execve:
        return FAULT("execve", {EACCES, FAILS}, {ENOMEM, FAILS}, {ENOEXEC, FAILS}, {E2BIG, FAILS});
    case 436: /* close_range */
        return FAULT("close_range", {ENOSYS, PASSES}, {EINVAL, PASSES}, {EPERM, PASSES});
    case 424: /* pidfd_send_signal */
        return FAULT("pidfd_send_signal", {ENOSYS, PASSES});
    case SYS_futex:
        return FAULT("futex", {EINTR, PASSES}, {EAGAIN, PASSES});
    default:
        return NULL;
    }
}

/* A futex that fails to wake anybody would be a lie. */
static bool wakes(long number, long operation) {
    return number == SYS_futex && (operation & 127) == 1;
}

/* No more may be looked at than are passed. */
static int arguments_of(long number) {
    return number == SYS_openat2 ? 4 : number == SYS_getdents64 ? 3 : 6;
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...) {
    long arguments[6] = {0};
    const struct fault *fault;
    va_list list;

    va_start(list, number);
    for (int i = 0; i < arguments_of(number); i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    fault = wakes(number, arguments[1]) ? NULL : syscall_fault(number);
    if (fault)
        return fail(fault);
    return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
                          arguments[4], arguments[5]);
}
