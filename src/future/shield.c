/* SPDX-License-Identifier: MIT
 * shield.c - eddy_shield(): a future in front of another, which a cancel does not pass.
 *
 * The outer waits for the inner like anybody else. When the outer is cancelled, or its last
 * reference goes, it leaves the inner alone, as eddy_detach() would. */
#include <errno.h>

#include "memory.h"
#include "shared.h"

struct shield {
    eddy_future future;
    struct eddy__waiter waiter;   /* among the inner's */
    eddy_future *inner;           /* a reference, kept for its value; NULL: left */
    struct eddy__far_waiter *far; /* while another thread works for it, or NULL */
};

static struct shield *shield_of(eddy_future *future) {
    return container_of(future, struct shield, future);
}

/* Waits no more. */
static void shield_leave(struct shield *shield) {
    eddy__waiter_remove(&shield->waiter);
    if (shield->far && eddy__shared_leave(shield->far))
        eddy__free(shield->far);
    shield->far = NULL;
    if (shield->inner)
        eddy_detach(TAKE_POINTER(shield->inner));
}

/* The failure is the outer's now, to be awaited or reported. */
static void shield_pass(struct eddy__waiter *waiter, eddy_future *inner) {
    struct shield *shield = container_of(waiter, struct shield, waiter);

    eddy__free(TAKE_POINTER(shield->far));
    __atomic_store_n(&inner->was_retrieved, true, __ATOMIC_RELAXED);
    eddy__future_complete(&shield->future, inner->result, eddy_error_ref(inner->error));
}

static bool shield_cancel(eddy_future *future, const char *reason) {
    const eddy_error *error = reason ? eddy__error_format(-ECANCELED, "%s", reason) : NULL;

    eddy__future_complete(future, -ECANCELED, error);
    shield_leave(shield_of(future));
    return true;
}

static void *shield_take_value(eddy_future *future) {
    eddy_future *inner = shield_of(future)->inner;

    return inner->class->take_value ? inner->class->take_value(inner) : NULL;
}

static void shield_describe(const eddy_future *future, char *text, size_t size) {
    const eddy_future *inner = container_of(future, const struct shield, future)->inner;

    if (inner && inner->class->describe)
        inner->class->describe(inner, text, size);
}

static eddy_future *shield_behind(const eddy_future *future) {
    return container_of(future, const struct shield, future)->inner;
}

static void shield_free(eddy_future *future) {
    eddy__future_drop_callbacks(future);
    shield_leave(shield_of(future));
    eddy__free(shield_of(future));
}

static const struct eddy__future_class shield_class = {.cancel = shield_cancel,
                                                       .take_value = shield_take_value,
                                                       .describe = shield_describe,
                                                       .free = shield_free,
                                                       .behind = shield_behind};

/* Takes the inner only on success. NULL: no memory. */
static struct shield *shield_new(eddy_loop *loop, eddy_future *inner) {
    struct shield *shield = eddy__alloc(sizeof(*shield));
    struct eddy__far_waiter *far = NULL;

    if (shield && eddy__future_is_shared(inner) && !(far = eddy__shared_waiter_new(inner))) {
        eddy__free(shield);
        return NULL;
    }
    if (!shield)
        return NULL;
    eddy__future_init(&shield->future, &shield_class, loop);
    shield->waiter.wake = shield_pass;
    list_init(&shield->waiter.node);
    shield->inner = inner;
    shield->far = far;
    return shield;
}

/* A shared one may complete at this very moment. */
static void shield_wait(struct shield *shield) {
    if (!shield->far)
        eddy__waiter_add(shield->inner, &shield->waiter);
    else if (!eddy__shared_wait(shield->far, shield->inner, shield->future.loop, &shield->waiter))
        shield_pass(&shield->waiter, shield->inner);
}

/* Takes the inner only on success. */
static int shield_open(eddy_future *inner, struct shield **out) {
    eddy_loop *loop = eddy__loop_or_default(inner->loop);
    int r = loop ? eddy__loop_check(loop) : eddy__fail(-ENOMEM);

    if (r == 0 && eddy__future_is_shared(inner))
        r = eddy__shared_check(inner);
    if (r < 0)
        return r;
    *out = shield_new(loop, inner);
    return *out ? 0 : eddy__fail(-ENOMEM);
}

eddy_future *eddy_shield(eddy_future *inner) {
    struct shield *shield;
    int r;

    if (inner && eddy__future_is_done(inner))
        return inner;
    r = inner ? shield_open(inner, &shield) : eddy__fail(-ENOMEM);
    if (r == 0) {
        shield_wait(shield);
        return &shield->future;
    }
    eddy_unref(inner);
    return r == -ENOMEM ? NULL : eddy__future_failed(NULL, r);
}
