/* SPDX-License-Identifier: MIT
 * poller_uring.c - completions by io_uring: an operation is the kernel's until it answers.
 *
 * Nothing is tried first. What a turn asks for goes to the kernel together with the wait, so that
 * fifty sends are one call. Of the operations on one direction of a descriptor the kernel has the
 * oldest only: it would wake the others in an order of its own.
 *
 * Read next: poller_uring.h, uring.c, uring_watch.c, docs/internals/uring.md. */
#include "poller_uring.h"

#include <assert.h>
#include <errno.h>

#include "fd_table.h"
#include "log.h"
#include "loop.h"
#include "memory.h"
#include "os.h"
#include "util.h"

#define CLOSE_PATIENCE_NS (10 * NS_PER_SECOND)
#define IDLE_NS           (100 * NS_PER_MS) /* without an answer: time to free what was not needed */

_Static_assert(sizeof(struct uring_descriptor) <= 64, "ten thousand of them share the cache");

/* --- the table -------------------------------------------------------------------------------- */

/* The entry of a descriptor, or NULL: no memory, or no such descriptor. Entries move when a higher
 * descriptor comes. */
static struct uring_descriptor *descriptor_at(struct eddy__poller *poller, int fd) {
    struct uring_descriptor *descriptors;

    if (likely(fd < poller->capacity))
        return &poller->descriptors[fd];
    descriptors =
        eddy__fd_table_grow(poller->descriptors, &poller->capacity, sizeof(*descriptors), fd);
    if (!descriptors)
        return NULL;
    poller->descriptors = descriptors;
    return &descriptors[fd];
}

/* --- asking the kernel ------------------------------------------------------------------------ */

/* True: a multishot answers it. */
static bool op_begin(struct eddy__poller *poller, const struct eddy__op *op) {
    if (direction_of(op) == WRITING)
        return false;
    return op->code == EDDY__OP_ACCEPT ? eddy__uring_accept_begin(poller, op)
                                       : eddy__uring_receive_begin(poller, op);
}

/* True: what it asks for had come ahead, or is done without the ring. */
static bool op_take(struct eddy__poller *poller, struct eddy__op *op) {
    if (direction_of(op) == WRITING)
        return op->code == EDDY__OP_WRITE && eddy__uring_write_now(op);
    return op->code == EDDY__OP_ACCEPT ? eddy__uring_accept_take(poller, op)
                                       : eddy__uring_receive_take(poller, op);
}

/* Without a slot it is started before the next wait. */
static void op_start(struct eddy__poller *poller, struct eddy__op *op) {
    struct io_uring_sqe *slot;

    if (op_begin(poller, op))
        return;
    slot = eddy__uring_slot(&poller->uring);
    if (unlikely(!slot)) {
        poller->is_starved = true;
        return;
    }
    if (op_leases(op))
        eddy__uring_receive_ready(poller, op);
    eddy__uring_op_fill(op, slot);
    if (op_receives(op))
        eddy__uring_receive_fill(poller, op, slot);
    io_uring_sqe_set_data64(slot, op_tag(op));
    op->is_lent = true;
    poller->lent++;
}

void eddy__uring_hand_over(struct eddy__poller *poller) {
    if (!poller->loop->running)
        eddy__uring_submit(&poller->uring);
}

void eddy__uring_finish_first(struct eddy__poller *poller, int fd, ssize_t result) {
    struct op_queue *queue = &poller->descriptors[fd].queues[READING];
    struct eddy__op *op = queue->first;

    queue_remove(queue, op);
    op->result = result;
    op->done(op);
}

void eddy__uring_start_first(struct eddy__poller *poller, int fd, int direction) {
    for (;;) {
        struct op_queue *queue = &poller->descriptors[fd].queues[direction];
        struct eddy__op *op = queue->first;

        if (!op || op->is_lent || poller->is_closing)
            return;
        if (!op_take(poller, op)) {
            op_start(poller, op);
            return;
        }
        queue_remove(queue, op);
        op->done(op);
    }
}

