/* SPDX-License-Identifier: MIT
 * ring.h - a first-in first-out queue of pointers in one array.
 *
 * The ready queue of a loop is one: an array, because a linked list makes the next cache miss
 * depend on the last one. Who may be queued later reserves its place when it is made, so that push
 * never fails and waking never needs memory. */
#ifndef EDDY__RING_H
#define EDDY__RING_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

struct eddy__ring {
    void **slots;
    uint32_t mask;     /* capacity - 1; capacity is a power of two */
    uint32_t head;     /* of the oldest; runs on, and is masked when used */
    uint32_t tail;     /* one past the newest */
    uint32_t reserved; /* places that were promised, at most the capacity */
};

/* All-zero is an empty ring. Returns 0 or -ENOMEM. */
int eddy__ring_reserve(struct eddy__ring *ring);
void eddy__ring_unreserve(struct eddy__ring *ring);
/* Halves the array when a quarter of it would do. Called now and then, it follows a peak down. */
void eddy__ring_shrink(struct eddy__ring *ring);
void eddy__ring_deinit(struct eddy__ring *ring);

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

static inline void *eddy__ring_pop(struct eddy__ring *ring) {
    return ring->head == ring->tail ? NULL : ring->slots[ring->head++ & ring->mask];
}

#endif
