/* SPDX-License-Identifier: MIT
 * threadsafe.c - eddy_run_coroutine_threadsafe(): a task of another thread's loop.
 *
 *   WAITING -post arrives-> STARTED -the task ends-> done
 *   cancel: WAITING is done at once, and its function never runs; STARTED posts to the loop.
 *
 * The task itself never leaves its loop; what its asker holds is a shared future
 * (../future/shared.h) that is completed when the task ends. See docs/internals/threads.md. */
#include <errno.h>
#include <stdio.h>

#include <eddy/threads.h>

#include "local.h"
#include "memory.h"
#include "scheduler.h"
#include "shared.h"

struct remote {
    struct eddy__shared shared; /* first. One reference is its asker's, one the loop's until it is
                                   done, one of a cancel under way */
    eddy_loop *loop;            /* where it runs; a reference */
    const char *origin;         /* as of a task that is made with options */
    eddy_fn *fn;
    void *arg;
    eddy_context *context;      /* its asker's; a reference */
    struct eddy__post start;    /* and, when nothing else is left, a last report */
    struct eddy__post cancel;   /* of those counted in `cancels` */
    struct eddy__waiter waiter; /* of the task */
    eddy_task *task;            /* a reference, from STARTED to done; the loop's thread only */

    /* Under the lock of `shared`. */
    bool has_started;
    bool cancel_is_under_way;
    int cancels;              /* that the loop has not heard of */
    const eddy_error *reason; /* of the last of them, or NULL */
};

static struct remote *remote_of(eddy_future *future) {
    return container_of(future, struct remote, shared.future);
}

/* --- the life of the future ------------------------------------------------------------------- */

static void remote_describe(const eddy_future *future, char *text, size_t size) {
    const struct remote *remote = container_of(future, struct remote, shared.future);
    eddy_slice name = eddy__origin_function(remote->origin, true);

    snprintf(text, size, "task \"%.*s\" (created at %s)", (int)MIN(name.size, 64), name.data,
             remote->origin);
}

static void remote_end(struct remote *remote) {
    eddy__shared_deinit(&remote->shared);
    eddy_error_unref(remote->reason);
    eddy_context_unref(remote->context);
    eddy_loop_unref(remote->loop);
    eddy__free(remote);
}

/* On the loop's thread: its handler is asked. */
static void remote_report(struct eddy__post *post) {
    struct remote *remote = container_of(post, struct remote, start);

    eddy__future_report(&remote->shared.future, remote->loop);
    remote_end(remote);
}

static void remote_free(eddy_future *future) {
    struct remote *remote = remote_of(future);

    remote->start.run = remote_report;
    if (!eddy__shared_report(future, remote->loop, &remote->start))
        remote_end(remote);
}

/* --- cancelling ------------------------------------------------------------------------------- */

/* On the loop's thread. */
static void remote_cancel_arrived(struct eddy__post *post) {
    struct remote *remote = container_of(post, struct remote, cancel);
    const eddy_error *reason;
    int count;

    pthread_mutex_lock(&remote->shared.lock);
    count = remote->cancels;
    reason = TAKE_POINTER(remote->reason);
    remote->cancels = 0;
    remote->cancel_is_under_way = false;
    pthread_mutex_unlock(&remote->shared.lock);

    while (count-- > 0 && remote->task && !remote->loop->closing)
        eddy_cancel_with(remote->task, reason ? reason->message : NULL);
    eddy_error_unref(reason);
    eddy__shared_unref(&remote->shared.future);
}

/* Under the lock. A closed loop needs to be told nothing: its tasks end with it. */
static void remote_send_cancel(struct remote *remote, const eddy_error *reason) {
    remote->cancels++;
    if (reason)
        eddy__error_set(&remote->reason, eddy_error_ref(reason));
    if (remote->cancel_is_under_way)
        return;
    eddy__shared_ref(&remote->shared.future);
    remote->cancel_is_under_way = true;
    if (eddy__loop_post(remote->loop, &remote->cancel) < 0)
        eddy__shared_unref(&remote->shared.future); /* the caller has one, too */
}

