/* SPDX-License-Identifier: MIT
 * uring_foreign.c - operations on descriptors that come and go without a word to us.
 *
 * Who reads behind somebody else must not wait for what never comes: if the first waits for a file
 * that has lost its number, it is an orphan and ends. The kernel knows: asked to take back what the
 * first waits for, but only if it is of the file that has the number now, it finds it or not. */
#include "uring_foreign.h"

#include <errno.h>

#include "fd_table.h"
#include "memory.h"
#include "os.h"
#include "poller_uring.h"
#include "util.h"

#ifndef IORING_ASYNC_CANCEL_USERDATA /* Linux 6.6 */
#define IORING_ASYNC_CANCEL_USERDATA (1U << 4)
#endif

struct uring_foreigner {
    struct op_queue queues[DIRECTIONS];
};

/* The entry of a descriptor, or NULL: no memory, or no such descriptor. Entries move when a higher
 * descriptor comes. */
static struct uring_foreigner *foreigner_at(struct eddy__uring_foreign *foreign, int fd) {
    struct uring_foreigner *descriptors;

    if (fd < 0 || fd < foreign->capacity)
        return fd < 0 ? NULL : &foreign->descriptors[fd];
    descriptors =
        eddy__fd_table_grow(foreign->descriptors, &foreign->capacity, sizeof(*descriptors), fd);
    if (!descriptors)
        return NULL;
    foreign->descriptors = descriptors;
    return &descriptors[fd];
}

static struct op_queue *queue_of(struct eddy__poller *poller, const struct eddy__op *op) {
    struct eddy__uring_foreign *foreign = &poller->foreign;

