/* SPDX-License-Identifier: MIT
 * lock.c - eddy_lock: held by one task at a time, in the order in which they asked; see lock.h. */
#include "lock.h"

_Static_assert(sizeof(struct eddy__lock) <= sizeof(eddy_lock), "eddy_lock is too small");

struct lock_wait {
    struct eddy__parked parked;
    struct eddy__lock *lock;
};

void eddy_lock_init(eddy_lock *lock) {
    *eddy__lock_of(lock) = (struct eddy__lock){0};
}

static void lock_given_back(struct eddy__parked *parked) {
    eddy__lock_hand_over(container_of(parked, struct lock_wait, parked)->lock);
}

static void lock_look(const struct eddy__wait *wait, struct eddy__look *look) {
    (void)wait;
    eddy__look_name(look, "a lock");
}

static int lock_wait(struct eddy__lock *lock, struct eddy__task *task) {
    struct lock_wait wait;

    eddy__parked_init(&wait.parked, task, lock_given_back, lock_look);
    wait.lock = lock;
    eddy__waiters_join(&lock->waiters, &lock->binding, &wait.parked);
    return eddy__parked_wait(&wait.parked);
}

int eddy_lock_acquire(eddy_lock *storage) {
    struct eddy__lock *lock = eddy__lock_of(storage);
    struct eddy__task *task;
    int r = eddy__binding_begin(&lock->binding, &task);

    if (r < 0)
        return r;
    if (lock->is_held)
        return lock_wait(lock, task);
    lock->is_held = true;
    eddy__task_charge(task);
    return 0;
}

void eddy__lock_claim(struct eddy__lock *lock, struct eddy__parked *parked) {
    if (lock->is_held) {
        eddy__waiters_join(&lock->waiters, &lock->binding, parked);
        return;
    }
    lock->is_held = true;
    eddy__parked_wake(parked, 0);
}

void eddy_lock_release(eddy_lock *storage) {
    struct eddy__lock *lock = eddy__lock_of(storage);

    eddy__binding_require(&lock->binding, "eddy_lock_release");
    if (!lock->is_held)
        eddy__sync_misuse("eddy_lock_release", "the lock is not held");
    eddy__lock_hand_over(lock);
}

bool eddy_lock_is_locked(const eddy_lock *lock) {
    return eddy__lock_of(lock)->is_held;
}
