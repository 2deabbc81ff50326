/* SPDX-License-Identifier: MIT
 * scheduler.c - switching between tasks: binding stacks late, going from task to task, ending.
 *
 * A task gets its stack when it first runs. One that ends gives its stack to the next fresh task
 * without a switch, so a fan-out of ten thousand short tasks uses one warm stack. Read next: task.c
 * (a task's life). */
#include "scheduler.h"

#include <errno.h>
#include <pthread.h>

#include "log.h"
#include "memory.h"
#include "overflow.h"
#include "scope.h"

THREAD_LOCAL struct eddy__task *eddy__current;

static void task_entry(void);

static struct eddy__scheduler *scheduler_of(const struct eddy__task *task) {
    return task->future.loop->upper_data;
}

/* --- going to a task -------------------------------------------------------------------------- */

/* Gives a fresh task a stack. False: there is none, and it has failed with -ENOMEM. */
static bool task_bind(struct eddy__scheduler *scheduler, struct eddy__task *task) {
    struct eddy__stack *stack;

    if (likely(task->coro.stack))
        return true;
    stack = eddy__stack_take(&scheduler->stacks, task->size_class);
    if (!stack) {
        task->future.task_state = TASK_RUNNING; /* it is out of the queue */
        eddy__task_complete(task, -ENOMEM);
        return false;
    }
    eddy__coro_prepare(&task->coro, stack, task_entry);
    return true;
}

/* Out of the ready queue: a task that was cancelled before it ran only had its place there. */
static bool task_is_live(struct eddy__task *task) {
    if (likely(task->future.task_state != TASK_ENDED))
        return true;
    eddy__ring_unreserve(&task->future.loop->ready);
    eddy__future_unref(&task->future);
    return false;
}

/* The next task that this turn may run, or NULL. */
static struct eddy__task *scheduler_next(eddy_loop *loop) {
    struct eddy__task *task;

    do {
        task = eddy__loop_next(loop, &eddy__task_class.runnable);
    } while (task && !task_is_live(task));
    return task;
}

/* Sets the stage for `task` (NULL: the loop itself) and gives the flow to switch to. */
static struct eddy__coro *scheduler_enter(struct eddy__scheduler *scheduler,
                                          struct eddy__task *task) {
    eddy__current = task;
    if (!task)
        return &scheduler->loop_coro;
    task->future.task_state = TASK_RUNNING;
    return &task->coro;
}

/* Where control goes when the running task leaves: to who waits for an eager task, to the next
 * task, or to the loop. */
static struct eddy__coro *scheduler_choose(eddy_loop *loop, struct eddy__scheduler *scheduler) {
    struct eddy__task *task;

    if (unlikely(scheduler->eager_return)) {
        struct eddy__coro *coro = TAKE_POINTER(scheduler->eager_return);
        eddy__current = scheduler->eager_task;
        return coro;
    }
    do {
        task = scheduler_next(loop);
    } while (task && !task_bind(scheduler, task));
    return scheduler_enter(scheduler, task);
}

/* A stack without a guard page shows an overflow only afterwards. */
static void task_check_stack(const struct eddy__task *task) {
    eddy_slice name;
    const char *place;

    if (likely(eddy__stack_is_whole(task->coro.stack)))
        return;
    eddy__overflow_abort(eddy__overflow_stack(&name, &place), name, place);
}

void eddy__task_leave(struct eddy__task *task) {
    struct eddy__coro *to;

    task_check_stack(task);
    to = scheduler_choose(task->future.loop, scheduler_of(task));
    if (to != &task->coro)
        eddy__coro_switch(&task->coro, to);
}

/* From the loop's own stack. */
void eddy__task_run(void *runnable) {
    struct eddy__task *task = runnable;
    struct eddy__scheduler *scheduler = scheduler_of(task);

    if (!task_is_live(task) || !task_bind(scheduler, task))
        return;
    eddy__coro_switch(&scheduler->loop_coro, scheduler_enter(scheduler, task));
}

void eddy__task_run_eagerly(struct eddy__task *task) {
    struct eddy__scheduler *scheduler = scheduler_of(task);
    struct eddy__task *maker = eddy__current, *outer_task = scheduler->eager_task;
    struct eddy__coro *outer = scheduler->eager_return;
    struct eddy__coro *here = maker ? &maker->coro : &scheduler->loop_coro;

    if (!task_bind(scheduler, task))
        return;
    scheduler->eager_return = here;
    scheduler->eager_task = maker;
    eddy__coro_switch(here, scheduler_enter(scheduler, task));
    scheduler->eager_return = outer;
    scheduler->eager_task = outer_task;
}

/* --- running and ending ------------------------------------------------------------------------
 */

/* A fresh task that can go on with the stack of the one that has just ended, or NULL: then that
 * stack was given back, and *to says where to go. */
static struct eddy__task *scheduler_adopt(eddy_loop *loop, struct eddy__scheduler *scheduler,
                                          struct eddy__stack *stack, struct eddy__coro **to) {
    struct eddy__task *next = scheduler->eager_return ? NULL : scheduler_next(loop);

    if (next && !next->coro.stack && next->size_class == stack->size_class) {
        next->coro.stack = stack;
        return next;
    }
    eddy__stack_give(&scheduler->stacks, stack);
    if (next && task_bind(scheduler, next))
        *to = scheduler_enter(scheduler, next);
    else
        *to = scheduler_choose(loop, scheduler);
    return NULL;
}

/* A forked child may go on in a task's function, as in a plain program; it must not go on with the
 * parent's loop. */
