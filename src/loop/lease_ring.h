/* SPDX-License-Identifier: MIT
 * lease_ring.h - leases that the kernel has in advance, to receive into the moment something comes.
 *
 * A ring of memory shared with the kernel, which takes the first of them. How many it has follows
 * what a turn needs: few, so that they stay warm, and twice as many when it ran out. */
#ifndef EDDY__LEASE_RING_H
#define EDDY__LEASE_RING_H

#include <stdbool.h>

#include "lease.h"
#include "uring.h"

#define LEASE_RING_PLACES 1024 /* at most so many receives end in one turn: URING_ANSWERS */

struct eddy__lease_ring {
    struct io_uring_buf_ring *entries; /* the shared memory; NULL: none yet */
    bool is_refused;                   /* the kernel has no such thing (before 5.19) */
    uint32_t wanted;                   /* how many the kernel should have */
    uint32_t filled;                   /* how many it has */
    uint32_t free_count;
    uint16_t free[LEASE_RING_PLACES]; /* numbers that are not in use */
    void *buffers[LEASE_RING_PLACES]; /* by number */
};

/* Readies the ring for a receive. False: there is none. */
bool eddy__lease_ring_open(struct eddy__lease_ring *ring, struct eddy__uring *uring);
void eddy__lease_ring_close(struct eddy__lease_ring *ring, struct eddy__uring *uring,
                            struct eddy__leases *leases);

/* Gives the kernel what it should have. False: there is not a single one. */
bool eddy__lease_ring_fill(struct eddy__lease_ring *ring, struct eddy__leases *leases);

/* The kernel ran out of them: twice as many, once for all receives that found none in a turn. */
void eddy__lease_ring_grow(struct eddy__lease_ring *ring);

/* The one that an answer brings. */
void *eddy__lease_ring_take(struct eddy__lease_ring *ring, const struct io_uring_cqe *answer);

/* Nothing has come for a while: takes back what a peak had needed. */
void eddy__lease_ring_trim(struct eddy__lease_ring *ring, struct eddy__uring *uring,
                           struct eddy__leases *leases);

/* As the flags of a receive. */
static inline void eddy__lease_ring_select(struct io_uring_sqe *slot) {
    slot->flags |= IOSQE_BUFFER_SELECT;
    slot->buf_group = 0;
}

#endif
