/* SPDX-License-Identifier: MIT
 * loop.c - an event loop: its turn, its life, and the clock.
 *
 * A turn runs what is ready, then the timers that are due, then polls once. Read loop_turn() first;
 * the parts that it calls are in timer.c, poller_*.c, wakeup.c, handle.c, descriptor.c,
 * signal_watch.c and worker.c; a loop inside another loop is host.c. */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend.h"
#include "lease.h"
#include "memory.h"
#include "os.h"
#include "signal_watch.h"
#include "tidy.h"

#define TURNS_PUBLISHED 64 /* a loop that never rests shows its figures as often */

/* --- the turn --------------------------------------------------------------------------------- */

/* Who runs the loop heeds a stop, and what was ready at the time of it has been run. */
static bool loop_has_stopped(const eddy_loop *loop) {
    return loop->stopping && loop->stoppable && loop->switches >= loop->stop_at;
}

/* The budget is renewed by a poll, not by a run: a root task that yields in a loop must not keep it
 * from polling. */
static inline void *loop_next_ready(eddy_loop *loop) {
    void *runnable;

    if (loop->budget <= 0 || loop->woken || loop_has_stopped(loop))
        return NULL;
    runnable = eddy__ring_pop(&loop->ready);
    if (!runnable)
        return NULL;
    loop->budget--;
    loop->switches++;
    return runnable;
}

static void loop_run_ready(eddy_loop *loop) {
    void *runnable;

    if (unlikely(loop->options.debug))
        while ((runnable = loop_next_ready(loop)))
            eddy__debug_run(loop, runnable);
    else
        while ((runnable = loop_next_ready(loop)))
            (*(const struct eddy__runnable_class **)runnable)->run(runnable);
}

/* What a turn has gathered, to be done once. */
static void loop_run_turn_ends(eddy_loop *loop) {
    struct list_node *node;

    while ((node = list_take_first(&loop->turn_ends))) {
        struct eddy__turn_end *end = container_of(node, struct eddy__turn_end, node);
        end->run(end);
    }
}

void eddy__loop_read_clock(eddy_loop *loop) {
    loop->clock_is_old = false;
    if (loop->options.clock == EDDY_CLOCK_MONOTONIC)
        loop->now_ns = eddy__os_now();
}

static bool loop_has_ready(const eddy_loop *loop) {
    return eddy__ring_count(&loop->ready) > 0 || (loop->stopping && loop->stoppable) ||
           loop->woken || atomic_load(&loop->wakeup.posts);
}

int64_t eddy__loop_idle_ns(const eddy_loop *loop) {
    int64_t next = eddy__wheel_next(&loop->timers);

    if (loop_has_ready(loop))
        return 0;
    return next == NS_NEVER ? NS_NEVER : MAX(next - loop->now_ns, 0);
}

/* Looks again and again for so long. Awake meanwhile, it need not be woken by who posts to it. */
static int loop_spin(eddy_loop *loop, int64_t spin_ns) {
    int64_t end_ns = ns_add(eddy__os_now(), spin_ns);
    int count;

    do {
        count = loop->poller_class->poll(loop->poller, 0);
        count += eddy__wakeup_run(&loop->wakeup);
    } while (count == 0 && eddy__os_now() < end_ns);
    return count;
}

/* Waits for the kernel, unless another thread has just posted. */
static int loop_wait(eddy_loop *loop, int64_t timeout_ns) {
    int64_t spin_ns = MIN(loop->spin_ns, timeout_ns);
    int count;

    if (spin_ns > 0) {
        count = loop_spin(loop, spin_ns);
        if (count)
            return count;
        if (timeout_ns != NS_NEVER)
            timeout_ns -= spin_ns;
    }
    if (timeout_ns != 0 && !eddy__wakeup_sleep(&loop->wakeup))
        timeout_ns = 0;
    count = loop->poller_class->poll(loop->poller, timeout_ns);
    eddy__wakeup_awake(&loop->wakeup);
    return count + eddy__wakeup_run(&loop->wakeup);
}

/* Virtual time passes only when there is nothing else to wait for: then it jumps to the next
 * deadline. */
