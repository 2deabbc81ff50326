/* SPDX-License-Identifier: MIT
 * uring_accept.c - multishot accepts, and the connections that nobody has asked for yet.
 *
 * Those wait in a list through the table, by their own descriptors: what has come must not be lost,
 * however much that was before the kernel heard of the stop. */
#include "uring_accept.h"

#include <errno.h>

#include "fd_table.h"
#include "memory.h"
#include "os.h"
#include "poller_uring.h"
#include "util.h"

/* Of a descriptor that listens; `next` of one that waits to be asked for. */
struct uring_listener {
    struct eddy__multishot multishot;
    int count;       /* of those that have come ahead */
    int first, last; /* of them, if there are any */
    int next;        /* behind this one */
};

/* The entry of a descriptor, or NULL: no memory. Entries move when a higher descriptor comes. */
static struct uring_listener *listener_at(struct eddy__uring_accepts *accepts, int fd) {
    struct uring_listener *listeners;

    if (fd < accepts->capacity)
        return &accepts->listeners[fd];
    listeners = eddy__fd_table_grow(accepts->listeners, &accepts->capacity, sizeof(*listeners), fd);
    if (!listeners)
        return NULL;
    accepts->listeners = listeners;
    return &listeners[fd];
}

/* The entry that a descriptor has, or NULL. */
static struct uring_listener *listener_known(const struct eddy__uring_accepts *accepts, int fd) {
    return fd < accepts->capacity ? &accepts->listeners[fd] : NULL;
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Without a slot the accept is started again before the next wait. */
static void listener_arm(struct eddy__poller *poller, struct uring_listener *listener, int fd) {
    struct io_uring_sqe *slot = eddy__uring_slot(&poller->uring);

    if (unlikely(!slot)) {
        poller->is_starved = true;
        return;
    }
    io_uring_prep_multishot_accept(slot, fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    listener->multishot.accepts = true;
    eddy__multishot_arm(poller, &listener->multishot, fd, slot);
}

bool eddy__uring_accept_begin(struct eddy__poller *poller, const struct eddy__op *op) {
    struct uring_listener *listener = listener_known(&poller->accepts, op->fd);

    if (listener && listener->multishot.is_armed) {
        if (!op->is_repeated)
            eddy__multishot_stop(poller, &listener->multishot, op->fd);
        return true;
    }
    if (!op->is_repeated || !poller->uring.knows_multishot)
        return false;
    listener = listener_at(&poller->accepts, op->fd);
    if (!listener || listener->multishot.is_refused)
        return false;
    listener_arm(poller, listener, op->fd);
    return true;
}

void eddy__uring_accept_stop(struct eddy__poller *poller, int fd) {
    struct uring_listener *listener = listener_known(&poller->accepts, fd);

    if (listener)
        eddy__multishot_stop(poller, &listener->multishot, fd);
}

void eddy__uring_accepts_feed(struct eddy__poller *poller) {
    for (int fd = 0; fd < poller->accepts.capacity; fd++)
        eddy__multishot_feed(poller, &poller->accepts.listeners[fd].multishot, fd);
}

/* --- what has come ahead ---------------------------------------------------------------------- */

/* Without memory for the table the connection could not be served either. */
static void listener_keep(struct eddy__uring_accepts *accepts, int fd, int connection) {
    struct uring_listener *listener;

    if (!listener_at(accepts, connection)) {
        eddy__os_close(connection);
        return;
    }
    listener = &accepts->listeners[fd];
    if (listener->count++ == 0)
        listener->first = connection;
    else
        accepts->listeners[listener->last].next = connection;
    listener->last = connection;
}

static int listener_take(struct eddy__uring_accepts *accepts, struct uring_listener *listener) {
    int connection = listener->first;

    listener->first = accepts->listeners[connection].next;
    listener->count--;
    return connection;
}

bool eddy__uring_accept_take(struct eddy__poller *poller, struct eddy__op *op) {
    struct uring_listener *listener = listener_known(&poller->accepts, op->fd);

    if (!listener || listener->count == 0)
        return false;
    op->result = listener_take(&poller->accepts, listener);
    return true;
}

/* --- answers ---------------------------------------------------------------------------------- */

/* The end of a multishot that is none of an accept's: it was stopped, interrupted, refused. */
static bool is_end_only(int result) {
    return result == -ECANCELED || result == -EINTR || result == -EAGAIN || result == -EINVAL;
}

/* A failure that no accept waits for is met again by the next, unless it was of one connection. */
bool eddy__uring_accept_answered(struct eddy__poller *poller, const struct io_uring_cqe *answer) {
    int fd = eddy__multishot_fd(answer->user_data);
    struct uring_listener *listener = &poller->accepts.listeners[fd];

    if (!eddy__multishot_answered(poller, &listener->multishot, answer)) {
        if (answer->res >= 0)
            eddy__os_close(answer->res);
        return false;
    }
    listener->multishot.is_refused = answer->res == -EINVAL;
    if (poller->descriptors[fd].queues[READING].first && !is_end_only(answer->res))
        eddy__uring_finish_first(poller, fd, answer->res);
    else if (answer->res >= 0)
        listener_keep(&poller->accepts, fd, answer->res);

    eddy__uring_start_first(poller, fd, READING);
    listener = &poller->accepts.listeners[fd];
    if (listener->count >= ACCEPTED_AHEAD_MAX)
        eddy__multishot_stop(poller, &listener->multishot, fd);
    return true;
}

/* --- the end ---------------------------------------------------------------------------------- */

bool eddy__uring_accept_forget(struct eddy__poller *poller, int fd) {
    struct uring_listener *listener = listener_known(&poller->accepts, fd);

    if (!listener)
        return false;
    while (listener->count > 0)
        eddy__os_close(listener_take(&poller->accepts, listener));
    return eddy__multishot_forget(poller, &listener->multishot, fd);
}

void eddy__uring_accepts_cancel(struct eddy__poller *poller) {
    for (int fd = 0; fd < poller->accepts.capacity; fd++)
        eddy__uring_accept_forget(poller, fd);
}

void eddy__uring_accepts_deinit(struct eddy__poller *poller) {
    eddy__free(TAKE_POINTER(poller->accepts.listeners));
}
