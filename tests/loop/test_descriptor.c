/* SPDX-License-Identifier: MIT
 * test_descriptor.c - eddy_add_reader() and eddy_add_writer(): level-triggered, one of each. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "../base/scarce.h"
#include "fixture.h"

/* What a callback needs to act on its descriptor. */
struct party {
    eddy_loop *loop;
    struct trace *trace;
    int fd;
    struct ends *ends;
};

/* --- being told ------------------------------------------------------------------------------- */

TEST(a_reader_is_called_when_there_is_something_to_read) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    int reads = 0;
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
    turn(loop);
    ASSERT_INT_EQ(reads, 0);
    put(ends.far, "x");
    turn(loop);
    ASSERT_INT_EQ(reads, 1);
}

TEST(a_reader_that_reads_nothing_is_called_again_and_again) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    int reads = 0;
    put(ends.far, "x");
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
    for (int i = 0; i < 5; i++)
        turn(loop);
    ASSERT_INT_EQ(reads, 5);
    drain(ends.near);
    turn(loop);
    ASSERT_INT_EQ(reads, 5);
}

TEST(a_writer_is_called_while_there_is_room) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    int writes = 0;
    ASSERT_OK(eddy_add_writer(loop, ends.near, count, &writes));
    turn(loop);
    turn(loop);
    ASSERT_INT_EQ(writes, 2);
    fill(ends.near);
    turn(loop);
    ASSERT_INT_EQ(writes, 2);
    drain(ends.far);
    turn(loop);
    ASSERT_INT_EQ(writes, 3);
}

TEST(a_descriptor_may_have_a_reader_and_a_writer) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    struct trace trace = {0};
    ASSERT_OK(eddy_add_writer(loop, ends.near, mark, MARK(&trace, "write")));
    ASSERT_OK(eddy_add_reader(loop, ends.near, mark, MARK(&trace, "read")));
    turn(loop);
    ASSERT_STR_EQ(trace.text, "write");
    put(ends.far, "x");
    turn(loop);
    ASSERT_STR_EQ(trace.text, "write read write");
    ASSERT_INT_EQ(eddy_remove_writer(loop, ends.near), 1);
    turn(loop);
    ASSERT_STR_EQ(trace.text, "write read write read");
}

TEST(a_pipe_tells_its_reader_of_the_end) {
    LOOP loop = test_loop();
    int pipe_ends[2], reads = 0;
    ASSERT_INT_EQ(pipe(pipe_ends), 0);
    FD reader = pipe_ends[0];
    ASSERT_OK(eddy_add_reader(loop, reader, count, &reads));
    turn(loop);
    ASSERT_INT_EQ(reads, 0);
    eddy__os_close(pipe_ends[1]);
    turn(loop);
    ASSERT_INT_EQ(reads, 1);
}

TEST(a_pipe_tells_its_writer_that_nobody_reads) {
    LOOP loop = test_loop();
    int pipe_ends[2], writes = 0;
    ASSERT_INT_EQ(pipe(pipe_ends), 0);
    FD writer = pipe_ends[1];
    ASSERT_INT_EQ(fcntl(writer, F_SETFL, O_NONBLOCK), 0);
    fill(writer);
    ASSERT_OK(eddy_add_writer(loop, writer, count, &writes));
    turn(loop);
    ASSERT_INT_EQ(writes, 0);
    eddy__os_close(pipe_ends[0]);
    turn(loop);
    ASSERT_INT_EQ(writes, 1);
}

TEST(a_peer_that_is_gone_is_told_to_reader_and_writer) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    int reads = 0, writes = 0;
    fill(ends.near);
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
    ASSERT_OK(eddy_add_writer(loop, ends.near, count, &writes));
    eddy__os_close(TAKE_FD(ends.far));
    turn(loop);
    ASSERT_INT_EQ(reads, 1);
    ASSERT_INT_EQ(writes, 1);
}

