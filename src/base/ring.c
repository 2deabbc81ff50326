/* SPDX-License-Identifier: MIT
 * ring.c - growing a ring; the fast paths are in ring.h. */
#include "ring.h"

#include <errno.h>

#include "memory.h"
#include "util.h"

#define RING_FIRST_CAPACITY 64
#define RING_KEPT_CAPACITY  4096 /* 32 KiB are not worth a copy */

static int ring_resize(struct eddy__ring *ring, uint32_t capacity) {
    uint32_t count = eddy__ring_count(ring);
    void **slots = eddy__alloc(capacity * sizeof(*slots));

    if (!slots)
        return -ENOMEM;

    for (uint32_t i = 0; i < count; i++)
        slots[i] = ring->slots[(ring->head + i) & ring->mask];
    eddy__free(ring->slots);
    ring->slots = slots;
    ring->mask = capacity - 1;
    ring->head = 0;
    ring->tail = count;
    return 0;
}

int eddy__ring_reserve(struct eddy__ring *ring) {
    uint32_t capacity = ring->slots ? ring->mask + 1 : 0;

    if (unlikely(ring->reserved == capacity)) {
        int r = ring_resize(ring, capacity ? capacity * 2 : RING_FIRST_CAPACITY);
        if (r < 0)
            return r;
    }
    ring->reserved++;
    return 0;
}

void eddy__ring_unreserve(struct eddy__ring *ring) {
    assert(ring->reserved > 0);
    ring->reserved--;
}

void eddy__ring_shrink(struct eddy__ring *ring) {
    uint32_t capacity = ring->slots ? ring->mask + 1 : 0;

    if (capacity > RING_KEPT_CAPACITY && ring->reserved <= capacity / 4)
        ring_resize(ring, capacity / 2); /* without memory it stays as it is */
}

void eddy__ring_deinit(struct eddy__ring *ring) {
    eddy__free(ring->slots);
    *ring = (struct eddy__ring){0};
}
