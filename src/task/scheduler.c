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
#include "records.h"
#include "scope.h"
#include "stack_depth.h"
#include "stack_report.h"

#define PREFETCH_MIN     32 /* ready tasks; fewer stay in the cache by themselves */
#define RECORDS_AHEAD    8
#define STACKS_AHEAD     4
#define CACHE_LINE_BYTES 64
#define LEFT_LISTED      20 /* at most, when a loop is closed over tasks */

THREAD_LOCAL struct eddy__task *eddy__current;

static void task_entry(void);

static struct eddy__scheduler *scheduler_of(const struct eddy__task *task) {
    return task->future.loop->upper_data;
}

/* --- going to a task -------------------------------------------------------------------------- */

__attribute__((noinline)) static void task_fail_unbound(struct eddy__task *task) {
    task->future.task_state = TASK_RUNNING; /* it is out of the queue */
    eddy__task_complete(task, -ENOMEM);
}

/* Gives a fresh task a stack. False: there is none, and it has failed with -ENOMEM. */
static inline bool task_bind(struct eddy__scheduler *scheduler, struct eddy__task *task) {
    struct eddy__stack *stack = eddy__stack_take(&scheduler->stacks, task->size_class);

    if (unlikely(!stack)) {
        task_fail_unbound(task);
        return false;
    }
    if (unlikely(scheduler->stack_report))
        eddy__stack_clear(stack);
    task->stack = stack;
    task->future.place = eddy__coro_prepare(stack, task_entry);
    return true;
}

/* A task that was cancelled before it ran only had its place in the ready queue. */
static void task_drop_ended(struct eddy__task *task) {
    eddy__future_unref(&task->future);
}

/* Can a task out of the ready queue be switched to? One that has not run yet gets its stack. */
static inline bool task_can_run(struct eddy__scheduler *scheduler, struct eddy__task *task) {
    if (likely(task->future.task_state == TASK_READY))
        return true;
    if (likely(task->future.task_state == TASK_NEW))
        return task_bind(scheduler, task);
    task_drop_ended(task);
    return false;
}

/* Back to who made the eager task that has parked or ended. */
static struct eddy__task *scheduler_end_eager(struct eddy__scheduler *scheduler) {
    scheduler->eager = false;
    return scheduler->eager_maker;
}

/* Where control goes when the running task leaves: to who waits for an eager task, to the next
 * task that this turn may run, or (NULL) to the loop. */
static inline struct eddy__task *scheduler_choose(eddy_loop *loop,
                                                  struct eddy__scheduler *scheduler) {
    struct eddy__task *task;

    if (unlikely(scheduler->eager))
        return scheduler_end_eager(scheduler);
    do {
        task = eddy__loop_next(loop, &eddy__task_class.runnable);
    } while (task && !task_can_run(scheduler, task));
    return task;
}

/* Sets the stage for `task` (NULL: the loop itself). */
static inline void scheduler_enter(struct eddy__task *task) {
    eddy__current = task;
    if (likely(task))
        task->future.task_state = TASK_RUNNING;
}

static inline struct eddy__stack *stack_of(const struct eddy__task *task) {
    return task ? task->stack : NULL;
}

static inline void **place_of(struct eddy__scheduler *scheduler, struct eddy__task *task) {
    return likely(task) ? &task->future.place : &scheduler->loop_place;
}

/* From the running flow, which is `from` (NULL: the loop), to `to`. */
static inline void scheduler_switch(struct eddy__scheduler *scheduler, struct eddy__task *from,
                                    struct eddy__task *to) {
    scheduler_enter(to);
    eddy__coro_switch(place_of(scheduler, from), *place_of(scheduler, to), stack_of(to));
}

__attribute__((noinline)) static void task_check_canary(const struct eddy__task *task) {
    eddy_slice name;
    const char *place;

    if (eddy__stack_is_whole(task->stack))
        return;
    eddy__overflow_abort(eddy__overflow_stack(&name, &place), name, place);
}

