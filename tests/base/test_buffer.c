/* SPDX-License-Identifier: MIT
 * test_buffer.c - bytes that come in at the end and go out at the front. */
#include "buffer.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scarce.h"
#include "test.h"
#include "util.h"

static void append(struct eddy__buffer *buffer, const char *text) {
    ASSERT_OK(eddy__buffer_append(buffer, text, strlen(text)));
}

static void assert_holds(const struct eddy__buffer *buffer, const char *text) {
    ASSERT_UINT_EQ(eddy__buffer_size(buffer), strlen(text));
    ASSERT_MEM_EQ(eddy__buffer_data(buffer), text, strlen(text));
}

TEST(an_all_zero_buffer_is_empty_and_owns_nothing) {
    struct eddy__buffer buffer = {0};

    ASSERT_UINT_EQ(eddy__buffer_size(&buffer), 0);
    ASSERT_UINT_EQ(eddy__buffer_room(&buffer), 0);
    eddy__buffer_deinit(&buffer);
}

TEST(bytes_go_out_in_the_order_in_which_they_came) {
    CLEANUP(eddy__buffer_deinit) struct eddy__buffer buffer = {0};
    append(&buffer, "hello ");
    append(&buffer, "world");
    assert_holds(&buffer, "hello world");

    eddy__buffer_consume(&buffer, 6);
    assert_holds(&buffer, "world");
}

TEST(bytes_can_be_put_before_the_data) {
    CLEANUP(eddy__buffer_deinit) struct eddy__buffer buffer = {0};
    append(&buffer, "xxworld");
    eddy__buffer_consume(&buffer, 2);

    ASSERT_OK(eddy__buffer_prepend(&buffer, "o ", 2));   /* fits into what was consumed */
    ASSERT_OK(eddy__buffer_prepend(&buffer, "hell", 4)); /* does not */
    assert_holds(&buffer, "hello world");
}

TEST(bytes_written_to_the_tail_count_once_they_are_reported) {
    CLEANUP(eddy__buffer_deinit) struct eddy__buffer buffer = {0};
    ASSERT_OK(eddy__buffer_reserve(&buffer, 100));
    ASSERT(eddy__buffer_room(&buffer) >= 100);
    memcpy(eddy__buffer_tail(&buffer), "abc", 3);
    ASSERT_UINT_EQ(eddy__buffer_size(&buffer), 0);

    eddy__buffer_added(&buffer, 3);
    assert_holds(&buffer, "abc");
}

TEST(consuming_moves_nothing_so_a_view_stays_valid) {
    CLEANUP(eddy__buffer_deinit) struct eddy__buffer buffer = {0};
    append(&buffer, "first second");
    const char *second = eddy__buffer_data(&buffer) + 6;
    eddy__buffer_consume(&buffer, 6);

    ASSERT_PTR_EQ(eddy__buffer_data(&buffer), second);
}

TEST(an_emptied_buffer_uses_its_memory_from_the_start_again) {
    CLEANUP(eddy__buffer_deinit) struct eddy__buffer buffer = {0};
    append(&buffer, "text");
    size_t capacity = buffer.capacity;

    for (int i = 0; i < 10000; i++) {
        eddy__buffer_consume(&buffer, 4);
        append(&buffer, "text");
    }
    ASSERT_UINT_EQ(buffer.capacity, capacity);
}

TEST(a_queue_that_never_empties_does_not_grow_for_ever) {
    CLEANUP(eddy__buffer_deinit) struct eddy__buffer buffer = {0};
    append(&buffer, "0123456789");

    for (int i = 0; i < 100000; i++) {
        append(&buffer, "0123456789");
        eddy__buffer_consume(&buffer, 10);
    }
    ASSERT(buffer.capacity <= 8192);
    assert_holds(&buffer, "0123456789");
}

TEST(a_buffer_that_grows_by_single_bytes_moves_rarely) {
    CLEANUP(eddy__buffer_deinit) struct eddy__buffer buffer = {0};
    const char *bytes = NULL;
    int moves = 0;

    for (int i = 0; i < 1 << 20; i++) {
        ASSERT_OK(eddy__buffer_append(&buffer, "x", 1));
        if (buffer.bytes != bytes)
            moves++;
        bytes = buffer.bytes;
    }
    ASSERT(moves <= 10); /* 4 KiB doubled: nine times */
}

TEST(adding_nothing_takes_no_memory) {
    struct eddy__buffer buffer = {0};

    ASSERT_OK(eddy__buffer_append(&buffer, "", 0));
    ASSERT_OK(eddy__buffer_prepend(&buffer, "", 0));
    ASSERT_OK(eddy__buffer_reserve(&buffer, 0));
    ASSERT_NULL(buffer.bytes);
}

TEST(an_absurd_size_is_refused_and_the_data_kept) {
    CLEANUP(eddy__buffer_deinit) struct eddy__buffer buffer = {0};
    append(&buffer, "kept");

    ASSERT_CODE(-ENOMEM, eddy__buffer_reserve(&buffer, SIZE_MAX));
    ASSERT_CODE(-ENOMEM, eddy__buffer_reserve(&buffer, SIZE_MAX / 2));
    ASSERT_CODE(-ENOMEM, eddy__buffer_prepend(&buffer, "", SIZE_MAX - 3));
    assert_holds(&buffer, "kept");
}

TEST(without_memory_the_data_is_kept) {
    scarce_begin();
    CLEANUP(eddy__buffer_deinit) struct eddy__buffer buffer = {0};
    append(&buffer, "kept");
    scarce_left = 0;

    ASSERT_CODE(-ENOMEM, eddy__buffer_reserve(&buffer, 1 << 20));
    ASSERT_CODE(-ENOMEM, eddy__buffer_prepend(&buffer, "longer than what was consumed", 29));
    assert_holds(&buffer, "kept");
}

TEST(a_buffer_may_be_used_again_after_its_end) {
    CLEANUP(eddy__buffer_deinit) struct eddy__buffer buffer = {0};
    append(&buffer, "gone");
    eddy__buffer_deinit(&buffer);
    append(&buffer, "new");

    assert_holds(&buffer, "new");
}

/* A model: an array that holds all that went in and out. */
TEST(any_mix_of_calls_keeps_the_bytes_in_order) {
    CLEANUP(eddy__buffer_deinit) struct eddy__buffer buffer = {0};
    static char model[1 << 20];
    size_t start = sizeof(model) / 2, end = start;
    unsigned seed = 1;

    for (int step = 0; step < 20000; step++) {
        size_t size = (size_t)rand_r(&seed) % 200, used = end - start;
        char bytes[200];
        memset(bytes, 'a' + step % 26, sizeof(bytes));
        switch (rand_r(&seed) % 8) {
        case 0:
            if (start < size)
                break;
            start -= size;
            memcpy(model + start, bytes, size);
            ASSERT_OK(eddy__buffer_prepend(&buffer, bytes, size));
            break;
        case 1 ... 3:
            if (end + size > sizeof(model))
                break;
            memcpy(model + end, bytes, size);
            end += size;
            ASSERT_OK(eddy__buffer_append(&buffer, bytes, size));
            break;
        default:
            start += MIN(size, used);
            eddy__buffer_consume(&buffer, MIN(size, used));
        }
        ASSERT_UINT_EQ(eddy__buffer_size(&buffer), end - start);
        if (end > start)
            ASSERT_MEM_EQ(eddy__buffer_data(&buffer), model + start, end - start);
    }
}
