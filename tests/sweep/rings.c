/* SPDX-License-Identifier: MIT
 * rings.c - the calls of liburing that eddy makes, and what it asks for in a ring, with the ways in
 * which they may fail.
 *
 * What is to fail is handed over as a question without effect (IORING_OP_NOP), and its answer then
 * becomes the failure. */
#include <errno.h>
#include <liburing.h>
#include <sys/socket.h>

#include "fault.h"
#include "uring.h"

#define WRAP(type, name, ...)        \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

int __real_shutdown(int fd, int how); /* see calls.c */

/* --- what is asked ---------------------------------------------------------------------------- */

static const struct fault *receive_fault(const struct io_uring_sqe *question) {
    if (question->flags & IOSQE_BUFFER_SELECT)
        return FAULT("RECV with a buffer of the ring", {EINTR, PASSES}, {EAGAIN, PASSES},
                     {ENOBUFS, PASSES}, {ECONNRESET, BREAKS}, {ENOMEM, FAILS});
    return FAULT("RECV", {EINTR, PASSES}, {EAGAIN, PASSES}, {0, IS_SHORT}, {ECONNRESET, BREAKS},
                 {ENOMEM, FAILS});
}

/* A watch is asked for again and again; an operation may end with its failure. */
static const struct fault *poll_fault(const struct io_uring_sqe *question) {
    if ((question->user_data & OF_MASK) == OF_WATCH)
        return FAULT("POLL_ADD of a watch", {EINTR, PASSES}, {EAGAIN, PASSES}, {ECANCELED, PASSES},
                     {ENOMEM, PASSES});
    return FAULT("POLL_ADD", {EINTR, PASSES}, {EAGAIN, PASSES}, {ENOMEM, FAILS});
}

/* A cancel is not among them: the kernel can always do it. */
static const struct fault *question_fault(const struct io_uring_sqe *question) {
    switch (question->opcode) {
    case IORING_OP_RECV:
        return receive_fault(question);
    case IORING_OP_SEND:
        return FAULT("SEND", {EINTR, PASSES}, {EAGAIN, PASSES}, {0, IS_SHORT}, {EPIPE, BREAKS},
                     {ECONNRESET, BREAKS}, {ENOMEM, FAILS});
    case IORING_OP_RECVMSG:
        return FAULT("RECVMSG", {EINTR, PASSES}, {EAGAIN, PASSES}, {ENOMEM, FAILS});
    case IORING_OP_SENDMSG:
        return FAULT("SENDMSG", {EINTR, PASSES}, {EAGAIN, PASSES}, {ENOBUFS, FAILS},
                     {ENOMEM, FAILS});
    case IORING_OP_ACCEPT:
        return FAULT("ACCEPT", {EINTR, PASSES}, {EAGAIN, PASSES}, {ECONNABORTED, PASSES},
                     {EMFILE, PASSES}, {ENOMEM, PASSES});
    case IORING_OP_CONNECT:
        return FAULT("CONNECT", {ECONNREFUSED, FAILS}, {ENETUNREACH, FAILS}, {ENOMEM, FAILS});
    case IORING_OP_POLL_ADD:
        return poll_fault(question);
    default:
        return NULL;
    }
}

struct injection {
    uint64_t tag;
    int code; /* 0: none */
};

static void question_fail(struct io_uring_sqe *question, const struct fault *fault,
                          struct injection *out) {
    uint64_t tag = question->user_data;

    if (fault->kind == IS_SHORT) {
        question->len = 1;
        return;
    }
    if (fault->kind == BREAKS)
        __real_shutdown(question->fd, SHUT_RDWR);
    *out = (struct injection){tag, fault->code};
    io_uring_prep_nop(question);
    question->flags = 0;
    question->user_data = tag;
}

/* What has not been handed over yet. */
static struct injection questions_meet(struct io_uring *ring) {
    struct injection injection = {0};

