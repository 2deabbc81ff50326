/* SPDX-License-Identifier: MIT
 * future.c - the one thing that can be waited for: completion, waiters, references, results.
 *
 * Read next: after.c (a future that a timer completes), ../task/task.c (one that a coroutine
 * completes). */
#include "future.h"

#include <errno.h>
#include <stdio.h>

#include "log.h"
#include "memory.h"
#include "promise.h"
#include "shared.h"

/* --- completion ------------------------------------------------------------------------------- */

static inline void waiter_wake(struct list_node *node, eddy_future *future) {
    struct eddy__waiter *waiter = container_of(node, struct eddy__waiter, node);

    list_remove(node);
    waiter->wake(waiter, future);
}

/* Mostly one waits. Of several, one may come again: it is not told twice. */
void eddy__future_wake(eddy_future *future) {
    struct list_node waiters, *first = future->waiters.next;

    if (likely(first == future->waiters.prev)) {
        waiter_wake(first, future);
        return;
    }
    list_init(&waiters);
    list_splice(&waiters, &future->waiters);
    while (!list_is_empty(&waiters))
        waiter_wake(waiters.next, future);
}

int eddy__future_retrieve_value(eddy_future *future, void **value) {
    __atomic_store_n(&future->was_retrieved, true, __ATOMIC_RELAXED);
    if (future->result < 0)
        return future->error ? eddy__fail_with(future->error) : eddy__fail(future->result);
    if (value && !future->class->is_task)
        *value = future->class->take_value ? future->class->take_value(future) : NULL;
    return future->result;
}

int eddy_future_result(eddy_future *future, void **value) {
    if (!future)
        return eddy__fail(-ENOMEM);
    if (!eddy__future_is_done(future))
        return eddy__fail(EDDY_EINVALID_STATE);
    return eddy__future_retrieve(future, value);
}

bool eddy_is_done(const eddy_future *future) {
    return !future || eddy__future_is_done(future);
}

bool eddy_is_cancelled(const eddy_future *future) {
    return future && eddy__future_is_done(future) && future->result == -ECANCELED;
}

/* --- references ------------------------------------------------------------------------------- */

void eddy__future_report(eddy_future *future, eddy_loop *loop) {
    const eddy_error *error = future->error ? future->error : eddy__error_static(future->result);
    char name[160] = "a future", what[200];

    if (future->class->describe)
        future->class->describe(future, name, sizeof(name));
    snprintf(what, sizeof(what), "%s failed and was never awaited", name);
    eddy__report_failure(loop, error, what);
}

/* The last future of a closed loop takes the loop's memory along. */
static void future_free(eddy_future *future) {
    eddy_loop *loop = future->loop;

    if (unlikely(future->error))
        eddy__error_set(&future->error, NULL);
    future->class->free(future);
    if (--loop->futures == 0 && loop->closed)
        eddy_loop_unref(loop);
}

/* A failure is reported; in debug mode any result of a task that was let go without a word, too. */
static void future_end_unheard(eddy_future *future) {
    char name[160];

    if (eddy__future_is_unheard(future)) {
        eddy__future_report(future, future->loop);
    } else if (future->loop->options.debug && future->class->is_task && !future->was_detached &&
               eddy__future_is_done(future) && future->result >= 0) {
        future->class->describe(future, name, sizeof(name));
        eddy__log(EDDY_LOG_WARNING,
                  "%s was neither awaited nor detached: nobody has seen its result, %d", name,
                  future->result);
    }
}

void eddy__future_end(eddy_future *future) {
    if (unlikely(!future->was_retrieved))
        future_end_unheard(future);
    future_free(future);
}

void eddy__future_fail_dead(const eddy_future *future) {
    char name[160];

    future->class->describe(future, name, sizeof(name));
    eddy__fatal("%s is used after its last reference was given back: awaiting, eddy_detach() and "
                "eddy_unref() take it; eddy_ref() before keeps it",
                name);
}

eddy_future *eddy_ref(eddy_future *future) {
    if (!future)
        return NULL;
    if (unlikely(future->class->is_dead))
        eddy__future_fail_dead(future);
    return eddy__future_is_shared(future) ? eddy__shared_ref(future) : eddy__future_ref(future);
}

eddy_future *eddy_unref(eddy_future *future) {
    if (future)
        eddy__future_unref(future);
    return NULL;
}

int eddy_detach(eddy_future *future) {
    if (!future)
        return eddy__fail(-ENOMEM);
    if (!eddy__future_is_shared(future))
        future->was_detached = true;
    eddy__future_unref(future);
    return 0;
}