/* The edges of tables that double, and the number that is no "no". */
TEST(a_descriptor_of_any_number_can_be_watched) {
    const int numbers[] = {0, 63, 64, 65, 127, 128, 255, 256, 512};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        LOOP loop = test_loop();
        ENDS ends = ends_open();
        int reads = 0;
        put(ends.far, "x");
        ASSERT_INT_EQ(dup2(ends.near, numbers[i]), numbers[i]);
        ASSERT_OK(eddy_add_reader(loop, numbers[i], count, &reads));
        turn(loop);
        ASSERT_INT_EQ(reads, 1);
        ASSERT_INT_EQ(eddy_remove_reader(loop, numbers[i]), 1);
        close(numbers[i]);
    }
}

TEST(no_loop_means_the_default_loop) {
    ENDS ends = ends_open();
    int reads = 0;
    put(ends.far, "x");
    ASSERT_OK(eddy_add_reader(NULL, ends.near, count, &reads));
    turn(eddy__default_loop());
    ASSERT_INT_EQ(reads, 1);
    ASSERT_INT_EQ(eddy_remove_reader(NULL, ends.near), 1);
}

TEST(more_descriptors_than_one_poll_tells_are_all_told) {
    enum { COUNT = 400 };
    LOOP loop = test_loop();
    struct ends ends[COUNT];
    int reads[COUNT] = {0};
    for (int i = 0; i < COUNT; i++) {
        ends[i] = ends_open();
        put(ends[i].far, "x");
        ASSERT_OK(eddy_add_reader(loop, ends[i].near, count, &reads[i]));
    }
    for (int i = 0; i < COUNT / 16; i++) /* a poll tells of 32 at least */
        turn(loop);
    for (int i = 0; i < COUNT; i++) {
        ASSERT(reads[i] > 0);
        eddy_remove_reader(loop, ends[i].near);
        ends_closep(&ends[i]);
    }
}

/* --- replacing and removing ------------------------------------------------------------------- */

TEST(a_second_reader_replaces_the_first) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    struct trace trace = {0};
    put(ends.far, "x");
    ASSERT_OK(eddy_add_reader(loop, ends.near, mark, MARK(&trace, "first")));
    ASSERT_OK(eddy_add_reader(loop, ends.near, mark, MARK(&trace, "second")));
    turn(loop);

    ASSERT_STR_EQ(trace.text, "second");
}

TEST(removing_tells_whether_there_was_one) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    int ran = 0;
    ASSERT_INT_EQ(eddy_remove_reader(loop, ends.near), 0);
    ASSERT_INT_EQ(eddy_remove_reader(loop, -1), 0);
    ASSERT_INT_EQ(eddy_remove_writer(loop, 100000), 0);
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &ran));
    ASSERT_INT_EQ(eddy_remove_writer(loop, ends.near), 0);
    ASSERT_INT_EQ(eddy_remove_reader(loop, ends.near), 1);
    ASSERT_INT_EQ(eddy_remove_reader(loop, ends.near), 0);
}

TEST(a_removed_reader_is_not_called) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    int reads = 0;
    put(ends.far, "x");
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
    ASSERT_INT_EQ(eddy_remove_reader(loop, ends.near), 1);
    turn(loop);
    ASSERT_INT_EQ(reads, 0);
}

static void read_once(void *arg) {
    struct party *party = arg;
    trace_add(party->trace, "read");
    ASSERT_INT_EQ(eddy_remove_reader(party->loop, party->fd), 1);
}

TEST(a_reader_may_remove_itself) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    struct trace trace = {0};
    put(ends.far, "x");
    ASSERT_OK(eddy_add_reader(loop, ends.near, read_once,
                              &(struct party){loop, &trace, ends.near, NULL}));
    turn(loop);
    turn(loop);

    ASSERT_STR_EQ(trace.text, "read");
}

static void read_and_remove_both(void *arg) {
    struct party *party = arg;
    read_once(arg);
    ASSERT_INT_EQ(eddy_remove_writer(party->loop, party->fd), 1);
}