/* A stack without a guard page shows an overflow only afterwards. */
static inline void task_check_stack(const struct eddy__scheduler *scheduler,
                                    const struct eddy__task *task) {
    if (unlikely(scheduler->stacks.guard == GUARD_CANARY))
        task_check_canary(task);
}

/* With many tasks, none is in the cache when its turn comes: brings in the records of those further
 * ahead, and of the nearer ones the top of the stack. Both, or the one waits for the other. Always
 * inlined: compilers take a function that only prefetches for one without effect. */
__attribute__((always_inline)) static inline void scheduler_prefetch(const eddy_loop *loop) {
    struct eddy__task *task;

    if (eddy__ring_count(&loop->ready) < PREFETCH_MIN)
        return;
    task = eddy__ring_ahead(&loop->ready, RECORDS_AHEAD);
    __builtin_prefetch(task, 1);
    task = eddy__ring_ahead(&loop->ready, STACKS_AHEAD);
    if (task->future.class == &eddy__task_class) {
        __builtin_prefetch(task->future.place, 1);
        __builtin_prefetch((char *)task->future.place + CACHE_LINE_BYTES, 1);
        __builtin_prefetch((char *)task->future.place + 2 * CACHE_LINE_BYTES, 1);
    }
}

int eddy__task_leave(struct eddy__task *task) {
    struct eddy__scheduler *scheduler = scheduler_of(task);
    struct eddy__task *next;

    scheduler_prefetch(task->future.loop);
    task_check_stack(scheduler, task);
    next = scheduler_choose(task->future.loop, scheduler);
    if (likely(next != task))
        scheduler_switch(scheduler, task, next);
    else
        scheduler_enter(task);
    return 0;
}

/* From the loop's own stack. */
void eddy__task_run(void *runnable) {
    struct eddy__task *task = runnable;
    struct eddy__scheduler *scheduler = scheduler_of(task);

    if (task_can_run(scheduler, task))
        scheduler_switch(scheduler, NULL, task);
}

void eddy__task_run_eagerly(struct eddy__task *task) {
    struct eddy__scheduler *scheduler = scheduler_of(task);
    struct eddy__task *maker = eddy__current, *outer_maker = scheduler->eager_maker;
    bool outer = scheduler->eager;

    if (!task_bind(scheduler, task))
        return;
    scheduler->eager = true;
    scheduler->eager_maker = maker;
    scheduler_switch(scheduler, maker, task);
    scheduler->eager = outer;
    scheduler->eager_maker = outer_maker;
}

/* --- running and ending ----------------------------------------------------------------------- */

/* Can a task go on with the stack of the one that has just ended? What is measured needs a clean
 * one. */
static inline bool task_can_adopt(const struct eddy__scheduler *scheduler,
                                  const struct eddy__task *task, const struct eddy__stack *stack) {
    return task->future.task_state == TASK_NEW && task->size_class == stack->size_class &&
           likely(!scheduler->stack_report);
}

/* A fresh task that can go on with the stack of the one that has just ended, or NULL: then *to is
 * who goes on (NULL: the loop). The stack is given back last: it must not be bound while this runs
 * on it. */
static inline struct eddy__task *scheduler_adopt(eddy_loop *loop, struct eddy__scheduler *scheduler,
                                                 struct eddy__stack *stack,
                                                 struct eddy__task **to) {
    struct eddy__task *next;

    if (unlikely(scheduler->eager)) {
        next = scheduler_end_eager(scheduler);
    } else {
        do {
            next = eddy__loop_next(loop, &eddy__task_class.runnable);
            if (next && task_can_adopt(scheduler, next, stack)) {
                next->stack = stack;
                return next;
            }
        } while (next && !task_can_run(scheduler, next));
    }
    eddy__stack_give(&scheduler->stacks, stack);
    *to = next;
    return NULL;
}

