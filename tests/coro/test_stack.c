/* SPDX-License-Identifier: MIT
 * test_stack.c - stacks from large mappings: sizes, guards, colours, reuse, and their end. */
#include "stack.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../base/scarce.h"
#include "fixture.h"

enum { MANY = 2000 };

/* Whether a byte can be read, without a fault: the kernel tries. */
static bool is_mapped(const void *address) {
    static int ends[2] = {-1, -1};
    char byte;

    if (ends[0] < 0)
        ASSERT_INT_EQ(pipe(ends), 0);
    if (write(ends[1], address, 1) < 0) {
        ASSERT_INT_EQ(errno, EFAULT);
        return false;
    }
    ASSERT_INT_EQ(read(ends[0], &byte, 1), 1);
    return true;
}

static size_t room(const struct eddy__stack *stack) {
    return (size_t)((char *)eddy__stack_top(stack) - (char *)eddy__stack_bottom(stack));
}

/* --- sizes ------------------------------------------------------------------------------------ */

TEST(the_class_of_a_size_is_the_smallest_that_holds_it) {
    ASSERT_UINT_EQ(eddy__stack_class(0), 0);
    ASSERT_UINT_EQ(eddy__stack_class(1), 0);
    ASSERT_UINT_EQ(eddy__stack_class(STACK_BYTES_MIN), 0);
    ASSERT_UINT_EQ(eddy__stack_class(STACK_BYTES_MIN + 1), 1);
    ASSERT_UINT_EQ(eddy__stack_class(STACK_BYTES_MAX - 1), STACK_CLASSES - 1);
    ASSERT_UINT_EQ(eddy__stack_class(STACK_BYTES_MAX), STACK_CLASSES - 1);
    for (unsigned size_class = 0; size_class < STACK_CLASSES; size_class++)
        ASSERT_UINT_EQ(eddy__stack_class((size_t)STACK_BYTES_MIN << size_class), size_class);
}

TEST(a_size_beyond_the_largest_class_gets_the_largest) {
    ASSERT_UINT_EQ(eddy__stack_class((size_t)STACK_BYTES_MAX + 1), STACK_CLASSES - 1);
    ASSERT_UINT_EQ(eddy__stack_class(SIZE_MAX), STACK_CLASSES - 1);
}

TEST(a_stack_has_most_of_what_its_class_says) {
    POOL pool = test_pool();
    for (size_t bytes = STACK_BYTES_MIN; bytes <= 4 << 20; bytes *= 2) {
        struct eddy__stack *stack = take(&pool, bytes);
        ASSERT(room(stack) <= bytes);
        ASSERT(room(stack) >= bytes - MAX(bytes / 16, 4096) - 1024 - sizeof(*stack));
    }
}

TEST(all_of_a_stack_can_be_written) {
    POOL pool = test_pool();
    for (size_t bytes = STACK_BYTES_MIN; bytes <= 1 << 20; bytes *= 2) {
        struct eddy__stack *stack = take(&pool, bytes);
        memset(eddy__stack_bottom(stack), 0xaa, room(stack));
        ASSERT_UINT_EQ(stack->size_class, eddy__stack_class(bytes)); /* its record is intact */
    }
}

TEST(the_largest_stack_reserves_addresses_not_memory) {
    POOL pool = test_pool();
    struct eddy__stack *stack = take(&pool, STACK_BYTES_MAX);
    char *top = eddy__stack_top(stack);
    memset(top - 4096, 0xaa, 4096);

    ASSERT(room(stack) > STACK_BYTES_MAX / 2);
    ASSERT(pool.reserved_bytes >= STACK_BYTES_MAX);
}

/* --- guards ----------------------------------------------------------------------------------- */

static void assert_guarded(const struct eddy__stack *stack) {
    char *bottom = eddy__stack_bottom(stack);

    ASSERT(stack->guard_bytes >= 4096);
    ASSERT(is_mapped(bottom));
    ASSERT(!is_mapped(bottom - 1));
    ASSERT(!is_mapped(stack->slot));
}

