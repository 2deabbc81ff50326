/* SPDX-License-Identifier: MIT
 * scenario_connect.c - the ways to a stream: Unix sockets, several addresses, sockets of one's own.
 */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "name.h"
#include "scenario.h"
#include "test.h"
#include "util.h"

static void stream_closep(eddy_stream **stream) {
    eddy_stream_close(*stream);
}

static int answer(eddy_stream *stream, void *arg) {
    eddy_slice line;
    ssize_t n = eddy_stream_read_line(stream, &line);

    (void)arg;
    return n <= 0 ? (int)n : eddy_stream_write(stream, line.data, line.size);
}

static int ask(eddy_stream *stream) {
    eddy_slice line;
    ssize_t n = eddy_stream_write(stream, "hello\n", 6);

    if (n == 0)
        n = eddy_stream_read_line(stream, &line);
    if (n < 0)
        return (int)n;
    return n == 6 ? 0 : EDDY_EINCOMPLETE;
}

static int end(eddy_server *server, int r) {
    eddy_server_close_clients(server);
    eddy_server_cancel_clients(server);
    return first_of(r, eddy_server_close(server));
}

/* --- a path ----------------------------------------------------------------------------------- */

static char path[64];

/* A server that crashed has left its socket: plain calls, which no failure meets. */
static void leave_stale_socket(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(path, sizeof(path), "/tmp/eddy-sweep-%d", (int)getpid());
    memcpy(address.sun_path, path, strlen(path));
    (void)bind(fd, (struct sockaddr *)&address, sizeof(address));
    close(fd);
}

static int talk_by_path(void *unused) {
    CLEANUP(stream_closep) eddy_stream *stream = NULL;
    eddy_server_options options = {.mode = 0600};
    eddy_server *server;
    int r = eddy_start_unix_server(answer, NULL, path, &options, &server);

    (void)unused;
    if (r < 0)
        return r;
    r = eddy_open_unix_connection(path, NULL, &stream);
    if (r == 0)
        r = ask(stream);
    return end(server, r);
}

int scenario_unix(void) {
    int r;

    leave_stale_socket();
    r = scenario_run(EDDY_CLOCK_MONOTONIC, talk_by_path, NULL);
    unlink(path);
    return r;
}

/* --- addresses -------------------------------------------------------------------------------- */

/* Nobody listens at the first. */
static int resolve_two(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **out) {
    int r = getaddrinfo("127.0.0.1", "1", hints, out);

    (void)host;
    if (r == 0)
        r = getaddrinfo("127.0.0.1", port, hints, &(*out)->ai_next);
    if (r != 0 && *out) {
        freeaddrinfo(*out);
        *out = NULL; /* whoever asked would free it, too */
    }
    return r;
}

/* The server's socket is the user's own. */
static int socket_of_ones_own(char name[8]) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, size) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        int code = -errno;
        close(fd);
        return code;
    }
    snprintf(name, 8, "%d", ntohs(address.sin_port));
    return fd;
}

static int talk_to_one_of(const char *port) {
    CLEANUP(stream_closep) eddy_stream *stream = NULL;
    eddy_connect_options options = {.happy_eyeballs_seconds = 0.001,
                                    .local_host = "127.0.0.1",
                                    .keep_alive = true,
                                    .keep_alive_idle_seconds = 10,
                                    .send_buffer_bytes = 20000};
    int r = eddy_open_connection("two.test", port, &options, &stream);

    return r < 0 ? r : ask(stream);
}

static int talk_by_addresses(void *unused) {
    eddy_server *server;
    char port[8];
    int fd = socket_of_ones_own(port), r;

    (void)unused;
    if (fd < 0)
        return fd;
    r = eddy_start_server_on(answer, NULL, &fd, 1, NULL, &server);
    return r < 0 ? r : end(server, talk_to_one_of(port));
}

int scenario_addresses(void) {
    int r;

    eddy__resolver = resolve_two;
    r = scenario_run(EDDY_CLOCK_MONOTONIC, talk_by_addresses, NULL);
    eddy__resolver = getaddrinfo;
    return r;
}
