/* SPDX-License-Identifier: MIT
 * test_slab.c - records at addresses that never change, with an index each. */
#include "slab.h"

#include <string.h>
#include <sys/mman.h>

#include "scarce.h"
#include "test.h"
#include "util.h"

enum { RECORD_BYTES = 128, PAGE = SLAB_PAGE_BYTES / RECORD_BYTES, COUNT = 5000 }; /* three chunks */

struct record {
    uint64_t link; /* the slab's while the record is free */
    uint64_t number, guard;
    char rest[RECORD_BYTES - 24];
};

static void take_some(struct eddy__slab *slab, struct record *records[], uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        records[i] = eddy__slab_take(slab);
        ASSERT_NOT_NULL(records[i]);
        records[i]->link = records[i]->number = i;
        records[i]->guard = ~(uint64_t)i;
    }
}

static void take_all(struct eddy__slab *slab, struct record *records[COUNT]) {
    take_some(slab, records, COUNT);
}

static void give_some(struct eddy__slab *slab, struct record *records[], uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        eddy__slab_give(slab, records[i]);
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

TEST(every_record_is_found_by_its_index) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    struct record *records[COUNT];
    eddy__slab_init(&slab, RECORD_BYTES);
    take_all(&slab, records);

    for (uint32_t i = 0; i < COUNT; i++) {
        size_t place = (size_t)eddy__slab_index(&slab, records[i]) * RECORD_BYTES;
        ASSERT(eddy__slab_has(&slab, place));
        ASSERT_PTR_EQ(eddy__slab_at(&slab, place), records[i]);
    }
    ASSERT(!eddy__slab_has(&slab, slab.chunks_count * SLAB_CHUNK_BYTES));
}

static uint32_t count_visited(const struct eddy__slab *slab) {
    uint32_t index = 0, count = 0;

    while (eddy__slab_next(slab, &index))
        count++;
    return count;
}

TEST(all_records_of_open_pages_are_visited) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    struct record *records[COUNT];
    eddy__slab_init(&slab, RECORD_BYTES);
    ASSERT_UINT_EQ(count_visited(&slab), 0);
    take_some(&slab, records, 1);
    ASSERT_UINT_EQ(count_visited(&slab), PAGE);
    eddy__slab_give(&slab, records[0]);
    take_all(&slab, records);
    ASSERT_UINT_EQ(count_visited(&slab), slab.open);

    uint32_t index = 0, found = 0;
    struct record *record;
    while ((record = eddy__slab_next(&slab, &index)))
        found += record->guard == ~record->number && records[record->number] == record;
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

static bool is_new(const struct record *record) {
    static const char zeros[RECORD_BYTES - 8];

    return memcmp(&record->number, zeros, sizeof(zeros)) == 0;
}

TEST(a_record_that_was_never_used_is_zero_but_for_its_first_word) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    eddy__slab_init(&slab, RECORD_BYTES);

    for (int i = 0; i < COUNT; i++)
        ASSERT(is_new(eddy__slab_take(&slab)));
}

TEST(a_record_given_back_keeps_all_but_its_first_word) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    eddy__slab_init(&slab, RECORD_BYTES);
    struct record *record = eddy__slab_take(&slab);
    *record = (struct record){.link = 1, .number = 2, .guard = 3};
    eddy__slab_give(&slab, record);

    ASSERT_PTR_EQ(eddy__slab_take(&slab), record);
    ASSERT_UINT_EQ(record->number, 2);
    ASSERT_UINT_EQ(record->guard, 3);
}

TEST(records_begin_on_a_cache_line) {
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
    uint32_t open = slab.open;

    give_some(&slab, records, COUNT);
    ASSERT_UINT_EQ(slab.in_use, 0);
    take_all(&slab, records);
    ASSERT_UINT_EQ(slab.open, open);
}

