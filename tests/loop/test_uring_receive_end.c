/* SPDX-License-Identifier: MIT
 * test_uring_receive_end.c - multishot receives that end before their connection does: forgotten,
 * without memory, without slots, with their thread or their loop. */
#include <errno.h>
#include <pthread.h>

#include "../base/scarce.h"
#include "steady.h"

/* --- forgetting ------------------------------------------------------------------------------- */

TEST(a_forgotten_descriptor_is_closed_when_its_owner_closes_it) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    char byte;
    become_steady(loop, &ends);
    ASSERT(is_armed(loop, ends.near));
    close_forgotten(loop, &ends.near);

    ASSERT_INT_EQ(read(ends.far, &byte, 1), 0); /* no turn in between */
}

TEST(what_came_for_a_forgotten_descriptor_does_not_reach_its_successor) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    become_steady(loop, &ends);
    for (int i = 0; i < 3; i++) {
        put(ends.far, "stale");
        eddy__uring_flush(&loop->poller->uring); /* the answer is there, and not yet taken */
    }
    int number = ends.near;
    close_forgotten(loop, &ends.near);
    ENDS others = ends_open();
    ASSERT_INT_EQ(others.near, number);
    put(others.far, "new");
    lease(loop, others.near, "new");

    become_steady(loop, &others);
    ASSERT(is_armed(loop, others.near) == is_multishot(loop));
}

TEST(forgetting_gives_back_what_nobody_has_read) {
    scarce_begin();
    {
        LOOP loop = bound_loop();
        ENDS ends = ends_open();
        become_steady(loop, &ends);
        put(ends.far, "unread");
        turn(loop);
        ASSERT(eddy__op_holds_input(loop, ends.near));
        close_forgotten(loop, &ends.near);
        ASSERT(!eddy__op_holds_input(loop, ends.far));
    }
    ASSERT_INT_EQ(scarce_out, 0);
}

TEST(a_loop_that_closes_ends_what_comes_ahead) {
    scarce_begin();
    struct probe probe = {.trace = NULL};
    ENDS read = ends_open(), unread = ends_open();
    eddy_loop *loop = bound_loop();
    begin_steady(&probe, loop, &read);
    become_steady(loop, &unread);
    put(unread.far, "unread");
    turn(loop);
    put(unread.far, "not even received");
    ASSERT_NULL(eddy_loop_close(loop));

    ASSERT_CODE(-ECANCELED, finish(&probe));
    ASSERT_INT_EQ(scarce_out, 0);
}

/* --- what runs out ---------------------------------------------------------------------------- */

enum { MANY = 300 };

static struct ends many[MANY];
static struct probe probes[MANY];

TEST(more_at_once_than_the_kernel_has_leases_is_all_received) {
    LOOP loop = bound_loop();
    for (int i = 0; i < MANY; i++) {
        many[i] = ends_open();
        begin_steady(&probes[i], loop, &many[i]);
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++)
            put(many[i].far, "all at once");
        for (int i = 0; i < MANY; i++)
            finish_lease(&probes[i], "all at once");
        for (int i = 0; i < MANY; i++)
            begin_later(&probes[i], loop, EDDY__OP_LEASE, many[i].near);
    }
    ASSERT(loop->poller->lease_ring.wanted <= 2 * MANY); /* what a turn needs, and not all */
    for (int i = 0; i < MANY; i++) {
        eddy__op_cancel(loop, &probes[i].op);
        finish(&probes[i]);
        close_forgotten(loop, &many[i].near);
        eddy__os_close(many[i].far);
    }
}

TEST(without_memory_to_lend_the_receive_fails_and_loses_nothing) {
    scarce_begin();
    LOOP loop = bound_loop();
    ENDS ends = ends_open(), other = ends_open();
    struct probe probe = {.trace = NULL};
    void *held[200];
    int count = 0;
    begin_steady(&probe, loop, &ends);
    lease(loop, (put(other.far, "x"), other.near), "x");
    scarce_left = 0;
    for (; count < (int)ARRAY_SIZE(held); count++) {
        struct probe other_probe = {.trace = NULL};
        put(other.far, "x");
        if (perform(&other_probe, loop, EDDY__OP_LEASE, other.near) == -ENOMEM)
            break;
        held[count] = other_probe.op.buffer;
    }
    ASSERT(count < (int)ARRAY_SIZE(held));
    put(ends.far, "hello");
    ASSERT_CODE(-ENOMEM, finish(&probe));
    ASSERT_NULL(probe.op.buffer);
    scarce_left = INT_MAX;
    for (int i = 0; i < count; i++)
        eddy__lease_return(loop, held[i]);

    lease(loop, ends.near, "hello");
}

