/* SPDX-License-Identifier: MIT
 * os.h - the one seam to the kernel and its clock.
 *
 * Each function is the system call of its name and returns what it returns, or the negative errno:
 * errno itself is never looked at above this file. Descriptors come close-on-exec, sockets
 * non-blocking. */
#ifndef EDDY__OS_H
#define EDDY__OS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t eddy__os_now(void);

int eddy__os_socket(int family, int type, int protocol);
int eddy__os_bind(int fd, const struct sockaddr *address, socklen_t size);
int eddy__os_listen(int fd, int backlog);
int eddy__os_accept(int fd);
int eddy__os_connect(int fd, const struct sockaddr *address, socklen_t size);
int eddy__os_socket_error(int fd); /* SO_ERROR, negated */
int eddy__os_set_option(int fd, int level, int name, int value);
int eddy__os_get_option(int fd, int level, int name); /* >= 0, or the negative code */
int eddy__os_getsockname(int fd, struct sockaddr *address, socklen_t *size);
int eddy__os_getpeername(int fd, struct sockaddr *address, socklen_t *size);
int eddy__os_peer_credentials(int fd, struct ucred *out); /* of a Unix socket's other end */
int eddy__os_shutdown(int fd, int how);
int eddy__os_set_close_on_exec(int fd);
ssize_t eddy__os_recv(int fd, void *buffer, size_t size, int flags);
ssize_t eddy__os_send(int fd, const void *buffer, size_t size, int flags); /* never SIGPIPE */
ssize_t eddy__os_sendv(int fd, const struct iovec *pieces, size_t count, int flags);
bool eddy__os_is_open(int fd);
int eddy__os_descriptors_max(void);           /* how many the process may have now */
bool eddy__os_is_ready(int fd, short events); /* POLLIN, POLLOUT; also when it has failed */
void eddy__os_close(int fd);                  /* keeps errno; -1 is nothing */

/* Of what is no socket (os_pipe.c). A write raises no SIGPIPE. The ends of a pipe are non-blocking.
 */
ssize_t eddy__os_read(int fd, void *buffer, size_t size);
ssize_t eddy__os_write(int fd, const void *buffer, size_t size);
ssize_t eddy__os_writev(int fd, const struct iovec *pieces, int count);
int eddy__os_pipe(int fds[2]);
int eddy__os_set_nonblocking(int fd);
int eddy__os_file_mode(int fd, mode_t *out); /* st_mode */
int eddy__os_access_mode(int fd);            /* O_RDONLY, O_WRONLY or O_RDWR */

/* What /proc calls the open file: "pipe:[4711]", "/dev/pts/3"; "?" when it does not say. */
void eddy__os_file_name(int fd, char *text, size_t size);
/* Of descriptors that may be blocking (os_descriptor.c). Those with "now" never wait: -EAGAIN.
 * Nothing that sends raises SIGPIPE. */
ssize_t eddy__os_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t eddy__os_sendmsg(int fd, const struct msghdr *message, int flags);
int eddy__os_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int eddy__os_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int eddy__os_poll(int fd, int events); /* those that have come; 0: none. Waits for nothing */
int eddy__os_accept_now(int fd, struct sockaddr *peer, socklen_t *peer_size); /* may be NULL */
int eddy__os_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int eddy__os_duplicate(int fd); /* another number for the same open file */
bool eddy__os_is_unix_datagram(int fd);
int eddy__os_close_told(int fd); /* what close(2) says; it is closed, unless -EBADF */
int eddy__os_connect_now(int fd, const struct sockaddr *address, socklen_t size);
ssize_t eddy__os_read_now(int fd, void *buffer, size_t size); /* also of what is no socket */
ssize_t eddy__os_write_now(int fd, const void *buffer, size_t size);
/* From a regular file; a disk may be waited for, unless the range is_cached. read_ahead waits until
 * it is. file_size refuses what is no regular file: -EINVAL. */
ssize_t eddy__os_sendfile_now(int out_fd, int in_fd, off_t *offset, size_t size);
int eddy__os_file_size(int fd, off_t *out);
off_t eddy__os_file_offset(int fd);
int eddy__os_file_seek(int fd, off_t offset);
bool eddy__os_is_cached(int fd, off_t offset, size_t size);
int eddy__os_read_ahead(int fd, off_t offset, size_t size);

int eddy__os_epoll_create(void);
int eddy__os_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event);
/* timeout_ns < 0: no limit. An interrupted wait is 0 events. */
int eddy__os_epoll_wait(int epoll_fd, struct epoll_event *events, int count, int64_t timeout_ns);

int eddy__os_eventfd(void);
void eddy__os_eventfd_write(int fd); /* async-signal-safe; keeps errno */
void eddy__os_eventfd_read(int fd);

/* Anonymous memory: zeroed, nothing reserved, never in huge pages. NULL when there is none. */
void *eddy__os_map(size_t bytes);
void eddy__os_unmap(void *memory, size_t bytes);

/* Gives whole pages of such memory back to the system; they are zero when they are touched again.
 */
void eddy__os_clear(void *memory, size_t bytes);

static inline void eddy__os_closep(int *fd) {
    eddy__os_close(*fd);
}

/* Waits while *word is `value`; may return earlier. wake lets at most `count` waiters go. */
void eddy__os_futex_wait(_Atomic unsigned *word, unsigned value);
void eddy__os_futex_wake(_Atomic unsigned *word, int count);

/* A variable of the environment asks for something: it is set, and neither empty nor 0. */
bool eddy__os_is_asked(const char *variable);

#endif
