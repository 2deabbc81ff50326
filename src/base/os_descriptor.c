/* SPDX-License-Identifier: MIT
 * os_descriptor.c - calls on descriptors that may be blocking, which return at once all the same.
 *
 * Sockets have MSG_DONTWAIT, and much else RWF_NOWAIT. What has neither is made non-blocking for
 * the moment of the call: others who share the open file may find -EAGAIN in that moment, and
 * nobody ever waits. A SIGPIPE that a call has raised is taken back: it is sent to the thread that
 * writes, so nobody else sees it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "os.h"
#include "sigpipe.h"
#include "util.h"

#ifndef RWF_NOSIGNAL /* Linux 6.18 */
#define RWF_NOSIGNAL 0x00000100
#endif
#ifndef SYS_cachestat /* Linux 6.5; one number for all processors */
#define SYS_cachestat 451
#endif

#define PAGE_BYTES 4096

/* --- messages --------------------------------------------------------------------------------- */

ssize_t eddy__os_recvmsg(int fd, struct msghdr *message, int flags) {
    ssize_t r = recvmsg(fd, message, flags);

    return r < 0 ? -errno : r;
}

ssize_t eddy__os_sendmsg(int fd, const struct msghdr *message, int flags) {
    ssize_t r = sendmsg(fd, message, flags | MSG_NOSIGNAL);

    return r < 0 ? -errno : r;
}

int eddy__os_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
    int r = recvmmsg(fd, messages, count, flags, NULL);

    return r < 0 ? -errno : r;
}

int eddy__os_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
    int r = sendmmsg(fd, messages, count, flags | MSG_NOSIGNAL);

    return r < 0 ? -errno : r;
}

int eddy__os_poll(int fd, int events) {
    struct pollfd look = {.fd = fd, .events = (short)events};
    int r = poll(&look, 1, 0);

    if (r < 0)
        return -errno;
    return look.revents & POLLNVAL ? -EBADF : look.revents;
}

/* --- for a moment ----------------------------------------------------------------------------- */

/* What is to be undone; -1: it was non-blocking, or is no descriptor. */
static int nonblocking_begin(int fd) {
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || flags & O_NONBLOCK)
        return -1;
    return fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -1 : flags;
}

static void nonblocking_end(int fd, int flags) {
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags);
}

/* --- sockets ---------------------------------------------------------------------------------- */

