/* SPDX-License-Identifier: MIT
 * datagram.c - the life of an endpoint: its addresses looked up, its socket made, and its end.
 *
 * A name has several addresses. The first pair of a local and a remote one that are of a family and
 * can be had is taken, as asyncio does. */
#include "datagram.h"

#include <errno.h>
#include <string.h>

#include "address.h"
#include "log.h"
#include "memory.h"
#include "resolve.h"

#define CANDIDATES_MAX 8 /* addresses of one name that are tried */

struct candidates {
    eddy_address addresses[CANDIDATES_MAX];
    int count; /* at least one: nobody, if none was asked for */
};

/* --- the addresses ---------------------------------------------------------------------------- */

static void candidates_add(struct candidates *candidates, const struct addrinfo *address) {
    eddy_address *to = &candidates->addresses[candidates->count++];

    to->size = address->ai_addrlen;
    memcpy(&to->storage, address->ai_addr, address->ai_addrlen);
}

/* Suspends. The list is copied: a second look-up must not hold what a closing loop would lose. */
static int candidates_resolve(struct eddy__task *task, const char *host, const char *port,
                              int flags, int family, struct candidates *out) {
    CLEANUP(eddy__addressesp_free) struct addrinfo *addresses = NULL;
    const struct addrinfo hints = {.ai_flags = flags,
                                   .ai_family = family,
                                   .ai_socktype = SOCK_DGRAM,
                                   .ai_protocol = IPPROTO_UDP};
    int r = eddy__resolve_hints(task, host, port ? port : "0", &hints, &addresses);

    if (r < 0)
        return r;
    out->count = 0;
    for (const struct addrinfo *it = addresses; it && out->count < CANDIDATES_MAX; it = it->ai_next)
        candidates_add(out, it);
    return 0;
}

/* "@" is a name that the system chooses: an address that is a family only. */
static int candidates_of_path(const char *path, struct candidates *out) {
    char text[EDDY_ADDRESS_TEXT_BYTES];

    if (strcmp(path, "@") == 0) {
        out->addresses[0].local.sun_family = AF_UNIX;
        out->addresses[0].size = sizeof(sa_family_t);
        return 0;
    }
    if (strlen(path) >= sizeof(out->addresses[0].local.sun_path))
        return eddy_raise(-ENAMETOOLONG, "\"%.120s\" is too long for a socket's path", path);
    strcpy(text, "unix:");
    return eddy_address_parse(strcat(text, path), &out->addresses[0]);
}

/* Suspends. */
static int find_local(struct eddy__task *task, const eddy_datagram_options *options,
                      struct candidates *out) {
    if (options->local_path)
        return candidates_of_path(options->local_path, out);
    if (options->local_host || options->local_port)
        return candidates_resolve(task, options->local_host, options->local_port, AI_PASSIVE,
                                  options->family, out);
    return 0;
}

/* Suspends. */
static int find_remote(struct eddy__task *task, const eddy_datagram_options *options,
                       struct candidates *out) {
    if (options->remote_path)
        return candidates_of_path(options->remote_path, out);
    if (options->remote_host || options->remote_port)
        return candidates_resolve(task, options->remote_host, options->remote_port, 0,
                                  options->family, out);
    return 0;
}

/* --- the socket ------------------------------------------------------------------------------- */

static bool can_talk(const eddy_address *local, const eddy_address *remote) {
    return local->size == 0 || remote->size == 0 || local->any.sa_family == remote->any.sa_family;
}

static int socket_raise(int r, const eddy_address *local, const eddy_address *remote) {
    char here[EDDY_ADDRESS_TEXT_BYTES], there[EDDY_ADDRESS_TEXT_BYTES];

    if (remote->size == 0)
        return eddy_raise(r, "cannot receive datagrams on %s: %s", eddy_address_format(local, here),
                          eddy_error_text(r));
    return eddy_raise(r, "cannot exchange datagrams between %s and %s: %s",
                      eddy_address_format(local, here), eddy_address_format(remote, there),
                      eddy_error_text(r));
}

/* The first pair that can be had; its descriptor. */
static int socket_of_any(const eddy_datagram_options *options, const struct candidates *locals,
                         const struct candidates *remotes, struct eddy__unix_file *file) {
    int r = eddy_raise(-EINVAL, "the local and the remote address are of different families");

    for (int i = 0; i < locals->count; i++)
        for (int j = 0; j < remotes->count; j++) {
            const eddy_address *local = &locals->addresses[i], *remote = &remotes->addresses[j];
            if (!can_talk(local, remote))
                continue;
            r = eddy__datagram_socket(options, local, remote, file);
            if (r >= 0)
                return r;
            socket_raise(r, local, remote);
        }
    return r;
}

