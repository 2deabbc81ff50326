/* SPDX-License-Identifier: MIT
 * datagram.h - an endpoint from the inside.
 *
 * It counts references: one of its owner, one of each call under way. The descriptor is closed and
 * the memory freed with the last; by then no operation is pending, as each belongs to a call.
 *
 * Read next: datagram.c (its life), datagram_socket.c (what its socket is set to),
 * datagram_transfer.c. */
#ifndef EDDY__DATAGRAM_H
#define EDDY__DATAGRAM_H

#include <eddy/datagram.h>

#include "list.h"
#include "loop.h"
#include "os.h"
#include "task.h"
#include "unix_socket.h"

struct eddy_datagram_endpoint {
    eddy_loop *loop; /* a reference */
    int fd;
    uint32_t refs;
    struct list_node calls; /* of struct datagram_call: those that wait */
    eddy_address local, remote;
    struct eddy__unix_file file; /* of a Unix endpoint */
};

/* A call under way, on its task's stack. */
struct datagram_call {
    struct list_node node; /* in endpoint->calls */
    struct eddy__op op;
    eddy_datagram_endpoint *endpoint; /* a reference */
    bool was_closed;                  /* by the owner: the endpoint may be gone afterwards */
};

void eddy__datagram_unref(eddy_datagram_endpoint *endpoint);

/* --- datagram_socket.c ------------------------------------------------------------------------ */

/* A socket set up as the options say, bound to `local` and connected to `remote`, if these have a
 * size. Returns the descriptor or a code. *file is set on success only. */
int eddy__datagram_socket(const eddy_datagram_options *options, const eddy_address *local,
                          const eddy_address *remote, struct eddy__unix_file *file);

#endif
