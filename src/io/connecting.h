/* SPDX-License-Identifier: MIT
 * connecting.h - a connection being made: attempts at several addresses, of which the first that
 * succeeds wins (RFC 8305, happy eyeballs).
 *
 *   t = 0        attempt 1 ----------------------------------- cancelled
 *   t = 250 ms        attempt 2 ------- refused
 *   at once                            attempt 3 --- connected
 *
 * An attempt is an operation, no task: all of them lie in one record, which belongs to the task
 * that waits. It goes on when none is under way any more, so that nothing is left behind: no
 * descriptor, and no question to the kernel. Read next: connecting.c, docs/internals/connect.md. */
#ifndef EDDY__CONNECTING_H
#define EDDY__CONNECTING_H

#include <netdb.h>

#include "loop.h"
#include "op.h"
#include "socket.h"
#include "task.h"

struct connect_attempt {
    struct eddy__op op; /* op.fd: its socket */
    struct eddy__connecting *connecting;
    const struct sockaddr *address;
    socklen_t address_size;
    int code; /* why it failed; 0: it was not tried, or has not failed */
};

struct eddy__connecting {
    struct eddy__wait wait;
    struct eddy__task *task; /* NULL: it does not wait */
    eddy_loop *loop;
    struct addrinfo *addresses; /* what the attempts point into, or NULL */
    struct addrinfo *locals;    /* to bind to, or NULL: any */
    struct eddy__socket_options options;
    struct eddy__timer pause; /* before the next attempt */
    int64_t delay_ns, retry_ns;
    int fd;      /* the winner's, or -1 */
    int count;   /* of the attempts */
    int next;    /* to be begun */
    int pending; /* under way */
    bool is_over, is_stopping, was_cancelled;
    struct connect_attempt attempts[];
};

/* How to go about it; all zero is the default. */
struct eddy__connect_manner {
    double delay_seconds; /* 0: 0.25; INFINITY: an attempt begins when the last one has failed */
    int interleave;       /* so many of the first family, then in turn; 0: 1; < 0: as they come */
};

/* Takes the lists, also when it fails. Returns 0 or -ENOMEM. */
int eddy__connecting_new(eddy_loop *loop, struct addrinfo *addresses, struct addrinfo *locals,
                         const struct eddy__connect_manner *manner,
                         const struct eddy__socket_options *options, struct eddy__connecting **out);

/* The same to one address, borrowed. */
int eddy__connecting_to(eddy_loop *loop, const struct sockaddr *address, socklen_t size,
                        const struct eddy__socket_options *options, struct eddy__connecting **out);

/* Makes the attempts. Suspends. Returns the descriptor, -ECANCELED, or the code of the most telling
 * failure, in a sentence, with the others beside it. `name` is what the user called it; NULL: the
 * address says it. */
int eddy__connecting_run(struct eddy__connecting *connecting, const char *name);

void eddy__connecting_free(struct eddy__connecting *connecting);
static inline void eddy__connectingp_free(struct eddy__connecting **connecting) {
    eddy__connecting_free(*connecting);
}

#endif
