/* SPDX-License-Identifier: MIT
 * name.h - looking up host and service names, in the shape of an operation.
 *
 * getaddrinfo() blocks, and its plugins give no other way, so it runs in threads: of its own pool,
 * process-wide, so that slow DNS starves neither files nor eddy_to_thread() (name_pool.h). What the
 * thread works on is a query of its own on the heap (name_query.h): a look-up that is cancelled
 * leaves at once, and the thread finishes alone. No time-out, and no closing loop, ever waits for
 * DNS.
 *
 *   IDLE -submit-> PENDING -done()-> IDLE;   submit may also complete at once: IDLE, done() is not
 * called */
#ifndef EDDY__NAME_H
#define EDDY__NAME_H

#include <netdb.h>
#include <stdbool.h>

#include <eddy/base.h>

struct name_request;

struct eddy__lookup {
    void (*done)(struct eddy__lookup *lookup); /* on the loop's stack; must not suspend */
    int result;                                /* 0, or a negative code; valid when completed */
    int resolver_code;                         /* getaddrinfo's own, 0: it was not its fault */
    struct addrinfo *addresses; /* result 0: at least one. The owner's: eddy__addresses_free() */
    char *host, *service;       /* of a reverse one, the owner's: where the names go, or NULL */
    size_t host_bytes, service_bytes;
    struct name_request *request; /* PENDING: the thread's half */
};

/* Looks up TCP addresses of host (NULL or "": this machine, or every address of it with AI_PASSIVE
 * in flags) and port ("80", "http"; not NULL). True: completed at once, as numbers do, which need
 * no thread. Both texts are copied. */
bool eddy__lookup_submit(eddy_loop *loop, struct eddy__lookup *lookup, const char *host,
                         const char *port, int flags);

/* The same with getaddrinfo()'s hints: one family, another kind of socket. port may be NULL. */
bool eddy__lookup_submit_hints(eddy_loop *loop, struct eddy__lookup *lookup, const char *host,
                               const char *port, const struct addrinfo *hints);

/* Looks up the names of an address, as getnameinfo() does; lookup->host and ->service are set. True
 * as above. */
bool eddy__lookup_submit_reverse(eddy_loop *loop, struct eddy__lookup *lookup,
                                 const struct sockaddr *address, socklen_t size, int flags);

/* Ends a pending look-up: done() is called with -ECANCELED before this returns. */
void eddy__lookup_cancel(struct eddy__lookup *lookup);

/* The same, and done() is not called: the owner is no more. */
void eddy__lookup_forget(struct eddy__lookup *lookup);

/* Makes a failed look-up the last error, with its sentence: cannot resolve "nohost.invalid": Name
 * or service not known. Returns the code. */
int eddy__lookup_raise(const struct eddy__lookup *lookup, const char *host, const char *port);
int eddy__lookup_raise_reverse(const struct eddy__lookup *lookup, const struct sockaddr *address,
                               socklen_t size);

/* NULL is none. */
void eddy__addresses_free(struct addrinfo *addresses);

/* What the threads call: getaddrinfo and getnameinfo, or a test's. */
typedef int eddy__resolver_fn(const char *host, const char *port, const struct addrinfo *hints,
                              struct addrinfo **out);
typedef int eddy__reverse_resolver_fn(const struct sockaddr *address, socklen_t size, char *host,
                                      socklen_t host_bytes, char *service, socklen_t service_bytes,
                                      int flags);
extern _Atomic(eddy__resolver_fn *) eddy__resolver;
extern _Atomic(eddy__reverse_resolver_fn *) eddy__reverse_resolver;

/* How many threads there are now, for tests. */
int eddy__resolver_threads(void);

#endif
