/* SPDX-License-Identifier: MIT
 * poller_epoll.c - completions emulated on epoll.
 *
 * A descriptor that operations use is registered once, edge-triggered, for both directions, and
 * stays so until it is forgotten. Beside it we remember whether it was drained: a receive on a
 * socket known to be empty costs 8 to 28 % of an echo. A watched descriptor belongs to somebody
 * else (libcurl, the user), who may leave data in it: it is level-triggered, and a change
 * is applied at once, before its owner can close the file. */
#include "poller.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>

#include "fd_table.h"
#include "lease.h"
#include "loop.h"
#include "memory.h"
#include "op_queue.h"
#include "os.h"
#include "util.h"

/* Each event of a poll may take a lease, and all of them are out until their tasks have run: more
 * are more memory than a cache holds. */
#define EVENTS_MAX 32
#define IDLE_NS    (100 * NS_PER_MS) /* without an event: time to free what was not needed */

struct descriptor {
    struct op_queue queues[2];
    struct eddy__watch *watch;
    uint32_t armed;      /* the events that the kernel knows, 0: not registered */
    bool ready[2];       /* not drained: trying may succeed */
    bool hung_up;        /* an end or error has come: no edge will follow, so always try */
    uint32_t generation; /* of the file behind the number: events of a former one are stale */
};

struct eddy__poller {
    eddy_loop *loop;
    int epoll_fd;
    bool is_closing;
    struct descriptor *descriptors; /* by fd */
    int capacity;
    struct eddy__leases leases;
};

/* --- the table -------------------------------------------------------------------------------- */

/* The entry of a descriptor, or NULL: no memory, or no such descriptor. Entries move when a higher
 * descriptor comes. */
static struct descriptor *descriptor_at(struct eddy__poller *poller, int fd) {
    struct descriptor *descriptors;

    if (likely(fd < poller->capacity))
        return &poller->descriptors[fd];
    descriptors =
        eddy__fd_table_grow(poller->descriptors, &poller->capacity, sizeof(*descriptors), fd);
    if (!descriptors)
        return NULL;
    poller->descriptors = descriptors;
    return &descriptors[fd];
}

/* What the kernel should tell about a descriptor. */
static uint32_t descriptor_wants(const struct descriptor *descriptor) {
    bool reads = descriptor->queues[READING].first, writes = descriptor->queues[WRITING].first;

    if (descriptor->watch) /* operations beside a watch have to live with level triggering */
        return descriptor->watch->events | (reads ? EPOLLIN : 0) | (writes ? EPOLLOUT : 0);
    if (reads || writes || descriptor->armed & EPOLLET)
        return EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    return 0;
}

/* Tells the kernel what has changed. Its idea of the descriptor may be out of date, as closing
 * removes silently. */
static int descriptor_arm(struct eddy__poller *poller, int fd, struct descriptor *descriptor) {
    uint32_t wants = descriptor_wants(descriptor);
    struct epoll_event event = {.events = wants,
                                .data.u64 = (uint64_t)descriptor->generation << 32 | (uint32_t)fd};
    int r;

    if (wants == descriptor->armed)
        return 0;
    if (wants == 0)
        r = eddy__os_epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    else if (descriptor->armed == 0)
        r = eddy__os_epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    else
        r = eddy__os_epoll_ctl(poller->epoll_fd, EPOLL_CTL_MOD, fd, &event);

    if (r == -ENOENT && wants)
        r = eddy__os_epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    else if (r == -EEXIST)
        r = eddy__os_epoll_ctl(poller->epoll_fd, EPOLL_CTL_MOD, fd, &event);
    else if (wants == 0)
        r = 0; /* ENOENT, EBADF: it was closed, and is gone */

    descriptor->armed = r < 0 ? 0 : wants;
    return r;
}

/* --- operations ------------------------------------------------------------------------------ */

/* One try. */
static ssize_t op_try(struct eddy__poller *poller, struct eddy__op *op, bool first_time) {
    switch (op->code) {
    case EDDY__OP_RECV:
        return eddy__os_recv(op->fd, op->buffer, op->size, 0);
    case EDDY__OP_LEASE:
        op->size = LEASE_BYTES;
        return eddy__lease_receive(&poller->leases, op->fd, &op->buffer);
    case EDDY__OP_READ:
        return eddy__os_read(op->fd, op->buffer, op->size);
    case EDDY__OP_LEASE_READ:
        return eddy__lease_read(&poller->leases, op->fd, &op->buffer);
    case EDDY__OP_WRITE:
        return eddy__os_write(op->fd, op->buffer, op->size);
    case EDDY__OP_SEND:
        return eddy__os_send(op->fd, op->buffer, op->size, 0);
    case EDDY__OP_ACCEPT:
        return eddy__os_accept(op->fd);
    case EDDY__OP_CONNECT:
        return first_time ? eddy__os_connect(op->fd, op->address, op->address_size)
                          : eddy__os_socket_error(op->fd);
    case EDDY__OP_READABLE: /* somebody else reads: what we remember may be out of date */
        return eddy__os_is_ready(op->fd, POLLIN) ? 0 : -EAGAIN;
    default:
        return eddy__os_is_ready(op->fd, POLLOUT) ? 0 : -EAGAIN;
    }
}

