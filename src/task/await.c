/* SPDX-License-Identifier: MIT
 * await.c - waiting for futures: one, all, some, or for a time.
 *
 * What was taken is waited for to its end, also when the waiter is cancelled: then the cancel is
 * passed on. So a task's argument may live on the stack of who awaits it. */
#include <errno.h>

#include "log.h"
#include "memory.h"
#include "scheduler.h"
#include "shared.h"

/* --- until one is done ------------------------------------------------------------------------ */

/* A task that waits for taken futures, one at a time. */
struct await_wait {
    struct eddy__wait wait;
    struct eddy__waiter waiter;
    struct eddy__task *task;
    eddy_future **futures; /* all that a cancel is passed on to */
    int count;
    bool was_cancelled;
    const eddy_place *place;      /* of the call; NULL: unknown */
    bool is_passing_on;           /* a cancel, to those */
    struct eddy__far_waiter *far; /* while it waits for another thread */
};

static void await_woken(struct eddy__waiter *waiter, eddy_future *future) {
    (void)future;
    eddy__task_wake(container_of(waiter, struct await_wait, waiter)->task);
}

/* With the reason that the waiter itself was given. */
static void cancel_all(const struct await_wait *await) {
    const char *reason = eddy__task_cancel_reason(await->task);

    for (int i = 0; i < await->count; i++)
        eddy_cancel_with(await->futures[i], reason);
}

__attribute__((noinline)) static void await_fail_circle(const struct eddy__task *task) {
    eddy_slice name = eddy__task_name(task);

    eddy__fatal("task \"%.*s\" (created at %s) awaits a task that awaits it: none of them can end",
                (int)name.size, name.data, task->origin);
}

/* The wait goes on: it ends when the futures have. A further cancel is passed on again. One that
 * comes back here while it is passed on would go round for ever. */
static void await_cancelled(struct eddy__wait *wait) {
    struct await_wait *await = container_of(wait, struct await_wait, wait);

    if (await->is_passing_on)
        await_fail_circle(await->task);
    await->was_cancelled = true;
    await->task->future.task_flags &= ~(uint32_t)TASK_WAIT_CANCELLED;
    await->is_passing_on = true;
    cancel_all(await);
    await->is_passing_on = false;
}

static void await_dropped(struct eddy__wait *wait) {
    struct await_wait *await = container_of(wait, struct await_wait, wait);

    eddy__waiter_remove(&await->waiter);
    if (await->far)
        eddy__shared_leave(await->far); /* a closed loop has no posts under way */
    for (int i = 0; i < await->count; i++)
        eddy_unref(await->futures[i]);
}

static void await_look(const struct eddy__wait *wait, struct eddy__look *look) {
    const struct await_wait *await = container_of(wait, struct await_wait, wait);

    look->place = await->place;
    for (int i = 0; i < await->count; i++)
        eddy__look_at(look, await->futures[i]);
}

/* Parks until another thread has completed it. */
static void await_shared(struct await_wait *await, eddy_future *future) {
    struct eddy__far_waiter far;

    if (!eddy__shared_wait(&far, future, await->task->future.loop, &await->waiter))
        return;
    await->far = &far;
    eddy__task_park(await->task, &await->wait);
    if (unlikely(await->task->future.task_flags & TASK_STOPPED) && !eddy__shared_retreat(&far))
        eddy__task_park(await->task, &await->wait); /* it is on its way here, to our stack */
    await->far = NULL;
}

/* Parks until it is done. */
static inline void await_one(struct await_wait *await, eddy_future *future) {
    if (!future || eddy__future_is_done(future))
        return;
    await->waiter.wake = await_woken;
    if (unlikely(eddy__future_is_shared(future))) {
        await_shared(await, future);
        return;
    }
    eddy__waiter_add(future, &await->waiter);
    eddy__task_park(await->task, &await->wait);
}

/* The task is cancelled already: what it takes is, too. */
static void await_refuse(struct await_wait *await) {
    await->was_cancelled = true;
    cancel_all(await);
    eddy__task_refuse(await->task, &await->wait);
}

/* Waits for all of them. True: this task was cancelled before or meanwhile. */
static inline bool await_all(struct eddy__task *task, eddy_future **futures, int count,
                             const eddy_place *place) {
    struct await_wait await = {
        .wait = {.cancel = await_cancelled, .drop = await_dropped, .look = await_look},
        .task = task,
        .futures = futures,
        .count = count,
        .place = place,
    };

    list_init(&await.waiter.node);
    if (unlikely(task->future.task_flags & TASK_REFUSED))
        await_refuse(&await);
    for (int i = 0; i < count; i++)
        await_one(&await, futures[i]);
    return await.was_cancelled;
}

