/* SPDX-License-Identifier: MIT
 * os_process.h - what the kernel says of child processes, and of who may be one. */
#ifndef EDDY__OS_PROCESS_H
#define EDDY__OS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* A descriptor of a child that has not been reaped; close-on-exec. -ENOSYS before Linux 5.3. */
int eddy__os_pidfd_open(pid_t pid);

/* -ESRCH: it has ended and was reaped. -EPERM: it has become another user's. */
int eddy__os_pidfd_signal(int pidfd, pid_t pid, int signo);

/* Takes the status of a child that has ended: *out is what it exited with, or the negative number
 * of the signal that ended it. -EAGAIN: it runs (waits: until it has ended). -ECHILD: somebody else
 * has taken it, and the kernel (before Linux 6.15) keeps no copy. */
int eddy__os_pidfd_wait(int pidfd, bool waits, int *out);

/* Waits for a child that is about to end, and forgets it. */
void eddy__os_reap(pid_t pid);

/* Both ends close-on-exec, blocking. Returns 0, -EMFILE, -ENFILE. */
int eddy__os_blocking_pipe(int fds[2]);

/* Opens a file to be somebody's standard stream; close-on-exec. */
int eddy__os_open_to_read(const char *path);
int eddy__os_open_to_write(const char *path, bool append);

/* The number behind a user's or group's name, or a number as text. -ENOENT: there is none. Looks
 * names up, which may block. */
int eddy__os_user_id(const char *name, uid_t *out);
int eddy__os_group_id(const char *name, gid_t *out);

#endif
