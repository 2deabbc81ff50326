/* SPDX-License-Identifier: MIT
 * test_host.c - a loop inside a host's main loop: its descriptor, its time-out, one turn at a time.
 *
 * The fact behind all of these: whatever gives run_once work makes the descriptor readable. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "fixture.h"

static eddy_loop *host_loop(void) {
    return loop_of_clock(EDDY_CLOCK_MONOTONIC);
}

/* Whether the host's poll returns at once. */
static bool is_readable(int fd) {
    struct pollfd host = {.fd = fd, .events = POLLIN};
    return poll(&host, 1, 0) == 1;
}

/* The host waits as long as it takes: the test's own time limit is what fails. */
static void wait_readable(int fd) {
    struct pollfd host = {.fd = fd, .events = POLLIN};
    ASSERT_INT_EQ(poll(&host, 1, -1), 1);
}

TEST(the_descriptor_of_an_idle_loop_rests) {
    LOOP loop = host_loop();
    int fd = eddy_loop_fd(loop);

    ASSERT_OK(fd);
    ASSERT(!is_readable(fd));
    turn(loop);
    ASSERT(!is_readable(fd));
    ASSERT(eddy_loop_timeout(loop) == INFINITY);
}

TEST(the_descriptor_stays_the_same) {
    LOOP loop = host_loop();
    int fd = eddy_loop_fd(loop);
    eddy_call_soon(loop, stop, loop);
    turn(loop);

    ASSERT_INT_EQ(eddy_loop_fd(loop), fd);
}

TEST(without_descriptors_there_is_none_for_the_host) {
    LOOP loop = host_loop();
    for (int left = 0; left < 2; left++) {
        leave_descriptors(left);
        int before = descriptors_open();
        ASSERT_CODE(-EMFILE, eddy_loop_fd(loop));
        ASSERT_INT_EQ(descriptors_open(), before);
    }
    leave_descriptors(2);
    ASSERT_OK(eddy_loop_fd(loop));
    forget_last_error();
    leave_all_descriptors();
}

TEST(a_callback_queued_before_the_descriptor_is_asked_for_makes_it_readable) {
    LOOP loop = host_loop();
    int ran = 0;
    eddy_call_soon(loop, count, &ran);
    int fd = eddy_loop_fd(loop);
    ASSERT(eddy_loop_timeout(loop) == 0);

    wait_readable(fd);
    turn(loop);
    ASSERT_INT_EQ(ran, 1);
    ASSERT(!is_readable(fd));
}

TEST(a_callback_queued_by_the_host_makes_the_descriptor_readable) {
    LOOP loop = host_loop();
    int ran = 0, fd = eddy_loop_fd(loop);
    turn(loop);
    eddy_call_soon(loop, count, &ran);

    wait_readable(fd);
    turn(loop);
    ASSERT_INT_EQ(ran, 1);
    ASSERT(!is_readable(fd));
}

TEST(a_timer_started_by_the_host_makes_the_descriptor_readable_in_time) {
    LOOP loop = host_loop();
    int ran = 0, fd = eddy_loop_fd(loop);
    turn(loop);
    eddy_call_later(loop, 0.002, count, &ran);

    while (!ran) {
        wait_readable(fd);
        turn(loop);
    }
    ASSERT(!is_readable(fd));
}

static void queue_again(void *arg) {
    eddy_call_soon(NULL, count, arg);
}

TEST(a_timer_started_by_a_callback_makes_the_descriptor_readable_in_time) {
    LOOP loop = host_loop();
    int ran = 0, fd = eddy_loop_fd(loop);
    eddy_call_later(loop, 0.001, queue_again, &ran);
    turn(loop);

    while (!ran) {
        wait_readable(fd);
        turn(loop);
    }
}

TEST(what_a_turn_leaves_over_makes_the_descriptor_readable) {
    LOOP loop = host_loop();
    int ran = 0, fd = eddy_loop_fd(loop);
    for (int i = 0; i < 2000; i++)
        eddy_call_soon(loop, count, &ran);
    while (ran < 2000) {
        eddy_loop_fd(loop);
        wait_readable(fd);
        turn(loop);
    }
    ASSERT(!is_readable(fd));
}

TEST(the_timeout_counts_down_to_the_next_timer) {
    LOOP loop = test_loop();
    eddy_call_later(loop, 5, stop, loop);
    ASSERT(eddy_loop_timeout(loop) == 5);
    ASSERT_OK(eddy_loop_run_once(loop, 2));
    ASSERT(eddy_loop_timeout(loop) == 3);
    eddy_call_soon(loop, stop, loop);
    ASSERT(eddy_loop_timeout(loop) == 0);
}

TEST(a_descriptor_that_is_ready_makes_the_loops_readable) {
    LOOP loop = host_loop();
    ENDS ends = ends_open();
    int ran = 0, fd = eddy_loop_fd(loop);
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &ran));
    turn(loop);
    ASSERT(!is_readable(fd));
    put(ends.far, "x");

    wait_readable(fd);
    turn(loop);
    ASSERT_INT_EQ(ran, 1);
}

