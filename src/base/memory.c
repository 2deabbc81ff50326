/* SPDX-License-Identifier: MIT
 * memory.c - the allocator that a user may replace, once, before the first allocation. */
#include "memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <eddy/base.h>
#include <eddy/error.h>

static eddy_allocator allocator = {.allocate = malloc, .resize = realloc, .release = free};
static atomic_bool in_use;

int eddy_set_allocator(const eddy_allocator *replacement) {
    if (atomic_load(&in_use))
        return eddy_raise(-EBUSY, "the allocator can only be set before eddy has allocated");
    allocator = *replacement;
    return 0;
}

void *eddy__alloc(size_t bytes) {
    if (!atomic_load_explicit(&in_use, memory_order_relaxed))
        atomic_store(&in_use, true);
    return allocator.allocate(bytes ? bytes : 1);
}

void *eddy__zalloc(size_t bytes) {
    void *memory = eddy__alloc(bytes);

    return memory ? memset(memory, 0, bytes) : NULL;
}

void *eddy__realloc(void *memory, size_t bytes) {
    return memory ? allocator.resize(memory, bytes ? bytes : 1) : eddy__alloc(bytes);
}

char *eddy__strdup(const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = eddy__alloc(bytes);

    return copy ? memcpy(copy, text, bytes) : NULL;
}

void eddy__free(void *memory) {
    if (memory)
        allocator.release(memory);
}

void *eddy_free(void *memory) {
    eddy__free(memory);
    return NULL;
}
