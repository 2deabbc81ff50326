/* SPDX-License-Identifier: MIT
 * resolve.c - a task waits for a look-up; cancelled, it leaves the look-up behind (op/name.h).
 * eddy_getaddrinfo() and eddy_getnameinfo() are no more than that. */
#include "resolve.h"

#include <errno.h>

#include <eddy/name.h>

#include "scheduler.h"

struct resolve_wait {
    struct eddy__wait wait;
    struct eddy__lookup lookup;
    struct eddy__task *task;
};

static void resolve_done(struct eddy__lookup *lookup) {
    eddy__task_wake(container_of(lookup, struct resolve_wait, lookup)->task);
}

static void resolve_cancel(struct eddy__wait *wait) {
    eddy__lookup_cancel(&container_of(wait, struct resolve_wait, wait)->lookup);
}

/* The loop is closed over it: nobody is there for the answer. */
static void resolve_drop(struct eddy__wait *wait) {
    eddy__lookup_forget(&container_of(wait, struct resolve_wait, wait)->lookup);
}

static void resolve_look(const struct eddy__wait *wait, struct eddy__look *look) {
    (void)wait;
    eddy__look_name(look, "a host's address");
}

static void resolve_look_reverse(const struct eddy__wait *wait, struct eddy__look *look) {
    (void)wait;
    eddy__look_name(look, "an address's name");
}

#define RESOLVE_WAIT(describe) \
    { .cancel = resolve_cancel, .drop = resolve_drop, .look = (describe) }

int eddy__resolve_hints(struct eddy__task *task, const char *host, const char *port,
                        const struct addrinfo *hints, struct addrinfo **out) {
    struct resolve_wait resolve = {
        .wait = RESOLVE_WAIT(resolve_look), .lookup.done = resolve_done, .task = task};

    if (!eddy__lookup_submit_hints(task->future.loop, &resolve.lookup, host, port, hints))
        eddy__task_park(task, &resolve.wait);
    if (resolve.lookup.result == -ECANCELED)
        return eddy__task_fail_cancelled(task);
    if (resolve.lookup.result < 0)
        return eddy__lookup_raise(&resolve.lookup, host, port);
    *out = resolve.lookup.addresses;
    return 0;
}

int eddy__resolve(struct eddy__task *task, const char *host, const char *port, int flags,
                  struct addrinfo **out) {
    const struct addrinfo hints = {
        .ai_flags = flags, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};

    return eddy__resolve_hints(task, host, port ? port : "", &hints, out);
}

/* --- <eddy/name.h> ---------------------------------------------------------------------------- */

int eddy_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                     struct addrinfo **out) {
    static const struct addrinfo no_hints = {0};
    struct eddy__task *task;
    int r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    return eddy__resolve_hints(task, host, port && *port ? port : NULL, hints ? hints : &no_hints,
                               out);
}

struct addrinfo *eddy_freeaddrinfo(struct addrinfo *addresses) {
    eddy__addresses_free(addresses);
    return NULL;
}

/* The names are written by who comes back with them, never after a cancel. */
int eddy_getnameinfo(const struct sockaddr *address, socklen_t size, char *host, size_t host_bytes,
                     char *port, size_t port_bytes, int flags) {
    struct resolve_wait resolve = {.wait = RESOLVE_WAIT(resolve_look_reverse),
                                   .lookup = {.done = resolve_done,
                                              .host = host_bytes > 0 ? host : NULL,
                                              .service = port_bytes > 0 ? port : NULL,
                                              .host_bytes = host_bytes,
                                              .service_bytes = port_bytes}};
    int r = eddy__checkpoint(NULL, &resolve.task);

    if (r < 0)
        return r;
    if (!eddy__lookup_submit_reverse(resolve.task->future.loop, &resolve.lookup, address, size,
                                     flags))
        eddy__task_park(resolve.task, &resolve.wait);
    if (resolve.lookup.result == -ECANCELED)
        return eddy__task_fail_cancelled(resolve.task);
    return resolve.lookup.result < 0 ? eddy__lookup_raise_reverse(&resolve.lookup, address, size)
                                     : 0;
}
