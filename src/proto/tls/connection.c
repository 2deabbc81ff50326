/* SPDX-License-Identifier: MIT
 * connection.c - TLS as a class of streams (see connection.h): what each call of the table does. */
#include "connection.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "bio.h"
#include "failure.h"
#include "util.h"

/* So much of a large write is made into records before the lower stream gets them. */
#define PIECE_BYTES ((size_t)64 << 10)

/* --- input ------------------------------------------------------------------------------------ */

/* What OpenSSL had to say itself goes out: an alert, an answer to a change of keys. Whether the
 * lower stream could take it is the writer's concern. */
static ssize_t connection_take(void *self, void *buffer, size_t size) {
    struct tls_connection *connection = self;
    size_t n = 0;
    int ok;

    if (!connection->is_ready)
        return eddy_raise(-EBUSY, "hands are being shaken: the stream cannot be read yet");
    ERR_clear_error();
    ok = SSL_read_ex(connection->ssl, buffer, size, &n);
    eddy__tls_output_send(connection);
    return ok ? (ssize_t)n : eddy__tls_read_failed(connection);
}

static int connection_await_input(void *self) {
    struct tls_connection *connection = self;

    return eddy_stream_await_input(connection->lower);
}

/* --- output ----------------------------------------------------------------------------------- */

static int write_piece(struct tls_connection *connection, const char *data, size_t size) {
    size_t written;

    if (eddy__tls_output_reserve(connection, size) < 0)
        return -ENOMEM;
    ERR_clear_error();
    if (!SSL_write_ex(connection->ssl, data, size, &written))
        return eddy__tls_write_failed(connection);
    return 0;
}

/* Some of a write is out, and for the rest there is no memory: who writes cannot go on, and must
 * not believe that nothing was taken. */
static int write_broken(void) {
    return eddy_raise(-ENOBUFS, "there was no memory for the rest of what was written: the "
                                "connection cannot go on");
}

/* Records that the lower stream has no memory for stay ours until the next call. */
static int connection_put(void *self, const void *data, size_t size) {
    struct tls_connection *connection = self;
    size_t done = 0;
    int r;

    if (!connection->is_ready)
        return eddy_raise(-EBUSY, "hands are being shaken: the stream cannot be written to yet");
    while (done < size) {
        size_t piece = MIN(size - done, PIECE_BYTES);

        r = write_piece(connection, (const char *)data + done, piece);
        if (r < 0)
            return r == -ENOMEM && done > 0 ? write_broken() : r;
        r = eddy__tls_output_send(connection);
        if (r < 0 && r != -ENOMEM)
            return r;
        done += piece;
    }
    return 0;
}

static int connection_await_output(void *self, size_t unsent) {
    struct tls_connection *connection = self;
    int r = eddy__tls_output_send(connection);

    return r < 0 ? r : eddy_stream_await_output(connection->lower, unsent);
}

/* As await_output() counts them: with what TLS adds. */
static size_t connection_unsent(const void *self) {
    const struct tls_connection *connection = self;

    return connection->lower ? connection->output_size + eddy_stream_unsent(connection->lower) : 0;
}

