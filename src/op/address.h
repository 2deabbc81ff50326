/* SPDX-License-Identifier: MIT
 * address.h - socket addresses as values, and as people read them: "192.0.2.1:443", "[::1]:80". */
#ifndef EDDY__ADDRESS_H
#define EDDY__ADDRESS_H

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

union eddy__address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
    struct sockaddr_storage storage;
};

/* The longest IPv6 address in brackets, "%" and an interface, ":" and a port. */
#define ADDRESS_TEXT_BYTES (INET6_ADDRSTRLEN + 2 + 1 + IF_NAMESIZE + 6)

/* Writes the text, always terminated; a Unix socket's path may be cut. A family without a text of
 * its own is "?". */
void eddy__address_format(const struct sockaddr *address, socklen_t size,
                          char text[ADDRESS_TEXT_BYTES]);

/* 0 for a family without ports. */
int eddy__address_port(const struct sockaddr *address);
void eddy__address_set_port(struct sockaddr *address, int port);

/* The text of a connected socket's other end, and of ours; "?" when the connection is gone. */
void eddy__address_of_peer(int fd, char text[ADDRESS_TEXT_BYTES]);
void eddy__address_of_socket(int fd, char text[ADDRESS_TEXT_BYTES]);

#endif
