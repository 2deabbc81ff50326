/* SPDX-License-Identifier: MIT
 * sigpipe.c - SIGPIPE, blocked and taken back (see sigpipe.h). */
#include "sigpipe.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

static sigset_t sigpipe_alone(void) {
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
}

void eddy__sigpipe_block(struct eddy__sigpipe *sigpipe) {
    const sigset_t blocked = sigpipe_alone();
    sigset_t pending;

    pthread_sigmask(SIG_BLOCK, &blocked, &sigpipe->before);
    sigpipe->was_pending = sigismember(&sigpipe->before, SIGPIPE) && sigpending(&pending) == 0 &&
                           sigismember(&pending, SIGPIPE);
}

/* One that was pending before, as it was blocked, stays. */
void eddy__sigpipe_restore(const struct eddy__sigpipe *sigpipe, ssize_t r) {
    const struct timespec at_once = {0};
    const sigset_t raised = sigpipe_alone();

    if (r == -EPIPE && !sigpipe->was_pending)
        while (sigtimedwait(&raised, NULL, &at_once) < 0 && errno == EINTR)
            continue;
    pthread_sigmask(SIG_SETMASK, &sigpipe->before, NULL);
}
