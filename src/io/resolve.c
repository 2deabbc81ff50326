/* SPDX-License-Identifier: MIT
 * resolve.c - a task waits for a look-up; cancelled, it leaves the look-up behind (op/name.h). */
#include "resolve.h"

#include <errno.h>

#include "name.h"
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
    struct resolve_wait resolve = {.wait = {.cancel = resolve_cancel, .look = resolve_look},
                                   .lookup.done = resolve_done,
                                   .task = task};

    if (!eddy__lookup_submit(task->future.loop, &resolve.lookup, host, port, flags))
        eddy__task_park(task, &resolve.wait);
    if (resolve.lookup.result == -ECANCELED)
        return eddy__task_fail_cancelled(task);
    if (resolve.lookup.result < 0)
        return eddy__lookup_raise(&resolve.lookup, host, port);
    *out = resolve.lookup.addresses;
    return 0;
}
