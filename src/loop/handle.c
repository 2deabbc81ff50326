/* SPDX-License-Identifier: MIT
 * handle.c - eddy_call_soon, eddy_call_later, eddy_call_at, and cancelling them by token. */
#include "handle.h"

#include <errno.h>
#include <pthread.h>

#include "loop.h"
#include "records.h"

#define SLOT_BITS       24
#define SLOT_MAX        ((1u << SLOT_BITS) - 1)
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
    uint64_t token; /* the last that it had; its slot is the record's for life */
};

static_assert(sizeof(struct handle_record) == 64, "a cache line");

/* --- which loop an id stands for -------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    _Atomic(eddy_loop *) loops[HANDLE_LOOPS_MAX];
    uint32_t generations[HANDLE_LOOPS_MAX]; /* the last that a loop of the id gave out */
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void record_due(struct eddy__timer *timer);

int eddy__handles_open(eddy_loop *loop, struct eddy__handles *handles) {
    int r = -EMFILE;

    handles->fire = loop->options.debug ? NULL : record_due;
    eddy__slab_init(&handles->slab, sizeof(struct handle_record));
    pthread_mutex_lock(&registry.lock);
    for (uint32_t id = 0; id < HANDLE_LOOPS_MAX; id++) {
        if (atomic_load(&registry.loops[id]))
            continue;
        atomic_store(&registry.loops[id], loop);
        handles->loop_token = (uint64_t)id << (SLOT_BITS + GENERATION_BITS);
        handles->generation = registry.generations[id];
        r = 0;
        break;
    }
    pthread_mutex_unlock(&registry.lock);
    return r;
}

void eddy__handles_close(struct eddy__handles *handles) {
    uint64_t id = handles->loop_token >> (SLOT_BITS + GENERATION_BITS);

    eddy__slab_deinit(&handles->slab);
    eddy__callers_deinit(&handles->callers);
    pthread_mutex_lock(&registry.lock);
    registry.generations[id] = handles->generation;
    atomic_store(&registry.loops[id], NULL);
    pthread_mutex_unlock(&registry.lock);
}

/* --- records ---------------------------------------------------------------------------------- */

