/* SPDX-License-Identifier: MIT
 * shield.c - eddy_shield(): a future in front of another, which a cancel does not pass.
 *
 * The outer waits for the inner like anybody else. When the outer is cancelled, or its last
 * reference goes, it leaves the inner alone, as eddy_detach() would. A shield may stand in front of
 * another, and so on: what goes along such a chain does so in a loop, or a long one would take all
 * of a task's stack. */
#include <errno.h>

#include "memory.h"
#include "shared.h"

struct shield {
    eddy_future future;
    struct eddy__waiter waiter;   /* among the inner's */
    eddy_future *inner;           /* a reference, kept for its value; NULL: left */
    struct eddy__far_waiter *far; /* while another thread works for it, or NULL */
};

static const struct eddy__future_class shield_class;

static struct shield *shield_of(eddy_future *future) {
    return container_of(future, struct shield, future);
}

static bool is_shield(const eddy_future *future) {
    return future->class == &shield_class;
}

/* What a chain of shields stands in front of. NULL: one of them has left it. */
static eddy_future *shield_innermost(const eddy_future *future) {
    while (future && is_shield(future))
        future = container_of(future, const struct shield, future)->inner;
    return (eddy_future *)future;
}

/* Waits no more. The inner's reference is the caller's. */
static eddy_future *shield_part(struct shield *shield) {
    eddy__waiter_leave(&shield->waiter, &shield->far);
    return TAKE_POINTER(shield->inner);
}

/* An inner that goes with this reference parts from its own inner first. */
static void shield_leave(struct shield *shield) {
    eddy_future *inner = shield_part(shield), *next;

    for (; inner; inner = next) {
        next = is_shield(inner) && inner->refs == 1 ? shield_part(shield_of(inner)) : NULL;
        eddy_detach(inner);
    }
}

/* --- passing on ------------------------------------------------------------------------------- */

static void shield_pass(struct eddy__waiter *waiter, eddy_future *inner);

/* Moves the shields among those who wait for it. */
static void shields_take(struct list_node *taken, eddy_future *future) {
    for (struct list_node *node = future->waiters.next, *next; node != &future->waiters;
         node = next) {
        next = node->next;
        if (container_of(node, struct eddy__waiter, node)->wake == shield_pass) {
            list_remove(node);
            list_append(taken, node);
        }
    }
}

/* The failure is the outer's now, to be awaited or reported. */
static void shield_complete(struct shield *shield) {
    const eddy_future *inner = shield->inner;

    eddy__free(TAKE_POINTER(shield->far));
    __atomic_store_n(&shield->inner->was_retrieved, true, __ATOMIC_RELAXED);
    eddy__future_complete(&shield->future, inner->result, eddy_error_ref(inner->error));
}

/* To this one, to those in front of it, and so on. */
static void shield_pass(struct eddy__waiter *waiter, eddy_future *inner) {
    struct list_node passing, *node = &waiter->node;

    (void)inner;
    list_init(&passing);
    for (; node; node = list_take_first(&passing)) {
        struct shield *shield = container_of(node, struct shield, waiter.node);
        shields_take(&passing, &shield->future);
        shield_complete(shield);
    }
}

/* --- a shield --------------------------------------------------------------------------------- */

static bool shield_cancel(eddy_future *future, const char *reason) {
    const eddy_error *error = reason ? eddy__error_format(-ECANCELED, "%s", reason) : NULL;

    eddy__future_complete(future, -ECANCELED, error);
    shield_leave(shield_of(future));
    return true;
}

static void *shield_take_value(eddy_future *future) {
    eddy_future *inner = shield_innermost(future);

    return inner->class->take_value ? inner->class->take_value(inner) : NULL;
}

static void shield_describe(const eddy_future *future, char *text, size_t size) {
    const eddy_future *inner = shield_innermost(future);

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

    if (!shield || eddy__waiter_prepare(inner, &shield->far) < 0) {
        eddy__free(shield);
        return NULL;
    }
    eddy__future_init(&shield->future, &shield_class, loop);
    shield->waiter.wake = shield_pass;
    list_init(&shield->waiter.node);
    shield->inner = inner;
    return shield;
}

/* A shared one may complete at this very moment. */
static void shield_wait(struct shield *shield) {
    if (!eddy__waiter_join(&shield->waiter, shield->far, shield->inner, shield->future.loop))
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
