/* SPDX-License-Identifier: MIT
 * backend.c - chooses between the pollers. */
#include "backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "loop.h"

/* What a choice is and why. */
struct choice {
    eddy_backend backend;
    const char *reason;
};

/* Why io_uring cannot be had; NULL: this code is no refusal, epoll would meet the same. */
static const char *refusal(int code) {
    switch (code) {
    case -ENOPKG:
        return "this build has no liburing, so no io_uring";
    case -ENOSYS:
        return "the kernel has no io_uring, or a filter hides it (ENOSYS)";
    case -EPERM:
    case -EACCES:
        return "the system forbids io_uring: a seccomp filter or kernel.io_uring_disabled (EPERM)";
    case -EINVAL:
        return "the kernel's io_uring is too old (EINVAL)";
    case -ENOMEM:
        return "there is no memory for the rings of io_uring: see ulimit -l (ENOMEM)";
    default:
        return NULL;
    }
}

static int choose_from_environment(const char *name, struct choice *out) {
    out->reason = "EDDY_BACKEND asked for it";
    if (strcmp(name, "epoll") == 0)
        out->backend = EDDY_BACKEND_EPOLL;
    else if (strcmp(name, "io_uring") == 0)
        out->backend = EDDY_BACKEND_IO_URING;
    else
        return eddy_raise(-ENOTSUP, "EDDY_BACKEND=%s: the backends are io_uring and epoll", name);
    return 0;
}

static int choose(const eddy_loop *loop, struct choice *out) {
    const char *environment = getenv("EDDY_BACKEND");

    *out = (struct choice){loop->options.backend, "the options asked for it"};
    if (out->backend > EDDY_BACKEND_IO_URING)
        return eddy_raise(-ENOTSUP, "the backends are io_uring and epoll");
    if (out->backend == EDDY_BACKEND_AUTO && environment && *environment)
        return choose_from_environment(environment, out);
    return 0;
}

static int open_with(eddy_loop *loop, const struct eddy__poller_class *class, const char *reason) {
    loop->poller_class = class;
    loop->reason = reason;
    return class->open(loop, &loop->poller);
}

/* One line, when the loop is made, for those who wonder. */
static void tell(const eddy_loop *loop) {
    if (loop->options.debug)
        eddy__log(EDDY_LOG_DEBUG, "a loop on %s: %s", loop->poller_class->name, loop->reason);
}

/* Containers and old kernels are no reason to fail. */
static int open_best(eddy_loop *loop) {
    int r = open_with(loop, &eddy__poller_uring, "it is the default, and the kernel allows it");

    return r < 0 && refusal(r) ? open_with(loop, &eddy__poller_epoll, refusal(r)) : r;
}

int eddy__backend_open(eddy_loop *loop) {
    struct choice choice;
    int r = choose(loop, &choice);

    if (r < 0)
        return r;
    if (choice.backend == EDDY_BACKEND_AUTO)
        r = open_best(loop);
    else if (choice.backend == EDDY_BACKEND_EPOLL)
        r = open_with(loop, &eddy__poller_epoll, choice.reason);
    else
        r = open_with(loop, &eddy__poller_uring, choice.reason);

    if (r < 0 && choice.backend == EDDY_BACKEND_IO_URING && refusal(r))
        return eddy_raise(r == -ENOMEM ? r : -ENOTSUP, "no io_uring, though %s: %s", choice.reason,
                          refusal(r));
    if (r < 0)
        return eddy_raise(r, "cannot open an event loop: %s", eddy_error_text(r));
    tell(loop);
    return 0;
}