/* A forked child may go on in a task's function, as in a plain program; it must not go on with the
 * parent's loop. */
__attribute__((noinline)) static void task_fail_forked(const struct eddy__task *task) {
    eddy_slice name = eddy__task_name(task);

    eddy__fatal("task \"%.*s\" (created at %s) returned in a forked child, whose event loop is its "
                "parent's: the child must end by exec or _exit",
                (int)name.size, name.data, task->origin);
}

/* What a task must not leave behind when its function has returned. */
static inline void task_check_end(const struct eddy__scheduler *scheduler,
                                  const struct eddy__task *task) {
    if (unlikely(task->future.loop->fork_generation != eddy__fork_generation))
        task_fail_forked(task);
    if (unlikely(task->scopes))
        eddy__scopes_fail_open(task);
    if (unlikely(scheduler->stack_report))
        eddy__stack_report_add(scheduler->stack_report, task, true);
    task_check_stack(scheduler, task);
}

/* The first function on every task's stack. */
static void task_entry(void) {
    struct eddy__task *task = eddy__current;
    eddy_loop *loop = task->future.loop;
    struct eddy__scheduler *scheduler = scheduler_of(task);
    struct eddy__stack *stack = task->stack;
    struct eddy__task *to = NULL;

    eddy__sanitizer_arrive(NULL);
    while (task) {
        eddy_fn *fn = task->fn;
        int result;

        scheduler_enter(task);
        task->wait = NULL;
        result = fn(task->arg);
        task_check_end(scheduler, task);
        eddy__task_complete(task, result); /* it may be gone */
        task = scheduler_adopt(loop, scheduler, stack, &to);
    }
    scheduler_enter(to);
    eddy__coro_finish(*place_of(scheduler, to), stack_of(to));
}

/* --- a loop's tasks --------------------------------------------------------------------------- */

static void task_close(struct eddy__task *task) {
    struct eddy__wait *wait = task->future.task_state == TASK_NEW ? NULL : task->wait;

    task->wait = NULL;
    eddy__future_ref(&task->future);
    eddy__task_complete(task, -ECANCELED);
    if (wait && wait->drop)
        wait->drop(wait);
    eddy__scopes_drop(task);
    eddy__future_unref(&task->future);
}

static void ignore_future(struct eddy__look *look, eddy_future *future) {
    (void)look, (void)future;
}

/* In debug mode each task that is left is named, with what it waits for. */
static void scheduler_list_left(const struct eddy__scheduler *scheduler) {
    const struct eddy__task *task;
    uint32_t index = 0;
    int listed = 0;

    while (listed < LEFT_LISTED && (task = eddy__slab_next(&scheduler->tasks, &index))) {
        struct eddy__look look = {.future = ignore_future};
        char name[160];
        if (task->future.class != &eddy__task_class || task->future.task_state == TASK_ENDED)
            continue;
        if (task->future.task_state == TASK_WAITING && task->wait && task->wait->look)
            task->wait->look(task->wait, &look);
        task->future.class->describe(&task->future, name, sizeof(name));
        eddy__log(EDDY_LOG_WARNING, "%s had not ended%s%s%s%s", name,
                  look.what[0] ? ": it waits for " : "", look.what, look.place ? ", at " : "",
                  look.place ? look.place->origin : "");
        listed++;
    }
}

/* The loop ends first: what still waits is told that it was cancelled, and does not run again. */
static void scheduler_close(eddy_loop *loop) {
    struct eddy__scheduler *scheduler = loop->upper_data;
    int left = eddy_all_tasks(loop, NULL, 0);
    struct eddy__task *task;
    uint32_t index = 0;

    if (scheduler->stack_report && scheduler->stack_report->is_printed)
        eddy_print_stack_report(loop, stderr);
    if (left > 0)
        eddy__log(EDDY_LOG_WARNING, "a loop was closed with %d task%s in it that had not ended",
                  left, left == 1 ? "" : "s");
    if (left > 0 && loop->options.debug)
        scheduler_list_left(scheduler);
    while ((task = eddy__slab_next(&scheduler->tasks, &index))) {
        if (task->future.class != &eddy__task_class)
            continue; /* free */
        if (task->future.task_state != TASK_ENDED)
            task_close(task);
    }
    eddy__root_forget(loop);
}

