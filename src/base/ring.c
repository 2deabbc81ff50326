/* SPDX-License-Identifier: MIT
 * ring.c - growing a ring; the fast paths are in ring.h. */
#include "ring.h"

#include <errno.h>

#include "memory.h"

#define RING_FIRST_CAPACITY 64

static int ring_resize(struct eddy__ring *ring, uint32_t capacity) {
    uint32_t count = eddy__ring_count(ring);
    void **slots = eddy__alloc(capacity * sizeof(*slots));

    if (!slots)
        return -ENOMEM;

    for (uint32_t i = 0; i < count; i++)
        slots[i] = ring->slots[(ring->head + i) & ring->mask];
    eddy__free(ring->slots);
    ring->slots = slots;
    ring->capacity = capacity;
    ring->mask = capacity - 1;
    ring->head = 0;
    ring->tail = count;
    return 0;
}

int eddy__ring_grow(struct eddy__ring *ring) {
    return ring_resize(ring, ring->capacity ? ring->capacity * 2 : RING_FIRST_CAPACITY);
}

void eddy__ring_shrink(struct eddy__ring *ring) {
    if (eddy__ring_has_surplus(ring))
        ring_resize(ring, ring->capacity / 2); /* without memory it stays as it is */
}

void eddy__ring_deinit(struct eddy__ring *ring) {
    eddy__free(ring->slots);
    *ring = (struct eddy__ring){0};
}
