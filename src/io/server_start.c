/* SPDX-License-Identifier: MIT
 * server_start.c - where a server listens: every address of its hosts, a Unix socket, sockets that
 * somebody else has opened. Read next: server.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <eddy/ext/stream.h>

#include "memory.h"
#include "os.h"
#include "resolve.h"
#include "scheduler.h"
#include "scope.h"
#include "server.h"

#define BACKLOG_DEFAULT 1024
#define HOSTS_MAX       16 /* beside each other; together they have LISTEN_MAX addresses at most */

/* Descriptors that are to become listeners. */
struct listeners {
    int fds[LISTEN_MAX];
    int count;
    struct eddy__unix_file file;
};

static void listeners_close(struct listeners *listeners) {
    eddy__unix_file_remove(&listeners->file);
    while (listeners->count > 0)
        eddy__os_close(listeners->fds[--listeners->count]);
}

/* --- a server --------------------------------------------------------------------------------- */

static int port_of(int fd) {
    union eddy__address address;
    socklen_t size = sizeof(address);
    int r = eddy__os_getsockname(fd, &address.any, &size);

    return r < 0 ? r : eddy__address_port(&address.any);
}

static const eddy_stream_layer *layer_of(const eddy_server_options *options) {
    return (const eddy_stream_layer *)options->tls;
}

static void server_take(eddy_server *server, struct listeners *listeners) {
    server->listeners_count = listeners->count;
    for (int i = 0; i < listeners->count; i++) {
        struct server_listener *listener = &server->listeners[i];
        *listener =
            (struct server_listener){.server = server, .fd = listeners->fds[i], .waiting_fd = -1};
        eddy__address_of_socket(listener->fd, listener->address);
    }
    server->file = listeners->file;
    *listeners = (struct listeners){.count = 0};
}

/* Takes the descriptors, unless it fails. */
static int server_new(eddy_loop *loop, struct listeners *listeners,
                      const eddy_server_options *options, eddy_server **out) {
    size_t bytes = (size_t)listeners->count * sizeof(struct server_listener);
    const eddy_stream_layer *layer = layer_of(options);
    int port = port_of(listeners->fds[0]);
    eddy_server *server;

    if (port < 0)
        return eddy__fail(port);
    if (layer && !layer->is_server)
        return eddy_raise(-EINVAL, "a server needs a TLS context for servers");
    server = eddy__zalloc(sizeof(*server) + bytes);
    if (!server)
        return eddy__fail(-ENOMEM);
    server->loop = eddy_loop_ref(loop);
    server->refs = 1;
    list_init(&server->clients);
    server->port = port;
    server->options = *options;
    if (layer && layer->ref)
        layer->ref(layer);
    server_take(server, listeners);
    *out = server;
    return 0;
}

void eddy__server_free(eddy_server *server) {
    const eddy_stream_layer *layer = layer_of(&server->options);

    if (layer && layer->unref)
        layer->unref(layer);
    eddy_loop_unref(server->loop);
    eddy__free(server);
}

static int backlog_of(const eddy_server_options *options) {
    return options->backlog > 0 ? options->backlog : BACKLOG_DEFAULT;
}

/* Those that listen already stay as they are, unless their queue is to be another. */
static bool listens_well(int fd, const eddy_server_options *options) {
    return options->backlog <= 0 && eddy__os_get_option(fd, SOL_SOCKET, SO_ACCEPTCONN) > 0;
}

int eddy__server_listen(eddy_server *server) {
    for (int i = 0; i < server->listeners_count; i++) {
        const struct server_listener *listener = &server->listeners[i];
        int r = 0;

        if (!listens_well(listener->fd, &server->options))
            r = eddy__os_listen(listener->fd, backlog_of(&server->options));
        if (r < 0)
            return eddy_raise(r, "cannot listen on %s: %s", listener->address, eddy_error_text(r));
    }
    server->is_serving = true;
    return 0;
}

/* Takes the descriptors, also when it fails. */
static int server_start(struct eddy__task *task, struct listeners *listeners,
                        eddy_connection_fn *fn, void *arg, const eddy_server_options *options,
                        eddy_server **out) {
    eddy_server *server = NULL;
    int r = server_new(task->future.loop, listeners, options, &server);

    if (r < 0) {
        listeners_close(listeners);
        return r;
    }
    server->fn = fn;
    server->arg = arg;
    if (!options->start_later)
        r = eddy__server_listen(server);
    if (r < 0) {
        eddy__server_stop_accepting(server);
        eddy__server_unref(server);
        return r;
    }
    eddy__server_accept(server);
    *out = server;
    return 0;
}

static eddy_server_options options_of(const eddy_server_options *given, size_t given_size) {
    eddy_server_options options = {0};

    if (given)
        memcpy(&options, given, MIN(given_size, sizeof(options)));
    return options;
}

