/* SPDX-License-Identifier: MIT
 * test_handle.c - eddy_call_soon, eddy_call_later, eddy_call_at, and cancelling them. */
#include <errno.h>
#include <pthread.h>

#include "../base/scarce.h"
#include "fixture.h"

/* --- order ------------------------------------------------------------------------------------ */

TEST(callbacks_run_in_the_order_of_the_calls) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_call_soon(loop, mark, MARK(&trace, "first"));
    eddy_call_soon(loop, mark, MARK(&trace, "second"));
    eddy_call_soon(loop, mark, MARK(&trace, "third"));
    ASSERT_STR_EQ(trace.text, ""); /* not at once */
    run_dry(loop);

    ASSERT_STR_EQ(trace.text, "first second third");
}

TEST(later_callbacks_run_in_the_order_of_their_deadlines) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_call_later(loop, 3, mark, MARK(&trace, "third"));
    eddy_call_later(loop, 1, mark, MARK(&trace, "first"));
    eddy_call_at(loop, 2, mark, MARK(&trace, "second"));
    run_dry(loop);

    ASSERT_STR_EQ(trace.text, "first second third");
}

TEST(callbacks_with_equal_deadlines_run_in_the_order_of_the_calls) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_call_later(loop, 0.1, mark, MARK(&trace, "a"));
    eddy_call_at(loop, 0.1, mark, MARK(&trace, "b"));
    eddy_call_later(loop, 0.1, mark, MARK(&trace, "c"));
    eddy_call_at(loop, 0.1, mark, MARK(&trace, "d"));
    run_dry(loop);

    ASSERT_STR_EQ(trace.text, "a b c d");
}

struct timed {
    double seen;
};

static void note_time(void *timed) {
    ((struct timed *)timed)->seen = eddy_time();
}

TEST(a_later_callback_runs_exactly_at_its_deadline) {
    LOOP loop = test_loop();
    struct timed later, at;
    eddy_call_later(loop, 2.5, note_time, &later);
    eddy_call_at(loop, 1e6, note_time, &at);
    run_dry(loop);

    ASSERT(later.seen == 2.5);
    ASSERT(at.seen == 1e6);
}

TEST(a_deadline_that_is_no_time_away_runs_in_the_next_turn) {
    const double seconds[] = {0, -1, -INFINITY, NAN};
    LOOP loop = test_loop();
    int ran = 0;
    for (size_t i = 0; i < ARRAY_SIZE(seconds); i++) {
        eddy_call_later(loop, seconds[i], count, &ran);
        eddy_call_at(loop, seconds[i], count, &ran);
    }
    ASSERT(eddy_loop_timeout(loop) == 0);
    run_dry(loop);

    ASSERT_INT_EQ(ran, 8);
    ASSERT_INT_EQ(eddy__loop_now(loop), 0); /* and took no time */
}

TEST(an_infinite_delay_never_ends) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_handle handle = eddy_call_later(loop, INFINITY, mark, MARK(&trace, "never"));
    eddy_call_later(loop, 1e9, mark, MARK(&trace, "in 30 years"));
    run_dry(loop);

    ASSERT_STR_EQ(trace.text, "in 30 years");
    ASSERT(handle.token != 0);
    eddy_handle_cancel(handle);
}

struct chain {
    eddy_loop *loop;
    struct trace *trace;
    int left;
};

static void call_next(void *arg) {
    struct chain *chain = arg;

    trace_add(chain->trace, "link");
    if (--chain->left > 0)
        eddy_call_soon(chain->loop, call_next, chain);
}

TEST(a_callback_called_from_a_callback_runs_in_the_same_turn) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    struct chain chain = {loop, &trace, 3};
    eddy_call_soon(loop, call_next, &chain);
    ASSERT_OK(eddy_loop_run_once(loop, 0));

    ASSERT_STR_EQ(trace.text, "link link link");
}

static void call_zero(void *arg) {
    struct chain *chain = arg;

    trace_add(chain->trace, "turn");
    if (--chain->left > 0)
        eddy_call_later(chain->loop, 0, call_zero, chain);
}