/* --- cancelling ------------------------------------------------------------------------------- */

static const eddy_error *cancel_error(const char *reason) {
    return reason ? eddy__error_format(-ECANCELED, "%s", reason) : NULL;
}

bool eddy_cancel_with(eddy_future *future, const char *reason) {
    if (future && unlikely(future->class->is_dead))
        eddy__future_fail_dead(future);
    if (!future || eddy__future_is_done(future))
        return false;
    if (eddy__future_is_shared(future) ? eddy__shared_check(future) < 0
                                       : eddy__loop_check(future->loop) < 0)
        return false;
    if (future->class->cancel)
        return future->class->cancel(future, reason);
    eddy__future_complete(future, -ECANCELED, cancel_error(reason));
    return true;
}

bool eddy_cancel(eddy_future *future) {
    return eddy_cancel_with(future, NULL);
}

/* --- done callbacks --------------------------------------------------------------------------- */

struct done_callback {
    const struct eddy__runnable_class *class; /* first: once due it stands in the ready queue */
    struct eddy__waiter waiter;
    eddy_future *future; /* a reference once it is due */
    eddy_done_callback *fn;
    void *arg;
};

static void done_callback_run(void *runnable) {
    struct done_callback *callback = runnable;
    eddy_future *future = callback->future;

    eddy__ring_unreserve(&future->loop->ready);
    eddy__waiter_remove(&callback->waiter);
    if (callback->fn)
        callback->fn(future, callback->arg);
    eddy__future_unref(future);
    eddy__free(callback);
}

static void done_callback_drop_due(void *runnable) {
    struct done_callback *callback = runnable;

    callback->fn = NULL;
    done_callback_run(callback);
}

static void done_callback_describe(const void *runnable, struct eddy__step *step) {
    const struct done_callback *callback = runnable;

    step->function = (uintptr_t)callback->fn;
}

static const struct eddy__runnable_class done_callback_class = {
    .run = done_callback_run, .drop = done_callback_drop_due, .describe = done_callback_describe};

/* It stays among the waiters of the future, which has no others any more, so that it can be found
 * and removed until it runs. */
static void done_callback_due(struct eddy__waiter *waiter, eddy_future *future) {
    struct done_callback *callback = container_of(waiter, struct done_callback, waiter);

    callback->future = eddy__future_ref(future);
    eddy__waiter_add(future, waiter);
    eddy__loop_ready(future->loop, callback);
}

/* May callbacks be added and removed here? A shared one has no loop that would run them. */
static int done_callback_check(const eddy_future *future) {
    if (!future)
        return 0;
    if (eddy__future_is_shared(future))
        return eddy_raise(EDDY_EWRONG_THREAD, "a future made for other threads has no loop to call "
                                              "back on: await it in a task");
    return eddy__loop_check(future->loop);
}

int eddy_future_add_done_callback(eddy_future *future, eddy_done_callback *fn, void *arg) {
    struct done_callback *callback;
    int r = done_callback_check(future);

    if (r < 0)
        return r;
    callback = future ? eddy__alloc(sizeof(*callback)) : NULL;
    if (!callback || eddy__ring_reserve(&future->loop->ready) < 0) {
        eddy__free(callback);
        return eddy__fail(-ENOMEM);
    }
    *callback = (struct done_callback){.class = &done_callback_class,
                                       .waiter.wake = done_callback_due,
                                       .future = future,
                                       .fn = fn,
                                       .arg = arg};
    list_init(&callback->waiter.node);
    if (eddy__future_is_done(future))
        done_callback_due(&callback->waiter, future);
    else
        eddy__waiter_add(future, &callback->waiter);
    return 0;
}

/* The callback behind a waiter, if it is one with this function and argument. */
static struct done_callback *done_callback_match(struct list_node *node, eddy_done_callback *fn,
                                                 void *arg) {
    struct eddy__waiter *waiter = container_of(node, struct eddy__waiter, node);
    struct done_callback *callback = container_of(waiter, struct done_callback, waiter);

    if (waiter->wake != done_callback_due || callback->fn != fn || callback->arg != arg)
        return NULL;
    return callback;
}

/* One that is due stands in the ready queue, and is freed there. */
static void done_callback_drop(struct done_callback *callback) {
    if (eddy__future_is_done(callback->future)) {
        eddy__waiter_remove(&callback->waiter);
        callback->fn = NULL;
        return;
    }
    eddy__waiter_remove(&callback->waiter);
    eddy__ring_unreserve(&callback->future->loop->ready);
    eddy__free(callback);
}

