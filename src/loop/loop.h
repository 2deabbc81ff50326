/* SPDX-License-Identifier: MIT
 * loop.h - a loop from the inside: what it is made of, and how the layers above use it.
 *
 * The loop knows nothing of futures, tasks or coroutines. It runs "runnables", things whose first
 * word points to a class with a run function; the layers above put theirs into the same ready
 * queue. */
#ifndef EDDY__LOOP_H
#define EDDY__LOOP_H

#include <assert.h>
#include <stdatomic.h>

#include <eddy/loop.h>

#include "census.h"
#include "debug.h"
#include "descriptor.h"
#include "failure.h"
#include "handle.h"
#include "list.h"
#include "op.h"
#include "poller.h"
#include "ring.h"
#include "thread.h"
#include "timer.h"
#include "wakeup.h"
#include "worker.h"

/* Run once each time it comes up in the ready queue, on the loop's stack. */
struct eddy__runnable_class {
    void (*run)(void *runnable);
    void (*drop)(void *runnable); /* instead: the loop ends first; may be NULL */
    void (*describe)(const void *runnable, struct eddy__step *step); /* for debug; may be NULL */
};

/* What the task layer hangs into a loop. */
struct eddy__loop_upper {
    void (*free)(eddy_loop *loop);                                  /* the last reference went */
    void (*close)(eddy_loop *loop);                                 /* the loop ends */
    void (*info)(const eddy_loop *loop, eddy_loop_statistics *out); /* adds its figures */
    /* Memory that lies free. tidy: gives some back, `periods` after it last had; true: more at
     * once. */
    bool (*has_surplus)(const eddy_loop *loop);
    bool (*tidy)(eddy_loop *loop, unsigned periods);
};

/* Lies in what has something to do once, before the next poll, however often a turn touches it. Not
 * for a loop that does not run. */
struct eddy__turn_end {
    struct list_node node; /* in loop->turn_ends; all-zero or empty: in none */
    void (*run)(struct eddy__turn_end *end);
};

#define LOOP_TURN_BUDGET 256 /* options.turn_budget, unless told */

struct eddy_loop {
    /* What a switch of tasks touches. */
    struct eddy__ring ready;
    int budget;             /* how many entries this turn may still run */
    int inline_completions; /* operations that completed as they were submitted, in a row */
    uint64_t stop_at;       /* stopping: how many switches there will have been then */
    bool stopping;          /* eddy_loop_stop() was called */
    bool has_host;          /* somebody polls eddy_loop_fd() */
    bool stoppable;         /* who runs the loop heeds that */
    bool woken;             /* who runs the loop may go on: leave the turn */
    bool clock_is_old;      /* time may have passed: who asks for it reads the clock */
    int64_t now_ns;         /* the clock as of this turn */
    int64_t tidy_at_ns;     /* when memory is next given back */
    int64_t tidy_period_ns; /* when the running period ends */
    uint64_t switches, turns;
    uint64_t completions;          /* futures completed; stamps their order */
    size_t futures;                /* that exist: they keep the memory of a closed loop */
    uint64_t connections_accepted; /* by its servers */
    size_t connections_open;       /* of those: the clients that are there */
    struct eddy__census census;

    /* What wakes it. */
    struct eddy__wheel timers;
    const struct eddy__poller_class *poller_class;
    struct eddy__poller *poller;
    int64_t spin_ns; /* how long it looks before it waits; mostly 0 */
    struct eddy__wakeup wakeup;
    struct eddy__handles handles;
    struct eddy__listeners listeners;
    struct list_node signals;   /* of struct signal_watch */
    struct list_node turn_ends; /* of struct eddy__turn_end; empty while the loop does not run */
    int outside;                /* jobs that other threads work on: virtual time stands still */

    /* Its jobs in pools of threads; see worker.h. */
    struct list_node jobs;         /* of struct eddy__job: that are away */
    _Atomic unsigned jobs_refused; /* that ended after the loop had ceased to take posts */
    eddy_executor *executor;       /* the default one that was set, a reference; NULL: its own */
    eddy_executor *own_executor;   /* NULL: not used yet */
    bool executor_is_shut;
    bool is_reporting; /* its exception handler runs */

    /* What it is. */
    struct eddy__thread *thread;         /* where it belongs; changes only between runs */
    char owner[EDDY__THREAD_TEXT_BYTES]; /* that thread, for a report */
    atomic_int refs;
    bool closing; /* callbacks are dropped from now on, and nothing is waited for */
    bool closed;
    bool running;
    bool is_default;
    bool is_bound; /* to the thread that made it: no other may take it over */
    unsigned fork_generation;
    const char *reason; /* why this backend */
    int timer_fd;       /* for eddy_loop_fd(), -1 until it is asked for */
    int host_fd;
    eddy_loop_options options;

    const struct eddy__loop_upper *upper; /* NULL without tasks */
    void *upper_data;
};

