/* SPDX-License-Identifier: MIT
 * rows_name.c - the suspending calls of names. */
#include <eddy/name.h>
#include <netinet/in.h>

#include "name.h"
#include "row.h"

static int looks_up_addresses(struct scene *scene) {
    struct addrinfo *addresses = NULL;
    int r;

    (void)scene;
    r = eddy_getaddrinfo(held_name(), "80", NULL, &addresses);
    ASSERT((r == 0) == (addresses != NULL));
    eddy_freeaddrinfo(addresses);
    return r;
}

static int answer_held(const struct sockaddr *address, socklen_t size, char *host,
                       socklen_t host_bytes, char *service, socklen_t service_bytes, int flags) {
    wait_while_held();
    return getnameinfo(address, size, host, host_bytes, service, service_bytes,
                       flags | NI_NUMERICHOST);
}

__attribute__((constructor)) static void hold_all_reverse(void) {
    eddy__reverse_resolver = answer_held;
}

/* A failed call leaves its room alone. */
static int looks_up_name(struct scene *scene) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)},
                                  .sin_port = htons((uint16_t)held_port(scene))};
    char host[64] = "untouched";
    int r = eddy_getnameinfo((struct sockaddr *)&address, sizeof(address), host, sizeof(host), NULL,
                             0, 0);

    ASSERT_STR_EQ(host, r == 0 ? "127.0.0.1" : "untouched");
    return r;
}

const struct row name_rows[] = {
    {"eddy_getaddrinfo", looks_up_addresses, release_names, hold_names, drop_names,
     LATCHES | THREAD},
    {"eddy_getnameinfo", looks_up_name, release_names, hold_names, drop_names, LATCHES | THREAD},
    {NULL},
};
