/* SPDX-License-Identifier: MIT
 * rows_io.c - the suspending calls of streams and servers. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <eddy/ext/stream.h>

#include "../io/net.h"
#include "name.h"
#include "row.h"

enum { MUCH = 8 << 20 }; /* more than the kernel takes at once */

/* --- reading ---------------------------------------------------------------------------------- */

static void open_stream(struct scene *scene) {
    struct pair pair;

    pair_open(&pair, &(eddy_connect_options){.high_water_bytes = 1});
    scene->stream = pair.stream;
    scene->peer = pair.peer;
}

static void close_stream(struct scene *scene) {
    if (scene->peer >= 0 && eddy_running_loop())
        eddy_remove_reader(NULL, scene->peer);
    scene->stream = eddy_stream_close(scene->stream);
    plain_close(&scene->peer);
}

static void send_line(struct scene *scene) {
    peer_send(scene->peer, "abc\n");
}

/* A line, or what a failed call must leave alone. */
static int read_slice(ssize_t r, eddy_slice slice) {
    if (r < 0) {
        ASSERT_NULL(slice.data);
        return (int)r;
    }
    ASSERT_SLICE_EQ(slice, "abc\n");
    return 0;
}

static int read_buffer(struct scene *scene, ssize_t r) {
    if (r < 0)
        return (int)r;
    ASSERT_INT_EQ(r, 4);
    ASSERT_MEM_EQ(scene->lent, "abc\n", 4);
    return 0;
}

static int reads(struct scene *scene) {
    return read_buffer(scene, eddy_stream_read(scene->stream, scene->lent, sizeof(scene->lent)));
}

static int reads_exactly(struct scene *scene) {
    return read_buffer(scene, eddy_stream_read_exactly(scene->stream, scene->lent, 4));
}

static int reads_some(struct scene *scene) {
    eddy_slice slice = {0};
    ssize_t r = eddy_stream_read_some(scene->stream, &slice);

    return read_slice(r, slice);
}

static int awaits_input(struct scene *scene) {
    return eddy_stream_await_input(scene->stream);
}

static int reads_until(struct scene *scene) {
    eddy_slice slice = {0};
    ssize_t r = eddy_stream_read_until(scene->stream, "c\n", &slice);

    return read_slice(r, slice);
}

static int reads_until_any(struct scene *scene) {
    static const eddy_slice separators[] = {{"c\n", 2}, {"--", 2}};
    eddy_slice slice = {0};
    ssize_t r = eddy_stream_read_until_any(scene->stream, separators, 2, &slice);

    return read_slice(r, slice);
}

