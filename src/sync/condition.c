/* SPDX-License-Identifier: MIT
 * condition.c - eddy_condition: tasks that hold a lock wait for what another one notifies.
 *
 * A notified task is moved from the condition's line to the end of the lock's: it runs once, when
 * the lock is its own. So is one that is cancelled, which has to hold the lock again, too. What
 * comes while it stands in the lock's line no longer changes what its call returns. */
#include <errno.h>
#include <limits.h>

#include "lock.h"
#include "scheduler.h"

struct condition {
    struct eddy__binding binding;
    struct eddy__waiters waiters; /* who has not been notified */
    eddy_lock *lock;              /* NULL: own */
    eddy_lock own;
} __attribute__((may_alias));

_Static_assert(sizeof(struct condition) <= sizeof(eddy_condition), "eddy_condition is too small");

struct condition_wait {
    struct eddy__parked parked;
    struct condition *condition;
    bool is_over; /* notified or cancelled: only the lock is missing */
    bool was_cancelled;
};

static struct condition *condition_of(const eddy_condition *condition) {
    return (struct condition *)condition;
}

static eddy_lock *lock_of(struct condition *condition) {
    return condition->lock ? condition->lock : &condition->own;
}

void eddy_condition_init(eddy_condition *condition, eddy_lock *lock) {
    *condition_of(condition) = (struct condition){.lock = lock};
}

int eddy_condition_acquire(eddy_condition *condition) {
    return eddy_lock_acquire(lock_of(condition_of(condition)));
}

void eddy_condition_release(eddy_condition *condition) {
    eddy_lock_release(lock_of(condition_of(condition)));
}

bool eddy_condition_is_locked(const eddy_condition *condition) {
    return eddy_lock_is_locked(lock_of(condition_of(condition)));
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void condition_over(struct condition_wait *wait) {
    wait->is_over = true;
    eddy__parked_leave(&wait->parked);
    eddy__lock_claim(eddy__lock_of(lock_of(wait->condition)), &wait->parked);
}

static void condition_cancelled(struct eddy__wait *wait) {
    struct condition_wait *condition_wait = container_of(wait, struct condition_wait, parked.wait);

    if (condition_wait->is_over)
        return;
    condition_wait->was_cancelled = true;
    condition_over(condition_wait);
}

static void condition_given_back(struct eddy__parked *parked) {
    struct condition_wait *wait = container_of(parked, struct condition_wait, parked);

    eddy__lock_hand_over(eddy__lock_of(lock_of(wait->condition)));
}

static void condition_look(const struct eddy__wait *wait, struct eddy__look *look) {
    bool is_over = container_of(wait, const struct condition_wait, parked.wait)->is_over;

    eddy__look_name(look, is_over ? "the lock of a condition" : "a condition");
}

static int condition_park(struct condition *condition, struct eddy__task *task) {
    struct condition_wait wait = {
        .parked = {.wait = {.cancel = condition_cancelled, .look = condition_look},
                   .give_back = condition_given_back,
                   .task = task},
        .condition = condition,
    };

    eddy__waiters_join(&condition->waiters, &condition->binding, &wait.parked);
    eddy__lock_hand_over(eddy__lock_of(lock_of(condition)));
    eddy__parked_wait(&wait.parked);
    return wait.was_cancelled ? eddy__task_fail_cancelled(task) : 0;
}

int eddy_condition_wait(eddy_condition *storage) {
    struct condition *condition = condition_of(storage);
    struct eddy__task *task;
    int r = eddy__binding_begin(&condition->binding, &task);

    if (r == 0)
        r = eddy__binding_check(&eddy__lock_of(lock_of(condition))->binding);
    if (r < 0)
        return r;
    if (!eddy_condition_is_locked(storage))
        return eddy_raise(EDDY_EINVALID_STATE,
                          "eddy_condition_wait() without its lock: acquire it first");
    return condition_park(condition, task);
}

int eddy_condition_wait_for(eddy_condition *condition, bool (*predicate)(void *arg), void *arg) {
    int r = 0;

    while (r == 0 && !predicate(arg))
        r = eddy_condition_wait(condition);
    return r;
}

/* --- notifying -------------------------------------------------------------------------------- */

static void condition_notify(eddy_condition *storage, int count, const char *call) {
    struct condition *condition = condition_of(storage);
    struct eddy__parked *first;

    eddy__binding_require(&condition->binding, call);
    if (!eddy_condition_is_locked(storage))
        eddy__sync_misuse(call, "the condition's lock is not held");
    for (; count > 0 && (first = eddy__waiters_first(&condition->waiters)); count--)
        condition_over(container_of(first, struct condition_wait, parked));
}

void eddy_condition_notify(eddy_condition *condition, int count) {
    condition_notify(condition, count, "eddy_condition_notify");
}

void eddy_condition_notify_all(eddy_condition *condition) {
    condition_notify(condition, INT_MAX, "eddy_condition_notify_all");
}
