/* SPDX-License-Identifier: MIT
 * eddy/sync.h - tasks that wait for each other: lock, event, condition, semaphore, barrier, queue.
 *
 * What holds for all of them:
 *
 * - They are plain structs, on a stack, in a record of yours or static. Nothing is allocated but a
 *   queue's store, and only a queue has an end: eddy_queue_deinit(). One that tasks wait for must
 *   not vanish under them. All zero is a valid lock, event, condition (with a lock of its own) and
 *   unbounded first-in first-out queue; so are the EDDY_..._INIT below.
 * - They are fair: who came first has the first turn, and nobody gets ahead of those who wait. The
 *   lock, the item or the room is handed over in the moment of the release or the put, so what
 *   eddy_lock_is_locked() or eddy_queue_qsize() then tell is already so.
 * - -ECANCELED means that the call had no effect. A task that is cancelled after its turn has come
 *   gets what it waited for all the same; its next call is refused. A cancelled waiter leaves the
 *   line, and the turn goes to the next one.
 * - Calls that say "Suspends" may do so, and do not where there is nothing to wait for; only after
 *   a row of such calls the other tasks run first. Outside any task they run the loop until they
 *   are done; in a callback of the loop and in a thread of the pool they answer -EDEADLK. All other
 *   calls are welcome in callbacks.
 * - Each belongs to the loop that first waits for it. Elsewhere its calls answer
 * EDDY_EWRONG_THREAD, and those that have nothing to return end the process with a sentence. In the
 * same thread another loop may use it once nobody waits. To use it from another thread, hand the
 * call over with eddy_call_soon_threadsafe(). Between threads there are channels: eddy/channel.h.
 *
 * Besides what each call names, those that suspend return -ECANCELED, -EDEADLK and
 * EDDY_EWRONG_THREAD. */
#ifndef EDDY_SYNC_H
#define EDDY_SYNC_H

#include <eddy/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- lock ------------------------------------------------------------------------------------- */

/* Held by one at a time. As in asyncio it has no owner: who releases it need not be who acquired
 * it, and who acquires it twice waits for somebody else's release. */
typedef struct eddy_lock {
    uint64_t reserved[8];
} eddy_lock;
#define EDDY_LOCK_INIT \
    {                  \
        { 0 }          \
    }
EDDY_API void eddy_lock_init(eddy_lock *lock);

/* Waits until the lock is free, and takes it. Suspends. Returns 0. */
EDDY_API int eddy_lock_acquire(eddy_lock *lock);

/* Gives it to the first who waits, or frees it. Aborts with a sentence if it is not held. */
EDDY_API void eddy_lock_release(eddy_lock *lock);

/* Whether it is held. */
EDDY_API bool eddy_lock_is_locked(const eddy_lock *lock);

/* --- event ------------------------------------------------------------------------------------ */

/* A flag that any number of tasks wait for. */
typedef struct eddy_event {
    uint64_t reserved[8];
} eddy_event;
#define EDDY_EVENT_INIT \
    {                   \
        { 0 }           \
    }
EDDY_API void eddy_event_init(eddy_event *event);

/* Waits until it is set. Suspends. Returns 0, also if the event was cleared again meanwhile. */
EDDY_API int eddy_event_wait(eddy_event *event);

/* Sets it, which wakes all who wait; and clears it, so that who comes from now on waits. */
EDDY_API void eddy_event_set(eddy_event *event);
EDDY_API void eddy_event_clear(eddy_event *event);

/* Whether a wait would return at once. */
EDDY_API bool eddy_event_is_set(const eddy_event *event);

/* --- condition -------------------------------------------------------------------------------- */

/* Tasks that hold a lock wait for a change that others make under the same lock:
 *
 *     r = eddy_condition_acquire(&c);
 *     while (r == 0 && !is_ready)
 *         r = eddy_condition_wait(&c);        the lock is held again, whatever r is
 *     ...
 *     eddy_condition_release(&c); */
typedef struct eddy_condition {
    uint64_t reserved[16];
} eddy_condition;
#define EDDY_CONDITION_INIT \
    {                       \
        { 0 }               \
    }