/* --- eddy_await ------------------------------------------------------------------------------- */

static inline int await_check_self(const eddy_future *future) {
    if (unlikely(eddy__current && &eddy__current->future == future))
        return eddy_raise(-EDEADLK, "task \"%s\" awaits itself: it would never end",
                          eddy_task_name(future));
    return 0;
}

/* The task that can wait for this future, or a code, with a sentence. A shared one is waited for
 * by `loop` (NULL: any). */
static inline int await_check(eddy_future *future, eddy_loop *loop, struct eddy__task **out) {
    int r;

    if (unlikely(!future))
        return eddy__fail(-ENOMEM);
    r = await_check_self(future);
    if (unlikely(r < 0))
        return r;
    *out = eddy__task_to_suspend(future->loop ? future->loop : loop, &r);
    if (unlikely(!*out))
        return r;
    return unlikely(eddy__future_is_shared(future)) ? eddy__shared_check(future) : 0;
}

/* Lets go of what could not be awaited; a task's own future is mostly borrowed. */
static void await_release(eddy_future *future) {
    if (!eddy__current || future != &eddy__current->future)
        eddy_unref(future);
}

static inline int await_on(eddy_future *future, void **value, const eddy_place *place) {
    struct eddy__task *task = NULL;
    int r = await_check(future, NULL, &task);

    if (unlikely(r < 0)) {
        await_release(future);
        return r;
    }
    await_all(task, &future, 1, place);
    r = eddy__future_retrieve(future, value);
    eddy__future_unref(future);
    if (unlikely(r < 0))
        eddy__error_awaited(place);
    return r;
}

int eddy_await_value_at(const eddy_place *place, eddy_future *future, void **value) {
    return await_on(future, value, place);
}

int(eddy_await_value)(eddy_future *future, void **value) {
    return await_on(future, value, NULL);
}

int eddy_await_at(const eddy_place *place, eddy_future *future) {
    return await_on(future, NULL, place);
}

int(eddy_await)(eddy_future *future) {
    return await_on(future, NULL, NULL);
}

int eddy_wait_for_at(const eddy_place *place, eddy_future *future, double seconds) {
    eddy_timeout timeout;
    int r;

    if (!eddy__current && (eddy__thread.running || eddy__thread.in_pool))
        return eddy_await_at(place, future); /* which says why not */
    eddy_timeout_begin_at(place ? place->origin : "eddy_wait_for", &timeout, seconds);
    r = eddy_await_at(place, future);
    if (eddy_timeout_end(&timeout, r) == r)
        return r;
    eddy__error_awaited(place);
    return -ETIMEDOUT;
}

int(eddy_wait_for)(eddy_future *future, double seconds) {
    return eddy_wait_for_at(NULL, future, seconds);
}

/* Waits as eddy_await(), but for a stop of the loop. Takes the future. */
static int await_until_stopped(struct eddy__task *root, eddy_future *future) {
    struct await_wait await = {
        .wait = {.cancel = await_cancelled, .drop = await_dropped, .look = await_look},
        .task = root,
        .futures = &future,
        .count = 1,
    };
    int r;

    list_init(&await.waiter.node);
    if (root->future.task_flags & TASK_REFUSED)
        await_refuse(&await);
    root->future.task_flags |= TASK_STOPPABLE;
    await_one(&await, future);
    root->future.task_flags &= ~(uint32_t)(TASK_STOPPABLE | TASK_STOPPED);
    eddy__waiter_remove(&await.waiter);
    if (eddy__future_is_done(future))
        r = eddy__future_retrieve(future, NULL);
    else
        r = eddy_raise(EDDY_EINVALID_STATE, "the loop was stopped before the future was done");
    eddy__future_unref(future);
    return r;
}

static int run_until_complete(eddy_loop *loop, eddy_future *future) {
    struct eddy__task *root = NULL;
    int r = await_check(future, loop, &root);

    if (r == 0)
        return await_until_stopped(root, future);
    await_release(future);
    return r;
}

int eddy_loop_run_until_complete(eddy_loop *loop, eddy_future *future) {
    int r = 0;

    if (eddy__thread.running)
        r = eddy_raise(-EDEADLK,
                       "a loop is running on this thread already: await the future instead");
    else if (future && future->loop && future->loop != loop)
        r = eddy_raise(-EINVAL, "the future belongs to another loop");
    if (r == 0)
        return run_until_complete(loop, future);
    eddy_unref(future);
    return r;
}

