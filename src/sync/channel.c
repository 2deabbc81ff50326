/* SPDX-License-Identifier: MIT
 * channel.c - eddy_channel: a queue for tasks of any loops and threads.
 *
 *   IN LINE -its turn comes-> UNDER WAY -the post arrives on its loop-> woken
 *   cancel: IN LINE leaves at once; UNDER WAY takes what it was given
 *
 * A lock is held while the store and the two lines change. Who has the first turn is taken out of
 * the line, given its item or its room, and becomes a post to its loop, all under the lock; woken
 * is that loop after it, or the woken thread would run into the lock. A wait lies on the stack of
 * its task, so waiting allocates nothing. See docs/internals/threads.md. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include <eddy/channel.h>

#include "log.h"
#include "memory.h"
#include "scheduler.h"
#include "store.h"

struct eddy_channel {
    atomic_uint refs;
    uint32_t capacity; /* 0: unbounded */
    void (*destroy)(void *item);
    unsigned fork_generation;
    pthread_mutex_t lock; /* for the rest */
    struct list_node senders, receivers;
    struct eddy__store store; /* empty while receivers wait, full while senders do */
    bool is_closed;
};

/* Who waits with an item, or for one. */
struct channel_wait {
    struct eddy__wait wait; /* first */
    struct eddy__post post; /* to `loop`, UNDER WAY */
    struct list_node node;  /* IN LINE */
    eddy_channel *channel;  /* a reference */
    eddy_loop *loop;        /* a reference, until its turn has come */
    struct eddy__task *task;
    void *item;
    int result;
    bool receives, has_turn;
};

/* --- its turn --------------------------------------------------------------------------------- */

static struct channel_wait *line_first(struct list_node *line) {
    return list_is_empty(line) ? NULL : container_of(line->next, struct channel_wait, node);
}

/* On the waiting loop. */
static void wait_arrived(struct eddy__post *post) {
    eddy__task_wake(container_of(post, struct channel_wait, post)->task);
}

/* Its turn has come, with this result; *told is the loop that is to be woken, with a reference.
 * False: that is closed, so it gets nothing. Once this is true the wait may be gone. */
static bool wait_tell(struct channel_wait *wait, int result, eddy_loop **told) {
    eddy_loop *loop = wait->loop;
    bool is_told;

    list_remove(&wait->node);
    wait->result = result;
    wait->has_turn = true;
    if (loop == eddy__thread.running) {
        eddy__task_wake(wait->task);
        eddy_loop_unref(loop);
        return true;
    }
    is_told = eddy__wakeup_put(&loop->wakeup, &wait->post) == 0;
    if (is_told) {
        *told = loop;
    } else {
        wait->has_turn = false;
        eddy_loop_unref(loop);
    }
    return is_told;
}

/* Tells the first in a line. False: nobody waits. */
static bool line_tell(struct list_node *line, int result, eddy_loop **told) {
    struct channel_wait *first;

    while ((first = line_first(line)))
        if (wait_tell(first, result, told))
            return true;
    return false;
}

static void channel_lock(const eddy_channel *channel) {
    pthread_mutex_lock((pthread_mutex_t *)&channel->lock);
}

/* Takes the reference to the loop that was told; NULL: none. */
static void channel_unlock(const eddy_channel *channel, eddy_loop *told) {
    pthread_mutex_unlock((pthread_mutex_t *)&channel->lock);
    if (told) {
        eddy__wakeup_kick(&told->wakeup);
        eddy_loop_unref(told);
    }
}

/* --- items, under the lock -------------------------------------------------------------------- */

static bool is_full(const eddy_channel *channel) {
    return channel->capacity > 0 && channel->store.count >= channel->capacity;
}

/* To the first who waits for one. False: nobody does. */
static bool channel_hand_over(eddy_channel *channel, void *item, eddy_loop **told) {
    struct channel_wait *receiver;

    while ((receiver = line_first(&channel->receivers))) {
        receiver->item = item;
        if (wait_tell(receiver, 0, told))
            return true;
    }
    return false;
}

/* There is room again: for the item of the first who waits with one. */
static void channel_admit(eddy_channel *channel, eddy_loop **told) {
    struct channel_wait *sender;

    while (!is_full(channel) && (sender = line_first(&channel->senders))) {
        void *item = sender->item;
        if (wait_tell(sender, 0, told)) {
            eddy__store_push(&channel->store, item);
            return;
        }
    }
}