TEST(every_stack_has_a_guard_below_it) {
    POOL pool = test_pool();
    for (size_t bytes = STACK_BYTES_MIN; bytes <= 4 << 20; bytes *= 2)
        for (int i = 0; i < 70; i++) { /* more than one mapping's */
            struct eddy__stack *stack = take(&pool, bytes);
            if (pool.guard != GUARD_CANARY)
                assert_guarded(stack);
        }
}

/* Whether this kernel has MADV_GUARD_INSTALL, and it works. */
static bool has_guard_pages(void) {
    const int madv_guard_install = 102;
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool guards;

    ASSERT(page != MAP_FAILED);
    guards = madvise(page, 4096, madv_guard_install) == 0 && !is_mapped(page);
    munmap(page, 4096);
    return guards;
}

TEST(guard_pages_are_used_where_the_kernel_has_them) {
    POOL pool = test_pool();
    take(&pool, STACK_BYTES_DEFAULT);
    take(&pool, STACK_BYTES_MIN);

    ASSERT_INT_EQ(pool.guard, has_guard_pages() ? GUARD_MADVISE : GUARD_MPROTECT);
}

TEST(every_stack_of_an_older_kernel_has_a_guard_too) {
    POOL pool = test_pool();
    pool.guard = GUARD_MPROTECT;
    for (int i = 0; i < 70; i++)
        assert_guarded(take(&pool, STACK_BYTES_DEFAULT));

    ASSERT_STR_EQ(eddy__stack_pool_guard_name(&pool), "mprotect");
}

TEST(the_guard_in_use_has_a_name) {
    POOL pool = test_pool();
    take(&pool, STACK_BYTES_DEFAULT);
    const char *name = eddy__stack_pool_guard_name(&pool);

    ASSERT_STR_EQ(name, pool.guard == GUARD_MADVISE    ? "MADV_GUARD_INSTALL"
                        : pool.guard == GUARD_MPROTECT ? "mprotect"
                                                       : "canary");
}

TEST(guards_stay_when_a_stack_is_used_again) {
    POOL pool = test_pool();
    struct eddy__stack *stack = take(&pool, STACK_BYTES_DEFAULT);
    eddy__stack_give(&pool, stack);
    ASSERT_PTR_EQ(take(&pool, STACK_BYTES_DEFAULT), stack);

    assert_guarded(stack);
}

#if !EDDY__ASAN && !EDDY__TSAN /* whose own handlers end the process otherwise */

TEST_SIGNAL(a_write_below_a_stack_faults, SIGSEGV) {
    POOL pool = test_pool();
    volatile char *bottom = eddy__stack_bottom(take(&pool, STACK_BYTES_DEFAULT));
    bottom[0] = 1;
    bottom[-1] = 1;
}

TEST_SIGNAL(a_write_below_a_stack_of_an_older_kernel_faults, SIGSEGV) {
    POOL pool = test_pool();
    pool.guard = GUARD_MPROTECT;
    volatile char *bottom = eddy__stack_bottom(take(&pool, STACK_BYTES_DEFAULT));
    bottom[0] = 1;
    bottom[-1] = 1;
}

