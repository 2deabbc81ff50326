/* SPDX-License-Identifier: MIT
 * multishot.h - what the tests of questions that are answered more than once share: a ring that
 * belongs to its thread, and what the kernel has of it. */
#ifndef TEST_LOOP_MULTISHOT_H
#define TEST_LOOP_MULTISHOT_H

#include "poller_uring.h"
#include "probe.h"
#include "refuse.h"

static inline eddy_loop *bound_loop(void) {
    eddy_loop *loop;
    eddy_loop_options options = {.backend = EDDY_BACKEND_IO_URING};

    ASSERT_OK(eddy__loop_new_bound(&options, &loop));
    return loop;
}

/* Questions that the kernel has not answered to the end. */
static inline int questions_of(const eddy_loop *loop) {
    return loop->poller->lent;
}

/* On the kernel that the tests run on. Without it what they say must hold all the same. */
static inline bool is_multishot(const eddy_loop *loop) {
    return loop->poller->uring.knows_multishot;
}

/* A kernel that does not say what it knows is taken for an old one. */
static inline eddy_loop *old_kernels_loop(void) {
    refuse_if(SYS_io_uring_register, 1, IORING_REGISTER_PROBE, EINVAL);
    return bound_loop();
}

/* Leaves no slot, not even for a cancel. */
static inline void slots_use_up(eddy_loop *loop) {
    struct io_uring_sqe *slot;

    while ((slot = eddy__uring_slot_of_cancel(&loop->poller->uring))) {
        io_uring_prep_nop(slot);
        io_uring_sqe_set_data64(slot, OF_NOBODY);
    }
}

/* An operation that is begun when there is no slot. */
struct late {
    eddy_loop *loop;
    int fd;
    enum eddy__op_code code;
    struct probe probe;
};

static inline void late_begin(void *arg) {
    struct late *late = arg;

    slots_use_up(late->loop);
    begin_later(&late->probe, late->loop, late->code, late->fd);
}

/* From here on the kernel takes nothing between two waits. */
static inline void begin_without_slots(struct late *late) {
    refuse_if(SYS_io_uring_enter, 3, 0, EAGAIN);
    eddy_call_soon(late->loop, late_begin, late);
    turn(late->loop);
    turn(late->loop);
}

#endif
