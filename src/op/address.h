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

/* The longest path of a Unix socket, "unix:" before it. An IPv6 address in brackets, "%" and an
 * interface, ":" and a port are shorter. */
#define ADDRESS_TEXT_BYTES (sizeof("unix:") + sizeof(((struct sockaddr_un *)NULL)->sun_path))

/* Writes the text, always terminated. A family without a text of its own is "?". */
void eddy__address_format(const struct sockaddr *address, socklen_t size,
                          char text[ADDRESS_TEXT_BYTES]);

/* 0 for a family without ports. */
int eddy__address_port(const struct sockaddr *address);
void eddy__address_set_port(struct sockaddr *address, int port);

/* The text of a connected socket's other end, and of ours; "?" when the connection is gone. The
 * other end of a Unix socket has no name of its own as a rule: "unix:pid 4711". */
void eddy__address_of_peer(int fd, char text[ADDRESS_TEXT_BYTES]);
void eddy__address_of_socket(int fd, char text[ADDRESS_TEXT_BYTES]);

#endif
