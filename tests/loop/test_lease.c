/* SPDX-License-Identifier: MIT
 * test_lease.c - receives into memory of the poller's: lent when something has come, given back,
 * and freed when it was not needed for a while.
 *
 * What is said of operations holds for every backend. */
#include <errno.h>

#include "../base/scarce.h"
#include "lease.h"
#include "probe.h"

static char pattern[4 * LEASE_BYTES];

static void pattern_fill(void) {
    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = (char)(i * 7 + i / 251);
}

/* Sockets that take all of the pattern at once. */
static struct ends wide_ends(void) {
    struct ends ends = ends_open();

    eddy__os_set_option(ends.far, SOL_SOCKET, SO_SNDBUF, 2 * (int)sizeof(pattern));
    return ends;
}

/* Receives a lease, now or later. Returns its bytes, or NULL and the result. */
static char *lease(eddy_loop *loop, int fd, ssize_t *result) {
    struct probe probe = {.trace = NULL};

    *result = begin(&probe, loop, EDDY__OP_LEASE, fd) ? probe.op.result : finish(&probe);
    ASSERT((*result > 0) == (probe.op.buffer != NULL));
    return probe.op.buffer;
}

static void assert_leases(eddy_loop *loop, int fd, const char *text) {
    ssize_t size;
    char *bytes = lease(loop, fd, &size);

    ASSERT_INT_EQ(size, strlen(text));
    ASSERT_MEM_EQ(bytes, text, strlen(text));
    eddy__lease_return(loop, bytes);
}

/* --- the operation ---------------------------------------------------------------------------- */

TEST(what_is_there_is_lent_at_once) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    put(ends.far, "hello");

    assert_leases(loop, ends.near, "hello");
}

TEST(a_lease_is_lent_when_something_has_come) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    begin_later(&probe, loop, EDDY__OP_LEASE, ends.near);
    turn(loop);
    ASSERT_INT_EQ(probe.done_count, 0);
    put(ends.far, "hello");

    ASSERT_INT_EQ(finish(&probe), 5);
    ASSERT_MEM_EQ(probe.op.buffer, "hello", 5);
    eddy__lease_return(loop, probe.op.buffer);
}

TEST(nothing_is_lent_at_the_end) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    ssize_t result;
    begin_later(&probe, loop, EDDY__OP_LEASE, ends.near);
    eddy__os_close(TAKE_FD(ends.far));

    ASSERT_INT_EQ(finish(&probe), 0);
    ASSERT_NULL(probe.op.buffer);
    ASSERT_NULL(lease(loop, ends.near, &result));
    ASSERT_INT_EQ(result, 0);
}

TEST(nothing_is_lent_by_what_fails) {
    LOOP loop = real_loop();
    FD file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ssize_t result;

    ASSERT_NULL(lease(loop, file, &result));
    ASSERT_CODE(-ENOTSOCK, result);
    ASSERT_NULL(lease(loop, -1, &result));
    ASSERT_CODE(-EBADF, result);
}

TEST(nothing_is_lent_to_the_cancelled_and_nothing_is_lost) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    begin_later(&probe, loop, EDDY__OP_LEASE, ends.near);
    eddy__op_cancel(loop, &probe.op);
    ASSERT_CODE(-ECANCELED, finish(&probe));
    ASSERT_NULL(probe.op.buffer);
    put(ends.far, "later");

    assert_leases(loop, ends.near, "later");
}

TEST(closing_the_loop_cancels_a_lease_that_waits) {
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    eddy_loop *loop = real_loop();
    begin_later(&probe, loop, EDDY__OP_LEASE, ends.near);
    eddy_loop_close(loop);

    ASSERT_CODE(-ECANCELED, finish(&probe));
    ASSERT_NULL(probe.op.buffer);
}

