/* SPDX-License-Identifier: MIT
 * slab.c - chunks of 64 pages, opened and closed one by one; a chunk stays until the slab ends, so
 * that a stale token finds memory, which is zero. */
#include "slab.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "os.h"

#define BATCH     32   /* cold records that come back at once */
#define SORT_STEP 4096 /* records sorted in one go: some 0.2 ms */

struct slab_page {
    struct chain_node node;       /* in slab->partial or slab->closed */
    struct eddy__slab_link *back; /* its records that are back, while it is in slab->partial */
    uint32_t chunk;
    uint16_t count; /* of those */
    bool is_open;
};

void eddy__slab_init(struct eddy__slab *slab, uint32_t record_bytes) {
    assert(record_bytes >= 64 && record_bytes <= SLAB_PAGE_BYTES &&
           (record_bytes & (record_bytes - 1)) == 0);
    *slab = (struct eddy__slab){.record_bytes = record_bytes};
}

void eddy__slab_deinit(struct eddy__slab *slab) {
    for (uint32_t i = 0; i < slab->chunks_count; i++) {
        eddy__os_unmap(slab->chunks[i].records, SLAB_CHUNK_BYTES);
        eddy__free(slab->chunks[i].pages);
    }
    eddy__free(slab->chunks);
    eddy__free(slab->by_address);
    *slab = (struct eddy__slab){0};
}

/* --- chunks ----------------------------------------------------------------------------------- */

