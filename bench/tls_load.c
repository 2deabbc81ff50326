/* SPDX-License-Identifier: MIT
 * tls_load.c - the load of the rows of TLS: messages on connections, hand-shakes, idle connections.
 *
 * A closed loop on epoll: each connection has one message, or one hand-shake, on its way. The
 * messages are lines that read the same backwards, so that `openssl s_server -rev` is an echo
 * server, too.
 * usage: tls_load PORT CONNECTIONS BYTES MILLISECONDS PID-OF-THE-SERVER     messages
 *        tls_load PORT CONNECTIONS shake|resume MILLISECONDS PID            hand-shakes
 *        tls_load PORT CONNECTIONS idle 0 PID                               memory of each */
#include "echo.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define EVENTS_MAX    256
#define WARM_UP_SHARE 4 /* of the time measured, before it */
#define NS_PER_MS     INT64_C(1000000)

struct connection {
    SSL *ssl;
    int fd;
    size_t sent, received; /* of the message */
    char *answer;
};

static int epoll_fd;
static struct connection *connections;
static SSL_CTX *context;
static long port;
static const char *what;
static size_t message_bytes; /* 0: hand-shakes */
static char *message;
static SSL_SESSION *session; /* to resume */
static int64_t done;
static bool is_idle; /* one message, then nothing */

static void connection_open(struct connection *connection) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};

    connection->fd = echo_connect(port);
    fcntl(connection->fd, F_SETFL, O_NONBLOCK);
    connection->ssl = SSL_new(context);
    bench_require(connection->ssl && SSL_set_fd(connection->ssl, connection->fd) ? 0 : -ENOMEM,
                  "SSL");
    if (session)
        SSL_set_session(connection->ssl, session);
    SSL_set_connect_state(connection->ssl);
    connection->sent = connection->received = 0;
    bench_require(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) < 0 ? -errno : 0,
                  "epoll_ctl");
}

static void connection_close(struct connection *connection) {
    SSL_shutdown(connection->ssl);
    SSL_free(connection->ssl);
    close(connection->fd);
}

/* Not done yet: it waits for the next edge. */
static bool waits(const struct connection *connection, int result) {
    int error = SSL_get_error(connection->ssl, result);

    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        bench_require(-ECONNRESET, "the connection");
    return true;
}

static bool write_message(struct connection *connection) {
    size_t n;

    if (connection->sent == message_bytes)
        return true;
    if (!SSL_write_ex(connection->ssl, message, message_bytes, &n))
        return !waits(connection, 0);
    connection->sent = message_bytes;
    return true;
}

static bool read_answer(struct connection *connection) {
    size_t n;

    while (connection->received < message_bytes) {
        if (!SSL_read_ex(connection->ssl, connection->answer + connection->received,
                         message_bytes - connection->received, &n))
            return !waits(connection, 0);
        connection->received += n;
    }
    return true;
}

static void talk(struct connection *connection) {
    while (write_message(connection) && read_answer(connection)) {
        bench_require(memcmp(connection->answer, message, message_bytes) ? -EBADMSG : 0,
                      "what came back is not what was sent");
        connection->sent = connection->received = 0;
        done++;
        if (is_idle)
            return;
    }
}

static void shake(struct connection *connection) {
    int r = SSL_do_handshake(connection->ssl);

    if (r != 1) {
        waits(connection, r);
        return;
    }
    if (session && !SSL_session_reused(connection->ssl))
        bench_require(-EBADMSG, "the session was not resumed");
    connection_close(connection);
    connection_open(connection);
    done++;
}

static void turn(void) {
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);

    ERR_clear_error();
    for (int i = 0; i < count; i++)
        (message_bytes ? talk : shake)(events[i].data.ptr);
}

/* --- setting up ------------------------------------------------------------------------------- */

static int keep_session(SSL *ssl, SSL_SESSION *fresh) {
    (void)ssl;
    SSL_SESSION_free(session);
    session = fresh;
    return 1;
}

static void context_open(void) {
    context = SSL_CTX_new(TLS_client_method());
    bench_require(context ? 0 : -ENOMEM, "SSL_CTX");
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
}

