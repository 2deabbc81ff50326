/* SPDX-License-Identifier: MIT
 * store.h - what lies in a queue: in a circle where order is that of arrival, forwards or
 * backwards; in a heap where a function says it. Equals leave in the order in which they came. */
#ifndef EDDY__STORE_H
#define EDDY__STORE_H

#include <errno.h>

#include <eddy/sync.h>

struct eddy__store_entry {
    void *item;
    uint64_t arrival;
};

struct eddy__store {
    void **items;                   /* FIFO, LIFO: a circle of `room` places, from `first` on */
    struct eddy__store_entry *heap; /* PRIORITY: each before the two at 2i + 1 and 2i + 2 */
    eddy_compare_fn *compare;       /* NULL: items are numbers */
    uint64_t arrivals;
    uint32_t first, count, room;
    uint8_t kind; /* eddy_queue_kind; all zero is an empty FIFO */
};

/* Makes room for so many in all. Returns 0 or -ENOMEM; then nothing has changed. */
int eddy__store_reserve(struct eddy__store *store, uint32_t count);

/* Room for one more, growing by doubling. */
static inline int eddy__store_grow(struct eddy__store *store) {
    if (store->count < store->room)
        return 0;
    if (store->room > UINT32_MAX / 2)
        return -ENOMEM;
    return eddy__store_reserve(store, store->room < 8 ? 8 : store->room * 2);
}

/* There is room. */
void eddy__store_push(struct eddy__store *store, void *item);

/* The next to leave. The store is not empty. */
void *eddy__store_pop(struct eddy__store *store);

/* Puts back what was the next to leave. There is room. */
void eddy__store_unpop(struct eddy__store *store, void *item);

void eddy__store_free(struct eddy__store *store);

#endif
