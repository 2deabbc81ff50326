/* SPDX-License-Identifier: MIT
 * name_query.h - a question to the resolver, and all who wait for its answer.
 *
 * A query is what a thread works on: a copy of the question, later the answer. A request is one
 * waiter's half of it. A query may have several requests, of several loops, as the same question
 * is asked once for all of them; or none, when all have left. Both are counted or owned by one at
 * a time, so that neither a cancel nor the end of a loop has to wait for a thread. */
#ifndef EDDY__NAME_QUERY_H
#define EDDY__NAME_QUERY_H

#include <netdb.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <eddy/base.h>

#include "list.h"
#include "wakeup.h"

/* What is asked: the addresses of a name, or (is_reverse) the names of an address. */
struct name_question {
    bool is_reverse;
    int flags, family, socktype, protocol;
    const char *host; /* NULL: none was given */
    const char *port;
    bool wants_host, wants_service; /* reverse */
    const struct sockaddr *address; /* reverse */
    socklen_t address_size;
};

struct name_query {
    struct list_node node;      /* in its line, then in pool.fresh or pool.stuck */
    struct list_node known;     /* in a bucket of the pool, until the answer is there */
    struct list_node requests;  /* who waits; under the pool's lock */
    struct name_line *line;     /* whose turn it takes */
    struct name_question asked; /* its texts and its address lie behind the query */
    uint64_t hash;
    int64_t asked_ns, began_ns;
    bool is_working, is_stuck;
    atomic_int refs; /* of the pool, and of each request */

    /* The answer: written by the thread, read only once it is posted. */
    int resolver_code;
    int system_error; /* errno, where resolver_code is EAI_SYSTEM */
    struct addrinfo *addresses;
    char *host, *service; /* reverse: NI_MAXHOST and NI_MAXSERV bytes, behind the query */
};

/* One reference; a copy of the question. NULL: no memory. */
struct name_query *eddy__name_query_new(const struct name_question *question);
struct name_query *eddy__name_query_ref(struct name_query *query);
void eddy__name_query_unref(struct name_query *query);

/* Asks the resolver, and blocks until it has answered. */
void eddy__name_query_work(struct name_query *query);

bool eddy__name_question_equal(const struct name_question *a, const struct name_question *b);
uint64_t eddy__name_question_hash(const struct name_question *question);

/* One waiter's half. */
struct name_request {
    struct eddy__post post;      /* how it comes back; run() is set by who made it */
    struct list_node node;       /* in query->requests; under the pool's lock */
    eddy_loop *loop;             /* a reference */
    struct eddy__lookup *lookup; /* touched on the loop's thread only; NULL: abandoned */
    struct name_query *query;    /* a reference, once submitted */
    atomic_int refs;             /* of who waits, and of what is to come back */
};

void eddy__name_request_unref(struct name_request *request);

/* --- lists of addresses ----------------------------------------------------------------------- */

/* A copy in one block of eddy's, or NULL: no memory. */
struct addrinfo *eddy__addresses_copy(const struct addrinfo *addresses);

#endif
