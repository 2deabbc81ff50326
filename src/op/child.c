/* SPDX-License-Identifier: MIT
 * child.c - children: spawned, watched by their pidfds, reaped. */
#include "child.h"

#include <errno.h>
#include <signal.h>

#include "log.h"
#include "loop.h"
#include "os.h"
#include "os_process.h"

/* Nobody will watch it any longer: it is killed, and its end, which is near, waited for. Only a
 * child that has become another user's withstands, and is left to itself. */
static void child_end_now(struct eddy__child *child) {
    int r = eddy__child_signal(child, SIGKILL);

    child->result = eddy__os_pidfd_wait(child->pidfd, r != -EPERM, &child->status);
    if (child->result != -EAGAIN)
        return;
    child->result = -EPERM;
    eddy__log(EDDY_LOG_WARNING,
              "the process %d is another user's by now and could not be killed: it goes on",
              (int)child->pid);
}

/* The wait for its pidfd has ended. False: the child has not, and is to be watched again. */
static bool child_reap(struct eddy__child *child) {
    int r = (int)child->exit.result;

    if (r >= 0) {
        child->result = eddy__os_pidfd_wait(child->pidfd, false, &child->status);
        return child->result != -EAGAIN;
    }
    child_end_now(child);
    if (child->result == 0 && r != -ECANCELED && r != EDDY_ESHUTDOWN)
        child->result = r; /* it was us, and not because the loop closes */
    return true;
}

/* Returns whether it has ended already: ended() is not called then. */
static bool child_watch(struct eddy__child *child) {
    do
        if (!eddy__op_submit(child->loop, &child->exit))
            return false;
    while (!child_reap(child));
    return true;
}

static void child_has_ended(struct eddy__child *child) {
    eddy__op_forget(child->loop, child->pidfd);
    eddy__os_close(TAKE_FD(child->pidfd));
    child->has_ended = true;
}

static void child_exited(struct eddy__op *op) {
    struct eddy__child *child = container_of(op, struct eddy__child, exit);

    if (!child_reap(child) && !child_watch(child))
        return;
    child_has_ended(child);
    child->ended(child);
}

int eddy__child_start(eddy_loop *loop, struct eddy__spawn *spawn,
                      void (*ended)(struct eddy__child *child), struct eddy__child *child) {
    int r = eddy__os_spawn(spawn);

    if (r < 0)
        return r;
    *child = (struct eddy__child){
        .loop = loop,
        .pid = spawn->pid,
        .pidfd = spawn->pidfd,
        .exit = {.code = EDDY__OP_READABLE, .fd = spawn->pidfd, .done = child_exited},
        .ended = ended,
    };
    if (!child_watch(child))
        return 0;
    child_has_ended(child);
    spawn->step = SPAWN_BIRTH;
    return (int)MIN(child->exit.result, 0);
}

int eddy__child_signal(const struct eddy__child *child, int signo) {
    return child->has_ended ? -ESRCH : eddy__os_pidfd_signal(child->pidfd, child->pid, signo);
}

void eddy__child_forget(struct eddy__child *child) {
    eddy__os_close(TAKE_FD(child->pidfd));
    child->has_ended = true;
    child->result = -ECHILD;
}
