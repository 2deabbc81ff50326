/* SPDX-License-Identifier: MIT
 * as_completed.c - an iterator over futures, in the order in which they complete.
 *
 * Each future has one waiter, which moves into the list of the done ones when it is woken; so a
 * step costs the same whatever is still pending. */
#include <errno.h>

#include "log.h"
#include "memory.h"
#include "scheduler.h"
#include "shared.h"

struct item {
    struct eddy__waiter waiter;   /* among the future's, then in `done` */
    struct eddy__far_waiter *far; /* while another thread works for it, or NULL */
    eddy_future *future;          /* NULL: handed out, or never was */
    eddy_as_completed *owner;
};

struct eddy_as_completed {
    eddy_loop *loop;
    struct list_node done;     /* items not handed out, in order of completion */
    struct asking *asking;     /* whose call is under way, or NULL */
    const eddy_error *refusal; /* why these cannot be waited for, or NULL */
    int pending, count;
    struct item items[];
};

struct asking {
    struct eddy__wait wait;
    struct eddy__task *task;
    eddy_as_completed *owner;
    bool was_cancelled;
};

/* --- making ----------------------------------------------------------------------------------- */

static void asking_wake(struct asking *asking) {
    if (asking && asking->task->future.task_state == TASK_WAITING)
        eddy__task_wake(asking->task);
}

static void item_done(struct eddy__waiter *waiter, eddy_future *future) {
    struct item *item = container_of(waiter, struct item, waiter);

    (void)future;
    eddy__free(TAKE_POINTER(item->far));
    item->owner->pending--;
    list_append(&item->owner->done, &waiter->node);
    asking_wake(item->owner->asking);
}

static void item_wait(struct item *item) {
    if (!eddy__waiter_join(&item->waiter, item->far, item->future, item->owner->loop))
        item_done(&item->waiter, item->future);
}

/* Why one of them cannot be waited for together with the others. */
static int check_one(eddy_future *future, const eddy_loop *loop) {
    if (!future)
        return 0;
    if (eddy__future_is_shared(future))
        return eddy__shared_check(future);
    if (future->loop != loop)
        return eddy_raise(-EINVAL, "futures of different loops cannot be waited for together");
    if (eddy__current && &eddy__current->future == future)
        return eddy_raise(-EDEADLK, "task \"%s\" awaits itself: it would never end",
                          eddy_task_name(future));
    return 0;
}

static int check(eddy_future *futures[], int count, eddy_loop *loop) {
    int r = eddy__loop_check(loop);

    for (int i = 0; i < count && r == 0; i++)
        r = check_one(futures[i], loop);
    return r;
}

/* NULL: no memory. */
static eddy_as_completed *iterator_new(eddy_loop *loop, int count) {
    eddy_as_completed *iterator =
        eddy__alloc(sizeof(*iterator) + (size_t)count * sizeof(struct item));

    if (!iterator)
        return NULL;
    *iterator = (eddy_as_completed){.loop = loop, .pending = count, .count = count};
    list_init(&iterator->done);
    for (int i = 0; i < count; i++) {
        iterator->items[i] = (struct item){.waiter.wake = item_done, .owner = iterator};
        list_init(&iterator->items[i].waiter.node);
    }
    return iterator;
}

/* Takes the futures. False: no memory for the waiters of shared ones. */
static bool iterator_fill(eddy_as_completed *iterator, eddy_future *futures[]) {
    bool has_memory = true;

    for (int i = 0; i < iterator->count; i++) {
        struct item *item = &iterator->items[i];
        item->future = futures[i];
        has_memory &= eddy__waiter_prepare(futures[i], &item->far) == 0;
    }
    return has_memory;
}

/* A task's own future is mostly borrowed. */
static void let_go(eddy_future *futures[], int count) {
    for (int i = 0; i < count; i++)
        if (!eddy__current || futures[i] != &eddy__current->future)
            eddy_unref(futures[i]);
}

static eddy_as_completed *iterator_refused(eddy_future *futures[], int count) {
    eddy_as_completed *iterator = iterator_new(NULL, 0);

    if (iterator)
        iterator->refusal = eddy_error_ref(eddy_last_error());
    let_go(futures, count);
    return iterator;
}

