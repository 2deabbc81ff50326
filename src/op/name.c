/* SPDX-License-Identifier: MIT
 * name.c - look-ups: what is answered at once, what a thread is asked, and how answers arrive.
 *
 * A request has two ends. The loop's end (request->lookup) is touched on the loop's thread only,
 * so abandoning needs no lock: it is set to NULL, and a request that comes back through the loop's
 * posts nevertheless finds nobody. */
#include "name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "failure.h"
#include "loop.h"
#include "memory.h"
#include "name_pool.h"
#include "util.h"

#define NAME_BYTES_MAX 1024 /* longer than any name that DNS can carry */
#define NUMBER_BYTES   128  /* the longest address as a number, the path of a Unix socket */

static int code_of(int resolver_code, int system_error) {
    switch (resolver_code) {
    case 0:
        return 0;
    case EAI_MEMORY:
        return -ENOMEM;
    case EAI_BADFLAGS:
        return -EINVAL;
    case EAI_FAMILY:
        return -EAFNOSUPPORT;
    case EAI_SOCKTYPE:
        return -ESOCKTNOSUPPORT;
    case EAI_OVERFLOW:
        return -EOVERFLOW;
    case EAI_SYSTEM:
        return system_error ? -system_error : EDDY_ENAME;
    default:
        return EDDY_ENAME;
    }
}

static bool lookup_complete(struct eddy__lookup *lookup, int code, int resolver_code) {
    lookup->result = code;
    lookup->resolver_code = resolver_code;
    return true;
}

/* --- answers ---------------------------------------------------------------------------------- */

static bool text_fits(const char *to, size_t to_bytes, const char *text) {
    return !to || strlen(text) < to_bytes;
}

static int take_addresses(struct eddy__lookup *lookup, const struct addrinfo *addresses) {
    lookup->addresses = eddy__addresses_copy(addresses);
    return lookup->addresses ? 0 : -ENOMEM;
}

/* Both or none. */
static int take_names(struct eddy__lookup *lookup, const char *host, const char *service) {
    if (!text_fits(lookup->host, lookup->host_bytes, host) ||
        !text_fits(lookup->service, lookup->service_bytes, service))
        return -EOVERFLOW;
    if (lookup->host)
        strcpy(lookup->host, host);
    if (lookup->service)
        strcpy(lookup->service, service);
    return 0;
}

static int take_answer(struct eddy__lookup *lookup, const struct name_query *query) {
    if (query->resolver_code)
        return code_of(query->resolver_code, query->system_error);
    return query->asked.is_reverse ? take_names(lookup, query->host, query->service)
                                   : take_addresses(lookup, query->addresses);
}

/* On the loop's stack: the answer goes to who waits for it. */
static void request_came_back(struct eddy__post *post) {
    struct name_request *request = container_of(post, struct name_request, post);
    struct eddy__lookup *lookup = request->lookup;

    if (lookup) {
        request->loop->outside--;
        lookup->request = NULL;
        lookup_complete(lookup, take_answer(lookup, request->query), request->query->resolver_code);
        eddy__name_request_unref(request);
    }
    eddy__name_request_unref(request);
    if (lookup)
        lookup->done(lookup);
}

/* --- questions -------------------------------------------------------------------------------- */

/* Nobody waits for it. A closed loop refuses what comes back, and the pool then lets it go, too,
 * whichever is first. */
static void request_let_go(struct name_request *request, bool pool_has_it_not) {
    if (pool_has_it_not)
        eddy__name_request_unref(request);
    eddy__name_request_unref(request);
}

/* Always false, unless it fails. */
static bool lookup_ask(eddy_loop *loop, struct eddy__lookup *lookup,
                       const struct name_question *question) {
    struct name_request *request = eddy__zalloc(sizeof(*request));
    int r;

    if (!request)
        return lookup_complete(lookup, -ENOMEM, 0);
    request->loop = eddy_loop_ref(loop);
    request->lookup = lookup;
    request->post.run = request_came_back;
    list_init(&request->node);
    atomic_init(&request->refs, 2); /* the lookup's, and the pool's */
    r = eddy__name_pool_submit(request, question);
    if (r < 0) {
        request_let_go(request, true);
        return lookup_complete(lookup, r, 0);
    }
    lookup->request = request;
    loop->outside++;
    return false;
}

static bool is_number(const char *port) {
    return !port || port[strspn(port, "0123456789")] == '\0';
}

/* getaddrinfo cuts a larger number to 16 bits, and would connect to another port. */
static bool is_port(const char *port) {
    return *port && (!is_number(port) || (strlen(port) <= 5 && strtol(port, NULL, 10) <= 65535));
}

static bool is_too_long(const char *text) {
    return text && strlen(text) > NAME_BYTES_MAX;
}

/* Numbers, and "this machine", are answered without looking anywhere, and bad hints are refused.
 * False: it was a name. */
static bool lookup_numbers(struct eddy__lookup *lookup, const char *host, const char *port,
                           const struct addrinfo *hints) {
    struct addrinfo numeric = {.ai_flags = hints->ai_flags | AI_NUMERICHOST | AI_NUMERICSERV,
                               .ai_family = hints->ai_family,
                               .ai_socktype = hints->ai_socktype,
                               .ai_protocol = hints->ai_protocol};
    struct addrinfo *addresses = NULL;
    int r, code;

    if (!is_number(port))
        return false;
    r = getaddrinfo(host, port, &numeric, &addresses);
    if (r == EAI_NONAME && host && !(hints->ai_flags & AI_NUMERICHOST))
        return false;
    for (struct addrinfo *info = addresses; info; info = info->ai_next)
        info->ai_flags = hints->ai_flags;
    code = r == 0 ? take_addresses(lookup, addresses) : code_of(r, errno);
    if (addresses)
        freeaddrinfo(addresses);
    return lookup_complete(lookup, code, r);
}