/* Not now. A connect that is under way says EINPROGRESS; its EAGAIN is final (a Unix socket's queue
 * is full, and no event follows). */
static bool op_must_wait(const struct eddy__op *op, ssize_t r) {
    return r == (op->code == EDDY__OP_CONNECT ? -EINPROGRESS : -EAGAIN);
}

/* One try, and what it teaches about the descriptor. */
static bool op_completes(struct eddy__poller *poller, struct descriptor *descriptor,
                         struct eddy__op *op, bool first_time) {
    int direction = direction_of(op);
    ssize_t r;

    do {
        r = op_try(poller, op, first_time);
    } while (r == -EINTR);

    if (op_must_wait(op, r)) {
        descriptor->ready[direction] = false;
        return false;
    }
    if (op_receives(op) && r > 0 && (size_t)r < op->size && !descriptor->hung_up)
        descriptor->ready[READING] = false; /* drained: the next bytes make a new edge */
    op->result = r;
    return true;
}

/* What is known to be drained is not tried; of a descriptor that we meet for the first time nothing
 * is known. */
static bool op_is_worth_trying(const struct descriptor *descriptor, const struct eddy__op *op) {
    return descriptor->ready[direction_of(op)] || op->code == EDDY__OP_CONNECT ||
           descriptor->armed == 0;
}

static bool epoll_submit(struct eddy__poller *poller, struct eddy__op *op) {
    struct descriptor *descriptor = op->fd < 0 ? NULL : descriptor_at(poller, op->fd);
    int direction = direction_of(op), r;

    assert(!op->pending);
    if (!descriptor || poller->is_closing) {
        op->result = op_refusal(op, poller->is_closing);
        return true;
    }
    if (!descriptor->queues[direction].first && op_is_worth_trying(descriptor, op) &&
        op_completes(poller, descriptor, op, true))
        return true;

    queue_append(&descriptor->queues[direction], op);
    if (likely(descriptor->armed & EPOLLET))
        return false; /* it is told of everything already */
    r = descriptor_arm(poller, op->fd, descriptor);
    if (r < 0) {
        queue_remove(&descriptor->queues[direction], op);
        op->result = r;
        return true;
    }
    return false;
}

static void epoll_cancel(struct eddy__poller *poller, struct eddy__op *op) {
    if (!op->pending)
        return;
    queue_remove(&poller->descriptors[op->fd].queues[direction_of(op)], op);
    descriptor_arm(poller, op->fd, &poller->descriptors[op->fd]);
    op->result = -ECANCELED;
    op->done(op);
}

static void epoll_cancel_all(struct eddy__poller *poller) {
    poller->is_closing = true;
    for (int fd = 0; fd < poller->capacity; fd++)
        for (int direction = READING; direction <= WRITING; direction++)
            while (poller->descriptors[fd].queues[direction].first)
                epoll_cancel(poller, poller->descriptors[fd].queues[direction].first);
}

/* Another file may stand behind the number from now on. */
static void descriptor_reset(struct descriptor *descriptor) {
    descriptor->generation++;
    descriptor->ready[READING] = descriptor->ready[WRITING] = false;
    descriptor->hung_up = false;
}

/* Closing takes the descriptor out of the epoll set by itself. */
static void epoll_forget(struct eddy__poller *poller, int fd) {
    struct descriptor *descriptor;

    if (fd < 0 || fd >= poller->capacity)
        return;
    descriptor = &poller->descriptors[fd];
    assert(!descriptor->queues[READING].first && !descriptor->queues[WRITING].first);
    descriptor->armed = 0;
    descriptor_reset(descriptor);
}

/* Nothing is received before somebody asks. */
static bool epoll_holds_input(const struct eddy__poller *poller, int fd) {
    (void)poller, (void)fd;
    return false;
}

static void *epoll_lease_take(struct eddy__poller *poller) {
    return eddy__lease_take(&poller->leases);
}

static void epoll_lease_return(struct eddy__poller *poller, void *buffer) {
    eddy__lease_give(&poller->leases, buffer);
}

/* Completes what can be, oldest first; done() may submit again and move the table. */
static void descriptor_serve(struct eddy__poller *poller, int fd, int direction) {
    for (;;) {
        struct descriptor *descriptor = &poller->descriptors[fd];
        struct eddy__op *op = descriptor->queues[direction].first;

        if (!op || !descriptor->ready[direction] || !op_completes(poller, descriptor, op, false))
            return;
        queue_remove(&descriptor->queues[direction], op);
        if (descriptor->watch) /* level-triggered: it would be told again and again */
            descriptor_arm(poller, fd, descriptor);
        op->done(op);
    }
}

/* --- watches --------------------------------------------------------------------------------- */