/* Its addresses. */
static int endpoint_learn(eddy_datagram_endpoint *endpoint) {
    eddy_address *local = &endpoint->local, *remote = &endpoint->remote;
    int r;

    local->size = remote->size = sizeof(local->storage);
    r = eddy__os_getsockname(endpoint->fd, &local->any, &local->size);
    if (r < 0)
        return r;
    if (eddy__os_getpeername(endpoint->fd, &remote->any, &remote->size) < 0)
        remote->size = 0;
    return 0;
}

/* Takes fd and file, also when it fails. */
static int endpoint_new(eddy_loop *loop, int fd, struct eddy__unix_file *file,
                        eddy_datagram_endpoint **out) {
    eddy_datagram_endpoint *endpoint = eddy__zalloc(sizeof(*endpoint));
    int r;

    if (!endpoint) {
        eddy__unix_file_remove(file);
        eddy__os_close(fd);
        return eddy__fail(-ENOMEM);
    }
    endpoint->file = *file;
    endpoint->loop = eddy_loop_ref(loop);
    endpoint->fd = fd;
    endpoint->refs = 1;
    list_init(&endpoint->calls);
    r = endpoint_learn(endpoint);
    if (r < 0) {
        eddy__datagram_unref(endpoint);
        return eddy__fail(r);
    }
    *out = endpoint;
    return 0;
}

static int options_check(const eddy_datagram_options *options) {
    bool is_local = options->local_path || options->remote_path || options->family == AF_UNIX;
    bool is_inet =
        options->local_host || options->local_port || options->remote_host || options->remote_port;

    if (is_local && is_inet)
        return eddy_raise(-EINVAL, "a Unix socket has a path, and no host or port");
    if (!is_local && !is_inet && options->family == 0)
        return eddy_raise(-EINVAL, "an endpoint needs an address, or a family");
    return 0;
}

int eddy_create_datagram_endpoint_sized(const eddy_datagram_options *given, size_t given_size,
                                        eddy_datagram_endpoint **out) {
    struct candidates locals = {.count = 1}, remotes = {.count = 1};
    eddy_datagram_options options = {0};
    struct eddy__unix_file file = {0};
    struct eddy__task *task;
    int r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    if (given)
        memcpy(&options, given, MIN(given_size, sizeof(options)));
    r = options_check(&options);
    if (r == 0)
        r = find_local(task, &options, &locals);
    if (r == 0)
        r = find_remote(task, &options, &remotes);
    if (r == 0)
        r = socket_of_any(&options, &locals, &remotes, &file);
    return r < 0 ? r : endpoint_new(task->future.loop, r, &file, out);
}

/* --- the end ---------------------------------------------------------------------------------- */

void eddy__datagram_unref(eddy_datagram_endpoint *endpoint) {
    if (--endpoint->refs > 0)
        return;
    if (eddy__loop_is_usable(endpoint->loop))
        eddy__op_forget(endpoint->loop, endpoint->fd);
    eddy__unix_file_remove(&endpoint->file); /* the socket is open still */
    eddy__os_close(endpoint->fd);
    eddy_loop_unref(endpoint->loop);
    eddy__free(endpoint);
}

/* From another thread nothing of it may be touched; there is no code to return, so it is said. */
static bool endpoint_may_close(const eddy_datagram_endpoint *endpoint) {
    char text[EDDY_ADDRESS_TEXT_BYTES];

    if (!eddy__loop_is_usable(endpoint->loop) || endpoint->loop->thread == &eddy__thread)
        return true;
    eddy__log(EDDY_LOG_ERROR,
              "the endpoint %s was closed in another thread than its loop's: it stays open",
              eddy_address_format(&endpoint->local, text));
    return false;
}

/* Each takes itself out of the list when its task runs. */
static void endpoint_end_calls(eddy_datagram_endpoint *endpoint) {
    for (struct list_node *it = endpoint->calls.next; it != &endpoint->calls; it = it->next) {
        struct datagram_call *call = container_of(it, struct datagram_call, node);
        call->was_closed = true;
        eddy__op_cancel(endpoint->loop, &call->op);
    }
}

eddy_datagram_endpoint *eddy_datagram_close(eddy_datagram_endpoint *endpoint) {
    if (!endpoint || !endpoint_may_close(endpoint))
        return NULL;
    if (eddy__loop_is_usable(endpoint->loop))
        endpoint_end_calls(endpoint);
    eddy__datagram_unref(endpoint);
    return NULL;
}

const eddy_address *eddy_datagram_local(const eddy_datagram_endpoint *endpoint) {
    return &endpoint->local;
}

const eddy_address *eddy_datagram_remote(const eddy_datagram_endpoint *endpoint) {
    return &endpoint->remote;
}

int eddy_datagram_fd(const eddy_datagram_endpoint *endpoint) {
    return endpoint->fd;
}
