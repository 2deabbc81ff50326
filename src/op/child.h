/* SPDX-License-Identifier: MIT
 * child.h - a child process that is reaped as soon as it ends, whoever waits for it.
 *
 * From its birth on one operation waits for its pidfd to become readable. So no child is a zombie
 * for longer than its loop takes to look, and a loop that closes finds each of its children:
 * cancelling the operation is how it tells them. SIGCHLD is not used.
 *
 *   RUNS -the pidfd is readable-> reaped: HAS ENDED, ended()      a closing loop kills it first */
#ifndef EDDY__CHILD_H
#define EDDY__CHILD_H

#include "op.h"
#include "os_spawn.h"

struct eddy__child {
    eddy_loop *loop; /* borrowed: the owner has a reference */
    pid_t pid;
    int pidfd;            /* -1 when it has ended */
    struct eddy__op exit; /* pending while it runs: the record stays where it is */
    bool has_ended;
    int result; /* then: 0; -ECHILD: the status is not known; or why it was killed */
    int status; /* what it exited with, or a signal's negative number */
    void (*ended)(struct eddy__child *child); /* on the loop's stack; may free it */
};

/* Spawns it. Returns 0 (it may have ended already: ended() is not called then), or a negative code:
 * there is no child, and spawn->step says how far it came. */
int eddy__child_start(eddy_loop *loop, struct eddy__spawn *spawn,
                      void (*ended)(struct eddy__child *child), struct eddy__child *child);

/* Sends a signal. Returns 0; -ESRCH: it has ended; -EPERM, -EINVAL. */
int eddy__child_signal(const struct eddy__child *child, int signo);

/* In a process that was forked: it is our parent's child, and goes on. */
void eddy__child_forget(struct eddy__child *child);

#endif