static int epoll_watch(struct eddy__poller *poller, struct eddy__watch *watch) {
    struct descriptor *descriptor = watch->fd < 0 ? NULL : descriptor_at(poller, watch->fd);
    int r;

    if (!descriptor)
        return eddy__os_is_open(watch->fd) ? -ENOMEM : -EBADF;
    if (descriptor->watch && descriptor->watch != watch)
        return -EEXIST;

    descriptor->watch = watch;
    r = descriptor_arm(poller, watch->fd, descriptor);
    if (r < 0)
        descriptor->watch = NULL;
    return r;
}

static void epoll_unwatch(struct eddy__poller *poller, struct eddy__watch *watch) {
    struct descriptor *descriptor = &poller->descriptors[watch->fd];

    if (descriptor->watch != watch)
        return;
    descriptor->watch = NULL;
    if (!descriptor->queues[READING].first && !descriptor->queues[WRITING].first)
        descriptor_reset(descriptor);
    descriptor_arm(poller, watch->fd, descriptor);
}

/* --- the poll -------------------------------------------------------------------------------- */

/* The descriptor that an event is for; NULL when a callback has closed that file meanwhile. */
static struct descriptor *event_descriptor(struct eddy__poller *poller,
                                           const struct epoll_event *event) {
    struct descriptor *descriptor = &poller->descriptors[(uint32_t)event->data.u64];

    return descriptor->generation == event->data.u64 >> 32 ? descriptor : NULL;
}

/* Each step may run callbacks, after which the descriptor is looked up again. */
static void descriptor_event(struct eddy__poller *poller, const struct epoll_event *event) {
    int fd = (int)(uint32_t)event->data.u64;
    uint32_t events = event->events, failed = events & (EPOLLERR | EPOLLHUP);
    struct descriptor *descriptor = event_descriptor(poller, event);

    if (descriptor && (events & EPOLLRDHUP || failed))
        descriptor->hung_up = true;
    if (descriptor && (events & (EPOLLIN | EPOLLRDHUP) || failed)) {
        descriptor->ready[READING] = true;
        descriptor_serve(poller, fd, READING);
        descriptor = event_descriptor(poller, event);
    }
    if (descriptor && (events & EPOLLOUT || failed)) {
        descriptor->ready[WRITING] = true;
        if (descriptor->queues[WRITING].first) {
            descriptor_serve(poller, fd, WRITING);
            descriptor = event_descriptor(poller, event);
        }
    }
    if (descriptor && descriptor->watch && (events & descriptor->watch->events || failed))
        descriptor->watch->ready(descriptor->watch, events);
}

/* After a peak a poller that finds itself idle wakes a few times, until its memory is back. */
static int epoll_wait_trimming(struct eddy__poller *poller, struct epoll_event *events,
                               int64_t timeout_ns) {
    while (eddy__leases_are_many(&poller->leases) && timeout_ns > IDLE_NS) {
        int count = eddy__os_epoll_wait(poller->epoll_fd, events, EVENTS_MAX, IDLE_NS);
        if (count != 0)
            return count;
        eddy__leases_trim(&poller->leases);
        timeout_ns -= timeout_ns == NS_NEVER ? 0 : IDLE_NS;
    }
    return eddy__os_epoll_wait(poller->epoll_fd, events, EVENTS_MAX, timeout_ns);
}

static int epoll_poll(struct eddy__poller *poller, int64_t timeout_ns) {
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait_trimming(poller, events, timeout_ns);

    for (int i = 0; i < count; i++)
        descriptor_event(poller, &events[i]);
    return count;
}

static int epoll_fd_of(struct eddy__poller *poller) {
    return poller->epoll_fd;
}

/* The kernel knows everything at once. */
static void epoll_flush(struct eddy__poller *poller) {
    (void)poller;
}

static int epoll_open(eddy_loop *loop, struct eddy__poller **out) {
    struct eddy__poller *poller = eddy__zalloc(sizeof(*poller));

    if (!poller)
        return -ENOMEM;
    poller->loop = loop;
    poller->epoll_fd = eddy__os_epoll_create();
    if (poller->epoll_fd < 0) {
        int r = poller->epoll_fd;
        eddy__free(poller);
        return r;
    }
    *out = poller;
    return 0;
}

static void epoll_close(struct eddy__poller *poller) {
    eddy__os_close(poller->epoll_fd);
    eddy__leases_deinit(&poller->leases);
    eddy__free(poller->descriptors);
    eddy__free(poller);
}

const struct eddy__poller_class eddy__poller_epoll = {
    .name = "epoll",
    .open = epoll_open,
    .cancel_all = epoll_cancel_all,
    .close = epoll_close,
    .submit = epoll_submit,
    .cancel = epoll_cancel,
    .forget = epoll_forget,
    .holds_input = epoll_holds_input,
    .lease_take = epoll_lease_take,
    .lease_return = epoll_lease_return,
    .watch = epoll_watch,
    .unwatch = epoll_unwatch,
    .poll = epoll_poll,
    .fd = epoll_fd_of,
    .flush = epoll_flush,
};
