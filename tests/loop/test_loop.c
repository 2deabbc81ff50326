/* SPDX-License-Identifier: MIT
 * test_loop.c - a loop: how it is made, runs and stops, its clock, and what it tells of itself.
 *
 * Its end is in test_loop_close.c, whose it is in test_loop_owner.c. */
#include <errno.h>
#include <stdlib.h>

#include "../base/scarce.h"
#include "fixture.h"

/* --- making ----------------------------------------------------------------------------------- */

TEST(a_new_loop_needs_no_options) {
    LOOP loop = NULL;
    ASSERT_OK(eddy_loop_new(NULL, &loop));

    ASSERT(!eddy_loop_is_running(loop));
    ASSERT(eddy_loop_timeout(loop) == INFINITY);
}

TEST(options_of_an_older_program_are_shorter) {
    struct {
        eddy_backend backend;
        eddy_clock clock;
    } options = {.clock = EDDY_CLOCK_VIRTUAL};
    LOOP loop = NULL;
    ASSERT_OK(eddy_loop_new_sized((eddy_loop_options *)&options, sizeof(options), &loop));

    ASSERT_INT_EQ(eddy__loop_now(loop), 0); /* the clock was read */
    ASSERT_UINT_EQ(loop->options.stack_bytes, 0);
}

TEST(options_of_a_newer_program_are_longer) {
    struct {
        eddy_loop_options options;
        char more[64];
    } options = {.options.clock = EDDY_CLOCK_VIRTUAL, .more = "not understood"};
    LOOP loop = NULL;
    ASSERT_OK(eddy_loop_new_sized(&options.options, sizeof(options), &loop));

    ASSERT_INT_EQ(eddy__loop_now(loop), 0);
}

TEST(a_loop_without_descriptors_is_refused_with_a_sentence) {
    eddy_loop *loop = NULL;
    for (int left = 0; left < 2; left++) { /* without the first, without the second */
        leave_descriptors(left);
        int before = descriptors_open();
        ASSERT_CODE(-EMFILE, eddy_loop_new(NULL, &loop));
        ASSERT_LAST_ERROR(-EMFILE, "event loop");
        ASSERT_INT_EQ(descriptors_open(), before);
    }
    ASSERT_NULL(loop);
    forget_last_error();
    leave_all_descriptors();
}

TEST(a_loop_without_memory_is_refused_and_leaks_nothing) {
    scarce_begin();
    eddy_loop *loop = NULL;
    int before = descriptors_open();
    for (scarce_left = 0;; scarce_left++) {
        int allowed = scarce_left, r = eddy_loop_new(NULL, &loop);
        if (r == 0)
            break;
        ASSERT_CODE(-ENOMEM, r);
        forget_last_error();
        ASSERT_INT_EQ(scarce_out, 0);
        ASSERT_INT_EQ(descriptors_open(), before);
        scarce_left = allowed;
    }
    scarce_left = INT_MAX;
    eddy_loop_close(loop);
    ASSERT_INT_EQ(scarce_out, 0);
}

/* --- running and stopping --------------------------------------------------------------------- */

TEST(a_loop_runs_until_it_is_stopped) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_call_later(loop, 1, mark, MARK(&trace, "one"));
    eddy_call_later(loop, 2, stop, loop);
    eddy_call_later(loop, 3, mark, MARK(&trace, "three"));
    ASSERT_OK(eddy_loop_run_forever(loop));
    ASSERT_STR_EQ(trace.text, "one");

    eddy_call_later(loop, 2, stop, loop);
    ASSERT_OK(eddy_loop_run_forever(loop)); /* the stop is forgotten, the timer is not */
    ASSERT_STR_EQ(trace.text, "one three");
}

TEST(a_loop_stopped_before_it_runs_runs_what_is_ready) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_call_soon(loop, mark, MARK(&trace, "ready"));
    eddy_call_later(loop, 1, mark, MARK(&trace, "later"));
    eddy_loop_stop(loop);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT_STR_EQ(trace.text, "ready");
    ASSERT_INT_EQ(eddy__loop_now(loop), 0);
}

/* The idiom of asyncio's users: stop(), run_forever(), and whatever was ready is done. */
TEST(a_loop_stopped_before_it_runs_polls_once) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    int reads = 0, posts = 0;
    put(ends.far, "x");
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
    ASSERT_OK(eddy_call_soon_threadsafe(loop, count, &posts));
    eddy_loop_stop(loop);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT_INT_EQ(reads, 1);
    ASSERT_INT_EQ(posts, 1);
}

TEST(stopping_twice_stops_once) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_loop_stop(loop);
    eddy_loop_stop(loop);
    ASSERT_OK(eddy_loop_run_forever(loop));
    eddy_call_later(loop, 1, mark, MARK(&trace, "again"));
    eddy_call_later(loop, 1, stop, loop);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT_STR_EQ(trace.text, "again");
}

