/* SPDX-License-Identifier: MIT
 * kept.c - a second number for a file that is waited for. */
#include "kept.h"

#include <errno.h>

int eddy__kept_hold(struct eddy__kept *kept) {
    int r = kept->copy >= 0 ? kept->copy : eddy__os_duplicate(kept->fd);

    if (r < 0)
        return eddy__fail(r);
    kept->copy = r;
    return 0;
}

static void kept_dropped(struct eddy__op *op) {
    eddy__kept_release(container_of(op, struct eddy__kept, op));
}

int eddy__kept_wait(struct eddy__kept *kept, uint32_t events) {
    int r = eddy__kept_hold(kept);

    if (r < 0)
        return r;
    kept->op = (struct eddy__op){
        .code = EDDY__OP_POLL, .fd = kept->fd, .is_foreign = true, .events = events};
    return (int)eddy__op_await_or(NULL, &kept->op, kept_dropped);
}

/* Urgent data, which never comes here: so only time, a cancel and a close end the wait. */
int eddy__kept_wait_a_little(struct eddy__kept *kept) {
    eddy_timeout timeout;
    int r;

    eddy_timeout_begin(&timeout, 0.001);
    r = eddy_timeout_end(&timeout, eddy__kept_wait(kept, EPOLLPRI));
    return r == -ETIMEDOUT ? 0 : r;
}
