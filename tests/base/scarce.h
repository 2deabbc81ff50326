/* SPDX-License-Identifier: MIT
 * scarce.h - an allocator that counts what is out, and has nothing left when a test says so.
 *
 * It must be set before eddy allocates for the first time, so a test begins with scarce_begin(). */
#ifndef TEST_SCARCE_H
#define TEST_SCARCE_H

#include <limits.h>
#include <stdlib.h>

#include <eddy/base.h>

#include "test.h"

static int scarce_left = INT_MAX; /* allocations that will still succeed */
static int scarce_out;            /* allocated and not released */

static inline void *scarce_allocate(size_t size) {
    if (scarce_left == 0)
        return NULL;
    scarce_left--;
    scarce_out++;
    return malloc(size);
}

static inline void *scarce_resize(void *memory, size_t size) {
    if (scarce_left == 0)
        return NULL;
    scarce_left--;
    return realloc(memory, size);
}

static inline void scarce_release(void *memory) {
    scarce_out--;
    free(memory);
}

static inline void scarce_begin(void) {
    ASSERT_OK(eddy_set_allocator(&(eddy_allocator){
        .allocate = scarce_allocate, .resize = scarce_resize, .release = scarce_release}));
}

#endif
