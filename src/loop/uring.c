/* SPDX-License-Identifier: MIT
 * uring.c - a ring shared with the kernel, by way of liburing. */
#include "uring.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "os.h"
#include "util.h"

/* Without these it is not worth while: a wait with a time-out (Linux 5.11), no answer lost, and
 * sockets that are waited for without a thread. */
#define FEATURES_NEEDED (IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP | IORING_FEAT_FAST_POLL)

/* --- opening ---------------------------------------------------------------------------------- */

#define ONE_THREAD (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

/* From the best to what every kernel has. Task work that waits for the next call of the kernel
 * (deferred: Linux 6.1; cooperative: 5.19) saves interrupts, 10 % of an echo; the flag beside it
 * tells that there is some, so that a look that finds nothing is no call at all. */
static const unsigned ladder[] = {
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_TASKRUN_FLAG | ONE_THREAD,
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_COOP_TASKRUN,
    IORING_SETUP_SUBMIT_ALL,
    0,
};

static int ring_open(struct io_uring *ring, unsigned flags, unsigned smaller) {
    struct io_uring_params params = {
        .flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
        .cq_entries = URING_ANSWERS / smaller,
    };
    int r = io_uring_queue_init_params(URING_SLOTS / smaller, ring, &params);

    if (r < 0)
        return r;
    r = (params.features & FEATURES_NEEDED) == FEATURES_NEEDED ? 0 : -EINVAL;
    if (r == 0)
        r = io_uring_ring_dontfork(ring);
    if (r < 0)
        io_uring_queue_exit(ring);
    return r;
}

static int ring_open_best(struct io_uring *ring, bool one_thread, unsigned smaller) {
    int r = -EINVAL;

    for (size_t i = one_thread ? 0 : 1; i < ARRAY_SIZE(ladder) && r == -EINVAL; i++)
        r = ring_open(ring, ladder[i], smaller);
    return r;
}

/* What came with the flags that the ring was opened with. */
static bool ring_is_of_5_19(const struct io_uring *ring) {
    return ring->flags & (IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN);
}

/* Operations can be asked about, flags not: this one came with the multishot receive, Linux 6.0. */
static bool ring_is_of_6_0(struct io_uring *ring) {
    union {
        struct io_uring_probe head;
        char room[sizeof(struct io_uring_probe) + 256 * sizeof(struct io_uring_probe_op)];
    } about = {.room = {0}};

    return io_uring_register_probe(ring, &about.head, 256) == 0 &&
           io_uring_opcode_supported(&about.head, IORING_OP_SEND_ZC);
}

/* Some kernels (before 5.12) count rings against `ulimit -l`, which is small. */
int eddy__uring_open(struct eddy__uring *uring, bool one_thread) {
    int r = ring_open_best(&uring->ring, one_thread, 1);

    if (r == -ENOMEM)
        r = ring_open_best(&uring->ring, one_thread, URING_SMALLER);
    uring->host_fd = -1;
    uring->waits_first = r == 0 && ring_is_of_5_19(&uring->ring);
    uring->knows_multishot = uring->waits_first && ring_is_of_6_0(&uring->ring);
    return r;
}

void eddy__uring_close(struct eddy__uring *uring) {
    io_uring_queue_exit(&uring->ring);
    eddy__os_close(uring->host_fd);
}

/* --- asking ----------------------------------------------------------------------------------- */

static struct io_uring_sqe *slot_take(struct eddy__uring *uring, unsigned kept) {
    struct io_uring *ring = &uring->ring;

    if (unlikely(io_uring_sq_space_left(ring) <= kept)) {
        io_uring_submit(ring);
        if (io_uring_sq_space_left(ring) <= kept)
            return NULL;
    }
    return io_uring_get_sqe(ring);
}

struct io_uring_sqe *eddy__uring_slot(struct eddy__uring *uring) {
    return slot_take(uring, URING_SLOTS_OF_CANCEL);
}

struct io_uring_sqe *eddy__uring_slot_of_cancel(struct eddy__uring *uring) {
    return slot_take(uring, 0);
}

