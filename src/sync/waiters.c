/* SPDX-License-Identifier: MIT
 * waiters.c - standing in a line: joining, leaving, having one's turn; see waiters.h. */
#include "waiters.h"

#include <errno.h>

#include "log.h"
#include "scheduler.h"

/* --- whose it is ------------------------------------------------------------------------------ */

int eddy__binding_refuse(void) {
    return eddy_raise(EDDY_EWRONG_THREAD, "it is used by the event loop of another thread: hand "
                                          "the call over with eddy_call_soon_threadsafe()");
}

void eddy__binding_misuse(const char *call) {
    eddy__sync_misuse(call, "what it is called for is used by the event loop of another thread "
                            "(eddy_call_soon_threadsafe() hands a call over)");
}

void eddy__sync_misuse(const char *call, const char *what) {
    eddy_slice name;

    if (!eddy__current)
        eddy__fatal("%s: %s; called outside any task", call, what);
    name = eddy__task_name(eddy__current);
    eddy__fatal("%s: %s; called by task \"%.*s\", created at %s", call, what, (int)name.size,
                name.data, eddy__current->origin);
}

/* --- a line ----------------------------------------------------------------------------------- */

void eddy__waiters_join(struct eddy__waiters *waiters, struct eddy__binding *binding,
                        struct eddy__parked *parked) {
    if (unlikely(!waiters->list.next))
        list_init(&waiters->list);
    list_append(&waiters->list, &parked->node);
    parked->binding = binding;
    binding->loop = parked->task->future.loop;
    binding->thread = &eddy__thread;
    binding->waiting++;
}

void eddy__parked_leave(struct eddy__parked *parked) {
    if (!parked->binding)
        return;
    list_remove(&parked->node);
    parked->binding->waiting--;
    parked->binding = NULL;
}

void eddy__parked_wake(struct eddy__parked *parked, int result) {
    eddy__parked_leave(parked);
    parked->result = result;
    parked->has_turn = true;
    eddy__task_wake(parked->task);
}

void eddy__waiters_wake_all(struct eddy__waiters *waiters, int result) {
    struct eddy__parked *parked;

    while ((parked = eddy__waiters_first(waiters)))
        eddy__parked_wake(parked, result);
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* Called only while its turn has not come: then it would be queued already. */
static void parked_cancelled(struct eddy__wait *wait) {
    struct eddy__parked *parked = container_of(wait, struct eddy__parked, wait);

    eddy__parked_leave(parked);
    parked->result = -ECANCELED;
    eddy__task_wake(parked->task);
}

static void parked_dropped(struct eddy__wait *wait) {
    struct eddy__parked *parked = container_of(wait, struct eddy__parked, wait);

    eddy__parked_leave(parked);
    if (parked->has_turn && parked->give_back)
        parked->give_back(parked);
}

int eddy__parked_wait(struct eddy__parked *parked) {
    if (!parked->wait.cancel)
        parked->wait.cancel = parked_cancelled;
    parked->wait.drop = parked_dropped;
    eddy__task_park(parked->task, &parked->wait);
    if (likely(parked->result >= 0))
        return parked->result;
    return parked->result == -ECANCELED ? eddy__task_fail_cancelled(parked->task)
                                        : eddy__fail(parked->result);
}
