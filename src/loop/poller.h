/* SPDX-License-Identifier: MIT
 * poller.h - where a loop waits: io_uring or epoll, as equals.
 *
 * The interface has the shape of completions, because a completion can be emulated on readiness at
 * no cost, and the reverse throws away what io_uring is for. A poller takes operations (op.h) and
 * watches, and reports both only from inside poll(), apart from operations that complete as they
 * are submitted or cancelled. */
#ifndef EDDY__POLLER_H
#define EDDY__POLLER_H

#include <stdint.h>

#include "doorbell.h"
#include "op.h"

/* A lasting subscription to the readiness of a descriptor that others read and write:
 * level-triggered. Owned by its caller; after unwatch nothing refers to it (a backend whose kernel
 * answers later keeps its own record). */
struct eddy__watch {
    int fd;
    uint32_t events; /* EPOLLIN, EPOLLOUT: what is wanted */
    void (*ready)(struct eddy__watch *watch, uint32_t events); /* may unwatch itself */
};

struct eddy__poller; /* each backend's own */

struct eddy__poller_class {
    const char *name;
    bool batches; /* what a turn submits costs one call: worth a copy of small sends */
    int (*open)(eddy_loop *loop, struct eddy__poller **out);
    /* Cancels all that is pending; from here on submit answers EDDY_ESHUTDOWN. Then close frees. */
    void (*cancel_all)(struct eddy__poller *poller);
    void (*close)(struct eddy__poller *poller);

    bool (*submit)(struct eddy__poller *poller, struct eddy__op *op);
    void (*cancel)(struct eddy__poller *poller, struct eddy__op *op);
    void (*forget)(struct eddy__poller *poller, int fd);
    bool (*holds_input)(const struct eddy__poller *poller, int fd);
    void *(*lease_take)(struct eddy__poller *poller);
    void (*lease_return)(struct eddy__poller *poller, void *buffer);

    /* Adds the watch, or applies a change of its events (0: rests). One per descriptor: -EEXIST. */
    int (*watch)(struct eddy__poller *poller, struct eddy__watch *watch);
    void (*unwatch)(struct eddy__poller *poller, struct eddy__watch *watch);

    /* Waits at most timeout_ns (NS_NEVER: no limit, 0: only looks),
     * completes operations and calls watches. Returns how many events there were, or a negative
     * code. */
    int (*poll)(struct eddy__poller *poller, int64_t timeout_ns);

    /* Readable when poll would find something, for a host's own poll, which it may be when the
     * kernel knows all that was submitted: flush. Without a host operations only. Or a negative
     * code. */
    int (*fd)(struct eddy__poller *poller);
    void (*flush)(struct eddy__poller *poller);

    /* Makes a poll that waits return, as no event, by its message_fd. NULL: a watch on an eventfd
     * is all there is. */
    eddy__message_fn *send;
    int (*message_fd)(struct eddy__poller *poller);
};

extern const struct eddy__poller_class eddy__poller_epoll, eddy__poller_uring;

#endif