    for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++) {
        struct io_uring_sqe *question = &ring->sq.sqes[i & ring->sq.ring_mask];
        const struct fault *fault = question_fault(question);
        if (fault)
            question_fail(question, fault, &injection);
    }
    return injection;
}

static void answer_fail(struct io_uring *ring, struct injection injection) {
    unsigned head = *ring->cq.khead, tail = io_uring_smp_load_acquire(ring->cq.ktail);

    for (unsigned i = head; injection.code && i != tail; i++) {
        struct io_uring_cqe *answer = &ring->cq.cqes[i & ring->cq.ring_mask];
        if (answer->user_data == injection.tag && answer->res == 0)
            answer->res = -injection.code;
    }
}

/* --- entering the kernel ---------------------------------------------------------------------- */

static const struct fault *enter_fault(void) {
    return FAULT("io_uring_enter", {EINTR, PASSES}, {EAGAIN, PASSES}, {EBUSY, PASSES},
                 {ENOMEM, PASSES});
}

WRAP(int, io_uring_submit, struct io_uring *ring) {
    struct injection injection = questions_meet(ring);
    const struct fault *fault = enter_fault();
    int r = fault ? -fault->code : __real_io_uring_submit(ring);

    answer_fail(ring, injection);
    return r;
}

WRAP(int, io_uring_submit_and_get_events, struct io_uring *ring) {
    struct injection injection = questions_meet(ring);
    const struct fault *fault = enter_fault();
    int r = fault ? -fault->code : __real_io_uring_submit_and_get_events(ring);

    answer_fail(ring, injection);
    return r;
}

WRAP(int, io_uring_submit_and_wait, struct io_uring *ring, unsigned count) {
    struct injection injection = questions_meet(ring);
    const struct fault *fault = enter_fault();
    int r = fault ? -fault->code : __real_io_uring_submit_and_wait(ring, count);

    answer_fail(ring, injection);
    return r;
}

WRAP(int, io_uring_submit_and_wait_timeout, struct io_uring *ring, struct io_uring_cqe **first,
     unsigned count, struct __kernel_timespec *timeout, sigset_t *mask) {
    struct injection injection = questions_meet(ring);
    const struct fault *fault = enter_fault();
    int r = fault ? -fault->code
                  : __real_io_uring_submit_and_wait_timeout(ring, first, count, timeout, mask);

    answer_fail(ring, injection);
    return r;
}

/* --- opening ---------------------------------------------------------------------------------- */

WRAP(int, io_uring_queue_init_params, unsigned entries, struct io_uring *ring,
     struct io_uring_params *params) {
    const struct fault *fault =
        FAULT("io_uring_setup", {EMFILE, FAILS}, {ENFILE, FAILS}, {EPERM, FAILS}, {ENOSYS, FAILS},
              {EINVAL, PASSES}, {ENOMEM, PASSES});

    return fault ? -fault->code : __real_io_uring_queue_init_params(entries, ring, params);
}

WRAP(int, io_uring_ring_dontfork, struct io_uring *ring) {
    const struct fault *fault = FAULT("io_uring_ring_dontfork", {ENOMEM, FAILS});

    return fault ? -fault->code : __real_io_uring_ring_dontfork(ring);
}

WRAP(int, io_uring_register_buf_ring, struct io_uring *ring, struct io_uring_buf_reg *about,
     unsigned flags) {
    const struct fault *fault =
        FAULT("io_uring_register", {EINVAL, PASSES}, {ENOMEM, PASSES}, {EEXIST, PASSES});

    return fault ? -fault->code : __real_io_uring_register_buf_ring(ring, about, flags);
}

/* Linux before 6.6 cannot be asked so. */
WRAP(int, io_uring_register_sync_cancel, struct io_uring *ring,
     struct io_uring_sync_cancel_reg *what) {
    const struct fault *fault = FAULT("io_uring_register of a cancel", {EINVAL, PASSES});

    return fault ? -fault->code : __real_io_uring_register_sync_cancel(ring, what);
}