/* 0, EDDY_ESHUTDOWN, -EAGAIN: full, or -ENOMEM. */
static int channel_offer(eddy_channel *channel, void *item, eddy_loop **told) {
    if (channel->is_closed)
        return EDDY_ESHUTDOWN;
    if (channel_hand_over(channel, item, told))
        return 0;
    if (is_full(channel))
        return -EAGAIN;
    if (eddy__store_grow(&channel->store) < 0)
        return -ENOMEM;
    eddy__store_push(&channel->store, item);
    return 0;
}

/* 0, EDDY_ESHUTDOWN, or -EAGAIN: empty. */
static int channel_take(eddy_channel *channel, void **item, eddy_loop **told) {
    if (channel->store.count == 0)
        return channel->is_closed ? EDDY_ESHUTDOWN : -EAGAIN;
    *item = eddy__store_pop(&channel->store);
    channel_admit(channel, told);
    return 0;
}

/* --- life ------------------------------------------------------------------------------------- */

int eddy_channel_new_sized(int capacity, const eddy_channel_options *given, size_t options_size,
                           eddy_channel **out) {
    eddy_channel *channel = eddy__zalloc(sizeof(*channel));
    eddy_channel_options options = {0};

    if (!channel)
        return eddy__fail(-ENOMEM);
    if (given)
        memcpy(&options, given, MIN(options_size, sizeof(options)));
    eddy__thread_remember(); /* and hears of forks */
    atomic_init(&channel->refs, 1);
    channel->capacity = capacity > 0 ? (uint32_t)capacity : 0;
    channel->destroy = options.destroy;
    channel->fork_generation = eddy__fork_generation;
    list_init(&channel->senders);
    list_init(&channel->receivers);
    /* All of its room at once: to send into a bounded channel never fails for memory. */
    if (eddy__store_reserve(&channel->store, channel->capacity) < 0) {
        eddy__free(channel);
        return eddy__fail(-ENOMEM);
    }
    pthread_mutex_init(&channel->lock, NULL);
    *out = channel;
    return 0;
}

eddy_channel *eddy_channel_ref(eddy_channel *channel) {
    atomic_fetch_add_explicit(&channel->refs, 1, memory_order_relaxed);
    return channel;
}

eddy_channel *eddy_channel_unref(eddy_channel *channel) {
    if (!channel || atomic_fetch_sub_explicit(&channel->refs, 1, memory_order_acq_rel) > 1)
        return NULL;
    while (channel->destroy && channel->store.count > 0)
        channel->destroy(eddy__store_pop(&channel->store));
    eddy__store_free(&channel->store);
    pthread_mutex_destroy(&channel->lock);
    eddy__free(channel);
    return NULL;
}