TEST(callbacks_that_are_ready_at_the_stop_all_run) {
    LOOP loop = test_loop();
    int ran = 0;
    eddy_call_soon(loop, stop, loop);
    for (int i = 0; i < 1000; i++) /* more than a turn's budget */
        eddy_call_soon(loop, count, &ran);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT_INT_EQ(ran, 1000);
}

static void keep_busy(void *loop) {
    eddy_call_soon(loop, keep_busy, loop);
}

TEST(callbacks_that_are_always_ready_do_not_keep_a_stopped_loop_running) {
    LOOP loop = test_loop();
    eddy_call_soon(loop, keep_busy, loop);
    eddy_call_soon(loop, stop, loop);
    ASSERT_OK(eddy_loop_run_forever(loop));
}

/* It looks for a minute, unless something comes. */
TEST(a_loop_that_looks_before_it_sleeps_still_keeps_its_deadlines) {
    const eddy_loop_options options = {.poll_spin_seconds = 60};
    ENDS ends = ends_open();
    int reads = 0;
    LOOP loop = NULL;
    ASSERT_OK(eddy_loop_new(&options, &loop));
    eddy_call_later(loop, 0.001, stop, loop);
    ASSERT_OK(eddy_loop_run_forever(loop));
    put(ends.far, "x");
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
    ASSERT_OK(eddy_loop_run_once(loop, INFINITY));
    ASSERT_INT_EQ(reads, 1);
    drain(ends.near);
    ASSERT_OK(eddy_loop_run_once(loop, 0.001));
    ASSERT_INT_EQ(eddy_remove_reader(loop, ends.near), 1);
}

TEST(run_once_waits_no_longer_than_it_was_told) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_call_later(loop, 5, mark, MARK(&trace, "five"));
    ASSERT_OK(eddy_loop_run_once(loop, 2));
    ASSERT(eddy_loop_timeout(loop) == 3);
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT(eddy_loop_timeout(loop) == 3);
    ASSERT_OK(eddy_loop_run_once(loop, -1));
    ASSERT(eddy_loop_timeout(loop) == 3);
    ASSERT_STR_EQ(trace.text, "");

    ASSERT_OK(eddy_loop_run_once(loop, 3));
    ASSERT_STR_EQ(trace.text, "five");
}

TEST(run_once_does_not_wait_when_something_is_ready) {
    LOOP loop = test_loop();
    struct trace trace = {0};
    eddy_call_soon(loop, mark, MARK(&trace, "ready"));
    eddy_call_later(loop, 1, mark, MARK(&trace, "later"));
    ASSERT_OK(eddy_loop_run_once(loop, INFINITY));

    ASSERT_STR_EQ(trace.text, "ready");
    ASSERT_INT_EQ(eddy__loop_now(loop), 0);
}

TEST(run_once_lets_virtual_time_pass_without_timers_too) {
    LOOP loop = test_loop();
    int64_t before = eddy__os_now();
    ASSERT_OK(eddy_loop_run_once(loop, 7));

    ASSERT(seconds_from_ns(eddy__loop_now(loop)) == 7);
    ASSERT(eddy__os_now() - before < 5 * NS_PER_SECOND);
}

struct inside {
    eddy_loop *loop, *other;
    int forever, once, other_forever;
};

static void run_inside(void *arg) {
    struct inside *inside = arg;
    inside->forever = eddy_loop_run_forever(inside->loop);
    ASSERT_LAST_ERROR(-EDEADLK, "running on this thread already");
    inside->once = eddy_loop_run_once(inside->loop, 0);
    inside->other_forever = eddy_loop_run_forever(inside->other);
    ASSERT_PTR_EQ(eddy_running_loop(), inside->loop);
    eddy_loop_stop(inside->loop);
}

TEST(running_inside_a_running_loop_is_refused) {
    LOOP loop = test_loop();
    LOOP other = test_loop();
    struct inside inside = {.loop = loop, .other = other};
    eddy_call_soon(loop, run_inside, &inside);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT_CODE(-EDEADLK, inside.forever);
    ASSERT_CODE(-EDEADLK, inside.once);
    ASSERT_CODE(-EDEADLK, inside.other_forever);
    forget_last_error();
}

static void note_running(void *loop) {
    ASSERT_PTR_EQ(eddy_running_loop(), loop);
    ASSERT(eddy_loop_is_running(loop));
    eddy_loop_stop(loop);
}

TEST(the_running_loop_is_known_while_it_runs) {
    LOOP loop = test_loop();
    ASSERT_NULL(eddy_running_loop());
    eddy_call_soon(loop, note_running, loop);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT_NULL(eddy_running_loop());
    ASSERT(!eddy_loop_is_running(loop));
}