static void task_check_process(const struct eddy__task *task) {
    eddy_slice name = {0};

    if (likely(task->future.loop->fork_generation == eddy__fork_generation))
        return;
    name = eddy__task_name(task);
    eddy__fatal("task \"%.*s\" (created at %s) returned in a forked child, whose event loop is its "
                "parent's: the child must end by exec or _exit",
                (int)name.size, name.data, task->origin);
}

/* The first function on every task's stack. */
static void task_entry(void) {
    struct eddy__task *task = eddy__current;
    eddy_loop *loop = task->future.loop;
    struct eddy__scheduler *scheduler = scheduler_of(task);
    struct eddy__stack *stack = task->coro.stack;
    struct eddy__coro nowhere, *to = NULL;

    eddy__sanitizer_arrive(NULL);
    while (task) {
        int result;

        scheduler_enter(scheduler, task);
        result = task->fn(task->arg);
        task_check_process(task);
        eddy__scopes_check_end(task);
        task_check_stack(task);
        eddy__task_complete(task, result); /* it may be gone */
        task = scheduler_adopt(loop, scheduler, stack, &to);
    }
    eddy__coro_finish(&nowhere, to);
}

/* --- a loop's tasks ----------------------------------------------------------------------------
 */

static void task_close(struct eddy__task *task) {
    struct eddy__wait *wait = TAKE_POINTER(task->wait);

    eddy__future_ref(&task->future);
    eddy__task_complete(task, -ECANCELED);
    if (wait && wait->drop)
        wait->drop(wait);
    eddy__future_unref(&task->future);
}

/* The loop ends first: what still waits is told that it was cancelled, and does not run again. */
static void scheduler_close(eddy_loop *loop) {
    struct eddy__scheduler *scheduler = loop->upper_data;
    int left = eddy_all_tasks(loop, NULL, 0);

    if (left > 0)
        eddy__log(EDDY_LOG_WARNING, "a loop was closed with %d task%s in it that had not ended",
                  left, left == 1 ? "" : "s");
    for (uint32_t i = 0; i < eddy__slab_capacity(&scheduler->tasks); i++) {
        struct eddy__task *task = eddy__slab_at(&scheduler->tasks, i);
        if (task->future.class != &eddy__task_class)
            continue; /* free */
        if (task->future.task_state != TASK_ENDED)
            task_close(task);
    }
    eddy__root_forget(loop);
}

static void scheduler_free(eddy_loop *loop) {
    struct eddy__scheduler *scheduler = loop->upper_data;

    eddy__slab_deinit(&scheduler->tasks);
    eddy__stack_pool_deinit(&scheduler->stacks);
    eddy__free(scheduler);
}

static void scheduler_info(const eddy_loop *loop, eddy_loop_statistics *out) {
    const struct eddy__scheduler *scheduler = loop->upper_data;

    out->stack_guard = eddy__stack_pool_guard_name(&scheduler->stacks);
    out->tasks = scheduler->tasks.in_use;
    out->stacks_in_use = scheduler->stacks.in_use;
    out->stacks_free = scheduler->stacks.free_count;
    out->stack_bytes_reserved = scheduler->stacks.reserved_bytes;
    out->stack_bytes_resident =
        (scheduler->stacks.in_use + scheduler->stacks.free_count) * STACK_PAGE_BYTES;
    out->stacks_trimmed = scheduler->stacks.closed_count;
}

static bool scheduler_has_surplus(const eddy_loop *loop) {
    const struct eddy__scheduler *scheduler = loop->upper_data;

    return eddy__stack_pool_has_surplus(&scheduler->stacks);
}

static bool scheduler_tidy(eddy_loop *loop, unsigned periods) {
    struct eddy__scheduler *scheduler = loop->upper_data;

    if (periods > 0)
        eddy__stack_pool_age(&scheduler->stacks, periods);
    return eddy__stack_pool_trim(&scheduler->stacks);
}

static const struct eddy__loop_upper scheduler_upper = {
    .close = scheduler_close,
    .free = scheduler_free,
    .info = scheduler_info,
    .has_surplus = scheduler_has_surplus,
    .tidy = scheduler_tidy,
};

struct eddy__scheduler *eddy__scheduler_of(eddy_loop *loop) {
    struct eddy__scheduler *scheduler = loop->upper_data;

    if (likely(scheduler))
        return scheduler;
    scheduler = eddy__zalloc(sizeof(*scheduler));
    if (!scheduler)
        return NULL;
    eddy__slab_init(&scheduler->tasks, sizeof(struct eddy__task));
    eddy__stack_pool_init(&scheduler->stacks);
    if (!loop->options.keep_sigsegv)
        eddy__overflow_watch();
    loop->upper = &scheduler_upper;
    loop->upper_data = scheduler;
    return scheduler;
}

/* --- what the layers below ask ------------------------------------------------------------------
 */

static const eddy_error **task_error_slot(void) {
    return eddy__current ? &eddy__current->future.error : eddy__thread_error_slot();
}

static const struct eddy__stack *task_overflow_stack(eddy_slice *name, const char **place) {
    if (!eddy__current)
        return NULL;
    *name = eddy__task_name(eddy__current);
    *place = eddy__current->origin;
    return eddy__current->coro.stack;
}

/* The child of a fork() goes on outside any task, on whatever stack that was. */
static void scheduler_forked(void) {
    eddy__current = NULL;
    eddy__sanitizer_forked();
}

__attribute__((constructor)) static void scheduler_introduce(void) {
    pthread_atfork(NULL, NULL, scheduler_forked);
    eddy__error_slot = task_error_slot;
    eddy__overflow_stack = task_overflow_stack;
}