bool eddy__uring_take_back(struct eddy__uring *uring, uint64_t tag) {
    struct io_uring_sqe *slot = eddy__uring_slot_of_cancel(uring);

    if (unlikely(!slot))
        return false;
    io_uring_prep_cancel64(slot, tag, 0);
    io_uring_sqe_set_data64(slot, OF_NOBODY);
    return true;
}

void eddy__uring_take_back_all(struct eddy__uring *uring) {
    struct io_uring_sqe *slot = eddy__uring_slot_of_cancel(uring);

    if (unlikely(!slot))
        return;
    io_uring_prep_cancel64(slot, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    io_uring_sqe_set_data64(slot, OF_NOBODY);
}

/* --- entering the kernel ---------------------------------------------------------------------- */

void eddy__uring_submit(struct eddy__uring *uring) {
    if (io_uring_sq_ready(&uring->ring) > 0)
        io_uring_submit(&uring->ring);
}

/* Answers that the kernel still has to write down: deferred, or too many for the room there was. */
static bool ring_has_work(const struct io_uring *ring) {
    return IO_URING_READ_ONCE(*ring->sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

void eddy__uring_flush(struct eddy__uring *uring) {
    struct io_uring *ring = &uring->ring;

    if (io_uring_sq_ready(ring) > 0 || ring_has_work(ring))
        io_uring_submit_and_get_events(ring);
}

/* An interrupted wait is one without an answer; whatever else goes wrong, the next turn sees. */
void eddy__uring_wait(struct eddy__uring *uring, int64_t timeout_ns) {
    struct io_uring *ring = &uring->ring;
    struct __kernel_timespec timeout = {timeout_ns / NS_PER_SECOND, timeout_ns % NS_PER_SECOND};
    struct io_uring_cqe *first;

    if (unlikely(uring->host_fd >= 0))
        eddy__os_eventfd_read(uring->host_fd);
    if (timeout_ns == 0 || io_uring_cq_ready(ring) > 0)
        eddy__uring_flush(uring);
    else if (timeout_ns == NS_NEVER)
        io_uring_submit_and_wait(ring, 1);
    else
        io_uring_submit_and_wait_timeout(ring, &first, 1, &timeout, NULL);
}

/* Written to at first: the kernel tells only of what comes from now on. */
static int host_fd_open(struct eddy__uring *uring) {
    int fd = eddy__os_eventfd(), r;

    if (fd < 0)
        return fd;
    r = io_uring_register_eventfd(&uring->ring, fd);
    if (r < 0) {
        eddy__os_close(fd);
        return r;
    }
    eddy__os_eventfd_write(fd);
    return uring->host_fd = fd;
}

int eddy__uring_host_fd(struct eddy__uring *uring) {
    if (!(uring->ring.flags & IORING_SETUP_DEFER_TASKRUN))
        return uring->ring.ring_fd;
    return uring->host_fd >= 0 ? uring->host_fd : host_fd_open(uring);
}

/* --- messages --------------------------------------------------------------------------------- */

#define REGISTER_SEND_MSG_RING 31 /* IORING_REGISTER_SEND_MSG_RING, younger than some headers */

static bool is_refusal(int code) {
    return code == EINVAL || code == ENOSYS || code == EPERM || code == EACCES;
}

/* By a call of its own, not by a slot of the sender's ring: so the sender needs no ring, and knows
 * at once whether it has been sent. */
int eddy__uring_send(int ring_fd) {
    static atomic_bool is_refused; /* by this kernel, for good */
    struct io_uring_sqe message = {.opcode = IORING_OP_MSG_RING, .fd = ring_fd, .off = OF_NOBODY};
    int saved = errno, r = 0;

    if (atomic_load_explicit(&is_refused, memory_order_relaxed))
        return -ENOSYS;
    if (syscall(SYS_io_uring_register, -1, REGISTER_SEND_MSG_RING, &message, 1) < 0)
        r = -errno;
    if (unlikely(is_refusal(-r)))
        atomic_store_explicit(&is_refused, true, memory_order_relaxed);
    errno = saved;
    return r;
}
