/* SPDX-License-Identifier: MIT
 * handshake.c - puts a connection on a stream, and shakes hands.
 *
 * While it waits, another task may close the stream: then the connection is gone, and the wait says
 * EDDY_ECLOSED. After that nothing of it is touched. */
#include "handshake.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "failure.h"
#include "util.h"

#define HANDSHAKE_SECONDS 60.0

/* As far as it goes with what is there. Returns 0, -EAGAIN, or a code. What there is to say goes
 * out in any case: an alert is how the other end hears of our refusal. */
static int handshake_step(struct tls_connection *connection) {
    int r, sent;

    ERR_clear_error();
    r = SSL_do_handshake(connection->ssl) == 1 ? 0 : eddy__tls_handshake_failed(connection);
    connection->has_refused = r < 0 && r != -EAGAIN && connection->output_size > 0;
    sent = eddy__tls_output_send(connection);
    ERR_clear_error();
    if (sent < 0 && (r == 0 || r == -EAGAIN))
        return eddy_raise(sent, "cannot shake hands for TLS: %s", eddy_error_text(sent));
    return r;
}

static int shake_hands(struct tls_connection *connection) {
    int r;

    while ((r = handshake_step(connection)) == -EAGAIN) {
        r = eddy_stream_await_input(connection->lower);
        if (r == -ECANCELED || r == EDDY_ECLOSED)
            return r;
        connection->lower_code = r;
    }
    if (r == 0)
        connection->is_ready = true;
    return r;
}

/* --- sessions --------------------------------------------------------------------------------- */

/* "example.org:443": the host that was checked, and the port. NULL: no memory, or no host. */
static char *server_text(const char *host, const char *peer) {
    const char *port = strrchr(peer, ':');
    char *text = NULL;

    if (host && asprintf(&text, "%s%s", host, port ? port : "") < 0)
        return NULL;
    return text;
}

/* Goes on with the last session, if there is one. */
static void resume_session(struct tls_connection *connection) {
    struct tls_sessions *sessions = &connection->context->sessions;
    SSL_SESSION *session;

    if (connection->context->layer.is_server || sessions->max < 0)
        return;
    connection->server = server_text(connection->host, eddy_stream_peer(connection->lower));
    session = connection->server ? eddy__tls_sessions_take(sessions, connection->server) : NULL;
    if (session)
        SSL_set_session(connection->ssl, session);
    SSL_SESSION_free(session);
}

/* --- public ----------------------------------------------------------------------------------- */

int eddy__tls_start(const eddy_stream_layer *layer, eddy_stream *stream, const char *host) {
    struct tls_connection *connection;
    int r = eddy__tls_connection_new((const eddy_tls_context *)layer, host, &connection);

    if (r == 0)
        r = eddy_stream_push(stream, &eddy__tls_class, connection, &connection->lower);
    if (r < 0)
        return r;
    resume_session(connection);
    return shake_hands(connection);
}

/* Suspends. */
static int start_in_time(const eddy_tls_context *context, eddy_stream *stream,
                         const eddy_start_tls_options *options) {
    double seconds =
        options->handshake_seconds > 0 ? options->handshake_seconds : HANDSHAKE_SECONDS;
    const char *host = options->server_hostname;
    eddy_timeout timeout;
    bool is_late;
    int r;

    eddy_timeout_begin_at("eddy_start_tls()", &timeout, seconds);
    r = eddy__tls_start(&context->layer, stream, host);
    is_late = r == -ECANCELED && eddy_timeout_expired(&timeout);
    r = eddy_timeout_end(&timeout, r);
    if (is_late && r == -ETIMEDOUT)
        return eddy_raise(r, "the hand-shake with %s was not over after %g seconds",
                          host ? host : "the other end", seconds);
    return r;
}

int eddy_start_tls_sized(eddy_stream *stream, eddy_tls_context *context,
                         const eddy_start_tls_options *given, size_t given_size) {
    eddy_start_tls_options options = {0};
    int r = eddy_stream_flush(stream); /* refuses, too, what is cancelled already */

    if (r < 0)
        return r;
    if (given)
        memcpy(&options, given, MIN(given_size, sizeof(options)));
    if (!context)
        context = eddy_tls_default();
    return context ? start_in_time(context, stream, &options) : eddy_last_error()->code;
}