/* Callbacks are fired and run by a running loop only: theirs. */
static void record_give(eddy_loop *loop, struct handle_record *record) {
    record->fn = NULL;
    record->timer.fire = loop->handles.fire;
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
    step->caller = eddy__callers_find(&eddy__thread.running->handles.callers,
                                      (uint32_t)(record->token & SLOT_MAX));
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

/* What a record keeps while its page is open. False: 16 million callbacks wait, and no token is
 * left. */
static bool record_init(struct eddy__handles *handles, struct handle_record *record) {
    uint32_t slot = eddy__slab_index(&handles->slab, record);

    if (slot > SLOT_MAX)
        return false;
    record->token = slot;
    record->timer.fire = record_due;
    return true;
}

/* In most cases; NULL: eddy__record_find(). */
static inline struct handle_record *record_at_hand(eddy_loop *loop) {
    struct handle_record *record = loop->handles.slab.free;

    return likely(record && record->timer.fire) ? eddy__slab_take(&loop->handles.slab) : NULL;
}

/* NULL: no memory. It and the slow calls below have eddy's prefix, although they are static: debug
 * mode tells them so from the program's calls, where eddy is linked into that. */
static struct handle_record *eddy__record_find(eddy_loop *loop) {
    struct handle_record *record = eddy__records_take(&loop->ready, &loop->handles.slab);

    if (record && !record->timer.fire && !record_init(&loop->handles, record)) {
        eddy__slab_give(&loop->handles.slab, record);
        record = NULL;
    }
    if (!record)
        eddy__fail(-ENOMEM);
    else if (loop->options.debug)
        eddy__callers_note(&loop->handles.callers, (uint32_t)(record->token & SLOT_MAX));
    return record;
}

static inline uint64_t token_next(struct eddy__handles *handles, uint64_t slot) {
    if (unlikely(++handles->generation > GENERATION_MAX))
        handles->generation = 1; /* never 0: no token is */
    return handles->loop_token | (uint64_t)handles->generation << SLOT_BITS | slot;
}

static inline void record_fill(eddy_loop *loop, struct handle_record *record, eddy_callback *fn,
                               void *arg) {
    record->timer.node.next = NULL; /* it is not armed yet */
    record->fn = fn;
    record->arg = arg;
    record->token = token_next(&loop->handles, record->token & SLOT_MAX);
}

/* NULL for a token whose callback has run, was cancelled, or belongs to another thread. */
static struct handle_record *record_of(eddy_loop *loop, eddy_handle handle) {
    size_t place = (handle.token & SLOT_MAX) * sizeof(struct handle_record);
    struct handle_record *record;

    if (!loop || loop->thread != &eddy__thread || !eddy__slab_has(&loop->handles.slab, place))
        return NULL;
    record = eddy__slab_at(&loop->handles.slab, place);
    return record->token == handle.token && record->fn ? record : NULL;
}

/* --- the calls -------------------------------------------------------------------------------- */

/* The loop that a callback is for, NULL if it is not this thread's to use. */
static eddy_loop *loop_to_call(eddy_loop *loop) {
    loop = eddy__loop_or_default(loop);
    return loop && eddy__loop_check(loop) == 0 ? loop : NULL;
}

__attribute__((noinline)) static eddy_handle eddy__call_soon_slowly(eddy_loop *loop,
                                                                    eddy_callback *fn, void *arg) {
    struct handle_record *record;

    loop = loop_to_call(loop);
    record = loop ? eddy__record_find(loop) : NULL;
    if (!record)
        return (eddy_handle){0};
    record_fill(loop, record, fn, arg);
    record_ready(loop, record);
    return (eddy_handle){record->token};
}

eddy_handle eddy_call_soon(eddy_loop *loop, eddy_callback *fn, void *arg) {
    eddy_loop *at_work = eddy__loop_at_work(loop);
    struct handle_record *record = at_work && !at_work->has_host ? record_at_hand(at_work) : NULL;

    if (unlikely(!record))
        return eddy__call_soon_slowly(loop, fn, arg);
    record_fill(at_work, record, fn, arg);
    record_ready(at_work, record);
    return (eddy_handle){record->token};
}

/* The record is filled, and perhaps armed. */
__attribute__((noinline)) static eddy_handle call_at_finish(eddy_loop *loop,
                                                            struct handle_record *record,
                                                            int64_t deadline_ns) {
    if (!eddy__timer_is_armed(&record->timer))
        eddy__wheel_arm_slowly(&loop->timers, &record->timer, deadline_ns);
    if (loop->has_host)
        eddy__loop_tell_host(loop);
    return (eddy_handle){record->token};
}

__attribute__((noinline)) static eddy_handle eddy__call_at_slowly(eddy_loop *loop,
                                                                  int64_t deadline_ns,
                                                                  eddy_callback *fn, void *arg) {
    struct handle_record *record = eddy__record_find(loop);

    if (!record)
        return (eddy_handle){0};
    record_fill(loop, record, fn, arg);
    return call_at_finish(loop, record, deadline_ns);
}

/* What is rare is a last call: so the usual way needs no frame. */
static inline eddy_handle call_at_ns(eddy_loop *loop, int64_t deadline_ns, eddy_callback *fn,
                                     void *arg) {
    struct handle_record *record = record_at_hand(loop);

    if (unlikely(!record))
        return eddy__call_at_slowly(loop, deadline_ns, fn, arg);
    record_fill(loop, record, fn, arg);
    if (likely(eddy__wheel_append(&loop->timers, &record->timer, deadline_ns) && !loop->has_host))
        return (eddy_handle){record->token};
    return call_at_finish(loop, record, deadline_ns);
}

__attribute__((noinline)) static eddy_handle eddy__call_later_slowly(eddy_loop *loop,
                                                                     double seconds,
                                                                     eddy_callback *fn, void *arg) {
    loop = loop_to_call(loop);
    if (!loop)
        return (eddy_handle){0};
    return call_at_ns(loop, ns_add(eddy__loop_now(loop), ns_from_seconds(seconds)), fn, arg);
}

eddy_handle eddy_call_later(eddy_loop *loop, double seconds, eddy_callback *fn, void *arg) {
    eddy_loop *at_work = eddy__loop_at_work(loop);

    if (likely(at_work && !at_work->clock_is_old))
        return call_at_ns(at_work, ns_add(at_work->now_ns, ns_from_seconds(seconds)), fn, arg);
    return eddy__call_later_slowly(loop, seconds, fn, arg);
}

eddy_handle eddy_call_at(eddy_loop *loop, double when, eddy_callback *fn, void *arg) {
    loop = loop_to_call(loop);
    return loop ? call_at_ns(loop, ns_from_seconds(when), fn, arg) : (eddy_handle){0};
}

void eddy_handle_cancel(eddy_handle handle) {
    uint64_t id = handle.token >> (SLOT_BITS + GENERATION_BITS);
    eddy_loop *loop = atomic_load_explicit(&registry.loops[id], memory_order_acquire);
    struct handle_record *record = record_of(loop, handle);
    struct list_node *emptied;

    if (!record)
        return;
    if (record->class == &record_class) {
        record->fn = NULL; /* it stands in the ready queue, and is skipped there */
        return;
    }
    emptied = eddy__wheel_unlink(&loop->timers, &record->timer);
    record_give(loop, record);
    if (unlikely(emptied))
        eddy__wheel_emptied(&loop->timers, emptied); /* a tail call: no frame is needed */
}
