/* SPDX-License-Identifier: MIT
 * task.h - a task from the inside: a future with a coroutine, and how it parks, wakes and is
 * cancelled.
 *
 *   NEW -run-> RUNNING -park-> WAITING -wake-> READY -run-> RUNNING -return-> ENDED
 *   cancel: NEW is ENDED at once; WAITING has its wait ended, which wakes it; the others keep the
 * mark.
 *
 * Every thread has a root task on its own stack: parking it runs the loop until it is woken. */
#ifndef EDDY__TASK_H
#define EDDY__TASK_H

#include <eddy/task.h>

#include "coro.h"
#include "future.h"

enum eddy__task_state { TASK_NEW, TASK_READY, TASK_RUNNING, TASK_WAITING, TASK_ENDED };

/* future.task_flags */
enum {
    TASK_ROOT = 1 << 0,           /* a thread's own stack */
    TASK_REFUSED = 1 << 1,        /* a cancel or an expired scope is in force for its calls */
    TASK_HAS_OPTIONS = 1 << 2,    /* its origin begins with them */
    TASK_WAIT_CANCELLED = 1 << 3, /* its wait has been told */
};

/* What a parked task waits for. Lies on its stack. */
struct eddy__wait {
    /* The task is cancelled: make the wait end. Called at most once per park, on the loop's thread.
     * It ends by eddy__task_wake(), now or later: a lent buffer must come back first. */
    void (*cancel)(struct eddy__wait *wait);
    /* The loop is closed over the parked task, which will not run again: gives back what it held.
     * NULL: nothing. */
    void (*drop)(struct eddy__wait *wait);
};

struct eddy__scope; /* scope.h: time-outs and shields */
struct eddy__task_extras;

struct eddy__task {
    eddy_future future; /* first: a task is a future */
    eddy_fn *fn;
    void *arg;
    struct eddy__coro
        coro; /* WAITING and READY: where it goes on. Its stack is bound when it first runs */
    struct eddy__wait *wait;    /* WAITING: what for; NULL: for something that no cancel ends */
    struct eddy__scope *scopes; /* the innermost open one */
    const char *origin;         /* "file.c:12" NUL "fn, arg": where it was created, and with what */
    struct eddy__task_extras *extras; /* what few tasks have, or NULL */
    uint32_t cancelling;              /* cancels not taken back */
    uint16_t refusals;                /* refused calls in a row */
    uint8_t size_class;               /* of its stack */
};

/* The task that runs; in a callback and outside a run NULL. */
extern THREAD_LOCAL struct eddy__task *eddy__current;

/* The task that a suspending call suspends: the running one, or outside any the root of this
 * thread, bound to `loop` (NULL: the default loop). NULL where suspending is impossible (callback,
 * pool thread, wrong thread): *code says it, with a sentence. */
struct eddy__task *eddy__task_to_suspend(eddy_loop *loop, int *code);

/* The start of a suspending call: as above, and -ECANCELED when the task is refused, after the
 * others have run. Returns 0 and *out, or a code whose sentence is the last error. */
int eddy__checkpoint(eddy_loop *loop, struct eddy__task **out);

/* Suspends the running task until eddy__task_wake(). */
void eddy__task_park(struct eddy__task *task, struct eddy__wait *wait);

/* Ends the park: the task is queued. On the loop's thread only. */
void eddy__task_wake(struct eddy__task *task);

/* Runs an operation to its end in the calling task. Suspends. A cancel is passed to the poller; the
 * result is the operation's: -ECANCELED, or what it had achieved. Negative results have become the
 * last error. */
ssize_t eddy__op_await(eddy_loop *loop, struct eddy__op *op);

/* The same; when the loop is closed over the wait, `dropped` is called instead of the return. The
 * operation has completed by then, perhaps with a result that nobody else will see. */
ssize_t eddy__op_await_or(eddy_loop *loop, struct eddy__op *op,
                          void (*dropped)(struct eddy__op *op));

/* Counts an effect that needed no wait: after a row of them the others run first, or a busy
 * connection would starve them. The last thing that a call does. */
void eddy__task_charge(struct eddy__task *task);

/* Its name, from the options or out of the origin; not NUL-terminated, and needs no memory. */
eddy_slice eddy__task_name(const struct eddy__task *task);

static inline struct eddy__task *eddy__task_of(const eddy_future *future) {
    return container_of(future, struct eddy__task, future);
}

#endif
