/* SPDX-License-Identifier: MIT
 * queue.c - eddy_queue: items from tasks that put to tasks that get.
 *
 * Tasks wait to get only while nothing is stored, and to put only while the store is full; so an
 * item goes straight to the first who waits for one, and room goes straight to the first item that
 * waits for it. Read next: store.c (in which order items leave). */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "log.h"
#include "store.h"
#include "waiters.h"

struct queue {
    struct eddy__binding binding;
    struct eddy__waiters getters, putters, joiners;
    struct eddy__store store;
    void (*destroy)(void *item);
    uint64_t unfinished; /* put, and not yet told as done */
    uint32_t capacity;   /* 0: unbounded */
    bool is_shut_down;
} __attribute__((may_alias));

_Static_assert(sizeof(struct queue) <= sizeof(eddy_queue), "eddy_queue is too small");

/* Who waits with an item, or for one. */
struct queue_wait {
    struct eddy__parked parked;
    struct queue *queue;
    void *item;
};

static struct queue *queue_of(const eddy_queue *queue) {
    return (struct queue *)queue;
}

static struct queue_wait *wait_of(struct eddy__parked *parked) {
    return parked ? container_of(parked, struct queue_wait, parked) : NULL;
}

/* --- making ----------------------------------------------------------------------------------- */

int eddy_queue_init_sized(eddy_queue *storage, eddy_queue_kind kind, int capacity,
                          const eddy_queue_options *given, size_t options_size) {
    struct queue *queue = queue_of(storage);
    eddy_queue_options options = {0};

    if (kind != EDDY_FIFO && kind != EDDY_LIFO && kind != EDDY_PRIORITY)
        return eddy_raise(-EINVAL, "%d is no kind of queue", (int)kind);
    if (given)
        memcpy(&options, given, MIN(options_size, sizeof(options)));
    *queue = (struct queue){
        .store = {.kind = (uint8_t)kind, .compare = options.compare},
        .destroy = options.destroy,
        .capacity = capacity > 0 ? (uint32_t)capacity : 0,
    };
    /* All of its room at once: to put into a bounded queue never fails for memory. */
    return eddy__store_reserve(&queue->store, queue->capacity) < 0 ? eddy__fail(-ENOMEM) : 0;
}

int eddy_queue_init(eddy_queue *queue, eddy_queue_kind kind, int capacity) {
    return eddy_queue_init_sized(queue, kind, capacity, NULL, 0);
}

/* Drops what is stored. An item's destructor may itself use the queue. */
static void queue_destroy_items(struct queue *queue, bool are_done) {
    while (queue->store.count > 0) {
        void *item = eddy__store_pop(&queue->store);
        queue->unfinished -= are_done && queue->unfinished > 0;
        if (queue->destroy)
            queue->destroy(item);
    }
}

void eddy_queue_deinit(eddy_queue *storage) {
    struct queue *queue = queue_of(storage);

    eddy__binding_require(&queue->binding, "eddy_queue_deinit");
    if (queue->binding.waiting > 0)
        eddy__sync_misuse("eddy_queue_deinit", "tasks wait for the queue: shut it down first");
    queue_destroy_items(queue, false);
    eddy__store_free(&queue->store);
    *queue = (struct queue){0};
}

/* --- items ------------------------------------------------------------------------------------ */

static bool is_full(const struct queue *queue) {
    return queue->capacity > 0 && queue->store.count >= queue->capacity;
}

/* There is room again: for the item of the first who waits with one. */
static void queue_admit(struct queue *queue) {
    struct queue_wait *putter = wait_of(eddy__waiters_first(&queue->putters));

    if (!putter || is_full(queue))
        return;
    eddy__store_push(&queue->store, putter->item);
    queue->unfinished++;
    eddy__parked_wake(&putter->parked, 0);
}

/* 0, EDDY_ESHUTDOWN, -EAGAIN: full, or -ENOMEM. */
static int queue_offer(struct queue *queue, void *item) {
    struct queue_wait *getter = wait_of(eddy__waiters_first(&queue->getters));

    if (queue->is_shut_down)
        return EDDY_ESHUTDOWN;
    if (is_full(queue))
        return -EAGAIN;
    if (!getter && eddy__store_grow(&queue->store) < 0)
        return -ENOMEM;
    queue->unfinished++;
    if (getter) {
        getter->item = item;
        eddy__parked_wake(&getter->parked, 0);
    } else {
        eddy__store_push(&queue->store, item);
    }
    return 0;
}

/* 0, EDDY_ESHUTDOWN, or -EAGAIN: empty. */
static int queue_take(struct queue *queue, void **item) {
    if (queue->store.count == 0)
        return queue->is_shut_down ? EDDY_ESHUTDOWN : -EAGAIN;
    *item = eddy__store_pop(&queue->store);
    queue_admit(queue);
    return 0;
}

/* --- putting and getting ---------------------------------------------------------------------- */

static void put_look(const struct eddy__wait *wait, struct eddy__look *look) {
    (void)wait;
    eddy__look_name(look, "room in a queue");
}