/* --- gather ----------------------------------------------------------------------------------- */

/* The loop that a wait for these runs, when it stands outside any task. */
static eddy_loop *loop_of(eddy_future *futures[], int count) {
    for (int i = 0; i < count; i++)
        if (futures[i] && futures[i]->loop)
            return futures[i]->loop;
    return NULL;
}

/* Why one of them cannot be waited for together with the others, which are of `loop` or shared. */
static inline int gather_check_one(eddy_future *future, const eddy_loop *loop) {
    if (unlikely(eddy__future_is_shared(future)))
        return eddy__shared_check(future);
    if (unlikely(future->loop != loop))
        return eddy_raise(-EINVAL, "futures of different loops cannot be waited for together");
    return await_check_self(future);
}

/* Any of them that cannot be waited for here, and why: wrong loop, itself, no place to suspend. */
static int gather_check(eddy_future *futures[], int count, struct eddy__task **out) {
    eddy_loop *loop = loop_of(futures, count);
    int code = 0;

    *out = eddy__task_to_suspend(loop, &code);
    for (int i = 0; i < count && code == 0; i++)
        if (likely(futures[i]))
            code = gather_check_one(futures[i], loop);
    return code;
}

/* What came out of many: the error that was first in time, and whether any was cancelled. */
struct gathered {
    const eddy_error *first;
    uint64_t first_stamp;
    bool any_was_cancelled;
};

/* A missing future is the first of all. Its sentence is the last error. */
static void gather_failure(struct gathered *gathered, const eddy_future *future, int result) {
    uint64_t stamp = future ? future->stamp : 0;

    gathered->any_was_cancelled |= future && result == -ECANCELED;
    if (stamp < gathered->first_stamp) {
        eddy__error_set(&gathered->first, eddy_error_ref(eddy_last_error()));
        gathered->first_stamp = stamp;
    }
}

/* Gives each result out, and lets go of the futures: one pass, as many do not fit into a cache. */
static struct gathered gather_results(eddy_future *futures[], int count, int results[]) {
    struct gathered gathered = {.first_stamp = UINT64_MAX};

    for (int i = 0; i < count; i++) {
        eddy_future *future = futures[i];
        int r = likely(future) ? eddy__future_retrieve(future, NULL) : eddy__fail(-ENOMEM);
        if (results)
            results[i] = r;
        if (unlikely(r < 0))
            gather_failure(&gathered, future, r);
        if (likely(future))
            eddy__future_unref(future);
    }
    return gathered;
}

int eddy_gather_array_at(const eddy_place *place, eddy_future **futures, int count, int *results) {
    struct gathered gathered;
    struct eddy__task *task;
    bool was_cancelled;
    int r = gather_check(futures, count, &task);

    if (r < 0) {
        for (int i = 0; i < count; i++)
            await_release(futures[i]);
        return r;
    }
    was_cancelled = await_all(task, futures, count, place);
    gathered = gather_results(futures, count, results);
    if (was_cancelled && (count == 0 || gathered.any_was_cancelled))
        r = eddy__task_fail_cancelled(task);
    else if (gathered.first)
        r = eddy__fail_with(gathered.first);
    eddy_error_unref(gathered.first);
    if (unlikely(r < 0))
        eddy__error_awaited(place);
    return r;
}

int(eddy_gather_array)(eddy_future **futures, int count, int *results) {
    return eddy_gather_array_at(NULL, futures, count, results);
}

/* --- eddy_wait -------------------------------------------------------------------------------- */

struct some_wait {
    struct eddy__wait wait;
    struct eddy__timer timer;
    struct eddy__task *task;
    struct some_waiter *waiters; /* one for each future */
    int count;
    eddy_wait_until until;
    int pending;
    bool is_over; /* the task was woken, or need not park */
    bool was_cancelled;
    eddy_future **futures;   /* those of the waiters */
    const eddy_place *place; /* of the call; NULL: unknown */
};

struct some_waiter {
    struct eddy__waiter waiter;
    struct some_wait *some;
    struct eddy__far_waiter *far; /* of a shared future; NULL: none */
};

static void some_over(struct some_wait *some) {
    if (some->is_over)
        return;
    some->is_over = true;
    if (some->task->future.task_state == TASK_WAITING)
        eddy__task_wake(some->task);
}

