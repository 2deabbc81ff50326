/* SPDX-License-Identifier: MIT
 * name_query.c - questions to the resolver: copied, compared, asked. */
#include "name_query.h"

#include <errno.h>
#include <string.h>

#include "loop.h"
#include "memory.h"
#include "name.h"
#include "util.h"

_Atomic(eddy__resolver_fn *) eddy__resolver = getaddrinfo;
_Atomic(eddy__reverse_resolver_fn *) eddy__reverse_resolver = getnameinfo;

/* --- the question ----------------------------------------------------------------------------- */

static bool text_equal(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool eddy__name_question_equal(const struct name_question *a, const struct name_question *b) {
    return a->is_reverse == b->is_reverse && a->flags == b->flags && a->family == b->family &&
           a->socktype == b->socktype && a->protocol == b->protocol &&
           text_equal(a->host, b->host) && text_equal(a->port, b->port) &&
           a->wants_host == b->wants_host && a->wants_service == b->wants_service &&
           a->address_size == b->address_size &&
           (!a->address || memcmp(a->address, b->address, a->address_size) == 0);
}

/* FNV-1a. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size) {
    for (const unsigned char *byte = bytes; size > 0; byte++, size--)
        hash = (hash ^ *byte) * 0x100000001b3;
    return hash;
}

/* What is left out here (flags and the like) is compared all the same. */
uint64_t eddy__name_question_hash(const struct name_question *question) {
    uint64_t hash = 0xcbf29ce484222325;

    if (question->host)
        hash = hash_bytes(hash, question->host, strlen(question->host) + 1);
    if (question->port)
        hash = hash_bytes(hash, question->port, strlen(question->port) + 1);
    if (question->address)
        hash = hash_bytes(hash, question->address, question->address_size);
    return hash_bytes(hash, &question->family, sizeof(question->family));
}

/* --- queries ---------------------------------------------------------------------------------- */

static size_t text_bytes(const char *text) {
    return text ? strlen(text) + 1 : 0;
}

/* Copies behind the query, and moves *room on. NULL stays NULL. */
static void *keep(char **room, const void *bytes, size_t size) {
    void *copy = bytes ? memcpy(*room, bytes, size) : NULL;

    *room += size;
    return copy;
}

static void query_keep(struct name_query *query, const struct name_question *asked) {
    char *room = (char *)(query + 1); /* aligned: the address comes first */

    query->asked = *asked;
    query->asked.address = keep(&room, asked->address, asked->address_size);
    query->asked.host = keep(&room, asked->host, text_bytes(asked->host));
    query->asked.port = keep(&room, asked->port, text_bytes(asked->port));
    if (asked->is_reverse) {
        query->host = room;
        query->service = room + NI_MAXHOST;
    }
}

struct name_query *eddy__name_query_new(const struct name_question *question) {
    size_t room = question->address_size + text_bytes(question->host) + text_bytes(question->port) +
                  (question->is_reverse ? NI_MAXHOST + NI_MAXSERV : 0);
    struct name_query *query = eddy__zalloc(sizeof(*query) + room);

    if (!query)
        return NULL;
    query_keep(query, question);
    query->hash = eddy__name_question_hash(question);
    list_init(&query->node);
    list_init(&query->known);
    list_init(&query->requests);
    atomic_init(&query->refs, 1);
    return query;
}

struct name_query *eddy__name_query_ref(struct name_query *query) {
    atomic_fetch_add_explicit(&query->refs, 1, memory_order_relaxed);
    return query;
}

void eddy__name_query_unref(struct name_query *query) {
    if (!query || atomic_fetch_sub_explicit(&query->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (query->addresses)
        freeaddrinfo(query->addresses);
    eddy__free(query);
}

static int ask_names(struct name_query *query) {
    const struct name_question *asked = &query->asked;
    eddy__reverse_resolver_fn *resolver = atomic_load(&eddy__reverse_resolver);

    return resolver(asked->address, asked->address_size, asked->wants_host ? query->host : NULL,
                    asked->wants_host ? NI_MAXHOST : 0,
                    asked->wants_service ? query->service : NULL,
                    asked->wants_service ? NI_MAXSERV : 0, asked->flags);
}

static int ask_addresses(struct name_query *query) {
    const struct name_question *asked = &query->asked;
    const struct addrinfo hints = {.ai_flags = asked->flags,
                                   .ai_family = asked->family,
                                   .ai_socktype = asked->socktype,
                                   .ai_protocol = asked->protocol};
    eddy__resolver_fn *resolver = atomic_load(&eddy__resolver);

    return resolver(asked->host, asked->port, &hints, &query->addresses);
}

void eddy__name_query_work(struct name_query *query) {
    query->resolver_code = query->asked.is_reverse ? ask_names(query) : ask_addresses(query);
    query->system_error = query->resolver_code == EAI_SYSTEM ? errno : 0;
}

void eddy__name_request_unref(struct name_request *request) {
    if (atomic_fetch_sub_explicit(&request->refs, 1, memory_order_acq_rel) > 1)
        return;
    eddy__name_query_unref(request->query);
    eddy_loop_unref(request->loop);
    eddy__free(request);
}

/* --- lists of addresses ----------------------------------------------------------------------- */

#define ALIGNED(bytes) (((bytes) + 7) & ~(size_t)7)

static size_t address_bytes(const struct addrinfo *info) {
    return ALIGNED(sizeof(*info)) + ALIGNED(info->ai_addrlen) +
           ALIGNED(text_bytes(info->ai_canonname));
}

static struct addrinfo *address_copy(char *room, const struct addrinfo *info) {
    struct addrinfo *copy = (struct addrinfo *)room;

    *copy = *info;
    room += ALIGNED(sizeof(*copy));
    copy->ai_addr = memcpy(room, info->ai_addr, info->ai_addrlen);
    room += ALIGNED(info->ai_addrlen);
    copy->ai_canonname = keep(&room, info->ai_canonname, text_bytes(info->ai_canonname));
    copy->ai_next = NULL;
    return copy;
}

struct addrinfo *eddy__addresses_copy(const struct addrinfo *addresses) {
    struct addrinfo *first = NULL, **last = &first;
    size_t bytes = 0;
    char *room;

    for (const struct addrinfo *info = addresses; info; info = info->ai_next)
        bytes += address_bytes(info);
    room = eddy__alloc(bytes);
    for (const struct addrinfo *info = addresses; info && room; info = info->ai_next) {
        *last = address_copy(room, info);
        last = &(*last)->ai_next;
        room += address_bytes(info);
    }
    return first;
}

void eddy__addresses_free(struct addrinfo *addresses) {
    eddy__free(addresses);
}
