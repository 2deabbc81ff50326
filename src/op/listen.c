/* SPDX-License-Identifier: MIT
 * listen.c - a listening socket on every address of a name, all on one port. */
#include "listen.h"

#include <errno.h>
#include <string.h>

#include "os.h"
#include "socket.h"

#define PORT_TRIES 16 /* a port that is free for one family may be taken in the other */

struct listening {
    int *fds;
    int count;
    const struct eddy__listen_options *options;
    bool is_dual_stack; /* and there is an IPv6 address that takes all of IPv4 */
    int port;           /* that the first was given, where any would do */
    bool any_port_each; /* the last try: better two ports than no server */
};

static void listening_close(struct listening *listening) {
    while (listening->count > 0)
        eddy__os_close(listening->fds[--listening->count]);
}

/* The resolver lists an address twice when /etc/hosts does. */
static bool is_repeated(const struct addrinfo *first, const struct addrinfo *address) {
    for (; first != address; first = first->ai_next)
        if (first->ai_addrlen == address->ai_addrlen &&
            memcmp(first->ai_addr, address->ai_addr, address->ai_addrlen) == 0)
            return true;
    return false;
}

static int listening_add(struct listening *listening, const struct addrinfo *info) {
    union eddy__address address;
    bool any_port = eddy__address_port(info->ai_addr) == 0;
    socklen_t size = sizeof(address);
    int fd, r;

    memcpy(&address, info->ai_addr, info->ai_addrlen);
    if (any_port && !listening->any_port_each)
        eddy__address_set_port(&address.any, listening->port);
    fd = eddy__socket_listen(&address.any, info->ai_addrlen, listening->options);
    if (fd < 0)
        return fd;

    listening->fds[listening->count++] = fd;
    r = any_port ? eddy__os_getsockname(fd, &address.any, &size) : 0;
    if (any_port && r == 0)
        listening->port = eddy__address_port(&address.any);
    return r;
}

static bool is_every_v6(const struct addrinfo *info) {
    return info->ai_family == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)info->ai_addr)->sin6_addr);
}

static bool is_every_v4(const struct addrinfo *info) {
    return info->ai_family == AF_INET &&
           ((const struct sockaddr_in *)info->ai_addr)->sin_addr.s_addr == htonl(INADDR_ANY);
}

static bool has_every_v6(const struct addrinfo *addresses) {
    while (addresses && !is_every_v6(addresses))
        addresses = addresses->ai_next;
    return addresses != NULL;
}

static bool is_left_out(const struct listening *listening, const struct addrinfo *addresses,
                        const struct addrinfo *info) {
    int family = listening->options->family;

    return is_repeated(addresses, info) || (family && info->ai_family != family) ||
           (listening->is_dual_stack && is_every_v4(info));
}

static bool is_absent_here(int code) {
    return code == -EAFNOSUPPORT || code == -EADDRNOTAVAIL;
}

/* One try on all addresses. */
static int listening_add_all(struct listening *listening, const struct addrinfo *addresses,
                             char *failed) {
    int absent = -EADDRNOTAVAIL;

    for (const struct addrinfo *info = addresses; info && listening->count < LISTEN_MAX;
         info = info->ai_next) {
        int r = is_left_out(listening, addresses, info) ? 0 : listening_add(listening, info);
        if (r < 0)
            eddy__address_format(info->ai_addr, info->ai_addrlen, failed);
        if (is_absent_here(r))
            absent = r;
        else if (r < 0)
            return r;
    }
    return listening->count > 0 ? listening->count : absent;
}

int eddy__listen(const struct addrinfo *addresses, const struct eddy__listen_options *options,
                 int fds[LISTEN_MAX], char failed[ADDRESS_TEXT_BYTES]) {
    bool is_dual_stack = options->is_dual_stack && has_every_v6(addresses);

    eddy__address_format(addresses->ai_addr, addresses->ai_addrlen, failed);
    for (int try = 1;; try++) {
        struct listening listening = {.fds = fds,
                                      .options = options,
                                      .is_dual_stack = is_dual_stack,
                                      .any_port_each = try == PORT_TRIES};
        int r = listening_add_all(&listening, addresses, failed);
        if (r >= 0)
            return r;

        /* Only a port that we had been given ourselves is worth another try. */
        bool was_ours = listening.port != 0;
        listening_close(&listening);
        if (is_absent_here(r) && is_dual_stack)
            is_dual_stack = false; /* this machine has no IPv6 */
        else if (r != -EADDRINUSE || !was_ours || try == PORT_TRIES)
            return r;
    }
}
