/* SPDX-License-Identifier: MIT
 * future.h - a future from the inside. Tasks, timers that complete, and whatever else can be
 * awaited begin with one.
 *
 *   PENDING -complete-> DONE      once; waiters are told in the order in which they came
 *
 * A future belongs to its loop's thread, but for shared ones, which have no loop (shared.h).
 * Completing only queues: no waiter's code runs inside complete(). */
#ifndef EDDY__FUTURE_H
#define EDDY__FUTURE_H

#include <errno.h>

#include <eddy/future.h>

#include "loop.h"

/* Somebody who waits. Lies on the waiter's stack, or in a done callback. */
struct eddy__waiter {
    struct list_node node;
    void (*wake)(struct eddy__waiter *waiter,
                 eddy_future *future); /* unlinked when called; only queues */
};

struct eddy__future_class {
    struct eddy__runnable_class runnable; /* first: a task is run by the ready queue */
    bool is_task;
    bool is_dead; /* debug: its last reference went, and its record is kept for a while */
    bool (*cancel)(eddy_future *future,
                   const char *reason);       /* NULL: completes it with -ECANCELED */
    void *(*take_value)(eddy_future *future); /* DONE with result >= 0. NULL: it has none */
    /* What it is, for a report: task "x" (created at y). NULL: a future. */
    void (*describe)(const eddy_future *future, char *text, size_t size);
    void (*free)(eddy_future *future);                 /* the last reference went */
    eddy_future *(*behind)(const eddy_future *future); /* what it waits for itself. NULL: nothing */
};

enum eddy__future_state { FUTURE_PENDING, FUTURE_DONE };

struct eddy_future {
    const struct eddy__future_class *class; /* first: makes it a runnable */
    eddy_loop *loop;                        /* NULL: it is shared */
    uint32_t refs;
    int result;          /* DONE: >= 0, or the error's code */
    uint8_t state;       /* enum eddy__future_state */
    bool was_retrieved;  /* somebody has seen the result, so a failure needs no report */
    uint8_t task_state;  /* the task layer's */
    bool was_detached;   /* nobody wants the result */
    uint32_t task_flags; /* the task layer's */
    union {
        uint64_t stamp; /* DONE: loop->completions when it completed */
        void *place;    /* the task layer's, until then */
    };
    struct list_node waiters;
    const eddy_error *error; /* DONE with an error; of a running task, its last error */
};

/* Initializes the head of something larger. */
static inline void eddy__future_init(eddy_future *future, const struct eddy__future_class *class,
                                     eddy_loop *loop) {
    *future = (eddy_future){.class = class, .loop = loop, .refs = 1};
    list_init(&future->waiters);
    loop->futures++;
}

/* Tells those who wait for a future that has just completed. */
void eddy__future_wake(eddy_future *future);

/* Completes: PENDING -> DONE. Takes error (NULL: none beyond the code). Wakes the waiters. */
static inline void eddy__future_complete(eddy_future *future, int result, const eddy_error *error) {
    assert(future->state == FUTURE_PENDING);
    future->state = FUTURE_DONE;
    future->result = result;
    future->stamp = ++future->loop->completions;
    if (unlikely(future->error || error))
        eddy__error_set(&future->error, error);
    if (!list_is_empty(&future->waiters))
        eddy__future_wake(future);
}

/* A failed future that owns its error, for calls that return a future and cannot. NULL: no memory.
 */
eddy_future *eddy__future_failed(eddy_loop *loop, int code);

static inline bool eddy__future_is_shared(const eddy_future *future) {
    return !future->loop;
}

/* What another thread has written before it completed a shared one is then seen here. */
static inline bool eddy__future_is_done(const eddy_future *future) {
    return __atomic_load_n(&future->state, __ATOMIC_ACQUIRE) == FUTURE_DONE;
}

static inline void eddy__waiter_add(eddy_future *future, struct eddy__waiter *waiter) {
    list_append(&future->waiters, &waiter->node);
}

/* Harmless when it was woken already. */
static inline void eddy__waiter_remove(struct eddy__waiter *waiter) {
    list_remove(&waiter->node);
}

/* The result of a done future for who asks now: marks it retrieved, makes its error the asker's
 * last error, hands the value over. value may be NULL. */
int eddy__future_retrieve_value(eddy_future *future, void **value);

static inline int eddy__future_retrieve(eddy_future *future, void **value) {
    if (unlikely(value || future->result < 0))
        return eddy__future_retrieve_value(future, value);
    __atomic_store_n(&future->was_retrieved, true, __ATOMIC_RELAXED);
    return future->result;
}

/* Nobody has seen that it failed. */
static inline bool eddy__future_is_unheard(const eddy_future *future) {
    return eddy__future_is_done(future) && future->result < 0 && future->result != -ECANCELED &&
           !__atomic_load_n(&future->was_retrieved, __ATOMIC_RELAXED);
}

/* References: ref of one that is not shared, unref of any, which reports a failure that nobody has
 * seen. */
static inline eddy_future *eddy__future_ref(eddy_future *future) {
    future->refs++;
    return future;
}

/* Debug: aborts, as it is used after its end. */
_Noreturn void eddy__future_fail_dead(const eddy_future *future);

/* The last reference of one that is not shared went. */
void eddy__future_end(eddy_future *future);
void eddy__shared_unref(eddy_future *future);

static inline void eddy__future_unref(eddy_future *future) {
    if (unlikely(eddy__future_is_shared(future))) {
        eddy__shared_unref(future);
        return;
    }
    assert(future->refs > 0);
    if (--future->refs == 0)
        eddy__future_end(future);
}

/* Reports through the loop's exception handler, or the log; loop NULL: the log. */
void eddy__report_failure(eddy_loop *loop, const eddy_error *error, const char *what);

/* One that goes without completing takes its done callbacks along. */
void eddy__future_drop_callbacks(eddy_future *future);

/* Reports that it failed and nobody awaited it. */
void eddy__future_report(eddy_future *future, eddy_loop *loop);

#endif