TEST(what_one_lease_does_not_hold_comes_with_the_next) {
    LOOP loop = real_loop();
    ENDS ends = wide_ends();
    size_t had = 0;
    pattern_fill();
    ASSERT_INT_EQ(write(ends.far, pattern, sizeof(pattern)), sizeof(pattern));
    while (had < sizeof(pattern)) {
        ssize_t size;
        char *bytes = lease(loop, ends.near, &size);
        ASSERT(size > 0 && size <= (ssize_t)LEASE_BYTES);
        ASSERT_MEM_EQ(bytes, pattern + had, (size_t)size);
        eddy__lease_return(loop, bytes);
        had += (size_t)size;
    }

    put(ends.far, "more");
    assert_leases(loop, ends.near, "more");
}

TEST(receives_of_both_shapes_get_the_bytes_in_order) {
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe lends = {.trace = NULL}, receives = {.trace = NULL};
    begin_later(&lends, loop, EDDY__OP_LEASE, ends.near);
    begin_later(&receives, loop, EDDY__OP_RECV, ends.near);
    put(ends.far, "one");
    ASSERT_INT_EQ(finish(&lends), 3);
    ASSERT_MEM_EQ(lends.op.buffer, "one", 3);
    put(ends.far, "two");
    finish(&receives);
    assert_got(&receives, "two");
    eddy__lease_return(loop, lends.op.buffer);

    put(ends.far, "three");
    assert_leases(loop, ends.near, "three");
    put(ends.far, "four");
    receive(loop, ends.near, "four");
}

TEST(several_leases_may_be_out_and_keep_their_bytes) {
    LOOP loop = real_loop();
    char *bytes[10];
    for (int i = 0; i < 10; i++) {
        ENDS ends = ends_open();
        ssize_t size;
        ASSERT_INT_EQ(write(ends.far, &(char){(char)('0' + i)}, 1), 1);
        bytes[i] = lease(loop, ends.near, &size);
        ASSERT_INT_EQ(size, 1);
        eddy__op_forget(loop, ends.near);
    }
    for (int i = 0; i < 10; i++) {
        ASSERT_INT_EQ(bytes[i][0], '0' + i);
        eddy__lease_return(loop, bytes[i]);
    }
}

