/* SPDX-License-Identifier: MIT
 * waiters.h - tasks in a line: what locks, events and queues are made of.
 *
 * What is waited for is handed over: whoever releases a lock or puts an item gives it to the first
 * in the line, which then leaves the line and is queued. So there is nothing that a cancelled
 * waiter could lose: in the line it has been given nothing, and outside it no cancel reaches it. */
#ifndef EDDY__WAITERS_H
#define EDDY__WAITERS_H

#include <eddy/sync.h>

#include "task.h"

/* Whose it is: known from the first wait on. The same thread may use it in another loop when nobody
 * waits; loop is then only compared, as that loop may be gone. All zero: nobody's. */
struct eddy__binding {
    eddy_loop *loop;
    const struct eddy__thread *thread;
    int waiting; /* how many stand in its lines; their loop is `loop` */
};

/* Those who wait, in the order in which they came. All zero: nobody. */
struct eddy__waiters {
    struct list_node list; /* of eddy__parked.node; next is NULL until the first comes */
};

/* Who waits. Lies on the stack of its task. */
struct eddy__parked {
    struct eddy__wait wait; /* first. cancel NULL: leaves the line, with -ECANCELED */
    /* The loop is closed after its turn has come and before it runs: what it was given goes back.
     * NULL: nothing. */
    void (*give_back)(struct eddy__parked *parked);
    struct list_node node;
    struct eddy__binding *binding; /* of the line that it stands in; NULL: in none */
    struct eddy__task *task;
    int result; /* what its call returns */
    bool has_turn;
};

/* Field by field: of a whole cleared struct compilers make a slow string instruction. What joining
 * sets is left. */
static inline void eddy__parked_init(struct eddy__parked *parked, struct eddy__task *task,
                                     void (*give_back)(struct eddy__parked *parked),
                                     void (*look)(const struct eddy__wait *wait,
                                                  struct eddy__look *look)) {
    parked->wait.cancel = NULL;
    parked->wait.look = look;
    parked->give_back = give_back;
    parked->task = task;
    parked->result = 0;
    parked->has_turn = false;
}

/* A loop may have moved to another thread meanwhile: then it is the one that runs. */
static inline bool eddy__binding_is_ours(const struct eddy__binding *binding) {
    return !binding->thread || likely(binding->thread == &eddy__thread) ||
           binding->loop == eddy__thread.running;
}

/* May this thread touch it? Returns 0 or EDDY_EWRONG_THREAD, with a sentence. */
int eddy__binding_refuse(void);
static inline int eddy__binding_check(const struct eddy__binding *binding) {
    return likely(eddy__binding_is_ours(binding)) ? 0 : eddy__binding_refuse();
}

/* The start of a suspending call: the task that may wait here. Returns 0, or a code whose sentence
 * is the last error: -ECANCELED, -EDEADLK, EDDY_EWRONG_THREAD. */
static inline int eddy__binding_begin(const struct eddy__binding *binding,
                                      struct eddy__task **out) {
    int r = eddy__binding_check(binding);

    return r < 0 ? r : eddy__checkpoint(binding->waiting > 0 ? binding->loop : NULL, out);
}

/* Ends the process after a call that must not have been, and says who made it: "eddy_lock_release:
 * the lock is not held; called by task "worker", created at file.c:12". */
_Noreturn void eddy__sync_misuse(const char *call, const char *what);

/* For calls that have nothing to return: aborts with the call's name in a wrong thread. */
_Noreturn void eddy__binding_misuse(const char *call);
static inline void eddy__binding_require(const struct eddy__binding *binding, const char *call) {
    if (unlikely(!eddy__binding_is_ours(binding)))
        eddy__binding_misuse(call);
}

/* Puts the task at the end of the line, to which `binding` belongs. */
void eddy__waiters_join(struct eddy__waiters *waiters, struct eddy__binding *binding,
                        struct eddy__parked *parked);

/* Takes it out; harmless when it stands in none. */
void eddy__parked_leave(struct eddy__parked *parked);

/* Its turn has come, with this result: out of the line, and queued. */
void eddy__parked_wake(struct eddy__parked *parked, int result);

/* Suspends until its turn has come or it is cancelled, and returns the result, a negative one as
 * the last error. It stands in a line. */
int eddy__parked_wait(struct eddy__parked *parked);

/* The first in the line, or NULL. */
static inline struct eddy__parked *eddy__waiters_first(const struct eddy__waiters *waiters) {
    struct list_node *first = waiters->list.next;

    return first && first != &waiters->list ? container_of(first, struct eddy__parked, node) : NULL;
}

/* The turn of all who wait now. */
void eddy__waiters_wake_all(struct eddy__waiters *waiters, int result);

#endif
