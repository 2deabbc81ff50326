/* SPDX-License-Identifier: MIT
 * connect.c - eddy_open_connection(): a look-up, then each address in turn until one answers.
 *
 * Of several failures the most telling is reported: "connection refused" by one address says more
 * than "no route" to the next, which the resolver lists although this machine has no IPv6. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "os.h"
#include "resolve.h"
#include "socket.h"
#include "stream.h"

struct attempt {
    int code;
    char address[ADDRESS_TEXT_BYTES];
};

/* A free port on loopback may be given to the very socket that connects to it: TCP's simultaneous
 * open, with itself. Nobody listens there. */
static bool is_connected_to_itself(int fd) {
    char local[ADDRESS_TEXT_BYTES], peer[ADDRESS_TEXT_BYTES];

    eddy__address_of_socket(fd, local);
    eddy__address_of_peer(fd, peer);
    return strcmp(local, peer) == 0;
}

struct connecting {
    struct eddy__op op;
    struct addrinfo *addresses; /* all of them, the caller's */
};

/* The loop was closed over it: what the caller's stack owns is ours to free. */
static void connecting_dropped(struct eddy__op *op) {
    eddy__os_close(op->fd);
    eddy__addressesp_free(&container_of(op, struct connecting, op)->addresses);
}

/* Suspends. */
static int connect_to(eddy_loop *loop, struct addrinfo *addresses, const struct addrinfo *address,
                      const eddy_connect_options *options, eddy_stream **out) {
    CLEANUP(eddy__os_closep) int fd = eddy__socket_new(address->ai_family);
    struct connecting connecting = {.addresses = addresses};
    int r = fd;

    if (r < 0)
        return r;
    eddy__op_connect(&connecting.op, fd, address->ai_addr, address->ai_addrlen);
    r = (int)eddy__op_await_or(loop, &connecting.op, connecting_dropped);
    if (r == 0 && is_connected_to_itself(fd))
        r = -ECONNREFUSED;
    if (r < 0) {
        eddy__op_forget(loop, fd);
        return r;
    }
    return eddy__stream_new(loop, TAKE_FD(fd), options, out);
}

/* It would not go better with the next address. */
static bool is_final(int code) {
    return code == -EMFILE || code == -ENFILE || code == -ENOMEM || code == -ENOBUFS;
}

static bool is_telling(int code) {
    return code != -ENETUNREACH && code != -EHOSTUNREACH && code != -EADDRNOTAVAIL &&
           code != -EAFNOSUPPORT;
}

static void attempt_failed(struct attempt *worst, int code, const struct addrinfo *address) {
    if (worst->code && is_telling(worst->code) && !is_telling(code))
        return;
    worst->code = code;
    eddy__address_format(address->ai_addr, address->ai_addrlen, worst->address);
}

/* "cannot connect to example.org:80 (192.0.2.1:80): Connection refused". */
static int attempt_raise(const struct attempt *attempt, const char *host, const char *port) {
    const char *cause = eddy_error_text(attempt->code);
    bool is_v6 = host && strchr(host, ':');
    char name[320];

    snprintf(name, sizeof(name), is_v6 ? "[%.255s]:%.32s" : "%.255s:%.32s", host ? host : "", port);
    if (!host || !*host || strcmp(name, attempt->address) == 0)
        return eddy_raise(attempt->code, "cannot connect to %s: %s", attempt->address, cause);
    return eddy_raise(attempt->code, "cannot connect to %s (%s): %s", name, attempt->address,
                      cause);
}

/* Suspends. -ECANCELED keeps the record that the wait has left. */
static int connect_to_any(eddy_loop *loop, const char *host, const char *port,
                          struct addrinfo *addresses, const eddy_connect_options *options,
                          eddy_stream **out) {
    struct attempt attempt = {0};

    for (const struct addrinfo *address = addresses; address; address = address->ai_next) {
        int r = connect_to(loop, addresses, address, options, out);
        if (r == 0 || r == -ECANCELED)
            return r;
        attempt_failed(&attempt, r, address);
        if (is_final(r))
            break;
    }
    return attempt_raise(&attempt, host, port);
}

int eddy_open_connection_sized(const char *host, const char *port,
                               const eddy_connect_options *given, size_t given_size,
                               eddy_stream **out) {
    CLEANUP(eddy__addressesp_free) struct addrinfo *addresses = NULL;
    eddy_connect_options options = {0};
    eddy_stream *stream = NULL;
    struct eddy__task *task;
    int r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    if (given)
        memcpy(&options, given, MIN(given_size, sizeof(options)));
    r = eddy__resolve(task, host, port, 0, &addresses);
    if (r < 0)
        return r;

    r = connect_to_any(task->future.loop, host, port, addresses, &options, &stream);
    if (r < 0)
        return r;
    *out = stream;
    return 0;
}
