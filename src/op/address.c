/* SPDX-License-Identifier: MIT
 * address.c - socket addresses as text. */
#include "address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "os.h"
#include "util.h"

static void format_v4(const struct sockaddr_in *address, char *text) {
    char host[INET_ADDRSTRLEN];

    inet_ntop(AF_INET, &address->sin_addr, host, sizeof(host));
    snprintf(text, ADDRESS_TEXT_BYTES, "%s:%d", host, ntohs(address->sin_port));
}

/* A link-local address means nothing without its interface. */
static void format_v6(const struct sockaddr_in6 *address, char *text) {
    char host[INET6_ADDRSTRLEN], scope[1 + IF_NAMESIZE] = "";

    inet_ntop(AF_INET6, &address->sin6_addr, host, sizeof(host));
    if (address->sin6_scope_id) {
        scope[0] = '%';
        if (!if_indextoname(address->sin6_scope_id, scope + 1))
            snprintf(scope, sizeof(scope), "%%%u", address->sin6_scope_id);
    }
    snprintf(text, ADDRESS_TEXT_BYTES, "[%s%s]:%d", host, scope, ntohs(address->sin6_port));
}

/* Abstract names begin with a zero byte and are written with an "@", as ss and netstat do. */
static void format_local(const struct sockaddr_un *address, socklen_t size, char *text) {
    size_t path_size = size > offsetof(struct sockaddr_un, sun_path)
                           ? size - offsetof(struct sockaddr_un, sun_path)
                           : 0;
    bool is_abstract = path_size > 0 && address->sun_path[0] == '\0';

    snprintf(text, ADDRESS_TEXT_BYTES, "unix:%s%.*s", is_abstract ? "@" : "",
             (int)path_size - is_abstract, address->sun_path + is_abstract);
}

void eddy__address_format(const struct sockaddr *address, socklen_t size,
                          char text[ADDRESS_TEXT_BYTES]) {
    if (address->sa_family == AF_INET)
        format_v4((const struct sockaddr_in *)address, text);
    else if (address->sa_family == AF_INET6)
        format_v6((const struct sockaddr_in6 *)address, text);
    else if (address->sa_family == AF_UNIX)
        format_local((const struct sockaddr_un *)address, size, text);
    else
        strcpy(text, "?");
}

int eddy__address_port(const struct sockaddr *address) {
    if (address->sa_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)address)->sin_port);
    if (address->sa_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    return 0;
}

void eddy__address_set_port(struct sockaddr *address, int port) {
    if (address->sa_family == AF_INET)
        ((struct sockaddr_in *)address)->sin_port = htons((uint16_t)port);
    else if (address->sa_family == AF_INET6)
        ((struct sockaddr_in6 *)address)->sin6_port = htons((uint16_t)port);
}

/* Whose socket has no name. */
static void format_process(int fd, char *text) {
    struct ucred peer;

    if (eddy__os_peer_credentials(fd, &peer) == 0)
        snprintf(text, ADDRESS_TEXT_BYTES, "unix:pid %d", (int)peer.pid);
    else
        strcpy(text, "unix:");
}

void eddy__address_of_peer(int fd, char text[ADDRESS_TEXT_BYTES]) {
    union eddy__address address;
    socklen_t size = sizeof(address);

    strcpy(text, "?");
    if (eddy__os_getpeername(fd, &address.any, &size) < 0)
        return;
    if (address.any.sa_family == AF_UNIX && size <= offsetof(struct sockaddr_un, sun_path))
        format_process(fd, text);
    else
        eddy__address_format(&address.any, size, text);
}

void eddy__address_of_socket(int fd, char text[ADDRESS_TEXT_BYTES]) {
    union eddy__address address;
    socklen_t size = sizeof(address);

    strcpy(text, "?");
    if (eddy__os_getsockname(fd, &address.any, &size) == 0)
        eddy__address_format(&address.any, size, text);
}
