/* SPDX-License-Identifier: MIT
 * probe.h - an operation that counts how often it was done, and sockets to try it on. */
#ifndef TEST_LOOP_PROBE_H
#define TEST_LOOP_PROBE_H

#include <arpa/inet.h>
#include <netinet/in.h>

#include "fixture.h"

/* An operation that counts how often it was done. */
struct probe {
    struct eddy__op op;
    eddy_loop *loop;
    int done_count;
    char bytes[100];
    size_t room; /* for the next receive; 0: all of them */
    struct trace *trace;
    const char *word;
};

static inline void probe_done(struct eddy__op *op) {
    struct probe *probe = container_of(op, struct probe, op);

    ASSERT(!op->pending);
    probe->done_count++;
    if (probe->trace)
        trace_add(probe->trace, probe->word);
}

/* True: completed at once. */
static inline bool begin(struct probe *probe, eddy_loop *loop, enum eddy__op_code code, int fd) {
    struct trace *trace = probe->trace;
    const char *word = probe->word;
    size_t room = probe->room;

    *probe = (struct probe){.loop = loop, .trace = trace, .word = word};
    probe->op = (struct eddy__op){.done = probe_done, .code = code, .fd = fd};
    if (code != EDDY__OP_LEASE && code != EDDY__OP_LEASE_READ) {
        probe->op.buffer = probe->bytes;
        probe->op.size = room ? room : sizeof(probe->bytes);
    }
    return eddy__op_submit(loop, &probe->op);
}

static inline void begin_later(struct probe *probe, eddy_loop *loop, enum eddy__op_code code,
                               int fd) {
    ASSERT(!begin(probe, loop, code, fd));
    ASSERT(probe->op.pending);
}

/* Turns until the operation is done; the test's own time limit is what fails. */
static inline ssize_t finish(struct probe *probe) {
    while (probe->op.pending)
        ASSERT_OK(eddy_loop_run_once(probe->loop, INFINITY));
    ASSERT_INT_EQ(probe->done_count, 1);
    return probe->op.result;
}

static inline void assert_got(const struct probe *probe, const char *text) {
    ASSERT_INT_EQ(probe->op.result, strlen(text));
    ASSERT_MEM_EQ(probe->bytes, text, strlen(text));
}

static inline eddy_loop *real_loop(void) {
    return loop_of_clock(EDDY_CLOCK_MONOTONIC);
}

/* From its start to its end, whether it completes at once or later. */
static inline ssize_t perform(struct probe *probe, eddy_loop *loop, enum eddy__op_code code,
                              int fd) {
    return begin(probe, loop, code, fd) ? probe->op.result : finish(probe);
}

/* Receives what is known to come. */
static inline void receive(eddy_loop *loop, int fd, const char *text) {
    struct probe probe = {.trace = NULL};

    perform(&probe, loop, EDDY__OP_RECV, fd);
    assert_got(&probe, text);
}

static inline ssize_t receive_result(eddy_loop *loop, int fd) {
    struct probe probe = {.trace = NULL};

    return perform(&probe, loop, EDDY__OP_RECV, fd);
}

static inline void close_forgotten(eddy_loop *loop, int *fd) {
    eddy__op_forget(loop, *fd);
    eddy__os_close(TAKE_FD(*fd));
}

/* --- a server --------------------------------------------------------------------------------- */

static struct sockaddr_in server_address;

/* Listens on a free port of the loopback, which is server_address then. */
static inline int server_open(int backlog) {
    socklen_t size = sizeof(server_address);
    int fd = eddy__os_socket(AF_INET, SOCK_STREAM, 0);

    server_address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ASSERT_OK(eddy__os_bind(fd, (struct sockaddr *)&server_address, size));
    ASSERT_OK(eddy__os_listen(fd, backlog));
    ASSERT_OK(eddy__os_getsockname(fd, (struct sockaddr *)&server_address, &size));
    return fd;
}

static inline int tcp_socket(void) {
    int fd = eddy__os_socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_OK(fd);
    return fd;
}

static inline bool begin_connect(struct probe *probe, eddy_loop *loop, int fd) {
    *probe = (struct probe){.loop = loop};
    probe->op = (struct eddy__op){.done = probe_done, .code = EDDY__OP_CONNECT, .fd = fd};
    probe->op.address = (struct sockaddr *)&server_address;
    probe->op.address_size = sizeof(server_address);
    return eddy__op_submit(loop, &probe->op);
}

static inline ssize_t connect_result(eddy_loop *loop, int fd) {
    struct probe probe;
    return begin_connect(&probe, loop, fd) ? probe.op.result : finish(&probe);
}

/* Fills the server's queue, so that the next connect gets no answer. */
static inline void queue_fill(int clients[2]) {
    for (int i = 0; i < 2; i++) {
        clients[i] = tcp_socket();
        eddy__os_connect(clients[i], (struct sockaddr *)&server_address, sizeof(server_address));
    }
}

#endif
