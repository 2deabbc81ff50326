/* SPDX-License-Identifier: MIT
 * fault.c - counts calls, and picks the one that fails. */
#include "fault.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <eddy/base.h>

#include "test.h"

static _Atomic(struct fault_run *) watched;
static atomic_long met;

void fault_watch(struct fault_run *run) {
    struct fault_run *former = atomic_exchange(&watched, NULL);

    if (former)
        former->met = atomic_load(&met);
    atomic_store(&met, 0);
    atomic_store(&watched, run);
}

const struct fault *fault_meet(const char *name, const struct fault *faults, int count) {
    struct fault_run *run = atomic_load(&watched);

    if (!run || atomic_fetch_add(&met, 1) + 1 != run->nth)
        return NULL;
    run->name = name;
    run->ways = count;
    if (run->way >= count)
        return NULL;
    run->fault = faults[run->way];
    run->is_hit = true;
    return &run->fault;
}

/* --- memory ----------------------------------------------------------------------------------- */

static atomic_int blocks;

static bool has_memory(const char *name) {
    return !FAULT(name, {ENOMEM, FAILS});
}

static void *allocate(size_t size) {
    void *memory = has_memory("malloc") ? malloc(size) : NULL;

    blocks += memory != NULL;
    return memory;
}

static void *resize(void *memory, size_t size) {
    void *resized = has_memory("realloc") ? realloc(memory, size) : NULL;

    blocks += !memory && resized;
    return resized;
}

static void release(void *memory) {
    blocks -= memory != NULL;
    free(memory);
}

void fault_take_allocator(void) {
    static const eddy_allocator allocator = {allocate, resize, release};

    ASSERT_OK(eddy_set_allocator(&allocator));
}

int fault_blocks(void) {
    return atomic_load(&blocks);
}
