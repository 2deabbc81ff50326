/* SPDX-License-Identifier: MIT
 * test_poller.c - operations on a poller: at once or later, in order, and never lost.
 *
 * What is said here holds for every backend; only op.h is used. Cancelling, and what done() may do,
 * is in test_poller_cancel.c; mere readiness in test_poller_ready.c. */
#include <errno.h>
#include <stdlib.h>
#include <sys/un.h>

#include "../base/scarce.h"
#include "probe.h"

/* --- receiving -------------------------------------------------------------------------------- */

/* Whether this poller tries before it waits: a result may be there at once. */
static bool tries_first(const eddy_loop *loop) {
    return !loop->poller_class->batches;
}

TEST(what_is_there_is_received) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    put(ends.far, "hello");
    bool at_once = begin(&probe, loop, EDDY__OP_RECV, ends.near);
    if (!at_once)
        finish(&probe);

    assert_got(&probe, "hello");
    ASSERT_INT_EQ(probe.done_count, at_once ? 0 : 1); /* the result was the answer */
    ASSERT(!probe.op.pending);
    ASSERT(at_once || !tries_first(loop));
}

TEST(a_receive_waits_until_something_comes) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    turn(loop);
    ASSERT_INT_EQ(probe.done_count, 0);
    put(ends.far, "hello");
    finish(&probe);

    assert_got(&probe, "hello");
}

TEST(what_comes_after_a_short_receive_is_received) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    for (int i = 0; i < 100; i++) {
        put(ends.far, "short"); /* the buffer is larger: the socket is known to be drained */
        receive(loop, ends.near, "short");
    }
}

TEST(a_socket_known_to_be_drained_is_not_tried) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    put(ends.far, "short");
    finish(&probe);
    put(ends.far, "next"); /* no poll has told of it: to try each time costs more than to wait */
    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    finish(&probe);

    assert_got(&probe, "next");
}

TEST(what_comes_between_two_turns_is_not_lost) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    put(ends.far, "one");
    finish(&probe);
    put(ends.far, "two"); /* nobody asks for it yet */
    turn(loop);
    turn(loop);

    receive(loop, ends.near, "two");
}

TEST(what_a_full_buffer_left_behind_is_received_next) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    char bytes[250];
    memset(bytes, 'x', sizeof(bytes));
    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    ASSERT_INT_EQ(write(ends.far, bytes, sizeof(bytes)), sizeof(bytes));

    ASSERT_INT_EQ(finish(&probe), 100);
    ASSERT_INT_EQ(receive_result(loop, ends.near), 100);
    ASSERT_INT_EQ(receive_result(loop, ends.near), 50);
}

TEST(the_end_is_received_early_and_late) {
    LOOP loop = real_loop();
    ENDS one = ends_open();
    ENDS two = ends_open();
    struct probe probe = {.trace = NULL};
    eddy__os_close(TAKE_FD(one.far));
    ASSERT_INT_EQ(receive_result(loop, one.near), 0);

    begin_later(&probe, loop, EDDY__OP_RECV, two.near);
    eddy__os_close(TAKE_FD(two.far));
    ASSERT_INT_EQ(finish(&probe), 0);
    ASSERT_INT_EQ(receive_result(loop, two.near), 0); /* it stays the end */
}

/* The peer writes and leaves; when it leaves differs. */
static void end_after_short(bool leaves_before_receive, bool turns_between) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    put(ends.far, "last");
    if (leaves_before_receive)
        eddy__os_close(TAKE_FD(ends.far));
    finish(&probe);
    assert_got(&probe, "last");
    eddy__os_close(TAKE_FD(ends.far));
    if (turns_between)
        turn(loop);
    ASSERT_INT_EQ(receive_result(loop, ends.near), 0);
}

TEST(the_end_after_a_short_receive_is_not_lost) {
    for (int i = 0; i < 4; i++)
        end_after_short(i & 1, i & 2);
}