int eddy_future_remove_done_callback(eddy_future *future, eddy_done_callback *fn, void *arg) {
    int removed = 0, r = done_callback_check(future);

    if (!future || r < 0)
        return r;

    for (struct list_node *node = future->waiters.next, *next; node != &future->waiters;
         node = next) {
        struct done_callback *callback = done_callback_match(node, fn, arg);
        next = node->next;
        if (callback) {
            done_callback_drop(callback);
            removed++;
        }
    }
    return removed;
}

void eddy__future_drop_callbacks(eddy_future *future) {
    while (!list_is_empty(&future->waiters)) {
        struct eddy__waiter *waiter = container_of(future->waiters.next, struct eddy__waiter, node);
        if (waiter->wake == done_callback_due)
            done_callback_drop(container_of(waiter, struct done_callback, waiter));
        else
            eddy__waiter_remove(waiter);
    }
}

/* --- plain futures ---------------------------------------------------------------------------- */

struct plain_future {
    eddy_future future;
    void *value;                  /* DONE with result >= 0 */
    void (*destroy)(void *value); /* due if nobody takes the value, or NULL */
};

/* It is the asker's now. */
static void *plain_take_value(eddy_future *future) {
    struct plain_future *plain = container_of(future, struct plain_future, future);

    plain->destroy = NULL;
    return plain->value;
}

static void plain_free(eddy_future *future) {
    struct plain_future *plain = container_of(future, struct plain_future, future);

    eddy__future_drop_callbacks(future);
    if (plain->destroy)
        plain->destroy(plain->value);
    eddy__free(plain);
}

static const struct eddy__future_class plain_class = {.take_value = plain_take_value,
                                                      .free = plain_free};

eddy_future *eddy_future_new(eddy_loop *loop) {
    struct plain_future *plain;
    int r;

    loop = eddy__loop_or_default(loop);
    r = loop ? eddy__loop_check(loop) : 0;
    if (r < 0)
        return eddy__future_failed(NULL, r);
    plain = loop ? eddy__alloc(sizeof(*plain)) : NULL;
    if (!plain) {
        eddy__fail(-ENOMEM);
        return NULL;
    }
    eddy__future_init(&plain->future, &plain_class, loop);
    plain->value = NULL;
    plain->destroy = NULL;
    return &plain->future;
}

eddy_future *eddy__future_failed(eddy_loop *loop, int code) {
    const eddy_error *error = eddy__error_behind(code);
    eddy_future *future = eddy_future_new(loop);

    if (future)
        eddy__future_complete(future, code, error);
    else
        eddy_error_unref(error);
    return future;
}

/* May it be completed by hand now? */
static int plain_check(eddy_future *future) {
    if (!future)
        return eddy__fail(-ENOMEM);
    if (future->class != &plain_class && !eddy__is_promise(future))
        return eddy_raise(EDDY_EINVALID_STATE, "only a future of eddy_future_new() is completed by "
                                               "hand; this one completes itself");
    if (eddy__future_is_done(future))
        return eddy__fail(EDDY_EINVALID_STATE);
    return eddy__future_is_shared(future) ? eddy__shared_check(future)
                                          : eddy__loop_check(future->loop);
}

int eddy_future_set_result_with(eddy_future *future, void *value, void (*destroy)(void *value)) {
    struct plain_future *plain = container_of(future, struct plain_future, future);
    int r = plain_check(future);

    if (r < 0)
        return r;
    if (eddy__future_is_shared(future))
        return eddy__promise_set(future, 0, NULL, value, destroy);
    plain->value = value;
    plain->destroy = destroy;
    eddy__future_complete(future, 0, NULL);
    return 0;
}

int eddy_future_set_result(eddy_future *future, void *value) {
    return eddy_future_set_result_with(future, value, NULL);
}

int eddy_future_set_error(eddy_future *future, int code, const char *format, ...) {
    const eddy_error *error;
    va_list arguments;
    int r = plain_check(future);

    if (r < 0)
        return r;
    if (code >= 0)
        eddy__fatal("eddy_future_set_error(%d): a failure's code is negative", code);
    va_start(arguments, format);
    error = format ? eddy__error_new(code, NULL, 0, NULL, format, arguments) : NULL;
    va_end(arguments);
    if (eddy__future_is_shared(future))
        return eddy__promise_set(future, code, error, NULL, NULL);
    eddy__future_complete(future, code, error);
    return 0;
}