TEST(a_slab_uses_memory_page_by_page) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    struct record *records[PAGE + 1];
    eddy__slab_init(&slab, RECORD_BYTES);
    take_some(&slab, records, PAGE);
    ASSERT_UINT_EQ(slab.open, PAGE);
    ASSERT_UINT_EQ((uintptr_t)records[PAGE - 1] - (uintptr_t)records[0],
                   SLAB_PAGE_BYTES - RECORD_BYTES);
    take_some(&slab, records + PAGE, 1);
    ASSERT_UINT_EQ(slab.open, 2 * PAGE);
}

TEST(a_slab_without_memory_gives_nothing_and_recovers) {
    scarce_begin();
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    eddy__slab_init(&slab, RECORD_BYTES);

    for (int left = 0; left < 3; left++) { /* without the tables, without the pages' marks */
        scarce_left = left;
        ASSERT_NULL(eddy__slab_take(&slab));
        ASSERT_UINT_EQ(slab.chunks_count, 0);
    }
    scarce_left = INT_MAX;
    ASSERT_NOT_NULL(eddy__slab_take(&slab));
}

/* --- giving back ------------------------------------------------------------------------------ */

static void trim_all(struct eddy__slab *slab) {
    while (eddy__slab_trim(slab))
        continue;
}

/* Two periods: after the first what is free is cold, after the second it is idle. */
static void pass_by(struct eddy__slab *slab) {
    eddy__slab_age(slab);
    trim_all(slab);
    eddy__slab_age(slab);
    trim_all(slab);
}

TEST(what_a_peak_has_left_is_closed_after_a_period_in_which_nobody_needed_it) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    struct record *records[COUNT];
    eddy__slab_init(&slab, RECORD_BYTES);
    take_all(&slab, records);
    ASSERT(!eddy__slab_has_surplus(&slab));
    give_some(&slab, records, COUNT);
    ASSERT(eddy__slab_has_surplus(&slab));

    eddy__slab_age(&slab);
    trim_all(&slab);
    ASSERT(slab.open >= COUNT); /* the period has only begun */
    eddy__slab_age(&slab);
    trim_all(&slab);
    ASSERT_UINT_EQ(slab.open, 0);
    ASSERT_UINT_EQ(slab.sorted, 0);
    ASSERT(!eddy__slab_has_surplus(&slab));
    ASSERT_UINT_EQ(count_visited(&slab), 0);
}

TEST(a_closed_page_is_not_in_memory_and_its_records_are_as_new) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    struct record *records[COUNT];
    eddy__slab_init(&slab, RECORD_BYTES);
    take_all(&slab, records);
    give_some(&slab, records, COUNT);
    pass_by(&slab);

    unsigned char resident[SLAB_CHUNK_PAGES];
    ASSERT_OK(mincore(slab.chunks[0].records, SLAB_CHUNK_BYTES, resident));
    for (int i = 0; i < SLAB_CHUNK_PAGES && !test_is_emulated(); i++)
        ASSERT_INT_EQ(resident[i] & 1, 0);
    for (int i = 0; i < COUNT; i++) /* a stale token may look */
        ASSERT_UINT_EQ(records[i]->number, 0);
    uint32_t chunks = slab.chunks_count;
    for (int i = 0; i < COUNT; i++)
        ASSERT(is_new(eddy__slab_take(&slab)));
    ASSERT_UINT_EQ(slab.chunks_count, chunks); /* the same addresses again */
}

TEST(records_that_are_needed_in_each_period_stay) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    struct record *records[COUNT];
    eddy__slab_init(&slab, RECORD_BYTES);
    take_all(&slab, records);
    give_some(&slab, records, COUNT);

    for (int period = 0; period < 5; period++) {
        eddy__slab_age(&slab);
        trim_all(&slab);
        take_some(&slab, records, 1000);
        give_some(&slab, records, 1000);
        for (int i = 0; i < 1000; i++)
            ASSERT(!is_new(records[i]));
    }
    ASSERT(slab.open >= 1000);
    ASSERT(slab.open <= 1000 + 2 * PAGE);
}