/* The memory of a loop that is closed, or our parent's, is all that may be touched of it. */
static inline bool eddy__loop_is_usable(const eddy_loop *loop) {
    return !loop->closed && loop->fork_generation == eddy__fork_generation;
}

/* The loop is this thread's from now on. */
static inline void eddy__loop_claim(eddy_loop *loop) {
    if (likely(loop->thread == &eddy__thread))
        return;
    loop->thread = &eddy__thread;
    eddy__thread_describe(loop->owner);
}

/* Runs a callback of the user's, on the loop's own stack. */
static inline void eddy__loop_call(eddy_loop *loop, eddy_callback *fn, void *arg) {
    if (unlikely(loop->options.debug))
        eddy__debug_call(loop, fn, arg);
    else
        fn(arg);
}

/* Why this thread must not use the loop now: raises the sentence. */
int eddy__loop_refuse(const eddy_loop *loop);

/* May this thread use the loop now? 0, EDDY_EWRONG_THREAD, EDDY_EFORKED, EDDY_ESHUTDOWN. */
static inline int eddy__loop_check(const eddy_loop *loop) {
    if (likely(loop->thread == &eddy__thread && eddy__loop_is_usable(loop)))
        return 0;
    return eddy__loop_refuse(loop);
}

/* The loop that a call is for: *loop, or for NULL the running one, else the thread's default.
 * Returns 0 if this thread may use it now, or why not, with a sentence. */
static inline int eddy__loop_find(eddy_loop **loop) {
    *loop = eddy__loop_or_default(*loop);
    return likely(*loop) ? eddy__loop_check(*loop) : eddy_last_error()->code;
}

/* The loop that `loop` stands for (NULL: this thread's), if it is the one whose turn it is, as it
 * is mostly: then nothing is left to check. NULL: it may be another, or none. */
static inline eddy_loop *eddy__loop_at_work(const eddy_loop *loop) {
    eddy_loop *running = eddy__thread.running;

    if (likely(running && (!loop || loop == running) &&
               running->fork_generation == eddy__fork_generation))
        return running;
    return NULL;
}

/* Runs turns until loop->woken (which it clears), or stop() if `stoppable`. The caller is this
 * thread, outside any loop: returns 0, -EDEADLK and the codes of eddy__loop_check(). */
int eddy__loop_run(eddy_loop *loop, bool stoppable);

/* eddy_loop_new() for who runs the loop himself: it is bound to this thread, which is faster. */
int eddy__loop_new_bound(const eddy_loop_options *options, eddy_loop **out);

void eddy__loop_read_clock(eddy_loop *loop);

/* The clock of this turn; outside a run, the clock. */
static inline int64_t eddy__loop_now(eddy_loop *loop) {
    if (loop->clock_is_old || unlikely(!loop->running))
        eddy__loop_read_clock(loop);
    return loop->now_ns;
}

/* How long nothing is going to happen, as far as the loop itself knows: 0 now, NS_NEVER. */
int64_t eddy__loop_idle_ns(const eddy_loop *loop);

/* There is new work, or a new deadline, for a loop that does not run: whoever polls it must know.
 */
void eddy__loop_tell_host(eddy_loop *loop);

/* Puts a runnable, whose place was reserved with eddy__ring_reserve(&loop->ready), at the end of
 * the queue. */
static inline void eddy__loop_ready(eddy_loop *loop, void *runnable) {
    eddy__ring_push(&loop->ready, runnable);
    if (unlikely(loop->has_host))
        eddy__loop_tell_host(loop);
}

static inline void eddy__loop_at_turn_end(eddy_loop *loop, struct eddy__turn_end *end) {
    assert(loop->running);
    list_append(&loop->turn_ends, &end->node);
}

/* The next runnable, taken out, if it is of `class` and the turn's budget allows; else NULL. This
 * is how one task switches to the next without a detour over the loop. */
static inline void *eddy__loop_next(eddy_loop *loop, const struct eddy__runnable_class *class) {
    const struct eddy__runnable_class **first = eddy__ring_first(&loop->ready);

    if (!first || *first != class || loop->budget <= 0 || loop->woken)
        return NULL;
    loop->budget--;
    loop->switches++;
    return eddy__ring_pop(&loop->ready);
}

static inline void eddy__timer_arm(eddy_loop *loop, struct eddy__timer *timer,
                                   int64_t deadline_ns) {
    eddy__wheel_arm(&loop->timers, timer, deadline_ns);
    if (unlikely(loop->has_host))
        eddy__loop_tell_host(loop);
}

static inline void eddy__timer_disarm(eddy_loop *loop, struct eddy__timer *timer) {
    eddy__wheel_disarm(&loop->timers, timer);
}

/* Posts to a loop from another thread; see wakeup.h. The caller holds a reference to the loop. */
static inline int eddy__loop_post(eddy_loop *loop, struct eddy__post *post) {
    return eddy__wakeup_push(&loop->wakeup, post);
}

#endif
