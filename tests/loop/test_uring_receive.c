/* SPDX-License-Identifier: MIT
 * test_uring_receive.c - a connection that goes on and on is received from by one question: what
 * comes ahead of its reader is bounded, in order, and never lost. */
#include <errno.h>
#include <stdlib.h>

#include "steady.h"

/* --- one question ----------------------------------------------------------------------------- */

TEST(a_connection_that_goes_on_is_received_from_by_one_question) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    become_steady(loop, &ends);
    for (int i = 0; i < 100; i++) {
        uint32_t number = receiver_of(loop, ends.near)->multishot.number;
        put(ends.far, "more");
        lease(loop, ends.near, "more");
        ASSERT_INT_EQ(questions_of(loop), 1);
        ASSERT(is_armed(loop, ends.near));
        ASSERT_UINT_EQ(receiver_of(loop, ends.near)->multishot.number, number);
    }
    close_forgotten(loop, &ends.near);
}

TEST(a_short_connection_is_received_from_one_by_one) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    for (int i = 0; i < STEADY_LEAST - 1; i++) {
        put(ends.far, "hello");
        lease(loop, ends.near, "hello");
        turn(loop);
        ASSERT_INT_EQ(questions_of(loop), 0);
    }
}

TEST(an_old_kernel_is_asked_one_by_one) {
    LOOP loop = old_kernels_loop();
    ENDS ends = ends_open();
    ASSERT(!is_multishot(loop));
    become_steady(loop, &ends);
    for (int i = 0; i < 20; i++) {
        put(ends.far, "more");
        lease(loop, ends.near, "more");
        ASSERT_INT_EQ(questions_of(loop), 0);
    }
}

TEST(without_leases_in_advance_it_is_asked_one_by_one) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    refuse_if(SYS_io_uring_register, 1, IORING_REGISTER_PBUF_RING, EINVAL);
    for (int i = 0; i < 20; i++) {
        put(ends.far, "more");
        lease(loop, ends.near, "more");
        ASSERT(!is_armed(loop, ends.near));
    }
}

/* As a kernel does that knows the multishot, but not for this. */
TEST(a_refused_multishot_falls_back_to_one_by_one) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    struct io_uring_cqe refusal = {.res = -EINVAL};
    begin_steady(&probe, loop, &ends);
    refusal.user_data = eddy__multishot_tag(&receiver_of(loop, ends.near)->multishot, ends.near);
    eddy__uring_receive_answered(loop->poller, &refusal);
    loop->poller->lent++; /* the kernel's own answer is to come when the loop closes */
    ASSERT(!is_armed(loop, ends.near));
    put(ends.far, "one by one");
    finish(&probe);
    eddy__lease_return(loop, probe.op.buffer);
}

/* --- ahead of the reader ---------------------------------------------------------------------- */

TEST(what_comes_while_nobody_reads_is_kept_in_order) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    become_steady(loop, &ends);
    put(ends.far, "one");
    turn(loop);
    put(ends.far, "two");
    turn(loop);
    ASSERT(eddy__op_holds_input(loop, ends.near));
    ASSERT(begin(&probe, loop, EDDY__OP_LEASE, ends.near)); /* at once */
    ASSERT_MEM_EQ(probe.op.buffer, "one", 3);
    eddy__lease_return(loop, probe.op.buffer);
    lease(loop, ends.near, "two");

    ASSERT(!eddy__op_holds_input(loop, ends.near));
    put(ends.far, "three");
    lease(loop, ends.near, "three");
}

static void put_number(int fd, int number) {
    char text[8];

    snprintf(text, sizeof(text), "%06d ", number);
    put(fd, text);
}