/* --- operations ------------------------------------------------------------------------------- */

static bool uring_submit(struct eddy__poller *poller, struct eddy__op *op) {
    struct uring_descriptor *descriptor = op->fd < 0 ? NULL : descriptor_at(poller, op->fd);
    struct op_queue *queue;

    assert(!op->pending);
    if (!descriptor || poller->is_closing) {
        op->result = op_refusal(op, poller->is_closing);
        return true;
    }
    if (eddy__uring_op_is_done_now(op))
        return true;
    op->is_lent = op->is_cancelled = op->is_polled = false;
    if (op_leases(op))
        op->buffer = NULL;
    queue = &descriptor->queues[direction_of(op)];
    if (!queue->first && op_take(poller, op))
        return true;
    queue_append(queue, op);
    if (queue->first == op)
        op_start(poller, op);
    eddy__uring_hand_over(poller);
    return false;
}

static void op_cancel(struct eddy__poller *poller, struct eddy__op *op) {
    op->is_cancelled = true;
    if (!eddy__uring_take_back(&poller->uring, op_tag(op)))
        poller->is_starved = true;
    eddy__uring_hand_over(poller);
}

/* What the kernel does not have is over at once, and what a multishot brings later is for the next.
 * Connections nobody has asked for should rather go to others. */
static void op_abandon(struct eddy__poller *poller, struct eddy__op *op) {
    struct op_queue *queue = &poller->descriptors[op->fd].queues[direction_of(op)];

    queue_remove(queue, op);
    if (op->code == EDDY__OP_ACCEPT && !queue->first)
        eddy__uring_accept_stop(poller, op->fd);
    op->result = -ECANCELED;
    op->done(op);
}

static void uring_cancel(struct eddy__poller *poller, struct eddy__op *op) {
    if (!op->pending || op->is_cancelled)
        return;
    if (op->is_lent)
        op_cancel(poller, op);
    else
        op_abandon(poller, op);
}

static int op_result(struct eddy__poller *poller, struct eddy__op *op,
                     const struct io_uring_cqe *answer) {
    if (op_receives(op))
        return eddy__uring_received(poller, op, answer);
    if (op_reads(op))
        return eddy__uring_read(poller, op, answer);
    return op->code == EDDY__OP_WRITE ? eddy__uring_written(op, answer->res) : answer->res;
}

static void op_answered(struct eddy__poller *poller, struct eddy__op *op,
                        const struct io_uring_cqe *answer) {
    int result = op_result(poller, op, answer);
    int fd = op->fd, direction = direction_of(op);
    bool was_polled = op->is_polled;

    poller->lent--;
    op->is_lent = false;
    if (unlikely(eddy__uring_op_goes_on(op, result))) {
        op_start(poller, op);
        return;
    }
    queue_remove(&poller->descriptors[fd].queues[direction], op);
    op->result = eddy__uring_op_result(poller, op, result, was_polled);
    op->done(op);
    eddy__uring_start_first(poller, fd, direction);
}

static bool multishot_answered(struct eddy__poller *poller, const struct io_uring_cqe *answer) {
    return eddy__multishot_accepts(answer->user_data)
               ? eddy__uring_accept_answered(poller, answer)
               : eddy__uring_receive_answered(poller, answer);
}

/* --- watches ---------------------------------------------------------------------------------- */

static void uring_flush(struct eddy__poller *poller);

static int uring_watch(struct eddy__poller *poller, struct eddy__watch *watch) {
    int r = eddy__uring_watches_add(&poller->watches, watch);

    if (r == 0 && poller->loop->has_host && !poller->loop->running)
        uring_flush(poller);
    return r;
}

static void uring_unwatch(struct eddy__poller *poller, struct eddy__watch *watch) {
    eddy__uring_watches_remove(&poller->watches, watch);
}