static struct eddy__listen_options listen_options_of(const eddy_server_options *options) {
    return (struct eddy__listen_options){
        .backlog = options->start_later ? 0 : backlog_of(options),
        .family = options->family,
        .reuse_port = options->reuse_port || options->shared_port,
        .no_reuse = options->no_reuse_address,
        .is_dual_stack = options->dual_stack,
        .socket = {.nagle = options->nagle,
                   .keep_alive = options->keep_alive,
                   .idle_seconds = options->keep_alive_idle_seconds,
                   .interval_seconds = options->keep_alive_interval_seconds,
                   .probes = options->keep_alive_probes,
                   .send_buffer_bytes = options->send_buffer_bytes,
                   .receive_buffer_bytes = options->receive_buffer_bytes},
    };
}

/* --- hosts ------------------------------------------------------------------------------------ */

/* The addresses of several hosts: for a moment one list, as they are to have one port. */
struct hosts {
    struct eddy__hold hold; /* while they are looked up: the loop may be closed over that */
    struct addrinfo *lists[HOSTS_MAX];
    int count;
};

static void hosts_free(struct hosts *hosts) {
    while (hosts->count > 0)
        eddy__addresses_free(hosts->lists[--hosts->count]);
}

static void hosts_dropped(struct eddy__hold *hold) {
    hosts_free(container_of(hold, struct hosts, hold));
}

/* Suspends. */
static int hosts_add(struct hosts *hosts, struct eddy__task *task, const char *host,
                     const char *port, int family) {
    const struct addrinfo hints = {.ai_family = family,
                                   .ai_flags = AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_protocol = IPPROTO_TCP};
    struct addrinfo *list;
    int r;

    if (hosts->count == HOSTS_MAX)
        return eddy_raise(-EINVAL, "a server listens on %d hosts at most", HOSTS_MAX);
    r = eddy__resolve_hints(task, host, port ? port : "", &hints, &list);
    if (r == 0)
        hosts->lists[hosts->count++] = list;
    return r;
}

/* Suspends. */
static int hosts_resolve(struct hosts *hosts, struct eddy__task *task, const char *host,
                         const char *port, const eddy_server_options *options) {
    int r;

    eddy__hold_begin(&hosts->hold, task, "eddy_start_server", hosts_dropped);
    r = hosts_add(hosts, task, host, port, options->family);
    for (const char *const *more = options->hosts; r == 0 && more && *more; more++)
        r = hosts_add(hosts, task, *more, port, options->family);
    eddy__hold_end(&hosts->hold);
    return r;
}

static struct addrinfo *last_of(struct addrinfo *list) {
    while (list->ai_next)
        list = list->ai_next;
    return list;
}

/* From the last to the first: the end of each is its own until then. */
static void hosts_chain(struct hosts *hosts) {
    for (int i = hosts->count - 1; i > 0; i--)
        last_of(hosts->lists[i - 1])->ai_next = hosts->lists[i];
}

static void hosts_unchain(struct hosts *hosts) {
    for (int i = 1; i < hosts->count; i++) {
        struct addrinfo *last = hosts->lists[i - 1];
        while (last->ai_next != hosts->lists[i])
            last = last->ai_next;
        last->ai_next = NULL;
    }
}

/* --- listening -------------------------------------------------------------------------------- */

/* Returns the port of the first. */
static int listen_with(const struct addrinfo *addresses, const eddy_server_options *options,
                       struct listeners *listeners, char *failed) {
    const struct eddy__listen_options how = listen_options_of(options);
    int r = eddy__listen(addresses, &how, listeners->fds, failed);

    if (r < 0)
        return r;
    listeners->count = r;
    r = port_of(listeners->fds[0]);
    if (r < 0)
        listeners_close(listeners);
    return r;
}

/* "0" becomes this number. */
static void addresses_set_port(struct addrinfo *addresses, int port) {
    for (struct addrinfo *info = addresses; info && port > 0; info = info->ai_next)
        if (eddy__address_port(info->ai_addr) == 0)
            eddy__address_set_port(info->ai_addr, port);
}

/* Servers of several threads agree on a port: the first one's. Who finds that another was faster
 * begins again, with that number. */
static int listen_shared(struct addrinfo *addresses, const eddy_server_options *options,
                         struct listeners *listeners, char *failed) {
    int known = __atomic_load_n(options->shared_port, __ATOMIC_RELAXED), port;

    addresses_set_port(addresses, known);
    port = listen_with(addresses, options, listeners, failed);
    if (port < 0 || known > 0 ||
        __atomic_compare_exchange_n(options->shared_port, &known, port, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED))
        return port;
    listeners_close(listeners);
    addresses_set_port(addresses, known);
    return listen_with(addresses, options, listeners, failed);
}

