/* SPDX-License-Identifier: MIT
 * promise.c - eddy_future_new_shared(): a future that any thread completes by hand, and any thread
 * waits for.
 *
 * It is a shared future (shared.h) with a value. The value is written before the future is done,
 * and read only after; who takes it first owns it. */
#include "promise.h"

#include <errno.h>
#include <stdatomic.h>

#include "memory.h"
#include "thread.h"

struct promise {
    struct eddy__shared shared;           /* first */
    void *value;                          /* DONE with result >= 0 */
    void (*_Atomic destroy)(void *value); /* due if nobody takes the value, or NULL */
};

static struct promise *promise_of(eddy_future *future) {
    return container_of(future, struct promise, shared.future);
}

/* Any thread. False: it was done already, and nothing was taken. */
static bool promise_complete(struct promise *promise, int result, const eddy_error *error,
                             void *value, void (*destroy)(void *value)) {
    bool was_pending;

    pthread_mutex_lock(&promise->shared.lock);
    was_pending = !eddy__future_is_done(&promise->shared.future);
    if (was_pending) {
        promise->value = value;
        atomic_store(&promise->destroy, destroy);
        eddy__shared_complete_locked(&promise->shared, result, error);
    }
    pthread_mutex_unlock(&promise->shared.lock);
    return was_pending;
}

static bool promise_cancel(eddy_future *future, const char *reason) {
    const eddy_error *error = reason ? eddy__error_format(-ECANCELED, "%s", reason) : NULL;

    if (promise_complete(promise_of(future), -ECANCELED, error, NULL, NULL))
        return true;
    eddy_error_unref(error);
    return false;
}

static void *promise_take_value(eddy_future *future) {
    struct promise *promise = promise_of(future);

    atomic_store(&promise->destroy, NULL);
    return promise->value;
}

/* The last reference may go in any thread, so a failure that nobody has heard of goes to the log.
 */
static void promise_free(eddy_future *future) {
    struct promise *promise = promise_of(future);
    void (*destroy)(void *value) = atomic_load(&promise->destroy);

    if (eddy__future_is_unheard(future))
        eddy__future_report(future, NULL);
    if (destroy)
        destroy(promise->value);
    eddy__shared_deinit(&promise->shared);
    eddy__free(promise);
}

static const struct eddy__future_class promise_class = {
    .cancel = promise_cancel, .take_value = promise_take_value, .free = promise_free};

bool eddy__is_promise(const eddy_future *future) {
    return future->class == &promise_class;
}

int eddy__promise_set(eddy_future *future, int result, const eddy_error *error, void *value,
                      void (*destroy)(void *value)) {
    if (promise_complete(promise_of(future), result, error, value, destroy))
        return 0;
    eddy_error_unref(error);
    return eddy__fail(EDDY_EINVALID_STATE);
}

eddy_future *eddy_future_new_shared(void) {
    struct promise *promise = eddy__alloc(sizeof(*promise));

    if (!promise) {
        eddy__fail(-ENOMEM);
        return NULL;
    }
    eddy__thread_remember(); /* there may be no loop yet that would notice a fork() */
    eddy__shared_init(&promise->shared, &promise_class);
    promise->value = NULL;
    atomic_init(&promise->destroy, NULL);
    return &promise->shared.future;
}
