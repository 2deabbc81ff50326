/* SPDX-License-Identifier: MIT
 * arena.h - many small things that are freed together. */
#ifndef EDDY__ARENA_H
#define EDDY__ARENA_H

#include <stddef.h>

struct eddy__arena_chunk;

/* All zero: empty. */
struct eddy__arena {
    struct eddy__arena_chunk *chunks; /* the newest first, which has room */
    size_t room;
};

/* Zeroed memory for anything; NULL: no memory. */
void *eddy__arena_take(struct eddy__arena *arena, size_t bytes);

/* A copy of so many characters, NUL-terminated; NULL of NULL, and without memory. */
char *eddy__arena_copy(struct eddy__arena *arena, const char *text, size_t size);

void eddy__arena_free(struct eddy__arena *arena);

#endif
