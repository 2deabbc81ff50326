/* SPDX-License-Identifier: MIT
 * handle.c - eddy_call_soon, eddy_call_later, eddy_call_at, and cancelling them by token. */
#include "handle.h"

#include <errno.h>
#include <pthread.h>

#include "loop.h"

#define SLOT_BITS       24
#define GENERATION_BITS 28
#define GENERATION_MAX  ((1u << GENERATION_BITS) - 1)

/* A cache line. A callback is at one time a timer in the wheel, a runnable in the ready queue or a
 * free record of the slab: these three share its first words. */
struct handle_record {
    union {
        const struct eddy__runnable_class *class; /* &record_class: it is ready */
        struct eddy__timer timer;
    };
    eddy_callback *fn; /* NULL: cancelled, or free */
    void *arg;
    uint32_t index, generation;
};

static_assert(sizeof(struct handle_record) == 64, "a cache line");

/* --- which loop an id stands for -------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    _Atomic(eddy_loop *) loops[HANDLE_LOOPS_MAX];
    uint32_t generations[HANDLE_LOOPS_MAX]; /* the last that a loop of the id gave out */
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

int eddy__handles_open(eddy_loop *loop, struct eddy__handles *handles) {
    int r = -EMFILE;

    eddy__slab_init(&handles->slab, sizeof(struct handle_record));
    pthread_mutex_lock(&registry.lock);
    for (uint32_t id = 0; id < HANDLE_LOOPS_MAX; id++) {
        if (atomic_load(&registry.loops[id]))
            continue;
        atomic_store(&registry.loops[id], loop);
        handles->loop_id = id;
        handles->generation = registry.generations[id];
        r = 0;
        break;
    }
    pthread_mutex_unlock(&registry.lock);
    return r;
}

void eddy__handles_close(struct eddy__handles *handles) {
    eddy__slab_deinit(&handles->slab);

    pthread_mutex_lock(&registry.lock);
    registry.generations[handles->loop_id] = handles->generation;
    atomic_store(&registry.loops[handles->loop_id], NULL);
    pthread_mutex_unlock(&registry.lock);
}

/* --- records ---------------------------------------------------------------------------------- */

/* Callbacks are fired and run by a running loop only: theirs. */
static void record_give(eddy_loop *loop, struct handle_record *record) {
    record->fn = NULL;
    eddy__ring_unreserve(&loop->ready);
    eddy__slab_give(&loop->handles.slab, record);
}

static void record_run(void *runnable) {
    struct handle_record *record = runnable;
    eddy_callback *fn = record->fn;
    void *arg = record->arg;

    record_give(eddy__thread.running, record);
    if (fn)
        fn(arg);
}

static void record_describe(const void *runnable, struct eddy__step *step) {
    const struct handle_record *record = runnable;

    step->function = (uintptr_t)record->fn;
}

static const struct eddy__runnable_class record_class = {.run = record_run,
                                                         .describe = record_describe};

static void record_ready(eddy_loop *loop, struct handle_record *record) {
    record->class = &record_class;
    eddy__loop_ready(loop, record);
}

static void record_due(struct eddy__timer *timer) {
    record_ready(eddy__thread.running, container_of(timer, struct handle_record, timer));
}

/* The index of a record that the slab gave for the first time is found by searching its newest
 * chunk. */
static uint32_t record_index(const struct eddy__slab *slab, const struct handle_record *record) {
    for (uint32_t chunk = slab->chunks_count; chunk-- > 0;) {
        const char *first = slab->chunks[chunk];
        size_t offset = (size_t)((const char *)record - first);
        if ((const char *)record >= first && offset < slab->chunk_records * slab->record_bytes)
            return chunk * slab->chunk_records + (uint32_t)(offset / slab->record_bytes);
    }
    __builtin_unreachable();
}

/* What a record keeps for its life. False: 16 million callbacks wait, and no token is left. */
static bool record_init(struct eddy__handles *handles, struct handle_record *record) {
    record->index = record_index(&handles->slab, record);
    record->timer.fire = record_due;
    return record->index >> SLOT_BITS == 0;
}

