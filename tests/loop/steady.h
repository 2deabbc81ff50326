/* SPDX-License-Identifier: MIT
 * steady.h - connections that have gone on for so long that a multishot receives from them. */
#ifndef TEST_LOOP_STEADY_H
#define TEST_LOOP_STEADY_H

#include "multishot.h"

static inline const struct eddy__uring_receiver *receiver_of(const eddy_loop *loop, int fd) {
    return &loop->poller->descriptors[fd].receiver;
}

/* Does the kernel go on answering for it? */
static inline bool is_armed(const eddy_loop *loop, int fd) {
    return receiver_of(loop, fd)->multishot.is_armed;
}

/* Receives what comes, or has come, by lease. */
static inline void lease(eddy_loop *loop, int fd, const char *text) {
    struct probe probe = {.trace = NULL};

    ASSERT_INT_EQ(perform(&probe, loop, EDDY__OP_LEASE, fd), strlen(text));
    ASSERT_MEM_EQ(probe.op.buffer, text, strlen(text));
    eddy__lease_return(loop, probe.op.buffer);
}

static inline ssize_t lease_result(eddy_loop *loop, int fd) {
    struct probe probe = {.trace = NULL};
    ssize_t r = perform(&probe, loop, EDDY__OP_LEASE, fd);

    ASSERT((r > 0) == (probe.op.buffer != NULL));
    if (r > 0)
        eddy__lease_return(loop, probe.op.buffer);
    return r;
}

/* Talks for long enough, and leaves a receive by lease waiting in `probe`. */
static inline void begin_steady(struct probe *probe, eddy_loop *loop, const struct ends *ends) {
    for (int i = 0; i < STEADY_LEAST; i++) {
        put(ends->far, "steady");
        lease(loop, ends->near, "steady");
    }
    begin_later(probe, loop, EDDY__OP_LEASE, ends->near);
    turn(loop);
    ASSERT(is_armed(loop, ends->near) == is_multishot(loop));
}

static inline void finish_lease(struct probe *probe, const char *text) {
    ASSERT_INT_EQ(finish(probe), strlen(text));
    ASSERT_MEM_EQ(probe->op.buffer, text, strlen(text));
    eddy__lease_return(probe->loop, probe->op.buffer);
}

/* The same, and nobody waits any more. */
static inline void become_steady(eddy_loop *loop, const struct ends *ends) {
    struct probe probe = {.trace = NULL};

    begin_steady(&probe, loop, ends);
    put(ends->far, "steady");
    finish_lease(&probe, "steady");
}

#endif
