/* SPDX-License-Identifier: MIT
 * datagram_socket.c - sockets for datagrams, and the groups that they are in. */
#include "datagram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "os.h"

static int set(int fd, int level, int name, int value) {
    return eddy__os_set_option(fd, level, name, value);
}

/* Hops are set by what there is of each family: level, name, value. */
static int socket_set_hops(int fd, int family, const eddy_datagram_options *options) {
    bool is_v6 = family == AF_INET6;
    int level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, r = 0;

    if (options->hops > 0)
        r = set(fd, level, is_v6 ? IPV6_UNICAST_HOPS : IP_TTL, options->hops);
    if (r == 0 && options->multicast_hops > 0)
        r = set(fd, level, is_v6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL, options->multicast_hops);
    if (r == 0 && options->no_multicast_loop)
        r = set(fd, level, is_v6 ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP, 0);
    return r;
}

/* 0: no name was given; -ENODEV: no such interface. */
static int interface_number(const char *name) {
    unsigned number = name ? if_nametoindex(name) : 0;

    return name && number == 0 ? -ENODEV : (int)number;
}

static int socket_set_interface(int fd, int family, const char *name) {
    int number = interface_number(name);
    struct ip_mreqn v4 = {.imr_ifindex = number};

    if (number <= 0)
        return number;
    if (family == AF_INET6)
        return set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, number);
    return eddy__os_setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &v4, sizeof(v4));
}

/* An IPv6 socket takes IPv6 only, as eddy's listeners do: each family has its endpoint. */
static int socket_set_inet(int fd, int family, const eddy_datagram_options *options) {
    int r = 0;

    if (options->broadcast)
        r = set(fd, SOL_SOCKET, SO_BROADCAST, 1);
    if (r == 0 && options->reuse_address)
        r = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r == 0 && options->reuse_port)
        r = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (r == 0 && family == AF_INET6)
        r = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (r == 0)
        r = socket_set_hops(fd, family, options);
    return r < 0 ? r : socket_set_interface(fd, family, options->multicast_interface);
}

static int socket_set_buffers(int fd, const eddy_datagram_options *options) {
    int r = 0;

    if (options->receive_buffer_bytes > 0)
        r = set(fd, SOL_SOCKET, SO_RCVBUF, options->receive_buffer_bytes);
    if (r == 0 && options->send_buffer_bytes > 0)
        r = set(fd, SOL_SOCKET, SO_SNDBUF, options->send_buffer_bytes);
    return r;
}

static int socket_bind(int fd, const eddy_address *local, struct eddy__unix_file *file) {
    union eddy__address address;

    if (local->any.sa_family != AF_UNIX)
        return eddy__os_bind(fd, &local->any, local->size);
    address.local = local->local;
    return eddy__unix_bind(fd, &address, local->size, 0, file);
}

int eddy__datagram_socket(const eddy_datagram_options *options, const eddy_address *local,
                          const eddy_address *remote, struct eddy__unix_file *file) {
    int family = local->size > 0    ? local->any.sa_family
                 : remote->size > 0 ? remote->any.sa_family
                                    : options->family;
    CLEANUP(eddy__os_closep) int fd = eddy__os_socket(family, SOCK_DGRAM, 0);
    int r = fd;

    if (r < 0)
        return r;
    r = family == AF_UNIX ? 0 : socket_set_inet(fd, family, options);
    if (r == 0)
        r = socket_set_buffers(fd, options);
    if (r == 0 && local->size > 0)
        r = socket_bind(fd, local, file);
    if (r == 0 && remote->size > 0)
        r = eddy__os_connect(fd, &remote->any, remote->size);
    if (r < 0)
        eddy__unix_file_remove(file);
    return r < 0 ? r : TAKE_FD(fd);
}

/* --- groups ----------------------------------------------------------------------------------- */

static int group_v4(int fd, bool join, const char *group, int interface) {
    struct ip_mreqn member = {.imr_ifindex = interface};

    if (inet_pton(AF_INET, group, &member.imr_multiaddr) != 1)
        return -EINVAL;
    return eddy__os_setsockopt(fd, IPPROTO_IP, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP,
                               &member, sizeof(member));
}

static int group_v6(int fd, bool join, const char *group, int interface) {
    struct ipv6_mreq member = {.ipv6mr_interface = (unsigned)interface};

    if (inet_pton(AF_INET6, group, &member.ipv6mr_multiaddr) != 1)
        return -EINVAL;
    return eddy__os_setsockopt(fd, IPPROTO_IPV6, join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &member,
                               sizeof(member));
}

static int group_change(const eddy_datagram_endpoint *endpoint, bool join, const char *group,
                        const char *interface) {
    int number = interface_number(interface), r = eddy__loop_check(endpoint->loop);

    if (r < 0)
        return r;
    r = number < 0                                  ? number
        : endpoint->local.any.sa_family == AF_INET  ? group_v4(endpoint->fd, join, group, number)
        : endpoint->local.any.sa_family == AF_INET6 ? group_v6(endpoint->fd, join, group, number)
                                                    : -EINVAL;
    if (r == 0)
        return 0;
    return eddy_raise(r, "cannot %s the group %s on %s: %s", join ? "join" : "leave", group,
                      interface ? interface : "any interface", eddy_error_text(r));
}

int eddy_datagram_join(eddy_datagram_endpoint *endpoint, const char *group, const char *interface) {
    return group_change(endpoint, true, group, interface);
}

int eddy_datagram_leave(eddy_datagram_endpoint *endpoint, const char *group,
                        const char *interface) {
    return group_change(endpoint, false, group, interface);
}