/* Any thread. */
static bool remote_cancel(eddy_future *future, const char *text) {
    struct remote *remote = remote_of(future);
    const eddy_error *reason = text ? eddy__error_format(-ECANCELED, "%s", text) : NULL;
    bool was_pending;

    pthread_mutex_lock(&remote->shared.lock);
    was_pending = !eddy__future_is_done(future);
    if (was_pending && remote->has_started)
        remote_send_cancel(remote, reason);
    else if (was_pending)
        eddy__shared_complete_locked(&remote->shared, -ECANCELED, eddy_error_ref(reason));
    pthread_mutex_unlock(&remote->shared.lock);

    eddy_error_unref(reason);
    return was_pending;
}

static const struct eddy__future_class remote_class = {
    .cancel = remote_cancel, .describe = remote_describe, .free = remote_free};

/* --- on its loop ------------------------------------------------------------------------------ */

/* The task has ended. Who awaits the future, or lets it go, sees to the failure. */
static void remote_task_done(struct eddy__waiter *waiter, eddy_future *task) {
    struct remote *remote = container_of(waiter, struct remote, waiter);

    task->was_retrieved = true;
    eddy__shared_complete(&remote->shared, task->result, eddy_error_ref(task->error));
    eddy__future_unref(TAKE_POINTER(remote->task));
    eddy__shared_unref(&remote->shared.future);
}

static void remote_follow(struct remote *remote, eddy_task *task) {
    remote->task = task;
    remote->waiter.wake = remote_task_done;
    if (eddy__future_is_done(task))
        remote_task_done(&remote->waiter, task);
    else
        eddy__waiter_add(task, &remote->waiter);
}

/* It ends without a task. Takes error. */
static void remote_fail(struct remote *remote, int code, const eddy_error *error) {
    eddy__shared_complete(&remote->shared, code, error);
    eddy__shared_unref(&remote->shared.future);
}

static const eddy_error *error_of_closed_loop(void) {
    return eddy__error_format(EDDY_ESHUTDOWN,
                              "the loop was closed before the coroutine could begin");
}

/* True: the function is to run now, and no cancel keeps it from that any more. */
static bool remote_may_start(struct remote *remote) {
    pthread_mutex_lock(&remote->shared.lock);
    remote->has_started = !eddy__future_is_done(&remote->shared.future);
    pthread_mutex_unlock(&remote->shared.lock);
    return remote->has_started;
}

static void remote_arrived(struct eddy__post *post) {
    struct remote *remote = container_of(post, struct remote, start);
    const eddy_task_options options = {.loop = remote->loop, .context = remote->context};
    eddy_task *task;

    if (remote->loop->closing) {
        remote_fail(remote, EDDY_ESHUTDOWN, error_of_closed_loop());
        return;
    }
    if (!remote_may_start(remote)) {
        eddy__shared_unref(&remote->shared.future);
        return;
    }
    task = eddy_create_task_with_at(remote->origin, sizeof(options), &options, remote->fn,
                                    remote->arg);
    if (task)
        remote_follow(remote, task);
    else
        remote_fail(remote, -ENOMEM, NULL);
}

/* --- from any thread -------------------------------------------------------------------------- */

static struct remote *remote_new(const char *origin, eddy_loop *loop, eddy_fn *fn, void *arg) {
    struct remote *remote = eddy__alloc(sizeof(*remote));

    if (!remote)
        return NULL;
    *remote = (struct remote){.loop = eddy_loop_ref(loop),
                              .origin = origin,
                              .fn = fn,
                              .arg = arg,
                              .context = eddy_context_copy(),
                              .start.run = remote_arrived,
                              .cancel.run = remote_cancel_arrived};
    eddy__shared_init(&remote->shared, &remote_class);
    list_init(&remote->waiter.node);
    return remote;
}

eddy_future *eddy_run_coroutine_threadsafe_at(const char *origin, eddy_loop *loop, eddy_fn *fn,
                                              void *arg) {
    struct remote *remote = remote_new(origin, loop, fn, arg);
    int r = 0;

    if (!remote) {
        eddy__fail(-ENOMEM);
        return NULL;
    }
    eddy__shared_ref(&remote->shared.future); /* the loop's */
    if (loop->fork_generation != eddy__fork_generation)
        r = eddy_raise(EDDY_EFORKED, "this loop was made before fork(): it is the parent's");
    else if (eddy__loop_post(loop, &remote->start) < 0)
        r = eddy_raise(EDDY_ESHUTDOWN, "this loop is closed");
    if (r < 0)
        remote_fail(remote, r, eddy_error_ref(eddy_last_error()));
    return &remote->shared.future;
}