static int listen_on_hosts(struct hosts *hosts, const eddy_server_options *options,
                           struct listeners *listeners) {
    char failed[ADDRESS_TEXT_BYTES];
    int r;

    hosts_chain(hosts);
    r = options->shared_port ? listen_shared(hosts->lists[0], options, listeners, failed)
                             : listen_with(hosts->lists[0], options, listeners, failed);
    hosts_unchain(hosts);
    return r < 0 ? eddy_raise(r, "cannot listen on %s: %s", failed, eddy_error_text(r)) : 0;
}

int eddy_start_server_sized(eddy_connection_fn *fn, void *arg, const char *host, const char *port,
                            const eddy_server_options *given, size_t given_size,
                            eddy_server **out) {
    CLEANUP(hosts_free) struct hosts hosts = {.count = 0};
    eddy_server_options options = options_of(given, given_size);
    struct listeners listeners = {.count = 0};
    struct eddy__task *task;
    int r = eddy__checkpoint(NULL, &task);

    if (r == 0)
        r = hosts_resolve(&hosts, task, host, port, &options);
    if (r == 0)
        r = listen_on_hosts(&hosts, &options, &listeners);
    return r < 0 ? r : server_start(task, &listeners, fn, arg, &options, out);
}

/* --- a Unix socket ---------------------------------------------------------------------------- */

static int path_raise(int code, const char *path) {
    if (code == -ENAMETOOLONG || code == -EINVAL)
        return eddy__unix_raise(code, path);
    return eddy_raise(code, "cannot listen on unix:%s: %s", path, eddy_error_text(code));
}

int eddy_start_unix_server_sized(eddy_connection_fn *fn, void *arg, const char *path,
                                 const eddy_server_options *given, size_t given_size,
                                 eddy_server **out) {
    eddy_server_options options = options_of(given, given_size);
    const struct eddy__listen_options how = listen_options_of(&options);
    struct listeners listeners = {.count = 0};
    struct eddy__task *task;
    int r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    r = eddy__unix_listen(path, options.mode, &how, &listeners.file);
    if (r < 0)
        return path_raise(r, path);
    listeners.fds[listeners.count++] = r;
    return server_start(task, &listeners, fn, arg, &options, out);
}

/* --- sockets of the user's own ---------------------------------------------------------------- */

static int socket_adopt(int fd, const struct eddy__socket_options *options) {
    int r = eddy__os_get_option(fd, SOL_SOCKET, SO_TYPE);

    if (r >= 0)
        r = r == SOCK_STREAM ? eddy__os_set_nonblocking(fd) : -EPROTOTYPE;
    if (r == 0)
        r = eddy__os_set_close_on_exec(fd);
    if (r == 0)
        r = eddy__socket_tell(fd, options);
    return r < 0 ? eddy_raise(r, "descriptor %d cannot be listened on: %s", fd, eddy_error_text(r))
                 : 0;
}

static int sockets_adopt(const struct listeners *listeners, const eddy_server_options *options) {
    const struct eddy__listen_options how = listen_options_of(options);
    int r = 0;

    for (int i = 0; i < listeners->count && r == 0; i++)
        r = socket_adopt(listeners->fds[i], &how.socket);
    return r;
}

static void close_each(const int fds[], int count) {
    for (int i = 0; i < count; i++)
        eddy__os_close(fds[i]);
}

int eddy_start_server_on_sized(eddy_connection_fn *fn, void *arg, const int fds[], int count,
                               const eddy_server_options *given, size_t given_size,
                               eddy_server **out) {
    eddy_server_options options = options_of(given, given_size);
    struct listeners listeners = {.count = count};
    struct eddy__task *task;
    int r = eddy__checkpoint(NULL, &task);

    if (r == 0 && (count < 1 || count > LISTEN_MAX))
        r = eddy_raise(-EINVAL, "a server has 1 to %d sockets: not %d", LISTEN_MAX, count);
    if (r < 0) {
        close_each(fds, count);
        return r;
    }
    memcpy(listeners.fds, fds, (size_t)count * sizeof(*fds));
    r = sockets_adopt(&listeners, &options);
    if (r < 0) {
        listeners_close(&listeners);
        return r;
    }
    return server_start(task, &listeners, fn, arg, &options, out);
}

#define INHERITED_FIRST 3 /* behind the standard ones: sd_listen_fds(3) */

/* A number of the environment; -1: there is none. */
static long number_of(const char *variable) {
    const char *text = getenv(variable);
    char *end;
    long number = text ? strtol(text, &end, 10) : -1;

    return text && *text && *end == '\0' ? number : -1;
}

int eddy_inherited_sockets(int fds[], int capacity) {
    long count = number_of("LISTEN_FDS");
    int found = 0;

    if (number_of("LISTEN_PID") != getpid() || count < 0 || count > 1 << 20)
        return 0;
    for (int fd = INHERITED_FIRST; fd < INHERITED_FIRST + (int)count; fd++) {
        if (!eddy__os_is_open(fd))
            continue;
        eddy__os_set_close_on_exec(fd);
        if (found < capacity)
            fds[found] = fd;
        found++;
    }
    return found;
}
