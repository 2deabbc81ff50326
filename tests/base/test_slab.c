/* SPDX-License-Identifier: MIT
 * test_slab.c - records at addresses that never change, with an index each. */
#include "slab.h"

#include <string.h>

#include "scarce.h"
#include "test.h"
#include "util.h"

enum { COUNT = 2000, RECORD_BYTES = 24 }; /* several chunks */

struct record {
    uint64_t link; /* the slab's while the record is free */
    uint64_t number, guard;
};

static void take_all(struct eddy__slab *slab, struct record *records[COUNT]) {
    for (uint32_t i = 0; i < COUNT; i++) {
        records[i] = eddy__slab_take(slab);
        ASSERT_NOT_NULL(records[i]);
        *records[i] = (struct record){i, i, ~(uint64_t)i};
    }
}

TEST(records_do_not_overlap_and_never_move) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    struct record *records[COUNT];
    eddy__slab_init(&slab, RECORD_BYTES);
    take_all(&slab, records);

    for (uint32_t i = 0; i < COUNT; i++) {
        ASSERT_UINT_EQ(records[i]->link, i);
        ASSERT_UINT_EQ(records[i]->number, i);
        ASSERT_UINT_EQ(records[i]->guard, ~(uint64_t)i);
    }
    ASSERT_UINT_EQ(slab.in_use, COUNT);
}

TEST(every_index_below_the_capacity_has_a_record_of_its_own) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    struct record *records[COUNT];
    uint32_t found = 0;
    eddy__slab_init(&slab, RECORD_BYTES);
    take_all(&slab, records);

    ASSERT(eddy__slab_capacity(&slab) >= COUNT);
    for (uint32_t index = 0; index < eddy__slab_capacity(&slab); index++) {
        struct record *record = eddy__slab_at(&slab, index);
        if (record->guard == ~record->number && records[record->number] == record)
            found++;
    }
    ASSERT_UINT_EQ(found, COUNT);
}

TEST(the_record_given_back_last_is_taken_next) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    eddy__slab_init(&slab, RECORD_BYTES);
    void *first = eddy__slab_take(&slab), *second = eddy__slab_take(&slab);
    eddy__slab_give(&slab, first);
    eddy__slab_give(&slab, second);

    ASSERT_PTR_EQ(eddy__slab_take(&slab), second);
    ASSERT_PTR_EQ(eddy__slab_take(&slab), first);
}

TEST(a_record_that_was_never_used_is_all_zero) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    const char zeros[RECORD_BYTES] = {0};
    eddy__slab_init(&slab, RECORD_BYTES);

    for (int i = 0; i < COUNT; i++)
        ASSERT_MEM_EQ(eddy__slab_take(&slab), zeros, RECORD_BYTES);
}

TEST(a_record_given_back_keeps_all_but_its_first_word) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    eddy__slab_init(&slab, RECORD_BYTES);
    struct record *record = eddy__slab_take(&slab);
    *record = (struct record){1, 2, 3};
    eddy__slab_give(&slab, record);

    ASSERT_PTR_EQ(eddy__slab_take(&slab), record);
    ASSERT_UINT_EQ(record->number, 2);
    ASSERT_UINT_EQ(record->guard, 3);
}

TEST(chunks_begin_on_a_cache_line) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    eddy__slab_init(&slab, 64);

    for (int i = 0; i < COUNT; i++)
        ASSERT_UINT_EQ((uintptr_t)eddy__slab_take(&slab) % 64, 0);
}

TEST(records_given_back_are_used_before_a_slab_grows) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    struct record *records[COUNT];
    eddy__slab_init(&slab, RECORD_BYTES);
    take_all(&slab, records);
    uint32_t capacity = eddy__slab_capacity(&slab);

    for (int i = 0; i < COUNT; i++)
        eddy__slab_give(&slab, records[i]);
    ASSERT_UINT_EQ(slab.in_use, 0);
    take_all(&slab, records);
    ASSERT_UINT_EQ(eddy__slab_capacity(&slab), capacity);
}

TEST(a_slab_without_memory_gives_nothing_and_recovers) {
    scarce_begin();
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    eddy__slab_init(&slab, RECORD_BYTES);

    for (int left = 0; left < 2; left++) { /* without the table, without the chunk */
        scarce_left = left;
        ASSERT_NULL(eddy__slab_take(&slab));
        ASSERT_UINT_EQ(eddy__slab_capacity(&slab), 0);
    }
    scarce_left = INT_MAX;
    ASSERT_NOT_NULL(eddy__slab_take(&slab));
}