/* --- the poll --------------------------------------------------------------------------------- */

static void queue_feed(struct eddy__poller *poller, struct op_queue *queue) {
    struct eddy__op *op = queue->first;

    if (op && !op->is_lent)
        op_start(poller, op);
    else if (op && op->is_cancelled) /* once too often is harmless */
        op_cancel(poller, op);
}

static void descriptor_feed(struct eddy__poller *poller, int fd) {
    eddy__multishot_feed(poller, &poller->descriptors[fd].receiver.multishot, fd);
    for (int direction = READING; direction <= WRITING; direction++)
        queue_feed(poller, &poller->descriptors[fd].queues[direction]);
}

/* Finds what did not get a slot. */
static void poller_feed(struct eddy__poller *poller) {
    poller->is_starved = false;
    eddy__uring_accepts_feed(poller);
    for (int fd = 0; fd < poller->capacity && !poller->is_starved; fd++)
        descriptor_feed(poller, fd);
}

static void poller_ask(struct eddy__poller *poller) {
    eddy__uring_watches_ask(&poller->watches);
    if (poller->lease_ring.entries)
        eddy__lease_ring_fill(&poller->lease_ring, &poller->leases);
    if (unlikely(poller->is_starved))
        poller_feed(poller);
}

/* True: it was an event for somebody. */
static bool poller_answered(struct eddy__poller *poller, const struct io_uring_cqe *answer,
                            bool is_old) {
    switch (answer->user_data & OF_MASK) {
    case OF_OPERATION:
        op_answered(poller, (struct eddy__op *)(uintptr_t)answer->user_data, answer);
        return true;
    case OF_MULTISHOT:
        return multishot_answered(poller, answer);
    case OF_WATCH:
        return !poller->is_closing && eddy__uring_watches_answered(
                                          &poller->watches, answer->user_data, answer->res, is_old);
    default:
        return false;
    }
}

/* Those that are there now; what they lead to belongs to the next turn. The first `old` were there
 * before the wait. */
static int poller_take_answers(struct eddy__poller *poller, unsigned old) {
    unsigned there = eddy__uring_answers(&poller->uring);
    int count = 0;

    for (unsigned i = 0; i < there; i++) {
        struct io_uring_cqe answer = eddy__uring_take(&poller->uring);
        count += poller_answered(poller, &answer, i < old);
    }
    return count;
}

/* After a peak a poller that finds itself idle wakes a few times, until its memory is back. */
static void poller_wait(struct eddy__poller *poller, int64_t timeout_ns) {
    while (eddy__leases_are_many(&poller->leases) && timeout_ns > IDLE_NS) {
        eddy__uring_wait(&poller->uring, IDLE_NS);
        if (eddy__uring_answers(&poller->uring) > 0)
            return;
        eddy__lease_ring_trim(&poller->lease_ring, &poller->uring, &poller->leases);
        eddy__leases_trim(&poller->leases);
        poller_ask(poller);
        timeout_ns -= timeout_ns == NS_NEVER ? 0 : IDLE_NS;
    }
    eddy__uring_wait(&poller->uring, timeout_ns);
}

static int uring_poll(struct eddy__poller *poller, int64_t timeout_ns) {
    unsigned old = eddy__uring_answers(&poller->uring);

    poller_ask(poller);
    poller_wait(poller, timeout_ns);
    return poller_take_answers(poller, old);
}

static void uring_flush(struct eddy__poller *poller) {
    if (poller->loop->has_host)
        poller_ask(poller);
    eddy__uring_submit(&poller->uring);
}

/* --- life ------------------------------------------------------------------------------------- */

static int uring_fd_of(struct eddy__poller *poller) {
    return eddy__uring_host_fd(&poller->uring);
}

static int uring_message_fd(struct eddy__poller *poller) {
    return poller->uring.ring.ring_fd;
}

