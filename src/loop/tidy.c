/* SPDX-License-Identifier: MIT
 * tidy.c - what a peak has left goes back to the system, a little between two turns.
 *
 * Memory ages once a period and goes in small steps, so that the end of a peak is no pause. A loop
 * where nothing lies free asks no clock for this, and does not wake up for it. */
#include "tidy.h"

#include "loop.h"
#include "records.h"

#define PERIOD_NS NS_PER_SECOND
#define STEP_NS   NS_PER_MS /* between two steps: memory goes back beside the work */

static bool has_surplus(const eddy_loop *loop) {
    return eddy__ring_has_surplus(&loop->ready) || eddy__slab_has_surplus(&loop->handles.slab) ||
           (loop->upper && loop->upper->has_surplus && loop->upper->has_surplus(loop));
}

static void tidy_step(eddy_loop *loop, int64_t now_ns) {
    int64_t late_ns = now_ns - loop->tidy_period_ns;
    unsigned periods = late_ns < 0 ? 0 : (unsigned)MIN(late_ns / PERIOD_NS + 1, 64);
    bool more = loop->upper && loop->upper->tidy && loop->upper->tidy(loop, periods);

    more |= eddy__records_trim(&loop->ready, &loop->handles.slab);
    if (periods > 0) {
        eddy__slab_age(&loop->handles.slab);
        eddy__ring_shrink(&loop->ready);
        loop->tidy_period_ns = ns_add(now_ns, PERIOD_NS);
    }
    loop->tidy_at_ns = more ? MIN(now_ns + STEP_NS, loop->tidy_period_ns) : loop->tidy_period_ns;
}

void eddy__tidy_init(eddy_loop *loop) {
    loop->tidy_at_ns = loop->tidy_period_ns = ns_add(loop->now_ns, PERIOD_NS);
}

void eddy__tidy(eddy_loop *loop) {
    if (likely(!has_surplus(loop)))
        return;
    if (eddy__loop_now(loop) >= loop->tidy_at_ns)
        tidy_step(loop, loop->now_ns);
}

/* Not in virtual time, which would pass by that. */
int64_t eddy__tidy_wait_ns(eddy_loop *loop, int64_t timeout_ns) {
    if (likely(!has_surplus(loop)) || loop->options.clock == EDDY_CLOCK_VIRTUAL)
        return timeout_ns;
    return MIN(timeout_ns, MAX(loop->tidy_at_ns - eddy__loop_now(loop), 0));
}