static void some_count(struct some_wait *some, const eddy_future *future) {
    some->pending--;
    if (some->pending == 0 || some->until == EDDY_FIRST_COMPLETED ||
        (some->until == EDDY_FIRST_ERROR && future->result < 0 && future->result != -ECANCELED))
        some_over(some);
}

static void some_woken(struct eddy__waiter *waiter, eddy_future *future) {
    some_count(container_of(waiter, struct some_waiter, waiter)->some, future);
}

static void some_timed_out(struct eddy__timer *timer) {
    some_over(container_of(timer, struct some_wait, timer));
}

static void some_cancelled(struct eddy__wait *wait) {
    struct some_wait *some = container_of(wait, struct some_wait, wait);

    some->was_cancelled = true;
    some_over(some);
}

static void some_leave(struct some_wait *some) {
    for (int i = 0; i < some->count; i++)
        eddy__waiter_leave(&some->waiters[i].waiter, &some->waiters[i].far);
    eddy__free(some->waiters);
}

static void some_dropped(struct eddy__wait *wait) {
    some_leave(container_of(wait, struct some_wait, wait));
}

static void some_look(const struct eddy__wait *wait, struct eddy__look *look) {
    const struct some_wait *some = container_of(wait, struct some_wait, wait);

    look->place = some->place;
    for (int i = 0; i < some->count; i++)
        eddy__look_at(look, some->futures[i]);
    if (eddy__timer_is_armed(&some->timer))
        look->until_ns = some->timer.deadline_ns;
}

static int count_done(eddy_future *futures[], int count) {
    int done = 0;

    for (int i = 0; i < count; i++)
        done += eddy__future_is_done(futures[i]);
    return done;
}

/* Among those who wait for it, or counted as done. */
static void some_join(struct some_wait *some, struct some_waiter *waiter, eddy_future *future) {
    if (!eddy__waiter_join(&waiter->waiter, waiter->far, future, some->task->future.loop))
        some_count(some, future);
}

/* Joins the waiters of what is pending, parks, leaves them. */
static void some_park(struct some_wait *some, eddy_future *futures[], double seconds) {
    eddy_loop *loop = some->task->future.loop;
    int64_t ns = ns_from_seconds(seconds);

    for (int i = 0; i < some->count; i++)
        some_join(some, &some->waiters[i], futures[i]);
    if (ns != NS_NEVER)
        eddy__timer_arm(loop, &some->timer, ns_add(eddy__loop_now(loop), ns));
    if (!some->is_over)
        eddy__task_park(some->task, &some->wait);
    eddy__timer_disarm(loop, &some->timer);
    some_leave(some);
}

/* False: no memory. */
static bool some_prepare(struct some_wait *some, eddy_future *futures[]) {
    bool has_memory = true;

    some->waiters = eddy__alloc((size_t)some->count * sizeof(*some->waiters));
    for (int i = 0; some->waiters && i < some->count; i++) {
        struct some_waiter *waiter = &some->waiters[i];
        *waiter = (struct some_waiter){.waiter.wake = some_woken, .some = some};
        list_init(&waiter->waiter.node);
        has_memory &= eddy__waiter_prepare(futures[i], &waiter->far) == 0;
    }
    if (some->waiters && !has_memory)
        some_leave(some);
    return some->waiters && has_memory;
}

int eddy_wait_at(const eddy_place *place, eddy_future **futures, int count, double seconds,
                 eddy_wait_until until) {
    struct some_wait some = {
        .wait = {.cancel = some_cancelled, .drop = some_dropped, .look = some_look},
        .timer.fire = some_timed_out,
        .until = until,
        .count = count,
        .pending = count,
        .futures = futures,
        .place = place};
    int r = eddy__checkpoint(loop_of(futures, count), &some.task);

    if (r == 0 && (unsigned)until > EDDY_FIRST_ERROR)
        r = eddy_raise(-EINVAL, "eddy_wait() until what? %d is none of its three ways", (int)until);
    for (int i = 0; i < count && r == 0; i++)
        r = futures[i] ? gather_check_one(futures[i], loop_of(futures, count))
                       : eddy_raise(-EINVAL, "future %d of %d is NULL", i, count);
    if (r < 0 || count == 0)
        return r;
    if (!some_prepare(&some, futures))
        return eddy__fail(-ENOMEM);
    some_park(&some, futures, seconds);
    if (some.was_cancelled)
        return eddy__task_fail_cancelled(some.task);
    return count_done(futures, count);
}

int(eddy_wait)(eddy_future **futures, int count, double seconds, eddy_wait_until until) {
    return eddy_wait_at(NULL, futures, count, seconds, until);
}