/* Reads the numbers from `first` to before `end`, however they were cut. */
static void read_numbers(eddy_loop *loop, int fd, int first, int end) {
    char all[2000];
    size_t had = 0, wanted = (size_t)(end - first) * 7;

    ASSERT(wanted <= sizeof(all));
    while (had < wanted) {
        struct probe probe = {.trace = NULL};
        ssize_t size = perform(&probe, loop, EDDY__OP_LEASE, fd);
        ASSERT(size > 0 && had + (size_t)size <= wanted);
        memcpy(all + had, probe.op.buffer, (size_t)size);
        eddy__lease_return(loop, probe.op.buffer);
        had += (size_t)size;
    }
    for (int i = first; i < end; i++)
        ASSERT_INT_EQ(atoi(all + (size_t)(i - first) * 7), i);
}

TEST(who_does_not_read_stops_what_comes_ahead_after_a_few_leases) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    become_steady(loop, &ends);
    for (int i = 0; i < 100; i++) {
        put_number(ends.far, i);
        turn(loop);
        ASSERT(receiver_of(loop, ends.near)->count <= RECEIVED_AHEAD_MAX);
    }
    ASSERT(!is_armed(loop, ends.near));
    ASSERT_INT_EQ(questions_of(loop), 0);
    read_numbers(loop, ends.near, 0, 100);

    become_steady(loop, &ends); /* and it goes on when he keeps up again */
    ASSERT(is_armed(loop, ends.near));
}

/* The kernel answers until it has heard of the stop. */
TEST(what_comes_between_the_stop_and_its_answer_is_kept) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    become_steady(loop, &ends);
    for (int i = 0; i < RECEIVED_AHEAD_MAX + 2; i++) {
        put_number(ends.far, i);
        eddy__uring_flush(&loop->poller->uring); /* the kernel receives, we do not look */
    }
    turn(loop);
    ASSERT_UINT_EQ(receiver_of(loop, ends.near)->count, RECEIVED_AHEAD_MAX + 2);
    turn(loop);
    ASSERT(!is_armed(loop, ends.near));

    for (int i = RECEIVED_AHEAD_MAX + 2; i < 20; i++)
        put_number(ends.far, i);
    read_numbers(loop, ends.near, 0, 20);
}

TEST(a_cancelled_receive_takes_nothing_and_what_comes_is_for_the_next) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    begin_steady(&probe, loop, &ends);
    put(ends.far, "hello");
    eddy__op_cancel(loop, &probe.op);
    ASSERT_CODE(-ECANCELED, finish(&probe));
    ASSERT_INT_EQ(probe.done_count, 1);
    ASSERT_NULL(probe.op.buffer);
    turn(loop);

    lease(loop, ends.near, "hello");
}

TEST(cancelling_the_oldest_leaves_the_others_in_order) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    struct probe oldest = {.trace = NULL}, lends = {.trace = NULL}, receives = {.trace = NULL};
    begin_steady(&oldest, loop, &ends);
    begin_later(&lends, loop, EDDY__OP_LEASE, ends.near);
    begin_later(&receives, loop, EDDY__OP_RECV, ends.near);
    eddy__op_cancel(loop, &oldest.op);
    ASSERT_CODE(-ECANCELED, finish(&oldest));
    put(ends.far, "lent");
    finish_lease(&lends, "lent");
    put(ends.far, "received");
    finish(&receives);

    assert_got(&receives, "received");
}

/* --- others than leases ----------------------------------------------------------------------- */

TEST(a_receive_into_the_callers_memory_takes_what_came_ahead_first) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    struct probe probe = {.room = 2};
    become_steady(loop, &ends);
    put(ends.far, "hello");
    turn(loop);
    put(ends.far, "world");
    turn(loop);
    ASSERT(begin(&probe, loop, EDDY__OP_RECV, ends.near));
    assert_got(&probe, "he");
    lease(loop, ends.near, "llo");
    receive(loop, ends.near, "world");

    put(ends.far, "more");
    receive(loop, ends.near, "more");
    put(ends.far, "still more");
    lease(loop, ends.near, "still more");
}

TEST(a_receive_into_the_callers_memory_ends_what_comes_ahead) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    become_steady(loop, &ends);
    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    turn(loop);
    turn(loop);
    ASSERT(!is_armed(loop, ends.near));
    ASSERT_INT_EQ(questions_of(loop), 1);
    put(ends.far, "mine");
    finish(&probe);

    assert_got(&probe, "mine");
}

