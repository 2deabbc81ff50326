/* SPDX-License-Identifier: MIT
 * test_ring.c - the queue of pointers that grows when a place is promised, not when it is used. */
#include "ring.h"

#include <errno.h>

#include "scarce.h"
#include "test.h"
#include "util.h"

/* Items are numbers from 1: NULL would mean an empty ring. */
static void reserve_and_push(struct eddy__ring *ring, uintptr_t item) {
    ASSERT_OK(eddy__ring_reserve(ring));
    eddy__ring_push(ring, (void *)item);
}

static uintptr_t pop_and_unreserve(struct eddy__ring *ring) {
    uintptr_t item = (uintptr_t)eddy__ring_pop(ring);

    if (item)
        eddy__ring_unreserve(ring);
    return item;
}

TEST(an_all_zero_ring_is_empty) {
    CLEANUP(eddy__ring_deinit) struct eddy__ring ring = {0};

    ASSERT_UINT_EQ(eddy__ring_count(&ring), 0);
    ASSERT_NULL(eddy__ring_first(&ring));
    ASSERT_NULL(eddy__ring_pop(&ring));
}

TEST(items_come_out_in_the_order_in_which_they_came) {
    CLEANUP(eddy__ring_deinit) struct eddy__ring ring = {0};
    for (uintptr_t item = 1; item <= 1000; item++)
        reserve_and_push(&ring, item);

    ASSERT_UINT_EQ(eddy__ring_count(&ring), 1000);
    for (uintptr_t item = 1; item <= 1000; item++)
        ASSERT_UINT_EQ(pop_and_unreserve(&ring), item);
    ASSERT_NULL(eddy__ring_pop(&ring));
}

TEST(the_first_item_can_be_seen_without_taking_it) {
    CLEANUP(eddy__ring_deinit) struct eddy__ring ring = {0};
    reserve_and_push(&ring, 7);

    ASSERT_PTR_EQ(eddy__ring_first(&ring), (void *)7);
    ASSERT_UINT_EQ(eddy__ring_count(&ring), 1);
}

TEST(growing_keeps_the_order_of_items_that_wrap_around_the_end) {
    CLEANUP(eddy__ring_deinit) struct eddy__ring ring = {0};
    for (uintptr_t item = 1; item <= 40; item++) /* the head is in the middle of the array */
        reserve_and_push(&ring, item);
    for (uintptr_t item = 1; item <= 40; item++)
        pop_and_unreserve(&ring);
    uint32_t capacity = ring.mask + 1;

    for (uintptr_t item = 1; item <= capacity + 1; item++)
        reserve_and_push(&ring, item);
    ASSERT(ring.mask + 1 > capacity);
    for (uintptr_t item = 1; item <= capacity + 1; item++)
        ASSERT_UINT_EQ(pop_and_unreserve(&ring), item);
}

TEST(a_ring_works_on_when_its_counters_overflow) {
    CLEANUP(eddy__ring_deinit) struct eddy__ring ring = {0};
    reserve_and_push(&ring, 1);
    pop_and_unreserve(&ring);
    ring.head = ring.tail = UINT32_MAX - 50;

    for (uintptr_t item = 1; item <= 200; item++) /* past the overflow, and it grows meanwhile */
        reserve_and_push(&ring, item);
    ASSERT_UINT_EQ(eddy__ring_count(&ring), 200);
    for (uintptr_t item = 1; item <= 200; item++)
        ASSERT_UINT_EQ(pop_and_unreserve(&ring), item);
}

TEST(every_reserved_place_can_be_used) {
    CLEANUP(eddy__ring_deinit) struct eddy__ring ring = {0};
    for (int i = 0; i < 500; i++)
        ASSERT_OK(eddy__ring_reserve(&ring));
    for (uintptr_t item = 1; item <= 500; item++)
        eddy__ring_push(&ring, (void *)item);

    ASSERT_UINT_EQ(eddy__ring_count(&ring), 500);
}

TEST(a_place_given_up_is_promised_again_without_growing) {
    CLEANUP(eddy__ring_deinit) struct eddy__ring ring = {0};
    ASSERT_OK(eddy__ring_reserve(&ring));
    uint32_t mask = ring.mask;

    for (int i = 0; i < 100000; i++) {
        ASSERT_OK(eddy__ring_reserve(&ring));
        eddy__ring_unreserve(&ring);
    }
    ASSERT_UINT_EQ(ring.mask, mask);
}

TEST(a_ring_that_cannot_grow_keeps_what_it_has) {
    scarce_begin();
    CLEANUP(eddy__ring_deinit) struct eddy__ring ring = {0};
    reserve_and_push(&ring, 1);
    while (ring.reserved <= ring.mask)
        ASSERT_OK(eddy__ring_reserve(&ring));

    scarce_left = 0;
    ASSERT_CODE(-ENOMEM, eddy__ring_reserve(&ring));
    ASSERT_UINT_EQ(ring.reserved, ring.mask + 1);
    ASSERT_PTR_EQ(eddy__ring_pop(&ring), (void *)1);
}

TEST(a_ring_follows_a_peak_down_and_keeps_its_items_in_order) {
    CLEANUP(eddy__ring_deinit) struct eddy__ring ring = {0};
    for (uintptr_t item = 1; item <= 40000; item++)
        reserve_and_push(&ring, item);
    eddy__ring_shrink(&ring);
    ASSERT_UINT_EQ(ring.mask + 1, 65536); /* it is needed */
    for (uintptr_t item = 1; item <= 39000; item++)
        ASSERT_UINT_EQ(pop_and_unreserve(&ring), item);
    for (int time = 0; time < 20; time++)
        eddy__ring_shrink(&ring);

    ASSERT_UINT_EQ(ring.mask + 1, 4096);
    for (uintptr_t item = 40001; item <= 44000; item++)
        reserve_and_push(&ring, item);
    for (uintptr_t item = 39001; item <= 44000; item++)
        ASSERT_UINT_EQ(pop_and_unreserve(&ring), item);
}

TEST(a_ring_that_cannot_shrink_for_want_of_memory_stays_as_it_is) {
    scarce_begin();
    CLEANUP(eddy__ring_deinit) struct eddy__ring ring = {0};
    for (uintptr_t item = 1; item <= 10000; item++)
        reserve_and_push(&ring, item);
    for (uintptr_t item = 1; item <= 9999; item++)
        pop_and_unreserve(&ring);
    scarce_left = 0;
    eddy__ring_shrink(&ring);

    ASSERT_UINT_EQ(ring.mask + 1, 16384);
    ASSERT_UINT_EQ(pop_and_unreserve(&ring), 10000);
}