TEST(the_end_that_comes_with_data_received_at_once_is_not_lost) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    put(ends.far, "first");
    finish(&probe);
    put(ends.far, "last");
    eddy__os_close(TAKE_FD(ends.far));

    receive(loop, ends.near, "last"); /* its event has not been polled yet */
    ASSERT_INT_EQ(receive_result(loop, ends.near), 0);
}

TEST(an_end_of_one_direction_leaves_the_other) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    begin_later(&probe, loop, EDDY__OP_RECV, ends.near);
    ASSERT_INT_EQ(shutdown(ends.far, SHUT_WR), 0);
    ASSERT_INT_EQ(finish(&probe), 0);
    if (!begin(&probe, loop, EDDY__OP_SEND, ends.near))
        finish(&probe);

    ASSERT_INT_EQ(probe.op.result, 100);
}

TEST(two_receives_are_done_in_the_order_in_which_they_came) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct trace trace = {0};
    struct probe first = {.trace = &trace, .word = "first"};
    struct probe second = {.trace = &trace, .word = "second"};
    begin_later(&first, loop, EDDY__OP_RECV, ends.near);
    begin_later(&second, loop, EDDY__OP_RECV, ends.near);
    put(ends.far, "one");
    finish(&first);
    put(ends.far, "two");
    finish(&second);

    assert_got(&first, "one");
    assert_got(&second, "two");
    ASSERT_STR_EQ(trace.text, "first second");
}

TEST(a_receive_does_not_overtake_the_one_that_waits) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe first = {.trace = NULL}, second = {.trace = NULL};
    begin_later(&first, loop, EDDY__OP_RECV, ends.near);
    put(ends.far, "one");
    ASSERT(
        !begin(&second, loop, EDDY__OP_RECV, ends.near)); /* there is something, but not for it */
    finish(&first);
    assert_got(&first, "one");

    put(ends.far, "two");
    finish(&second);
    assert_got(&second, "two");
}

TEST(one_event_may_do_several_receives) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probes[3] = {0};
    char bytes[300];
    memset(bytes, 'x', sizeof(bytes));
    for (int i = 0; i < 3; i++)
        begin_later(&probes[i], loop, EDDY__OP_RECV, ends.near);
    ASSERT_INT_EQ(write(ends.far, bytes, sizeof(bytes)), sizeof(bytes));

    for (int i = 0; i < 3; i++)
        ASSERT_INT_EQ(finish(&probes[i]), 100);
}

/* --- sending ---------------------------------------------------------------------------------- */

TEST(what_there_is_room_for_is_sent) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};

    ASSERT_INT_EQ(perform(&probe, loop, EDDY__OP_SEND, ends.near), 100);
}

TEST(a_send_waits_for_room) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    fill(ends.near);
    begin_later(&probe, loop, EDDY__OP_SEND, ends.near);
    turn(loop);
    ASSERT_INT_EQ(probe.done_count, 0);
    drain(ends.far);

    ASSERT_INT_EQ(finish(&probe), 100);
}

TEST(a_send_larger_than_the_room_is_short) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.loop = loop};
    size_t size = 8 << 20;
    char *bytes = calloc(1, size);
    probe.op = (struct eddy__op){.done = probe_done, .code = EDDY__OP_SEND, .fd = ends.near};
    probe.op.buffer = bytes;
    probe.op.size = size;
    if (!eddy__op_submit(loop, &probe.op))
        finish(&probe);

    ASSERT(probe.op.result > 0 && (size_t)probe.op.result < size);
    free(bytes);
}

TEST(sending_to_a_peer_that_is_gone_fails_and_raises_no_signal) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    fill(ends.near);
    begin_later(&probe, loop, EDDY__OP_SEND, ends.near);
    eddy__os_close(TAKE_FD(ends.far));

    ASSERT_CODE(-EPIPE, finish(&probe));
}