/* A child has the lock perhaps as a thread held it that it does not have. */
static int channel_check(const eddy_channel *channel) {
    if (likely(channel->fork_generation == eddy__fork_generation))
        return 0;
    return eddy_raise(EDDY_EFORKED, "this channel was made before fork(): it is the parent's");
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* Under the lock: a sender or a receiver that has left the line for good. */
static bool wait_leave(struct channel_wait *wait) {
    if (list_is_empty(&wait->node))
        return false;
    list_remove(&wait->node);
    eddy_loop_unref(wait->loop);
    return true;
}

/* One whose turn is under way takes it. */
static void wait_cancelled(struct eddy__wait *base) {
    struct channel_wait *wait = container_of(base, struct channel_wait, wait);
    bool has_left;

    channel_lock(wait->channel);
    has_left = wait_leave(wait);
    channel_unlock(wait->channel, NULL);
    if (!has_left)
        return;
    wait->result = -ECANCELED;
    eddy__task_wake(wait->task);
}

/* Back to the front, where it came from. False: there is no memory for it. */
static bool channel_put_back(eddy_channel *channel, void *item, eddy_loop **told) {
    if (channel_hand_over(channel, item, told))
        return true;
    if (eddy__store_grow(&channel->store) < 0)
        return false;
    eddy__store_unpop(&channel->store, item);
    return true;
}

static void item_lost(const eddy_channel *channel, void *item) {
    eddy__log(EDDY_LOG_ERROR, "an item of a channel is lost: no memory to put it back");
    if (channel->destroy)
        channel->destroy(item);
}

/* Its loop was closed, perhaps before it could return the item. */
static void wait_dropped(struct eddy__wait *base) {
    struct channel_wait *wait = container_of(base, struct channel_wait, wait);
    eddy_loop *told = NULL;
    bool is_kept = true;

    channel_lock(wait->channel);
    wait_leave(wait);
    if (wait->receives && wait->has_turn && wait->result == 0)
        is_kept = channel_put_back(wait->channel, wait->item, &told);
    channel_unlock(wait->channel, told);
    if (!is_kept)
        item_lost(wait->channel, wait->item);
    eddy_channel_unref(wait->channel);
}

/* Under the lock. */
static void wait_begin(struct channel_wait *wait, eddy_channel *channel, struct list_node *line) {
    wait->wait = (struct eddy__wait){.cancel = wait_cancelled, .drop = wait_dropped};
    wait->post.run = wait_arrived;
    wait->channel = eddy_channel_ref(channel);
    wait->loop = eddy_loop_ref(wait->task->future.loop);
    wait->receives = line == &channel->receivers;
    list_append(line, &wait->node);
}

static int wait_end(struct channel_wait *wait) {
    eddy__task_park(wait->task, &wait->wait);
    eddy_channel_unref(wait->channel);
    if (wait->result == -ECANCELED)
        return eddy__task_fail_cancelled(wait->task);
    return wait->result < 0 ? eddy__fail(wait->result) : 0;
}

/* --- sending and receiving -------------------------------------------------------------------- */

/* What need not wait ends at once; only after a row of such calls the others run first. */
static int call_end(struct eddy__task *task, int r) {
    if (r < 0)
        return eddy__fail(r);
    eddy__task_charge(task);
    return 0;
}

static int call_begin(const eddy_channel *channel, struct eddy__task **out) {
    int r = channel_check(channel);

    return r < 0 ? r : eddy__checkpoint(NULL, out);
}

int eddy_channel_send(eddy_channel *channel, void *item) {
    struct channel_wait wait;
    eddy_loop *told = NULL;
    struct eddy__task *task;
    int r = call_begin(channel, &task);

    if (r < 0)
        return r;
    channel_lock(channel);
    r = channel_offer(channel, item, &told);
    if (r == -EAGAIN) {
        wait = (struct channel_wait){.task = task, .item = item};
        wait_begin(&wait, channel, &channel->senders);
    }
    channel_unlock(channel, told);
    return r == -EAGAIN ? wait_end(&wait) : call_end(task, r);
}

int eddy_channel_receive(eddy_channel *channel, void **item) {
    struct channel_wait wait;
    eddy_loop *told = NULL;
    struct eddy__task *task;
    int r = call_begin(channel, &task);

    if (r < 0)
        return r;
    channel_lock(channel);
    r = channel_take(channel, item, &told);
    if (r == -EAGAIN) {
        wait = (struct channel_wait){.task = task};
        wait_begin(&wait, channel, &channel->receivers);
    }
    channel_unlock(channel, told);
    if (r != -EAGAIN)
        return call_end(task, r);
    r = wait_end(&wait);
    if (r == 0)
        *item = wait.item;
    return r;
}

int eddy_channel_send_nowait(eddy_channel *channel, void *item) {
    eddy_loop *told = NULL;
    int r = channel_check(channel);

    if (r < 0)
        return r;
    channel_lock(channel);
    r = channel_offer(channel, item, &told);
    channel_unlock(channel, told);
    return r < 0 ? eddy__fail(r) : 0;
}

int eddy_channel_receive_nowait(eddy_channel *channel, void **item) {
    eddy_loop *told = NULL;
    int r = channel_check(channel);

    if (r < 0)
        return r;
    channel_lock(channel);
    r = channel_take(channel, item, &told);
    channel_unlock(channel, told);
    return r < 0 ? eddy__fail(r) : 0;
}

/* Nobody joins a line of a closed channel: so those who wait can be told one by one, and each woken
 * outside of the lock. */
void eddy_channel_close(eddy_channel *channel) {
    bool is_told = true;

    while (is_told && channel->fork_generation == eddy__fork_generation) {
        eddy_loop *told = NULL;
        channel_lock(channel);
        channel->is_closed = true;
        is_told = line_tell(&channel->receivers, EDDY_ESHUTDOWN, &told) ||
                  line_tell(&channel->senders, EDDY_ESHUTDOWN, &told);
        channel_unlock(channel, told);
    }
}

/* --- looking ---------------------------------------------------------------------------------- */

int eddy_channel_size(const eddy_channel *channel) {
    uint32_t count;

    if (channel->fork_generation != eddy__fork_generation)
        return 0;
    channel_lock(channel);
    count = channel->store.count;
    channel_unlock(channel, NULL);
    return (int)MIN(count, (uint32_t)INT_MAX);
}

int eddy_channel_capacity(const eddy_channel *channel) {
    return (int)channel->capacity;
}

bool eddy_channel_is_closed(const eddy_channel *channel) {
    bool is_closed;

    if (channel->fork_generation != eddy__fork_generation)
        return true;
    channel_lock(channel);
    is_closed = channel->is_closed;
    channel_unlock(channel, NULL);
    return is_closed;
}
