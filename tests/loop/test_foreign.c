/* SPDX-License-Identifier: MIT
 * test_foreign.c - operations on descriptors whose user closes them, and uses their numbers again,
 * without a word to the poller. */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#include "probe.h"

/* Two connected sockets, blocking, as a user may have them. */
static struct ends blocking_open(void) {
    int pair[2];

    ASSERT_INT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    return (struct ends){pair[0], pair[1]};
}

/* True: completed at once. */
static bool ask(struct probe *probe, eddy_loop *loop, enum eddy__op_code code, int fd) {
    *probe = (struct probe){.loop = loop, .trace = probe->trace, .word = probe->word};
    probe->op = (struct eddy__op){.done = probe_done, .code = code, .fd = fd, .is_foreign = true};
    probe->op.buffer = probe->bytes;
    probe->op.size = sizeof(probe->bytes);
    return eddy__op_submit(loop, &probe->op);
}

static void ask_later(struct probe *probe, eddy_loop *loop, enum eddy__op_code code, int fd) {
    ASSERT(!ask(probe, loop, code, fd));
    turn(loop);
    ASSERT_INT_EQ(probe->done_count, 0);
}

static bool ask_poll(struct probe *probe, eddy_loop *loop, int fd, uint32_t events) {
    *probe = (struct probe){.loop = loop};
    probe->op = (struct eddy__op){
        .done = probe_done, .code = EDDY__OP_POLL, .fd = fd, .is_foreign = true, .events = events};
    return eddy__op_submit(loop, &probe->op);
}

static ssize_t result_of(struct probe *probe) {
    return probe->op.pending ? finish(probe) : probe->op.result;
}

/* Gives the number to this file; the former one is closed by it. */
static void give_number(int fd, int *file) {
    ASSERT_INT_EQ(dup2(*file, fd), fd);
    close(*file);
    *file = fd;
}

/* --- waiting ---------------------------------------------------------------------------------- */

TEST(a_blocking_socket_never_blocks_the_loop) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open();
    struct probe probe = {.trace = NULL};
    ask_later(&probe, loop, EDDY__OP_RECV, ends.near);
    put(ends.far, "hello");
    finish(&probe);

    assert_got(&probe, "hello");
    ASSERT_INT_EQ(fcntl(ends.near, F_GETFL) & O_NONBLOCK, 0);
}

TEST(many_waits_in_a_row_miss_nothing) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open();
    struct probe probe = {.trace = NULL};
    for (int i = 0; i < 100; i++) {
        if (i % 3 == 0)
            put(ends.far, "x");
        bool at_once = ask(&probe, loop, EDDY__OP_RECV, ends.near);
        if (i % 3 != 0)
            put(ends.far, "x");
        ASSERT_INT_EQ(at_once ? probe.op.result : finish(&probe), 1);
    }
}

TEST(of_two_who_read_the_first_is_served_first) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open();
    struct trace trace = {.count = 0};
    struct probe first = {.trace = &trace, .word = "first"};
    struct probe second = {.trace = &trace, .word = "second"};
    ASSERT(!ask(&first, loop, EDDY__OP_RECV, ends.near));
    ASSERT(!ask(&second, loop, EDDY__OP_RECV, ends.near));
    turn(loop);
    put(ends.far, "one");
    finish(&first);
    put(ends.far, "two");
    finish(&second);

    assert_got(&first, "one");
    assert_got(&second, "two");
    ASSERT_STR_EQ(trace.text, "first second");
}

TEST(who_comes_while_another_waits_does_not_overtake_him) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open();
    struct probe first = {.trace = NULL}, second = {.trace = NULL};
    ask_later(&first, loop, EDDY__OP_RECV, ends.near);
    put(ends.far, "one");
    ASSERT(!ask(&second, loop, EDDY__OP_RECV, ends.near));
    finish(&first);
    put(ends.far, "two");
    finish(&second);

    assert_got(&first, "one");
    assert_got(&second, "two");
}

TEST(one_reads_while_another_writes) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open();
    struct probe reader = {.trace = NULL}, writer = {.trace = NULL};
    ASSERT_INT_EQ(fcntl(ends.near, F_SETFL, O_NONBLOCK), 0);
    size_t size = fill(ends.near);
    ask_later(&reader, loop, EDDY__OP_RECV, ends.near);
    ask_later(&writer, loop, EDDY__OP_SEND, ends.near);
    put(ends.far, "hello");
    finish(&reader);
    ASSERT_INT_EQ(writer.done_count, 0);
    ASSERT_INT_EQ(fcntl(ends.far, F_SETFL, O_NONBLOCK), 0);
    drain(ends.far);
    ASSERT(finish(&writer) > 0);

    assert_got(&reader, "hello");
    ASSERT(size > 0);
}

