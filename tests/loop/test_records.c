/* SPDX-License-Identifier: MIT
 * test_records.c - records that have their places in the ready queue. */
#include "records.h"

#include <errno.h>

#include "../base/scarce.h"
#include "test.h"

enum { RECORD_BYTES = 64, PAGE = SLAB_PAGE_BYTES / RECORD_BYTES, COUNT = 1000 };

struct queue {
    struct eddy__ring ready;
    struct eddy__slab slab;
    void *records[COUNT];
};

static void queue_end(struct queue *queue) {
    eddy__slab_deinit(&queue->slab);
    eddy__ring_deinit(&queue->ready);
}

#define QUEUE CLEANUP(queue_end) struct queue

static void take(struct queue *queue, int count) {
    for (int i = 0; i < count; i++) {
        queue->records[i] = eddy__records_take(&queue->ready, &queue->slab);
        ASSERT_NOT_NULL(queue->records[i]);
    }
}

static void give(struct queue *queue, int count) {
    for (int i = 0; i < count; i++)
        eddy__slab_give(&queue->slab, queue->records[i]);
}

TEST(each_record_has_a_place_in_the_queue) {
    QUEUE queue = {0};
    eddy__slab_init(&queue.slab, RECORD_BYTES);
    take(&queue, COUNT);

    ASSERT_UINT_EQ(queue.ready.reserved, queue.slab.open);
    ASSERT(queue.ready.reserved >= COUNT);
    for (int i = 0; i < COUNT; i++)
        eddy__ring_push(&queue.ready, queue.records[i]);
    for (int i = 0; i < COUNT; i++)
        ASSERT_PTR_EQ(eddy__ring_pop(&queue.ready), queue.records[i]);
}

TEST(a_record_that_comes_again_has_its_place_still) {
    QUEUE queue = {0};
    eddy__slab_init(&queue.slab, RECORD_BYTES);
    for (int round = 0; round < 5; round++) {
        take(&queue, PAGE);
        give(&queue, PAGE);
    }
    ASSERT_UINT_EQ(queue.ready.reserved, PAGE);
}

TEST(records_that_come_back_from_the_cold_have_their_places_still) {
    QUEUE queue = {0};
    eddy__slab_init(&queue.slab, RECORD_BYTES);
    take(&queue, COUNT);
    uint32_t reserved = queue.ready.reserved;
    give(&queue, COUNT);
    eddy__slab_age(&queue.slab);
    take(&queue, COUNT);

    ASSERT_UINT_EQ(queue.ready.reserved, reserved);
}

TEST(places_go_back_with_their_pages) {
    QUEUE queue = {0};
    eddy__slab_init(&queue.slab, RECORD_BYTES);
    take(&queue, COUNT);
    give(&queue, COUNT - 1); /* the last is in use */
    eddy__slab_age(&queue.slab);
    eddy__slab_age(&queue.slab);
    while (eddy__records_trim(&queue.ready, &queue.slab))
        continue;

    ASSERT_UINT_EQ(queue.slab.open, PAGE);
    ASSERT_UINT_EQ(queue.ready.reserved, PAGE);
}

TEST(without_memory_neither_records_nor_places_are_lost) {
    scarce_begin();
    QUEUE queue = {0};
    eddy__slab_init(&queue.slab, RECORD_BYTES);
    for (int left = 0; left < 4; left++) { /* the queue, two tables, the pages' marks */
        scarce_left = left;
        ASSERT_NULL(eddy__records_take(&queue.ready, &queue.slab));
        ASSERT_UINT_EQ(queue.ready.reserved, 0);
        scarce_left = INT_MAX;
        eddy__ring_deinit(&queue.ready);
    }
    take(&queue, PAGE);
    ASSERT_UINT_EQ(queue.ready.reserved, PAGE);
    ASSERT_UINT_EQ(queue.slab.in_use, PAGE);
}
