/* SPDX-License-Identifier: MIT
 * slab.h - records of one size, dense and at addresses that never change.
 *
 * Taking and giving back are a few instructions; the record used last is used next, while it is
 * warm. Each record has an index, so that a token of index and generation can stand for it. A free
 * record's first eight bytes are the slab's; the rest keeps what its owner left there.
 *
 * Records lie in pages, and a page is open or closed. A closed one costs address space only: it was
 * never used, or its memory went back to the system, and its records are all zero. What was free
 * all through a period is sorted into its pages; a page that has all of its records back is closed.
 * Who takes and gives pays nothing for that: a period ends by setting the free records aside, as
 * cold, and those that are needed again come back from there. */
#ifndef EDDY__SLAB_H
#define EDDY__SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list.h"
#include "util.h"

#define SLAB_PAGE_BYTES  4096
#define SLAB_CHUNK_PAGES 64
#define SLAB_CHUNK_BYTES ((size_t)SLAB_PAGE_BYTES * SLAB_CHUNK_PAGES)

struct slab_chunk {
    char *records;
    struct slab_page *pages;
};

struct eddy__slab {
    void *free;                 /* what is taken next */
    void *cold;                 /* free since the period began */
    void *unsorted;             /* free all through one: to be sorted into their pages */
    struct chain_node *partial; /* pages that have some of their records back */
    struct chain_node *closed;  /* pages without memory */
    struct slab_chunk *chunks;  /* in the order of their indices */
    uint32_t *by_address;       /* the chunks' numbers */
    uint32_t chunks_count;
    uint32_t record_bytes; /* a power of two */
    uint32_t in_use;
    uint32_t open;   /* records of open pages: in use and free */
    uint32_t sorted; /* records that are back in their pages */
};

/* record_bytes: a power of two, from a cache line to a page. */
void eddy__slab_init(struct eddy__slab *slab, uint32_t record_bytes);
void eddy__slab_deinit(struct eddy__slab *slab);

/* Finds free records for a slab that has none at hand. Returns 0 or -ENOMEM. */
int eddy__slab_refill(struct eddy__slab *slab);

/* Only another page has any. */
static inline bool eddy__slab_must_open(const struct eddy__slab *slab) {
    return !slab->free && !slab->cold && !slab->partial && !slab->unsorted;
}

/* A free record. */
struct eddy__slab_link {
    struct eddy__slab_link *next;
} __attribute__((may_alias));

/* A record, or NULL: no memory. The first word is anything; the others of one that was never used,
 * or lay in a closed page, are zero. */
static inline void *eddy__slab_take(struct eddy__slab *slab) {
    struct eddy__slab_link *link;

    if (unlikely(!slab->free) && eddy__slab_refill(slab) < 0)
        return NULL;

    link = slab->free;
    slab->free = link->next;
    slab->in_use++;
    return link;
}

static inline void eddy__slab_give(struct eddy__slab *slab, void *record) {
    struct eddy__slab_link *link = record;

    link->next = slab->free;
    slab->free = link;
    slab->in_use--;
}

/* --- by index --------------------------------------------------------------------------------- */

static inline uint32_t eddy__slab_page_records(const struct eddy__slab *slab) {
    return SLAB_PAGE_BYTES / slab->record_bytes;
}

/* The place of a record is its index times its size, which a caller that knows it multiplies
 * faster. Is there a record, in use or not? */
static inline bool eddy__slab_has(const struct eddy__slab *slab, size_t place) {
    return place / SLAB_CHUNK_BYTES < slab->chunks_count;
}

static inline void *eddy__slab_at(const struct eddy__slab *slab, size_t place) {
    return slab->chunks[place / SLAB_CHUNK_BYTES].records + place % SLAB_CHUNK_BYTES;
}

/* Of a record that was taken. */
uint32_t eddy__slab_index(const struct eddy__slab *slab, const void *record);

/* For each record, in use or not, of each open page. Begins with *index 0; NULL: that was the
 * last. Records may be given back meanwhile. */
void *eddy__slab_next(const struct eddy__slab *slab, uint32_t *index);

/* --- giving back ------------------------------------------------------------------------------ */

/* So many free records stay for ever. */
#define SLAB_KEPT 512

/* More are free: time will make them idle. Not counted are those in pages of which others are in
 * use. */
static inline bool eddy__slab_has_surplus(const struct eddy__slab *slab) {
    return unlikely(slab->open - slab->in_use - slab->sorted > SLAB_KEPT);
}

/* A period is over: what was free all through it is idle. */
void eddy__slab_age(struct eddy__slab *slab);

/* Sorts a few idle records and closes the pages that are complete. True: there are more. */
bool eddy__slab_trim(struct eddy__slab *slab);

#endif
