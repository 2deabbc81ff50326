/* SPDX-License-Identifier: MIT
 * uring.h - a ring shared with the kernel: opened with what the kernel has, slots to ask in, the
 * wait.
 *
 * Asking is cheap and hands nothing over: the kernel sees what was asked when it is entered, once a
 * turn as a rule. Some slots are kept back for cancels, which must never fail for want of one. */
#ifndef EDDY__URING_H
#define EDDY__URING_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

/* A thousand connections that all have something to say fit: 64 KiB of answers, 32 of slots. */
#define URING_SLOTS           512
#define URING_ANSWERS         4096 /* more are kept by the kernel, dearly, until there is room */
#define URING_SLOTS_OF_CANCEL 32
#define URING_SMALLER         4 /* the ring when there is no memory for that: `ulimit -l` */

/* Whom an answer is for: the lowest bits of its tag. The rest is the operation's address; or the
 * descriptor and the number of the question that a watch or a multishot is. */
enum { OF_OPERATION, OF_WATCH, OF_NOBODY, OF_MULTISHOT, OF_MASK = 3 };

struct eddy__uring {
    struct io_uring ring;
    bool waits_first;     /* IORING_RECVSEND_POLL_FIRST is known (Linux 5.19) */
    bool knows_multishot; /* accepts (Linux 5.19) and receives (6.0) that are answered many times */
    int host_fd; /* the kernel's eventfd of a ring that does not wake who polls it; -1: not asked */
};

/* Opens the best ring that the kernel has. one_thread: no other thread will ever use it. Returns 0;
 * -ENOSYS, -EPERM, -EACCES: refused; -EINVAL: too old a kernel; -ENOMEM; -EMFILE. A forked child
 * does not have the ring's memory. */
int eddy__uring_open(struct eddy__uring *uring, bool one_thread);

/* The kernel has answered everything. */
void eddy__uring_close(struct eddy__uring *uring);

/* A slot to be filled in, or NULL: full, and the kernel takes nothing now. */
struct io_uring_sqe *eddy__uring_slot(struct eddy__uring *uring);
struct io_uring_sqe *eddy__uring_slot_of_cancel(struct eddy__uring *uring);

/* Asks for the end of what has this tag. Asked in order, it never meets a later question with the
 * same tag. False: no slot. */
bool eddy__uring_take_back(struct eddy__uring *uring, uint64_t tag);

/* Asks for the end of everything; Linux 5.19. */
void eddy__uring_take_back_all(struct eddy__uring *uring);

/* Hands over what was asked. */
void eddy__uring_submit(struct eddy__uring *uring);

/* The same, and sees to it that the answers there are can be taken; without a call of the kernel
 * if there is nothing to do. */
void eddy__uring_flush(struct eddy__uring *uring);

/* The same, and waits for an answer: at most timeout_ns (NS_NEVER: no limit). */
void eddy__uring_wait(struct eddy__uring *uring, int64_t timeout_ns);

/* Puts an answer OF_NOBODY into the ring with this descriptor, from any thread. Async-signal-safe;
 * keeps errno. Returns 0, or a negative code: it has no room, or the kernel cannot (Linux before
 * 6.13). */
int eddy__uring_send(int ring_fd);

/* Readable when a wait would find something, perhaps once too often. A ring of one thread is only
 * awake when that thread is in the kernel, so another descriptor stands for it. Returns -EMFILE and
 * the like. */
int eddy__uring_host_fd(struct eddy__uring *uring);

static inline unsigned eddy__uring_answers(const struct eddy__uring *uring) {
    return io_uring_cq_ready(&uring->ring);
}

/* Takes the oldest of the answers that there are. */
static inline struct io_uring_cqe eddy__uring_take(struct eddy__uring *uring) {
    struct io_uring *ring = &uring->ring;
    struct io_uring_cqe answer = ring->cq.cqes[*ring->cq.khead & ring->cq.ring_mask];

    io_uring_cq_advance(ring, 1);
    return answer;
}

#endif
