/* SPDX-License-Identifier: MIT
 * shared.c - waiting across threads: in a loop by a post, outside of any by a condition.
 *
 * The lock is held while waiters are told, so who takes his waiter out of the list under it, or
 * finds it taken out, knows that nobody will touch it but the post that it has become. */
#include "shared.h"

#include <errno.h>
#include <time.h>

#include "clock.h"
#include "memory.h"
#include "os.h"

/* Orders those that other threads completed, after all that the asker's own loop did: a gather
 * picks the error that came first. */
#define STAMP_SHARED (1ULL << 63)
static _Atomic uint64_t completions;

void eddy__shared_init(struct eddy__shared *shared, const struct eddy__future_class *class) {
    shared->future = (eddy_future){.class = class, .refs = 1};
    list_init(&shared->future.waiters);
    pthread_mutex_init(&shared->lock, NULL);
    list_init(&shared->told);
    shared->fork_generation = eddy__fork_generation;
}

void eddy__shared_deinit(struct eddy__shared *shared) {
    eddy__error_set(&shared->future.error, NULL);
    pthread_mutex_destroy(&shared->lock);
}

/* --- references ------------------------------------------------------------------------------- */

eddy_future *eddy__shared_ref(eddy_future *future) {
    __atomic_fetch_add(&future->refs, 1, __ATOMIC_RELAXED);
    return future;
}

void eddy__shared_unref(eddy_future *future) {
    if (__atomic_sub_fetch(&future->refs, 1, __ATOMIC_ACQ_REL) == 0)
        future->class->free(future);
}

bool eddy__shared_report(eddy_future *future, eddy_loop *home, struct eddy__post *post) {
    if (!eddy__future_is_unheard(future))
        return false;
    if (home && home->fork_generation == eddy__fork_generation && eddy__loop_post(home, post) == 0)
        return true;
    eddy__future_report(future, NULL);
    return false;
}

int eddy__shared_check(eddy_future *future) {
    if (eddy__shared_of(future)->fork_generation == eddy__fork_generation ||
        eddy__future_is_done(future))
        return 0;
    return eddy_raise(EDDY_EFORKED, "this future was made before fork(): who completes it is in "
                                    "the parent");
}

/* --- completion ------------------------------------------------------------------------------- */

void eddy__shared_complete_locked(struct eddy__shared *shared, int result,
                                  const eddy_error *error) {
    eddy_future *future = &shared->future;
    struct list_node *node;

    if (eddy__future_is_done(future)) {
        eddy_error_unref(error);
        return;
    }
    future->result = result;
    future->error = error;
    future->stamp = STAMP_SHARED | atomic_fetch_add(&completions, 1);
    __atomic_store_n(&future->state, FUTURE_DONE, __ATOMIC_RELEASE);
    while ((node = list_take_first(&shared->told))) {
        struct eddy__far_waiter *far = container_of(node, struct eddy__far_waiter, node);
        far->tell(far);
    }
}

void eddy__shared_complete(struct eddy__shared *shared, int result, const eddy_error *error) {
    pthread_mutex_lock(&shared->lock);
    eddy__shared_complete_locked(shared, result, error);
    pthread_mutex_unlock(&shared->lock);
}

/* --- waiting in a loop ------------------------------------------------------------------------ */

/* On the waiting loop. */
static void far_arrived(struct eddy__post *post) {
    struct eddy__far_waiter *far = container_of(post, struct eddy__far_waiter, post);

    far->is_under_way = false;
    far->loop->outside--;
    if (far->near)
        far->near->wake(far->near, far->future);
    else
        eddy__free(far);
}

/* A loop that is closed takes no post: its tasks are gone or go now, and leave. The reference is
 * for the end of the push: what was pushed may have run by then, and the loop be freed. */
static void far_tell(struct eddy__far_waiter *far) {
    eddy_loop *loop = far->loop;

    far->is_under_way = true;
    if (eddy__loop_post(loop, &far->post) < 0)
        far->is_under_way = false;
    eddy_loop_unref(loop);
}

bool eddy__shared_wait(struct eddy__far_waiter *far, eddy_future *future, eddy_loop *loop,
                       struct eddy__waiter *near) {
    struct eddy__shared *shared = eddy__shared_of(future);
    bool is_pending;

    *far = (struct eddy__far_waiter){
        .tell = far_tell, .post.run = far_arrived, .loop = loop, .future = future, .near = near};
    list_init(&far->node);
    pthread_mutex_lock(&shared->lock);
    is_pending = !eddy__future_is_done(future);
    if (is_pending) {
        loop->outside++; /* virtual time stands still while another thread works for us */
        eddy_loop_ref(loop);
        list_append(&shared->told, &far->node);
    }
    pthread_mutex_unlock(&shared->lock);
    return is_pending;
}

