/* SPDX-License-Identifier: MIT
 * semaphore.c - eddy_semaphore: so many tasks at a time.
 *
 * A release goes to the first who waits and is not counted meanwhile, so that who comes later finds
 * nothing to take. */
#include <string.h>

#include "waiters.h"

struct semaphore {
    uint64_t value; /* first: EDDY_SEMAPHORE_INIT sets it. 0 while somebody waits */
    struct eddy__binding binding;
    struct eddy__waiters waiters;
    uint64_t value_max; /* of a bounded one */
    bool is_bounded;
} __attribute__((may_alias));

_Static_assert(sizeof(struct semaphore) <= sizeof(eddy_semaphore), "eddy_semaphore is too small");

struct semaphore_wait {
    struct eddy__parked parked;
    struct semaphore *semaphore;
};

static struct semaphore *semaphore_of(const eddy_semaphore *semaphore) {
    return (struct semaphore *)semaphore;
}

void eddy_semaphore_init_sized(eddy_semaphore *semaphore, int value,
                               const eddy_semaphore_options *given, size_t options_size) {
    eddy_semaphore_options options = {0};

    if (value < 0)
        eddy__sync_misuse("eddy_semaphore_init", "the value is negative");
    if (given)
        memcpy(&options, given, MIN(options_size, sizeof(options)));
    *semaphore_of(semaphore) = (struct semaphore){
        .value = (uint64_t)value, .value_max = (uint64_t)value, .is_bounded = options.bounded};
}

void eddy_semaphore_init(eddy_semaphore *semaphore, int value) {
    eddy_semaphore_init_sized(semaphore, value, NULL, 0);
}

static void semaphore_hand_over(struct semaphore *semaphore) {
    struct eddy__parked *first = eddy__waiters_first(&semaphore->waiters);

    if (first)
        eddy__parked_wake(first, 0);
    else
        semaphore->value++;
}

static void semaphore_given_back(struct eddy__parked *parked) {
    semaphore_hand_over(container_of(parked, struct semaphore_wait, parked)->semaphore);
}

static void semaphore_look(const struct eddy__wait *wait, struct eddy__look *look) {
    (void)wait;
    eddy__look_name(look, "a semaphore");
}

static int semaphore_wait(struct semaphore *semaphore, struct eddy__task *task) {
    struct semaphore_wait wait;

    eddy__parked_init(&wait.parked, task, semaphore_given_back, semaphore_look);
    wait.semaphore = semaphore;
    eddy__waiters_join(&semaphore->waiters, &semaphore->binding, &wait.parked);
    return eddy__parked_wait(&wait.parked);
}

int eddy_semaphore_acquire(eddy_semaphore *storage) {
    struct semaphore *semaphore = semaphore_of(storage);
    struct eddy__task *task;
    int r = eddy__binding_begin(&semaphore->binding, &task);

    if (r < 0)
        return r;
    if (semaphore->value == 0)
        return semaphore_wait(semaphore, task);
    semaphore->value--;
    eddy__task_charge(task);
    return 0;
}

void eddy_semaphore_release(eddy_semaphore *storage) {
    struct semaphore *semaphore = semaphore_of(storage);

    eddy__binding_require(&semaphore->binding, "eddy_semaphore_release");
    if (semaphore->is_bounded && semaphore->value >= semaphore->value_max)
        eddy__sync_misuse("eddy_semaphore_release",
                          "the bounded semaphore is released more often than it was acquired");
    semaphore_hand_over(semaphore);
}

bool eddy_semaphore_is_locked(const eddy_semaphore *semaphore) {
    return semaphore_of(semaphore)->value == 0;
}
