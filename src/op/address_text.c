/* SPDX-License-Identifier: MIT
 * address_text.c - the addresses of <eddy/address.h>: read, written, compared. */
#include <eddy/address.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "util.h"

_Static_assert(EDDY_ADDRESS_TEXT_BYTES >= ADDRESS_TEXT_BYTES, "whatever has a text has room");
_Static_assert(EDDY_ADDRESS_TEXT_BYTES >
                   sizeof("unix:@") + sizeof(((struct sockaddr_un *)0)->sun_path),
               "and so has the longest path");

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

/* --- reading ---------------------------------------------------------------------------------- */

static int parse_port(const char *text, in_port_t *out) {
    int port = 0;

    if (!*text || strlen(text) > 5)
        return -EINVAL;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -EINVAL;
        port = port * 10 + (*text - '0');
    }
    if (port > 65535)
        return -EINVAL;
    *out = htons((in_port_t)port);
    return 0;
}

static int parse_interface(const char *text, uint32_t *out) {
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (*text && !*end && number > 0 && number <= UINT32_MAX)
        *out = (uint32_t)number;
    else
        *out = if_nametoindex(text);
    return *out ? 0 : -EINVAL;
}

/* "host" NUL "port", and after a "%" the interface of the host. */
static int parse_v6(char *host, const char *port, eddy_address *out) {
    char *interface = strchr(host, '%');
    int r = 0;

    if (interface)
        *interface++ = '\0';
    out->size = sizeof(out->v6);
    out->v6.sin6_family = AF_INET6;
    if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) != 1)
        return -EINVAL;
    if (interface)
        r = parse_interface(interface, &out->v6.sin6_scope_id);
    return r < 0 ? r : parse_port(port, &out->v6.sin6_port);
}

static int parse_v4(const char *host, const char *port, eddy_address *out) {
    out->size = sizeof(out->v4);
    out->v4.sin_family = AF_INET;
    if (inet_pton(AF_INET, host, &out->v4.sin_addr) != 1)
        return -EINVAL;
    return parse_port(port, &out->v4.sin_port);
}

/* An abstract name has no NUL behind it, but one in front. */
static int parse_path(const char *path, eddy_address *out) {
    size_t length = strlen(path);
    bool is_abstract = path[0] == '@';

    if (length == 0 || length >= sizeof(out->local.sun_path))
        return -EINVAL;
    out->local.sun_family = AF_UNIX;
    memcpy(out->local.sun_path, path, length);
    if (is_abstract)
        out->local.sun_path[0] = '\0';
    out->size = (socklen_t)(PATH_OFFSET + length + !is_abstract);
    return 0;
}

/* Cuts the text in two. */
static int parse_host_and_port(char *text, eddy_address *out) {
    char *port = strrchr(text, ':'), *end;

    if (!port)
        return -EINVAL;
    *port++ = '\0';
    if (text[0] != '[')
        return parse_v4(text, port, out);
    end = text + strlen(text) - 1;
    if (*end != ']')
        return -EINVAL;
    *end = '\0';
    return parse_v6(text + 1, port, out);
}

int eddy_address_parse(const char *text, eddy_address *out) {
    char copy[EDDY_ADDRESS_TEXT_BYTES];
    eddy_address address = {0};
    int r = -EINVAL;

    if (strncmp(text, "unix:", 5) == 0)
        r = parse_path(text + 5, &address);
    else if (strlen(text) < sizeof(copy))
        r = parse_host_and_port(strcpy(copy, text), &address);
    if (r < 0)
        return eddy_raise(r, "\"%.*s\" is no address", EDDY_ADDRESS_TEXT_BYTES, text);
    *out = address;
    return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* The path without its final NUL; of an abstract name all of it. */
static eddy_slice path_of(const eddy_address *address) {
    const char *path = address->local.sun_path;
    size_t size = address->size > PATH_OFFSET ? address->size - PATH_OFFSET : 0;

    size = MIN(size, sizeof(address->local.sun_path));
    if (size > 0 && path[0] != '\0')
        size = strnlen(path, size);
    return (eddy_slice){path, size};
}

const char *eddy_address_format(const eddy_address *address, char text[EDDY_ADDRESS_TEXT_BYTES]) {
    eddy_slice path;

    if (address->size == 0) {
        strcpy(text, "?");
    } else if (address->any.sa_family != AF_UNIX) {
        eddy__address_format(&address->any, address->size, text);
    } else {
        path = path_of(address);
        snprintf(text, EDDY_ADDRESS_TEXT_BYTES, "unix:%.*s", (int)path.size, path.data);
        if (path.size > 0 && path.data[0] == '\0')
            snprintf(text, EDDY_ADDRESS_TEXT_BYTES, "unix:@%.*s", (int)path.size - 1,
                     path.data + 1);
    }
    return text;
}

/* --- asking ----------------------------------------------------------------------------------- */

int eddy_address_port(const eddy_address *address) {
    return address->size > 0 ? eddy__address_port(&address->any) : 0;
}

static bool is_same_v6(const struct sockaddr_in6 *one, const struct sockaddr_in6 *other) {
    return one->sin6_port == other->sin6_port && one->sin6_scope_id == other->sin6_scope_id &&
           memcmp(&one->sin6_addr, &other->sin6_addr, sizeof(one->sin6_addr)) == 0;
}

bool eddy_address_is_equal(const eddy_address *one, const eddy_address *other) {
    eddy_slice path, other_path;

    if (one->size == 0 || other->size == 0)
        return one->size == other->size;
    if (one->any.sa_family != other->any.sa_family)
        return false;
    if (one->any.sa_family == AF_INET)
        return one->v4.sin_port == other->v4.sin_port &&
               one->v4.sin_addr.s_addr == other->v4.sin_addr.s_addr;
    if (one->any.sa_family == AF_INET6)
        return is_same_v6(&one->v6, &other->v6);
    if (one->any.sa_family != AF_UNIX)
        return one->size == other->size && memcmp(&one->any, &other->any, one->size) == 0;
    path = path_of(one);
    other_path = path_of(other);
    return path.size == other_path.size && memcmp(path.data, other_path.data, path.size) == 0;
}
