/* SPDX-License-Identifier: MIT
 * store.c - a circle, or a heap; see store.h. */
#include "store.h"

#include <assert.h>
#include <string.h>

#include "memory.h"
#include "util.h"

static bool is_heap(const struct eddy__store *store) {
    return store->kind == EDDY_PRIORITY;
}

/* --- room ------------------------------------------------------------------------------------- */

/* A larger circle begins at its first place. */
static int circle_reserve(struct eddy__store *store, uint32_t room) {
    uint32_t straight = MIN(store->count, store->room - store->first);
    void **items = eddy__alloc(room * sizeof(*items));

    if (!items)
        return -ENOMEM;
    if (store->count > 0) {
        memcpy(items, store->items + store->first, straight * sizeof(*items));
        memcpy(items + straight, store->items, (store->count - straight) * sizeof(*items));
    }
    eddy__free(store->items);
    store->items = items;
    store->first = 0;
    return 0;
}

static int heap_reserve(struct eddy__store *store, uint32_t room) {
    struct eddy__store_entry *heap = eddy__realloc(store->heap, room * sizeof(*heap));

    if (!heap)
        return -ENOMEM;
    store->heap = heap;
    return 0;
}

int eddy__store_reserve(struct eddy__store *store, uint32_t count) {
    int r;

    if (count <= store->room)
        return 0;
    r = is_heap(store) ? heap_reserve(store, count) : circle_reserve(store, count);
    if (r == 0)
        store->room = count;
    return r;
}

void eddy__store_free(struct eddy__store *store) {
    eddy__free(store->items);
    eddy__free(store->heap);
    *store = (struct eddy__store){0};
}

/* --- a circle --------------------------------------------------------------------------------- */

static void **circle_at(struct eddy__store *store, uint32_t index) {
    uint64_t place = (uint64_t)store->first + index;

    return &store->items[place < store->room ? place : place - store->room];
}

static void *circle_take_first(struct eddy__store *store) {
    void *item = store->items[store->first];

    store->first = store->first + 1 < store->room ? store->first + 1 : 0;
    return item;
}

static void circle_put_first(struct eddy__store *store, void *item) {
    store->first = (store->first > 0 ? store->first : store->room) - 1;
    store->items[store->first] = item;
}

/* --- a heap ----------------------------------------------------------------------------------- */

static bool entry_before(const struct eddy__store *store, const struct eddy__store_entry *a,
                         const struct eddy__store_entry *b) {
    intptr_t x = (intptr_t)a->item, y = (intptr_t)b->item;
    int order = store->compare ? store->compare(a->item, b->item) : (x > y) - (x < y);

    return order < 0 || (order == 0 && a->arrival < b->arrival);
}

/* The entry rises from the hole at the end to where it belongs. */
static void heap_push(struct eddy__store *store, struct eddy__store_entry entry) {
    uint32_t hole = store->count;

    while (hole > 0 && entry_before(store, &entry, &store->heap[(hole - 1) / 2])) {
        store->heap[hole] = store->heap[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    store->heap[hole] = entry;
}

/* The last entry sinks from the top to where it belongs; `count` no longer counts it. */
static void *heap_pop(struct eddy__store *store, uint32_t count) {
    struct eddy__store_entry top = store->heap[0], last = store->heap[count];
    uint32_t hole = 0, child;

    while ((child = 2 * hole + 1) < count) {
        if (child + 1 < count && entry_before(store, &store->heap[child + 1], &store->heap[child]))
            child++;
        if (!entry_before(store, &store->heap[child], &last))
            break;
        store->heap[hole] = store->heap[child];
        hole = child;
    }
    store->heap[hole] = last;
    return top.item;
}

/* --- either ----------------------------------------------------------------------------------- */

void eddy__store_push(struct eddy__store *store, void *item) {
    assert(store->count < store->room);
    if (is_heap(store))
        heap_push(store, (struct eddy__store_entry){item, store->arrivals++});
    else
        *circle_at(store, store->count) = item;
    store->count++;
}

void *eddy__store_pop(struct eddy__store *store) {
    assert(store->count > 0);
    store->count--;
    if (is_heap(store))
        return heap_pop(store, store->count);
    return store->kind == EDDY_LIFO ? *circle_at(store, store->count) : circle_take_first(store);
}

void eddy__store_unpop(struct eddy__store *store, void *item) {
    if (store->kind != EDDY_FIFO) {
        eddy__store_push(store, item);
        return;
    }
    assert(store->count < store->room);
    circle_put_first(store, item);
    store->count++;
}
