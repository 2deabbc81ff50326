/* SPDX-License-Identifier: MIT
 * calls.c - blocks of calls, and the magazines that threads take them from; see calls.h.
 *
 *   FREE -a magazine takes it-> BEING FILLED -its last call is taken-> WAITING -all are done-> FREE
 *
 * A magazine is the block that a thread is filling. There is a fixed number of them, shared by
 * those whose turn it is: so a thread that ends leaves nothing behind. One that is in use just now
 * (by the thread that a signal handler interrupts, by another thread of the same number) is passed
 * over. */
#include "calls.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "util.h"

#define BLOCK_BYTES 2048u /* which is also their alignment */
#define BLOCK_CALLS ((BLOCK_BYTES - LINE_BYTES) / sizeof(struct eddy__call))
#define LINE_BYTES  64u
#define MAGAZINES   32u
#define FIRST_CHUNK 8u  /* chunk k has 8 << k blocks */
#define CHUNKS      17u /* 65 million calls in all */
#define CALLS_AHEAD                                                               \
    8u /* of the one that is taken: its line comes while the next ones are filled \
        */

struct eddy__call_block {
    union {
        struct {
            atomic_uint done;      /* calls of it that are gone */
            atomic_uint next_free; /* index + 1 */
            uint32_t index;
        };
        char line[LINE_BYTES]; /* the loop's; the calls are on others */
    };
    struct eddy__call calls[BLOCK_CALLS];
};

_Static_assert(sizeof(struct eddy__call_block) <= BLOCK_BYTES, "a block finds itself by its mask");

/* --- blocks -----------------------------------------------------------------------------------
 *
 * The free ones are a stack of indices, with a tag against the ABA problem, that grows by mmap, a
 * bare system call. */

static _Atomic(char *) chunks[CHUNKS];
static _Atomic uint64_t free_blocks; /* tag << 32 | index + 1 */

static struct eddy__call_block *block_in(char *chunk, uint32_t position) {
    return (struct eddy__call_block *)(chunk + (size_t)position * BLOCK_BYTES);
}

static struct eddy__call_block *block_at(uint32_t index) {
    uint32_t position = index / FIRST_CHUNK + 1;
    uint32_t chunk = 31u - (uint32_t)__builtin_clz(position);
    uint32_t first = FIRST_CHUNK * ((1u << chunk) - 1);

    return block_in(atomic_load(&chunks[chunk]), index - first);
}

static struct eddy__call_block *block_of(const struct eddy__call *call) {
    return (struct eddy__call_block *)((uintptr_t)call & ~(uintptr_t)(BLOCK_BYTES - 1));
}

/* A chain of them, from the first to the last. */
static void blocks_give(struct eddy__call_block *first, struct eddy__call_block *last) {
    uint64_t head = atomic_load_explicit(&free_blocks, memory_order_relaxed), replacement;

    do {
        atomic_store_explicit(&last->next_free, (uint32_t)head, memory_order_relaxed);
        replacement = ((head >> 32) + 1) << 32 | (first->index + 1);
    } while (!atomic_compare_exchange_weak(&free_blocks, &head, replacement));
}

static void chunk_give(char *chunk, uint32_t first, uint32_t count) {
    for (uint32_t i = 0; i + 1 < count; i++)
        atomic_store_explicit(&block_in(chunk, i)->next_free, first + i + 2, memory_order_relaxed);
    blocks_give(block_in(chunk, 0), block_in(chunk, count - 1));
}

/* Adds the next chunk to the free blocks, unless another thread just has. False: no memory. */
static bool blocks_grow(void) {
    for (uint32_t k = 0; k < CHUNKS; k++) {
        uint32_t count = FIRST_CHUNK << k, first = FIRST_CHUNK * ((1u << k) - 1);
        char *chunk, *none = NULL;

        if (atomic_load(&chunks[k]))
            continue;
        chunk = mmap(NULL, (size_t)count * BLOCK_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (chunk == MAP_FAILED)
            return false;
        for (uint32_t i = 0; i < count; i++)
            block_in(chunk, i)->index = first + i;
        if (atomic_compare_exchange_strong(&chunks[k], &none, chunk))
            chunk_give(chunk, first, count);
        else
            munmap(chunk, (size_t)count * BLOCK_BYTES);
        return true;
    }
    return false;
}

static struct eddy__call_block *block_take(void) {
    for (;;) {
        uint64_t head = atomic_load(&free_blocks), replacement;
        struct eddy__call_block *block;

        while ((uint32_t)head) {
            block = block_at((uint32_t)head - 1);
            replacement = ((head >> 32) + 1) << 32 |
                          atomic_load_explicit(&block->next_free, memory_order_relaxed);
            if (atomic_compare_exchange_weak(&free_blocks, &head, replacement))
                return block;
        }
        if (!blocks_grow())
            return NULL;
    }
}

/* --- taking ----------------------------------------------------------------------------------- */

static struct magazine {
    atomic_bool is_in_use;
    unsigned taken; /* of its block */
    struct eddy__call_block *block;
} __attribute__((aligned(LINE_BYTES))) magazines[MAGAZINES];

static atomic_uint threads;
static THREAD_LOCAL unsigned thread_number; /* + 1 */

/* The thread's own, or another if that one is in use. NULL: all are. */
static struct magazine *magazine_acquire(void) {
    if (unlikely(!thread_number))
        thread_number = atomic_fetch_add(&threads, 1) % MAGAZINES + 1;
    for (unsigned i = 0; i < MAGAZINES; i++) {
        struct magazine *magazine = &magazines[(thread_number - 1 + i) % MAGAZINES];
        if (likely(!atomic_exchange_explicit(&magazine->is_in_use, true, memory_order_acquire)))
            return magazine;
    }
    return NULL;
}

static struct eddy__call *magazine_take(struct magazine *magazine) {
    struct eddy__call *call;

    if (!magazine->block && !(magazine->block = block_take()))
        return NULL;
    call = &magazine->block->calls[magazine->taken++];
    __builtin_prefetch(call + CALLS_AHEAD, 1);
    if (magazine->taken == BLOCK_CALLS) {
        magazine->block = NULL;
        magazine->taken = 0;
    }
    return call;
}

static void block_done(struct eddy__call_block *block, unsigned count) {
    if (atomic_fetch_add_explicit(&block->done, count, memory_order_acq_rel) + count < BLOCK_CALLS)
        return;
    atomic_store_explicit(&block->done, 0, memory_order_relaxed);
    blocks_give(block, block);
}

/* A block for one call. */
static struct eddy__call *call_take_alone(void) {
    struct eddy__call_block *block = block_take();

    if (!block)
        return NULL;
    block_done(block, BLOCK_CALLS - 1);
    return &block->calls[0];
}

struct eddy__call *eddy__call_take(void) {
    struct magazine *magazine = magazine_acquire();
    struct eddy__call *call;

    if (unlikely(!magazine))
        return call_take_alone();
    call = magazine_take(magazine);
    atomic_store_explicit(&magazine->is_in_use, false, memory_order_release);
    return call;
}

/* --- giving back ------------------------------------------------------------------------------ */

void eddy__calls_done_flush(struct eddy__calls_done *done) {
    if (done->block)
        block_done(done->block, done->count);
    *done = (struct eddy__calls_done){0};
}

void eddy__calls_done_add(struct eddy__calls_done *done, const struct eddy__call *call) {
    struct eddy__call_block *block = block_of(call);

    if (block != done->block) {
        eddy__calls_done_flush(done);
        done->block = block;
    }
    done->count++;
}

void eddy__call_give(struct eddy__call *call) {
    block_done(block_of(call), 1);
}