int eddy__os_accept_now(int fd, struct sockaddr *peer, socklen_t *peer_size) {
    int flags = nonblocking_begin(fd);
    int r = accept4(fd, peer, peer_size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    r = r < 0 ? -errno : r;
    nonblocking_end(fd, flags);
    return r;
}

int eddy__os_duplicate(int fd) {
    int r = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    return r < 0 ? -errno : r;
}

bool eddy__os_is_unix_datagram(int fd) {
    int type = 0, family = 0;
    socklen_t size = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type != SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family == AF_UNIX;
}

int eddy__os_close_told(int fd) {
    return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

int eddy__os_connect_now(int fd, const struct sockaddr *address, socklen_t size) {
    int flags = nonblocking_begin(fd);
    int r = connect(fd, address, size) < 0 ? -errno : 0;

    nonblocking_end(fd, flags);
    return r;
}

/* --- what is no socket ------------------------------------------------------------------------ */

/* Not this kind of file, or not this kernel. */
static bool is_unknown(int code) {
    return code == EOPNOTSUPP || code == EINVAL || code == ENOSYS || code == EPERM;
}

ssize_t eddy__os_read_now(int fd, void *buffer, size_t size) {
    const struct iovec whole = {buffer, size};
    ssize_t r = preadv2(fd, &whole, 1, -1, RWF_NOWAIT);
    int flags;

    if (r >= 0 || !is_unknown(errno))
        return r < 0 ? -errno : r;
    flags = nonblocking_begin(fd);
    r = read(fd, buffer, size);
    r = r < 0 ? -errno : r;
    nonblocking_end(fd, flags);
    return r;
}

ssize_t eddy__os_write_now(int fd, const void *buffer, size_t size) {
    const struct iovec whole = {(void *)buffer, size};
    ssize_t r = pwritev2(fd, &whole, 1, -1, RWF_NOWAIT | RWF_NOSIGNAL);
    struct eddy__sigpipe sigpipe;
    int flags;

    if (r >= 0 || !is_unknown(errno))
        return r < 0 ? -errno : r;
    eddy__sigpipe_block(&sigpipe);
    flags = nonblocking_begin(fd);
    r = write(fd, buffer, size);
    r = r < 0 ? -errno : r;
    nonblocking_end(fd, flags);
    eddy__sigpipe_restore(&sigpipe, r);
    return r;
}

/* --- options ---------------------------------------------------------------------------------- */

int eddy__os_setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
    return setsockopt(fd, level, name, value, size) < 0 ? -errno : 0;
}

/* --- from a file to a socket ------------------------------------------------------------------ */

ssize_t eddy__os_sendfile_now(int out_fd, int in_fd, off_t *offset, size_t size) {
    struct eddy__sigpipe sigpipe;
    int flags;
    ssize_t r;

    eddy__sigpipe_block(&sigpipe);
    flags = nonblocking_begin(out_fd);
    r = sendfile(out_fd, in_fd, offset, size);
    r = r < 0 ? -errno : r;
    nonblocking_end(out_fd, flags);
    eddy__sigpipe_restore(&sigpipe, r);
    return r;
}

int eddy__os_file_size(int fd, off_t *out) {
    struct stat about;

    if (fstat(fd, &about) < 0)
        return -errno;
    if (!S_ISREG(about.st_mode))
        return -EINVAL;
    *out = about.st_size;
    return 0;
}

off_t eddy__os_file_offset(int fd) {
    off_t r = lseek(fd, 0, SEEK_CUR);

    return r < 0 ? -errno : r;
}

int eddy__os_file_seek(int fd, off_t offset) {
    return lseek(fd, offset, SEEK_SET) < 0 ? -errno : 0;
}

/* Can this byte be read without the disk? */
static bool byte_is_cached(int fd, off_t offset) {
    char byte;
    const struct iovec one = {&byte, 1};

    return preadv2(fd, &one, 1, offset, RWF_NOWAIT) >= 0;
}

/* The pages of the range that the cache has, those on their way included; -1: who knows. */
static long pages_cached(int fd, off_t offset, size_t size) {
    const uint64_t range[2] = {(uint64_t)offset, size};
    uint64_t counts[5] = {0}; /* the first: pages in the cache */

    return syscall(SYS_cachestat, fd, range, counts, 0) < 0 ? -1 : (long)counts[0];
}

/* A page on its way is one in the cache that cannot be read yet: reading ahead goes forward, so the
 * last byte comes last. */
bool eddy__os_is_cached(int fd, off_t offset, size_t size) {
    off_t end = offset + (off_t)size;
    long cached = pages_cached(fd, offset, size);

    if (cached >= 0)
        return cached >= (end - 1) / PAGE_BYTES - offset / PAGE_BYTES + 1 &&
               byte_is_cached(fd, end - 1);
    for (off_t at = offset; at < end; at += PAGE_BYTES)
        if (!byte_is_cached(fd, at))
            return false;
    return byte_is_cached(fd, end - 1);
}

int eddy__os_read_ahead(int fd, off_t offset, size_t size) {
    char bytes[16 << 10];
    off_t end = offset + (off_t)size;

    posix_fadvise(fd, offset, (off_t)size, POSIX_FADV_WILLNEED);
    while (offset < end) {
        ssize_t r = pread(fd, bytes, MIN(sizeof(bytes), (size_t)(end - offset)), offset);
        if (r == 0)
            break;
        if (r < 0 && errno != EINTR)
            return -errno;
        offset += r < 0 ? 0 : r;
    }
    return 0;
}
