/* SPDX-License-Identifier: MIT
 * test_address.c - socket addresses as people read them. */
#include <arpa/inet.h>
#include <string.h>

#include "address.h"
#include "test.h"

static const char *text_of(const union eddy__address *address, socklen_t size) {
    static char text[ADDRESS_TEXT_BYTES];

    eddy__address_format(&address->any, size, text);
    return text;
}

TEST(an_ipv4_address_has_its_port_behind_a_colon) {
    union eddy__address address = {.v4 = {.sin_family = AF_INET, .sin_port = htons(443)}};

    inet_pton(AF_INET, "192.0.2.1", &address.v4.sin_addr);
    ASSERT_STR_EQ(text_of(&address, sizeof(address.v4)), "192.0.2.1:443");
    ASSERT_INT_EQ(eddy__address_port(&address.any), 443);
}

TEST(an_ipv6_address_stands_in_brackets) {
    union eddy__address address = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)}};

    inet_pton(AF_INET6, "::1", &address.v6.sin6_addr);
    ASSERT_STR_EQ(text_of(&address, sizeof(address.v6)), "[::1]:80");
    eddy__address_set_port(&address.any, 65535);
    ASSERT_STR_EQ(text_of(&address, sizeof(address.v6)), "[::1]:65535");
}

TEST(a_link_local_address_names_its_interface) {
    union eddy__address address = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(1)}};

    inet_pton(AF_INET6, "fe80::1", &address.v6.sin6_addr);
    address.v6.sin6_scope_id = if_nametoindex("lo");
    ASSERT_STR_EQ(text_of(&address, sizeof(address.v6)), "[fe80::1%lo]:1");
    address.v6.sin6_scope_id = 4000000000u; /* no such interface */
    ASSERT_STR_EQ(text_of(&address, sizeof(address.v6)), "[fe80::1%4000000000]:1");
}

TEST(the_longest_address_fits) {
    union eddy__address address = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(65535)}};
    const char *text;

    memset(&address.v6.sin6_addr, 0xff, sizeof(address.v6.sin6_addr));
    address.v6.sin6_scope_id = 4000000000u;
    text = text_of(&address, sizeof(address.v6));
    ASSERT_STR_CONTAINS(text, "]:65535");
    ASSERT(strlen(text) < ADDRESS_TEXT_BYTES);
}

TEST(unix_sockets_show_their_path_or_abstract_name) {
    union eddy__address address = {.local = {.sun_family = AF_UNIX, .sun_path = "/run/x"}};
    socklen_t head = offsetof(struct sockaddr_un, sun_path);

    ASSERT_STR_EQ(text_of(&address, head + 7), "unix:/run/x");
    memcpy(address.local.sun_path, "\0name", 5);
    ASSERT_STR_EQ(text_of(&address, head + 5), "unix:@name");
    ASSERT_STR_EQ(text_of(&address, head), "unix:");
}

TEST(what_is_not_known_is_a_question_mark) {
    union eddy__address address = {.any = {.sa_family = AF_UNSPEC}};
    char text[ADDRESS_TEXT_BYTES];

    ASSERT_STR_EQ(text_of(&address, sizeof(address.any)), "?");
    eddy__address_of_peer(-1, text);
    ASSERT_STR_EQ(text, "?");
    ASSERT_INT_EQ(eddy__address_port(&address.any), 0);
}