eddy_as_completed *eddy_as_completed_new(eddy_future **futures, int count) {
    eddy_as_completed *iterator;
    eddy_loop *loop = NULL;

    for (int i = 0; i < count && !loop; i++)
        loop = futures[i] ? futures[i]->loop : NULL;
    loop = eddy__loop_or_default(loop);
    if (loop && check(futures, count, loop) < 0)
        return iterator_refused(futures, count);
    iterator = loop ? iterator_new(loop, count) : NULL;
    if (!iterator) {
        let_go(futures, count);
        eddy__fail(-ENOMEM);
        return NULL;
    }
    if (!iterator_fill(iterator, futures)) {
        eddy_as_completed_free(iterator);
        eddy__fail(-ENOMEM);
        return NULL;
    }
    for (int i = 0; i < count; i++)
        item_wait(&iterator->items[i]);
    return iterator;
}

/* --- asking ----------------------------------------------------------------------------------- */

static void next_cancelled(struct eddy__wait *wait) {
    struct asking *asking = container_of(wait, struct asking, wait);

    asking->was_cancelled = true;
    asking_wake(asking);
}

static void next_dropped(struct eddy__wait *wait) {
    eddy_as_completed *iterator = container_of(wait, struct asking, wait)->owner;

    iterator->asking = NULL;
    eddy_as_completed_free(iterator);
}

static void next_look(const struct eddy__wait *wait, struct eddy__look *look) {
    const eddy_as_completed *iterator = container_of(wait, struct asking, wait)->owner;

    for (int i = 0; i < iterator->count; i++)
        eddy__look_at(look, iterator->items[i].future);
}

/* Until there is one, or none to come. A task that is refused must let the others run. */
static void next_await(struct asking *asking) {
    eddy_as_completed *iterator = asking->owner;

    asking->was_cancelled = asking->task->future.task_flags & TASK_REFUSED;
    if (asking->was_cancelled)
        eddy__task_refuse(asking->task, &asking->wait);
    while (list_is_empty(&iterator->done) && iterator->pending > 0 && !asking->was_cancelled)
        eddy__task_park(asking->task, &asking->wait);
}

static int next_take(eddy_as_completed *iterator, eddy_future **out) {
    struct list_node *node = list_take_first(&iterator->done);
    struct eddy__waiter *waiter;

    if (!node)
        return 0;
    waiter = container_of(node, struct eddy__waiter, node);
    *out = TAKE_POINTER(container_of(waiter, struct item, waiter)->future);
    return 1;
}

static int next_busy(eddy_as_completed *iterator) {
    struct eddy__task *task;
    int r = eddy__checkpoint(iterator->loop, &task);

    if (r < 0)
        return r;
    return eddy_raise(-EBUSY, "another task is asking this iterator for its next future");
}

int eddy_as_completed_next(eddy_as_completed *iterator, eddy_future **out) {
    struct asking asking = {
        .wait = {.cancel = next_cancelled, .drop = next_dropped, .look = next_look},
        .owner = iterator};
    int r;

    *out = NULL;
    if (!iterator)
        return eddy__fail(-ENOMEM);
    if (iterator->refusal)
        return eddy__fail_with(iterator->refusal);
    if (iterator->asking)
        return next_busy(iterator);
    asking.task = eddy__task_to_suspend(iterator->loop, &r);
    if (!asking.task)
        return r;
    iterator->asking = &asking;
    next_await(&asking);
    iterator->asking = NULL;
    return asking.was_cancelled ? eddy__task_fail_cancelled(asking.task) : next_take(iterator, out);
}

eddy_as_completed *eddy_as_completed_free(eddy_as_completed *iterator) {
    if (!iterator)
        return NULL;
    if (iterator->asking)
        eddy__fatal("eddy_as_completed_free() while a task is asking for the next future");
    for (int i = 0; i < iterator->count; i++) {
        struct item *item = &iterator->items[i];
        eddy__waiter_leave(&item->waiter, &item->far);
        if (item->future)
            eddy_detach(item->future);
    }
    eddy_error_unref(iterator->refusal);
    eddy__free(iterator);
    return NULL;
}
