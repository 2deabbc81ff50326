/* SPDX-License-Identifier: MIT
 * poller_epoll.h - the poller on epoll from the inside.
 *
 * poller_epoll.c has the table of descriptors, trying and waiting, watches and the poll;
 * epoll_foreign.c the operations on descriptors that their user owns. */
#ifndef EDDY__POLLER_EPOLL_H
#define EDDY__POLLER_EPOLL_H

#include "lease.h"
#include "op_queue.h"
#include "poller.h"

struct epoll_descriptor {
    struct op_queue queues[DIRECTIONS];
    struct eddy__watch *watch;
    uint32_t armed; /* the events that the kernel knows, 0: not registered; EPOLLONESHOT alone: was,
                       and is to be armed again */
    bool ready[DIRECTIONS]; /* not drained: trying may succeed. WAITING: never */
    bool hung_up;           /* an end or error has come: no edge will follow, so always try */
    uint32_t generation;    /* of the file behind the number: events of a former one are stale */
};

struct eddy__poller {
    eddy_loop *loop;
    int epoll_fd;
    bool is_closing;
    struct epoll_descriptor *descriptors; /* by fd */
    int capacity;
    struct eddy__leases leases;
};

/* --- poller_epoll.c --------------------------------------------------------------------------- */

/* What the operations on a descriptor wait for. */
uint32_t eddy__epoll_waits_for(const struct epoll_descriptor *descriptor);

/* Tells the kernel what has changed. */
int eddy__epoll_arm(struct eddy__poller *poller, int fd, struct epoll_descriptor *descriptor);

/* Another file may stand behind the number from now on. */
void eddy__epoll_reset(struct epoll_descriptor *descriptor);

/* One try. True: the operation has ended. */
bool eddy__epoll_op_tried(struct eddy__poller *poller, struct eddy__op *op, bool first_time);

/* Has it wait with the others. True: it cannot, and has ended. */
bool eddy__epoll_op_waits(struct eddy__poller *poller, struct epoll_descriptor *descriptor,
                          struct eddy__op *op);

/* --- epoll_foreign.c -------------------------------------------------------------------------- *
 * All but the first may move the table. */

/* Submits an operation on a descriptor of the user's; or one of ours, where his have been. */
bool eddy__epoll_foreign_submit(struct eddy__poller *poller, struct eddy__op *op);

/* Is the number still that of the file that foreign operations wait for? Else they have ended. */
bool eddy__epoll_verify(struct eddy__poller *poller, int fd);

/* Something has come for a descriptor that only foreign operations wait for. */
void eddy__epoll_foreign_event(struct eddy__poller *poller, int fd, uint32_t events);

/* Tells all those that wait for such events. */
void eddy__epoll_tell(struct eddy__poller *poller, int fd, uint32_t events);

/* Ends all foreign ones with this result. */
void eddy__epoll_end_all(struct eddy__poller *poller, int fd, int result);

#endif
