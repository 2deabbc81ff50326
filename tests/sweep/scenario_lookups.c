/* SPDX-License-Identifier: MIT
 * scenario_lookups.c - names and numbers, looked up both ways, some at a time. */
#include <eddy/name.h>
#include <netinet/in.h>
#include <string.h>

#include "scenario.h"
#include "test.h"

static int look_up(void *arg) {
    struct addrinfo *addresses = NULL;
    int r = eddy_getaddrinfo(arg, "80", &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &addresses);

    if (r == 0)
        ASSERT_INT_EQ(addresses->ai_socktype, SOCK_STREAM);
    eddy_freeaddrinfo(addresses);
    return r;
}

static int look_up_service(void *unused) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons(9)};
    char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";
    int r = eddy_getnameinfo((struct sockaddr *)&address, sizeof(address), host, sizeof(host), port,
                             sizeof(port), NI_NUMERICHOST);

    (void)unused;
    ASSERT_STR_EQ(host, r == 0 ? "127.0.0.1" : "");
    return r;
}

static int look_up_all(void *unused) {
    (void)unused;
    return eddy_gather(eddy_create_task(look_up, "localhost"),
                       eddy_create_task(look_up, "localhost"),
                       eddy_create_task(look_up, "LOCALHOST"), eddy_create_task(look_up, "::1"),
                       eddy_create_task(look_up_service, NULL));
}

int scenario_lookups(void) {
    return scenario_run(EDDY_CLOCK_MONOTONIC, look_up_all, NULL);
}