static int reads_line(struct scene *scene) {
    eddy_slice slice = {0};
    ssize_t r = eddy_stream_read_line(scene->stream, &slice);

    return read_slice(r, slice);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void open_full_stream(struct scene *scene) {
    char *much = calloc(1, MUCH);

    open_stream(scene);
    ASSERT_OK(eddy_stream_write(scene->stream, much, MUCH));
    free(much);
}

static void drain_peer(void *arg) {
    static char bytes[1 << 20];
    const struct scene *scene = arg;

    while (recv(scene->peer, bytes, sizeof(bytes), MSG_DONTWAIT) == sizeof(bytes))
        continue;
}

/* From now on the peer reads whatever comes. */
static void let_peer_read(struct scene *scene) {
    ASSERT_OK(eddy_add_reader(NULL, scene->peer, drain_peer, scene));
}

static int writes(struct scene *scene) {
    return eddy_stream_write(scene->stream, "x", 1);
}

static int writes_lines(struct scene *scene) {
    static const eddy_slice pieces[] = {{"x", 1}, {"y", 1}};

    return eddy_stream_writelines(scene->stream, pieces, 2);
}

static int drains(struct scene *scene) {
    return eddy_stream_drain(scene->stream);
}

static int awaits_output(struct scene *scene) {
    return eddy_stream_await_output(scene->stream, 0);
}

static int flushes(struct scene *scene) {
    return eddy_stream_flush(scene->stream);
}

static int writes_eof(struct scene *scene) {
    return eddy_stream_write_eof(scene->stream);
}

static int any_file;

__attribute__((constructor)) static void open_any_file(void) {
    any_file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static int sends_file(struct scene *scene) {
    ssize_t r = eddy_stream_send_file(scene->stream, any_file, &(off_t){0}, 1);

    ASSERT(r < 0 || r == 1);
    return r < 0 ? (int)r : 0;
}

/* --- names ------------------------------------------------------------------------------------ */

/* A look-up is held until its scene lets it go, or ends: each scene has a number. */
static atomic_int scenes, released;

void wait_while_held(void) {
    int scene = atomic_load(&scenes);

    while (atomic_load(&released) < scene)
        usleep(100);
}

static int resolve_held(const char *host, const char *port, const struct addrinfo *hints,
                        struct addrinfo **out) {
    (void)host;
    wait_while_held();
    return getaddrinfo("127.0.0.1", port, hints, out);
}

__attribute__((constructor)) static void hold_all_names(void) {
    eddy__resolver = resolve_held;
}

void hold_names(struct scene *scene) {
    struct plain_listener listener;

    plain_listen(&listener, 10);
    scene->listener = listener.fd;
    snprintf(scene->lent, sizeof(scene->lent), "%s", listener.port);
    atomic_fetch_add(&scenes, 1);
}

void release_names(struct scene *scene) {
    (void)scene;
    atomic_store(&released, atomic_load(&scenes));
}

void drop_names(struct scene *scene) {
    release_names(scene);
    plain_close(&scene->listener);
}

int held_port(const struct scene *scene) {
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);

    ASSERT_INT_EQ(getsockname(scene->listener, (struct sockaddr *)&address, &size), 0);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

/* Of each scene another: the same question, asked again at once, has the answer of the first. */
const char *held_name(void) {
    static char name[32];

    snprintf(name, sizeof(name), "held%d.test", atomic_load(&scenes));
    return name;
}

static int opens_connection(struct scene *scene) {
    eddy_stream *stream = NULL;
    char port[8];

    snprintf(port, sizeof(port), "%d", held_port(scene));
    int r = eddy_open_connection(held_name(), port, NULL, &stream);
    ASSERT((r == 0) == (stream != NULL));
    eddy_stream_close(stream);
    return r;
}

static int serve_nothing(eddy_stream *stream, void *arg) {
    (void)stream, (void)arg;
    return 0;
}

static int starts_server(struct scene *scene) {
    eddy_server *server = NULL;
    int r = eddy_start_server(serve_nothing, scene, held_name(), "0", NULL, &server);

    ASSERT((r == 0) == (server != NULL));
    eddy_server_close(server);
    return r;
}

/* --- Unix sockets, and sockets of one's own --------------------------------------------------- */

/* A listener whose queue is full: the call waits for room. */
static void fill_queue(struct scene *scene) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(address);

    scene->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_INT_EQ(bind(scene->listener, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
    ASSERT_INT_EQ(listen(scene->listener, 0), 0);
    ASSERT_INT_EQ(getsockname(scene->listener, (struct sockaddr *)&address, &size), 0);
    scene->peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_INT_EQ(connect(scene->peer, (struct sockaddr *)&address, size), 0);
}

static void make_room(struct scene *scene) {
    int fd = accept(scene->listener, NULL, NULL);

    plain_close(&fd);
}

static void drop_queue(struct scene *scene) {
    plain_close(&scene->peer);
    plain_close(&scene->listener);
}

static int opens_unix_connection(struct scene *scene) {
    struct sockaddr_un address;
    socklen_t size = sizeof(address);
    eddy_stream *stream = NULL;
    char name[16];

    ASSERT_INT_EQ(getsockname(scene->listener, (struct sockaddr *)&address, &size), 0);
    snprintf(name, sizeof(name), "@%.5s", address.sun_path + 1);
    int r = eddy_open_unix_connection(name, NULL, &stream);
    ASSERT((r == 0) == (stream != NULL));
    eddy_stream_close(stream);
    return r;
}

static void need_nothing(struct scene *scene) {
    (void)scene;
}

static int starts_unix_server(struct scene *scene) {
    eddy_server *server = NULL;
    int r = eddy_start_unix_server(serve_nothing, scene, "@", NULL, &server);

    ASSERT((r == 0) == (server != NULL));
    eddy_server_close(server);
    return r;
}

static int starts_server_on(struct scene *scene) {
    struct plain_listener listener;
    eddy_server *server = NULL;
    int r;

    plain_listen(&listener, 1);
    r = eddy_start_server_on(serve_nothing, scene, &listener.fd, 1, NULL, &server);
    ASSERT((r == 0) == (server != NULL));
    eddy_server_close(server);
    return r;
}

static int takes_fd(struct scene *scene) {
    eddy_stream *stream = NULL;
    int fds[2], r;

    (void)scene;
    ASSERT_INT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    r = eddy_stream_from_fd(fds[0], NULL, &stream);
    ASSERT((r == 0) == (stream != NULL));
    eddy_stream_close(stream);
    plain_close(&fds[1]);
    return r;
}

static int creates_endpoint(struct scene *scene) {
    const eddy_datagram_options options = {.remote_host = "held.test", .remote_port = "9"};
    eddy_datagram_endpoint *endpoint = NULL;
    int r = eddy_create_datagram_endpoint(&options, &endpoint);

    (void)scene;
    ASSERT((r == 0) == (endpoint != NULL));
    eddy_datagram_close(endpoint);
    return r;
}

/* --- servers ---------------------------------------------------------------------------------- */

static int wait_for_event(eddy_stream *stream, void *scene) {
    (void)stream;
    return eddy_event_wait(&((struct scene *)scene)->event);
}

/* With a client. */
static void start_server(struct scene *scene) {
    char port[8];

    ASSERT_OK(eddy_start_server(wait_for_event, scene, "127.0.0.1", "0", NULL, &scene->server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(scene->server));
    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &scene->stream));
    while (eddy_server_clients(scene->server) == 0)
        let_run();
}

static void end_client(struct scene *scene) {
    eddy_event_set(&scene->event);
}

/* Whoever waits for the server has taken it. */
static void drop_server(struct scene *scene) {
    scene->stream = eddy_stream_close(scene->stream);
    if (scene->server)
        eddy_server_cancel_clients(scene->server);
    eddy_server_close(scene->server);
}

static int closes_server(struct scene *scene) {
    return eddy_server_close(TAKE_POINTER(scene->server));
}

static int serves_forever(struct scene *scene) {
    return eddy_server_serve_forever(TAKE_POINTER(scene->server));
}

const struct row io_rows[] = {
    {"eddy_stream_read", reads, send_line, open_stream, close_stream, LATCHES | RACES},
    {"eddy_stream_read_some", reads_some, send_line, open_stream, close_stream, LATCHES | RACES},
    {"eddy_stream_read_exactly", reads_exactly, send_line, open_stream, close_stream,
     LATCHES | RACES},
    {"eddy_stream_read_until", reads_until, send_line, open_stream, close_stream, LATCHES | RACES},
    {"eddy_stream_read_until_any", reads_until_any, send_line, open_stream, close_stream,
     LATCHES | RACES},
    {"eddy_stream_await_input", awaits_input, send_line, open_stream, close_stream,
     LATCHES | RACES},
    {"eddy_stream_read_line", reads_line, send_line, open_stream, close_stream, LATCHES | RACES},
    {"eddy_stream_write", writes, let_peer_read, open_full_stream, close_stream, LATCHES | RACES},
    {"eddy_stream_writelines", writes_lines, let_peer_read, open_full_stream, close_stream,
     LATCHES | RACES},
    {"eddy_stream_drain", drains, let_peer_read, open_full_stream, close_stream, LATCHES | RACES},
    {"eddy_stream_await_output", awaits_output, let_peer_read, open_full_stream, close_stream,
     LATCHES | RACES},
    {"eddy_stream_flush", flushes, let_peer_read, open_full_stream, close_stream, LATCHES | RACES},
    {"eddy_stream_write_eof", writes_eof, let_peer_read, open_full_stream, close_stream,
     LATCHES | RACES},
    {"eddy_stream_send_file", sends_file, let_peer_read, open_full_stream, close_stream,
     LATCHES | RACES},
    {"eddy_open_connection", opens_connection, release_names, hold_names, drop_names,
     LATCHES | THREAD},
    {"eddy_open_unix_connection", opens_unix_connection, make_room, fill_queue, drop_queue,
     LATCHES | THREAD},
    {"eddy_stream_from_fd", takes_fd, NULL, need_nothing, need_nothing, BRIEF},
    {"eddy_start_unix_server", starts_unix_server, NULL, need_nothing, need_nothing, BRIEF},
    {"eddy_start_server_on", starts_server_on, NULL, need_nothing, need_nothing, BRIEF},
    {"eddy_start_server", starts_server, release_names, hold_names, drop_names, LATCHES | THREAD},
    {"eddy_create_datagram_endpoint", creates_endpoint, release_names, hold_names, drop_names,
     LATCHES | THREAD},
    {"eddy_server_close", closes_server, end_client, start_server, drop_server, TAKES},
    {"eddy_server_serve_forever", serves_forever, NULL, start_server, drop_server, TAKES | NEVER},
    {NULL},
};