/* --- time ------------------------------------------------------------------------------------- */

static double now_of(eddy_loop *loop) {
    return (double)eddy__loop_now(loop) / 1e9;
}

TEST(virtual_time_begins_at_zero_and_jumps) {
    LOOP loop = test_loop();
    int64_t before = eddy__os_now();
    ASSERT(now_of(loop) == 0);
    eddy_call_later(loop, 86400, stop, loop);
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT(now_of(loop) == 86400);
    ASSERT(eddy__os_now() - before < 5 * NS_PER_SECOND);
}

struct twice {
    double first, second;
};

static void read_twice(void *arg) {
    struct twice *twice = arg;
    int64_t begin = eddy__os_now();
    twice->first = eddy_time();
    while (eddy__os_now() == begin)
        continue;
    twice->second = eddy_time();
}

TEST(the_clock_stands_still_within_a_turn) {
    LOOP loop = loop_of_clock(EDDY_CLOCK_MONOTONIC);
    struct twice twice;
    eddy_call_soon(loop, read_twice, &twice);
    ASSERT_OK(eddy_loop_run_once(loop, 0));

    ASSERT(twice.first == twice.second);
    ASSERT(twice.first > 0);
}

TEST(the_clock_goes_on_outside_of_a_run) {
    double first = eddy_time(), second;
    do
        second = eddy_time();
    while (second == first);
    ASSERT(second > first);
}

static void note_time(void *seen) {
    *(double *)seen = eddy_time();
}

TEST(the_clock_is_read_when_a_run_begins) {
    LOOP loop = loop_of_clock(EDDY_CLOCK_MONOTONIC);
    double seen;
    turn(loop);
    double now = (double)eddy__os_now() / 1e9;
    eddy_call_soon(loop, note_time, &seen);
    turn(loop);

    ASSERT(seen >= now);
}

TEST(the_clock_is_read_after_a_wait) {
    LOOP loop = loop_of_clock(EDDY_CLOCK_MONOTONIC);
    ENDS ends = ends_open();
    double seen = 0, begin = (double)eddy__os_now() / 1e9;
    ASSERT_OK(eddy_add_reader(loop, ends.near, note_time, &seen));
    ASSERT_OK(eddy_loop_run_once(loop, 0.002)); /* nothing comes */
    eddy_call_soon(loop, note_time, &seen);
    put(ends.far, "x");
    turn(loop);

    ASSERT(seen - begin >= 0.002);
}

/* --- what it tells ---------------------------------------------------------------------------- */

TEST(the_information_counts_turns_and_callbacks) {
    LOOP loop = test_loop();
    eddy_loop_statistics before, after;
    int ran = 0;
    ASSERT_OK(eddy_loop_info(loop, &before));
    for (int i = 0; i < 10; i++)
        eddy_call_soon(loop, count, &ran);
    run_dry(loop);
    ASSERT_OK(eddy_loop_info(loop, &after));

    ASSERT_UINT_EQ(after.switches - before.switches, 10);
    ASSERT(after.turns > before.turns);
    ASSERT_UINT_EQ(after.tasks, 0);
}

TEST(the_information_has_words_for_everything) {
    LOOP loop = test_loop();
    eddy_loop_statistics info;
    ASSERT_OK(eddy_loop_info(loop, &info));

    ASSERT_NOT_NULL(info.backend);
    ASSERT_NOT_NULL(info.reason);
    ASSERT_NOT_NULL(info.stack_guard);
}

TEST(the_information_for_an_older_program_is_shorter) {
    LOOP loop = test_loop();
    eddy_loop_statistics info;
    memset(&info, 0x55, sizeof(info));
    ASSERT_OK(eddy_loop_info_sized(loop, &info, offsetof(eddy_loop_statistics, turns)));

    ASSERT_NOT_NULL(info.backend);
    ASSERT_UINT_EQ(info.turns, 0x5555555555555555);
}

static void again(void *counter) {
    ++*(int *)counter;
    eddy_call_soon(NULL, again, counter);
}

TEST(a_turn_runs_as_many_callbacks_as_its_budget_allows) {
    LOOP loop;
    int ran = 0;
    ASSERT_OK(
        eddy_loop_new(&(eddy_loop_options){.clock = EDDY_CLOCK_VIRTUAL, .turn_budget = 5}, &loop));
    eddy_call_soon(loop, again, &ran);
    eddy_call_later(loop, 0, stop, loop); /* due in the first turn, after the budget */
    ASSERT_OK(eddy_loop_run_forever(loop));
    ASSERT(ran >= 5 && ran <= 10);
}