TEST(a_datagram_that_leaves_room_is_not_taken_for_the_last) {
    LOOP loop = real_loop();
    int pair[2];
    struct probe first = {.trace = NULL}, second = {.trace = NULL};
    ASSERT_INT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
    ASSERT(!ask(&first, loop, EDDY__OP_RECV, pair[0]));
    ASSERT(!ask(&second, loop, EDDY__OP_RECV, pair[0]));
    turn(loop);
    put(pair[1], "one");
    put(pair[1], "two");
    finish(&first);
    finish(&second);

    assert_got(&first, "one");
    assert_got(&second, "two");
    close(pair[0]);
    close(pair[1]);
}

TEST(messages_are_received_and_sent) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open();
    char text[] = "hello", room[2][4] = {"", ""};
    struct iovec parts[2] = {{room[0], 3}, {room[1], 3}}, whole = {text, 5};
    struct msghdr into = {.msg_iov = parts, .msg_iovlen = 2};
    struct msghdr from = {.msg_iov = &whole, .msg_iovlen = 1};
    struct probe receive = {.loop = loop}, send = {.loop = loop};
    receive.op = (struct eddy__op){.done = probe_done,
                                   .code = EDDY__OP_RECVMSG,
                                   .fd = ends.near,
                                   .is_foreign = true,
                                   .message = &into};
    ASSERT(!eddy__op_submit(loop, &receive.op));
    send.op = (struct eddy__op){.done = probe_done,
                                .code = EDDY__OP_SENDMSG,
                                .fd = ends.far,
                                .is_foreign = true,
                                .message = &from};
    eddy__op_submit(loop, &send.op);

    ASSERT_INT_EQ(result_of(&send), 5);
    ASSERT_INT_EQ(finish(&receive), 5);
    ASSERT_STR_EQ(room[0], "hel");
    ASSERT_STR_EQ(room[1], "lo");
}

TEST(a_cancelled_wait_leaves_what_comes_to_the_next) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open();
    struct probe first = {.trace = NULL}, second = {.trace = NULL};
    ask_later(&first, loop, EDDY__OP_RECV, ends.near);
    eddy__op_cancel(loop, &first.op);
    ASSERT_CODE(-ECANCELED, result_of(&first));
    put(ends.far, "hello");
    if (!ask(&second, loop, EDDY__OP_RECV, ends.near))
        finish(&second);

    assert_got(&second, "hello");
}

TEST(a_loop_may_be_closed_over_waits) {
    eddy_loop *loop = real_loop();
    ENDS ends = blocking_open();
    struct probe probes[4] = {{.trace = NULL}};
    ask_later(&probes[0], loop, EDDY__OP_RECV, ends.near);
    ASSERT(!ask(&probes[1], loop, EDDY__OP_RECV, ends.near));
    ASSERT(!ask_poll(&probes[2], loop, ends.near, EPOLLIN));
    ASSERT(!ask_poll(&probes[3], loop, ends.near, EPOLLIN | EPOLLPRI));
    ASSERT_NULL(eddy_loop_close(loop));

    for (int i = 0; i < 4; i++)
        ASSERT_CODE(-ECANCELED, probes[i].op.result);
}

/* --- readiness -------------------------------------------------------------------------------- */

TEST(all_who_want_to_know_are_told) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open();
    struct probe first, second, both;
    ASSERT(!ask_poll(&first, loop, ends.near, EPOLLIN));
    ASSERT(!ask_poll(&second, loop, ends.near, EPOLLIN));
    turn(loop);
    ASSERT(!ask_poll(&both, loop, ends.near, EPOLLIN | EPOLLOUT));
    ASSERT_INT_EQ(finish(&both), EPOLLOUT);
    ASSERT(first.op.pending && second.op.pending);
    put(ends.far, "x");

    ASSERT_INT_EQ(finish(&first), EPOLLIN);
    ASSERT_INT_EQ(finish(&second), EPOLLIN);
}

TEST(who_wants_to_know_does_not_keep_a_reader_waiting) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open();
    struct probe poll, reader = {.trace = NULL};
    ASSERT(!ask_poll(&poll, loop, ends.near, EPOLLIN));
    ask_later(&reader, loop, EDDY__OP_RECV, ends.near);
    put(ends.far, "hello");

    ASSERT_INT_EQ(finish(&poll), EPOLLIN);
    if (reader.op.pending)
        finish(&reader);
    assert_got(&reader, "hello");
}

TEST(a_hang_up_is_told_to_who_did_not_ask) {
    LOOP loop = real_loop();
    int fds[2];
    struct probe probe;
    ASSERT_INT_EQ(pipe2(fds, O_CLOEXEC), 0);
    ASSERT(!ask_poll(&probe, loop, fds[0], EPOLLIN));
    turn(loop);
    close(fds[1]);

    ASSERT_INT_EQ(finish(&probe), EPOLLHUP);
    close(fds[0]);
}