bool eddy__lookup_submit_hints(eddy_loop *loop, struct eddy__lookup *lookup, const char *host,
                               const char *port, const struct addrinfo *hints) {
    struct name_question question = {.flags = hints->ai_flags,
                                     .family = hints->ai_family,
                                     .socktype = hints->ai_socktype,
                                     .protocol = hints->ai_protocol,
                                     .host = host && *host ? host : NULL,
                                     .port = port};

    lookup->addresses = NULL;
    lookup->request = NULL;
    if (port && !is_port(port))
        return lookup_complete(lookup, -EINVAL, EAI_SERVICE);
    if (is_too_long(question.host) || is_too_long(port))
        return lookup_complete(lookup, EDDY_ENAME, EAI_NONAME);
    return lookup_numbers(lookup, question.host, port, hints) ||
           lookup_ask(loop, lookup, &question);
}

bool eddy__lookup_submit(eddy_loop *loop, struct eddy__lookup *lookup, const char *host,
                         const char *port, int flags) {
    const struct addrinfo hints = {
        .ai_flags = flags, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};

    return eddy__lookup_submit_hints(loop, lookup, host, port ? port : "", &hints);
}

/* As numbers, an address is written without looking anywhere. */
static bool lookup_write_numbers(struct eddy__lookup *lookup, const struct sockaddr *address,
                                 socklen_t size, int flags) {
    char host[NUMBER_BYTES] = "", service[NUMBER_BYTES] = "";
    int r = getnameinfo(address, size, host, lookup->host ? sizeof(host) : 0, service,
                        lookup->service ? sizeof(service) : 0, flags);
    int code = r == 0 ? take_names(lookup, host, service) : code_of(r, errno);

    return lookup_complete(lookup, code, r);
}

bool eddy__lookup_submit_reverse(eddy_loop *loop, struct eddy__lookup *lookup,
                                 const struct sockaddr *address, socklen_t size, int flags) {
    struct name_question question = {.is_reverse = true,
                                     .flags = flags,
                                     .wants_host = lookup->host,
                                     .wants_service = lookup->service,
                                     .address = address,
                                     .address_size = size};

    lookup->addresses = NULL;
    lookup->request = NULL;
    if (size < sizeof(address->sa_family) || size > sizeof(union eddy__address))
        return lookup_complete(lookup, -EAFNOSUPPORT, EAI_FAMILY);
    if ((lookup->host && !(flags & NI_NUMERICHOST)) ||
        (lookup->service && !(flags & NI_NUMERICSERV)))
        return lookup_ask(loop, lookup, &question);
    return lookup_write_numbers(lookup, address, size, flags);
}

/* --- the end ---------------------------------------------------------------------------------- */

void eddy__lookup_forget(struct eddy__lookup *lookup) {
    struct name_request *request = TAKE_POINTER(lookup->request);

    if (!request)
        return;
    request->loop->outside--;
    request->lookup = NULL;
    request_let_go(request, eddy__name_pool_withdraw(request));
}

void eddy__lookup_cancel(struct eddy__lookup *lookup) {
    if (!lookup->request)
        return;
    eddy__lookup_forget(lookup);
    lookup_complete(lookup, -ECANCELED, 0);
    lookup->done(lookup);
}

/* The resolver's own words, where the failure is the resolver's. */
static const char *cause_of(const struct eddy__lookup *lookup) {
    return lookup->resolver_code && lookup->resolver_code != EAI_SYSTEM
               ? gai_strerror(lookup->resolver_code)
               : eddy_error_text(lookup->result);
}

int eddy__lookup_raise(const struct eddy__lookup *lookup, const char *host, const char *port) {
    if (lookup->result == -ECANCELED)
        return eddy__fail(-ECANCELED);
    if (lookup->result == -EINVAL && lookup->resolver_code == EAI_SERVICE)
        return eddy_raise(-EINVAL, "\"%.64s\" is no port: 0 to 65535, or the name of a service",
                          port ? port : "");
    if (lookup->resolver_code == EAI_SERVICE)
        return eddy__raise_detail(lookup->result, lookup->resolver_code,
                                  "cannot resolve the port \"%.64s\": %s", port ? port : "",
                                  cause_of(lookup));
    return eddy__raise_detail(lookup->result, lookup->resolver_code,
                              "cannot resolve \"%.255s\": %s", host ? host : "", cause_of(lookup));
}

int eddy__lookup_raise_reverse(const struct eddy__lookup *lookup, const struct sockaddr *address,
                               socklen_t size) {
    union eddy__address whole = {0};
    char text[ADDRESS_TEXT_BYTES];

    if (lookup->result == -ECANCELED)
        return eddy__fail(-ECANCELED);
    if (lookup->result == -EOVERFLOW)
        return eddy__raise_detail(-EOVERFLOW, EAI_OVERFLOW,
                                  "the names do not fit: %zu bytes for the host, %zu for the port",
                                  lookup->host_bytes, lookup->service_bytes);
    memcpy(&whole, address, MIN(size, sizeof(whole)));
    eddy__address_format(&whole.any, size, text);
    return eddy__raise_detail(lookup->result, lookup->resolver_code,
                              "cannot find the name of %s: %s", text, cause_of(lookup));
}