static bool far_leave(struct eddy__far_waiter *far, bool for_good) {
    struct eddy__shared *shared = eddy__shared_of(far->future);
    bool is_under_way, was_linked;

    pthread_mutex_lock(&shared->lock);
    was_linked = !list_is_empty(&far->node);
    list_remove(&far->node);
    is_under_way = far->is_under_way;
    if (is_under_way && for_good)
        far->near = NULL;
    pthread_mutex_unlock(&shared->lock);

    if (was_linked) {
        far->loop->outside--;
        eddy_loop_unref(far->loop);
    }
    return !is_under_way;
}

bool eddy__shared_leave(struct eddy__far_waiter *far) {
    return far_leave(far, true);
}

bool eddy__shared_retreat(struct eddy__far_waiter *far) {
    return far_leave(far, false);
}

/* --- waiting for either kind -------------------------------------------------------------------
 */

int eddy__waiter_prepare(eddy_future *future, struct eddy__far_waiter **far) {
    *far = NULL;
    if (!future || likely(!eddy__future_is_shared(future)))
        return 0;
    *far = eddy__alloc(sizeof(**far));
    if (!*far)
        return -ENOMEM;
    **far = (struct eddy__far_waiter){.future = future};
    list_init(&(*far)->node);
    return 0;
}

bool eddy__waiter_join(struct eddy__waiter *waiter, struct eddy__far_waiter *far,
                       eddy_future *future, eddy_loop *loop) {
    if (eddy_is_done(future))
        return false;
    if (unlikely(far))
        return eddy__shared_wait(far, future, loop, waiter);
    eddy__waiter_add(future, waiter);
    return true;
}

void eddy__waiter_leave(struct eddy__waiter *waiter, struct eddy__far_waiter **far) {
    eddy__waiter_remove(waiter);
    if (*far && eddy__shared_leave(*far))
        eddy__free(*far);
    *far = NULL;
}

/* --- waiting without a loop ------------------------------------------------------------------- */

struct blocked {
    struct eddy__far_waiter far;
    pthread_cond_t done;
};

static void blocked_tell(struct eddy__far_waiter *far) {
    pthread_cond_signal(&container_of(far, struct blocked, far)->done);
}

static void blocked_init(struct blocked *blocked) {
    pthread_condattr_t attributes;

    *blocked = (struct blocked){.far.tell = blocked_tell};
    list_init(&blocked->far.node);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&blocked->done, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* Under the lock. Until it is done, or the time has come. */
static void blocked_wait(struct blocked *blocked, struct eddy__shared *shared, int64_t until_ns) {
    struct timespec until = {until_ns / NS_PER_SECOND, until_ns % NS_PER_SECOND};
    int r = 0;

    while (!eddy__future_is_done(&shared->future) && r != ETIMEDOUT)
        r = until_ns == NS_NEVER ? pthread_cond_wait(&blocked->done, &shared->lock)
                                 : pthread_cond_timedwait(&blocked->done, &shared->lock, &until);
    list_remove(&blocked->far.node);
}

/* May this thread block for it? */
static int block_check(eddy_future *future) {
    if (eddy__thread.running)
        return eddy_raise(-EDEADLK, "eddy_future_wait_blocking() would stop the event loop of this "
                                    "thread: await the future in a task");
    if (!eddy__future_is_shared(future))
        return eddy_raise(EDDY_EWRONG_THREAD,
                          "this future is of one loop, which nobody would run meanwhile: only one "
                          "made for other threads can be blocked on");
    return eddy__shared_check(future);
}

int eddy_future_wait_blocking(eddy_future *future, double seconds) {
    int64_t until_ns = ns_add(eddy__os_now(), ns_from_seconds(seconds));
    struct eddy__shared *shared;
    struct blocked blocked;
    int r;

    if (!future)
        return eddy__fail(-ENOMEM);
    if (eddy__future_is_done(future))
        return eddy__future_retrieve(future, NULL);
    r = block_check(future);
    if (r < 0)
        return r;

    shared = eddy__shared_of(future);
    blocked_init(&blocked);
    pthread_mutex_lock(&shared->lock);
    list_append(&shared->told, &blocked.far.node);
    blocked_wait(&blocked, shared, until_ns);
    pthread_mutex_unlock(&shared->lock);
    pthread_cond_destroy(&blocked.done);
    return eddy__future_is_done(future) ? eddy__future_retrieve(future, NULL)
                                        : eddy__fail(-ETIMEDOUT);
}
