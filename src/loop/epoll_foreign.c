/* SPDX-License-Identifier: MIT
 * epoll_foreign.c - operations on descriptors that their user owns, who closes them unheard.
 *
 * A descriptor that only they wait for is armed for one event, each time anew: the kernel says
 * -ENOENT if another file has the number meanwhile. Before an event is believed, and before an
 * operation joins others, the kernel is asked by an addition, which it has to refuse. So what comes
 * for one file is never given to who waited for another. */
#include "poller_epoll.h"

#include <errno.h>

#include "os.h"

/* Whoever waits is a task, which is woken and does not run here. */
void eddy__epoll_end_all(struct eddy__poller *poller, int fd, int result) {
    for (int direction = READING; direction < DIRECTIONS; direction++) {
        struct eddy__op *op = poller->descriptors[fd].queues[direction].first, *next;
        for (; op; op = next) {
            next = op->next;
            if (!op->is_foreign)
                continue;
            queue_remove(&poller->descriptors[fd].queues[direction], op);
            op->result = result;
            op->done(op);
        }
    }
}

/* False: another file has the number, and those that waited for the former have ended. */
bool eddy__epoll_verify(struct eddy__poller *poller, int fd) {
    struct epoll_descriptor *descriptor = &poller->descriptors[fd];
    struct epoll_event event = {.events = EPOLLONESHOT};
    int r;

    if (!(descriptor->armed & EPOLLONESHOT) || !eddy__epoll_waits_for(descriptor))
        return true;
    r = eddy__os_epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    if (r == -EEXIST)
        return true;
    if (r == 0)
        eddy__os_epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    descriptor->armed = 0;
    eddy__epoll_reset(descriptor);
    eddy__epoll_end_all(poller, fd, EDDY_ECLOSED);
    return false;
}

/* Readiness is not tried where the kernel is going to tell of it: it also knows what has none. */
static bool foreign_is_tried(const struct epoll_descriptor *descriptor, const struct eddy__op *op) {
    if (op->code == EDDY__OP_POLL)
        return descriptor->watch || descriptor->armed & EPOLLET;
    return !descriptor->queues[direction_of(op)].first;
}

/* One of the user's; or ours, where his have been. */
bool eddy__epoll_foreign_submit(struct eddy__poller *poller, struct eddy__op *op) {
    struct epoll_descriptor *descriptor = &poller->descriptors[op->fd];

    if (descriptor->queues[direction_of(op)].first && !eddy__epoll_verify(poller, op->fd))
        descriptor = &poller->descriptors[op->fd];
    if (foreign_is_tried(descriptor, op) && eddy__epoll_op_tried(poller, op, true))
        return true;
    if (!eddy__epoll_verify(poller, op->fd))
        descriptor = &poller->descriptors[op->fd];
    return eddy__epoll_op_waits(poller, descriptor, op);
}

/* All those that want to know. done() may submit again: that one is not asked. */
void eddy__epoll_tell(struct eddy__poller *poller, int fd, uint32_t events) {
    struct eddy__op *op = poller->descriptors[fd].queues[WAITING].first, *next;

    for (; op; op = next) {
        next = op->next;
        if (!op_events(op, events))
            continue;
        queue_remove(&poller->descriptors[fd].queues[WAITING], op);
        op->result = op_events(op, events);
        op->done(op);
    }
    if (poller->descriptors[fd].watch)
        eddy__epoll_arm(poller, fd, &poller->descriptors[fd]);
}

static void foreign_serve(struct eddy__poller *poller, int fd, int direction) {
    struct eddy__op *op;

    while ((op = poller->descriptors[fd].queues[direction].first) &&
           eddy__epoll_op_tried(poller, op, false)) {
        queue_remove(&poller->descriptors[fd].queues[direction], op);
        op->done(op);
    }
}

void eddy__epoll_foreign_event(struct eddy__poller *poller, int fd, uint32_t events) {
    uint32_t failed = events & (EPOLLERR | EPOLLHUP);
    int r;

    poller->descriptors[fd].armed = EPOLLONESHOT;
    if (!eddy__epoll_verify(poller, fd))
        return;
    eddy__epoll_tell(poller, fd, events);
    if (events & EPOLLIN || failed)
        foreign_serve(poller, fd, READING);
    if (events & EPOLLOUT || failed)
        foreign_serve(poller, fd, WRITING);
    r = eddy__epoll_arm(poller, fd, &poller->descriptors[fd]);
    if (r < 0)
        eddy__epoll_end_all(poller, fd, r);
}
