/* SPDX-License-Identifier: MIT
 * memory.h - all memory of eddy comes through here, so that a user can replace the allocator
 * (eddy_set_allocator) and a test can fail the nth call. */
#ifndef EDDY__MEMORY_H
#define EDDY__MEMORY_H

#include <stddef.h>

/* NULL when there is none; 0 bytes give a valid pointer. */
void *eddy__alloc(size_t bytes);
void *eddy__zalloc(size_t bytes);
void *eddy__realloc(void *memory, size_t bytes);
char *eddy__strdup(const char *text);
void eddy__free(void *memory);

static inline void eddy__freep(void *pointer) {
    eddy__free(*(void **)pointer);
}

#endif
