/* SPDX-License-Identifier: MIT
 * after.c - eddy_after(): a future that a timer completes. It needs no stack. */
#include <errno.h>

#include "future.h"
#include "memory.h"

struct after {
    eddy_future future; /* holds a reference of the timer's while it is armed */
    struct eddy__timer timer;
};

static struct after *after_of(eddy_future *future) {
    return container_of(future, struct after, future);
}

static void after_complete(struct after *after, int result, const char *reason) {
    const eddy_error *error = reason ? eddy__error_format(result, "%s", reason) : NULL;

    eddy__timer_disarm(after->future.loop, &after->timer);
    eddy__future_complete(&after->future, result, error);
    eddy__future_unref(&after->future);
}

static void after_fire(struct eddy__timer *timer) {
    after_complete(container_of(timer, struct after, timer), 0, NULL);
}

static void after_drop(struct eddy__timer *timer) {
    after_complete(container_of(timer, struct after, timer), -ECANCELED, NULL);
}

static bool after_cancel(eddy_future *future, const char *reason) {
    after_complete(after_of(future), -ECANCELED, reason);
    return true;
}

static void after_free(eddy_future *future) {
    eddy__free(after_of(future));
}

static const struct eddy__future_class after_class = {.cancel = after_cancel, .free = after_free};

eddy_future *eddy_after(double seconds) {
    eddy_loop *loop = eddy__loop_or_default(NULL);
    struct after *after = loop ? eddy__alloc(sizeof(*after)) : NULL;

    if (!after) {
        eddy__fail(-ENOMEM);
        return NULL;
    }
    eddy__future_init(&after->future, &after_class, loop);
    eddy__future_ref(&after->future);
    after->timer = (struct eddy__timer){.fire = after_fire, .drop = after_drop};
    eddy__timer_arm(loop, &after->timer, ns_add(eddy__loop_now(loop), ns_from_seconds(seconds)));
    return &after->future;
}
