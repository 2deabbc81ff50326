/* SPDX-License-Identifier: MIT
 * test_poller_plain.c - reading and writing what is no socket: pipes, terminals, eventfds.
 *
 * What is said here holds for every backend. */
#include <errno.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>

#include "probe.h"

struct pipe_ends {
    int out, in; /* read from, written to */
};

static struct pipe_ends pipe_open(int flags) {
    int fds[2];

    ASSERT_INT_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK | flags), 0);
    return (struct pipe_ends){fds[0], fds[1]};
}

static void pipe_close(eddy_loop *loop, struct pipe_ends *ends) {
    close_forgotten(loop, &ends->out);
    close_forgotten(loop, &ends->in);
}

static void send_text(int fd, const char *text) {
    ASSERT_INT_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* By lease, which goes back. */
static void assert_lease(eddy_loop *loop, int fd, const char *text) {
    struct probe probe = {.trace = NULL};

    ASSERT_INT_EQ(perform(&probe, loop, EDDY__OP_LEASE_READ, fd), (ssize_t)strlen(text));
    ASSERT_MEM_EQ(probe.op.buffer, text, strlen(text));
    eddy__lease_return(loop, probe.op.buffer);
}

static void assert_read(eddy_loop *loop, int fd, const char *text) {
    struct probe probe = {.trace = NULL};

    perform(&probe, loop, EDDY__OP_READ, fd);
    assert_got(&probe, text);
}

/* --- reading ---------------------------------------------------------------------------------- */

TEST(what_is_in_a_pipe_is_read_in_both_shapes) {
    LOOP loop = real_loop();
    struct pipe_ends ends = pipe_open(0);
    for (int i = 0; i < 20; i++) {
        send_text(ends.in, "hello");
        assert_read(loop, ends.out, "hello");
        send_text(ends.in, "world");
        assert_lease(loop, ends.out, "world");
    }
    pipe_close(loop, &ends);
}

TEST(a_read_of_an_empty_pipe_waits) {
    const enum eddy__op_code codes[] = {EDDY__OP_READ, EDDY__OP_LEASE_READ};
    LOOP loop = real_loop();
    struct pipe_ends ends = pipe_open(0);
    for (int i = 0; i < 4; i++) {
        struct probe probe = {.trace = NULL};
        begin_later(&probe, loop, codes[i % 2], ends.out);
        turn(loop);
        ASSERT_INT_EQ(probe.done_count, 0);
        send_text(ends.in, "late");
        ASSERT_INT_EQ(finish(&probe), 4);
        ASSERT_MEM_EQ(probe.op.buffer, "late", 4);
        if (probe.op.code == EDDY__OP_LEASE_READ)
            eddy__lease_return(loop, probe.op.buffer);
    }
    pipe_close(loop, &ends);
}

TEST(a_pipe_without_writers_is_at_its_end) {
    LOOP loop = real_loop();
    struct pipe_ends ends = pipe_open(0);
    struct probe probe = {.trace = NULL};
    begin_later(&probe, loop, EDDY__OP_LEASE_READ, ends.out);
    turn(loop);
    close_forgotten(loop, &ends.in);
    ASSERT_INT_EQ(finish(&probe), 0);
    ASSERT_INT_EQ(perform(&probe, loop, EDDY__OP_READ, ends.out), 0);
    close_forgotten(loop, &ends.out);
}

/* A read that brings one packet leaves the next: no new edge will tell of it. */
TEST(packets_that_a_pipe_keeps_apart_all_come) {
    LOOP loop = real_loop();
    struct pipe_ends ends = pipe_open(O_DIRECT);
    send_text(ends.in, "one");
    send_text(ends.in, "two");
    send_text(ends.in, "three");
    assert_read(loop, ends.out, "one");
    assert_lease(loop, ends.out, "two");
    assert_read(loop, ends.out, "three");
    pipe_close(loop, &ends);
}

TEST(a_terminal_gives_line_after_line) {
    LOOP loop = real_loop();
    int near, far;
    struct probe probe = {.trace = NULL};
    ASSERT_INT_EQ(openpty(&far, &near, NULL, NULL, NULL), 0);
    ASSERT_OK(eddy__os_set_nonblocking(near));
    begin_later(&probe, loop, EDDY__OP_READ, near);
    turn(loop);
    send_text(far, "one\ntwo\n");
    finish(&probe);
    assert_got(&probe, "one\n");
    assert_lease(loop, near, "two\n");
    send_text(far, "three\n");
    assert_lease(loop, near, "three\n");
    close_forgotten(loop, &near);
    eddy__os_close(far);
}

TEST(a_cancelled_read_has_taken_nothing) {
    const enum eddy__op_code codes[] = {EDDY__OP_READ, EDDY__OP_LEASE_READ};
    LOOP loop = real_loop();
    struct pipe_ends ends = pipe_open(0);
    for (int i = 0; i < 2; i++) {
        struct probe probe = {.trace = NULL};
        begin_later(&probe, loop, codes[i], ends.out);
        turn(loop);
        eddy__op_cancel(loop, &probe.op);
        ASSERT_CODE(-ECANCELED, (int)finish(&probe));
        send_text(ends.in, "for the next");
        assert_read(loop, ends.out, "for the next");
    }
    pipe_close(loop, &ends);
}

/* --- writing ---------------------------------------------------------------------------------- */

static size_t pipe_fill(int fd) {
    static const char much[4096];
    size_t size = 0;

    while (write(fd, much, sizeof(much)) == sizeof(much))
        size += sizeof(much);
    return size;
}

static void pipe_drain(int fd, size_t size) {
    char bytes[4096];

    for (; size > 0; size -= sizeof(bytes))
        ASSERT_INT_EQ(read(fd, bytes, sizeof(bytes)), sizeof(bytes));
}

TEST(what_a_pipe_has_room_for_is_written_at_once) {
    LOOP loop = real_loop();
    struct pipe_ends ends = pipe_open(0);
    struct probe probe = {.trace = NULL};
    char bytes[100];
    ASSERT(begin(&probe, loop, EDDY__OP_WRITE, ends.in));
    ASSERT_INT_EQ(probe.op.result, sizeof(bytes));
    ASSERT_INT_EQ(read(ends.out, bytes, sizeof(bytes)), sizeof(bytes));
    pipe_close(loop, &ends);
}

TEST(a_write_to_a_full_pipe_waits_for_room) {
    LOOP loop = real_loop();
    struct pipe_ends ends = pipe_open(0);
    for (int i = 0; i < 3; i++) {
        size_t size = pipe_fill(ends.in);
        struct probe probe = {.trace = NULL};
        begin_later(&probe, loop, EDDY__OP_WRITE, ends.in);
        turn(loop);
        ASSERT_INT_EQ(probe.done_count, 0);
        pipe_drain(ends.out, size);
        ASSERT_INT_EQ(finish(&probe), sizeof(probe.bytes));
        ASSERT_INT_EQ(read(ends.out, probe.bytes, sizeof(probe.bytes)), sizeof(probe.bytes));
    }
    pipe_close(loop, &ends);
}

TEST(a_cancelled_write_has_written_nothing) {
    LOOP loop = real_loop();
    struct pipe_ends ends = pipe_open(0);
    size_t size = pipe_fill(ends.in);
    struct probe probe = {.trace = NULL};
    begin_later(&probe, loop, EDDY__OP_WRITE, ends.in);
    turn(loop);
    eddy__op_cancel(loop, &probe.op);
    ASSERT_CODE(-ECANCELED, (int)finish(&probe));
    pipe_drain(ends.out, size);
    ASSERT_INT_EQ(read(ends.out, probe.bytes, 1), -1);
    pipe_close(loop, &ends);
}

static volatile sig_atomic_t signals;

static void count_signal(int signo) {
    (void)signo;
    signals++;
}

/* Neither before the wait nor after it. */
TEST(a_broken_pipe_is_a_code_and_no_signal) {
    LOOP loop = real_loop();
    struct pipe_ends ends = pipe_open(0);
    struct probe probe = {.trace = NULL};
    sigset_t pending;
    signal(SIGPIPE, count_signal);
    pipe_fill(ends.in);
    begin_later(&probe, loop, EDDY__OP_WRITE, ends.in);
    turn(loop);
    close_forgotten(loop, &ends.out);
    ASSERT_CODE(-EPIPE, (int)finish(&probe));
    ASSERT_CODE(-EPIPE, (int)perform(&probe, loop, EDDY__OP_WRITE, ends.in));
    ASSERT_INT_EQ(signals, 0);
    ASSERT_INT_EQ(sigpending(&pending), 0);
    ASSERT(!sigismember(&pending, SIGPIPE));
    raise(SIGPIPE); /* it is the user's, as before */
    ASSERT_INT_EQ(signals, 1);
    close_forgotten(loop, &ends.in);
}

TEST(an_eventfd_counts_what_is_written) {
    LOOP loop = real_loop();
    int fd = eddy__os_eventfd();
    uint64_t two = 2, count = 0;
    struct probe probe = {.loop = loop};
    for (int i = 0; i < 2; i++) {
        probe.op = (struct eddy__op){.done = probe_done, .code = EDDY__OP_WRITE, .fd = fd};
        probe.op.buffer = &two;
        probe.op.size = sizeof(two);
        ASSERT(eddy__op_submit(loop, &probe.op));
        ASSERT_INT_EQ(probe.op.result, sizeof(two));
    }
    ASSERT_INT_EQ(perform(&probe, loop, EDDY__OP_READ, fd), sizeof(count));
    memcpy(&count, probe.bytes, sizeof(count));
    ASSERT_UINT_EQ(count, 4u);
    close_forgotten(loop, &fd);
}
