/* SPDX-License-Identifier: MIT
 * root.c - the root task of a thread, and the start of every suspending call.
 *
 * The root is the thread's own flow of control. Parking it runs the loop; when it comes up in the
 * ready queue, the loop is left. So one function serves a plain program, a test and a coroutine. */
#include <errno.h>

#include "local.h"
#include "log.h"
#include "scheduler.h"
#include "scope.h"

#define REFUSALS_REPORTED 1000

static THREAD_LOCAL struct eddy__task root;

static void root_run(void *runnable) {
    struct eddy__task *task = runnable;

    task->future.task_state = TASK_RUNNING;
    task->future.loop->woken = true;
}

static const struct eddy__future_class root_class = {.runnable = {.run = root_run},
                                                     .is_task = true};

/* The reference keeps the memory of a loop that another thread may close. */
static void root_unbind(void) {
    eddy_loop *loop = TAKE_POINTER(root.future.loop);

    eddy_loop_unref(loop);
}

static void root_init(void) {
    root.future.class = &root_class;
    root.future.task_flags |= TASK_ROOT;
    root.future.task_state = TASK_RUNNING;
    root.origin = "main\0main";
}

/* Ties the root to the loop that its next wait will run. Its place in the ready queue is the one
 * that every loop keeps for who runs it. */
static int root_bind(eddy_loop *loop) {
    if (likely(root.future.loop == loop))
        return 0;
    if (!eddy__scheduler_of(loop)) /* through which it tells us when it is closed */
        return eddy__fail(-ENOMEM);
    root_unbind();
    eddy__thread_remember();
    root_init();
    root.future.loop = eddy_loop_ref(loop);
    eddy__scopes_follow(&root, loop);
    return 0;
}

void eddy__root_forget(eddy_loop *loop) {
    if (root.future.loop != loop)
        return;
    eddy__scopes_follow(&root, NULL);
    root_unbind();
}

struct eddy__task *eddy__root_without_loop(void) {
    eddy__root_forget(root.future.loop);
    root_init();
    return &root;
}

static void thread_ends(void) {
    root_unbind();
    eddy__context_leave(NULL);
}

__attribute__((constructor)) static void root_introduce(void) {
    eddy__thread_ends = thread_ends;
}

/* Outside any task. A loop that is not running may come from another thread: whoever runs it owns
 * it. */
static int root_to_suspend(eddy_loop *loop) {
    int r;

    if (eddy__thread.running)
        return eddy_raise(-EDEADLK, "a callback of the event loop must not suspend: the loop would "
                                    "wait for itself; create a task for what waits");
    if (eddy__thread.in_pool)
        return eddy_raise(-EDEADLK, "code in a thread of the pool has no event loop to suspend on: "
                                    "block, or hand the work back to the loop");
    if (!loop)
        loop = eddy__default_loop();
    if (!loop)
        return eddy_last_error()->code;
    if (!loop->running)
        eddy__loop_claim(loop);
    r = eddy__loop_check(loop);
    return r < 0 ? r : root_bind(loop);
}

struct eddy__task *eddy__root_to_suspend(eddy_loop *loop, int *code) {
    if (eddy__current)
        *code = eddy_raise(EDDY_EWRONG_THREAD, "what this task waits for belongs to another loop");
    else
        *code = root_to_suspend(loop);
    return *code < 0 ? NULL : &root;
}

static void root_run_loop(bool stoppable) {
    int r = eddy__loop_run(root.future.loop, stoppable);

    assert(r == 0); /* eddy__task_to_suspend() has seen to it */
    (void)r;
}

/* A root that was woken in the turn in which the loop was stopped still has its turn to come. */
static void root_run_until_stopped(void) {
    root_run_loop(true);
    if (root.future.task_state == TASK_READY)
        root_run_loop(false);
    if (root.future.task_state == TASK_WAITING) {
        root.future.task_state = TASK_RUNNING;
        root.future.task_flags |= TASK_STOPPED;
    }
}

void eddy__task_leave_root(struct eddy__task *task) {
    assert(task == &root);
    if (unlikely(task->future.task_flags & TASK_STOPPABLE))
        root_run_until_stopped();
    else
        root_run_loop(false);
}

/* To the end of the ready queue. */
static inline void task_queue(struct eddy__task *task) {
    task->future.task_state = TASK_READY;
    eddy__loop_ready(task->future.loop, task);
}

void eddy__task_step_back(struct eddy__task *task) {
    task_queue(task);
    if (unlikely(task->future.task_flags & TASK_ROOT))
        eddy__task_leave_root(task);
    else
        eddy__task_leave(task);
}

void eddy__task_refuse(struct eddy__task *task, struct eddy__wait *holds) {
    if (++task->refusals == REFUSALS_REPORTED) {
        eddy_slice name = eddy__task_name(task);
        eddy__log(
            EDDY_LOG_WARNING,
            "task \"%.*s\" (created at %s) was cancelled and still makes suspending calls: %d "
            "in a row were refused",
            (int)name.size, name.data, task->origin, REFUSALS_REPORTED);
    }
    task->wait = holds;
    eddy__task_step_back(task);
    task->wait = NULL;
}

int eddy__checkpoint_slowly(eddy_loop *loop, struct eddy__wait *holds, struct eddy__task **out) {
    int code;
    struct eddy__task *task = eddy__task_to_suspend(loop, &code);

    *out = task;
    if (unlikely(!task))
        return code;
    if (unlikely(task->future.task_flags & TASK_REFUSED)) {
        eddy__task_refuse(task, holds);
        return eddy__task_fail_cancelled(task);
    }
    return 0;
}

/* Outside a task, or in one that is refused. */
static int yield_slowly(void) {
    struct eddy__task *task = NULL;
    int r = eddy__checkpoint_slowly(NULL, NULL, &task);

    if (r < 0)
        return r;
    eddy__task_step_back(task);
    return 0;
}

int eddy_yield(void) {
    struct eddy__task *task = eddy__current;

    if (unlikely(!task || task->future.task_flags & TASK_REFUSED))
        return yield_slowly();
    task_queue(task);
    return eddy__task_leave(task);
}