TEST(a_receive_and_a_send_wait_side_by_side) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe receive_probe = {.trace = NULL}, send_probe = {.trace = NULL};
    fill(ends.near);
    begin_later(&receive_probe, loop, EDDY__OP_RECV, ends.near);
    begin_later(&send_probe, loop, EDDY__OP_SEND, ends.near);
    put(ends.far, "in");
    finish(&receive_probe);
    assert_got(&receive_probe, "in");
    ASSERT_INT_EQ(send_probe.done_count, 0);
    drain(ends.far);
    ASSERT_INT_EQ(finish(&send_probe), 100);
}

/* --- accepting and connecting ----------------------------------------------------------------- */

TEST(a_connect_and_an_accept_meet) {
    LOOP loop = real_loop();
    FD server = server_open(5);
    FD client = tcp_socket();
    struct probe accept_probe = {.trace = NULL};
    begin_later(&accept_probe, loop, EDDY__OP_ACCEPT, server);
    ASSERT_INT_EQ(connect_result(loop, client), 0);
    FD accepted = (int)finish(&accept_probe);

    ASSERT(fcntl(accepted, F_GETFL) & O_NONBLOCK);
    ASSERT(fcntl(accepted, F_GETFD) & FD_CLOEXEC);
    put(client, "hello");
    receive(loop, accepted, "hello");
}

TEST(a_client_that_waits_is_accepted) {
    LOOP loop = real_loop();
    FD server = server_open(5);
    FD client = tcp_socket();
    struct probe probe = {.trace = NULL};
    ASSERT_INT_EQ(connect_result(loop, client), 0);
    FD accepted = (int)perform(&probe, loop, EDDY__OP_ACCEPT, server);

    ASSERT_OK(accepted);
}

TEST(one_event_may_do_several_accepts) {
    LOOP loop = real_loop();
    FD server = server_open(5);
    struct probe probes[3] = {0};
    int clients[3];
    for (int i = 0; i < 3; i++)
        begin_later(&probes[i], loop, EDDY__OP_ACCEPT, server);
    for (int i = 0; i < 3; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
        ASSERT_OK(eddy__os_connect(clients[i], (struct sockaddr *)&server_address,
                                   sizeof(server_address)));
    }
    for (int i = 0; i < 3; i++) {
        ASSERT_OK(finish(&probes[i]));
        eddy__os_close((int)probes[i].op.result);
        eddy__os_close(clients[i]);
    }
}

TEST(a_connect_that_nobody_answers_is_refused) {
    LOOP loop = real_loop();
    FD client = tcp_socket();
    eddy__os_close(server_open(5));

    ASSERT_CODE(-ECONNREFUSED, connect_result(loop, client));
}

TEST(a_connected_socket_receives_and_sends) {
    LOOP loop = real_loop();
    FD server = server_open(5);
    FD client = tcp_socket();
    struct probe probe = {.trace = NULL};
    ASSERT_INT_EQ(connect_result(loop, client), 0);
    FD accepted = (int)perform(&probe, loop, EDDY__OP_ACCEPT, server);

    begin_later(&probe, loop, EDDY__OP_RECV, client);
    put(accepted, "hello");
    finish(&probe);
    assert_got(&probe, "hello");
    if (!begin(&probe, loop, EDDY__OP_SEND, client))
        finish(&probe);
    ASSERT_INT_EQ(probe.op.result, 100);
}

TEST(a_connect_without_an_answer_can_be_cancelled) {
    LOOP loop = real_loop();
    FD server = server_open(0);
    FD client = tcp_socket();
    struct probe probe;
    int clients[2];
    queue_fill(clients);
    ASSERT(!begin_connect(&probe, loop, client));
    turn(loop);
    turn(loop);
    ASSERT_INT_EQ(probe.done_count, 0);
    eddy__op_cancel(loop, &probe.op);

    ASSERT_CODE(-ECANCELED, finish(&probe));
    for (int i = 0; i < 2; i++)
        eddy__os_close(clients[i]);
    ASSERT_OK(server);
}