TEST(a_reader_may_remove_itself_and_the_writer) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    struct trace trace = {0};
    struct party party = {loop, &trace, ends.near, NULL};
    put(ends.far, "x");
    ASSERT_OK(eddy_add_reader(loop, ends.near, read_and_remove_both, &party));
    ASSERT_OK(eddy_add_writer(loop, ends.near, mark, MARK(&trace, "write")));
    turn(loop);
    turn(loop);

    ASSERT_STR_EQ(trace.text, "read");
}

static void read_and_add_again(void *arg) {
    struct party *party = arg;
    read_once(arg);
    ASSERT_OK(eddy_add_reader(party->loop, party->fd, read_and_add_again, party));
}

TEST(a_reader_may_remove_itself_and_come_back) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    struct trace trace = {0};
    put(ends.far, "x");
    ASSERT_OK(eddy_add_reader(loop, ends.near, read_and_add_again,
                              &(struct party){loop, &trace, ends.near, NULL}));
    for (int i = 0; i < 3; i++)
        turn(loop);

    ASSERT_STR_EQ(trace.text, "read read read");
}

TEST(a_reader_that_comes_and_goes_within_a_turn_is_never_called) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    int reads = 0;
    put(ends.far, "x");
    for (int i = 0; i < 10; i++) {
        ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
        ASSERT_INT_EQ(eddy_remove_reader(loop, ends.near), 1);
    }
    turn(loop);
    ASSERT_INT_EQ(reads, 0);
}

TEST(a_reader_that_goes_and_comes_within_a_turn_is_called) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    int reads = 0;
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
    turn(loop);
    for (int i = 0; i < 10; i++) {
        ASSERT_INT_EQ(eddy_remove_reader(loop, ends.near), 1);
        ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
    }
    put(ends.far, "x");
    turn(loop);
    ASSERT_INT_EQ(reads, 1);
}

static void swap_for_writer(void *arg) {
    struct party *party = arg;
    static struct mark write_mark;
    write_mark = *MARK(party->trace, "write");
    read_once(arg);
    ASSERT_OK(eddy_add_writer(party->loop, party->fd, mark, &write_mark));
}

TEST(a_reader_may_make_way_for_a_writer) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    struct trace trace = {0};
    put(ends.far, "x");
    ASSERT_OK(eddy_add_reader(loop, ends.near, swap_for_writer,
                              &(struct party){loop, &trace, ends.near, NULL}));
    turn(loop);
    turn(loop);

    ASSERT_STR_EQ(trace.text, "read write");
}

static void remove_other(void *arg) {
    struct party *party = arg;
    trace_add(party->trace, "one of two");
    ASSERT_INT_EQ(eddy_remove_reader(party->loop, party->ends->near), 1);
    ASSERT_INT_EQ(eddy_remove_reader(party->loop, party->fd), 1);
}

TEST(a_reader_removed_by_another_one_in_the_same_poll_is_not_called) {
    LOOP loop = test_loop();
    ENDS one = ends_open();
    ENDS two = ends_open();
    struct trace trace = {0};
    put(one.far, "x");
    put(two.far, "x");
    ASSERT_OK(eddy_add_reader(loop, one.near, remove_other,
                              &(struct party){loop, &trace, one.near, &two}));
    ASSERT_OK(eddy_add_reader(loop, two.near, remove_other,
                              &(struct party){loop, &trace, two.near, &one}));
    turn(loop);

    ASSERT_STR_EQ(trace.text, "one of two");
}

/* --- numbers that are used again -------------------------------------------------------------- */

/* Closes what was watched and opens other sockets in its place, with nothing to read. */
static void close_and_open(struct ends *ends) {
    int near = ends->near;
    ends_closep(ends);
    *ends = ends_open();
    if (ends->near != near) { /* the lowest free number is given first */
        ASSERT(dup3(ends->near, near, O_CLOEXEC) == near);
        eddy__os_close(ends->near);
        ends->near = near;
    }
}