TEST(a_regular_file_is_never_ready) {
    LOOP loop = real_loop();
    struct probe probe;
    FD fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    ASSERT(ask_poll(&probe, loop, fd, EPOLLIN));
    ASSERT_CODE(-EPERM, probe.op.result);
}

TEST(a_number_without_a_file_is_refused) {
    LOOP loop = real_loop();
    struct probe probe = {.trace = NULL};

    ASSERT(ask_poll(&probe, loop, 999, EPOLLIN));
    ASSERT_CODE(-EBADF, probe.op.result);
    ASSERT(ask(&probe, loop, EDDY__OP_RECV, -1));
    ASSERT_CODE(-EBADF, probe.op.result);
}

/* --- beside others ---------------------------------------------------------------------------- */

TEST(a_wait_beside_a_reader_callback_is_served_and_the_callback_goes_on) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open();
    int calls = 0;
    struct probe probe = {.trace = NULL};
    ask_later(&probe, loop, EDDY__OP_RECV, ends.near);
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &calls));
    put(ends.far, "hello");
    finish(&probe);
    assert_got(&probe, "hello");
    calls = 0;
    put(ends.far, "again");
    while (calls == 0)
        ASSERT_OK(eddy_loop_run_once(loop, INFINITY));
    ASSERT_INT_EQ(eddy_remove_reader(loop, ends.near), 1);
    if (!ask(&probe, loop, EDDY__OP_RECV, ends.near))
        finish(&probe);

    assert_got(&probe, "again");
}

TEST(a_wait_goes_on_when_the_callback_beside_it_is_removed) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open();
    int calls = 0;
    struct probe probe = {.trace = NULL};
    ASSERT_OK(eddy_add_writer(loop, ends.near, count, &calls));
    ask_later(&probe, loop, EDDY__OP_RECV, ends.near);
    ASSERT_INT_EQ(eddy_remove_writer(loop, ends.near), 1);
    put(ends.far, "hello");
    finish(&probe);

    assert_got(&probe, "hello");
    ASSERT(calls > 0);
}

TEST(a_descriptor_of_eddys_may_be_waited_for_too) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe ours = {.trace = NULL}, users = {.trace = NULL}, poll;
    begin_later(&ours, loop, EDDY__OP_RECV, ends.near);
    put(ends.far, "one");
    finish(&ours);
    ask_later(&users, loop, EDDY__OP_RECV, ends.near);
    ASSERT(!ask_poll(&poll, loop, ends.near, EPOLLIN));
    put(ends.far, "two");
    finish(&users);
    result_of(&poll);
    assert_got(&users, "two");

    ask_later(&users, loop, EDDY__OP_RECV, ends.near);
    eddy__op_forget(loop, ends.near); /* it is about to be closed */
    ASSERT_CODE(EDDY_ECLOSED, result_of(&users));
}

/* --- closing ---------------------------------------------------------------------------------- */

TEST(ending_all_ends_each_wait_once) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open();
    struct probe readers[2] = {{.trace = NULL}}, poll;
    ask_later(&readers[0], loop, EDDY__OP_RECV, ends.near);
    ASSERT(!ask(&readers[1], loop, EDDY__OP_RECV, ends.near));
    ASSERT(!ask_poll(&poll, loop, ends.near, EPOLLIN));
    turn(loop);
    eddy__op_end_all(loop, ends.near);

    ASSERT_CODE(EDDY_ECLOSED, result_of(&readers[0]));
    ASSERT_CODE(EDDY_ECLOSED, result_of(&readers[1]));
    ASSERT_CODE(EDDY_ECLOSED, result_of(&poll));
}

TEST(a_number_that_was_ended_may_be_used_at_once) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open(), others = blocking_open();
    struct probe former = {.trace = NULL}, next = {.trace = NULL};
    ask_later(&former, loop, EDDY__OP_RECV, ends.near);
    eddy__op_end_all(loop, ends.near);
    give_number(ends.near, &others.near);
    ends.near = -1;
    ASSERT(!ask(&next, loop, EDDY__OP_RECV, others.near));
    put(others.far, "for the next");
    finish(&next);

    assert_got(&next, "for the next");
    ASSERT_CODE(EDDY_ECLOSED, result_of(&former));
}

TEST(an_ended_wait_does_not_hold_the_file_open) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open();
    struct probe probe = {.trace = NULL};
    char byte;
    ask_later(&probe, loop, EDDY__OP_RECV, ends.near);
    eddy__op_end_all(loop, ends.near);
    close(ends.near);
    ends.near = -1;

    ASSERT_INT_EQ(recv(ends.far, &byte, 1, MSG_DONTWAIT), 0); /* the peer sees the end */
    ASSERT_CODE(EDDY_ECLOSED, result_of(&probe));
}

