/* SPDX-License-Identifier: MIT
 * eddy/descriptor.h - system calls on descriptors of your own, which let other tasks run while they
 * wait.
 *
 * Each is the system call of its name as it is on a blocking descriptor, only that the task waits
 * instead of the thread; a failure is its negative code. The descriptor may be blocking or not, and
 * is left as it is. (For the moment of a call that knows no other way, which are accept, connect,
 * sendfile, and read and write on terminals, a blocking one is made non-blocking: a process that
 * shares it may find -EAGAIN then. Who minds sets O_NONBLOCK.)
 *
 * All that suspend return -EBADF, -ECANCELED (without an effect), -ENOMEM, EDDY_ECLOSED (below)
 * and what the system call returns. Buffers and addresses are lent until the return.
 *
 * Who waits for what. Of several tasks that receive from one descriptor, or accept, the first to
 * come is the first to be served; so are those that send. Receiving and sending do not disturb each
 * other, and neither does eddy_wait_fd(): all who wait there are told. Beside a callback of
 * eddy_add_reader() a task that receives goes first, and the callback may find that nothing is
 * left.
 *
 * Closing. eddy_close() ends the waits of this thread's loop with EDDY_ECLOSED, and then the number
 * may be used again at once. A plain close(2) under a waiting task is not heard of: the wait goes
 * on, as poll(2)'s and read(2)'s in another thread do, perhaps for ever, and may keep the file
 * open meanwhile. It can be cancelled; it never gets what comes for the number's next file, and
 * ends with EDDY_ECLOSED when it shows that there is one. Waits of other threads' loops are theirs.
 */
#ifndef EDDY_DESCRIPTOR_H
#define EDDY_DESCRIPTOR_H

#include <sys/socket.h>

#include <eddy/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- receiving. All suspend while nothing has come; with MSG_DONTWAIT or MSG_ERRQUEUE they return
 * -EAGAIN instead. --- */

/* Receives at most `size` bytes, or a datagram. Returns how many; 0 at the end of a stream.
 * MSG_WAITALL: all of them, or as many as came before the end, a failure or a cancel. */
EDDY_API ssize_t eddy_recv(int fd, void *buffer, size_t size, int flags);

/* The same, and who sent it: *address_size is the room at `address`, then the address's size. Both
 * may be NULL. */
EDDY_API ssize_t eddy_recvfrom(int fd, void *buffer, size_t size, int flags,
                               struct sockaddr *address, socklen_t *address_size);

/* The same in several parts, with control messages. MSG_WAITALL is refused: -EINVAL. */
EDDY_API ssize_t eddy_recvmsg(int fd, struct msghdr *message, int flags);

/* Reads from a pipe, a terminal, an eventfd, an inotify or timer descriptor, or a socket. Returns
 * how many bytes; 0 at the end; -EPERM for a regular file whose bytes are on the disk only, as
 * nothing tells when they have come. */
EDDY_API ssize_t eddy_read(int fd, void *buffer, size_t size);

/* --- sending. All suspend while there is no room; with MSG_DONTWAIT they return -EAGAIN, or what
 * was sent, instead. None raises SIGPIPE: -EPIPE. --- */

/* Sends all `size` bytes, or one datagram. Returns size; or, when a failure or a cancel came in
 * between, how many were sent before, and the next call tells of the failure. Large pieces of
 * several tasks mix. */
EDDY_API ssize_t eddy_send(int fd, const void *data, size_t size, int flags);

/* The same to an address, which may be NULL. */
EDDY_API ssize_t eddy_sendto(int fd, const void *data, size_t size, int flags,
                             const struct sockaddr *address, socklen_t address_size);

/* The same in several parts, with control messages. On a stream perhaps fewer bytes than all. */
EDDY_API ssize_t eddy_sendmsg(int fd, const struct msghdr *message, int flags);

/* Writes all `size` bytes to a pipe, a terminal, an eventfd or a socket. Returns as eddy_send(). */
EDDY_API ssize_t eddy_write(int fd, const void *data, size_t size);

/* Sends `size` bytes of the regular file in_fd, from *offset on, without a copy through the
 * program; fewer where the file ends. *offset moves along; NULL: the file's own position does. What
 * is not in memory yet is read ahead in a thread of the default executor, so a slow disk keeps
 * nobody else waiting. Both have to stay open until it returns. Returns as eddy_send(); -EINVAL
 * when in_fd is no regular file. Suspends. */
EDDY_API ssize_t eddy_sendfile(int out_fd, int in_fd, off_t *offset, size_t size);

/* --- connections ------------------------------------------------------------------------------ */

/* Takes a connection. Returns its descriptor, the caller's: close(2) or eddy_close(). It is
 * non-blocking and close-on-exec. address and address_size may be NULL, else as eddy_recvfrom().
 * Suspends. */
EDDY_API int eddy_accept(int fd, struct sockaddr *address, socklen_t *address_size);

/* Connects. Returns 0, -ECONNREFUSED, -ETIMEDOUT, ...; to a Unix socket whose queue is full
 * -EAGAIN, as nothing tells when there is room. Cancelled, it may go on in the kernel: the next
 * eddy_connect() waits for the same connection. Suspends. */
EDDY_API int eddy_connect(int fd, const struct sockaddr *address, socklen_t address_size);

/* --- readiness and the end -------------------------------------------------------------------- */

/* As poll(2) has them. */
typedef enum eddy_fd_events {
    EDDY_READABLE = 1,
    EDDY_URGENT = 2, /* urgent data; a change in /proc or sysfs */
    EDDY_WRITABLE = 4,
    EDDY_FAILED = 8, /* these two come unasked */
    EDDY_HUNG_UP = 16
} eddy_fd_events;

/* Waits until one of `events` has come, without reading anything; a readiness that is there already
 * counts. Returns those that have come; -EINVAL if none, or unknown ones, are asked for; -EPERM for
 * regular files and folders, which have none. Works for whatever epoll does: pidfds, inotify,
 * eventfds, terminals. What is ready may have been read by others when the task runs. Suspends. */
EDDY_API int eddy_wait_fd(int fd, int events);

/* Closes a descriptor that this thread's tasks may be waiting for: their calls return EDDY_ECLOSED,
 * and callbacks of eddy_add_reader() and eddy_add_writer() are removed. Never suspends. Returns 0,
 * or close(2)'s code: but for -EBADF it is closed all the same. Not for descriptors that eddy
 * owns. */
EDDY_API int eddy_close(int fd);

#ifdef __cplusplus
}
#endif

#endif
