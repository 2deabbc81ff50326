/* SPDX-License-Identifier: MIT
 * connect.c - eddy_open_connection(): look-ups, attempts (connecting.c), a stream. */
#include "connect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "connecting.h"
#include "os.h"
#include "resolve.h"
#include "scope.h"
#include "stream.h"

#define HANDSHAKE_SECONDS 60.0 /* as asyncio has it */

eddy_connect_options eddy__connect_options(const eddy_connect_options *given, size_t given_size) {
    eddy_connect_options options = {0};

    if (given)
        memcpy(&options, given, MIN(given_size, sizeof(options)));
    return options;
}

struct eddy__socket_options eddy__socket_options_of(const eddy_connect_options *options) {
    return (struct eddy__socket_options){
        .nagle = options->nagle,
        .keep_alive = options->keep_alive,
        .idle_seconds = options->keep_alive_idle_seconds,
        .interval_seconds = options->keep_alive_interval_seconds,
        .probes = options->keep_alive_probes,
        .send_buffer_bytes = options->send_buffer_bytes,
        .receive_buffer_bytes = options->receive_buffer_bytes,
    };
}

/* --- a layer on the stream -------------------------------------------------------------------- */

int eddy__stream_greet(eddy_stream *stream, const eddy_stream_layer *layer, const char *host,
                       double seconds) {
    eddy_timeout timeout;
    bool is_late;
    int r;

    seconds = seconds > 0 ? seconds : HANDSHAKE_SECONDS;
    eddy_timeout_begin_at("the hand-shake", &timeout, seconds);
    r = layer->start(layer, stream, host);
    is_late = r == -ECANCELED && eddy_timeout_expired(&timeout);
    r = eddy_timeout_end(&timeout, r);
    if (is_late && r == -ETIMEDOUT)
        return eddy_raise(r, "the hand-shake with %s was not over after %g seconds",
                          eddy_stream_peer(stream), seconds);
    return r;
}

/* Should the loop be closed over it, nobody else knows of the stream. */
struct greeting {
    struct eddy__hold hold;
    eddy_stream *stream;
};

static void greeting_dropped(struct eddy__hold *hold) {
    eddy_stream_abort(container_of(hold, struct greeting, hold)->stream);
}

/* Takes the stream if it fails. Suspends. */
static int stream_greet(struct eddy__task *task, eddy_stream *stream,
                        const eddy_stream_layer *layer, const char *host, double seconds) {
    struct greeting greeting = {.stream = stream};
    int r;

    eddy__hold_begin(&greeting.hold, task, "eddy_open_connection", greeting_dropped);
    r = layer->is_server ? eddy_raise(-EINVAL, "a TLS context for servers cannot greet one")
                         : eddy__stream_greet(stream, layer, host, seconds);
    eddy__hold_end(&greeting.hold);
    if (r < 0)
        eddy_stream_abort(stream);
    return r;
}

int eddy__stream_open(struct eddy__task *task, int fd, const char *host,
                      const eddy_connect_options *options, eddy_stream **out) {
    const eddy_stream_layer *layer = (const eddy_stream_layer *)options->tls;
    eddy_stream *stream;
    int r = eddy__stream_new(task->future.loop, fd, options, &stream);

    if (r == 0 && layer)
        r = stream_greet(task, stream, layer,
                         options->server_hostname ? options->server_hostname : host,
                         options->handshake_seconds);
    if (r < 0)
        return r;
    *out = stream;
    return 0;
}

/* --- by name ---------------------------------------------------------------------------------- */

/* Addresses that are there already, while others are looked up: the loop may be closed over that.
 */
struct held_addresses {
    struct eddy__hold hold;
    struct addrinfo *list;
};

static void held_addresses_dropped(struct eddy__hold *hold) {
    eddy__addresses_free(container_of(hold, struct held_addresses, hold)->list);
}

/* Where to connect from. Suspends. */
static int resolve_local(struct eddy__task *task, const eddy_connect_options *options,
                         struct addrinfo *addresses, struct addrinfo **out) {
    const struct addrinfo hints = {.ai_family = options->family,
                                   .ai_flags = AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_protocol = IPPROTO_TCP};
    const char *port = options->local_port ? options->local_port : "0";
    struct held_addresses held = {.list = addresses};
    int r;

    if (!options->local_host && !options->local_port)
        return 0;
    eddy__hold_begin(&held.hold, task, "eddy_open_connection", held_addresses_dropped);
    r = eddy__resolve_hints(task, options->local_host, port, &hints, out);
    eddy__hold_end(&held.hold);
    return r;
}

/* Suspends. */
static int resolve_both(struct eddy__task *task, const char *host, const char *port,
                        const eddy_connect_options *options, struct addrinfo **addresses,
                        struct addrinfo **locals) {
    const struct addrinfo hints = {
        .ai_family = options->family, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
    int r = eddy__resolve_hints(task, host, port ? port : "", &hints, addresses);

    return r < 0 ? r : resolve_local(task, options, *addresses, locals);
}

static int connecting_new(eddy_loop *loop, struct addrinfo *addresses, struct addrinfo *locals,
                          const eddy_connect_options *options, struct eddy__connecting **out) {
    const struct eddy__connect_manner manner = {.delay_seconds = options->happy_eyeballs_seconds,
                                                .interleave = options->interleave};
    const struct eddy__socket_options socket = eddy__socket_options_of(options);

    return eddy__connecting_new(loop, addresses, locals, &manner, &socket, out);
}

/* Suspends. Returns a descriptor. */
static int connect_to(struct eddy__task *task, const char *host, const char *port,
                      const eddy_connect_options *options) {
    CLEANUP(eddy__addressesp_free) struct addrinfo *addresses = NULL, *locals = NULL;
    CLEANUP(eddy__connectingp_free) struct eddy__connecting *connecting = NULL;
    bool is_v6 = host && strchr(host, ':');
    char name[320] = "";
    int r = resolve_both(task, host, port, options, &addresses, &locals);

    if (r == 0)
        r = connecting_new(task->future.loop, TAKE_POINTER(addresses), TAKE_POINTER(locals),
                           options, &connecting);
    if (r < 0)
        return r;
    if (host && *host)
        snprintf(name, sizeof(name), is_v6 ? "[%.255s]:%.32s" : "%.255s:%.32s", host, port);
    return eddy__connecting_run(connecting, name);
}

int eddy_open_connection_sized(const char *host, const char *port,
                               const eddy_connect_options *given, size_t given_size,
                               eddy_stream **out) {
    eddy_connect_options options = eddy__connect_options(given, given_size);
    struct eddy__task *task;
    int r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    r = connect_to(task, host, port, &options);
    return r < 0 ? r : eddy__stream_open(task, r, host, &options, out);
}
