/* SPDX-License-Identifier: MIT
 * test_address_text.c - addresses as texts: each is read as it is written. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <eddy/address.h>

#include "test.h"

static void check_same(const char *text) {
    char again[EDDY_ADDRESS_TEXT_BYTES];
    eddy_address address, other;

    ASSERT_OK(eddy_address_parse(text, &address));
    ASSERT_STR_EQ(eddy_address_format(&address, again), text);
    ASSERT_OK(eddy_address_parse(again, &other));
    ASSERT(eddy_address_is_equal(&address, &other));
}

TEST(what_is_read_is_written_alike) {
    check_same("192.0.2.1:443");
    check_same("0.0.0.0:0");
    check_same("[::1]:80");
    check_same("[2001:db8::1]:65535");
    check_same("[fe80::1%lo]:80");
    check_same("unix:/run/socket");
    check_same("unix:@abstract");
}

TEST(the_longest_path_has_room) {
    char text[EDDY_ADDRESS_TEXT_BYTES] = "unix:/";
    memset(text + 6, 'x', sizeof(((struct sockaddr_un *)0)->sun_path) - 2);
    check_same(text);
    text[6 + sizeof(((struct sockaddr_un *)0)->sun_path) - 2] = 'x';
    ASSERT_CODE(-EINVAL, eddy_address_parse(text, &(eddy_address){0}));
}

TEST(what_is_no_address_is_refused) {
    static const char *const texts[] = {
        "",
        "x",
        "192.0.2.1",
        "192.0.2.1:",
        "192.0.2.1:65536",
        "1.2.3:4",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[::1:80",
        "[::1%]:1",
        "[::x]:1",
        "unix:",
        "host:80",
        "192.0.2.1:-1",
        "[]:1",
        "192.0.2.1:8 ",
        "[::1%nodev9]:1",
        "192.0.2.1:000080",
    };
    eddy_address address = {.size = 7};

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (eddy_address_parse(texts[i], &address) != -EINVAL)
            TEST_FAIL("\"%s\" was taken for an address", texts[i]);
    ASSERT_INT_EQ(address.size, 7);
}

TEST(ports_are_told) {
    eddy_address address = {0};

    ASSERT_INT_EQ(eddy_address_port(&address), 0);
    ASSERT_OK(eddy_address_parse("192.0.2.1:443", &address));
    ASSERT_INT_EQ(eddy_address_port(&address), 443);
    ASSERT_OK(eddy_address_parse("[::1]:80", &address));
    ASSERT_INT_EQ(eddy_address_port(&address), 80);
    ASSERT_OK(eddy_address_parse("unix:/x", &address));
    ASSERT_INT_EQ(eddy_address_port(&address), 0);
}

static bool are_equal(const char *one, const char *other) {
    eddy_address a = {0}, b = {0};

    if (*one)
        ASSERT_OK(eddy_address_parse(one, &a));
    if (*other)
        ASSERT_OK(eddy_address_parse(other, &b));
    return eddy_address_is_equal(&a, &b);
}

TEST(addresses_that_differ_in_anything_are_not_equal) {
    ASSERT(are_equal("", ""));
    ASSERT(!are_equal("", "1.2.3.4:5"));
    ASSERT(!are_equal("1.2.3.4:5", "1.2.3.4:6"));
    ASSERT(!are_equal("1.2.3.4:5", "1.2.3.5:5"));
    ASSERT(!are_equal("1.2.3.4:5", "[::1]:5"));
    ASSERT(!are_equal("[fe80::1%lo]:5", "[fe80::1]:5"));
    ASSERT(!are_equal("unix:/x", "unix:@x"));
    ASSERT(!are_equal("unix:/x", "unix:/xy"));
    ASSERT(are_equal("unix:@x", "unix:@x"));
}

TEST(no_address_and_unknown_families_are_a_question_mark) {
    char text[EDDY_ADDRESS_TEXT_BYTES];
    eddy_address address = {0};

    ASSERT_STR_EQ(eddy_address_format(&address, text), "?");
    address.size = sizeof(sa_family_t);
    address.any.sa_family = AF_UNIX;
    ASSERT_STR_EQ(eddy_address_format(&address, text), "unix:");
    address.any.sa_family = AF_PACKET;
    ASSERT_STR_EQ(eddy_address_format(&address, text), "?");
}