/* lock NULL: one of its own. Several conditions may share a lock; it must outlive them. */
EDDY_API void eddy_condition_init(eddy_condition *condition, eddy_lock *lock);

/* The condition's lock. */
EDDY_API int eddy_condition_acquire(eddy_condition *condition); /* suspends */
EDDY_API void eddy_condition_release(eddy_condition *condition);
EDDY_API bool eddy_condition_is_locked(const eddy_condition *condition);

/* Releases the lock, waits until notified, and acquires the lock again. Suspends. Returns 0, or
 * EDDY_EINVALID_STATE if the lock is not held. A cancel is heeded until the notification: then the
 * call returns -ECANCELED, with the lock, for which it still waits; and no notification is lost. */
EDDY_API int eddy_condition_wait(eddy_condition *condition);

/* Waits until predicate(arg) is true, which it may be at once. Suspends. Returns as
 * eddy_condition_wait(). */
EDDY_API int eddy_condition_wait_for(eddy_condition *condition, bool (*predicate)(void *arg),
                                     void *arg);

/* Notifies so many of those who wait, or all. They go on one after the other, as each gets the
 * lock. Aborts with a sentence if the lock is not held. */
EDDY_API void eddy_condition_notify(eddy_condition *condition, int count);
EDDY_API void eddy_condition_notify_all(eddy_condition *condition);

/* --- semaphore -------------------------------------------------------------------------------- */

/* Lets so many in at a time. */
typedef struct eddy_semaphore {
    uint64_t reserved[8];
} eddy_semaphore;
#define EDDY_SEMAPHORE_INIT(value) \
    {                              \
        { (value) }                \
    }

/* All zero is the default. */
typedef struct eddy_semaphore_options {
    bool bounded; /* to release it more often than it was acquired aborts with a sentence */
} eddy_semaphore_options;

/* Aborts with a sentence if the value is negative. options may be NULL. */
EDDY_API void eddy_semaphore_init(eddy_semaphore *semaphore, int value);
EDDY_API void eddy_semaphore_init_sized(eddy_semaphore *semaphore, int value,
                                        const eddy_semaphore_options *options, size_t options_size);
static inline void eddy_semaphore_init_with(eddy_semaphore *semaphore, int value,
                                            const eddy_semaphore_options *options) {
    eddy_semaphore_init_sized(semaphore, value, options, sizeof(eddy_semaphore_options));
}

/* Waits until the value is above 0, and takes one off it. Suspends. Returns 0. */
EDDY_API int eddy_semaphore_acquire(eddy_semaphore *semaphore);

/* Lets the first in who waits, or adds one to the value. */
EDDY_API void eddy_semaphore_release(eddy_semaphore *semaphore);

/* Whether an acquire would wait. */
EDDY_API bool eddy_semaphore_is_locked(const eddy_semaphore *semaphore);

/* --- barrier ---------------------------------------------------------------------------------- */

/* A number of tasks that go on together, again and again. */
typedef struct eddy_barrier {
    uint64_t reserved[8];
} eddy_barrier;

/* Aborts with a sentence if there is not at least one party. */
EDDY_API void eddy_barrier_init(eddy_barrier *barrier, int parties);

/* Waits until as many have come as there are parties. Suspends. Returns the number of this one in
 * the order of arrival, 0..parties-1, or EDDY_EBROKEN_BARRIER: the barrier was reset meanwhile, or
 * aborted. One that is cancelled has never come; the others wait on. */
EDDY_API int eddy_barrier_wait(eddy_barrier *barrier);

/* Ends the waiting of all with EDDY_EBROKEN_BARRIER. After a reset the barrier is as new; after an
 * abort it stays broken until a reset. Who had all its party together goes on in any case. */
EDDY_API void eddy_barrier_reset(eddy_barrier *barrier);
EDDY_API void eddy_barrier_abort(eddy_barrier *barrier);

