/* SPDX-License-Identifier: MIT
 * poller_uring_absent.c - stands where poller_uring.c would, in a build without liburing. */
#include <errno.h>

#include "poller.h"

static int absent_open(eddy_loop *loop, struct eddy__poller **out) {
    (void)loop, (void)out;
    return -ENOPKG;
}

const struct eddy__poller_class eddy__poller_uring = {
    .name = "io_uring",
    .open = absent_open,
};