/* True: a multishot's end is still to be handed over. */
static bool descriptor_forget(struct eddy__poller *poller, int fd) {
    bool accepted = eddy__uring_accept_forget(poller, fd);

    return eddy__uring_receive_forget(poller, fd) || accepted;
}

/* At once: the file is about to be closed, and a multishot holds it open. */
static void uring_forget(struct eddy__poller *poller, int fd) {
    if (fd < 0 || fd >= poller->capacity)
        return;
    assert(!poller->descriptors[fd].queues[READING].first);
    assert(!poller->descriptors[fd].queues[WRITING].first);
    if (descriptor_forget(poller, fd))
        eddy__uring_flush(&poller->uring);
}

static bool uring_holds_input(const struct eddy__poller *poller, int fd) {
    return fd >= 0 && fd < poller->capacity && poller->descriptors[fd].receiver.first;
}

/* The last first: those end at once, the kernel has the first only. done() may move the table. */
static void queue_cancel(struct eddy__poller *poller, int fd, int direction) {
    struct op_queue *queue;

    while ((queue = &poller->descriptors[fd].queues[direction])->last && !queue->last->is_cancelled)
        uring_cancel(poller, queue->last);
}

/* Buffers are lent until the kernel has answered: nothing may be freed before. */
static void uring_cancel_all(struct eddy__poller *poller) {
    int64_t until_ns = eddy__os_now() + CLOSE_PATIENCE_NS;

    poller->is_closing = true;
    for (int fd = 0; fd < poller->capacity; fd++)
        for (int direction = READING; direction <= WRITING; direction++)
            queue_cancel(poller, fd, direction);
    for (int fd = 0; fd < poller->capacity; fd++)
        descriptor_forget(poller, fd);
    while (poller->lent > 0 && eddy__os_now() < until_ns) {
        if (poller->uring.knows_multishot)
            eddy__uring_take_back_all(&poller->uring);
        uring_poll(poller, NS_PER_SECOND);
    }
    if (poller->lent > 0)
        eddy__fatal("io_uring does not give back the memory of %d operations", poller->lent);
}

static int uring_open(eddy_loop *loop, struct eddy__poller **out) {
    struct eddy__poller *poller = eddy__zalloc(sizeof(*poller));
    int r;

    if (!poller)
        return -ENOMEM;
    poller->loop = loop;
    eddy__uring_watches_init(&poller->watches, &poller->uring);
    r = eddy__uring_open(&poller->uring, loop->is_bound);
    if (r < 0) {
        eddy__free(poller);
        return r;
    }
    *out = poller;
    return 0;
}

static void *uring_lease_take(struct eddy__poller *poller) {
    return eddy__lease_take(&poller->leases);
}

static void uring_lease_return(struct eddy__poller *poller, void *buffer) {
    eddy__lease_give(&poller->leases, buffer);
}

static void uring_close(struct eddy__poller *poller) {
    eddy__lease_ring_close(&poller->lease_ring, &poller->uring, &poller->leases);
    eddy__uring_close(&poller->uring);
    eddy__leases_deinit(&poller->leases);
    eddy__uring_watches_deinit(&poller->watches);
    eddy__uring_accepts_deinit(poller);
    eddy__free(poller->descriptors);
    eddy__free(poller);
}

const struct eddy__poller_class eddy__poller_uring = {
    .name = "io_uring",
    .batches = true,
    .open = uring_open,
    .cancel_all = uring_cancel_all,
    .close = uring_close,
    .submit = uring_submit,
    .cancel = uring_cancel,
    .forget = uring_forget,
    .holds_input = uring_holds_input,
    .lease_take = uring_lease_take,
    .lease_return = uring_lease_return,
    .watch = uring_watch,
    .unwatch = uring_unwatch,
    .poll = uring_poll,
    .flush = uring_flush,
    .fd = uring_fd_of,
    .message_fd = uring_message_fd,
    .send = eddy__uring_send,
};
