/* SPDX-License-Identifier: MIT
 * stack.c - slots of large mappings, guarded in batches.
 *
 * MADV_GUARD_INSTALL (Linux 6.13) marks pages in the page tables, so a million guards are still one
 * map area; one process_madvise() sets 64 of them. Older kernels get mprotect(), which costs two
 * areas a stack out of the 65,530 that a process may have: so a budget, and then a painted word
 * that is checked when a task parks or ends. */
#include "stack.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "memory.h"
#include "os.h"
#include "sanitizer.h"
#include "util.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif

#define PIDFD_SELF_PROCESS (-10001) /* Linux 6.14: this process, without opening a descriptor */

#define MAPPING_BYTES    (16u << 20) /* at most; at least one slot */
#define MAPPING_SLOTS    64
#define GUARDS_BUDGET    16000 /* by mprotect: half of vm.max_map_count's default, two areas each */
#define PAGE_BYTES       4096
#define CACHE_LINE_BYTES 64
#define COLOURS                                                                       \
    16 /* tops are up to 15 cache lines apart: within the page that is touched anyway \
        */
#define CANARY 0x5ca1ab1edeadbeefULL

struct eddy__mapping {
    struct eddy__mapping *next;
    char *memory;
    size_t bytes;
    size_t slot_bytes;
    size_t opened_bytes; /* slots up to here have been stacks */
    bool has_canary;
};

void eddy__stack_pool_init(struct eddy__stack_pool *pool) {
    *pool = (struct eddy__stack_pool){.guard = GUARD_MADVISE, .guards_left = GUARDS_BUDGET};
}

void eddy__stack_pool_deinit(struct eddy__stack_pool *pool) {
    while (pool->mappings) {
        struct eddy__mapping *mapping = pool->mappings;
        pool->mappings = mapping->next;
        for (size_t at = mapping->slot_bytes; at <= mapping->opened_bytes;
             at += mapping->slot_bytes)
            eddy__sanitizer_drop_stack((struct eddy__stack *)(mapping->memory + at) - 1);
        eddy__os_unmap(mapping->memory, mapping->bytes);
        eddy__free(mapping);
    }
    *pool = (struct eddy__stack_pool){0};
}

const char *eddy__stack_pool_guard_name(const struct eddy__stack_pool *pool) {
    static const char *const names[] = {"MADV_GUARD_INSTALL", "mprotect", "canary"};

    return names[pool->guard];
}

unsigned eddy__stack_class(size_t bytes) {
    if (bytes <= STACK_BYTES_MIN)
        return 0;
    if (bytes > STACK_BYTES_MAX)
        return STACK_CLASSES - 1;
    return (unsigned)(__builtin_clzll(STACK_BYTES_MIN - 1) - __builtin_clzll(bytes - 1));
}

/* --- guards ----------------------------------------------------------------------------------- */

/* Functions with locals larger than the guard could step over it: a sixteenth of the stack. */
static uint32_t guard_bytes_of(size_t slot_bytes) {
    return (uint32_t)MIN(MAX(slot_bytes / 16, PAGE_BYTES), 1u << 20);
}

/* All guards of a mapping in one call, where the kernel can; else one call each. */
static bool guards_advise(const struct eddy__mapping *mapping, size_t guard_bytes) {
    struct iovec guards[MAPPING_SLOTS];
    size_t count = mapping->bytes / mapping->slot_bytes, done = 0;

    for (size_t i = 0; i < count; i++)
        guards[i] = (struct iovec){mapping->memory + i * mapping->slot_bytes, guard_bytes};
    if (syscall(SYS_process_madvise, PIDFD_SELF_PROCESS, guards, count, MADV_GUARD_INSTALL, 0) ==
        (long)(count * guard_bytes))
        return true;
    while (done < count && madvise(guards[done].iov_base, guard_bytes, MADV_GUARD_INSTALL) == 0)
        done++;
    return done == count;
}

/* An emulator may take advice that it does not know for good: believed when a system call cannot
 * read there. (A page that can be read is an empty name, and there is no such file.) */
static bool guards_install(const struct eddy__mapping *mapping, size_t guard_bytes) {
    return guards_advise(mapping, guard_bytes) && access(mapping->memory, F_OK) < 0 &&
           errno == EFAULT;
}

