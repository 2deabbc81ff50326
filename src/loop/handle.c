/* SPDX-License-Identifier: MIT
 * handle.c - eddy_call_soon, eddy_call_later, eddy_call_at, and cancelling them by token. */
#include "handle.h"

#include <errno.h>
#include <pthread.h>

#include "loop.h"

#define SLOT_BITS       24
#define GENERATION_BITS 28
#define GENERATION_MASK ((1u << GENERATION_BITS) - 1)

enum handle_state { HANDLE_FREE, HANDLE_TIMED, HANDLE_READY, HANDLE_CANCELLED };

struct handle_record {
    const struct eddy__runnable_class *class; /* the slab's link while free */
    eddy_loop *loop;
    eddy_callback *fn;
    void *arg;
    struct eddy__timer timer;
    uint32_t index, generation;
    uint8_t state; /* enum handle_state; survives in the slab */
};

/* --- which loop an id stands for -------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    _Atomic(eddy_loop *) loops[HANDLE_LOOPS_MAX];
    uint32_t generations[HANDLE_LOOPS_MAX]; /* where the next loop of the id begins */
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
        handles->first_generation = handles->last_generation = registry.generations[id];
        r = 0;
        break;
    }
    pthread_mutex_unlock(&registry.lock);
    return r;
}

void eddy__handles_close(struct eddy__handles *handles) {
    eddy__slab_deinit(&handles->slab);

    pthread_mutex_lock(&registry.lock);
    registry.generations[handles->loop_id] = handles->last_generation + 1;
    atomic_store(&registry.loops[handles->loop_id], NULL);
    pthread_mutex_unlock(&registry.lock);
}

/* --- records ---------------------------------------------------------------------------------- */

static void record_give(struct handle_record *record) {
    record->state = HANDLE_FREE;
    eddy__ring_unreserve(&record->loop->ready);
    eddy__slab_give(&record->loop->handles.slab, record);
}

static void record_run(void *runnable) {
    struct handle_record *record = runnable;
    eddy_callback *fn = record->state == HANDLE_READY ? record->fn : NULL;
    void *arg = record->arg;

    record_give(record);
    if (fn)
        fn(arg);
}

static const struct eddy__runnable_class record_class = {.run = record_run};

static void record_due(struct eddy__timer *timer) {
    struct handle_record *record = container_of(timer, struct handle_record, timer);

    record->state = HANDLE_READY;
    eddy__loop_ready(record->loop, record);
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

static struct handle_record *record_take(eddy_loop *loop, eddy_callback *fn, void *arg) {
    struct eddy__handles *handles = &loop->handles;
    struct handle_record *record;

    if (eddy__ring_reserve(&loop->ready) < 0)
        return NULL;
    record = eddy__slab_take(&handles->slab);
    if (record && !record->loop) {
        record->index = record_index(&handles->slab, record);
        record->generation = handles->first_generation;
        if (record->index >> SLOT_BITS) { /* 16 million callbacks wait: no token is left */
            eddy__slab_give(&handles->slab, record);
            record = NULL;
        }
    }
    if (!record) {
        eddy__ring_unreserve(&loop->ready);
        return NULL;
    }
    record->class = &record_class;
    record->loop = loop;
    record->fn = fn;
    record->arg = arg;
    record->timer = (struct eddy__timer){.fire = record_due};
    if (++record->generation > handles->last_generation)
        handles->last_generation = record->generation;
    return record;
}

static eddy_handle token_of(const struct handle_record *record) {
    uint64_t generation = record->generation & GENERATION_MASK;

    return (eddy_handle){(uint64_t)record->loop->handles.loop_id << (SLOT_BITS + GENERATION_BITS) |
                         generation << SLOT_BITS | record->index};
}

/* NULL for a token whose callback has run, was cancelled, or belongs to another thread. */
static struct handle_record *record_of(eddy_handle handle) {
    uint32_t index = handle.token & ((1u << SLOT_BITS) - 1);
    uint32_t generation = (uint32_t)(handle.token >> SLOT_BITS) & GENERATION_MASK;
    eddy_loop *loop = atomic_load(&registry.loops[handle.token >> (SLOT_BITS + GENERATION_BITS)]);
    struct handle_record *record;

    if (!handle.token || !loop || loop->thread != &eddy__thread ||
        index >= eddy__slab_capacity(&loop->handles.slab))
        return NULL;
    record = eddy__slab_at(&loop->handles.slab, index);
    if (record->state == HANDLE_FREE || (record->generation & GENERATION_MASK) != generation)
        return NULL;
    return record;
}

/* --- the calls -------------------------------------------------------------------------------- */

static struct handle_record *schedule(eddy_loop *loop, eddy_callback *fn, void *arg) {
    struct handle_record *record;

    loop = eddy__loop_or_default(loop);
    if (!loop || eddy__loop_check(loop) < 0)
        return NULL;
    record = record_take(loop, fn, arg);
    if (!record)
        eddy__fail(-ENOMEM);
    return record;
}

eddy_handle eddy_call_soon(eddy_loop *loop, eddy_callback *fn, void *arg) {
    struct handle_record *record = schedule(loop, fn, arg);

    if (!record)
        return (eddy_handle){0};
    record_due(&record->timer);
    return token_of(record);
}

static eddy_handle call_at_ns(struct handle_record *record, int64_t deadline_ns) {
    record->state = HANDLE_TIMED;
    eddy__timer_arm(record->loop, &record->timer, deadline_ns);
    return token_of(record);
}

eddy_handle eddy_call_later(eddy_loop *loop, double seconds, eddy_callback *fn, void *arg) {
    struct handle_record *record = schedule(loop, fn, arg);

    if (!record)
        return (eddy_handle){0};
    return call_at_ns(record, ns_add(eddy__loop_now(record->loop), ns_from_seconds(seconds)));
}

eddy_handle eddy_call_at(eddy_loop *loop, double when, eddy_callback *fn, void *arg) {
    struct handle_record *record = schedule(loop, fn, arg);

    if (!record)
        return (eddy_handle){0};
    return call_at_ns(record, ns_from_seconds(when));
}

void eddy_handle_cancel(eddy_handle handle) {
    struct handle_record *record = record_of(handle);

    if (!record)
        return;
    if (record->state == HANDLE_TIMED) {
        eddy__timer_disarm(record->loop, &record->timer);
        record_give(record);
    } else {
        record->state = HANDLE_CANCELLED; /* it stands in the ready queue, and is skipped there */
    }
}