static void loop_poll_virtual(eddy_loop *loop, int64_t timeout_ns) {
    int64_t next;

    if (loop_wait(loop, 0) || timeout_ns == 0)
        return;
    next = eddy__wheel_next(&loop->timers);
    if (loop->outside == 0 && next != NS_NEVER)
        loop->now_ns = MAX(loop->now_ns, MIN(next, ns_add(loop->now_ns, timeout_ns)));
    else if (loop->outside == 0 && timeout_ns != NS_NEVER)
        loop->now_ns = ns_add(loop->now_ns, timeout_ns);
    else
        loop_wait(loop, timeout_ns);
}

static void loop_poll(eddy_loop *loop, int64_t most_ns) {
    int64_t timeout_ns = MIN(eddy__loop_idle_ns(loop), most_ns);

    if (timeout_ns > 0 && most_ns == NS_NEVER)
        timeout_ns = eddy__tidy_wait_ns(loop, timeout_ns);
    loop->turns++;
    loop->budget = loop->options.turn_budget;
    if (timeout_ns != 0 || loop->turns % TURNS_PUBLISHED == 0)
        eddy__census_publish(loop);
    if (loop->options.clock == EDDY_CLOCK_VIRTUAL) {
        loop_poll_virtual(loop, timeout_ns);
        return;
    }
    if (timeout_ns > 0)
        loop->clock_is_old = true; /* it waits: what runs then must not count from before */
    loop_wait(loop, timeout_ns);
}

/* The clock is for timers, and for those who ask: a turn without either does not read it. */
static void loop_fire_timers(eddy_loop *loop) {
    if (loop->timers.count > 0)
        eddy__wheel_fire(&loop->timers, eddy__loop_now(loop));
}

static void loop_turn(eddy_loop *loop, int64_t most_ns) {
    loop_run_ready(loop);
    if (loop->woken || loop_has_stopped(loop))
        return;
    loop->clock_is_old = true;
    loop_fire_timers(loop);
    eddy__tidy(loop);
    loop_run_turn_ends(loop);
    loop_poll(loop, most_ns);
}

/* --- running ---------------------------------------------------------------------------------- */

int eddy__loop_refuse(const eddy_loop *loop) {
    char here[EDDY__THREAD_TEXT_BYTES];

    if (loop->fork_generation != eddy__fork_generation)
        return eddy_raise(EDDY_EFORKED, "this loop was made before fork(): it is the parent's");
    if (loop->closed)
        return eddy_raise(EDDY_ESHUTDOWN, "this loop is closed");
    eddy__thread_describe(here);
    if (loop->options.debug)
        eddy__debug_wrong_thread(loop);
    return eddy_raise(EDDY_EWRONG_THREAD,
                      "this loop belongs to another thread, %s, and this is %s; from here only "
                      "eddy_call_soon_threadsafe() may be used on it",
                      loop->owner, here);
}

/* A loop that does not run may be taken over by the thread that runs it next. */
static int loop_enter(eddy_loop *loop) {
    int r;

    if (loop->fork_generation != eddy__fork_generation)
        return eddy__loop_refuse(loop);
    if (eddy__thread.running)
        return eddy_raise(-EDEADLK, "a loop is running on this thread already: a callback or a "
                                    "task of it cannot run another inside");
    if (loop->running)
        return eddy_raise(EDDY_EWRONG_THREAD, "this loop is running on another thread");
    if (!loop->is_bound)
        eddy__loop_claim(loop);
    r = eddy__loop_check(loop);
    if (r < 0)
        return r;

    loop->running = true;
    eddy__thread.running = loop;
    eddy__loop_read_clock(loop);
    return 0;
}

static void loop_leave(eddy_loop *loop) {
    loop_run_turn_ends(loop);
    loop->running = false;
    eddy__thread.running = NULL;
    if (loop->has_host)
        eddy__loop_tell_host(loop);
    else
        loop->poller_class->flush(loop->poller);
}

/* Stopped before it runs, a loop still looks once, and runs what that makes ready: so asyncio. */
static void loop_poll_before_stop(eddy_loop *loop) {
    loop_poll(loop, 0);
    loop_fire_timers(loop);
    loop->stop_at = loop->switches + eddy__ring_count(&loop->ready);
}

