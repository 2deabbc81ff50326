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
#include <time.h>
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
#define PAGE_BYTES       STACK_PAGE_BYTES
#define CACHE_LINE_BYTES 64
#define TRIM_STEP        256 /* stacks closed in one go: some 0.2 ms */
#define COLOURS                                                                       \
    16 /* tops are up to 15 cache lines apart: within the page that is touched anyway \
        */
#define CANARY 0x5ca1ab1edeadbeefULL

struct eddy__mapping {
    struct chain_node node;  /* in the pool's mappings */
    struct chain_node fresh; /* in its shelf, while it has closed slots */
    struct chain_node trim;  /* while slots of it are being closed */
    char *memory;
    size_t bytes, slot_bytes;
    uint64_t slots;   /* a bit for each */
    uint64_t closed;  /* of those that are no stacks: never used, or given back */
    uint64_t closing; /* of those whose pages are about to go */
    uint32_t guards;  /* that were taken out of the pool's budget */
    bool has_canary;
};

void eddy__stack_pool_init(struct eddy__stack_pool *pool) {
    *pool = (struct eddy__stack_pool){.guard = GUARD_MADVISE, .guards_left = GUARDS_BUDGET};
}

static struct eddy__stack *slot_stack(const struct eddy__mapping *mapping, size_t index) {
    return (struct eddy__stack *)(mapping->memory + (index + 1) * mapping->slot_bytes) - 1;
}

static void mapping_free(struct eddy__stack_pool *pool, struct eddy__mapping *mapping) {
    chain_remove(&mapping->node);
    chain_remove(&mapping->fresh);
    pool->reserved_bytes -= mapping->bytes;
    pool->guards_left += mapping->guards;
    eddy__os_unmap(mapping->memory, mapping->bytes);
    eddy__free(mapping);
}

