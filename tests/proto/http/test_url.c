/* SPDX-License-Identifier: MIT
 * test_url.c - which URLs are looked at further, and how they stand in a message. */
#include "url.h"

#include <string.h>

#include "test.h"

TEST(http_and_https_are_spoken_in_any_case) {
    ASSERT_NULL(eddy__http_url_fault("http://host/"));
    ASSERT_NULL(eddy__http_url_fault("HTTPS://host:8443/path?query#fragment"));
    ASSERT_NULL(eddy__http_url_fault("http://[::1]/"));
}

TEST(what_is_no_such_url_is_refused_with_a_reason) {
    ASSERT_STR_CONTAINS(eddy__http_url_fault(""), "http://");
    ASSERT_STR_CONTAINS(eddy__http_url_fault("host/path"), "http://");
    ASSERT_STR_CONTAINS(eddy__http_url_fault("http:/host"), "http://");
    ASSERT_STR_CONTAINS(eddy__http_url_fault("ftp://host/"), "scheme");
    ASSERT_STR_CONTAINS(eddy__http_url_fault("file:///etc/passwd"), "scheme");
    ASSERT_STR_CONTAINS(eddy__http_url_fault("http://"), "no host");
    ASSERT_STR_CONTAINS(eddy__http_url_fault("http:///path"), "no host");
    ASSERT_STR_CONTAINS(eddy__http_url_fault("http://host/a b"), "blank");
    ASSERT_STR_CONTAINS(eddy__http_url_fault("http://host/\r\nX: y"), "control");
}

TEST(a_url_is_shown_without_user_and_password) {
    ASSERT_STR_EQ(eddy__http_url_shown("https://ada:secret@host/page").text, "https://host/page");
    ASSERT_STR_EQ(eddy__http_url_shown("http://ada@host").text, "http://host");
    ASSERT_STR_EQ(eddy__http_url_shown("http://a@b:c@d@host/").text, "http://host/");
}

TEST(an_at_sign_further_on_is_not_a_password) {
    ASSERT_STR_EQ(eddy__http_url_shown("http://host/@ada").text, "http://host/@ada");
    ASSERT_STR_EQ(eddy__http_url_shown("http://host?to=a@b").text, "http://host?to=a@b");
}

TEST(a_url_that_is_none_is_shown_in_one_short_line) {
    char large[1000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';

    ASSERT_STR_EQ(eddy__http_url_shown("two\r\nlines").text, "two??lines");
    ASSERT_UINT_EQ(strlen(eddy__http_url_shown(large).text), HTTP_URL_SHOWN_BYTES - 1);
    ASSERT_STR_CONTAINS(eddy__http_url_shown(large).text, "xxx...");
}

TEST(the_host_of_a_url_is_named) {
    char host[64];
    eddy__http_url_host("https://ada@example.org:8443/x", host, sizeof host);
    ASSERT_STR_EQ(host, "example.org");
    eddy__http_url_host("nonsense", host, sizeof host);
    ASSERT_STR_EQ(host, "the host");
}
