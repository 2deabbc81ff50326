/* SPDX-License-Identifier: MIT
 * lease.h - the buffers that a poller receives into and lends (EDDY__OP_LEASE), and those kept for
 * the next.
 *
 * Each is an allocation of its own: one that is out survives the loop, and the one given back last
 * is lent next, while it is warm. Memory goes back after a peak: what lay idle from one trim to the
 * next was not needed, and is freed. */
#ifndef EDDY__LEASE_H
#define EDDY__LEASE_H

#include <stdint.h>

#include "op.h"
#include "util.h"

/* Ahead of the bytes, a cache line: as no two buffers begin at the same distance from a page, the
 * hot beginnings of many do not meet in the same cache sets. */
struct eddy__lease {
    struct eddy__lease *next; /* of those that are free; while it is out, the poller's */
    uint32_t start, size;     /* the poller's: of the bytes that nobody has asked for */
    char padding[48 - sizeof(void *) - 2 * sizeof(uint32_t)]; /* 16 more are the allocator's */
    char bytes[LEASE_BYTES];
};

static inline struct eddy__lease *eddy__lease_of(void *buffer) {
    return container_of(buffer, struct eddy__lease, bytes);
}

/* All zero is an empty pool. */
struct eddy__leases {
    struct eddy__lease *free;
    uint32_t free_count;
    uint32_t least_free; /* since the last trim: so many were not needed */
    uint32_t takes;      /* since then */
};

/* A buffer of LEASE_BYTES, or NULL: no memory. */
void *eddy__lease_take(struct eddy__leases *leases);
void eddy__lease_give(struct eddy__leases *leases, void *buffer);

/* Receives what is there into one, *buffer, taken only now that something may have come. Returns
 * how much, and above 0 the buffer is out; otherwise there is none: 0 at the end, -EAGAIN, -ENOMEM,
 * ... */
ssize_t eddy__lease_receive(struct eddy__leases *leases, int fd, void **buffer);
ssize_t eddy__lease_read(struct eddy__leases *leases, int fd, void **buffer); /* of no socket */

/* For one that comes back when its poller is gone. */
void eddy__lease_free(void *buffer);

/* Frees what was not needed since the last trim, but a few. Called by itself from time to time
 * where buffers are taken; an idle poller calls it while there is something to trim. */
void eddy__leases_trim(struct eddy__leases *leases);
bool eddy__leases_are_many(const struct eddy__leases *leases);

void eddy__leases_deinit(struct eddy__leases *leases);

#endif