void eddy__stack_pool_deinit(struct eddy__stack_pool *pool) {
    while (pool->mappings) {
        struct eddy__mapping *mapping = container_of(pool->mappings, struct eddy__mapping, node);
        for (uint64_t open = mapping->slots & ~mapping->closed; open; open &= open - 1)
            eddy__sanitizer_drop_stack(slot_stack(mapping, (size_t)__builtin_ctzll(open)));
        mapping_free(pool, mapping);
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
 * read there. (A page that can be read is a sleep of no time. Not a call that takes a text:
 * Valgrind reads those itself, and does not survive it.) */
static bool guards_install(const struct eddy__mapping *mapping, size_t guard_bytes) {
    return guards_advise(mapping, guard_bytes) &&
           nanosleep((const struct timespec *)mapping->memory, NULL) < 0 && errno == EFAULT;
}

static bool guards_protect(struct eddy__stack_pool *pool, struct eddy__mapping *mapping,
                           size_t guard_bytes) {
    size_t count = mapping->bytes / mapping->slot_bytes;

    if (pool->guards_left < count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (mprotect(mapping->memory + i * mapping->slot_bytes, guard_bytes, PROT_NONE) < 0)
            return false;
    pool->guards_left -= (uint32_t)count;
    mapping->guards = (uint32_t)count;
    return true;
}

/* The best guard that can still be had. */
static enum eddy__guard mapping_guard(struct eddy__stack_pool *pool, struct eddy__mapping *mapping,
                                      size_t guard_bytes) {
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

/* Makes a closed slot a stack. Its record lies at the top, in the page that every stack touches. */
static struct eddy__stack *slot_open(struct eddy__mapping *mapping, unsigned size_class) {
    size_t index = (size_t)__builtin_ctzll(mapping->closed);
    struct eddy__stack *stack = slot_stack(mapping, index);

    *stack = (struct eddy__stack){
        .mapping = mapping,
        .slot = mapping->memory + index * mapping->slot_bytes,
        .slot_bytes = (uint32_t)mapping->slot_bytes,
        .guard_bytes = guard_bytes_of(mapping->slot_bytes), /* a mapping may be guarded in part */
        .size_class = (uint8_t)size_class,
        .has_canary = mapping->has_canary,
    };
    if (mapping->has_canary)
        *canary_of(stack) = CANARY;
    mapping->closed &= mapping->closed - 1;
    return stack;
}

static struct eddy__mapping *mapping_new(struct eddy__stack_pool *pool, unsigned size_class) {
    size_t slot_bytes = (size_t)STACK_BYTES_MIN << size_class;
    size_t slots = MAX(MIN(MAPPING_BYTES / slot_bytes, MAPPING_SLOTS), 1);
    struct eddy__mapping *mapping = eddy__alloc(sizeof(*mapping));

    if (!mapping)
        return NULL;
    *mapping = (struct eddy__mapping){
        .bytes = slots * slot_bytes, .slot_bytes = slot_bytes, .slots = ~0ULL >> (64 - slots)};
    mapping->closed = mapping->slots;
    mapping->memory = eddy__os_map(mapping->bytes);
    if (!mapping->memory) {
        eddy__free(mapping);
        return NULL;
    }
    mapping->has_canary = mapping_guard(pool, mapping, guard_bytes_of(slot_bytes)) == GUARD_CANARY;
    chain_push(&pool->mappings, &mapping->node);
    chain_push(&pool->shelves[size_class].fresh, &mapping->fresh);
    pool->reserved_bytes += mapping->bytes;
    return mapping;
}

/* Slots are opened one by one, as opening touches them. */
struct eddy__stack *eddy__stack_open(struct eddy__stack_pool *pool, unsigned size_class) {
    struct eddy__stack_shelf *shelf = &pool->shelves[size_class];
    struct eddy__mapping *mapping;
    struct eddy__stack *stack;

    if (!shelf->fresh && !mapping_new(pool, size_class))
        return NULL;
    mapping = container_of(shelf->fresh, struct eddy__mapping, fresh);
    stack = slot_open(mapping, size_class);
    if (!mapping->closed)
        chain_remove(&mapping->fresh);
    /* Sixteen stacks in a row have sixteen colours; seven is prime to it and spreads neighbours. */
    stack->colour_bytes = (uint16_t)(pool->in_use * 7 % COLOURS * CACHE_LINE_BYTES);
    pool->in_use++;
    return stack;
}

/* --- giving back ------------------------------------------------------------------------------ */

static size_t surplus(size_t count) {
    return count > STACKS_KEPT ? count - STACKS_KEPT : 0;
}

bool eddy__stack_pool_has_surplus(const struct eddy__stack_pool *pool) {
    if (likely(pool->free_count <= STACKS_KEPT))
        return false;
    for (size_t i = 0; i < STACK_CLASSES; i++)
        if (surplus(pool->shelves[i].count))
            return true;
    return false;
}

void eddy__stack_pool_age(struct eddy__stack_pool *pool, unsigned periods) {
    for (size_t i = 0; i < STACK_CLASSES; i++) {
        struct eddy__stack_shelf *shelf = &pool->shelves[i];
        size_t idle = surplus(shelf->least);
        shelf->due = idle - (idle >> MIN(periods, 63));
        shelf->least = shelf->count;
    }
}

/* What is closed in one go, so that the kernel is asked once. */
struct trim {
    struct chain_node *mappings; /* with closing slots */
    struct iovec pages[TRIM_STEP];
    size_t count; /* of pages */
    size_t left;  /* how many more stacks this step may close */
};

/* The record goes with the pages. */
static void stack_close(struct trim *trim, struct eddy__stack_shelf *shelf,
                        struct eddy__stack *stack) {
    struct eddy__mapping *mapping = stack->mapping;

    eddy__sanitizer_drop_stack(stack);
    if (!mapping->closing)
        chain_push(&trim->mappings, &mapping->trim);
    if (!mapping->closed)
        chain_push(&shelf->fresh, &mapping->fresh);
    mapping->closing |= 1ULL << (size_t)(stack->slot - mapping->memory) / mapping->slot_bytes;
    mapping->closed |= mapping->closing;
}

/* Not those on top: they are the warmest, and taken next. */
static void shelf_trim(struct eddy__stack_pool *pool, struct eddy__stack_shelf *shelf,
                       struct trim *trim) {
    size_t count = MIN(MIN(shelf->due, surplus(shelf->count)), trim->left);
    struct eddy__stack *last = shelf->free;

    if (count == 0) {
        shelf->due = 0;
        return;
    }
    for (int i = 1; i < STACKS_KEPT; i++)
        last = last->next;
    for (size_t i = 0; i < count; i++) {
        struct eddy__stack *stack = last->next;
        last->next = stack->next;
        stack_close(trim, shelf, stack);
    }
    shelf->due -= count;
    shelf->count -= count;
    shelf->least = MIN(shelf->least, shelf->count);
    trim->left -= count;
    pool->free_count -= count;
    pool->closed_count += count;
}

/* The pages of the slots that are closing. Guards stay: they are the page tables'. */
static void mapping_trim(struct trim *trim, struct eddy__mapping *mapping) {
    size_t guard_bytes = guard_bytes_of(mapping->slot_bytes);

    for (; mapping->closing; mapping->closing &= mapping->closing - 1) {
        char *slot =
            mapping->memory + (size_t)__builtin_ctzll(mapping->closing) * mapping->slot_bytes;
        trim->pages[trim->count++] =
            (struct iovec){slot + guard_bytes, mapping->slot_bytes - guard_bytes};
    }
}

/* In one call where the kernel can. Memory that is locked stays, which does no harm. */
static void pages_drop(struct eddy__stack_pool *pool, const struct iovec *pages, size_t count) {
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += pages[i].iov_len;
    pool->trim_calls += count > 0;
    if (count == 0 || syscall(SYS_process_madvise, PIDFD_SELF_PROCESS, pages, count, MADV_DONTNEED,
                              0) == (long)bytes)
        return;
    for (size_t i = 0; i < count; i++)
        madvise(pages[i].iov_base, pages[i].iov_len, MADV_DONTNEED);
    pool->trim_calls += count;
}

bool eddy__stack_pool_trim(struct eddy__stack_pool *pool) {
    struct trim trim = {.left = TRIM_STEP};

    for (size_t i = 0; i < STACK_CLASSES; i++)
        if (pool->shelves[i].due && trim.left)
            shelf_trim(pool, &pool->shelves[i], &trim);
    while (trim.mappings) {
        struct eddy__mapping *mapping = container_of(trim.mappings, struct eddy__mapping, trim);
        chain_remove(&mapping->trim);
        if (mapping->closed != mapping->slots) {
            mapping_trim(&trim, mapping);
            continue;
        }
        mapping_free(pool, mapping);
        pool->trim_calls++;
    }
    pages_drop(pool, trim.pages, trim.count);
    return trim.left == 0;
}