static void scheduler_free(eddy_loop *loop) {
    struct eddy__scheduler *scheduler = loop->upper_data;

    eddy__stack_report_free(scheduler->stack_report);
    eddy__slab_deinit(&scheduler->tasks);
    eddy__stack_pool_deinit(&scheduler->stacks);
    eddy__free(scheduler);
}

static void scheduler_info(const eddy_loop *loop, eddy_loop_statistics *out) {
    const struct eddy__scheduler *scheduler = loop->upper_data;

    out->stack_guard = eddy__stack_pool_guard_name(&scheduler->stacks);
    out->tasks = scheduler->tasks.in_use - MIN(scheduler->dead_count, SCHEDULER_DEAD);
    out->stacks_in_use = scheduler->stacks.in_use;
    out->stacks_free = scheduler->stacks.free_count;
    out->stack_bytes_reserved = scheduler->stacks.reserved_bytes;
    out->stack_bytes_resident =
        (scheduler->stacks.in_use + scheduler->stacks.free_count) * STACK_PAGE_BYTES;
    out->stacks_trimmed = scheduler->stacks.closed_count;
}

static bool scheduler_has_surplus(const eddy_loop *loop) {
    const struct eddy__scheduler *scheduler = loop->upper_data;

    return eddy__stack_pool_has_surplus(&scheduler->stacks) ||
           eddy__slab_has_surplus(&scheduler->tasks);
}

static bool scheduler_tidy(eddy_loop *loop, unsigned periods) {
    struct eddy__scheduler *scheduler = loop->upper_data;
    bool more;

    if (periods > 0) {
        eddy__stack_pool_age(&scheduler->stacks, periods);
        eddy__slab_age(&scheduler->tasks);
    }
    more = eddy__stack_pool_trim(&scheduler->stacks);
    return eddy__records_trim(&loop->ready, &scheduler->tasks) || more;
}

static const struct eddy__loop_upper scheduler_upper = {
    .close = scheduler_close,
    .free = scheduler_free,
    .info = scheduler_info,
    .has_surplus = scheduler_has_surplus,
    .tidy = scheduler_tidy,
};

static uint8_t default_size_class(const eddy_loop *loop) {
    size_t bytes = loop->options.stack_bytes;

    return (uint8_t)eddy__stack_class(bytes ? bytes : STACK_BYTES_DEFAULT);
}

struct eddy__scheduler *eddy__scheduler_new(eddy_loop *loop) {
    struct eddy__scheduler *scheduler = eddy__zalloc(sizeof(*scheduler));

    if (!scheduler)
        return NULL;
    scheduler->size_class = default_size_class(loop);
    scheduler->stack_report = eddy__stack_report_new(loop);
    eddy__slab_init(&scheduler->tasks, TASK_RECORD_BYTES);
    eddy__stack_pool_init(&scheduler->stacks);
    if (!loop->options.keep_sigsegv)
        eddy__overflow_watch();
    loop->upper = &scheduler_upper;
    loop->upper_data = scheduler;
    return scheduler;
}

/* --- what the layers below ask ---------------------------------------------------------------- */

static const eddy_error **task_error_slot(void) {
    return eddy__current ? &eddy__current->future.error : eddy__thread_error_slot();
}

static const struct eddy__stack *task_overflow_stack(eddy_slice *name, const char **place) {
    if (!eddy__current)
        return NULL;
    *name = eddy__task_name(eddy__current);
    *place = eddy__current->origin;
    return eddy__current->stack;
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
