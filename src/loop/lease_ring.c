/* SPDX-License-Identifier: MIT
 * lease_ring.c - leases that the kernel has in advance. */
#include "lease_ring.h"

#include <sys/mman.h>

#include "util.h"

#define WANTED_LEAST 8u
#define RING_BYTES   (LEASE_RING_PLACES * sizeof(struct io_uring_buf))
#define RING_MASK    (LEASE_RING_PLACES - 1)

static int ring_register(struct io_uring_buf_ring *entries, struct eddy__uring *uring) {
    struct io_uring_buf_reg about = {
        .ring_addr = (uint64_t)(uintptr_t)entries, .ring_entries = LEASE_RING_PLACES, .bgid = 0};

    io_uring_buf_ring_init(entries);
    return io_uring_register_buf_ring(&uring->ring, &about, 0);
}

static void ring_is_empty(struct eddy__lease_ring *ring) {
    ring->filled = 0;
    ring->wanted = WANTED_LEAST;
    ring->free_count = LEASE_RING_PLACES;
    for (uint16_t i = 0; i < LEASE_RING_PLACES; i++) {
        ring->free[i] = (uint16_t)(LEASE_RING_PLACES - 1 - i);
        ring->buffers[i] = NULL;
    }
}

bool eddy__lease_ring_open(struct eddy__lease_ring *ring, struct eddy__uring *uring) {
    void *memory;

    if (likely(ring->entries))
        return true;
    if (ring->is_refused)
        return false;
    memory = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    madvise(memory, RING_BYTES, MADV_DONTFORK);
    if (ring_register(memory, uring) < 0) {
        munmap(memory, RING_BYTES);
        ring->is_refused = true;
        return false;
    }
    ring->entries = memory;
    ring_is_empty(ring);
    return true;
}

static void ring_take_back(struct eddy__lease_ring *ring, struct eddy__uring *uring,
                           struct eddy__leases *leases) {
    io_uring_unregister_buf_ring(&uring->ring, 0);
    for (int i = 0; i < LEASE_RING_PLACES; i++)
        if (ring->buffers[i])
            eddy__lease_give(leases, ring->buffers[i]);
    ring_is_empty(ring);
}

void eddy__lease_ring_close(struct eddy__lease_ring *ring, struct eddy__uring *uring,
                            struct eddy__leases *leases) {
    if (!ring->entries)
        return;
    ring_take_back(ring, uring, leases);
    munmap(TAKE_POINTER(ring->entries), RING_BYTES);
}

bool eddy__lease_ring_fill(struct eddy__lease_ring *ring, struct eddy__leases *leases) {
    int added = 0;

    while (ring->filled < ring->wanted) {
        void *buffer = eddy__lease_take(leases);
        uint16_t number;
        if (!buffer)
            break;
        number = ring->free[--ring->free_count];
        ring->buffers[number] = buffer;
        io_uring_buf_ring_add(ring->entries, buffer, LEASE_BYTES, number, RING_MASK, added++);
        ring->filled++;
    }
    if (added > 0)
        io_uring_buf_ring_advance(ring->entries, added);
    return ring->filled > 0;
}

void eddy__lease_ring_grow(struct eddy__lease_ring *ring) {
    if (ring->filled == 0)
        ring->wanted = MIN(2 * ring->wanted, (uint32_t)LEASE_RING_PLACES);
}

void *eddy__lease_ring_take(struct eddy__lease_ring *ring, const struct io_uring_cqe *answer) {
    uint16_t number = (uint16_t)(answer->flags >> IORING_CQE_BUFFER_SHIFT);

    ring->free[ring->free_count++] = number;
    ring->filled--;
    return TAKE_POINTER(ring->buffers[number]);
}

/* The receives that wait have none, and find the ring again when something comes. */
void eddy__lease_ring_trim(struct eddy__lease_ring *ring, struct eddy__uring *uring,
                           struct eddy__leases *leases) {
    if (!ring->entries || ring->wanted == WANTED_LEAST)
        return;
    ring_take_back(ring, uring, leases);
    if (ring_register(ring->entries, uring) < 0) {
        munmap(TAKE_POINTER(ring->entries), RING_BYTES);
        ring->is_refused = true;
    }
}