static int put_wait(struct queue *queue, struct eddy__task *task, void *item) {
    struct queue_wait wait;

    eddy__parked_init(&wait.parked, task, NULL, put_look);
    wait.queue = queue;
    wait.item = item;
    eddy__waiters_join(&queue->putters, &queue->binding, &wait.parked);
    return eddy__parked_wait(&wait.parked);
}

int eddy_queue_put(eddy_queue *storage, void *item) {
    struct queue *queue = queue_of(storage);
    struct eddy__task *task;
    int r = eddy__binding_begin(&queue->binding, &task);

    if (r < 0)
        return r;
    r = queue_offer(queue, item);
    if (r == -EAGAIN)
        return put_wait(queue, task, item);
    if (r < 0)
        return eddy__fail(r);
    eddy__task_charge(task);
    return 0;
}

int eddy_queue_put_nowait(eddy_queue *storage, void *item) {
    struct queue *queue = queue_of(storage);
    int r = eddy__binding_check(&queue->binding);

    if (r < 0)
        return r;
    r = queue_offer(queue, item);
    return r < 0 ? eddy__fail(r) : 0;
}

/* Its loop was closed before it could return the item. */
static void item_given_back(struct eddy__parked *parked) {
    struct queue_wait *getter = wait_of(parked);
    struct queue *queue = getter->queue;

    if (parked->result < 0)
        return;
    if (eddy__store_grow(&queue->store) == 0)
        eddy__store_unpop(&queue->store, getter->item);
    else
        eddy__log(EDDY_LOG_ERROR, "an item of a queue is lost: no memory to put it back");
}

static void get_look(const struct eddy__wait *wait, struct eddy__look *look) {
    (void)wait;
    eddy__look_name(look, "an item of a queue");
}

static int get_wait(struct queue *queue, struct eddy__task *task, void **item) {
    struct queue_wait wait;
    int r;

    eddy__parked_init(&wait.parked, task, item_given_back, get_look);
    wait.queue = queue;
    eddy__waiters_join(&queue->getters, &queue->binding, &wait.parked);
    r = eddy__parked_wait(&wait.parked);
    if (r == 0)
        *item = wait.item;
    return r;
}

int eddy_queue_get(eddy_queue *storage, void **item) {
    struct queue *queue = queue_of(storage);
    struct eddy__task *task;
    int r = eddy__binding_begin(&queue->binding, &task);

    if (r < 0)
        return r;
    r = queue_take(queue, item);
    if (r == -EAGAIN)
        return get_wait(queue, task, item);
    if (r < 0)
        return eddy__fail(r);
    eddy__task_charge(task);
    return 0;
}

int eddy_queue_get_nowait(eddy_queue *storage, void **item) {
    struct queue *queue = queue_of(storage);
    int r = eddy__binding_check(&queue->binding);

    if (r < 0)
        return r;
    r = queue_take(queue, item);
    return r < 0 ? eddy__fail(r) : 0;
}

/* --- until all is done ------------------------------------------------------------------------ */

void eddy_queue_task_done(eddy_queue *storage) {
    struct queue *queue = queue_of(storage);

    eddy__binding_require(&queue->binding, "eddy_queue_task_done");
    if (queue->unfinished == 0)
        eddy__sync_misuse("eddy_queue_task_done", "more items are done than were put");
    if (--queue->unfinished == 0)
        eddy__waiters_wake_all(&queue->joiners, 0);
}

static void join_look(const struct eddy__wait *wait, struct eddy__look *look) {
    (void)wait;
    eddy__look_name(look, "the items of a queue to be done");
}

int eddy_queue_join(eddy_queue *storage) {
    struct queue *queue = queue_of(storage);
    struct eddy__parked parked = {0};
    int r = eddy__binding_begin(&queue->binding, &parked.task);

    if (r < 0)
        return r;
    if (queue->unfinished == 0) {
        eddy__task_charge(parked.task);
        return 0;
    }
    parked.wait.look = join_look;
    eddy__waiters_join(&queue->joiners, &queue->binding, &parked);
    return eddy__parked_wait(&parked);
}

void eddy_queue_shutdown(eddy_queue *storage, bool immediate) {
    struct queue *queue = queue_of(storage);

    eddy__binding_require(&queue->binding, "eddy_queue_shutdown");
    queue->is_shut_down = true;
    eddy__waiters_wake_all(&queue->getters, EDDY_ESHUTDOWN);
    eddy__waiters_wake_all(&queue->putters, EDDY_ESHUTDOWN);
    if (!immediate)
        return;
    queue_destroy_items(queue, true);
    if (queue->unfinished == 0)
        eddy__waiters_wake_all(&queue->joiners, 0);
}

/* --- looking ---------------------------------------------------------------------------------- */

int eddy_queue_qsize(const eddy_queue *queue) {
    return (int)MIN(queue_of(queue)->store.count, (uint32_t)INT_MAX);
}

int eddy_queue_maxsize(const eddy_queue *queue) {
    return (int)queue_of(queue)->capacity;
}

bool eddy_queue_is_empty(const eddy_queue *queue) {
    return queue_of(queue)->store.count == 0;
}

bool eddy_queue_is_full(const eddy_queue *queue) {
    return is_full(queue_of(queue));
}
