/* SPDX-License-Identifier: MIT
 * echo.c - see echo.h. */
#include "echo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "bench.h"

static struct sockaddr_in loopback(long port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

static void require(int result, const char *what) {
    bench_require(result < 0 ? -errno : 0, what);
}

int echo_listen(int *port) {
    struct sockaddr_in address = loopback(0);
    socklen_t address_bytes = sizeof(address);

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    require(fd, "socket");
    require(bind(fd, (struct sockaddr *)&address, sizeof(address)), "bind");
    require(listen(fd, 4096), "listen");
    require(getsockname(fd, (struct sockaddr *)&address, &address_bytes), "getsockname");
    *port = ntohs(address.sin_port);
    return fd;
}

void echo_announce(int port) {
    printf("{\"port\": %d}\n", port);
    fflush(stdout);
}

int echo_connect(long port) {
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    require(fd, "socket");
    require(connect(fd, (struct sockaddr *)&address, sizeof(address)), "connect");
    require(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), "TCP_NODELAY");
    return fd;
}

void echo_raise_descriptor_limit(void) {
    struct rlimit limit;

    require(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    require(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}
