/* SPDX-License-Identifier: MIT
 * name.h - looking up host and service names, in the shape of an operation.
 *
 * getaddrinfo() blocks, and its plugins give no other way, so it runs in threads: of its own pool,
 * process-wide, so that slow DNS starves neither files nor eddy_to_thread(). What the thread works
 * on is a request of its own on the heap: a look-up that is cancelled leaves at once, and the
 * thread finishes alone. No time-out, and no closing loop, ever waits for DNS.
 *
 *   IDLE -submit-> PENDING -done()-> IDLE;   submit may also complete at once: IDLE, done() is not
 * called */
#ifndef EDDY__NAME_H
#define EDDY__NAME_H

#include <netdb.h>
#include <stdbool.h>

#include <eddy/base.h>

struct lookup_request;

struct eddy__lookup {
    void (*done)(struct eddy__lookup *lookup); /* on the loop's stack; must not suspend */
    int result;                                /* 0, or a negative code; valid when completed */
    int resolver_code;                         /* getaddrinfo's own, 0: it was not its fault */
    struct addrinfo *addresses; /* result 0: at least one. The owner's: eddy__addresses_free() */
    struct lookup_request *request; /* PENDING: the thread's half */
};

/* Looks up TCP addresses of host (NULL or "": this machine, or every address of it with AI_PASSIVE
 * in flags) and port ("80", "http"). True: completed at once, as numbers do, which need no thread.
 * Both texts are copied. */
bool eddy__lookup_submit(eddy_loop *loop, struct eddy__lookup *lookup, const char *host,
                         const char *port, int flags);

/* The same with getaddrinfo()'s hints: one family, another kind of socket. */
bool eddy__lookup_submit_hints(eddy_loop *loop, struct eddy__lookup *lookup, const char *host,
                               const char *port, const struct addrinfo *hints);

/* NULL is none. */
void eddy__addresses_free(struct addrinfo *addresses);

/* Ends a pending look-up: done() is called with -ECANCELED before this returns. */
void eddy__lookup_cancel(struct eddy__lookup *lookup);

/* Makes a failed look-up the last error, with its sentence: cannot resolve "nohost.invalid": Name
 * or service not known. Returns the code. */
int eddy__lookup_raise(const struct eddy__lookup *lookup, const char *host, const char *port);

/* What the threads call: getaddrinfo, or a test's. */
typedef int eddy__resolver_fn(const char *host, const char *port, const struct addrinfo *hints,
                              struct addrinfo **out);
extern eddy__resolver_fn *eddy__resolver;

/* How many threads there are now, for tests. */
int eddy__resolver_threads(void);

#endif
