/* SPDX-License-Identifier: MIT
 * slab.c - chunks of 512 records, cache-line aligned, kept until the slab ends. */
#include "slab.h"

#include <assert.h>
#include <string.h>

#include "memory.h"
#include "util.h"

#define SLAB_CHUNK_RECORDS 512
#define SLAB_ALIGNMENT     64 /* a cache line */

void eddy__slab_init(struct eddy__slab *slab, size_t record_bytes) {
    assert(record_bytes >= sizeof(struct eddy__slab_link) && record_bytes % 8 == 0);
    *slab = (struct eddy__slab){.record_bytes = record_bytes, .chunk_records = SLAB_CHUNK_RECORDS};
}

/* An aligned chunk; the address that the allocator gave lies in the word before it. */
static char *chunk_new(size_t bytes) {
    char *memory = eddy__alloc(bytes + SLAB_ALIGNMENT + sizeof(void *));
    char *chunk;

    if (!memory)
        return NULL;
    chunk = memory + sizeof(void *) + SLAB_ALIGNMENT - 1;
    chunk -= (uintptr_t)chunk % SLAB_ALIGNMENT;
    memcpy(chunk - sizeof(void *), &memory, sizeof(memory));
    return memset(chunk, 0, bytes);
}

static void chunk_free(char *chunk) {
    char *memory;

    memcpy(&memory, chunk - sizeof(void *), sizeof(memory));
    eddy__free(memory);
}

int eddy__slab_grow(struct eddy__slab *slab) {
    char **chunks = eddy__realloc(slab->chunks, (slab->chunks_count + 1) * sizeof(*chunks));
    char *chunk;

    if (!chunks)
        return -1;
    slab->chunks = chunks;

    chunk = chunk_new(slab->chunk_records * slab->record_bytes);
    if (!chunk)
        return -1;

    slab->chunks[slab->chunks_count++] = chunk;
    for (uint32_t i = slab->chunk_records; i-- > 0;) {
        struct eddy__slab_link *link = (struct eddy__slab_link *)(chunk + i * slab->record_bytes);
        link->next = slab->free;
        slab->free = link;
    }
    return 0;
}

void eddy__slab_deinit(struct eddy__slab *slab) {
    for (uint32_t i = 0; i < slab->chunks_count; i++)
        chunk_free(slab->chunks[i]);
    eddy__free(slab->chunks);
    *slab = (struct eddy__slab){0};
}
