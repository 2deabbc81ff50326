/* SPDX-License-Identifier: MIT
 * limit_datagram.c - the limit of two ends in one thread: a loop of epoll_wait, recvmsg, sendmsg.
 *
 * Level-triggered, and nothing is tried that is not there: for each way one epoll_wait, one receive
 * and one send. Beside it: eddy_datagram.c. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define ROUND_TRIPS 2000
#define BATCHES     200
#define BATCH       32
#define BYTES       64

static int epoll_fd, ends[2];

static void require(int r, const char *what) {
    bench_require(r < 0 ? -errno : 0, what);
}

static void open_ends(int type) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    if (type == SOCK_STREAM) {
        require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), "socketpair");
    } else {
        for (int i = 0; i < 2; i++)
            require(ends[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), "socket");
        require(bind(ends[0], (struct sockaddr *)&address, size), "bind");
        require(getsockname(ends[0], (struct sockaddr *)&address, &size), "getsockname");
        require(connect(ends[1], (struct sockaddr *)&address, size), "connect");
    }
    epoll_fd = epoll_create1(0);
    for (int i = 0; i < 2; i++)
        require(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, ends[i],
                          &(struct epoll_event){.events = EPOLLIN, .data.fd = ends[i]}),
                "epoll_ctl");
}

static void close_ends(void) {
    close(ends[0]);
    close(ends[1]);
    close(epoll_fd);
}

/* Whoever has something to read. */
static int wait_for_one(void) {
    struct epoll_event event;

    require(epoll_wait(epoll_fd, &event, 1, -1), "epoll_wait");
    return event.data.fd;
}

static double round_trips(int type) {
    char bytes[BYTES] = "";
    struct sockaddr_storage from;
    struct iovec part = {bytes, sizeof(bytes)};
    int64_t start;

    open_ends(type);
    require((int)send(ends[1], bytes, sizeof(bytes), 0), "send");
    start = bench_now_ns();
    for (int i = 0; i < 2 * ROUND_TRIPS; i++) {
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        int fd = wait_for_one();
        if (type == SOCK_STREAM) {
            require((int)recv(fd, bytes, sizeof(bytes), 0), "recv");
            require((int)send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL), "send");
            continue;
        }
        message.msg_name = &from;
        message.msg_namelen = sizeof(from);
        require((int)recvmsg(fd, &message, 0), "recvmsg");
        if (fd == ends[1])
            message.msg_name = NULL, message.msg_namelen = 0;
        require((int)sendmsg(fd, &message, 0), "sendmsg");
    }
    double result = (double)(bench_now_ns() - start) / ROUND_TRIPS;
    close_ends();
    return result;
}

static double datagrams(void *unused) {
    (void)unused;
    return round_trips(SOCK_DGRAM);
}

static double bytes_to_and_fro(void *unused) {
    (void)unused;
    return round_trips(SOCK_STREAM);
}

static double batches(void *unused) {
    static char bytes[BATCH][BYTES];
    static struct sockaddr_storage from[BATCH];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    int64_t start;

    (void)unused;
    open_ends(SOCK_DGRAM);
    start = bench_now_ns();
    for (int n = 0; n < BATCHES; n++) {
        for (int i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){bytes[i], BYTES};
            messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
        }
        require(sendmmsg(ends[1], messages, BATCH, 0), "sendmmsg");
        for (int i = 0; i < BATCH; i++) {
            messages[i].msg_hdr.msg_name = &from[i];
            messages[i].msg_hdr.msg_namelen = sizeof(from[i]);
        }
        for (int had = 0; had < BATCH;) {
            wait_for_one();
            int r = recvmmsg(ends[0], messages + had, (unsigned)(BATCH - had), 0, NULL);
            require(r, "recvmmsg");
            had += r;
        }
    }
    double result = (double)(bench_now_ns() - start) / (BATCHES * BATCH);
    close_ends();
    return result;
}

int main(void) {
    bench_report("datagram-echo", bench_run_passes(datagrams, NULL), "ns");
    bench_report("datagram-batch", bench_run_passes(batches, NULL), "ns");
    bench_report("descriptor-echo", bench_run_passes(bytes_to_and_fro, NULL), "ns");
}