TEST(a_delay_of_zero_waits_for_a_turn_each_time) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    struct chain chain = {loop, &trace, 3};
    eddy_loop_statistics before, after;
    eddy_loop_info(loop, &before);
    eddy_call_later(loop, 0, call_zero, &chain);
    run_dry(loop);
    eddy_loop_info(loop, &after);

    ASSERT_STR_EQ(trace.text, "turn turn turn");
    ASSERT(after.turns - before.turns >= 3);
}

/* --- the turn's budget ------------------------------------------------------------------------ */

/* A callback that is always ready again. */
struct busy {
    eddy_loop *loop;
    int rounds, rounds_at_event;
};

static void keep_busy(void *arg) {
    struct busy *busy = arg;

    busy->rounds++;
    eddy_call_soon(busy->loop, keep_busy, busy);
}

static void note_rounds(void *arg) {
    struct busy *busy = arg;

    busy->rounds_at_event = busy->rounds;
    eddy_loop_stop(busy->loop);
}

TEST(callbacks_that_are_always_ready_do_not_starve_timers) {
    LOOP loop = test_loop();
    struct busy busy = {.loop = loop};
    eddy_call_soon(loop, keep_busy, &busy);
    eddy_call_later(loop, 0, note_rounds, &busy);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT(busy.rounds_at_event >= 256 && busy.rounds_at_event <= 257);
}

TEST(callbacks_that_are_always_ready_do_not_starve_descriptors) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    struct busy busy = {.loop = loop};
    put(ends.far, "x");
    ASSERT_OK(eddy_add_reader(loop, ends.near, note_rounds, &busy));
    eddy_call_soon(loop, keep_busy, &busy);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT_INT_EQ(busy.rounds_at_event, 256);
}

TEST(callbacks_that_are_always_ready_do_not_starve_other_threads) {
    LOOP loop = test_loop();
    struct busy busy = {.loop = loop};
    eddy_call_soon(loop, keep_busy, &busy);
    ASSERT_OK(eddy_call_soon_threadsafe(loop, note_rounds, &busy));
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT_INT_EQ(busy.rounds_at_event, 256);
}

static void keep_due(void *arg) {
    struct busy *busy = arg;

    busy->rounds++;
    eddy_call_later(busy->loop, 0, keep_due, busy);
}

TEST(timers_that_are_always_due_do_not_starve_descriptors) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    struct busy busy = {.loop = loop};
    put(ends.far, "x");
    ASSERT_OK(eddy_add_reader(loop, ends.near, note_rounds, &busy));
    eddy_call_later(loop, 0, keep_due, &busy);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT(busy.rounds_at_event <= 2);
}

TEST(what_the_budget_left_over_runs_later_in_order) {
    LOOP loop = test_loop();
    struct chain chain = {loop, &(struct trace){.count = 0}, 1};
    int ran = 0;
    for (int i = 0; i < 1000; i++)
        eddy_call_soon(loop, count, &ran);
    eddy_call_soon(loop, call_next, &chain);
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT(ran >= 256 && ran <= 512);
    ASSERT(eddy_loop_timeout(loop) == 0);

    while (chain.trace->count == 0)
        ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_INT_EQ(ran, 1000);
}

/* --- cancelling ------------------------------------------------------------------------------- */

TEST(a_cancelled_callback_does_not_run) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_handle soon = eddy_call_soon(loop, mark, MARK(&trace, "soon"));
    eddy_handle later = eddy_call_later(loop, 1, mark, MARK(&trace, "later"));
    eddy_call_soon(loop, mark, MARK(&trace, "kept"));
    eddy_handle_cancel(soon);
    eddy_handle_cancel(later);
    run_dry(loop);

    ASSERT_STR_EQ(trace.text, "kept");
    ASSERT_INT_EQ(eddy__loop_now(loop), 0); /* nobody waited for the later one */
}

static void cancel(void *handle) {
    eddy_handle_cancel(*(eddy_handle *)handle);
}

TEST(a_callback_may_be_cancelled_by_the_one_before_it) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_handle handles[2];
    eddy_call_soon(loop, cancel, &handles[0]);
    eddy_call_later(loop, 1, cancel, &handles[1]);
    handles[0] = eddy_call_soon(loop, mark, MARK(&trace, "soon"));
    handles[1] = eddy_call_later(loop, 1, mark, MARK(&trace, "due at the same time"));
    run_dry(loop);

    ASSERT_STR_EQ(trace.text, "");
}

