/* SPDX-License-Identifier: MIT
 * arena.c - chunks, filled one after the other. */
#include "arena.h"

#include <string.h>

#include "memory.h"
#include "util.h"

#define CHUNK_BYTES 8192

struct eddy__arena_chunk {
    struct eddy__arena_chunk *next;
    size_t used;
    char memory[] __attribute__((aligned(16)));
};

void *eddy__arena_take(struct eddy__arena *arena, size_t bytes) {
    struct eddy__arena_chunk *chunk = arena->chunks;
    void *memory;

    bytes = (bytes + 15) & ~(size_t)15;
    if (!chunk || arena->room < bytes) {
        size_t chunk_bytes = MAX(bytes, (size_t)CHUNK_BYTES);
        chunk = eddy__zalloc(sizeof(*chunk) + chunk_bytes);
        if (!chunk)
            return NULL;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
        arena->room = chunk_bytes;
    }
    memory = chunk->memory + chunk->used;
    chunk->used += bytes;
    arena->room -= bytes;
    return memory;
}

char *eddy__arena_copy(struct eddy__arena *arena, const char *text, size_t size) {
    char *copy = text ? eddy__arena_take(arena, size + 1) : NULL;

    return copy ? memcpy(copy, text, size) : NULL;
}

void eddy__arena_free(struct eddy__arena *arena) {
    struct eddy__arena_chunk *chunk = arena->chunks;

    while (chunk) {
        struct eddy__arena_chunk *next = chunk->next;
        eddy__free(chunk);
        chunk = next;
    }
    *arena = (struct eddy__arena){0};
}
