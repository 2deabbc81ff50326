/* SPDX-License-Identifier: MIT
 * sigpipe.h - writing to what has no MSG_NOSIGNAL, without SIGPIPE.
 *
 * A library must neither take SIGPIPE from its user, who may want it, nor let it end his program:
 * the signal is blocked in this thread around the write, and one that the write has raised is taken
 * back. It is sent to the thread that writes, so no other thread sees it. */
#ifndef EDDY__SIGPIPE_H
#define EDDY__SIGPIPE_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct eddy__sigpipe {
    sigset_t before;
    bool was_pending;
};

void eddy__sigpipe_block(struct eddy__sigpipe *sigpipe);

/* `r` is what the write has returned: -EPIPE has raised the signal. */
void eddy__sigpipe_restore(const struct eddy__sigpipe *sigpipe, ssize_t r);

#endif
