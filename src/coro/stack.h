/* SPDX-License-Identifier: MIT
 * stack.h - coroutine stacks: slots of large mappings, with a guard below each.
 *
 *   one slot:   [ guard | ............ grows down ............ | colour | struct eddy__stack ]
 *
 * Memory is reserved, not used: a stack costs the pages that were touched. A stack given back is
 * the next one taken, while it is warm. Tops are shifted by a colour, so that the hot ends of many
 * stacks do not meet in the same cache sets.
 *
 * What a peak has left goes back to the system. The pool knows how many stacks were free all
 * through a period: nobody has needed those. At its end half of them are due, and are closed, a few
 * at a time: their pages go, their slots are as new. A mapping whose slots are all closed goes. */
#ifndef EDDY__STACK_H
#define EDDY__STACK_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list.h"
#include "util.h"

#define STACK_BYTES_DEFAULT (256u << 10)
#define STACK_BYTES_MIN \
    (32u << 10) /* getaddrinfo() and printf() of the C library fit, with a guard */
#define STACK_BYTES_MAX  (1u << 30)
#define STACK_PAGE_BYTES 4096 /* touched at the top by every stack */
#define STACK_CLASSES    16   /* the powers of two from 32 KiB to 1 GiB */

struct eddy__stack {
    struct eddy__stack *next; /* while it is free */
    struct eddy__mapping *mapping;
    char *slot; /* the lowest address, of the guard */
    uint32_t slot_bytes;
    uint32_t guard_bytes;
    uint16_t colour_bytes;
    uint8_t size_class;
    bool has_canary; /* no guard could be had: a painted word stands in */
    void *fiber;     /* a sanitizer's */
};

enum eddy__guard { GUARD_MADVISE, GUARD_MPROTECT, GUARD_CANARY };

/* The free stacks of one size. */
struct eddy__stack_shelf {
    struct eddy__stack *free;
    struct chain_node *fresh; /* the mappings with closed slots */
    size_t count;             /* of free */
    size_t least;             /* the smallest count since the period began */
    size_t due;               /* to be closed */
};

struct eddy__stack_pool {
    struct eddy__stack_shelf shelves[STACK_CLASSES];
    struct chain_node *mappings;
    size_t reserved_bytes;
    size_t in_use, free_count; /* free_count: those that were used before */
    size_t closed_count;       /* how many were ever given back to the system */
    size_t trim_calls;         /* system calls that this took */
    enum eddy__guard guard;    /* the best that the kernel has given so far */
    uint32_t guards_left;      /* of the mprotect kind: each costs two map areas */
};

void eddy__stack_pool_init(struct eddy__stack_pool *pool);
void eddy__stack_pool_deinit(struct eddy__stack_pool *pool);
const char *eddy__stack_pool_guard_name(const struct eddy__stack_pool *pool);

/* The class of the smallest stack that has `bytes`. */
unsigned eddy__stack_class(size_t bytes);

/* One that was not used before, or was given back to the system. */
struct eddy__stack *eddy__stack_open(struct eddy__stack_pool *pool, unsigned size_class);

/* A stack of a class, or NULL: no address space. */
static inline struct eddy__stack *eddy__stack_take(struct eddy__stack_pool *pool,
                                                   unsigned size_class) {
    struct eddy__stack_shelf *shelf = &pool->shelves[size_class];
    struct eddy__stack *stack = shelf->free;

    assert(size_class < STACK_CLASSES);
    if (unlikely(!stack))
        return eddy__stack_open(pool, size_class);
    shelf->free = stack->next;
    shelf->count--;
    shelf->least = MIN(shelf->least, shelf->count);
    pool->free_count--;
    pool->in_use++;
    return stack;
}

static inline void eddy__stack_give(struct eddy__stack_pool *pool, struct eddy__stack *stack) {
    struct eddy__stack_shelf *shelf = &pool->shelves[stack->size_class];

    stack->next = shelf->free;
    shelf->free = stack;
    shelf->count++;
    pool->free_count++;
    pool->in_use--;
}

/* So many free stacks of each size stay for ever. */
#define STACKS_KEPT 16

/* More are free than stay for ever: time will make them due. */
bool eddy__stack_pool_has_surplus(const struct eddy__stack_pool *pool);

/* So many periods have passed: of the stacks that were free all the time, half are due for each. */
void eddy__stack_pool_age(struct eddy__stack_pool *pool, unsigned periods);

/* Closes a few that are due. True: there are more. */
bool eddy__stack_pool_trim(struct eddy__stack_pool *pool);

/* False: the canary of a stack without a guard was overwritten. */
bool eddy__stack_is_whole(const struct eddy__stack *stack);

static inline void *eddy__stack_bottom(const struct eddy__stack *stack) {
    return stack->slot + stack->guard_bytes;
}

static inline void *eddy__stack_top(const struct eddy__stack *stack) {
    return (char *)stack - stack->colour_bytes;
}

#endif
