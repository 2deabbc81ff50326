/* SPDX-License-Identifier: MIT
 * slab.h - records of one size, dense and at addresses that never change.
 *
 * Taking and giving back are a few instructions; the record used last is used next, while it is
 * warm. Each record has an index, so that a token of index and generation can stand for it. A free
 * record's first eight bytes are the slab's; the rest keeps what its owner left there. */
#ifndef EDDY__SLAB_H
#define EDDY__SLAB_H

#include <stddef.h>
#include <stdint.h>

#include "util.h"

struct eddy__slab {
    size_t record_bytes;    /* a multiple of 8 */
    uint32_t chunk_records; /* records per chunk, a power of two */
    uint32_t chunks_count;
    uint32_t in_use;
    void *free;    /* the first free record */
    char **chunks; /* zeroed when they are made */
};

void eddy__slab_init(struct eddy__slab *slab, size_t record_bytes);
void eddy__slab_deinit(struct eddy__slab *slab);

/* Adds a chunk of free records. Returns 0 or -1: no memory. */
int eddy__slab_grow(struct eddy__slab *slab);

/* A free record. */
struct eddy__slab_link {
    struct eddy__slab_link *next;
} __attribute__((may_alias));

/* A record, or NULL: no memory. A record that was never used before is all zero. */
static inline void *eddy__slab_take(struct eddy__slab *slab) {
    struct eddy__slab_link *link;

    if (unlikely(!slab->free) && eddy__slab_grow(slab) < 0)
        return NULL;

    link = slab->free;
    slab->free = link->next;
    link->next = NULL;
    slab->in_use++;
    return link;
}

static inline void eddy__slab_give(struct eddy__slab *slab, void *record) {
    struct eddy__slab_link *link = record;

    link->next = slab->free;
    slab->free = link;
    slab->in_use--;
}

/* Every index below the capacity has a record, in use or not. */
static inline uint32_t eddy__slab_capacity(const struct eddy__slab *slab) {
    return slab->chunks_count * slab->chunk_records;
}

static inline void *eddy__slab_at(const struct eddy__slab *slab, uint32_t index) {
    return slab->chunks[index / slab->chunk_records] +
           (index % slab->chunk_records) * slab->record_bytes;
}

#endif
