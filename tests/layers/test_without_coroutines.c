/* SPDX-License-Identifier: MIT
 * test_without_coroutines.c - base, loop, future and op make a whole without coro and task.
 *
 * A host language with coroutines of its own links just these. The program links all of their
 * objects, so that it is the linker that finds a reference upwards. */
#include <eddy/future.h>
#include <eddy/loop.h>

#include "test.h"

struct trace {
    eddy_loop *loop;
    int calls;
    intptr_t value;
};

static void count(void *arg) {
    struct trace *trace = arg;
    trace->calls++;
}

static void note(eddy_future *future, void *arg) {
    struct trace *trace = arg;
    void *value = NULL;

    ASSERT_OK(eddy_future_result(future, &value));
    trace->value = (intptr_t)value;
    eddy_loop_stop(trace->loop);
}

static void complete(void *arg) {
    eddy_future *future = arg;
    ASSERT_OK(eddy_future_set_result(future, (void *)(intptr_t)42));
}

TEST(a_loop_completes_futures_without_coroutines) {
    eddy_loop_options options = {.clock = EDDY_CLOCK_VIRTUAL};
    struct trace trace = {0};
    ASSERT_OK(eddy_loop_new(&options, &trace.loop));

    eddy_future *future = eddy_future_new(trace.loop);
    ASSERT_OK(eddy_future_add_done_callback(future, note, &trace));
    eddy_call_soon(trace.loop, count, &trace);
    eddy_call_later(trace.loop, 3600, complete, future);
    ASSERT_OK(eddy_loop_run_forever(trace.loop));

    ASSERT_INT_EQ(trace.calls, 1);
    ASSERT_INT_EQ(trace.value, 42);
    ASSERT_NULL(eddy_unref(future));
    ASSERT_NULL(eddy_loop_close(trace.loop));
}
