/* SPDX-License-Identifier: MIT
 * resolve.c - a task waits for a look-up; cancelled, it leaves the look-up behind (op/name.h). */
#include "resolve.h"

#include <errno.h>

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

static void resolve_look(const struct eddy__wait *wait, struct eddy__look *look) {
    (void)wait;
    eddy__look_name(look, "a host's address");
}

int eddy__resolve(struct eddy__task *task, const char *host, const char *port, int flags,
                  struct addrinfo **out) {
    const struct addrinfo hints = {
        .ai_flags = flags, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};

    return eddy__resolve_hints(task, host, port, &hints, out);
}

int eddy__resolve_hints(struct eddy__task *task, const char *host, const char *port,
                        const struct addrinfo *hints, struct addrinfo **out) {
    struct resolve_wait resolve = {.wait = {.cancel = resolve_cancel, .look = resolve_look},
                                   .lookup.done = resolve_done,
                                   .task = task};

    if (!eddy__lookup_submit_hints(task->future.loop, &resolve.lookup, host, port, hints))
        eddy__task_park(task, &resolve.wait);
    if (resolve.lookup.result == -ECANCELED)
        return eddy__task_fail_cancelled(task);
    if (resolve.lookup.result < 0)
        return eddy__lookup_raise(&resolve.lookup, host, port);
    *out = resolve.lookup.addresses;
    return 0;
}
