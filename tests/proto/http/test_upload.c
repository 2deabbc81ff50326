/* SPDX-License-Identifier: MIT
 * test_upload.c - the body of a request in pieces: its promised size, its second reading, its rest.
 */
#include "upload.h"

#include <errno.h>
#include <string.h>

#include "test.h"

static ssize_t give_three(void *buffer, size_t size, void *arg) {
    int *left = arg;
    size_t count = size < 3 ? size : 3;

    if (--*left < 0)
        return 0;
    memset(buffer, 'x', count);
    return (ssize_t)count;
}

static ssize_t give_too_much(void *buffer, size_t size, void *arg) {
    (void)buffer;
    (void)arg;
    return (ssize_t)size + 1;
}

TEST(memory_is_sent_piece_by_piece) {
    struct http_upload upload = {.data = "hello", .size = 5};
    char out[8] = "";

    ASSERT_INT_EQ(eddy__http_upload_read(&upload, out, 3), 3);
    ASSERT_STR_EQ(out, "hel");
    ASSERT_INT_EQ(eddy__http_upload_read(&upload, out, 8), 2);
    ASSERT_INT_EQ(eddy__http_upload_read(&upload, out, 8), 0);
}

TEST(memory_can_be_sent_again) {
    struct http_upload upload = {.data = "hello", .size = 5};
    char out[8] = "";
    eddy__http_upload_read(&upload, out, 3);
    upload.is_used_up = true;

    ASSERT_INT_EQ(eddy__http_upload_read(&upload, out, 8), 5);
    ASSERT_MEM_EQ(out, "hello", 5);
}

TEST(the_rest_of_memory_outlives_it) {
    char body[] = "hello, world", out[16] = "";
    struct http_upload upload = {.data = body, .size = 12};
    eddy__http_upload_read(&upload, out, 7);
    ASSERT_OK(eddy__http_upload_keep_rest(&upload));
    memset(body, '?', sizeof body);

    ASSERT_INT_EQ(eddy__http_upload_read(&upload, out, sizeof out), 5);
    ASSERT_MEM_EQ(out, "world", 5);
    ASSERT_INT_EQ(eddy__http_upload_read(&upload, out, sizeof out), 0);
    eddy__http_upload_clear(&upload);
}

TEST(nothing_is_kept_of_what_has_gone_or_of_a_callback) {
    struct http_upload gone = {.data = "x", .size = 1, .sent = 1};
    struct http_upload streamed = {.fn = give_three, .size = -1};
    ASSERT_OK(eddy__http_upload_keep_rest(&gone));
    ASSERT_OK(eddy__http_upload_keep_rest(&streamed));

    ASSERT_NULL(gone.copy);
    ASSERT_NULL(streamed.copy);
}

TEST(a_callback_ends_a_body_of_unknown_size) {
    int pieces = 2;
    struct http_upload upload = {.fn = give_three, .arg = &pieces, .size = -1};
    char out[8];

    ASSERT_INT_EQ(eddy__http_upload_read(&upload, out, 8), 3);
    ASSERT_INT_EQ(eddy__http_upload_read(&upload, out, 8), 3);
    ASSERT_INT_EQ(eddy__http_upload_read(&upload, out, 8), 0);
}

TEST(a_callback_is_asked_for_no_more_than_it_promised) {
    int pieces = 9;
    struct http_upload upload = {.fn = give_three, .arg = &pieces, .size = 4};
    char out[8];

    ASSERT_INT_EQ(eddy__http_upload_read(&upload, out, 8), 3);
    ASSERT_INT_EQ(eddy__http_upload_read(&upload, out, 8), 1);
    ASSERT_INT_EQ(eddy__http_upload_read(&upload, out, 8), 0);
    ASSERT_INT_EQ(pieces, 7);
}

TEST(a_callback_that_ends_early_gives_too_much_or_is_wanted_again_is_an_error) {
    int pieces = 1;
    struct http_upload early = {.fn = give_three, .arg = &pieces, .size = 100};
    struct http_upload greedy = {.fn = give_too_much, .size = -1};
    struct http_upload again = {.fn = give_three, .size = -1, .sent = 3, .is_used_up = true};
    char out[8];

    ASSERT_INT_EQ(eddy__http_upload_read(&early, out, 8), 3);
    ASSERT_CODE(EDDY_EINCOMPLETE, eddy__http_upload_read(&early, out, 8));
    ASSERT_CODE(-EINVAL, eddy__http_upload_read(&greedy, out, 8));
    ASSERT_CODE(-ESPIPE, eddy__http_upload_read(&again, out, 8));
}