int eddy__loop_run(eddy_loop *loop, bool stoppable) {
    int r = loop_enter(loop);

    if (r < 0)
        return r;
    loop->stoppable = stoppable;
    if (stoppable && loop->stopping)
        loop_poll_before_stop(loop);
    do
        loop_turn(loop, NS_NEVER);
    while (!loop->woken && !loop_has_stopped(loop));
    loop->woken = false;
    loop->stopping = loop->stopping && !stoppable;
    loop_leave(loop);
    return 0;
}

int eddy_loop_run_forever(eddy_loop *loop) {
    return eddy__loop_run(loop, true);
}

int eddy_loop_run_once(eddy_loop *loop, double seconds) {
    int r = loop_enter(loop);

    if (r < 0)
        return r;
    loop_turn(loop, loop_has_ready(loop) ? 0 : ns_from_seconds(seconds));
    loop_fire_timers(loop);
    loop_run_ready(loop); /* what the poll and the timers have woken: a host expects it done */
    loop->woken = false;
    loop_leave(loop);
    return 0;
}

void eddy_loop_stop(eddy_loop *loop) {
    if (loop->stopping)
        return;
    loop->stopping = true;
    loop->stop_at = loop->switches + eddy__ring_count(&loop->ready);
}

bool eddy_loop_is_running(const eddy_loop *loop) {
    return loop->running;
}

bool eddy_loop_is_closed(const eddy_loop *loop) {
    return loop->closed;
}

/* --- time ------------------------------------------------------------------------------------- */

double eddy_time(void) {
    eddy_loop *loop = eddy__loop_or_default(NULL);

    return (double)(loop ? eddy__loop_now(loop) : eddy__os_now()) / 1e9;
}

double eddy_loop_timeout(eddy_loop *loop) {
    eddy__loop_now(loop);
    return seconds_from_ns(eddy__loop_idle_ns(loop));
}

/* --- life ------------------------------------------------------------------------------------- */

static void options_read(const eddy_loop_options *options, size_t size, eddy_loop *loop) {
    if (options)
        memcpy(&loop->options, options, MIN(size, sizeof(loop->options)));
    if (loop->options.turn_budget <= 0)
        loop->options.turn_budget = LOOP_TURN_BUDGET;
    loop->options.debug |= eddy__os_is_asked("EDDY_DEBUG");
}

/* What needs nothing to fail. */
static void loop_init(eddy_loop *loop) {
    eddy__loop_claim(loop);
    loop->fork_generation = eddy__fork_generation;
    loop->host_fd = loop->timer_fd = -1;
    loop->budget = loop->options.turn_budget;
    loop->spin_ns = ns_from_seconds(loop->options.poll_spin_seconds);
    atomic_init(&loop->refs, 1);
    list_init(&loop->signals);
    list_init(&loop->turn_ends);
    eddy__loop_read_clock(loop);
    eddy__tidy_init(loop);
    eddy__wheel_init(&loop->timers, loop->now_ns);
    list_init(&loop->jobs);
}

/* What needs the poller. */
static int loop_open(eddy_loop *loop) {
    int r = eddy__wakeup_open(loop, &loop->wakeup);

    if (r < 0) {
        loop->poller_class->close(loop->poller);
        return r;
    }
    r = eddy__ring_reserve(&loop->ready); /* for who runs it: a thread's root task */
    if (r == 0)
        r = eddy__handles_open(loop, &loop->handles);
    if (r < 0) {
        eddy__ring_deinit(&loop->ready);
        eddy__wakeup_close(loop, &loop->wakeup);
        loop->poller_class->close(loop->poller);
        eddy__wakeup_deinit(&loop->wakeup);
    }
    return r;
}

static int loop_new(const eddy_loop_options *options, size_t options_size, bool is_bound,
                    eddy_loop **out) {
    CLEANUP(eddy__freep) eddy_loop *loop = eddy__zalloc(sizeof(*loop));
    int r;

    if (!loop)
        return eddy__fail(-ENOMEM);
    eddy__thread_remember();
    options_read(options, options_size, loop);
    loop->is_bound = is_bound;
    loop_init(loop);
    r = eddy__backend_open(loop);
    if (r < 0)
        return r;
    r = loop_open(loop);
    if (r < 0)
        return eddy_raise(r, "cannot open an event loop: %s", eddy_error_text(r));
    eddy__census_join(loop);
    *out = TAKE_POINTER(loop);
    return 0;
}

