/* SPDX-License-Identifier: MIT
 * eddy/address.h - socket addresses as values, and as people write them.
 *
 * "192.0.2.1:443", "[::1]:80", "[fe80::1%eth0]:80", "unix:/run/socket", "unix:@abstract". Any
 * thread. */
#ifndef EDDY_ADDRESS_H
#define EDDY_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <eddy/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of any family. All zero is none. */
typedef struct eddy_address {
    socklen_t size; /* of that part of the union which is filled in */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
        struct sockaddr_storage storage;
    };
} eddy_address;

#define EDDY_ADDRESS_TEXT_BYTES 128 /* the longest text, with its NUL */

/* Reads a text; numbers only, no names. Returns 0 or -EINVAL. */
EDDY_API int eddy_address_parse(const char *text, eddy_address *out);

/* Writes the text, and returns it; "?" for an address without one. */
EDDY_API const char *eddy_address_format(const eddy_address *address,
                                         char text[EDDY_ADDRESS_TEXT_BYTES]);

/* The port; 0 for a family without ports. */
EDDY_API int eddy_address_port(const eddy_address *address);

/* Family, host, port and interface are the same; or path. */
EDDY_API bool eddy_address_is_equal(const eddy_address *one, const eddy_address *other);

#ifdef __cplusplus
}
#endif

#endif