TEST(a_lease_outlives_its_loop) {
    ENDS ends = ends_open();
    eddy_loop *loop = real_loop();
    ssize_t size;
    char *bytes;
    put(ends.far, "hello");
    bytes = lease(loop, ends.near, &size);
    eddy_loop_ref(loop);
    eddy_loop_close(loop);

    ASSERT_MEM_EQ(bytes, "hello", 5);
    eddy__lease_return(loop, bytes);
    eddy_loop_unref(loop);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* All that the poller has, or has given the kernel in advance. Returns how many that is. */
static int leases_exhaust(eddy_loop *loop, const struct ends *ends, void *held[], int most) {
    for (int i = 0; i < most; i++) {
        ssize_t size;
        put(ends->far, "x");
        held[i] = lease(loop, ends->near, &size);
        if (size == -ENOMEM)
            return i;
        ASSERT_INT_EQ(size, 1);
    }
    TEST_FAIL("there is no end of leases");
}

TEST(a_receive_without_memory_to_lend_fails_and_loses_nothing) {
    scarce_begin();
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    ENDS other = ends_open();
    struct probe probe = {.trace = NULL};
    void *held[200];
    begin_later(&probe, loop, EDDY__OP_LEASE, ends.near);
    assert_leases(loop, (put(other.far, "x"), other.near), "x"); /* the tables are made */
    scarce_left = 0;
    int held_count = leases_exhaust(loop, &other, held, (int)ARRAY_SIZE(held));
    ASSERT(held_count > 0);
    put(ends.far, "hello");
    ASSERT_CODE(-ENOMEM, finish(&probe));
    ASSERT_NULL(probe.op.buffer);
    ASSERT_CODE(-ENOMEM, perform(&probe, loop, EDDY__OP_LEASE, ends.near));
    ASSERT_NULL(probe.op.buffer);
    scarce_left = INT_MAX;
    for (int i = 0; i < held_count; i++)
        eddy__lease_return(loop, held[i]);

    assert_leases(loop, ends.near, "hello");
}

TEST(a_lease_that_waits_owns_no_memory) {
    scarce_begin();
    LOOP loop = real_loop();
    ENDS ends = ends_open();
    struct probe probe = {.trace = NULL};
    begin_later(&probe, loop, EDDY__OP_LEASE, ends.near); /* the poller has its table now */
    eddy__op_cancel(loop, &probe.op);
    finish(&probe);
    int before = scarce_out;
    begin_later(&probe, loop, EDDY__OP_LEASE, ends.near);
    turn(loop);

    ASSERT_INT_EQ(scarce_out, before);
    eddy__op_cancel(loop, &probe.op);
    finish(&probe);
}

enum { PEAK = 100 };

/* Lends that many at once. */
static void pool_peak(struct eddy__leases *leases) {
    void *out[PEAK];

    for (int i = 0; i < PEAK; i++)
        ASSERT_NOT_NULL(out[i] = eddy__lease_take(leases));
    for (int i = 0; i < PEAK; i++)
        eddy__lease_give(leases, out[i]);
}

TEST(the_lease_given_back_last_is_lent_next) {
    struct eddy__leases leases = {0};
    void *first = eddy__lease_take(&leases), *second = eddy__lease_take(&leases);
    eddy__lease_give(&leases, first);
    eddy__lease_give(&leases, second);

    ASSERT_PTR_EQ(eddy__lease_take(&leases), second);
    eddy__lease_free(second);
    eddy__leases_deinit(&leases);
}

TEST(what_is_needed_again_and_again_is_not_trimmed) {
    scarce_begin();
    struct eddy__leases leases = {0};
    pool_peak(&leases);
    for (int i = 0; i < 10; i++) {
        eddy__leases_trim(&leases);
        scarce_left = 0; /* all come from the pool */
        pool_peak(&leases);
        scarce_left = INT_MAX;
    }

    ASSERT_INT_EQ(scarce_out, PEAK);
    eddy__leases_deinit(&leases);
    ASSERT_INT_EQ(scarce_out, 0);
}

TEST(what_was_not_needed_between_two_trims_is_freed) {
    scarce_begin();
    struct eddy__leases leases = {0};
    pool_peak(&leases);
    eddy__leases_trim(&leases);
    ASSERT_INT_EQ(scarce_out, PEAK);
    eddy__lease_give(&leases, eddy__lease_take(&leases));
    eddy__leases_trim(&leases);

    ASSERT(scarce_out < 10);
    ASSERT(!eddy__leases_are_many(&leases));
    eddy__leases_deinit(&leases);
}

TEST(a_busy_pool_trims_itself) {
    scarce_begin();
    struct eddy__leases leases = {0};
    pool_peak(&leases);
    for (int i = 0; i < 10000; i++)
        eddy__lease_give(&leases, eddy__lease_take(&leases));

    ASSERT(scarce_out < 10);
    eddy__leases_deinit(&leases);
}

TEST(an_idle_loop_frees_what_a_peak_has_left) {
    scarce_begin();
    LOOP loop = real_loop();
    char *bytes[PEAK];
    for (int i = 0; i < PEAK; i++) {
        ENDS ends = ends_open();
        ssize_t size;
        put(ends.far, "x");
        bytes[i] = lease(loop, ends.near, &size);
        eddy__op_forget(loop, ends.near);
    }
    int out = scarce_out;
    for (int i = 0; i < PEAK; i++)
        eddy__lease_return(loop, bytes[i]);

    while (scarce_out > out - PEAK + 10) /* the test's own time limit is what fails */
        ASSERT_OK(eddy_loop_run_once(loop, 0.5));
}
