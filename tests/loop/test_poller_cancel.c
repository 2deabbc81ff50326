/* SPDX-License-Identifier: MIT
 * test_poller_cancel.c - operations that end early, what done() may do, and numbers used again. */
#include <errno.h>

#include "probe.h"

/* --- cancelling ------------------------------------------------------------------------------- */

TEST(a_cancelled_operation_is_done_once_and_takes_nothing) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    eddy__op_cancel(loop, &probe.op);
    ASSERT_CODE(-ECANCELED, finish(&probe));
    put(ends.far, "later");
    turn(loop);
    ASSERT_INT_EQ(probe.done_count, 1);

    receive(loop, ends.near, "later");
}

TEST(cancelling_what_is_not_pending_does_nothing) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    put(ends.far, "x");
    perform(&probe, loop, EDDY__OP_RECV, ends.near);
    int before = probe.done_count;
    eddy__op_cancel(loop, &probe.op);
    turn(loop);
    ASSERT_INT_EQ(probe.done_count, before);

    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    put(ends.far, "y");
    finish(&probe);
    eddy__op_cancel(loop, &probe.op);
    turn(loop);
    ASSERT_INT_EQ(probe.done_count, 1);
    assert_got(&probe, "y");
}

/* Cancels one of three that wait; the others go on in order. */
static void cancel_one_of_three(int cancelled) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probes[3] = {0};
    for (int i = 0; i < 3; i++)
        begin_later(&probes[i], loop, EDDY__OP_RECV, ends.near);
    eddy__op_cancel(loop, &probes[cancelled].op);
    ASSERT_CODE(-ECANCELED, finish(&probes[cancelled]));
    for (int i = 0; i < 3; i++) {
        if (i == cancelled)
            continue;
        put(ends.far, i == 0 ? "zero" : i == 1 ? "one" : "two");
        finish(&probes[i]);
        assert_got(&probes[i], i == 0 ? "zero" : i == 1 ? "one" : "two");
    }
}

TEST(cancelling_one_of_several_leaves_the_others_in_order) {
    for (int i = 0; i < 3; i++)
        cancel_one_of_three(i);
}

static struct probe *to_cancel;

static void done_and_cancel(struct eddy__op *op) {
    probe_done(op);
    eddy__op_cancel(container_of(op, struct probe, op)->loop, &to_cancel->op);
}

TEST(an_operation_may_cancel_the_next_one_when_it_is_done) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe first = {.trace = NULL}, second = {.trace = NULL};
    to_cancel = &second;
    begin_later(&first, loop, EDDY__OP_RECV, ends.near);
    first.op.done = done_and_cancel;
    begin_later(&second, loop, EDDY__OP_RECV, ends.near);
    put(ends.far, "for the first");
    finish(&first);

    assert_got(&first, "for the first");
    ASSERT_CODE(-ECANCELED, finish(&second));
}

TEST(what_came_before_the_cancel_is_received_or_left_but_not_lost) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    put(ends.far, "here");
    eddy__op_cancel(loop, &probe.op);
    ssize_t r = finish(&probe);

    ASSERT(r == -ECANCELED || r == 4);
    if (r == -ECANCELED)
        receive(loop, ends.near, "here");
}

/* --- done() and what it may do ---------------------------------------------------------------- */

struct echo {
    struct probe probe;
    int peer, left;
};

static void receive_again(struct eddy__op *op) {
    struct echo *echo = container_of(op, struct echo, probe.op);

    while (echo->left-- > 0) {
        ASSERT_INT_EQ(op->result, 1);
        put(echo->peer, "x");
        if (!eddy__op_submit(echo->probe.loop, op))
            return;
    }
    eddy_loop_stop(echo->probe.loop);
}

TEST(an_operation_may_be_submitted_again_when_it_is_done) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct echo echo = {.peer = ends.far, .left = 1000};
    begin_later(&echo.probe, loop, EDDY__OP_RECV, ends.near);
    echo.probe.op.done = receive_again;
    put(ends.far, "x");
    ASSERT_OK(eddy_loop_run_forever(loop));

    ASSERT_INT_EQ(echo.left, -1);
}

static struct probe *high_probe;
static int high_fd;