int eddy_loop_new_sized(const eddy_loop_options *options, size_t options_size, eddy_loop **out) {
    return loop_new(options, options_size, false, out);
}

int eddy__loop_new_bound(const eddy_loop_options *options, eddy_loop **out) {
    return loop_new(options, sizeof(*options), true, out);
}

eddy_loop *eddy_loop_ref(eddy_loop *loop) {
    atomic_fetch_add_explicit(&loop->refs, 1, memory_order_relaxed);
    return loop;
}

eddy_loop *eddy_loop_unref(eddy_loop *loop) {
    if (loop && atomic_fetch_sub_explicit(&loop->refs, 1, memory_order_acq_rel) == 1) {
        if (loop->upper)
            loop->upper->free(loop);
        eddy__wakeup_deinit(&loop->wakeup);
        eddy__ring_deinit(&loop->ready);
        eddy__free(loop);
    }
    return NULL;
}

static void loop_drop_ready(eddy_loop *loop) {
    void *runnable;

    while ((runnable = eddy__ring_pop(&loop->ready))) {
        const struct eddy__runnable_class *class = *(const struct eddy__runnable_class **)runnable;
        if (class->drop)
            class->drop(runnable);
    }
}

eddy_loop *eddy_loop_close(eddy_loop *loop) {
    if (!loop)
        return NULL;
    if (eddy__loop_check(loop) < 0)
        return loop->closed ? NULL : loop;
    if (loop->running) {
        eddy_raise(-EBUSY, "a loop that is running cannot be closed: eddy_loop_stop() it first");
        return loop;
    }

    /* The posts first: what other threads want of the loop is refused from here on, which frees
     * jobs that wait for it. Then the jobs, whose tasks the layer above ends. */
    eddy_loop_ref(loop);
    loop->closing = true;
    loop->has_host = false;
    eddy__wakeup_close(loop, &loop->wakeup);
    eddy__loop_end_jobs(loop);
    loop->poller_class->cancel_all(loop->poller);
    if (loop->upper)
        loop->upper->close(loop);
    eddy__wheel_drop(&loop->timers);
    loop_drop_ready(loop);
    eddy__census_leave(loop);
    loop->closed = true;
    eddy__signals_close(loop);
    eddy__listeners_close(loop, &loop->listeners);
    eddy__handles_close(&loop->handles);
    loop->poller_class->close(loop->poller);
    eddy__os_close(loop->host_fd);
    eddy__os_close(loop->timer_fd);
    if (eddy__thread.default_loop == loop)
        eddy__thread.default_loop = NULL;
    if (loop->futures == 0)
        eddy_loop_unref(loop); /* else the last future does */
    return eddy_loop_unref(loop);
}

int eddy_loop_info_sized(eddy_loop *loop, eddy_loop_statistics *out, size_t out_size) {
    eddy_loop_statistics info = {
        .backend = loop->poller_class->name,
        .stack_guard = "none yet: no task has run",
        .reason = loop->reason,
        .turns = loop->turns,
        .switches = loop->switches,
        .connections_accepted = loop->connections_accepted,
        .connections_open = loop->connections_open,
    };

    if (loop->upper)
        loop->upper->info(loop, &info);
    memcpy(out, &info, MIN(out_size, sizeof(info)));
    return 0;
}

/* --- operations ------------------------------------------------------------------------------- */

bool eddy__op_submit(eddy_loop *loop, struct eddy__op *op) {
    return loop->poller_class->submit(loop->poller, op);
}

void eddy__op_cancel(eddy_loop *loop, struct eddy__op *op) {
    loop->poller_class->cancel(loop->poller, op);
}

void eddy__op_forget(eddy_loop *loop, int fd) {
    loop->poller_class->forget(loop->poller, fd);
}

bool eddy__op_holds_input(eddy_loop *loop, int fd) {
    return loop->poller_class->holds_input(loop->poller, fd);
}

void *eddy__lease_borrow(eddy_loop *loop) {
    return loop->poller_class->lease_take(loop->poller);
}

void eddy__lease_return(eddy_loop *loop, void *buffer) {
    if (likely(eddy__loop_is_usable(loop)))
        loop->poller_class->lease_return(loop->poller, buffer);
    else
        eddy__lease_free(buffer);
}
