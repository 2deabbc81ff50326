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

#include <string.h>

#include <eddy/task.h>

#include "coro.h"
#include "future.h"

/* A fresh future's is TASK_NEW. */
enum eddy__task_state { TASK_NEW, TASK_READY, TASK_RUNNING, TASK_WAITING, TASK_ENDED };

/* future.task_flags */
enum {
    TASK_ROOT = 1 << 0,           /* a thread's own stack */
    TASK_REFUSED = 1 << 1,        /* a cancel or an expired scope is in force for its calls */
    TASK_HAS_OPTIONS = 1 << 2,    /* its origin begins with them */
    TASK_WAIT_CANCELLED = 1 << 3, /* its wait has been told */
    TASK_STOPPABLE = 1 << 4,      /* of a root: eddy_loop_stop() ends its park, unwoken */
    TASK_STOPPED = 1 << 5,        /* and has done so */
};

/* Looking at a wait, for a report; see ../inspect. */
struct eddy__look {
    void (*future)(struct eddy__look *look, eddy_future *future); /* one that it waits for */
    const eddy_place *place; /* of the call that waits; NULL: not noted */
    int64_t until_ns;        /* when it ends at the latest; NS_NEVER */
    char what[80];           /* "fd 7 to read"; empty: only the futures */
};

static inline void eddy__look_at(struct eddy__look *look, eddy_future *future) {
    if (future)
        look->future(look, future);
}

static inline void eddy__look_name(struct eddy__look *look, const char *what) {
    strncpy(look->what, what, sizeof(look->what) - 1);
}

/* What a parked task waits for. Lies on its stack. */
struct eddy__wait {
    /* The task is cancelled: make the wait end. Called at most once per park, on the loop's thread.
     * It ends by eddy__task_wake(), now or later: a lent buffer must come back first. */
    void (*cancel)(struct eddy__wait *wait);
    /* The loop is closed over the parked task, which will not run again: gives back what it held.
     * NULL: nothing. */
    void (*drop)(struct eddy__wait *wait);
    /* Tells what it is. NULL: nobody asks. */
    void (*look)(const struct eddy__wait *wait, struct eddy__look *look);
};

struct eddy__scope; /* scope.h: time-outs and shields */
struct eddy__task_extras;

struct eddy__task {
    eddy_future future;        /* first: a task is a future */
    struct eddy__stack *stack; /* comes with the first run. Where it goes on is future.place */
    union {
        eddy_fn *fn;             /* NEW: what it is going to run */
        struct eddy__wait *wait; /* WAITING: what for; NULL: for something that no cancel ends */
    };
    void *arg;
    struct eddy__scope *scopes; /* the innermost open one */
    const char *origin;         /* "file.c:12" NUL "fn, arg": where it was created, and with what */
    struct eddy__task_extras *extras; /* what few tasks have, or NULL */
    eddy_context *context;            /* its task-local values (local.h); a reference, or NULL */
    uint32_t cancelling;              /* cancels not taken back */
    uint16_t refusals;                /* refused calls since it is refused */
    uint8_t size_class;               /* of its stack */
};

#define TASK_RECORD_BYTES 128 /* two cache lines */

_Static_assert(sizeof(struct eddy__task) <= TASK_RECORD_BYTES, "a task is two cache lines");

/* The task that runs; in a callback and outside a run NULL. */
extern THREAD_LOCAL struct eddy__task *eddy__current;

/* The same outside a task; in one, the reason why not. */
struct eddy__task *eddy__root_to_suspend(eddy_loop *loop, int *code);

/* The task that a suspending call suspends: the running one, or outside any the root of this
 * thread, bound to `loop` (NULL: the default loop). NULL where suspending is impossible (callback,
 * pool thread, wrong thread): *code says it, with a sentence. */
static inline struct eddy__task *eddy__task_to_suspend(eddy_loop *loop, int *code) {
    struct eddy__task *task = eddy__current;

    if (likely(task && (!loop || loop == task->future.loop)))
        return task;
    return eddy__root_to_suspend(loop, code);
}

/* The start of a suspending call, outside a task or in one that is refused. */
int eddy__checkpoint_slowly(eddy_loop *loop, struct eddy__wait *holds, struct eddy__task **out);

/* Where a call that holds something is going to wait: as eddy__task_to_suspend(), and -ECANCELED
 * when the task is refused, after the others have run. If they close the loop, holds->drop gives
 * back what the call holds. Returns 0 and *out, or a code whose sentence is the last error. */
static inline int eddy__checkpoint_holding(eddy_loop *loop, struct eddy__wait *holds,
                                           struct eddy__task **out) {
    struct eddy__task *task = eddy__current;

    if (unlikely(!task || task->future.task_flags & TASK_REFUSED ||
                 (loop && loop != task->future.loop)))
        return eddy__checkpoint_slowly(loop, holds, out);
    *out = task;
    return 0;
}

/* The same at the start of a suspending call, which holds nothing yet. */
static inline int eddy__checkpoint(eddy_loop *loop, struct eddy__task **out) {
    return eddy__checkpoint_holding(loop, NULL, out);
}

/* Leaves a task that has set its new state, for the next one; returns when it runs again. Returns
 * 0: as the last call of another it needs no frame below it, which a parked task would keep. */
int eddy__task_leave(struct eddy__task *task);

/* The same for a root task: runs its loop. */
void eddy__task_leave_root(struct eddy__task *task);

/* Suspends the running task until eddy__task_wake(). */
static inline void eddy__task_park(struct eddy__task *task, struct eddy__wait *wait) {
    task->wait = wait;
    task->future.task_flags &= ~(uint32_t)TASK_WAIT_CANCELLED;
    task->future.task_state = TASK_WAITING;
    if (unlikely(task->future.task_flags & TASK_ROOT))
        eddy__task_leave_root(task);
    else
        eddy__task_leave(task);
    task->wait = NULL;
}

/* Ends the park: the task is queued. On the loop's thread only. */
static inline void eddy__task_wake(struct eddy__task *task) {
    if (unlikely(task->future.task_state == TASK_ENDED))
        return; /* its loop was closed over it */
    assert(task->future.task_state == TASK_WAITING);
    task->future.task_state = TASK_READY;
    eddy__loop_ready(task->future.loop, task);
}

/* Runs an operation to its end in the calling task. Suspends. A cancel is passed to the poller; the
 * result is the operation's: -ECANCELED, or what it had achieved. Negative results have become the
 * last error. */
ssize_t eddy__op_await(eddy_loop *loop, struct eddy__op *op);

/* The same; when the loop is closed over the wait, `dropped` is called instead of the return. The
 * operation has completed by then, perhaps with a result that nobody else will see; or, in a task
 * that is refused, it was never begun: the result is then -ECANCELED. */
ssize_t eddy__op_await_or(eddy_loop *loop, struct eddy__op *op,
                          void (*dropped)(struct eddy__op *op));

/* Counts an effect that needed no wait: after a row of them the others run first, or a busy
 * connection would starve them. The last thing that a call does. */
void eddy__task_charge(struct eddy__task *task);

/* Its name, from the options or out of the origin; not NUL-terminated, and needs no memory. */
eddy_slice eddy__task_name(const struct eddy__task *task);

/* The function in an origin, whose text after the place is "fn, arg", or "options, fn, arg". */
eddy_slice eddy__origin_function(const char *origin, bool has_options);

static inline struct eddy__task *eddy__task_of(const eddy_future *future) {
    return container_of(future, struct eddy__task, future);
}

#endif
