/* SPDX-License-Identifier: MIT
 * op_await.c - an operation awaited by a task, record and buffer on its stack.
 *
 * The wait ends with the poller's last answer, cancelled or not: nothing of the task's stack is
 * lent when it returns. */
#include <errno.h>
#include <stdio.h>

#include "scheduler.h"

#define INLINE_COMPLETIONS_MAX 64 /* then a task that never has to wait lets the others run */

struct op_wait {
    struct eddy__wait wait;
    struct eddy__op *op;
    struct eddy__task *task;
    void (*dropped)(struct eddy__op *op);
};

static void op_done(struct eddy__op *op) {
    struct op_wait *op_wait = op->waiter;

    eddy__task_wake(op_wait->task);
}

static void op_wait_cancelled(struct eddy__wait *wait) {
    struct op_wait *op_wait = container_of(wait, struct op_wait, wait);

    eddy__op_cancel(op_wait->task->future.loop, op_wait->op);
}

/* The poller has completed it by then. */
static void op_wait_dropped(struct eddy__wait *wait) {
    struct op_wait *op_wait = container_of(wait, struct op_wait, wait);

    if (op_wait->dropped)
        op_wait->dropped(op_wait->op);
}

static const char *const op_ends[] = {
    [EDDY__OP_RECV] = "read",
    [EDDY__OP_LEASE] = "read",
    [EDDY__OP_SEND] = "write",
    [EDDY__OP_ACCEPT] = "accept",
    [EDDY__OP_CONNECT] = "connect",
    [EDDY__OP_READABLE] = "be readable",
    [EDDY__OP_WRITABLE] = "be writable",
    [EDDY__OP_READ] = "read",
    [EDDY__OP_LEASE_READ] = "read",
    [EDDY__OP_WRITE] = "write",
};

static void op_wait_look(const struct eddy__wait *wait, struct eddy__look *look) {
    const struct eddy__op *op = container_of(wait, struct op_wait, wait)->op;

    snprintf(look->what, sizeof(look->what), "fd %d to %s", op->fd,
             op->code < ARRAY_SIZE(op_ends) ? op_ends[op->code] : "be done");
}

void eddy__task_charge(struct eddy__task *task) {
    eddy_loop *loop = task->future.loop;

    if (++loop->inline_completions < INLINE_COMPLETIONS_MAX)
        return;
    loop->inline_completions = 0;
    eddy__task_step_back(task);
}

/* Completed at once. Charging may let the others run: the loop may be closed there, too. */
static void op_wait_charge(struct op_wait *op_wait) {
    op_wait->task->wait = &op_wait->wait;
    eddy__task_charge(op_wait->task);
    op_wait->task->wait = NULL;
}

ssize_t eddy__op_await_or(eddy_loop *loop, struct eddy__op *op,
                          void (*dropped)(struct eddy__op *op)) {
    struct op_wait op_wait = {
        .wait = {.cancel = op_wait_cancelled, .drop = op_wait_dropped, .look = op_wait_look},
        .op = op,
        .dropped = dropped};
    int r;

    op->result = -ECANCELED; /* if it is never begun */
    r = eddy__checkpoint_holding(loop, &op_wait.wait, &op_wait.task);
    if (r < 0)
        return r;
    op->done = op_done;
    op->waiter = &op_wait;
    if (eddy__op_submit(op_wait.task->future.loop, op))
        op_wait_charge(&op_wait);
    else
        eddy__task_park(op_wait.task, &op_wait.wait);

    if (op->result == -ECANCELED)
        return eddy__task_fail_cancelled(op_wait.task);
    return op->result < 0 ? eddy__fail((int)op->result) : op->result;
}

ssize_t eddy__op_await(eddy_loop *loop, struct eddy__op *op) {
    return eddy__op_await_or(loop, op, NULL);
}