static bool guards_protect(struct eddy__stack_pool *pool, const struct eddy__mapping *mapping,
                           size_t guard_bytes) {
    size_t count = mapping->bytes / mapping->slot_bytes;

    if (pool->guards_left < count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (mprotect(mapping->memory + i * mapping->slot_bytes, guard_bytes, PROT_NONE) < 0)
            return false;
    pool->guards_left -= (uint32_t)count;
    return true;
}

/* The best guard that can still be had. */
static enum eddy__guard mapping_guard(struct eddy__stack_pool *pool,
                                      const struct eddy__mapping *mapping, size_t guard_bytes) {
    if (pool->guard == GUARD_MADVISE && !guards_install(mapping, guard_bytes))
        pool->guard = GUARD_MPROTECT;
    if (pool->guard == GUARD_MPROTECT && !guards_protect(pool, mapping, guard_bytes))
        pool->guard = GUARD_CANARY;
    return pool->guard;
}

static uint64_t *canary_of(const struct eddy__stack *stack) {
    return (uint64_t *)eddy__stack_bottom(stack);
}

bool eddy__stack_is_whole(const struct eddy__stack *stack) {
    return !stack->has_canary || *canary_of(stack) == CANARY;
}

/* --- slots ------------------------------------------------------------------------------------ */

/* Makes a slot a stack. Its record lies at the top, in the page that every stack touches. */
static struct eddy__stack *slot_open(struct eddy__mapping *mapping, unsigned size_class) {
    char *slot = mapping->memory + mapping->opened_bytes;
    struct eddy__stack *stack = (struct eddy__stack *)(slot + mapping->slot_bytes) - 1;

    *stack = (struct eddy__stack){
        .slot = slot,
        .slot_bytes = (uint32_t)mapping->slot_bytes,
        .guard_bytes = guard_bytes_of(mapping->slot_bytes), /* a mapping may be guarded in part */
        .size_class = (uint8_t)size_class,
        .has_canary = mapping->has_canary,
    };
    if (mapping->has_canary)
        *canary_of(stack) = CANARY;
    mapping->opened_bytes += mapping->slot_bytes;
    return stack;
}

static struct eddy__mapping *mapping_new(struct eddy__stack_pool *pool, unsigned size_class) {
    size_t slot_bytes = (size_t)STACK_BYTES_MIN << size_class;
    size_t slots = MAX(MIN(MAPPING_BYTES / slot_bytes, MAPPING_SLOTS), 1);
    struct eddy__mapping *mapping = eddy__alloc(sizeof(*mapping));

    if (!mapping)
        return NULL;
    *mapping = (struct eddy__mapping){
        .next = pool->mappings, .bytes = slots * slot_bytes, .slot_bytes = slot_bytes};
    mapping->memory = eddy__os_map(mapping->bytes);
    if (!mapping->memory) {
        eddy__free(mapping);
        return NULL;
    }
    mapping->has_canary = mapping_guard(pool, mapping, guard_bytes_of(slot_bytes)) == GUARD_CANARY;
    pool->mappings = mapping;
    pool->reserved_bytes += mapping->bytes;
    return mapping;
}

/* A stack that was never used. Slots are opened one by one, as opening touches them. */
static struct eddy__stack *stack_fresh(struct eddy__stack_pool *pool, unsigned size_class) {
    struct eddy__mapping **fresh = &pool->fresh[size_class];
    struct eddy__stack *stack;

    if (!*fresh && !(*fresh = mapping_new(pool, size_class)))
        return NULL;
    stack = slot_open(*fresh, size_class);
    if ((*fresh)->opened_bytes == (*fresh)->bytes)
        *fresh = NULL;
    return stack;
}

struct eddy__stack *eddy__stack_take(struct eddy__stack_pool *pool, unsigned size_class) {
    struct eddy__stack *stack = pool->free[size_class];

    assert(size_class < STACK_CLASSES);
    if (likely(stack)) {
        pool->free[size_class] = stack->next;
        pool->free_count--;
    } else {
        stack = stack_fresh(pool, size_class);
        if (!stack)
            return NULL;
        /* Sixteen stacks in a row have sixteen colours; seven is prime to it and spreads
         * neighbours. */
        stack->colour_bytes = (uint16_t)(pool->in_use * 7 % COLOURS * CACHE_LINE_BYTES);
    }
    pool->in_use++;
    return stack;
}

void eddy__stack_give(struct eddy__stack_pool *pool, struct eddy__stack *stack) {
    stack->next = pool->free[stack->size_class];
    pool->free[stack->size_class] = stack;
    pool->free_count++;
    pool->in_use--;
}