    return op->is_orphan ? &foreign->orphans
                         : &foreign->descriptors[op->fd].queues[direction_of(op)];
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Without a slot it is started before the next wait. */
static void foreign_start(struct eddy__poller *poller, struct eddy__op *op) {
    struct io_uring_sqe *slot = eddy__uring_slot(&poller->uring);

    if (unlikely(!slot)) {
        poller->is_starved = true;
        return;
    }
    eddy__uring_op_fill(op, slot);
    io_uring_sqe_set_data64(slot, op_tag(op));
    op->is_lent = true;
    poller->lent++;
}

static void foreign_take_back(struct eddy__poller *poller, struct eddy__op *op) {
    op->is_cancelled = true;
    if (!eddy__uring_take_back(&poller->uring, op_tag(op)))
        poller->is_starved = true;
}

static void foreign_finish(struct eddy__poller *poller, struct eddy__op *op, ssize_t result) {
    queue_remove(queue_of(poller, op), op);
    op->result = result;
    op->done(op);
}

/* --- whose number it is ----------------------------------------------------------------------- */

static int take_back_now(struct eddy__poller *poller, struct io_uring_sync_cancel_reg *what) {
    what->timeout = (struct __kernel_timespec){0};
    return io_uring_register_sync_cancel(&poller->uring.ring, what);
}

/* Does the kernel's operation wait for the file that has this number now? Taken back, it is started
 * again when that is answered, and keeps its place. What cannot be found at all is over: its answer
 * is on its way. Older kernels do not say: then nobody is an orphan. */
static bool is_of_this_file(struct eddy__poller *poller, struct eddy__op *op) {
    struct io_uring_sync_cancel_reg of_file = {
        .addr = op_tag(op),
        .fd = op->fd,
        .flags = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_USERDATA,
    };
    struct io_uring_sync_cancel_reg of_any = {.addr = op_tag(op), .fd = -1};

    if (!op->is_lent || op->is_cancelled)
        return true;
    eddy__uring_submit(&poller->uring);
    if (take_back_now(poller, &of_file) != -ENOENT)
        return true;
    return take_back_now(poller, &of_any) == -ENOENT;
}

/* Those that wait in this direction wait for a file that has lost its number. The first has been
 * taken back. */
static void foreign_orphan(struct eddy__poller *poller, struct op_queue *queue) {
    struct eddy__op *op = queue->first;

    queue_remove(queue, op);
    op->is_cancelled = op->is_ended = op->is_orphan = true;
    queue_append(&poller->foreign.orphans, op);
    while (queue->first)
        foreign_finish(poller, queue->first, EDDY_ECLOSED);
}

/* --- operations ------------------------------------------------------------------------------- */

static ssize_t send_now(const struct eddy__op *op) {
    ssize_t r;

    do {
        r = op->code == EDDY__OP_SEND
                ? eddy__os_send(op->fd, op->buffer, op->size, op->flags | MSG_DONTWAIT)
                : eddy__os_sendmsg(op->fd, op->message, op->flags | MSG_DONTWAIT);
    } while (r == -EINTR);
    return r;
}

/* There is room, mostly, and then a call is cheaper than an answer. A Unix datagram must not be the
 * ring's to try again: it would send an empty one, as its first try has used the message up (Linux
 * 6.18 still). That is -EAGAIN, the caller's to try again. True: it has ended. */
static bool send_is_over(struct eddy__op *op) {
    op->result = send_now(op);
    return op->result != -EAGAIN || eddy__os_is_unix_datagram(op->fd);
}

/* True: it has ended, refused or done without the ring. */
static bool foreign_is_over(struct eddy__op *op, const struct op_queue *queue) {
    int r = op->code == EDDY__OP_POLL ? eddy__uring_can_watch(op->fd) : 0;

    if (r < 0) {
        op->result = r;
        return true;
    }
    if ((op->code == EDDY__OP_SEND || op->code == EDDY__OP_SENDMSG) && !queue->first)
        return send_is_over(op);
    return eddy__uring_op_is_done_now(op);
}

bool eddy__uring_foreign_submit(struct eddy__poller *poller, struct eddy__op *op) {
    struct uring_foreigner *foreigner = foreigner_at(&poller->foreign, op->fd);
    struct op_queue *queue;

    if (!foreigner || poller->is_closing) {
        op->result = op_refusal(op, poller->is_closing);
        return true;
    }
    queue = &foreigner->queues[direction_of(op)];
    if (foreign_is_over(op, queue))
        return true;
    op->is_lent = op->is_cancelled = op->is_polled = op->is_ended = op->is_orphan = false;
    if (direction_of(op) != WAITING && queue->first && !is_of_this_file(poller, queue->first))
        foreign_orphan(poller, queue);
    queue_append(queue, op);
    if (direction_of(op) == WAITING || queue->first == op)
        foreign_start(poller, op);
    eddy__uring_hand_over(poller);
    return false;
}

void eddy__uring_foreign_cancel(struct eddy__poller *poller, struct eddy__op *op) {
    if (!op->pending || op->is_cancelled)
        return;
    if (!op->is_lent) {
        foreign_finish(poller, op, -ECANCELED);
        return;
    }
    foreign_take_back(poller, op);
    eddy__uring_hand_over(poller);
}

static ssize_t foreign_result(const struct eddy__poller *poller, const struct eddy__op *op,
                              int result, bool was_polled) {
    ssize_t r = eddy__uring_op_result(poller, op, result, was_polled);

    return r == -ECANCELED && op->is_ended ? EDDY_ECLOSED : r;
}

void eddy__uring_foreign_answered(struct eddy__poller *poller, struct eddy__op *op,
                                  const struct io_uring_cqe *answer) {
    struct op_queue *queue;
    bool was_polled = op->is_polled, was_orphan = op->is_orphan;
    int fd = op->fd, direction = direction_of(op);

    poller->lent--;
    op->is_lent = false;
    if (eddy__uring_op_goes_on(op, answer->res)) {
        foreign_start(poller, op);
        return;
    }
    foreign_finish(poller, op, foreign_result(poller, op, answer->res, was_polled));
    queue = &poller->foreign.descriptors[fd].queues[direction];
    if (!was_orphan && direction != WAITING && queue->first && !queue->first->is_lent)
        foreign_start(poller, queue->first);
}

/* Those the kernel does not have end at once. True: others were asked for back. */
static bool queue_end(struct eddy__poller *poller, struct op_queue *queue) {
    struct eddy__op *op, *next;
    bool was_lent = false;

    for (op = queue->first; op; op = next) {
        next = op->next;
        if (!op->is_lent) {
            foreign_finish(poller, op, EDDY_ECLOSED);
            continue;
        }
        op->is_ended = was_lent = true;
        if (!op->is_cancelled)
            foreign_take_back(poller, op);
    }
    return was_lent;
}

/* The kernel hears of it at once: what it has holds the file open. */
void eddy__uring_foreign_end_all(struct eddy__poller *poller, int fd) {
    bool was_lent = false;

    if (fd < 0 || fd >= poller->foreign.capacity)
        return;
    for (int direction = READING; direction < DIRECTIONS; direction++)
        was_lent |= queue_end(poller, &poller->foreign.descriptors[fd].queues[direction]);
    if (was_lent)
        eddy__uring_flush(&poller->uring);
}

/* --- all of them ------------------------------------------------------------------------------ */

static void queue_feed(struct eddy__poller *poller, struct op_queue *queue, bool all) {
    for (struct eddy__op *op = queue->first; op; op = all ? op->next : NULL)
        if (!op->is_lent)
            foreign_start(poller, op);
        else if (op->is_cancelled) /* once too often is harmless */
            foreign_take_back(poller, op);
}

void eddy__uring_foreign_feed(struct eddy__poller *poller) {
    struct eddy__uring_foreign *foreign = &poller->foreign;

    for (int fd = 0; fd < foreign->capacity && !poller->is_starved; fd++)
        for (int direction = READING; direction < DIRECTIONS; direction++)
            queue_feed(poller, &foreign->descriptors[fd].queues[direction], direction == WAITING);
    queue_feed(poller, &foreign->orphans, true);
}

/* Those the kernel does not have end at once. */
static void queue_cancel(struct eddy__poller *poller, struct op_queue *queue) {
    struct eddy__op *op, *next;

    for (op = queue->first; op; op = next) {
        next = op->next;
        eddy__uring_foreign_cancel(poller, op);
    }
}

void eddy__uring_foreign_cancel_all(struct eddy__poller *poller) {
    for (int fd = 0; fd < poller->foreign.capacity; fd++)
        for (int direction = READING; direction < DIRECTIONS; direction++)
            queue_cancel(poller, &poller->foreign.descriptors[fd].queues[direction]);
}

void eddy__uring_foreign_deinit(struct eddy__poller *poller) {
    eddy__free(TAKE_POINTER(poller->foreign.descriptors));
}