TEST(a_watch_that_the_host_adds_to_a_descriptor_counts_at_once) {
    LOOP loop = host_loop();
    ENDS ends = ends_open();
    int reads = 0, writes = 0, fd = eddy_loop_fd(loop);
    ASSERT_OK(eddy_add_reader(loop, ends.near, count, &reads));
    turn(loop);
    ASSERT_OK(eddy_add_writer(loop, ends.near, count, &writes)); /* it can be written */

    wait_readable(fd);
    turn(loop);
    ASSERT_INT_EQ(writes, 1);
}

struct echo {
    eddy_loop *loop;
    int fd, writes;
};

static void may_write(void *arg) {
    struct echo *echo = arg;
    echo->writes++;
    eddy_remove_writer(echo->loop, echo->fd);
}

static void may_read(void *arg) {
    struct echo *echo = arg;
    drain(echo->fd);
    eddy_add_writer(echo->loop, echo->fd, may_write, echo);
}

TEST(a_watch_that_a_callback_changes_counts_before_the_next_turn) {
    LOOP loop = host_loop();
    ENDS ends = ends_open();
    struct echo echo = {loop, ends.near, 0};
    int fd = eddy_loop_fd(loop);
    ASSERT_OK(eddy_add_reader(loop, ends.near, may_read, &echo));
    put(ends.far, "x");
    wait_readable(fd);
    turn(loop); /* read, and now it wants to write */

    wait_readable(fd);
    turn(loop);
    ASSERT_INT_EQ(echo.writes, 1);
    turn(loop);
    ASSERT(!is_readable(fd));
}

TEST(a_post_before_the_first_turn_makes_the_descriptor_readable) {
    LOOP loop = host_loop();
    int ran = 0, fd = eddy_loop_fd(loop);
    ASSERT_OK(eddy_call_soon_threadsafe(loop, count, &ran));

    wait_readable(fd);
    turn(loop);
    ASSERT_INT_EQ(ran, 1);
    turn(loop);
    ASSERT(!is_readable(fd));
}

static void *post_elsewhere(void *loop) {
    ASSERT_OK(eddy_call_soon_threadsafe(loop, stop, loop));
    return NULL;
}

TEST(a_post_of_another_thread_makes_the_descriptor_readable_each_time) {
    LOOP loop = host_loop();
    int fd = eddy_loop_fd(loop);
    for (int i = 0; i < 5; i++) {
        pthread_t thread;
        turn(loop);
        ASSERT(!is_readable(fd));
        pthread_create(&thread, NULL, post_elsewhere, loop);
        wait_readable(fd);
        pthread_join(thread, NULL);
        turn(loop);
        ASSERT_OK(eddy_loop_run_forever(loop)); /* the stop came */
    }
}

TEST(a_post_is_seen_by_a_host_that_asked_for_the_descriptor_late) {
    LOOP loop = host_loop();
    int ran = 0;
    turn(loop);
    int fd = eddy_loop_fd(loop);
    ASSERT_OK(eddy_call_soon_threadsafe(loop, count, &ran));

    wait_readable(fd);
    turn(loop);
    ASSERT_INT_EQ(ran, 1);
}

TEST(a_post_is_seen_by_a_host_after_the_loop_ran_by_itself) {
    LOOP loop = host_loop();
    int ran = 0, fd = eddy_loop_fd(loop);
    eddy_loop_stop(loop);
    ASSERT_OK(eddy_loop_run_forever(loop));
    ASSERT_OK(eddy_call_soon_threadsafe(loop, count, &ran));

    wait_readable(fd);
    turn(loop);
    ASSERT_INT_EQ(ran, 1);
}

TEST(a_post_that_waits_leaves_no_time) {
    LOOP loop = host_loop();
    turn(loop);
    ASSERT_OK(eddy_call_soon_threadsafe(loop, stop, loop));

    ASSERT(eddy_loop_timeout(loop) == 0);
}

TEST(a_signal_makes_the_descriptor_readable) {
    LOOP loop = host_loop();
    int ran = 0, fd = eddy_loop_fd(loop);
    ASSERT_OK(eddy_add_signal_handler(loop, SIGUSR1, count, &ran));
    turn(loop);
    ASSERT(!is_readable(fd));
    raise(SIGUSR1);

    wait_readable(fd);
    turn(loop);
    ASSERT_INT_EQ(ran, 1);
    turn(loop);
    ASSERT(!is_readable(fd));
}

TEST(two_loops_live_in_one_host) {
    LOOP one = host_loop();
    LOOP two = host_loop();
    int ran_one = 0, ran_two = 0, fds[] = {eddy_loop_fd(one), eddy_loop_fd(two)};
    eddy_call_later(one, 0.001, count, &ran_one);
    eddy_loop_fd(one);
    ASSERT_OK(eddy_call_soon_threadsafe(two, count, &ran_two));

    while (!ran_one || !ran_two) {
        struct pollfd host[] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
        ASSERT(poll(host, 2, -1) > 0);
        if (host[0].revents)
            turn(one);
        if (host[1].revents)
            turn(two);
    }
}