/* The number of chunks at or below this address. */
static uint32_t chunks_up_to(const struct eddy__slab *slab, const char *address) {
    uint32_t low = 0, high = slab->chunks_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (slab->chunks[slab->by_address[middle]].records <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t chunk_of(const struct eddy__slab *slab, const void *record) {
    return slab->by_address[chunks_up_to(slab, record) - 1];
}

/* Room for one more. */
static int tables_grow(struct eddy__slab *slab) {
    size_t count = slab->chunks_count + 1;
    struct slab_chunk *chunks = eddy__realloc(slab->chunks, count * sizeof(*chunks));
    uint32_t *by_address;

    if (!chunks)
        return -ENOMEM;
    slab->chunks = chunks;
    by_address = eddy__realloc(slab->by_address, count * sizeof(*by_address));
    if (!by_address)
        return -ENOMEM;
    slab->by_address = by_address;
    return 0;
}

static void chunk_enter(struct eddy__slab *slab, struct slab_chunk chunk) {
    uint32_t number = slab->chunks_count, place = chunks_up_to(slab, chunk.records);

    memmove(slab->by_address + place + 1, slab->by_address + place,
            (number - place) * sizeof(*slab->by_address));
    slab->by_address[place] = number;
    slab->chunks[number] = chunk;
    slab->chunks_count++;
    for (uint32_t i = SLAB_CHUNK_PAGES; i-- > 0;) {
        chunk.pages[i].chunk = number;
        chain_push(&slab->closed, &chunk.pages[i].node);
    }
}

/* Adds a chunk of closed pages. */
static int slab_grow(struct eddy__slab *slab) {
    struct slab_chunk chunk;

    if (tables_grow(slab) < 0)
        return -ENOMEM;
    chunk.pages = eddy__zalloc(SLAB_CHUNK_PAGES * sizeof(*chunk.pages));
    chunk.records = chunk.pages ? eddy__os_map(SLAB_CHUNK_BYTES) : NULL;
    if (!chunk.records) {
        eddy__free(chunk.pages);
        return -ENOMEM;
    }
    chunk_enter(slab, chunk);
    return 0;
}

/* --- pages ------------------------------------------------------------------------------------ */

static struct slab_page *page_of_node(struct chain_node *node) {
    return container_of(node, struct slab_page, node);
}

static char *page_memory(const struct eddy__slab *slab, const struct slab_page *page) {
    const struct slab_chunk *chunk = &slab->chunks[page->chunk];

    return chunk->records + (size_t)(page - chunk->pages) * SLAB_PAGE_BYTES;
}

static struct slab_page *page_of_record(const struct eddy__slab *slab, const void *record) {
    const struct slab_chunk *chunk = &slab->chunks[chunk_of(slab, record)];

    return chunk->pages + ((const char *)record - chunk->records) / SLAB_PAGE_BYTES;
}

/* Its records are taken next, the lowest first. */
static void page_open(struct eddy__slab *slab, struct slab_page *page) {
    char *memory = page_memory(slab, page);

    chain_remove(&page->node);
    page->is_open = true;
    slab->open += eddy__slab_page_records(slab);
    for (size_t at = SLAB_PAGE_BYTES; at > 0; at -= slab->record_bytes) {
        struct eddy__slab_link *link = (void *)(memory + at - slab->record_bytes);
        link->next = slab->free;
        slab->free = link;
    }
}

static void page_close(struct eddy__slab *slab, struct slab_page *page) {
    slab->open -= page->count;
    slab->sorted -= page->count;
    page->back = NULL;
    page->count = 0;
    page->is_open = false;
    chain_remove(&page->node);
    chain_push(&slab->closed, &page->node);
    eddy__os_clear(page_memory(slab, page), SLAB_PAGE_BYTES);
}

static void page_sort(struct eddy__slab *slab, struct eddy__slab_link *record) {
    struct slab_page *page = page_of_record(slab, record);

    if (page->count == 0)
        chain_push(&slab->partial, &page->node);
    record->next = page->back;
    page->back = record;
    page->count++;
    slab->sorted++;
    if (page->count == eddy__slab_page_records(slab))
        page_close(slab, page);
}

/* Its records are taken next, as if they had not been sorted. */
static void page_unsort(struct eddy__slab *slab, struct slab_page *page) {
    chain_remove(&page->node);
    slab->free = page->back;
    slab->sorted -= page->count;
    page->back = NULL;
    page->count = 0;
}

/* --- taking ----------------------------------------------------------------------------------- */

/* The first few of a list become the free ones. */
static void take_batch(struct eddy__slab *slab, void **list) {
    struct eddy__slab_link *last = *list;

    for (int i = 1; i < BATCH && last->next; i++)
        last = last->next;
    slab->free = *list;
    *list = last->next;
    last->next = NULL;
}

/* The warmest first; then what keeps a page open anyway. */
int eddy__slab_refill(struct eddy__slab *slab) {
    assert(!slab->free);
    if (slab->cold)
        take_batch(slab, &slab->cold);
    else if (slab->partial)
        page_unsort(slab, page_of_node(slab->partial));
    else if (slab->unsorted)
        take_batch(slab, &slab->unsorted);
    else if (slab->closed || slab_grow(slab) == 0)
        page_open(slab, page_of_node(slab->closed));
    return slab->free ? 0 : -ENOMEM;
}

uint32_t eddy__slab_index(const struct eddy__slab *slab, const void *record) {
    uint32_t chunk = chunk_of(slab, record);
    size_t offset = (size_t)((const char *)record - slab->chunks[chunk].records);

    return (uint32_t)((chunk * SLAB_CHUNK_BYTES + offset) / slab->record_bytes);
}

static const struct slab_page *page_at(const struct eddy__slab *slab, size_t place) {
    return &slab->chunks[place / SLAB_CHUNK_BYTES]
                .pages[place % SLAB_CHUNK_BYTES / SLAB_PAGE_BYTES];
}

void *eddy__slab_next(const struct eddy__slab *slab, uint32_t *index) {
    size_t place = (size_t)*index * slab->record_bytes;

    while (eddy__slab_has(slab, place) && !page_at(slab, place)->is_open)
        place = (place / SLAB_PAGE_BYTES + 1) * SLAB_PAGE_BYTES;
    *index = (uint32_t)(place / slab->record_bytes) + 1;
    return eddy__slab_has(slab, place) ? eddy__slab_at(slab, place) : NULL;
}

/* --- giving back ------------------------------------------------------------------------------ */

void eddy__slab_age(struct eddy__slab *slab) {
    if (slab->unsorted)
        return; /* of the period before */
    slab->unsorted = slab->cold;
    slab->cold = slab->free;
    slab->free = NULL;
}

bool eddy__slab_trim(struct eddy__slab *slab) {
    struct eddy__slab_link *link = slab->unsorted;

    for (int i = 0; i < SORT_STEP && link; i++) {
        struct eddy__slab_link *next = link->next;
        page_sort(slab, link);
        link = next;
    }
    slab->unsorted = link;
    return link != NULL;
}