/* The lower stream's half stays open: TLS says that it has ended, and TCP need not. */
static int connection_put_eof(void *self) {
    struct tls_connection *connection = self;

    ERR_clear_error();
    if (!connection->is_ready || SSL_shutdown(connection->ssl) < 0)
        return eddy__tls_write_failed(connection);
    return eddy__tls_output_send(connection);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Says that this is the end, if that was not said: after a failure OpenSSL has nothing to say. */
static void say_goodbye(struct tls_connection *connection) {
    ERR_clear_error();
    if (connection->is_ready && !(SSL_get_shutdown(connection->ssl) & SSL_SENT_SHUTDOWN))
        SSL_shutdown(connection->ssl);
    ERR_clear_error();
}

static void connection_close(void *self, bool is_abort) {
    struct tls_connection *connection = self;

    if (!connection->lower)
        return; /* it could not be pushed */
    if (connection->has_refused)
        is_abort = false; /* a reset would overtake the alert, and the other end never know why */
    if (!is_abort) {
        say_goodbye(connection);
        is_abort = eddy__tls_output_send(connection) == -ENOMEM;
    }
    if (is_abort)
        connection->lower = eddy_stream_abort(connection->lower);
    else
        connection->lower = eddy_stream_close(connection->lower);
}

static void connection_free(void *self) {
    eddy__tls_connection_free(self);
}

/* --- for people ------------------------------------------------------------------------------- */

static const char *connection_peer(const void *self) {
    const struct tls_connection *connection = self;

    return eddy_stream_peer(connection->lower);
}

static const char *connection_local(const void *self) {
    const struct tls_connection *connection = self;

    return eddy_stream_local(connection->lower);
}

static int connection_fd(const void *self) {
    const struct tls_connection *connection = self;

    return connection->lower ? eddy_stream_fd(connection->lower) : -1;
}

const eddy_stream_class eddy__tls_class = {
    .name = "tls",
    .take = connection_take,
    .await_input = connection_await_input,
    .put = connection_put,
    .await_output = connection_await_output,
    .put_eof = connection_put_eof,
    .close = connection_close,
    .free = connection_free,
    .peer = connection_peer,
    .local = connection_local,
    .fd = connection_fd,
    .unsent = connection_unsent,
};

struct tls_connection *eddy__tls_connection_of(const eddy_stream *stream) {
    return eddy_stream_self(stream, &eddy__tls_class);
}

/* --- life ------------------------------------------------------------------------------------- */

static bool is_address(const char *host) {
    unsigned char bytes[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* "example.org." is example.org: certificates and servers know no last dot. */
static char *host_copy(const char *host) {
    size_t length = strlen(host);

    return strndup(host, length > 1 && host[length - 1] == '.' ? length - 1 : length);
}

/* Names of a certificate's subject are no names of hosts: only its alternative names count. */
static bool expect_host(const struct tls_connection *connection) {
    SSL *ssl = connection->ssl;
    const char *host = connection->host;

    if (is_address(host))
        return !connection->context->checks_host ||
               X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
    if (!SSL_set_tlsext_host_name(ssl, host))
        return false;
    SSL_set_hostflags(ssl,
                      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return !connection->context->checks_host || SSL_set1_host(ssl, host);
}

static int connection_init(struct tls_connection *connection, const char *host) {
    bool is_server = connection->context->layer.is_server;
    BIO *bio;

    connection->ssl = SSL_new(connection->context->ssl_context);
    bio = connection->ssl ? eddy__tls_bio_new(connection) : NULL;
    if (!bio)
        return -ENOMEM;
    SSL_set_bio(connection->ssl, bio, bio);
    if (!SSL_set_app_data(connection->ssl, connection))
        return -ENOMEM;
    if (is_server) {
        SSL_set_accept_state(connection->ssl);
        return 0;
    }
    SSL_set_connect_state(connection->ssl);
    if (!host || !*host)
        return 0;
    connection->host = host_copy(host);
    return connection->host && expect_host(connection) ? 0 : -ENOMEM;
}

int eddy__tls_connection_new(const eddy_tls_context *context, const char *host,
                             struct tls_connection **out) {
    struct tls_connection *connection;
    int r;

    if (!context->layer.is_server && context->checks_host && (!host || !*host))
        return eddy_raise(-EINVAL, "TLS needs the name of the host that it is to find there");
    connection = calloc(1, sizeof(*connection));
    if (!connection)
        return eddy_raise(-ENOMEM, "no memory for a TLS connection");
    connection->context = eddy__tls_context_ref(context);
    r = connection_init(connection, host);
    if (r < 0) {
        eddy__tls_connection_free(connection);
        return eddy_raise(r, "no memory for a TLS connection");
    }
    *out = connection;
    return 0;
}

void eddy__tls_connection_free(struct tls_connection *connection) {
    SSL_free(connection->ssl);
    eddy__tls_refusal_deinit(&connection->refusal);
    eddy__tls_texts_free(connection->texts);
    free(connection->output);
    free(connection->host);
    free(connection->server);
    eddy_tls_context_unref(connection->context);
    free(connection);
}
