/* SPDX-License-Identifier: MIT
 * ring.h - a first-in first-out queue of pointers in one array.
 *
 * The ready queue of a loop is one: an array, because a linked list makes the next cache miss
 * depend on the last one. Who may be queued later reserves its place when it is made, so that push
 * never fails and waking never needs memory. */
#ifndef EDDY__RING_H
#define EDDY__RING_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util.h"

struct eddy__ring {
    void **slots;
    uint32_t mask;     /* capacity - 1 */
    uint32_t capacity; /* 0 or a power of two */
    uint32_t head;     /* of the oldest; runs on, and is masked when used */
    uint32_t tail;     /* one past the newest */
    uint32_t reserved; /* places that were promised, at most the capacity */
};

/* All-zero is an empty ring. */
void eddy__ring_deinit(struct eddy__ring *ring);

/* Doubles the capacity. Returns 0 or -ENOMEM. */
int eddy__ring_grow(struct eddy__ring *ring);

#define RING_KEPT_CAPACITY 4096 /* 32 KiB are not worth a copy */

/* A quarter of the array would do. */
static inline bool eddy__ring_has_surplus(const struct eddy__ring *ring) {
    return unlikely(ring->capacity > RING_KEPT_CAPACITY) && ring->reserved <= ring->capacity / 4;
}

/* Then halves it. Called now and then, it follows a peak down. */
void eddy__ring_shrink(struct eddy__ring *ring);

/* Promises so many places. Returns 0 or -ENOMEM. */
static inline int eddy__ring_reserve_many(struct eddy__ring *ring, uint32_t count) {
    while (unlikely(ring->capacity - ring->reserved < count)) {
        int r = eddy__ring_grow(ring);
        if (r < 0)
            return r;
    }
    ring->reserved += count;
    return 0;
}

static inline void eddy__ring_unreserve_many(struct eddy__ring *ring, uint32_t count) {
    assert(ring->reserved >= count);
    ring->reserved -= count;
}

static inline int eddy__ring_reserve(struct eddy__ring *ring) {
    return eddy__ring_reserve_many(ring, 1);
}

static inline void eddy__ring_unreserve(struct eddy__ring *ring) {
    eddy__ring_unreserve_many(ring, 1);
}

static inline uint32_t eddy__ring_count(const struct eddy__ring *ring) {
    return ring->tail - ring->head;
}

/* Never fails: the caller has a reserved place. */
static inline void eddy__ring_push(struct eddy__ring *ring, void *item) {
    assert(eddy__ring_count(ring) <= ring->mask && ring->slots);
    ring->slots[ring->tail++ & ring->mask] = item;
}

/* The oldest, or NULL; pop takes it out. */
static inline void *eddy__ring_first(const struct eddy__ring *ring) {
    return ring->head == ring->tail ? NULL : ring->slots[ring->head & ring->mask];
}

/* The one that `places` others stand before. There is one. */
static inline void *eddy__ring_ahead(const struct eddy__ring *ring, uint32_t places) {
    assert(places < eddy__ring_count(ring));
    return ring->slots[(ring->head + places) & ring->mask];
}

static inline void *eddy__ring_pop(struct eddy__ring *ring) {
    return ring->head == ring->tail ? NULL : ring->slots[ring->head++ & ring->mask];
}

#endif
