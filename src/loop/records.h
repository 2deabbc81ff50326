/* SPDX-License-Identifier: MIT
 * records.h - records of a slab that may stand in the ready queue: tasks, callbacks.
 *
 * Each has its place there as long as its page is open, so that taking one and giving it back
 * reserve nothing. A record stands in the queue once at most, and is given back when it is out. */
#ifndef EDDY__RECORDS_H
#define EDDY__RECORDS_H

#include "ring.h"
#include "slab.h"

/* For a slab that has no record at hand. Returns 0 or -ENOMEM. */
int eddy__records_refill(struct eddy__ring *ready, struct eddy__slab *slab);

/* A record with its place, or NULL: no memory. It goes back by eddy__slab_give(). */
static inline void *eddy__records_take(struct eddy__ring *ready, struct eddy__slab *slab) {
    if (unlikely(!slab->free) && eddy__records_refill(ready, slab) < 0)
        return NULL;
    return eddy__slab_take(slab);
}

/* eddy__slab_trim(), with the places. */
bool eddy__records_trim(struct eddy__ring *ready, struct eddy__slab *slab);

#endif