TEST(an_idle_loop_takes_its_leases_back_and_receives_on) {
    scarce_begin();
    LOOP loop = bound_loop();
    for (int i = 0; i < MANY; i++) {
        many[i] = ends_open();
        begin_steady(&probes[i], loop, &many[i]);
        put(many[i].far, "peak");
    }
    for (int i = 0; i < MANY; i++)
        ASSERT_INT_EQ(finish(&probes[i]), 4);
    for (int i = 0; i < MANY; i++)
        eddy__lease_return(loop, probes[i].op.buffer);
    int out = scarce_out;
    while (scarce_out > out - MANY / 2) /* the test's own time limit is what fails */
        ASSERT_OK(eddy_loop_run_once(loop, 0.5));

    for (int i = 0; i < MANY; i++) {
        put(many[i].far, "after");
        lease(loop, many[i].near, "after");
        close_forgotten(loop, &many[i].near);
        eddy__os_close(many[i].far);
    }
}

/* --- slots ------------------------------------------------------------------------------------ */

TEST(a_multishot_that_found_no_slot_is_started_before_the_next_wait) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    struct late late = {.loop = loop, .fd = ends.near, .code = EDDY__OP_LEASE};
    for (int i = 0; i < STEADY_LEAST; i++) {
        put(ends.far, "steady");
        lease(loop, ends.near, "steady");
    }
    begin_without_slots(&late);
    ASSERT(is_armed(loop, ends.near) == is_multishot(loop));
    put(ends.far, "late");
    finish_lease(&late.probe, "late");
}

TEST(a_stop_that_found_no_slot_is_asked_for_again) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    struct late late = {.loop = loop, .fd = ends.near, .code = EDDY__OP_RECV};
    become_steady(loop, &ends);
    begin_without_slots(&late);
    turn(loop);
    ASSERT(!is_armed(loop, ends.near));
    put(ends.far, "late");
    finish(&late.probe);
    assert_got(&late.probe, "late");
}

/* Only what comes tells that the kernel goes on: it is asked again. */
static void forget_without_slots(void *arg) {
    struct late *late = arg;

    slots_use_up(late->loop);
    close_forgotten(late->loop, &late->fd);
}

TEST(a_forgotten_multishot_that_found_no_slot_ends_with_what_comes) {
    LOOP loop = bound_loop();
    ENDS ends = ends_open();
    struct late late = {.loop = loop, .fd = TAKE_FD(ends.near)};
    char byte;
    become_steady(loop, &(struct ends){late.fd, ends.far});
    refuse_if(SYS_io_uring_enter, 2, 0, EAGAIN); /* to look without a wait, too */
    eddy_call_soon(loop, forget_without_slots, &late);
    turn(loop);
    turn(loop);
    ASSERT(write(ends.far, "x", 1) == 1 || errno == EPIPE);
    while (questions_of(loop) > 0)
        ASSERT_OK(eddy_loop_run_once(loop, 0.01));

    ASSERT(read(ends.far, &byte, 1) <= 0);
}

/* --- threads ---------------------------------------------------------------------------------- */

struct begun {
    eddy_loop *loop;
    struct ends ends;
    struct probe probe;
};

static void *begin_elsewhere(void *arg) {
    struct begun *begun = arg;

    begin_steady(&begun->probe, begun->loop, &begun->ends);
    return NULL;
}

TEST(a_multishot_outlives_the_thread_that_began_it) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct begun begun = {.loop = loop, .ends = ends};
    pthread_t thread;
    ASSERT_INT_EQ(pthread_create(&thread, NULL, begin_elsewhere, &begun), 0);
    pthread_join(thread, NULL); /* the kernel takes back what the thread has asked for */
    turn(loop);
    put(ends.far, "hello");
    finish_lease(&begun.probe, "hello");

    put(ends.far, "again");
    lease(loop, ends.near, "again");
}