/* One connection that talks gets a ticket. */
static void session_get(void) {
    struct connection connection = {.answer = malloc(64)};
    char line[] = "abba\n";
    size_t n;

    SSL_CTX_sess_set_new_cb(context, keep_session);
    connection.fd = echo_connect(port);
    connection.ssl = SSL_new(context);
    SSL_set_fd(connection.ssl, connection.fd);
    bench_require(SSL_connect(connection.ssl) == 1 ? 0 : -ECONNRESET, "the hand-shake");
    SSL_write_ex(connection.ssl, line, 5, &n);
    SSL_read_ex(connection.ssl, connection.answer, 64, &n);
    connection_close(&connection);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* it is used again and again */
    bench_require(session ? 0 : -ENOENT, "a session");
}

static void message_make(size_t size) {
    message_bytes = size;
    message = malloc(size);
    bench_require(message ? 0 : -ENOMEM, "message");
    memset(message, 'a', size);
    message[size - 1] = '\n';
}

static int64_t server_ns(clockid_t clock) {
    struct timespec time;

    bench_require(clock_gettime(clock, &time) < 0 ? -errno : 0, "the server's CPU clock");
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void run_for(int64_t ms) {
    for (int64_t end = bench_now_ns() + ms * NS_PER_MS; bench_now_ns() < end;)
        turn();
}

static void measure(long count, long ms, clockid_t clock) {
    char row[64];

    run_for(ms / WARM_UP_SHARE);
    done = 0;
    int64_t start = bench_now_ns(), used = server_ns(clock);
    run_for(ms);
    used = server_ns(clock) - used;
    int64_t wall = bench_now_ns() - start;

    snprintf(row, sizeof(row), "tls-%sx%ld", what, count);
    printf("{\"row\": \"%s\", \"value\": %.1f, \"unit\": \"1/s\", \"server_busy\": %.3f}\n", row,
           (double)done * 1e9 / (double)wall, (double)used / (double)wall);
    snprintf(row, sizeof(row), "tls-%sx%ld-cpu", what, count);
    bench_report(row, (double)used / (double)(done ? done : 1), "ns");
}

/* Hands are shaken, a message has gone there and back, and then nothing. */
static void measure_idle(long count, pid_t server) {
    struct bench_memory before = bench_memory_of(server);

    is_idle = true;
    message_make(64);
    for (long i = 0; i < count + count / 10; i++) {
        if (i == count / 10) /* the first warm the server up */
            before = bench_memory_of(server);
        connections[i].answer = malloc(64);
        connection_open(&connections[i]);
        for (int64_t had = done; done == had;)
            turn();
        epoll_ctl(epoll_fd, EPOLL_CTL_DEL, connections[i].fd, NULL);
    }
    bench_sleep(0.5);
    struct bench_memory after = bench_memory_of(server);
    bench_report("tls-idle", (double)(after.resident_bytes - before.resident_bytes) / (double)count,
                 "bytes");
}

int main(int argc, char *argv[]) {
    bench_require(argc == 6 ? 0 : -EINVAL, "usage: tls_load PORT CONNECTIONS WHAT MS PID");
    port = bench_count(argc, argv, 1, 0);
    long count = bench_count(argc, argv, 2, 0);
    what = argv[3];
    long ms = strtol(argv[4], NULL, 10);
    pid_t server = (pid_t)bench_count(argc, argv, 5, 0);
    clockid_t clock;

    echo_raise_descriptor_limit();
    bench_require(-clock_getcpuclockid(server, &clock), "the server's CPU clock");
    context_open();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    connections = calloc((size_t)count * 2 + 1, sizeof(*connections));
    bench_require(connections ? 0 : -ENOMEM, "connections");
    if (strcmp(what, "idle") == 0) {
        measure_idle(count, server);
        return 0;
    }
    if (strcmp(what, "resume") == 0)
        session_get();
    else if (strcmp(what, "shake") != 0)
        message_make((size_t)bench_count(argc, argv, 3, 0));
    for (long i = 0; i < count; i++) {
        connections[i].answer = malloc(message_bytes + 1);
        connection_open(&connections[i]);
    }
    measure(count, ms, clock);
    return 0;
}
