/* SPDX-License-Identifier: MIT
 * barrier.c - eddy_barrier: tasks that go on together.
 *
 * Who comes last gives all the others their turn and their number at once; from then on the barrier
 * is empty, and fills again. There is no state in which it drains. */
#include "waiters.h"

struct barrier {
    struct eddy__binding binding; /* its count is that of the tasks that wait */
    struct eddy__waiters waiters;
    int parties;
    bool is_broken;
} __attribute__((may_alias));

_Static_assert(sizeof(struct barrier) <= sizeof(eddy_barrier), "eddy_barrier is too small");

static struct barrier *barrier_of(const eddy_barrier *barrier) {
    return (struct barrier *)barrier;
}

void eddy_barrier_init(eddy_barrier *barrier, int parties) {
    if (parties < 1)
        eddy__sync_misuse("eddy_barrier_init", "a barrier has at least one party");
    *barrier_of(barrier) = (struct barrier){.parties = parties};
}

/* All are there but the one that runs; it has the last number. */
static int barrier_trip(struct barrier *barrier) {
    struct eddy__parked *first;

    for (int number = 0; (first = eddy__waiters_first(&barrier->waiters)); number++)
        eddy__parked_wake(first, number);
    return barrier->parties - 1;
}

static void barrier_look(const struct eddy__wait *wait, struct eddy__look *look) {
    (void)wait;
    eddy__look_name(look, "a barrier");
}

int eddy_barrier_wait(eddy_barrier *storage) {
    struct barrier *barrier = barrier_of(storage);
    struct eddy__parked parked = {0};
    int r = eddy__binding_begin(&barrier->binding, &parked.task);

    if (r < 0)
        return r;
    if (barrier->parties < 1)
        eddy__sync_misuse("eddy_barrier_wait", "the barrier was not initialized");
    if (barrier->is_broken)
        return eddy__fail(EDDY_EBROKEN_BARRIER);
    if (barrier->binding.waiting + 1 >= barrier->parties) {
        r = barrier_trip(barrier);
        eddy__task_charge(parked.task);
        return r;
    }
    parked.wait.look = barrier_look;
    eddy__waiters_join(&barrier->waiters, &barrier->binding, &parked);
    return eddy__parked_wait(&parked);
}

static void barrier_break(struct barrier *barrier, bool is_broken, const char *call) {
    eddy__binding_require(&barrier->binding, call);
    barrier->is_broken = is_broken;
    eddy__waiters_wake_all(&barrier->waiters, EDDY_EBROKEN_BARRIER);
}

void eddy_barrier_reset(eddy_barrier *barrier) {
    barrier_break(barrier_of(barrier), false, "eddy_barrier_reset");
}

void eddy_barrier_abort(eddy_barrier *barrier) {
    barrier_break(barrier_of(barrier), true, "eddy_barrier_abort");
}

int eddy_barrier_parties(const eddy_barrier *barrier) {
    return barrier_of(barrier)->parties;
}

int eddy_barrier_n_waiting(const eddy_barrier *barrier) {
    return barrier_of(barrier)->binding.waiting;
}

bool eddy_barrier_is_broken(const eddy_barrier *barrier) {
    return barrier_of(barrier)->is_broken;
}