/* Its number is closed under a wait, and another file has it. */
static void lose_number(struct ends *ends, struct ends *others) {
    give_number(ends->near, &others->near);
    ends->near = -1;
}

TEST(who_waits_for_a_lost_number_is_ended_by_who_waits_for_its_next_file) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open(), others = blocking_open();
    struct probe former = {.trace = NULL}, behind = {.trace = NULL}, next = {.trace = NULL};
    ask_later(&former, loop, EDDY__OP_RECV, ends.near);
    ask_later(&behind, loop, EDDY__OP_RECV, ends.near);
    lose_number(&ends, &others);
    ask_later(&next, loop, EDDY__OP_RECV, others.near);
    put(others.far, "for the next");
    finish(&next);

    assert_got(&next, "for the next");
    ASSERT_CODE(EDDY_ECLOSED, result_of(&former));
    ASSERT_CODE(EDDY_ECLOSED, result_of(&behind));
}

/* epoll knows the former file by its other number still. */
TEST(what_comes_for_a_lost_number_is_not_read_from_its_next_file) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open(), others = blocking_open();
    FD kept = dup(ends.near);
    ASSERT(kept >= 0);
    struct probe former = {.trace = NULL}, next = {.trace = NULL};
    ask_later(&former, loop, EDDY__OP_RECV, ends.near);
    lose_number(&ends, &others);
    put(others.far, "for the next");
    put(ends.far, "for the former");
    ssize_t r = finish(&former);
    ASSERT(r == EDDY_ECLOSED || r == (ssize_t)strlen("for the former"));
    if (r > 0)
        assert_got(&former, "for the former");
    if (!ask(&next, loop, EDDY__OP_RECV, others.near))
        finish(&next);

    assert_got(&next, "for the next");
}

TEST(a_wait_for_a_lost_number_can_be_cancelled) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open(), others = blocking_open();
    struct probe former = {.trace = NULL}, next = {.trace = NULL};
    ask_later(&former, loop, EDDY__OP_RECV, ends.near);
    lose_number(&ends, &others);
    turn(loop);
    eddy__op_cancel(loop, &former.op);
    ASSERT_CODE(-ECANCELED, result_of(&former));
    put(others.far, "for the next");
    if (!ask(&next, loop, EDDY__OP_RECV, others.near))
        finish(&next);

    assert_got(&next, "for the next");
}

TEST(a_socket_of_eddys_may_get_a_lost_number) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open(), others = ends_open();
    struct probe former = {.trace = NULL}, ours = {.trace = NULL};
    ask_later(&former, loop, EDDY__OP_RECV, ends.near);
    lose_number(&ends, &others);
    begin_later(&ours, loop, EDDY__OP_RECV, others.near);
    put(others.far, "for the next");
    finish(&ours);

    assert_got(&ours, "for the next");
    eddy__op_cancel(loop, &former.op);
    ssize_t r = result_of(&former);
    ASSERT(r == EDDY_ECLOSED || r == -ECANCELED);
    eddy__op_forget(loop, others.near);
}

TEST(a_watch_may_get_a_lost_number) {
    LOOP loop = real_loop();
    ENDS ends = blocking_open(), others = blocking_open();
    int calls = 0;
    struct probe former = {.trace = NULL};
    ask_later(&former, loop, EDDY__OP_RECV, ends.near);
    lose_number(&ends, &others);
    ASSERT_OK(eddy_add_reader(loop, others.near, count, &calls));
    put(others.far, "x");
    while (calls == 0)
        ASSERT_OK(eddy_loop_run_once(loop, INFINITY));
    ASSERT_INT_EQ(eddy_remove_reader(loop, others.near), 1);
    eddy__op_cancel(loop, &former.op);

    ssize_t r = result_of(&former);
    ASSERT(r == EDDY_ECLOSED || r == -ECANCELED);
}

TEST(a_number_may_change_hands_a_hundred_times) {
    LOOP loop = real_loop();
    int number = -1;
    for (int i = 0; i < 100; i++) {
        struct ends ends = blocking_open();
        struct probe probe = {.trace = NULL};
        if (number >= 0)
            give_number(number, &ends.near);
        number = ends.near;
        ask_later(&probe, loop, EDDY__OP_RECV, number);
        if (i % 2) {
            put(ends.far, "x");
            ASSERT_INT_EQ(finish(&probe), 1);
        } else {
            eddy__op_end_all(loop, number);
            ASSERT_CODE(EDDY_ECLOSED, result_of(&probe));
        }
        close(ends.far);
    }
    close(number);
}