/* Leaves this process `left` map areas, or a few more. */
static void use_up_map_areas(int left) {
    size_t pages = 70000, page = 4096, at;
    char *memory = mmap(NULL, pages * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT(memory != MAP_FAILED);
    for (at = 0; at < pages; at += 2)
        if (mprotect(memory + at * page, page, PROT_NONE) < 0)
            break;
    ASSERT(at < pages);
    for (int i = 0; i < left / 2; i++)
        ASSERT_INT_EQ(mprotect(memory + (at -= 2) * page, page, PROT_READ), 0);
}

TEST(guards_that_end_half_way_leave_stacks_that_can_be_used) {
    POOL pool = test_pool();
    struct eddy__stack *stacks[8];
    pool.guard = GUARD_MPROTECT;
    use_up_map_areas(20);
    for (size_t i = 0; i < ARRAY_SIZE(stacks); i++) {
        stacks[i] = take(&pool, STACK_BYTES_DEFAULT);
        memset((char *)eddy__stack_bottom(stacks[i]) + 8, 0xaa, room(stacks[i]) - 8);
    }
    for (size_t i = 0; i < ARRAY_SIZE(stacks); i++)
        ASSERT(eddy__stack_is_whole(stacks[i]));

    ASSERT_STR_EQ(eddy__stack_pool_guard_name(&pool), "canary");
}

#endif

TEST(a_stack_without_a_guard_has_a_canary_that_shows_an_overflow) {
    POOL pool = test_pool();
    pool.guard = GUARD_CANARY;
    struct eddy__stack *stack = take(&pool, STACK_BYTES_DEFAULT);
    char *bottom = eddy__stack_bottom(stack);
    ASSERT(eddy__stack_is_whole(stack));
    memset(bottom + 8, 0xaa, room(stack) - 8); /* all but the last word */
    ASSERT(eddy__stack_is_whole(stack));
    bottom[3] = 0;
    ASSERT(!eddy__stack_is_whole(stack));

    ASSERT_STR_EQ(eddy__stack_pool_guard_name(&pool), "canary");
}

TEST(a_guarded_stack_is_always_whole) {
    POOL pool = test_pool();
    struct eddy__stack *stack = take(&pool, STACK_BYTES_DEFAULT);
    memset(eddy__stack_bottom(stack), 0, room(stack));

    ASSERT(eddy__stack_is_whole(stack));
}

TEST(guards_of_the_costly_kind_have_a_budget_and_then_canaries_stand_in) {
    POOL pool = test_pool();
    int guarded = 0, painted = 0;
    pool.guard = GUARD_MPROTECT;
    pool.guards_left = 100; /* one mapping of 64 stacks, not two */
    for (int i = 0; i < 200; i++) {
        struct eddy__stack *stack = take(&pool, STACK_BYTES_DEFAULT);
        stack->has_canary ? painted++ : guarded++;
        if (!stack->has_canary)
            assert_guarded(stack);
    }
    ASSERT_INT_EQ(guarded, 64);
    ASSERT_INT_EQ(painted, 136);
}

/* --- colours and reuse ------------------------------------------------------------------------ */

TEST(stacks_in_a_row_have_tops_of_different_colours) {
    POOL pool = test_pool();
    unsigned seen = 0;
    for (int i = 0; i < 16; i++) {
        struct eddy__stack *stack = take(&pool, STACK_BYTES_DEFAULT);
        ASSERT_UINT_EQ(stack->colour_bytes % 64, 0);
        ASSERT(stack->colour_bytes / 64 < 16);
        seen |= 1u << stack->colour_bytes / 64;
    }
    ASSERT_UINT_EQ(seen, 0xffff);
}

TEST(the_stack_given_back_last_is_taken_next) {
    POOL pool = test_pool();
    struct eddy__stack *one = take(&pool, STACK_BYTES_DEFAULT);
    struct eddy__stack *two = take(&pool, STACK_BYTES_DEFAULT);
    eddy__stack_give(&pool, one);
    eddy__stack_give(&pool, two);

    ASSERT_PTR_EQ(take(&pool, STACK_BYTES_DEFAULT), two);
    ASSERT_PTR_EQ(take(&pool, STACK_BYTES_DEFAULT), one);
}

TEST(stacks_of_different_sizes_do_not_mix) {
    POOL pool = test_pool();
    struct eddy__stack *small = take(&pool, STACK_BYTES_MIN);
    eddy__stack_give(&pool, small);
    struct eddy__stack *large = take(&pool, STACK_BYTES_DEFAULT);
    ASSERT(large != small);
    eddy__stack_give(&pool, large);

    ASSERT_PTR_EQ(take(&pool, STACK_BYTES_MIN), small);
    ASSERT_PTR_EQ(take(&pool, STACK_BYTES_DEFAULT), large);
}

static int by_address(const void *a, const void *b) {
    const struct eddy__stack *const *one = a, *const *two = b;
    return *one < *two ? -1 : *one > *two;
}

TEST(two_thousand_stacks_exist_side_by_side) {
    POOL pool = test_pool();
    struct eddy__stack *stacks[MANY];
    for (int i = 0; i < MANY; i++) {
        stacks[i] = take(&pool, STACK_BYTES_DEFAULT);
        memset((char *)eddy__stack_top(stacks[i]) - 64, i & 0xff, 64);
        stacks[i]->fiber = NULL;
    }
    ASSERT_UINT_EQ(pool.in_use, MANY);
    ASSERT_UINT_EQ(pool.free_count, 0);

    qsort(stacks, MANY, sizeof(*stacks), by_address);
    for (int i = 1; i < MANY; i++)
        ASSERT(stacks[i]->slot >= stacks[i - 1]->slot + stacks[i - 1]->slot_bytes);
    for (int i = 0; i < MANY; i++)
        eddy__stack_give(&pool, stacks[i]);
    ASSERT_UINT_EQ(pool.in_use, 0);
    ASSERT_UINT_EQ(pool.free_count, MANY);
}

TEST(stacks_given_back_are_used_before_more_is_reserved) {
    POOL pool = test_pool();
    struct eddy__stack *stacks[100];
    for (int i = 0; i < 100; i++)
        stacks[i] = take(&pool, STACK_BYTES_DEFAULT);
    size_t reserved = pool.reserved_bytes;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 100; i++)
            eddy__stack_give(&pool, stacks[i]);
        for (int i = 0; i < 100; i++)
            stacks[i] = take(&pool, STACK_BYTES_DEFAULT);
    }
    ASSERT_UINT_EQ(pool.reserved_bytes, reserved);
}

