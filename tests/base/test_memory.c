/* SPDX-License-Identifier: MIT
 * test_memory.c - the allocator that a program may replace. */
#include "memory.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "failure.h"
#include "scarce.h"
#include "test.h"
#include "util.h"

TEST(the_replaced_allocator_gets_every_call) {
    scarce_begin();
    void *memory[] = {eddy__alloc(10), eddy__zalloc(10), eddy__strdup("text"),
                      eddy__realloc(NULL, 10)};
    ASSERT_INT_EQ(scarce_out, 4);
    memory[0] = eddy__realloc(memory[0], 100000);
    ASSERT_INT_EQ(scarce_left, INT_MAX - 5);

    for (size_t i = 0; i < ARRAY_SIZE(memory); i++)
        eddy__free(memory[i]);
    ASSERT_INT_EQ(scarce_out, 0);
}

TEST(the_allocator_cannot_be_replaced_once_it_was_used) {
    eddy_allocator allocator = {.allocate = malloc, .resize = realloc, .release = free};
    eddy__free(eddy__alloc(1));

    ASSERT_CODE(-EBUSY, eddy_set_allocator(&allocator));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "allocator");
    eddy__error_set(eddy__error_slot(), NULL);
}

TEST(the_allocator_may_be_replaced_twice_before_it_is_used) {
    eddy_allocator allocator = {.allocate = malloc, .resize = realloc, .release = free};

    ASSERT_OK(eddy_set_allocator(&allocator));
    scarce_begin();
    eddy__free(eddy__alloc(1));
    ASSERT_INT_EQ(scarce_left, INT_MAX - 1);
}

TEST(no_bytes_still_give_a_pointer) {
    CLEANUP(eddy__freep) void *memory = eddy__alloc(0);
    CLEANUP(eddy__freep) void *zeroed = eddy__zalloc(0);

    ASSERT_NOT_NULL(memory);
    ASSERT_NOT_NULL(zeroed);
    memory = eddy__realloc(memory, 0);
    ASSERT_NOT_NULL(memory);
}

TEST(zeroed_memory_is_zero_whatever_the_allocator_gives) {
    CLEANUP(eddy__freep) char *memory = NULL;
    void *dirty = malloc(64);
    memset(dirty, 0xff, 64);
    free(dirty); /* malloc gives it out again */
    memory = eddy__zalloc(64);

    for (int i = 0; i < 64; i++)
        ASSERT_INT_EQ(memory[i], 0);
}

TEST(resizing_keeps_the_contents) {
    CLEANUP(eddy__freep) char *text = eddy__strdup("kept");
    text = eddy__realloc(text, 1 << 20);

    ASSERT_STR_EQ(text, "kept");
}

TEST(without_memory_every_call_gives_null) {
    scarce_begin();
    CLEANUP(eddy__freep) void *memory = eddy__alloc(1);
    scarce_left = 0;

    ASSERT_NULL(eddy__alloc(1));
    ASSERT_NULL(eddy__zalloc(1));
    ASSERT_NULL(eddy__strdup(""));
    ASSERT_NULL(eddy__realloc(memory, 2));
}

TEST(freeing_nothing_does_nothing) {
    scarce_begin();
    eddy__free(NULL);

    ASSERT_INT_EQ(scarce_out, 0);
}
