/* SPDX-License-Identifier: MIT
 * test_loop_close.c - the end of a loop: what it refuses, drops and gives back. */
#include <errno.h>
#include <signal.h>

#include "../base/scarce.h"
#include "fixture.h"

TEST(closing_nothing_does_nothing) {
    ASSERT_NULL(eddy_loop_close(NULL));
    ASSERT_NULL(eddy_loop_unref(NULL));
}

static void close_inside(void *loop) {
    ASSERT_PTR_EQ(eddy_loop_close(loop), loop);
    ASSERT_LAST_ERROR(-EBUSY, "running");
    eddy_call_soon(loop, stop, loop); /* it is unchanged */
}

TEST(closing_a_running_loop_is_refused_with_a_sentence) {
    LOOP loop = test_loop();
    eddy_call_soon(loop, close_inside, loop);
    ASSERT_OK(eddy_loop_run_forever(loop));
    forget_last_error();
}

static void close_other(void *other) {
    ASSERT_NULL(eddy_loop_close(other));
    eddy_loop_stop(eddy_running_loop());
}

TEST(a_loop_may_be_closed_while_another_runs) {
    LOOP loop = test_loop();
    eddy_call_soon(loop, close_other, test_loop());
    ASSERT_OK(eddy_loop_run_forever(loop));
}

TEST(what_waits_in_a_loop_never_runs_when_it_is_closed) {
    struct trace trace = {0};
    {
        LOOP loop = test_loop();
        eddy_call_soon(loop, mark, MARK(&trace, "soon"));
        eddy_call_later(loop, 0, mark, MARK(&trace, "due"));
        eddy_call_later(loop, 1, mark, MARK(&trace, "later"));
        eddy_handle_cancel(eddy_call_soon(loop, mark, MARK(&trace, "cancelled")));
    }
    ASSERT_STR_EQ(trace.text, "");
}

static void ignore(void *arg) {
    (void)arg;
}

TEST(a_loop_gives_back_all_memory_and_descriptors) {
    scarce_begin();
    int before = descriptors_open();
    ENDS ends = ends_open();
    eddy_loop *loop = loop_of_clock(EDDY_CLOCK_MONOTONIC);
    for (int i = 0; i < 2000; i++)
        eddy_call_later(loop, i, ignore, NULL);
    eddy_call_soon(loop, ignore, NULL);
    ASSERT_OK(eddy_add_reader(loop, ends.near, ignore, NULL));
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, ignore, NULL));
    ASSERT_OK(eddy_loop_fd(loop));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    eddy_loop_close(loop);

    ASSERT_INT_EQ(scarce_out, 0);
    ASSERT_INT_EQ(descriptors_open(), before + 2); /* the ends */
}

TEST(a_reference_keeps_a_closed_loop_that_refuses_everything) {
    eddy_loop *loop = eddy_loop_ref(test_loop());
    ASSERT_NULL(eddy_loop_close(loop));

    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_call_soon_threadsafe(loop, stop, loop));
    ASSERT_UINT_EQ(eddy_call_soon(loop, stop, loop).token, 0);
    ASSERT_LAST_ERROR(EDDY_ESHUTDOWN, "closed");
    ASSERT_UINT_EQ(eddy_call_later(loop, 1, stop, loop).token, 0);
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_loop_run_forever(loop));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_loop_run_once(loop, 0));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_add_reader(loop, STDIN_FILENO, stop, loop));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_add_signal_handler(loop, SIGUSR1, stop, loop));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_loop_fd(loop));
    ASSERT(!eddy_loop_is_running(loop));
    forget_last_error();
    ASSERT_NULL(eddy_loop_unref(loop));
}

TEST(closing_a_closed_loop_again_is_refused) {
    eddy_loop *loop = eddy_loop_ref(test_loop());
    ASSERT_NULL(eddy_loop_close(loop));

    eddy_loop_close(loop);
    ASSERT_LAST_ERROR(EDDY_ESHUTDOWN, "closed");
    forget_last_error();
    eddy_loop_unref(loop);
}

/* --- what the layers above hang into it ------------------------------------------------------- */

static struct trace above;

static void upper_close(eddy_loop *loop) {
    ASSERT(!loop->closed);
    trace_add(&above, "close");
}

static void upper_free(eddy_loop *loop) {
    ASSERT(loop->closed);
    trace_add(&above, "free");
}

static void upper_info(const eddy_loop *loop, eddy_loop_statistics *out) {
    ASSERT_NULL(loop->upper_data);
    out->tasks = 7;
}

static const struct eddy__loop_upper upper = {
    .close = upper_close, .free = upper_free, .info = upper_info};

TEST(the_layer_above_hears_of_the_end_and_of_the_last_reference) {
    eddy_loop_statistics info;
    eddy_loop *loop = eddy_loop_ref(test_loop());
    loop->upper = &upper;
    ASSERT_OK(eddy_loop_info(loop, &info));
    ASSERT_UINT_EQ(info.tasks, 7);
    eddy_loop_close(loop);
    ASSERT_STR_EQ(above.text, "close");
    eddy_loop_unref(loop);
    ASSERT_STR_EQ(above.text, "close free");
}

struct runnable {
    const struct eddy__runnable_class *class;
    const char *word;
};

static void runnable_run(void *runnable) {
    (void)runnable;
    trace_add(&above, "run");
}

static void runnable_drop(void *runnable) {
    trace_add(&above, ((struct runnable *)runnable)->word);
}

TEST(what_is_ready_when_the_loop_ends_is_dropped_in_order) {
    const struct eddy__runnable_class dropped = {.run = runnable_run, .drop = runnable_drop};
    const struct eddy__runnable_class forgotten = {.run = runnable_run};
    struct runnable runnables[] = {{&dropped, "one"}, {&forgotten, "two"}, {&dropped, "three"}};
    eddy_loop *loop = test_loop();
    for (size_t i = 0; i < ARRAY_SIZE(runnables); i++) {
        ASSERT_OK(eddy__ring_reserve(&loop->ready));
        eddy__loop_ready(loop, &runnables[i]);
    }
    eddy_loop_close(loop);

    ASSERT_STR_EQ(above.text, "one three");
}