TEST(a_callback_may_cancel_itself_to_no_effect) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_handle handle;
    handle = eddy_call_soon(loop, cancel, &handle);
    eddy_call_soon(loop, mark, MARK(&trace, "after"));
    run_dry(loop);

    ASSERT_STR_EQ(trace.text, "after");
}

TEST(cancelling_twice_is_harmless) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_handle handle = eddy_call_later(loop, 1, mark, MARK(&trace, "first"));
    eddy_handle_cancel(handle);
    eddy_call_later(loop, 1, mark, MARK(&trace, "second")); /* in the place of the first */
    eddy_handle_cancel(handle);
    run_dry(loop);

    ASSERT_STR_EQ(trace.text, "second");
}

TEST(cancelling_twice_gives_the_place_back_once) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_handle handle = eddy_call_later(loop, 1, mark, MARK(&trace, "never"));
    eddy_handle_cancel(handle);
    eddy_handle_cancel(handle);
    eddy_call_later(loop, 1, mark, MARK(&trace, "one"));
    eddy_call_later(loop, 1, mark, MARK(&trace, "two"));
    run_dry(loop);

    ASSERT_STR_EQ(trace.text, "one two");
}

TEST(callbacks_that_are_over_give_their_places_back) {
    LOOP loop = test_loop();
    uint32_t reserved = loop->ready.reserved;
    int ran = 0;
    for (int i = 0; i < 2000; i++) {
        eddy_call_soon(loop, count, &ran);
        eddy_handle_cancel(eddy_call_soon(loop, count, &ran));
        eddy_call_later(loop, 1, count, &ran);
        eddy_handle_cancel(eddy_call_later(loop, 1, count, &ran));
        run_dry(loop);
    }
    ASSERT_INT_EQ(ran, 4000);
    ASSERT_UINT_EQ(loop->handles.slab.in_use, 0);
    ASSERT_UINT_EQ(loop->ready.reserved, reserved + loop->handles.slab.open);
}

/* So many seconds, a turn in each. */
static void pass_seconds(eddy_loop *loop, int seconds) {
    int ticks = 0;

    for (int i = 1; i <= seconds; i++)
        eddy_call_later(loop, i, count, &ticks);
    run_dry(loop);
    ASSERT_INT_EQ(ticks, seconds);
}

TEST(after_a_peak_the_memory_of_callbacks_and_their_places_goes_back) {
    enum { MANY = 20000 };
    LOOP loop = test_loop();
    eddy_handle *handles = calloc(MANY, sizeof(*handles));
    int ran = 0, stale = 0;
    for (int i = 0; i < MANY; i++)
        handles[i] = eddy_call_later(loop, 1, count, &ran);
    run_dry(loop);
    ASSERT_INT_EQ(ran, MANY);
    ASSERT(loop->handles.slab.open >= MANY);
    pass_seconds(loop, 40);

    ASSERT(loop->handles.slab.open <= SLAB_KEPT);
    ASSERT(loop->ready.reserved <= SLAB_KEPT + 1);
    ASSERT(loop->ready.capacity <= 4096);
    for (int i = 0; i < MANY; i++)
        eddy_handle_cancel(handles[i]); /* stale, and their memory is gone */
    for (int i = 0; i < MANY; i++)
        eddy_call_soon(loop, count, &stale);
    for (int i = 0; i < MANY; i++)
        eddy_handle_cancel(handles[i]); /* stale, and others have the memory */
    run_dry(loop);
    ASSERT_INT_EQ(stale, MANY);
    free(handles);
}

TEST(a_zero_handle_cancels_nothing) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_call_soon(loop, mark, MARK(&trace, "kept"));
    eddy_handle_cancel((eddy_handle){0});
    run_dry(loop);

    ASSERT_STR_EQ(trace.text, "kept");
}

TEST(a_handle_that_means_nothing_cancels_nothing) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_handle handle = eddy_call_soon(loop, mark, MARK(&trace, "kept"));
    for (int bit = 0; bit < 64; bit++) /* another slot, generation, loop */
        eddy_handle_cancel((eddy_handle){handle.token ^ 1ULL << bit});
    eddy_handle_cancel((eddy_handle){UINT64_MAX});
    run_dry(loop);

    ASSERT_STR_EQ(trace.text, "kept");
}