/* --- giving back ------------------------------------------------------------------------------ */

/* Takes so many stacks and gives them back: a peak. Each was used all the way down. */
static void peak(struct eddy__stack_pool *pool, size_t bytes, int count) {
    struct eddy__stack *stacks[MANY];

    for (int i = 0; i < count; i++) {
        stacks[i] = take(pool, bytes);
        memset((char *)eddy__stack_bottom(stacks[i]) + 8, 0xaa, room(stacks[i]) - 8);
    }
    for (int i = 0; i < count; i++)
        eddy__stack_give(pool, stacks[i]);
}

/* A period passes, and what is due at its end goes. */
static void pass_period(struct eddy__stack_pool *pool) {
    eddy__stack_pool_age(pool, 1);
    while (eddy__stack_pool_trim(pool))
        ;
}

static bool is_resident(char *page) {
    unsigned char resident = 0;

    ASSERT_INT_EQ(mincore(page - (uintptr_t)page % 4096, 4096, &resident), 0);
    return resident & 1;
}

TEST(stacks_in_use_within_the_period_are_kept) {
    POOL pool = test_pool();
    peak(&pool, STACK_BYTES_MIN, 500);
    pass_period(&pool);

    ASSERT_UINT_EQ(pool.free_count, 500);
    ASSERT_UINT_EQ(pool.closed_count, 0);
}

TEST(half_of_the_stacks_that_nobody_needed_go_each_period) {
    POOL pool = test_pool();
    peak(&pool, STACK_BYTES_MIN, 1000 + STACKS_KEPT);
    pass_period(&pool);
    pass_period(&pool);
    ASSERT_UINT_EQ(pool.free_count, 500 + STACKS_KEPT);
    pass_period(&pool);
    ASSERT_UINT_EQ(pool.free_count, 250 + STACKS_KEPT);
}