TEST(a_page_with_a_record_in_use_stays_and_its_others_are_taken_first) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    struct record *records[COUNT], *again[PAGE - 1];
    eddy__slab_init(&slab, RECORD_BYTES);
    take_all(&slab, records);
    struct record *kept = records[3 * PAGE + 5];
    for (int i = 0; i < COUNT; i++)
        if (records[i] != kept)
            eddy__slab_give(&slab, records[i]);
    pass_by(&slab);

    ASSERT_UINT_EQ(slab.open, PAGE);
    ASSERT_UINT_EQ(slab.sorted, PAGE - 1);
    ASSERT_UINT_EQ(kept->guard, ~kept->number);
    ASSERT(!eddy__slab_has_surplus(&slab)); /* nothing more will come of it */
    take_some(&slab, again, PAGE - 1);
    ASSERT_UINT_EQ(slab.open, PAGE);
    ASSERT_UINT_EQ(slab.sorted, 0);

    give_some(&slab, again, PAGE - 1);
    eddy__slab_give(&slab, kept);
    pass_by(&slab);
    ASSERT_UINT_EQ(slab.open, 0);
}

TEST(a_step_of_trimming_is_bounded) {
    enum { MANY = 20000 };
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    struct record **records = calloc(MANY, sizeof(*records));
    int steps = 1;
    eddy__slab_init(&slab, RECORD_BYTES);
    take_some(&slab, records, MANY);
    give_some(&slab, records, MANY);
    eddy__slab_age(&slab);
    eddy__slab_age(&slab);

    while (eddy__slab_trim(&slab))
        steps++;
    ASSERT_INT_EQ(steps, 5);
    free(records);
}

TEST(records_are_taken_while_a_peak_is_being_sorted) {
    enum { MANY = 20000 };
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    struct record **records = calloc(MANY, sizeof(*records));
    eddy__slab_init(&slab, RECORD_BYTES);
    take_some(&slab, records, MANY);
    give_some(&slab, records, MANY);
    eddy__slab_age(&slab);
    eddy__slab_age(&slab);
    ASSERT(eddy__slab_trim(&slab));
    uint32_t chunks = slab.chunks_count;

    take_some(&slab, records, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        ASSERT_UINT_EQ(records[i]->number, i); /* none was given out twice */
    ASSERT_UINT_EQ(slab.chunks_count, chunks);
    ASSERT_UINT_EQ(slab.in_use, MANY);
    ASSERT(!eddy__slab_trim(&slab));
    free(records);
}

static uint32_t random_below(uint32_t bound) {
    static uint32_t state = 12345;

    state = state * 1664525 + 1013904223;
    return (state >> 8) % bound;
}

TEST(whatever_comes_and_goes_no_record_is_lost_or_given_twice) {
    CLEANUP(eddy__slab_deinit) struct eddy__slab slab;
    struct record *records[COUNT] = {0};
    uint32_t in_use = 0;
    eddy__slab_init(&slab, RECORD_BYTES);

    for (int round = 0; round < 100000; round++) {
        uint32_t i = random_below(round / 20000 % 2 ? COUNT / 10 : COUNT);
        if (records[i]) {
            ASSERT_UINT_EQ(records[i]->number, i);
            eddy__slab_give(&slab, records[i]);
            records[i] = NULL;
            in_use--;
        } else {
            records[i] = eddy__slab_take(&slab);
            records[i]->number = i;
            in_use++;
        }
        if (random_below(500) == 0)
            eddy__slab_age(&slab);
        if (random_below(100) == 0)
            eddy__slab_trim(&slab);
        ASSERT_UINT_EQ(slab.in_use, in_use);
    }
    for (uint32_t i = 0; i < COUNT; i++)
        if (records[i])
            eddy__slab_give(&slab, records[i]);
    for (int period = 0; period < 3; period++) {
        eddy__slab_age(&slab);
        trim_all(&slab);
    }
    ASSERT_UINT_EQ(slab.open, 0);
}
