/* SPDX-License-Identifier: MIT
 * test_listen.c - listening on every address of a name. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"
#include "test.h"
#include "util.h"

static const struct eddy__listen_options usual = {.backlog = 10};

static struct addrinfo *addresses_of(const char *host, const char *port) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *out;

    ASSERT_INT_EQ(getaddrinfo(host, port, &hints, &out), 0);
    return out;
}

static struct addrinfo *chain(struct addrinfo *first, struct addrinfo *second) {
    struct addrinfo *last = first;

    while (last->ai_next)
        last = last->ai_next;
    last->ai_next = second;
    return first;
}

static int port_of(int fd) {
    union eddy__address address;
    socklen_t size = sizeof(address);

    ASSERT_INT_EQ(getsockname(fd, &address.any, &size), 0);
    return eddy__address_port(&address.any);
}

static void close_all(int fds[], int count) {
    for (int i = 0; i < count; i++)
        close(fds[i]);
}

TEST(any_port_is_the_same_one_on_every_address) {
    for (int i = 0; i < 50; i++) {
        struct addrinfo *addresses =
            chain(addresses_of("127.0.0.1", "0"), addresses_of("127.0.0.2", "0"));
        char failed[ADDRESS_TEXT_BYTES];
        int fds[LISTEN_MAX], count = eddy__listen(addresses, &usual, fds, failed);

        ASSERT_INT_EQ(count, 2);
        ASSERT_INT_EQ(port_of(fds[0]), port_of(fds[1]));
        close_all(fds, count);
        freeaddrinfo(addresses);
    }
}

TEST(an_address_that_is_listed_twice_is_listened_on_once) {
    struct addrinfo *addresses =
        chain(addresses_of("127.0.0.1", "0"), addresses_of("127.0.0.1", "0"));
    char failed[ADDRESS_TEXT_BYTES];
    int fds[LISTEN_MAX], count = eddy__listen(addresses, &usual, fds, failed);

    ASSERT_INT_EQ(count, 1);
    close_all(fds, count);
    freeaddrinfo(addresses);
}

TEST(an_address_of_another_machine_is_left_out_if_there_are_others) {
    struct addrinfo *addresses =
        chain(addresses_of("192.0.2.1", "0"), addresses_of("127.0.0.1", "0"));
    char failed[ADDRESS_TEXT_BYTES];
    int fds[LISTEN_MAX], count = eddy__listen(addresses, &usual, fds, failed);

    ASSERT_INT_EQ(count, 1);
    close_all(fds, count);
    freeaddrinfo(addresses);

    addresses = addresses_of("192.0.2.1", "7");
    ASSERT_CODE(-EADDRNOTAVAIL, eddy__listen(addresses, &usual, fds, failed));
    ASSERT_STR_EQ(failed, "192.0.2.1:7");
    freeaddrinfo(addresses);
}

TEST(a_port_in_use_is_told_with_its_address_and_nothing_stays_open) {
    struct addrinfo *addresses = addresses_of("127.0.0.1", "0"), *both;
    char failed[ADDRESS_TEXT_BYTES], port[8], text[ADDRESS_TEXT_BYTES];
    int fds[LISTEN_MAX], others[LISTEN_MAX], next;

    ASSERT_INT_EQ(eddy__listen(addresses, &usual, fds, failed), 1);
    snprintf(port, sizeof(port), "%d", port_of(fds[0]));
    snprintf(text, sizeof(text), "127.0.0.1:%s", port);
    both = chain(addresses_of("127.0.0.2", port), addresses_of("127.0.0.1", port));
    next = dup(0);
    close(next);
    ASSERT_CODE(-EADDRINUSE, eddy__listen(both, &usual, others, failed));
    ASSERT_STR_EQ(failed, text);
    ASSERT_INT_EQ(dup(0), next);
    close(next);
    close_all(fds, 1);
    freeaddrinfo(addresses);
    freeaddrinfo(both);
}

TEST(both_families_have_the_port_side_by_side) {
    struct addrinfo *addresses = chain(addresses_of("0.0.0.0", "0"), addresses_of("::", "0"));
    char failed[ADDRESS_TEXT_BYTES];
    int fds[LISTEN_MAX], count = eddy__listen(addresses, &usual, fds, failed);

    ASSERT(count >= 1); /* 1: this machine has no IPv6 */
    ASSERT_INT_EQ(port_of(fds[0]), port_of(fds[count - 1]));
    close_all(fds, count);
    freeaddrinfo(addresses);
}