/* An AF_UNIX connect to a full queue says EAGAIN, and no event follows. */
TEST(a_connect_to_a_unix_socket_whose_queue_is_full_does_not_succeed) {
    LOOP loop = real_loop();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(sa_family_t); /* a name of the kernel's choice */
    FD server = eddy__os_socket(AF_UNIX, SOCK_STREAM, 0);
    int clients[10], count_open = 0, r;
    ASSERT_OK(eddy__os_bind(server, (struct sockaddr *)&address, size));
    size = sizeof(address);
    ASSERT_OK(eddy__os_getsockname(server, (struct sockaddr *)&address, &size));
    ASSERT_OK(eddy__os_listen(server, 0));
    do {
        clients[count_open] = eddy__os_socket(AF_UNIX, SOCK_STREAM, 0);
        r = eddy__os_connect(clients[count_open++], (struct sockaddr *)&address, size);
    } while (r == 0 && count_open < 9);
    ASSERT_CODE(-EAGAIN, r);

    FD client = eddy__os_socket(AF_UNIX, SOCK_STREAM, 0);
    struct probe probe = {.loop = loop};
    probe.op = (struct eddy__op){.done = probe_done, .code = EDDY__OP_CONNECT, .fd = client};
    probe.op.address = (struct sockaddr *)&address;
    probe.op.address_size = size;
    if (!eddy__op_submit(loop, &probe.op)) {
        turn(loop);
        turn(loop);
        eddy__op_cancel(loop, &probe.op);
    }
    ASSERT(probe.op.result < 0);
    while (count_open > 0)
        eddy__os_close(clients[--count_open]);
}

/* --- refusals, and many ----------------------------------------------------------------------- */

TEST(an_operation_on_no_descriptor_fails) {
    LOOP loop = real_loop();
    FD null = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct probe probe = {.trace = NULL};

    ASSERT_CODE(-EBADF, perform(&probe, loop, EDDY__OP_RECV, -1));
    ASSERT_CODE(-EBADF, perform(&probe, loop, EDDY__OP_SEND, 60));
    ASSERT_CODE(-EBADF, perform(&probe, loop, EDDY__OP_SEND, 900));
    ASSERT_CODE(-EBADF, perform(&probe, loop, EDDY__OP_READABLE, 901));
    ASSERT_CODE(-ENOTSOCK, perform(&probe, loop, EDDY__OP_RECV, null));
}

TEST(a_number_that_no_descriptor_can_have_fails_without_a_table_for_it) {
    LOOP loop = real_loop();
    struct probe probe = {.trace = NULL};

    ASSERT(begin(&probe, loop, EDDY__OP_RECV, INT_MAX));
    ASSERT_CODE(-EBADF, probe.op.result);
    ASSERT(begin(&probe, loop, EDDY__OP_RECV, 1 << 30));
    ASSERT_CODE(-EBADF, probe.op.result);
}

TEST(without_memory_an_operation_fails_at_once) {
    scarce_begin();
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    FD high = fcntl(ends.near, F_DUPFD_CLOEXEC, 800);
    struct probe probe = {.trace = NULL};
    scarce_left = 0;
    ASSERT(begin(&probe, loop, EDDY__OP_RECV, high));
    ASSERT_CODE(-ENOMEM, probe.op.result);

    scarce_left = INT_MAX;
    put(ends.far, "x");
    receive(loop, high, "x");
}

TEST(hundreds_of_descriptors_wait_at_once) {
    enum { COUNT = 400 };
    static struct probe probes[COUNT];
    LOOP loop = real_loop();
    struct ends ends[COUNT];
    for (int i = 0; i < COUNT; i++) {
        ends[i] = ends_open();
        begin_later(&probes[i], loop, EDDY__OP_RECV, ends[i].near);
    }
    for (int i = 0; i < COUNT; i++)
        put(ends[i].far, "x");
    for (int i = 0; i < COUNT; i++) {
        ASSERT_INT_EQ(finish(&probes[i]), 1);
        close_forgotten(loop, &ends[i].near);
        eddy__os_close(ends[i].far);
    }
}
