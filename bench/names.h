/* SPDX-License-Identifier: MIT
 * names.h - many names of one address of /etc/hosts, so that no network is measured: localhost,
 * with some of its letters large. To a resolver they are different questions, as hosts are. */
#ifndef BENCH_NAMES_H
#define BENCH_NAMES_H

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#define NAMES_AT_ONCE 100
#define NAMES_PASSES  20 /* of a hundred: what a pass measures */
#define NAME_BYTES    10

/* number: 0 to 511. */
static inline void bench_name(int number, char name[NAME_BYTES]) {
    memcpy(name, "localhost", NAME_BYTES);
    for (int i = 0; i < NAME_BYTES - 1; i++)
        if (number >> i & 1)
            name[i] = (char)(name[i] - 'a' + 'A');
}

static const struct addrinfo bench_hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};

#endif
