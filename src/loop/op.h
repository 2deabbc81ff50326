/* SPDX-License-Identifier: MIT
 * op.h - an operation: submitted to the loop, completed once, later or at once.
 *
 * Its caller owns the record, usually on the stack of a waiting coroutine, so a wait allocates
 * nothing. The price is one rule: after a submit that did not complete at once, record and buffer
 * stay where they are until done() has been called, cancelled or not. That is also what io_uring
 * needs, whose completions come whenever the kernel likes; epoll emulates it.
 *
 *   IDLE -submit-> PENDING -done()-> IDLE;   submit may also complete at once: IDLE, done() is not
 * called
 */
#ifndef EDDY__OP_H
#define EDDY__OP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <eddy/base.h>

enum eddy__op_code {
    EDDY__OP_RECV,     /* into buffer; result: bytes, 0 at the end */
    EDDY__OP_LEASE,    /* the same without a buffer of one's own: see below */
    EDDY__OP_SEND,     /* from buffer; result: bytes, perhaps fewer than size */
    EDDY__OP_ACCEPT,   /* result: the new descriptor */
    EDDY__OP_CONNECT,  /* to address; result: 0 */
    EDDY__OP_READABLE, /* result: 0 once it is readable (or failed), nothing is read; at most one in
                          a descriptor's life is cheap */
    EDDY__OP_WRITABLE,
    EDDY__OP_READ,       /* RECV, LEASE and SEND on what is no socket: pipes, terminals, eventfds */
    EDDY__OP_LEASE_READ, /* see lease */
    EDDY__OP_WRITE,      /* never a SIGPIPE */
};

struct eddy__op {
    void (*done)(struct eddy__op *op); /* on the loop's stack; may submit again, must not suspend */
    void *waiter;                      /* whose done() it is */
    ssize_t result;                    /* >= 0, or a negative code; valid when completed */
    enum eddy__op_code code;
    int fd;           /* non-blocking */
    bool pending;     /* the poller has it */
    bool is_repeated; /* ACCEPT: more follow, so the poller may take some connections ahead */
    union {
        struct {
            void *buffer; /* lent until completion; SEND does not write to it; a LEASE sets it */
            size_t size;
        };
        struct {
            const struct sockaddr *address; /* lent likewise */
            socklen_t address_size;
        };
    };
    /* The poller's. */
    struct eddy__op *next; /* on the same descriptor and direction */
    bool is_lent;          /* the kernel has it, and will answer */
    bool is_cancelled;     /* the kernel was asked to end it */
    bool is_polled;        /* the kernel only waits for readiness, then it is tried again */
};

/* True: completed at once, op->result is there and done() is not called. False: done() will be. */
bool eddy__op_submit(eddy_loop *loop, struct eddy__op *op);

/* Asks a pending operation to end. done() is called exactly once, perhaps before this returns,
 * perhaps turns later: with -ECANCELED, and then the operation had no effect, or with the result if
 * it completed first. Nothing happens when it is not pending. */
void eddy__op_cancel(eddy_loop *loop, struct eddy__op *op);

/* A receive by lease. While it waits it owns no memory, which is what many idle connections need.
 * Completed with a result above 0, op->buffer is memory of the poller's with so many bytes in it,
 * lent to the taker until he gives it back; at the end of input, after a failure or a cancel there
 * is none. Without memory to lend the result is -ENOMEM, and the bytes are received next time.
 * Receives of both shapes on one descriptor get the bytes in order. Who takes leases must give each
 * back soon: that is what bounds their number. LEASE_BYTES is the most that one brings: more than
 * 16 KiB, as a message of just that size (a TLS record is a little longer) would fill it, and
 * a receive that is filled must be followed by one more try. */
#define LEASE_BYTES ((16u << 10) + 512)
void eddy__lease_return(eddy_loop *loop, void *buffer); /* also when the loop is closed */

/* An empty one, for bytes that do not come by an operation. NULL: no memory. */
void *eddy__lease_borrow(eddy_loop *loop);

/* To be called before a descriptor that operations have used is closed; none may be pending. Drops
 * what the poller has taken ahead: connections are closed, what was received is lost. */
void eddy__op_forget(eddy_loop *loop, int fd);

/* Has the poller received something that nobody has asked for? The kernel does not know it as
 * unread any more. */
bool eddy__op_holds_input(eddy_loop *loop, int fd);

/* So many connections may wait in the poller before it takes no more; a burst may bring some more.
 */
#define ACCEPTED_AHEAD_MAX 16

#endif