TEST(after_a_peak_all_but_a_few_stacks_and_their_addresses_are_given_back) {
    POOL pool = test_pool();
    peak(&pool, STACK_BYTES_MIN, MANY);
    size_t reserved = pool.reserved_bytes;
    for (int period = 0; period < 14; period++)
        pass_period(&pool);

    ASSERT_UINT_EQ(pool.free_count, STACKS_KEPT);
    ASSERT_UINT_EQ(pool.closed_count, MANY - STACKS_KEPT);
    ASSERT(pool.reserved_bytes < reserved / 8);
    ASSERT(!eddy__stack_pool_has_surplus(&pool));
}

TEST(periods_that_passed_unseen_count_as_well) {
    POOL pool = test_pool();
    peak(&pool, STACK_BYTES_MIN, 200);
    pass_period(&pool);
    eddy__stack_pool_age(&pool, 64);
    eddy__stack_pool_trim(&pool);

    ASSERT_UINT_EQ(pool.free_count, STACKS_KEPT);
}

TEST(a_load_that_comes_and_goes_is_not_trimmed) {
    POOL pool = test_pool();
    for (int period = 0; period < 20; period++) {
        peak(&pool, STACK_BYTES_MIN, 300);
        pass_period(&pool);
    }

    ASSERT_UINT_EQ(pool.closed_count, 0);
    ASSERT_UINT_EQ(pool.trim_calls, 0);
}

TEST(a_smaller_load_keeps_what_it_needs) {
    POOL pool = test_pool();
    peak(&pool, STACK_BYTES_MIN, 1000);
    for (int period = 0; period < 20; period++) {
        peak(&pool, STACK_BYTES_MIN, 300);
        pass_period(&pool);
    }

    ASSERT(pool.free_count >= 300);
    ASSERT(pool.free_count <= 300 + 2 * STACKS_KEPT);
}

TEST(sizes_age_each_for_itself) {
    POOL pool = test_pool();
    peak(&pool, STACK_BYTES_MIN, 300);
    for (int period = 0; period < 20; period++) {
        peak(&pool, 2 * STACK_BYTES_MIN, 100);
        pass_period(&pool);
    }

    ASSERT_UINT_EQ(pool.free_count, 100 + STACKS_KEPT);
}

TEST(one_step_gives_back_a_few_stacks) {
    POOL pool = test_pool();
    peak(&pool, STACK_BYTES_MIN, MANY);
    eddy__stack_pool_age(&pool, 1);
    eddy__stack_pool_age(&pool, 1);
    ASSERT(eddy__stack_pool_trim(&pool));

    ASSERT_UINT_EQ(pool.closed_count, 256);
    ASSERT(pool.trim_calls <= 8 + 256); /* one for each mapping, where the kernel takes a list */
}

TEST(pages_of_a_trimmed_stack_are_not_in_memory) {
    POOL pool = test_pool();
    struct eddy__stack *stacks[64];
    for (int i = 0; i < 64; i++) {
        stacks[i] = take(&pool, STACK_BYTES_DEFAULT);
        memset((char *)eddy__stack_bottom(stacks[i]) + 8, 0xaa, room(stacks[i]) - 8);
    }
    for (int i = 0; i < 63; i++) /* the mapping stays for the last */
        eddy__stack_give(&pool, stacks[i]);
    char *first = stacks[0]->slot, *top = eddy__stack_top(stacks[0]);
    ASSERT(is_resident(top - 1));
    pass_period(&pool);
    eddy__stack_pool_age(&pool, 64);
    eddy__stack_pool_trim(&pool);

    ASSERT_UINT_EQ(pool.free_count, STACKS_KEPT);
    ASSERT(!is_resident(top - 1));
    ASSERT(!is_resident(first + STACK_BYTES_DEFAULT / 2));
    ASSERT(is_resident((char *)eddy__stack_top(stacks[63]) - 1)); /* in use */
    ASSERT(is_resident((char *)eddy__stack_top(stacks[62]) - 1)); /* the one to be taken next */
}