TEST(a_number_used_again_within_a_turn_is_watched_anew) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    struct trace trace = {0};
    put(ends.far, "x");
    ASSERT_OK(eddy_add_reader(loop, ends.near, mark, MARK(&trace, "old")));
    turn(loop);
    ASSERT_INT_EQ(eddy_remove_reader(loop, ends.near), 1);
    close_and_open(&ends);
    ASSERT_OK(eddy_add_reader(loop, ends.near, mark, MARK(&trace, "new")));
    turn(loop);
    ASSERT_STR_EQ(trace.text, "old"); /* nothing has come yet */
    put(ends.far, "x");
    turn(loop);
    ASSERT_STR_EQ(trace.text, "old new");
}

TEST(a_number_closed_without_a_removal_is_watched_again_once_it_is_removed) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    int reads = 0;
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
    turn(loop);
    close_and_open(&ends); /* too early: the kernel has forgotten it, the loop has not */
    ASSERT_INT_EQ(eddy_remove_reader(loop, ends.near), 1);
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
    put(ends.far, "x");
    turn(loop);

    ASSERT_INT_EQ(reads, 1);
}

TEST(a_watch_that_changes_after_such_a_close_is_put_right) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    int reads = 0, writes = 0;
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
    close_and_open(&ends);
    ASSERT_OK(eddy_add_writer(loop, ends.near, count, &writes));
    put(ends.far, "x");
    turn(loop);

    ASSERT_INT_EQ(reads, 1);
    ASSERT_INT_EQ(writes, 1);
}

static void take_its_number(void *arg) {
    struct party *party = arg;
    static struct mark empty_mark;
    empty_mark = *MARK(party->trace, "empty");
    trace_add(party->trace, "took");
    if (party->trace->count > 1)
        return;
    ASSERT_INT_EQ(eddy_remove_reader(party->loop, party->ends->near), 1);
    close_and_open(party->ends);
    ASSERT_OK(eddy_add_reader(party->loop, party->ends->near, mark, &empty_mark));
}

TEST(an_event_of_a_file_that_was_closed_is_not_taken_for_its_successors) {
    LOOP loop = test_loop();
    ENDS one = ends_open();
    ENDS two = ends_open();
    struct trace trace = {0};
    put(one.far, "x");
    put(two.far, "x");
    ASSERT_OK(eddy_add_reader(loop, one.near, take_its_number,
                              &(struct party){loop, &trace, one.near, &two}));
    ASSERT_OK(eddy_add_reader(loop, two.near, take_its_number,
                              &(struct party){loop, &trace, two.near, &one}));
    turn(loop);
    ASSERT_STR_EQ(trace.text, "took");
}

/* Turns in a second of virtual time, with something to read that nobody watches any more. */
static uint64_t turns_after_removal(bool turns_before_close) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    FD copy = dup(ends.near); /* for its sake the kernel keeps what was registered */
    eddy_loop_statistics before, after;
    int reads = 0;
    ASSERT_OK(copy);
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_INT_EQ(eddy_remove_reader(loop, ends.near), 1);
    if (turns_before_close)
        ASSERT_OK(eddy_loop_run_once(loop, 0));
    eddy__os_close(TAKE_FD(ends.near));
    put(ends.far, "x");
    eddy_loop_info(loop, &before);
    eddy_call_later(loop, 1, stop, loop);
    ASSERT_OK(eddy_loop_run_forever(loop));
    eddy_loop_info(loop, &after);
    ASSERT_INT_EQ(reads, 0);
    return after.turns - before.turns;
}

TEST(a_removed_descriptor_that_lives_on_as_a_copy_does_not_wake_the_loop) {
    ASSERT(turns_after_removal(true) < 10);
}

TEST(a_descriptor_removed_and_closed_at_once_that_lives_on_does_not_wake_the_loop) {
    ASSERT(turns_after_removal(false) < 10);
}

/* --- refusals --------------------------------------------------------------------------------- */

