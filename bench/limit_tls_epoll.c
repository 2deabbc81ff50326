/* SPDX-License-Identifier: MIT
 * limit_tls_epoll.c - the limit of an echo server over TLS: OpenSSL on the socket itself, and
 * epoll.
 *
 * One write at a time: an answer that the socket does not take whole stops its connection until it
 * has gone, which the load never brings about. The same ciphers and habits as eddy's.
 * usage: limit_tls_epoll [FILE with certificate and key]. Beside it: eddy_tls.c. */
#include "echo.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "tls_certificate.h"

#define EVENTS_MAX 256

struct connection {
    SSL *ssl;
    int fd;
    size_t unsent; /* of what `buffer` had: kept by the connection */
    char *kept;
};

static int epoll_fd, listener;
static SSL_CTX *context;
static char buffer[ECHO_BUFFER_BYTES];

static void watch(int fd, void *what) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = what};

    bench_require(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0, "epoll_ctl");
}

static void accept_all(void) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
        if (fd < 0)
            return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        struct connection *connection = calloc(1, sizeof(*connection));
        bench_require(connection ? 0 : -ENOMEM, "connection");
        connection->fd = fd;
        connection->ssl = SSL_new(context);
        bench_require(connection->ssl && SSL_set_fd(connection->ssl, fd) ? 0 : -ENOMEM, "SSL");
        SSL_set_app_data(connection->ssl, connection);
        SSL_set_accept_state(connection->ssl);
        watch(fd, connection);
    }
}

static void connection_close(struct connection *connection) {
    SSL_free(connection->ssl);
    close(connection->fd);
    free(connection->kept);
    free(connection);
}

/* Whether an operation that has failed may be tried again at the next edge. */
static bool may_go_on(const struct connection *connection) {
    int error = SSL_get_error(connection->ssl, -1);

    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* False: it waits, or is over. */
static bool send_kept(struct connection *connection) {
    size_t written;

    if (!connection->kept)
        return true;
    ERR_clear_error();
    if (!SSL_write_ex(connection->ssl, connection->kept, connection->unsent, &written))
        return false;
    free(connection->kept);
    connection->kept = NULL;
    return true;
}

static void keep(struct connection *connection, size_t size) {
    connection->kept = malloc(size);
    bench_require(connection->kept ? 0 : -ENOMEM, "unsent");
    for (size_t i = 0; i < size; i++)
        connection->kept[i] = buffer[i];
    connection->unsent = size;
}

/* False: the connection has ended. */
static bool echo(struct connection *connection) {
    size_t size, written;

    if (!send_kept(connection))
        return may_go_on(connection);
    for (;;) {
        ERR_clear_error();
        if (!SSL_read_ex(connection->ssl, buffer, sizeof(buffer), &size))
            return may_go_on(connection);
        if (!SSL_write_ex(connection->ssl, buffer, size, &written)) {
            keep(connection, size);
            return may_go_on(connection);
        }
    }
}

static void context_open(const char *file) {
    BIO *pem = BIO_new_mem_buf(tls_certificate(file), -1);
    X509 *certificate = PEM_read_bio_X509(pem, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, NULL, NULL);

    context = SSL_CTX_new(TLS_server_method());
    bench_require(context ? 0 : -ENOMEM, "SSL_CTX");
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    bench_require(SSL_CTX_use_certificate(context, certificate) == 1 &&
                          SSL_CTX_use_PrivateKey(context, key) == 1
                      ? 0
                      : -EINVAL,
                  "the certificate");
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(pem);
}

int main(int argc, char *argv[]) {
    struct epoll_event events[EVENTS_MAX];
    int port;

    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to whoever has gone */
    echo_raise_descriptor_limit();
    context_open(argc > 1 ? argv[1] : NULL);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    bench_require(epoll_fd < 0 ? -errno : 0, "epoll_create1");
    listener = echo_listen(&port);
    watch(listener, NULL);
    echo_announce(port);

    for (;;) {
        int count = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (!events[i].data.ptr)
                accept_all();
            else if (!echo(events[i].data.ptr))
                connection_close(events[i].data.ptr);
        }
    }
}