TEST(the_handle_of_a_callback_that_has_run_is_stale) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_handle first = eddy_call_soon(loop, mark, MARK(&trace, "first"));
    run_dry(loop);
    eddy_handle second = eddy_call_soon(loop, mark, MARK(&trace, "second"));
    ASSERT(first.token != second.token);
    eddy_handle_cancel(first);
    run_dry(loop);

    ASSERT_STR_EQ(trace.text, "first second");
}

TEST(the_handle_of_a_closed_loop_is_stale_in_the_next_loop) {
    struct trace trace = {0};
    eddy_handle handles[3];
    for (int i = 0; i < 3; i++) {
        LOOP loop = test_loop();
        handles[i] = eddy_call_soon(loop, mark, MARK(&trace, "ran"));
        for (int earlier = 0; earlier < i; earlier++)
            eddy_handle_cancel(handles[earlier]);
        run_dry(loop);
    }
    eddy_handle_cancel(handles[0]); /* no loop at all */

    ASSERT_STR_EQ(trace.text, "ran ran ran");
}

TEST(the_handle_of_one_loop_is_nothing_to_another) {
    LOOP one = test_loop();
    LOOP two = test_loop();
    struct trace trace = {0};
    eddy_handle of_one = eddy_call_soon(one, mark, MARK(&trace, "one"));
    eddy_call_soon(two, mark, MARK(&trace, "two"));
    eddy_handle_cancel(of_one);
    run_dry(two);
    run_dry(one);

    ASSERT_STR_EQ(trace.text, "two");
}

static void *cancel_elsewhere(void *handle) {
    cancel(handle);
    return NULL;
}

TEST(a_handle_is_nothing_to_another_thread) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    pthread_t thread;
    eddy_handle handle = eddy_call_soon(loop, mark, MARK(&trace, "kept"));
    pthread_create(&thread, NULL, cancel_elsewhere, &handle);
    pthread_join(thread, NULL);
    run_dry(loop);

    ASSERT_STR_EQ(trace.text, "kept");
}

TEST(many_callbacks_have_as_many_handles) {
    enum { COUNT = 5000 };
    LOOP loop = test_loop();
    eddy_handle handles[COUNT];
    int ran = 0;
    for (int i = 0; i < COUNT; i++)
        handles[i] = eddy_call_later(loop, i % 10, count, &ran);
    for (int i = 0; i < COUNT; i += 2)
        eddy_handle_cancel(handles[i]);
    run_dry(loop);

    ASSERT_INT_EQ(ran, COUNT / 2);
}

/* --- refusals --------------------------------------------------------------------------------- */

static void *schedule_elsewhere(void *loop) {
    ASSERT_UINT_EQ(eddy_call_soon(loop, stop, loop).token, 0);
    ASSERT_LAST_ERROR(EDDY_EWRONG_THREAD, "another thread");
    ASSERT_UINT_EQ(eddy_call_later(loop, 1, stop, loop).token, 0);
    ASSERT_UINT_EQ(eddy_call_at(loop, 1, stop, loop).token, 0);
    return NULL;
}

TEST(another_thread_gets_no_handle_but_a_sentence) {
    LOOP loop = test_loop();
    pthread_t thread;
    pthread_create(&thread, NULL, schedule_elsewhere, loop);
    pthread_join(thread, NULL);

    ASSERT(eddy_loop_timeout(loop) == INFINITY);
}

TEST(without_memory_the_handle_is_zero) {
    scarce_begin();
    LOOP loop = test_loop();
    uint32_t reserved = loop->ready.reserved;
    int ran = 0, made = 0;
    scarce_left = 0;
    while (eddy_call_soon(loop, count, &ran).token) /* what has room already goes on */
        made++;
    ASSERT_LAST_ERROR(-ENOMEM, "memory");
    ASSERT_UINT_EQ(eddy_call_later(loop, 1, count, &ran).token, 0);
    ASSERT_UINT_EQ(eddy_call_at(loop, 1, count, &ran).token, 0);

    scarce_left = INT_MAX;
    ASSERT(eddy_call_soon(loop, count, &ran).token != 0);
    run_dry(loop);
    ASSERT_INT_EQ(ran, made + 1);
    ASSERT_UINT_EQ(loop->ready.reserved, reserved + loop->handles.slab.open);
}