TEST(what_came_ahead_is_readable) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    become_steady(loop, &ends);
    put(ends.far, "hello");
    turn(loop);
    ASSERT(begin(&probe, loop, EDDY__OP_READABLE, ends.near));
    ASSERT_INT_EQ(probe.op.result, 0);
    lease(loop, ends.near, "hello");

    begin_later(&probe, loop, EDDY__OP_READABLE, ends.near);
    put(ends.far, "again");
    ASSERT_INT_EQ(finish(&probe), 0);
    lease(loop, ends.near, "again");
}

/* --- much at once ----------------------------------------------------------------------------- */

TEST(large_messages_are_received_one_by_one_again) {
    enum { LARGE = 2 * LEASE_BYTES + 100 };
    static char sent[LARGE], got[LARGE];
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    size_t had = 0;
    for (size_t i = 0; i < LARGE; i++)
        sent[i] = (char)(i * 7 + i / 251);
    eddy__os_set_option(ends.far, SOL_SOCKET, SO_SNDBUF, 4 * LARGE);
    become_steady(loop, &ends);
    ASSERT_INT_EQ(write(ends.far, sent, LARGE), LARGE);
    while (had < LARGE) {
        struct probe probe = {.trace = NULL};
        ssize_t size = perform(&probe, loop, EDDY__OP_LEASE, ends.near);
        ASSERT(size > 0);
        memcpy(got + had, probe.op.buffer, (size_t)size);
        eddy__lease_return(loop, probe.op.buffer);
        had += (size_t)size;
    }
    ASSERT_MEM_EQ(got, sent, LARGE);
    turn(loop);

    ASSERT(!is_armed(loop, ends.near));
    become_steady(loop, &ends);
}

/* --- the end ---------------------------------------------------------------------------------- */

TEST(the_end_comes_behind_what_came_ahead_of_it) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    become_steady(loop, &ends);
    put(ends.far, "last words");
    turn(loop);
    eddy__os_close(TAKE_FD(ends.far));
    turn(loop);
    lease(loop, ends.near, "last words");

    ASSERT_INT_EQ(lease_result(loop, ends.near), 0);
    ASSERT_INT_EQ(lease_result(loop, ends.near), 0);
    ASSERT_INT_EQ(receive_result(loop, ends.near), 0);
    ASSERT_INT_EQ(questions_of(loop), 0);
}

TEST(the_end_wakes_who_waits) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    begin_steady(&probe, loop, &ends);
    eddy__os_close(TAKE_FD(ends.far));

    ASSERT_INT_EQ(finish(&probe), 0);
    ASSERT_NULL(probe.op.buffer);
}

/* The ends of a TCP connection. */
static struct ends tcp_ends(eddy_loop *loop) {
    FD server = server_open(5);
    struct ends ends = {.far = tcp_socket()};
    struct probe probe = {.trace = NULL};

    ASSERT_INT_EQ(connect_result(loop, ends.far), 0);
    ends.near = (int)perform(&probe, loop, EDDY__OP_ACCEPT, server);
    ASSERT_OK(ends.near);
    eddy__op_forget(loop, server);
    eddy__op_forget(loop, ends.far);
    return ends;
}

TEST(a_reset_comes_once_behind_what_came_ahead_of_it) {
    LOOP loop = bound_loop();
    ENDS ends = tcp_ends(loop);
    struct linger at_once = {.l_onoff = 1};
    become_steady(loop, &ends);
    put(ends.far, "last words");
    turn(loop);
    ASSERT_INT_EQ(setsockopt(ends.far, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    eddy__os_close(TAKE_FD(ends.far));
    turn(loop);
    lease(loop, ends.near, "last words");

    ASSERT_CODE(-ECONNRESET, lease_result(loop, ends.near));
    ASSERT_INT_EQ(lease_result(loop, ends.near), 0);
}