static void done_and_go_high(struct eddy__op *op) {
    probe_done(op);
    begin_later(high_probe, container_of(op, struct probe, op)->loop, EDDY__OP_RECV, high_fd);
}

TEST(an_operation_may_bring_a_much_higher_descriptor_when_it_is_done) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    ENDS other = ends_open();
    struct probe first = {.trace = NULL}, writes = {.trace = NULL}, high = {.trace = NULL};
    FD copy = fcntl(other.near, F_DUPFD_CLOEXEC, 900);
    high_probe = &high;
    high_fd = copy;
    fill(ends.near);
    begin_later(&first, loop, EDDY__OP_RECV, ends.near);
    first.op.done = done_and_go_high;
    begin_later(&writes, loop, EDDY__OP_SEND, ends.near);
    drain(ends.far);
    put(ends.far, "x"); /* one event for both, and the table moves in between */
    finish(&first);
    ASSERT_INT_EQ(finish(&writes), 100);
    put(other.far, "high");
    finish(&high);
    assert_got(&high, "high");
}

static struct probe *next_connect;
static int next_number;

/* Closes its descriptor and connects another with the same number, which gets no answer. */
static void done_and_reconnect(struct eddy__op *op) {
    eddy_loop *loop = container_of(op, struct probe, op)->loop;

    probe_done(op);
    next_number = op->fd;
    close_forgotten(loop, &op->fd);
    ASSERT_INT_EQ(tcp_socket(), next_number); /* the lowest free number is given first */
    ASSERT(!begin_connect(next_connect, loop, next_number));
}

TEST(an_event_of_a_closed_descriptor_does_not_complete_its_successors_connect) {
    LOOP loop = real_loop();
    FD server = server_open(0);
    int clients[2];
    queue_fill(clients);
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL}, connect = {.trace = NULL};
    next_connect = &connect;
    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    probe.op.done = done_and_reconnect;
    ends.near = -1; /* done() closes it */
    put(ends.far, "x");
    finish(&probe); /* the event says "readable and writable" */
    turn(loop);
    ASSERT_INT_EQ(connect.done_count, 0);

    eddy__op_cancel(loop, &connect.op);
    finish(&connect);
    close_forgotten(loop, &next_number);
    for (int i = 0; i < 2; i++)
        eddy__os_close(clients[i]);
    ASSERT_OK(server);
}

/* --- closing, forgetting, using numbers again ------------------------------------------------- */

TEST(a_forgotten_number_may_be_used_again) {
    LOOP loop = real_loop();
    for (int i = 0; i < 20; i++) {
        ENDS ends = ends_open();
        struct probe probe = {.trace = NULL};
        begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
        put(ends.far, "first");
        finish(&probe);
        begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
        if (i % 2)
            eddy__os_close(TAKE_FD(ends.far)); /* the old one ended, the next has not */
        eddy__op_cancel(loop, &probe.op);
        finish(&probe);
        close_forgotten(loop, &ends.near);
    }
}

TEST(forgetting_what_was_never_used_is_harmless) {
    LOOP loop = real_loop();
    eddy__op_forget(loop, -1);
    eddy__op_forget(loop, 0);
    eddy__op_forget(loop, 1000000);
}

TEST(closing_the_loop_cancels_what_is_pending) {
    ENDS ends = ends_open();
    struct probe reads = {.trace = NULL}, writes = {.trace = NULL};
    eddy_loop *loop = real_loop();
    fill(ends.near);
    begin_later(&reads, loop, EDDY__OP_RECV, ends.near);
    begin_later(&writes, loop, EDDY__OP_SEND, ends.near);
    eddy_loop_close(loop);

    ASSERT_CODE(-ECANCELED, finish(&reads));
    ASSERT_CODE(-ECANCELED, finish(&writes));
}

static void done_and_try_again(struct eddy__op *op) {
    probe_done(op);
    if (op->result == -ECANCELED)
        ASSERT(eddy__op_submit(container_of(op, struct probe, op)->loop, op));
}

TEST(what_is_submitted_to_a_closing_loop_is_refused_at_once) {
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    eddy_loop *loop = real_loop();
    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    probe.op.done = done_and_try_again;
    eddy_loop_close(loop);

    ASSERT_CODE(EDDY_ESHUTDOWN, probe.op.result);
    ASSERT_INT_EQ(probe.done_count, 1);
}
