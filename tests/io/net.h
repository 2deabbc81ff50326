/* SPDX-License-Identifier: MIT
 * net.h - what the tests of streams and servers share: a run that must leave nothing behind, and a
 * plain socket as the peer of a stream. */
#ifndef TEST_NET_H
#define TEST_NET_H

#include <stdlib.h>
#include <string.h>

#include <eddy.h>

#include "test.h"
#include "util.h"

/* Runs fn as the main task of a new loop (in virtual time: run_virtual) and returns its result.
 * Fails the test if there are more descriptors afterwards than before. */
int run(eddy_fn *fn);
int run_virtual(eddy_fn *fn);

/* How many there are now, and that there are no more than before: a look-up's thread lets go of the
 * loop a moment later. What eddy keeps for the process (SIGINT's) is there from the start. */
int count_descriptors(void);
void assert_descriptors(int before);

/* One test, whose body runs in a task. */
#define TASK_TEST_BY(runner, name)      \
    static int name##_task(void *arg);  \
    TEST(name) {                        \
        ASSERT_OK(runner(name##_task)); \
    }                                   \
    static int name##_task(void *arg __attribute__((unused)))
#define TASK_TEST(name)    TASK_TEST_BY(run, name)
#define VIRTUAL_TEST(name) TASK_TEST_BY(run_virtual, name)

/* A server on a free port of 127.0.0.1, and the port as text. */
eddy_server *server_start(eddy_connection_fn *fn, char port[8]);

/* A listening TCP socket on 127.0.0.1, blocking; its port as text. */
struct plain_listener {
    int fd;
    char port[8];
};
void plain_listen(struct plain_listener *listener, int backlog);
void plain_listen_on(struct plain_listener *listener, const char *host, int backlog);
void plain_close(int *fd);

/* A blocking socket, connected to it. */
int plain_connect(const char *host, const char *port);

/* False, with a line that says so: this machine has no IPv6. */
bool has_ipv6(void);

/* A listener whose queue is full: the kernel drops what comes, as a firewall does, and whoever
 * connects hears nothing. */
struct black_hole {
    struct plain_listener listener;
    int fillers[8];
};
void black_hole_open(struct black_hole *hole, const char *host);
void black_hole_close(struct black_hole *hole);

/* The number of the next descriptor. */
int next_descriptor(void);

/* A stream and, at its other end, a plain blocking socket. */
struct pair {
    eddy_stream *stream;
    int peer;
};
void pair_open(struct pair *pair, const eddy_connect_options *options);
void pair_close(struct pair *pair);

/* The peer's moves. None takes part in the loop: what they wait for must be there, or come from the
 * kernel. */
void peer_send(int fd, const char *text);
void peer_send_bytes(int fd, const void *data, size_t size);
void peer_reset(int *fd);
/* Reads to the end, at most `size` bytes; -1 for a reset. */
ssize_t peer_read_all(int fd, char *buffer, size_t size);
/* What is there now; -EAGAIN: nothing. */
ssize_t peer_read_now(int fd, void *buffer, size_t size);

/* Lets the others run, and the loop poll, a few times. */
void settle(void);

static inline void stream_closep(eddy_stream **stream) {
    *stream = eddy_stream_close(*stream);
}

#define ASSERT_SLICE_EQ(slice, text)                       \
    do {                                                   \
        ASSERT_UINT_EQ((slice).size, strlen(text));        \
        ASSERT_MEM_EQ((slice).data, (text), strlen(text)); \
    } while (0)

#endif
