/* SPDX-License-Identifier: MIT
 * test_buffer.c - what goes into the buffer comes out in order, and its gap is closed. */
#include "buffer.h"

#include <string.h>

#include "test.h"

TEST(an_empty_buffer_has_nothing_to_take_and_an_empty_text) {
    struct http_buffer buffer = {0};
    char byte;

    ASSERT_UINT_EQ(eddy__http_buffer_take(&buffer, &byte, 1), 0);
    ASSERT_STR_EQ(eddy__http_buffer_text(&buffer), "");
    eddy__http_buffer_clear(&buffer, 0);
}

TEST(bytes_come_out_in_the_order_they_went_in) {
    struct http_buffer buffer = {0};
    char out[8] = "";
    ASSERT_OK(eddy__http_buffer_append(&buffer, "abc", 3));
    ASSERT_OK(eddy__http_buffer_append(&buffer, "defg", 4));

    ASSERT_UINT_EQ(eddy__http_buffer_take(&buffer, out, 2), 2);
    ASSERT_STR_EQ(out, "ab");
    ASSERT_UINT_EQ(eddy__http_buffer_take(&buffer, out, sizeof out), 5);
    ASSERT_STR_EQ(out, "cdefg");
    eddy__http_buffer_clear(&buffer, 0);
}

TEST(the_text_is_what_is_left_and_ends_with_nul) {
    struct http_buffer buffer = {0};
    char out[2];
    ASSERT_OK(eddy__http_buffer_append(&buffer, "hello", 5));
    eddy__http_buffer_take(&buffer, out, 2);

    ASSERT_STR_EQ(eddy__http_buffer_text(&buffer), "llo");
    eddy__http_buffer_clear(&buffer, 0);
}

/* A reader that never quite empties it: the memory must not grow with what has passed through. */
TEST(a_buffer_that_is_never_empty_stays_small) {
    struct http_buffer buffer = {0};
    unsigned char sent = 0, expected = 0, piece[300], out[300];
    for (int i = 0; i < 10000; i++) {
        for (size_t j = 0; j < sizeof piece; j++)
            piece[j] = sent++;
        ASSERT_OK(eddy__http_buffer_append(&buffer, piece, sizeof piece));
        size_t taken = eddy__http_buffer_take(&buffer, out, i == 0 ? 100 : sizeof out);
        for (size_t j = 0; j < taken; j++)
            ASSERT_INT_EQ(out[j], expected++);
    }

    ASSERT_UINT_EQ(http_buffer_held(&buffer), 200);
    ASSERT(buffer.capacity <= 4096);
    eddy__http_buffer_clear(&buffer, 0);
}

TEST(clearing_keeps_small_memory_and_gives_large_back) {
    struct http_buffer buffer = {0};
    static const char large[100000];
    ASSERT_OK(eddy__http_buffer_append(&buffer, "small", 5));
    eddy__http_buffer_clear(&buffer, 65536);
    ASSERT_NOT_NULL(buffer.data);

    ASSERT_OK(eddy__http_buffer_append(&buffer, large, sizeof large));
    eddy__http_buffer_clear(&buffer, 65536);
    ASSERT_NULL(buffer.data);
}
