/* SPDX-License-Identifier: MIT
 * descriptor.h - the readers and writers of eddy_add_reader() and eddy_add_writer(). */
#ifndef EDDY__DESCRIPTOR_H
#define EDDY__DESCRIPTOR_H

#include "poller.h"

struct eddy__listener; /* both callbacks of one descriptor */

struct eddy__listeners {
    struct eddy__listener **by_fd;
    int capacity;
};

/* Removes them all. */
void eddy__listeners_close(eddy_loop *loop, struct eddy__listeners *listeners);

#endif
