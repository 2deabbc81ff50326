/* SPDX-License-Identifier: MIT
 * failure.c - OpenSSL's errors as codes and sentences (see failure.h; certificates: refusal.c). */
#include "failure.h"

#include <ctype.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

/* The first error is the cause, those behind it are its consequences. 0: there is none. */
static unsigned long first_error(void) {
    return ERR_peek_error();
}

static bool is_out_of_memory(unsigned long error) {
    return ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
}

static const char *error_text(unsigned long error) {
    const char *text = ERR_reason_error_string(error);

    if (ERR_SYSTEM_ERROR(error))
        return eddy_error_text(-ERR_GET_REASON(error));
    return text ? text : "an unknown error";
}

/* "example.org", or the address of a client. */
static const char *other_end(const struct tls_connection *connection) {
    if (connection->host)
        return connection->host;
    return eddy_stream_peer(connection->lower);
}

/* --- alerts ----------------------------------------------------------------------------------- */

/* The other end's alerts are reasons of their own: their number, and this much. */
static int alert_of(unsigned long error) {
    int reason = ERR_GET_REASON(error);

    return ERR_GET_LIB(error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET
               ? reason - SSL_AD_REASON_OFFSET
               : 0;
}

/* OpenSSL 3.0 has no words for those of TLS 1.3. */
static const char *alert_text(int alert) {
    if (alert == SSL_AD_MISSING_EXTENSION)
        return "missing extension";
    if (alert == SSL_AD_CERTIFICATE_REQUIRED)
        return "certificate required";
    return SSL_alert_desc_string_long(alert);
}

static int raise_alert(const struct tls_connection *connection, int alert) {
    return eddy_raise(EDDY_EALERT, "%s ended TLS with the alert \"%s\"", other_end(connection),
                      alert_text(alert));
}

/* --- the hand-shake --------------------------------------------------------------------------- */

/* What it said first, on one line: "HTTP/1.1 400 Bad Request". */
static void greeting_text(const struct tls_connection *connection, char *text, size_t size) {
    size_t length = 0;

    while (length < connection->greeting_size && length < size - 1 &&
           isprint(connection->greeting[length])) {
        text[length] = (char)connection->greeting[length];
        length++;
    }
    text[length] = '\0';
}

static int raise_no_tls(const struct tls_connection *connection) {
    char said[TLS_GREETING_BYTES + 1];

    greeting_text(connection, said, sizeof(said));
    if (*said)
        return eddy_raise(EDDY_ENO_TLS, "%s does not speak TLS: it said \"%s\"",
                          other_end(connection), said);
    return eddy_raise(EDDY_ENO_TLS, "%s does not speak TLS", other_end(connection));
}

/* A record begins with its type (20 to 23) and version 3. */
static bool is_greeting_of_tls(const struct tls_connection *connection) {
    const unsigned char *said = connection->greeting;

    return connection->greeting_size > 0 && said[0] >= 20 && said[0] <= 23 &&
           (connection->greeting_size == 1 || said[1] == 3);
}

static int raise_protocols(const struct tls_connection *connection) {
    return eddy_raise(EDDY_ETLS, "%s and we speak no version of TLS in common",
                      other_end(connection));
}

static int raise_reason(const struct tls_connection *connection, unsigned long error) {
    const char *who = other_end(connection);

    switch (ERR_GET_REASON(error)) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION:
        return raise_protocols(connection);
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_CIPHERS_AVAILABLE:
        return eddy_raise(EDDY_ETLS, "%s and we have no cipher of TLS in common", who);
    case SSL_R_NO_APPLICATION_PROTOCOL:
        return eddy_raise(EDDY_ETLS, "%s offers no protocol (ALPN) that is spoken here", who);
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return eddy_raise(EDDY_ECERTIFICATE, "%s sent no certificate, which is required", who);
    default:
        return eddy_raise(EDDY_ETLS, "TLS with %s failed: %s", who, error_text(error));
    }
}

static int raise_error(const struct tls_connection *connection, unsigned long error) {
    int alert = alert_of(error);

    if (is_out_of_memory(error))
        return eddy_raise(-ENOMEM, "no memory for TLS with %s", other_end(connection));
    return alert ? raise_alert(connection, alert) : raise_reason(connection, error);
}

static int raise_lost(const struct tls_connection *connection) {
    int code = connection->lower_code;

    if (code == -ECANCELED || code == EDDY_ECLOSED)
        return code;
    return eddy_raise(code, "the connection to %s was lost while hands were shaken for TLS: %s",
                      other_end(connection), eddy_error_text(code));
}

/* Ended before anything was said by it, or half-way. */
static int raise_ended(const struct tls_connection *connection) {
    return eddy_raise(EDDY_EINCOMPLETE, "%s ended the connection while hands were shaken for TLS",
                      other_end(connection));
}

int eddy__tls_handshake_failed(struct tls_connection *connection) {
    unsigned long error = first_error();

    if (SSL_want_read(connection->ssl) && !error && connection->lower_code == 0 &&
        !connection->lower_ended)
        return -EAGAIN;
    if (connection->refusal.reason)
        return eddy__tls_refusal_raise(&connection->refusal, other_end(connection),
                                       connection->host);
    if (connection->lower_code < 0)
        return raise_lost(connection);
    if (connection->greeting_size > 0 && !is_greeting_of_tls(connection))
        return raise_no_tls(connection);
    return connection->lower_ended ? raise_ended(connection) : raise_error(connection, error);
}

/* --- afterwards ------------------------------------------------------------------------------- */

/* Some of a record has come, and not all. */
static bool is_amid_record(SSL *ssl) {
    return SSL_has_pending(ssl) || strcmp(SSL_rstate_string(ssl), "RB") == 0;
}

static ssize_t read_ended(const struct tls_connection *connection) {
    if (connection->context->accept_truncation && !is_amid_record(connection->ssl))
        return 0;
    return eddy_raise(EDDY_ETRUNCATED,
                      "%s ended the connection without TLS's notice: the end may be missing",
                      other_end(connection));
}

ssize_t eddy__tls_read_failed(struct tls_connection *connection) {
    unsigned long error = first_error();

    switch (SSL_get_error(connection->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        if (connection->lower_code < 0)
            return connection->lower_code;
        return connection->lower_ended ? read_ended(connection) : raise_error(connection, error);
    }
}

int eddy__tls_write_failed(struct tls_connection *connection) {
    if (connection->lower_code < 0)
        return connection->lower_code;
    if (ERR_GET_REASON(first_error()) == SSL_R_PROTOCOL_IS_SHUTDOWN || !first_error())
        return -EPIPE;
    return raise_error(connection, first_error());
}

int eddy__tls_setup_failed(int code, const char *what) {
    unsigned long error = first_error();

    if (is_out_of_memory(error))
        return eddy_raise(-ENOMEM, "no memory for TLS");
    return eddy_raise(code, "%s: %s", what, error_text(error));
}