static struct handle_record *record_take(eddy_loop *loop, eddy_callback *fn, void *arg) {
    struct eddy__handles *handles = &loop->handles;
    struct handle_record *record;

    if (eddy__ring_reserve(&loop->ready) < 0)
        return NULL;
    record = eddy__slab_take(&handles->slab);
    if (record && unlikely(!record->timer.fire) && !record_init(handles, record)) {
        record->timer.fire = NULL;
        eddy__slab_give(&handles->slab, record);
        record = NULL;
    }
    if (!record) {
        eddy__ring_unreserve(&loop->ready);
        return NULL;
    }
    record->fn = fn;
    record->arg = arg;
    if (++handles->generation > GENERATION_MAX)
        handles->generation = 1; /* never 0: no token is */
    record->generation = handles->generation;
    return record;
}

static eddy_handle token_of(const eddy_loop *loop, const struct handle_record *record) {
    return (eddy_handle){(uint64_t)loop->handles.loop_id << (SLOT_BITS + GENERATION_BITS) |
                         (uint64_t)record->generation << SLOT_BITS | record->index};
}

/* NULL for a token whose callback has run, was cancelled, or belongs to another thread. */
static struct handle_record *record_of(eddy_loop *loop, eddy_handle handle) {
    uint32_t index = handle.token & ((1u << SLOT_BITS) - 1);
    uint32_t generation = (uint32_t)(handle.token >> SLOT_BITS) & GENERATION_MAX;
    struct handle_record *record;

    if (!loop || loop->thread != &eddy__thread || index >= eddy__slab_capacity(&loop->handles.slab))
        return NULL;
    record = eddy__slab_at(&loop->handles.slab, index);
    return record->fn && record->generation == generation ? record : NULL;
}

/* --- the calls -------------------------------------------------------------------------------- */

/* The loop that a callback is for, NULL if it is not this thread's to use. */
static eddy_loop *loop_to_call(eddy_loop *loop) {
    loop = eddy__loop_or_default(loop);
    return loop && eddy__loop_check(loop) == 0 ? loop : NULL;
}

static struct handle_record *schedule(eddy_loop *loop, eddy_callback *fn, void *arg) {
    struct handle_record *record = record_take(loop, fn, arg);

    if (!record)
        eddy__fail(-ENOMEM);
    return record;
}

static eddy_handle call_at_ns(eddy_loop *loop, int64_t deadline_ns, eddy_callback *fn, void *arg) {
    struct handle_record *record = schedule(loop, fn, arg);

    if (!record)
        return (eddy_handle){0};
    eddy__timer_arm(loop, &record->timer, deadline_ns);
    return token_of(loop, record);
}

eddy_handle eddy_call_soon(eddy_loop *loop, eddy_callback *fn, void *arg) {
    struct handle_record *record;

    loop = loop_to_call(loop);
    record = loop ? schedule(loop, fn, arg) : NULL;
    if (!record)
        return (eddy_handle){0};
    record_ready(loop, record);
    return token_of(loop, record);
}

eddy_handle eddy_call_later(eddy_loop *loop, double seconds, eddy_callback *fn, void *arg) {
    loop = loop_to_call(loop);
    if (!loop)
        return (eddy_handle){0};
    return call_at_ns(loop, ns_add(eddy__loop_now(loop), ns_from_seconds(seconds)), fn, arg);
}

eddy_handle eddy_call_at(eddy_loop *loop, double when, eddy_callback *fn, void *arg) {
    loop = loop_to_call(loop);
    return loop ? call_at_ns(loop, ns_from_seconds(when), fn, arg) : (eddy_handle){0};
}

void eddy_handle_cancel(eddy_handle handle) {
    uint64_t id = handle.token >> (SLOT_BITS + GENERATION_BITS);
    eddy_loop *loop = atomic_load_explicit(&registry.loops[id], memory_order_acquire);
    struct handle_record *record = record_of(loop, handle);

    if (!record)
        return;
    if (record->class == &record_class) {
        record->fn = NULL; /* it stands in the ready queue, and is skipped there */
        return;
    }
    eddy__timer_disarm(loop, &record->timer);
    record_give(loop, record);
}
