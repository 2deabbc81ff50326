/* SPDX-License-Identifier: MIT
 * uring_check.c - can this machine open a ring at all? Run when the build is set up. */
#include <liburing.h>

int main(void) {
    struct io_uring ring;

    return io_uring_queue_init(4, &ring, 0) < 0;
}
