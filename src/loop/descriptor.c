/* SPDX-License-Identifier: MIT
 * descriptor.c - eddy_add_reader() and eddy_add_writer(): one watch per descriptor, two callbacks.
 */
#include "descriptor.h"

#include <errno.h>
#include <string.h>

#include "loop.h"
#include "memory.h"
#include "os.h"

enum { READER, WRITER };

static const uint32_t event_of[] = {[READER] = EPOLLIN, [WRITER] = EPOLLOUT};

struct eddy__listener {
    struct eddy__watch watch;
    eddy_loop *loop;
    struct {
        eddy_callback *fn;
        void *arg;
    } callbacks[2];
    bool is_calling; /* in listener_ready(): freed there, not under its feet */
};

static struct eddy__listener *listener_at(const eddy_loop *loop, int fd) {
    return fd >= 0 && fd < loop->listeners.capacity ? loop->listeners.by_fd[fd] : NULL;
}

static void listener_free(struct eddy__listener *listener) {
    eddy_loop *loop = listener->loop;

    if (listener_at(loop, listener->watch.fd) == listener)
        loop->listeners.by_fd[listener->watch.fd] = NULL;
    eddy__free(listener);
}

/* A failure of the descriptor is told to both: each finds it in its next read or write. */
static void listener_ready(struct eddy__watch *watch, uint32_t events) {
    struct eddy__listener *listener = container_of(watch, struct eddy__listener, watch);

    listener->is_calling = true;
    for (int i = READER; i <= WRITER; i++)
        if (events & (event_of[i] | EPOLLERR | EPOLLHUP) && listener->callbacks[i].fn)
            eddy__loop_call(listener->loop, listener->callbacks[i].fn, listener->callbacks[i].arg);
    listener->is_calling = false;
    if (!watch->events)
        listener_free(listener);
}

static int listeners_grow(struct eddy__listeners *listeners, int fd) {
    int capacity = MAX(listeners->capacity, 64);
    struct eddy__listener **by_fd;

    while (capacity <= fd)
        capacity *= 2;
    by_fd = eddy__realloc(listeners->by_fd, (size_t)capacity * sizeof(*by_fd));
    if (!by_fd)
        return -ENOMEM;
    memset(by_fd + listeners->capacity, 0,
           (size_t)(capacity - listeners->capacity) * sizeof(*by_fd));
    listeners->by_fd = by_fd;
    listeners->capacity = capacity;
    return 0;
}

static int listener_new(eddy_loop *loop, int fd, struct eddy__listener **out) {
    struct eddy__listener *listener;

    if (!eddy__os_is_open(fd))
        return -EBADF; /* before a table is made for a number that cannot be */
    if (fd >= loop->listeners.capacity && listeners_grow(&loop->listeners, fd) < 0)
        return -ENOMEM;
    listener = eddy__zalloc(sizeof(*listener));
    if (!listener)
        return -ENOMEM;
    listener->loop = loop;
    listener->watch.fd = fd;
    listener->watch.ready = listener_ready;
    *out = loop->listeners.by_fd[fd] = listener;
    return 0;
}

static int listener_refuse(int r, int fd) {
    return eddy_raise(r, "cannot watch descriptor %d: %s", fd, eddy_error_text(r));
}

static int listener_set(eddy_loop *loop, int fd, int which, eddy_callback *fn, void *arg) {
    struct eddy__listener *listener;
    int r = eddy__loop_find(&loop);

    if (r < 0)
        return r;
    listener = listener_at(loop, fd);
    if (!listener && (r = listener_new(loop, fd, &listener)) < 0)
        return listener_refuse(r, fd);

    listener->callbacks[which].fn = fn;
    listener->callbacks[which].arg = arg;
    listener->watch.events |= event_of[which];
    r = loop->poller_class->watch(loop->poller, &listener->watch);
    if (r < 0) {
        listener_free(listener);
        return listener_refuse(r, fd);
    }
    return 0;
}

static int listener_clear(eddy_loop *loop, int fd, int which) {
    struct eddy__listener *listener;
    int r = eddy__loop_find(&loop);

    if (r < 0)
        return r;
    listener = listener_at(loop, fd);
    if (!listener || !listener->callbacks[which].fn)
        return 0;

    listener->callbacks[which].fn = NULL;
    listener->watch.events &= ~event_of[which];
    if (listener->watch.events) {
        loop->poller_class->watch(loop->poller, &listener->watch);
        return 1;
    }
    loop->poller_class->unwatch(loop->poller, &listener->watch);
    if (listener->is_calling)
        loop->listeners.by_fd[fd] = NULL; /* a new one may take its place at once */
    else
        listener_free(listener);
    return 1;
}

int eddy_add_reader(eddy_loop *loop, int fd, eddy_callback *fn, void *arg) {
    return listener_set(loop, fd, READER, fn, arg);
}

int eddy_add_writer(eddy_loop *loop, int fd, eddy_callback *fn, void *arg) {
    return listener_set(loop, fd, WRITER, fn, arg);
}

int eddy_remove_reader(eddy_loop *loop, int fd) {
    return listener_clear(loop, fd, READER);
}

int eddy_remove_writer(eddy_loop *loop, int fd) {
    return listener_clear(loop, fd, WRITER);
}

void eddy__listeners_close(eddy_loop *loop, struct eddy__listeners *listeners) {
    for (int fd = 0; fd < listeners->capacity; fd++)
        if (listeners->by_fd[fd]) {
            loop->poller_class->unwatch(loop->poller, &listeners->by_fd[fd]->watch);
            listener_free(listeners->by_fd[fd]);
        }
    eddy__free(listeners->by_fd);
    *listeners = (struct eddy__listeners){0};
}