/* How many make a party, how many of them have come, and whether it was aborted. */
EDDY_API int eddy_barrier_parties(const eddy_barrier *barrier);
EDDY_API int eddy_barrier_n_waiting(const eddy_barrier *barrier);
EDDY_API bool eddy_barrier_is_broken(const eddy_barrier *barrier);

/* --- queue ------------------------------------------------------------------------------------ */

/* Items, pointers of yours (NULL is one), on their way from tasks that put to tasks that get. */
typedef struct eddy_queue {
    uint64_t reserved[32];
} eddy_queue;
#define EDDY_QUEUE_INIT \
    {                   \
        { 0 }           \
    } /* first in, first out; unbounded */

/* Which item leaves next: the oldest, the newest, or the lowest (of equals the oldest). */
typedef enum eddy_queue_kind { EDDY_FIFO, EDDY_LIFO, EDDY_PRIORITY } eddy_queue_kind;

/* As for qsort(), but of the items themselves: below 0 if a leaves before b. Must not suspend, nor
 * use the queue. */
typedef int eddy_compare_fn(const void *a, const void *b);

/* All zero is the default. */
typedef struct eddy_queue_options {
    eddy_compare_fn *compare; /* of a priority queue; NULL: items are numbers, (void *)intptr_t */
    void (*destroy)(void *item); /* of what deinit and an immediate shutdown find in the queue */
} eddy_queue_options;

/* capacity <= 0: unbounded. A bounded queue has all its room from now on. options may be NULL.
 * Returns 0, -ENOMEM or -EINVAL. */
EDDY_API int eddy_queue_init(eddy_queue *queue, eddy_queue_kind kind, int capacity);
EDDY_API int eddy_queue_init_sized(eddy_queue *queue, eddy_queue_kind kind, int capacity,
                                   const eddy_queue_options *options, size_t options_size);
static inline int eddy_queue_init_with(eddy_queue *queue, eddy_queue_kind kind, int capacity,
                                       const eddy_queue_options *options) {
    return eddy_queue_init_sized(queue, kind, capacity, options, sizeof(eddy_queue_options));
}

/* Frees the store; all zero afterwards. Aborts with a sentence if tasks wait for it. */
EDDY_API void eddy_queue_deinit(eddy_queue *queue);

/* Puts an item in, and waits while the queue is full. Suspends. Returns 0, EDDY_ESHUTDOWN, or of an
 * unbounded queue -ENOMEM. nowait: does not suspend; -EAGAIN if it is full. */
EDDY_API int eddy_queue_put(eddy_queue *queue, void *item);
EDDY_API int eddy_queue_put_nowait(eddy_queue *queue, void *item);

/* Takes the next item out, and waits while there is none. Suspends. Returns 0 and *item, or
 * EDDY_ESHUTDOWN. nowait: does not suspend; -EAGAIN if it is empty. Who waits gets the item in the
 * moment in which it is put, also from a priority queue that a lower one reaches just afterwards.
 */
EDDY_API int eddy_queue_get(eddy_queue *queue, void **item);
EDDY_API int eddy_queue_get_nowait(eddy_queue *queue, void **item);

/* Waits until as many items are told as done as were put. Suspends. Returns 0. task_done tells it
 * of one; told more often than items were put, it aborts with a sentence. */
EDDY_API int eddy_queue_join(eddy_queue *queue);
EDDY_API void eddy_queue_task_done(eddy_queue *queue);

/* From now on put answers EDDY_ESHUTDOWN, also where it waits, and get as soon as the queue is
 * empty; immediate: which it is at once, and what was in it counts as done. */
EDDY_API void eddy_queue_shutdown(eddy_queue *queue, bool immediate);

/* How many items are in it, how many it may hold, and whether a get or a put would wait. */
EDDY_API int eddy_queue_qsize(const eddy_queue *queue);
EDDY_API int eddy_queue_maxsize(const eddy_queue *queue); /* 0: unbounded */
EDDY_API bool eddy_queue_is_empty(const eddy_queue *queue);
EDDY_API bool eddy_queue_is_full(const eddy_queue *queue);

#ifdef __cplusplus
}
#endif

#endif