TEST(a_trimmed_stack_is_opened_again_with_its_guard_and_all_its_room) {
    POOL pool = test_pool();
    struct eddy__stack *held = take(&pool, STACK_BYTES_DEFAULT);
    peak(&pool, STACK_BYTES_DEFAULT, 60);
    size_t reserved = pool.reserved_bytes;
    pass_period(&pool);
    eddy__stack_pool_age(&pool, 64);
    eddy__stack_pool_trim(&pool);
    ASSERT_UINT_EQ(pool.closed_count, 60 - STACKS_KEPT);

    for (int i = 0; i < 60; i++) {
        struct eddy__stack *stack = take(&pool, STACK_BYTES_DEFAULT);
        ASSERT(stack != held);
        if (pool.guard != GUARD_CANARY)
            assert_guarded(stack);
        memset((char *)eddy__stack_bottom(stack) + 8, 0xaa, room(stack) - 8);
    }
    ASSERT_UINT_EQ(pool.reserved_bytes, reserved);
}

TEST(a_trimmed_stack_has_its_canary_painted_anew) {
    POOL pool = test_pool();
    pool.guard = GUARD_CANARY;
    take(&pool, STACK_BYTES_DEFAULT);
    peak(&pool, STACK_BYTES_DEFAULT, 60);
    pass_period(&pool);
    eddy__stack_pool_age(&pool, 64);
    eddy__stack_pool_trim(&pool);

    for (int i = 0; i < 60; i++)
        ASSERT(eddy__stack_is_whole(take(&pool, STACK_BYTES_DEFAULT)));
}

TEST(guards_of_the_costly_kind_go_back_into_the_budget) {
    POOL pool = test_pool();
    pool.guard = GUARD_MPROTECT;
    uint32_t budget = pool.guards_left;
    peak(&pool, STACK_BYTES_DEFAULT, 1000);
    ASSERT(pool.guards_left <= budget - 1000);
    pass_period(&pool);
    for (int period = 0; period < 12; period++)
        pass_period(&pool);

    ASSERT(pool.guards_left >= budget - 4 * 64);
}

/* --- the end ---------------------------------------------------------------------------------- */

TEST(the_end_of_a_pool_gives_all_memory_and_addresses_back) {
    scarce_begin();
    struct eddy__stack_pool pool = test_pool();
    char *tops[MANY];
    for (int i = 0; i < MANY; i++)
        tops[i] = (char *)eddy__stack_top(take(&pool, i % 2 ? STACK_BYTES_MIN : 1 << 20)) - 1;
    ASSERT(is_mapped(tops[0]) && is_mapped(tops[MANY - 1]));
    eddy__stack_pool_deinit(&pool);

    for (int i = 0; i < MANY; i++)
        ASSERT(!is_mapped(tops[i]));
    ASSERT_INT_EQ(scarce_out, 0);
}

TEST(a_pool_that_was_never_used_has_nothing_to_give_back) {
    struct eddy__stack_pool pool = test_pool();
    ASSERT_UINT_EQ(pool.reserved_bytes, 0);
    eddy__stack_pool_deinit(&pool);
}

TEST(without_memory_there_is_no_stack) {
    scarce_begin();
    POOL pool = test_pool();
    scarce_left = 0;
    ASSERT_NULL(eddy__stack_take(&pool, 0));
    ASSERT_UINT_EQ(pool.in_use, 0);

    scarce_left = INT_MAX;
    ASSERT_NOT_NULL(eddy__stack_take(&pool, 0));
}

#if !EDDY__ASAN && !EDDY__TSAN /* which need more addresses than that */

TEST(without_addresses_there_is_no_stack) {
    scarce_begin();
    POOL pool = test_pool();
    struct rlimit limit = {256 << 20, 256 << 20};
    if (test_is_emulated())
        return; /* an emulator does not limit addresses */
    ASSERT_INT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
    ASSERT_NULL(eddy__stack_take(&pool, STACK_CLASSES - 1));

    ASSERT_INT_EQ(scarce_out, 0);
    ASSERT_NOT_NULL(eddy__stack_take(&pool, 0)); /* a smaller one still goes */
}

#endif
