/* SPDX-License-Identifier: MIT
 * test_headers.c - header lines: those of an answer, and those that may be sent. */
#include "headers.h"

#include <errno.h>
#include <string.h>

#include <eddy/error.h>

#include "test.h"

static int begin(struct http_headers *headers, const char *line) {
    return eddy__http_headers_begin(headers, line, strlen(line));
}

static int add(struct http_headers *headers, const char *line) {
    return eddy__http_headers_add(headers, line, strlen(line));
}

/* --- received --------------------------------------------------------------------------------- */

TEST(a_status_line_is_protocol_and_status) {
    struct http_headers headers = {0};

    ASSERT_INT_EQ(begin(&headers, "HTTP/1.1 404 Not Found\r\n"), 404);
    ASSERT_STR_EQ(eddy__http_headers_protocol(&headers), "HTTP/1.1");
    ASSERT_INT_EQ(begin(&headers, "HTTP/2 200 \r\n"), 200);
    ASSERT_STR_EQ(eddy__http_headers_protocol(&headers), "HTTP/2");
    eddy__http_headers_clear(&headers, 0);
}

TEST(a_status_line_without_a_status_is_refused) {
    static const char *const wrong[] = {"HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 2x0 OK"};
    struct http_headers headers = {0};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ASSERT_CODE(-EBADMSG, begin(&headers, wrong[i]));
    eddy__http_headers_clear(&headers, 0);
}

TEST(an_empty_block_has_no_headers) {
    struct http_headers headers = {0};

    ASSERT_STR_EQ(eddy__http_headers_protocol(&headers), "");
    ASSERT_NULL(eddy__http_headers_at(&headers, 0));
    ASSERT_NULL(eddy__http_headers_find(&headers, "Server"));
}

TEST(values_are_found_without_the_blanks_around_them) {
    struct http_headers headers = {0};
    begin(&headers, "HTTP/1.1 200 OK\r\n");
    ASSERT_OK(add(&headers, "Tight:value\r\n"));
    ASSERT_OK(add(&headers, "Wide: \t two words \t\r\n"));
    ASSERT_OK(add(&headers, "Empty:\r\n"));

    ASSERT_STR_EQ(eddy__http_headers_find(&headers, "tight"), "value");
    ASSERT_STR_EQ(eddy__http_headers_find(&headers, "WIDE"), "two words");
    ASSERT_STR_EQ(eddy__http_headers_find(&headers, "Empty"), "");
    ASSERT_NULL(eddy__http_headers_find(&headers, "Tigh"));
    ASSERT_STR_EQ(eddy__http_headers_at(&headers, 0), "Tight:value");
    ASSERT_NULL(eddy__http_headers_at(&headers, 3));
    eddy__http_headers_clear(&headers, 0);
}

TEST(a_folded_header_is_one_line) {
    struct http_headers headers = {0};
    begin(&headers, "HTTP/1.1 200 OK\r\n");
    ASSERT_OK(add(&headers, "X-Long: one\r\n"));
    ASSERT_OK(add(&headers, "   two\r\n"));
    ASSERT_OK(add(&headers, "X-Next: three\r\n"));

    ASSERT_STR_EQ(eddy__http_headers_find(&headers, "X-Long"), "one two");
    ASSERT_STR_EQ(eddy__http_headers_at(&headers, 1), "X-Next: three");
    eddy__http_headers_clear(&headers, 0);
}

TEST(lines_that_are_no_headers_are_refused) {
    struct http_headers headers = {0};
    begin(&headers, "HTTP/1.1 200 OK\r\n");

    ASSERT_CODE(-EBADMSG, add(&headers, " goes on with nothing\r\n"));
    ASSERT_CODE(-EBADMSG, add(&headers, "no colon\r\n"));
    ASSERT_CODE(-EBADMSG, eddy__http_headers_add(&headers, "X: a\0b\r\n", 8));
    ASSERT_NULL(eddy__http_headers_at(&headers, 0));
    eddy__http_headers_clear(&headers, 0);
}

TEST(too_many_headers_are_too_many) {
    struct http_headers headers = {0};
    int r = 0, count = 0;
    begin(&headers, "HTTP/1.1 200 OK\r\n");
    while ((r = add(&headers, "a:b\r\n")) == 0)
        count++;

    ASSERT_CODE(EDDY_ELIMIT, r);
    ASSERT_INT_EQ(count, 1000);
    eddy__http_headers_clear(&headers, 0);
}

TEST(a_new_block_forgets_the_one_before) {
    struct http_headers headers = {0};
    begin(&headers, "HTTP/1.1 302 Found\r\n");
    add(&headers, "Location: /elsewhere\r\n");
    begin(&headers, "HTTP/1.1 200 OK\r\n");

    ASSERT_NULL(eddy__http_headers_find(&headers, "Location"));
    eddy__http_headers_clear(&headers, 0);
}

/* --- to be sent ------------------------------------------------------------------------------- */

TEST(a_header_may_be_sent_if_it_is_one_line_with_a_name) {
    ASSERT_NULL(eddy__http_header_fault("Accept: */*"));
    ASSERT_NULL(eddy__http_header_fault("Accept:"));
    ASSERT_NULL(eddy__http_header_fault("X-Tab: a\tb"));
    ASSERT_NULL(eddy__http_header_fault("X-Text: gr\xc3\xbc\xc3\x9f"));
}

TEST(a_header_that_is_none_or_two_is_refused) {
    static const char *const wrong[] = {"",          "Accept",   ": x",        "A b: c",
                                        "A\tb: c",   "A: b\r\n", "A: b\nC: d", "A: b\r",
                                        "A: b\001c", "A: b\x7f"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ASSERT_NOT_NULL(eddy__http_header_fault(wrong[i]));
}

TEST(names_are_the_same_in_any_case_and_only_as_a_whole) {
    const char *const lines[] = {"Content-Type: text/plain", "Accept:", NULL};

    ASSERT(eddy__http_header_is_among("content-type: other", lines));
    ASSERT(eddy__http_header_is_among("ACCEPT", lines));
    ASSERT(!eddy__http_header_is_among("Content", lines));
    ASSERT(!eddy__http_header_is_among("Accept-Encoding:", lines));
    ASSERT(!eddy__http_header_is_among("Accept", NULL));
}

TEST(without_a_body_the_headers_about_it_go) {
    struct curl_slist *list = NULL;
    ASSERT(eddy__http_list_append(&list, "Content-Type: text/plain"));
    ASSERT(eddy__http_list_append(&list, "X-Test: yes"));
    ASSERT(eddy__http_list_append(&list, "transfer-encoding: chunked"));
    ASSERT(eddy__http_list_drop_body(&list));

    ASSERT_STR_EQ(list->data, "X-Test: yes");
    ASSERT_NULL(list->next);
    curl_slist_free_all(list);
}
