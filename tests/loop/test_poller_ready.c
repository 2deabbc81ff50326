/* SPDX-License-Identifier: MIT
 * test_poller_ready.c - operations that only wait for readiness, and operations beside a watch. */
#include "probe.h"

/* --- readiness -------------------------------------------------------------------------------- */

TEST(readable_is_told_and_nothing_is_read) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    begin_later(&probe, loop, EDDY__OP_READABLE, ends.near);
    turn(loop);
    ASSERT_INT_EQ(probe.done_count, 0);
    put(ends.far, "kept");

    ASSERT_INT_EQ(finish(&probe), 0);
    receive(loop, ends.near, "kept");
}

TEST(what_is_readable_already_is_told) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    put(ends.far, "there");
    for (int i = 0; i < 3; i++) { /* and told again, as nobody reads it */
        if (!begin(&probe, loop, EDDY__OP_READABLE, ends.near))
            finish(&probe);
        ASSERT_INT_EQ(probe.op.result, 0);
    }
}

TEST(what_a_receive_left_behind_is_readable) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.room = 1};
    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    put(ends.far, "ab");
    ASSERT_INT_EQ(finish(&probe), 1);
    if (!begin(&probe, loop, EDDY__OP_READABLE, ends.near))
        finish(&probe);

    receive(loop, ends.near, "b");
}

TEST(what_others_have_read_is_readable_only_when_more_comes) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    for (int i = 0; i < 3; i++) { /* a program that waits, and reads by itself */
        begin_later(&probe, loop, EDDY__OP_READABLE, ends.near);
        turn(loop);
        turn(loop);
        ASSERT_INT_EQ(probe.done_count, 0);
        put(ends.far, "x");
        ASSERT_INT_EQ(finish(&probe), 0);
        drain(ends.near);
    }
}

TEST(what_others_have_filled_is_writable_only_when_there_is_room) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    for (int i = 0; i < 3; i++) {
        fill(ends.near);
        begin_later(&probe, loop, EDDY__OP_WRITABLE, ends.near);
        turn(loop);
        turn(loop);
        ASSERT_INT_EQ(probe.done_count, 0);
        drain(ends.far);
        ASSERT_INT_EQ(finish(&probe), 0);
    }
}

TEST(writable_is_told_when_there_is_room) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    fill(ends.near);
    begin_later(&probe, loop, EDDY__OP_WRITABLE, ends.near);
    turn(loop);
    ASSERT_INT_EQ(probe.done_count, 0);
    drain(ends.far);

    ASSERT_INT_EQ(finish(&probe), 0);
}

TEST(a_descriptor_that_failed_is_readable_and_writable) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe reads = {.trace = NULL}, writes = {.trace = NULL};
    fill(ends.near);
    begin_later(&reads, loop, EDDY__OP_READABLE, ends.near);
    begin_later(&writes, loop, EDDY__OP_WRITABLE, ends.near);
    eddy__os_close(TAKE_FD(ends.far));

    ASSERT_INT_EQ(finish(&reads), 0);
    ASSERT_INT_EQ(finish(&writes), 0);
}

/* --- beside a watch --------------------------------------------------------------------------- */

static uint64_t turns_of(eddy_loop *loop) {
    eddy_loop_statistics info;
    eddy_loop_info(loop, &info);
    return info.turns;
}

TEST(a_send_beside_a_reader_does_not_keep_the_loop_awake) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    int reads = 0;
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
    fill(ends.near);
    begin_later(&probe, loop, EDDY__OP_SEND, ends.near);
    drain(ends.far);
    ASSERT_INT_EQ(finish(&probe), 100);

    uint64_t before = turns_of(loop);
    eddy_call_later(loop, 0.01, stop, loop);
    ASSERT_OK(eddy_loop_run_forever(loop));
    ASSERT(turns_of(loop) - before < 10); /* it is writable all the time, and nobody asks */
    ASSERT_INT_EQ(reads, 0);
}

TEST(a_receive_beside_a_writer_gets_what_comes) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    int writes = 0;
    ASSERT_OK(eddy_add_writer(loop, ends.near, count, &writes));
    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    turn(loop);
    put(ends.far, "in");
    finish(&probe);
    assert_got(&probe, "in");
    ASSERT_INT_EQ(eddy_remove_writer(loop, ends.near), 1);

    begin_later(&probe, loop, EDDY__OP_RECV, ends.near); /* and goes on without the writer */
    turn(loop);
    put(ends.far, "more");
    finish(&probe);
    assert_got(&probe, "more");
    ASSERT(writes > 0);
}
