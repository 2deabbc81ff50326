/* SPDX-License-Identifier: MIT
 * shared.h - a future that belongs to no loop: any thread may wait for it, cancel it, let it go.
 *
 * What runs on a loop and is asked for by another thread (eddy_run_coroutine_threadsafe) stands
 * behind one. Its `loop` is NULL, which is how the others tell it; references are counted
 * atomically, the rest changes under a lock and is read-only once it is done.
 *
 * Who waits in a loop is told by a post to that loop, which lies in its waiter: waiting allocates
 * nothing. See docs/internals/threads.md. */
#ifndef EDDY__SHARED_H
#define EDDY__SHARED_H

#include <pthread.h>

#include "future.h"

struct eddy__shared {
    eddy_future future; /* first; refs and state are atomic, `waiters` is not used */
    pthread_mutex_t lock;
    struct list_node told; /* who waits: of struct eddy__far_waiter, under the lock */
    unsigned fork_generation;
};

/* Somebody who waits in another thread. In the list until it is told; the teller holds the lock,
 * and does not touch it afterwards. */
struct eddy__far_waiter {
    struct list_node node;
    void (*tell)(struct eddy__far_waiter *far); /* any thread, under the lock, unlinked */
    struct eddy__post post;                     /* to `loop` */
    eddy_loop *loop;                            /* that waits; a reference while it is linked */
    eddy_future *future;
    struct eddy__waiter *near; /* woken on its loop; NULL: it has left, and the post frees this */
    bool is_under_way;         /* told, and not yet arrived */
};

/* With one reference. class->cancel and class->free are called from any thread. */
void eddy__shared_init(struct eddy__shared *shared, const struct eddy__future_class *class);

/* What of it is left when class->free is called. */
void eddy__shared_deinit(struct eddy__shared *shared);

/* Completes it, unless it is done already, and tells who waits. Takes error. Any thread; the caller
 * holds a reference. locked: the same under the lock. */
void eddy__shared_complete(struct eddy__shared *shared, int result, const eddy_error *error);
void eddy__shared_complete_locked(struct eddy__shared *shared, int result, const eddy_error *error);

/* Has `near` woken on `loop`, by its own thread, when the future is done. False: it is done
 * already. `far` is the caller's until then. */
bool eddy__shared_wait(struct eddy__far_waiter *far, eddy_future *future, eddy_loop *loop,
                       struct eddy__waiter *near);

/* Waits no more. On the loop's thread. True: `far` is the caller's again. False: it is on its way
 * here, and is freed when it arrives. Harmless when it has arrived, or never waited. */
bool eddy__shared_leave(struct eddy__far_waiter *far);

/* The same, but one that is on its way still arrives. */
bool eddy__shared_retreat(struct eddy__far_waiter *far);

/* One way to wait for a future of the own loop or a shared one, for who may leave before it is
 * done. A shared one needs a far waiter from the heap, as that may be under way when it is left;
 * *far is NULL for others, for NULL, and without memory. Returns 0 or -ENOMEM. */
int eddy__waiter_prepare(eddy_future *future, struct eddy__far_waiter **far);

/* Has it woken on `loop` when the future is done. False: it is done already, as NULL is. */
bool eddy__waiter_join(struct eddy__waiter *waiter, struct eddy__far_waiter *far,
                       eddy_future *future, eddy_loop *loop);

/* Waits no more, and lets go of *far. The future must still be there, unless *far is NULL. Harmless
 * when it was woken, or never joined. */
void eddy__waiter_leave(struct eddy__waiter *waiter, struct eddy__far_waiter **far);

/* May this process wait for it? 0; EDDY_EFORKED, with a sentence, in the child of a fork() for one
 * that is not done: who would complete it is not here. */
int eddy__shared_check(eddy_future *future);

eddy_future *eddy__shared_ref(eddy_future *future);

/* The last reference went. A failure that nobody has heard of is told by the loop `home`; without
 * one (NULL), or when it is closed, by the log. True: `post`, whose run() calls
 * eddy__future_report() there and frees, is on its way. */
bool eddy__shared_report(eddy_future *future, eddy_loop *home, struct eddy__post *post);

static inline struct eddy__shared *eddy__shared_of(eddy_future *future) {
    return container_of(future, struct eddy__shared, future);
}

#endif