TEST(a_regular_file_is_refused_as_it_is_always_ready) {
    LOOP loop = test_loop();
    FILE *file = tmpfile();
    int ran = 0;
    ASSERT_CODE(-EPERM, eddy_add_reader(loop, fileno(file), count, &ran));
    ASSERT_LAST_ERROR(-EPERM, "cannot watch descriptor");
    ASSERT_CODE(-EPERM, eddy_add_writer(loop, fileno(file), count, &ran));
    ASSERT_INT_EQ(eddy_remove_reader(loop, fileno(file)), 0);
    fclose(file);
    forget_last_error();
}

TEST(what_is_no_descriptor_is_refused) {
    const int bad[] = {-1, INT_MIN, 500, 20000};
    LOOP loop = test_loop();
    int ran = 0;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        ASSERT_CODE(-EBADF, eddy_add_reader(loop, bad[i], count, &ran));
        ASSERT_CODE(-EBADF, eddy_add_writer(loop, bad[i], count, &ran));
    }
    ASSERT_LAST_ERROR(-EBADF, "descriptor 20000"); /* which one it was */
    forget_last_error();
}

TEST(a_number_that_no_descriptor_can_have_is_refused_without_a_table_for_it) {
    LOOP loop = test_loop();
    int ran = 0;
    ASSERT_CODE(-EBADF, eddy_add_reader(loop, INT_MAX, count, &ran));
    ASSERT_CODE(-EBADF, eddy_add_reader(loop, 1 << 30, count, &ran));
    ASSERT(loop->listeners.capacity < 1 << 24);
    forget_last_error();
}

TEST(a_refused_writer_leaves_the_reader_in_place) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    struct trace trace = {0};
    put(ends.far, "x");
    ASSERT_OK(eddy_add_reader(loop, ends.near, mark, MARK(&trace, "read")));
    ASSERT_CODE(-EBADF, eddy_add_writer(loop, -1, mark, MARK(&trace, "never")));
    turn(loop);
    ASSERT_STR_EQ(trace.text, "read");
    forget_last_error();
}

/* Remove, close, add: the descriptor is bad, and either the call or the callback has to say so. */
TEST(a_descriptor_closed_before_it_is_added_again_is_not_waited_for) {
    LOOP loop = loop_of_clock(EDDY_CLOCK_MONOTONIC);
    ENDS ends = ends_open();
    int near = ends.near;
    ASSERT_OK(eddy_add_reader(loop, near, stop, loop));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_INT_EQ(eddy_remove_reader(loop, near), 1);
    eddy__os_close(TAKE_FD(ends.near));
    int r = eddy_add_reader(loop, near, stop, loop);
    if (r == 0)
        ASSERT_OK(eddy_loop_run_forever(loop));
    else
        ASSERT_CODE(-EBADF, r);
    forget_last_error();
}

TEST(without_memory_a_reader_is_refused_and_can_be_added_later) {
    scarce_begin();
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    int reads = 0;
    put(ends.far, "x");
    for (int left = 0;; left++) {
        scarce_left = left;
        int r = eddy_add_reader(loop, ends.near, count, &reads);
        if (r == 0)
            break;
        ASSERT_CODE(-ENOMEM, r);
    }
    turn(loop);
    ASSERT_INT_EQ(reads, 1);
    scarce_left = INT_MAX;
    forget_last_error();
}

TEST(closing_a_loop_removes_its_readers) {
    ENDS ends = ends_open();
    int reads = 0;
    {
        LOOP loop = test_loop();
        ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
        ASSERT_OK(eddy_add_writer(loop, ends.far, count, &reads));
    }
    put(ends.far, "x");
    LOOP loop = test_loop();
    ASSERT_OK(eddy_loop_run_once(loop, 0));

    ASSERT_INT_EQ(reads, 0);
}

TEST(a_descriptor_closed_after_its_reader_was_removed_is_closed_at_once) {
    LOOP loop = test_loop();
    ENDS ends = ends_open();
    int reads = 0;
    char byte;
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
    turn(loop);
    ASSERT_INT_EQ(eddy_remove_reader(loop, ends.near), 1);
    eddy__os_close(TAKE_FD(ends.near));
    ASSERT_INT_EQ(read(ends.far, &byte, 1), 0); /* the peer sees the end, and no turn was needed */
}
