/* SPDX-License-Identifier: MIT
 * context.c - makes a context: an SSL_CTX with what is safe, then what the options say. */
#include "context.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alpn.h"
#include "connection.h"
#include "credentials.h"
#include "failure.h"
#include "handshake.h"
#include "names.h"
#include "refusal.h"
#include "util.h"

enum {
    SESSIONS_DEFAULT = 256,
    SECURITY_LEVEL = 2, /* 112 bits: RSA and DH from 2048, elliptic curves from 224, SHA-2 */
    SECURITY_LEVEL_WEAK = 0,
};

/* Each makes a key of its own for each connection, so that who learns a server's key later cannot
 * read what was said before. */
#define CIPHERS_DEFAULT                                                                   \
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:!aNULL:!eNULL" \
    ":!aDSS:!PSK:!SRP:!AESCCM"

/* --- what is spoken --------------------------------------------------------------------------- */

static int set_versions(SSL_CTX *context, const eddy_tls_options *options) {
    int minimum = options->minimum_version ? options->minimum_version : EDDY_TLS_1_2;

    if (minimum < TLS1_2_VERSION || minimum > TLS1_3_VERSION ||
        (options->maximum_version && (int)options->maximum_version < minimum))
        return eddy_raise(-EINVAL, "these versions of TLS leave none: 1.2 and 1.3 are spoken");
    if (!SSL_CTX_set_min_proto_version(context, minimum) ||
        !SSL_CTX_set_max_proto_version(context, (int)options->maximum_version))
        return eddy__tls_setup_failed(-EINVAL, "the versions of TLS");
    return 0;
}

static int set_ciphers(SSL_CTX *context, const eddy_tls_options *options) {
    if (!SSL_CTX_set_cipher_list(context, options->ciphers ? options->ciphers : CIPHERS_DEFAULT))
        return eddy__tls_setup_failed(EDDY_ETLS, "the ciphers of TLS 1.2");
    if (options->cipher_suites && !SSL_CTX_set_ciphersuites(context, options->cipher_suites))
        return eddy__tls_setup_failed(EDDY_ETLS, "the cipher suites of TLS 1.3");
    if (options->groups && !SSL_CTX_set1_groups_list(context, options->groups))
        return eddy__tls_setup_failed(EDDY_ETLS, "the groups of the key exchange");
    return 0;
}

/* Released buffers: a connection that waits holds none of OpenSSL's 16 KiB. Read-ahead: a record's
 * header and its rest are taken at once. */
static void set_habits(SSL_CTX *context, const eddy_tls_options *options) {
    SSL_CTX_set_security_level(context,
                               options->insecure_weak_keys ? SECURITY_LEVEL_WEAK : SECURITY_LEVEL);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_dh_auto(context, 1);
}

/* --- whom we ask ------------------------------------------------------------------------------ */

static int verify_mode(const eddy_tls_options *options) {
    int server[] = {[EDDY_TLS_CLIENTS_UNASKED] = SSL_VERIFY_NONE,
                    [EDDY_TLS_CLIENTS_MAY] = SSL_VERIFY_PEER,
                    [EDDY_TLS_CLIENTS_MUST] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT};

    if (!options->is_server)
        return options->insecure_no_verification ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
    return server[options->client_certificates];
}

static int set_verification(eddy_tls_context *context, const eddy_tls_options *options) {
    int mode;

    if ((unsigned)options->client_certificates > EDDY_TLS_CLIENTS_MUST)
        return eddy_raise(-EINVAL, "client_certificates: %d is none of its values",
                          options->client_certificates);
    mode = verify_mode(options);
    context->checks_peer = mode != SSL_VERIFY_NONE;
    context->checks_host =
        !options->is_server && context->checks_peer && !options->insecure_any_host;
    SSL_CTX_set_verify(context->ssl_context, mode, context->checks_peer ? eddy__tls_verify : NULL);
    return context->checks_peer ? eddy__tls_load_trust(context->ssl_context, options) : 0;
}

/* --- sessions --------------------------------------------------------------------------------- */

/* A new one: a client keeps it. */
static int on_session(SSL *ssl, SSL_SESSION *session) {
    const struct tls_connection *connection = SSL_get_app_data(ssl);

    if (!connection->server || !SSL_SESSION_is_resumable(session))
        return 0;
    eddy__tls_sessions_put(&connection->context->sessions, connection->server, session);
    return 1;
}

/* A server accepts the sessions that this context has made, and no other's of this process: they
 * may have asked their clients for less. */
static int set_session_owner(SSL_CTX *context) {
    static atomic_uint contexts;
    unsigned number = ++contexts;

    return SSL_CTX_set_session_id_context(context, (const unsigned char *)&number, sizeof(number))
               ? 0
               : -ENOMEM;
}

static int set_sessions(eddy_tls_context *context, const eddy_tls_options *options) {
    SSL_CTX *ssl_context = context->ssl_context;
    bool keeps = options->sessions_max >= 0;

    if (!keeps) {
        SSL_CTX_set_session_cache_mode(ssl_context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(ssl_context, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(ssl_context, 0);
    } else if (options->is_server) {
        SSL_CTX_set_session_cache_mode(ssl_context, SSL_SESS_CACHE_OFF); /* tickets, no memory */
    } else {
        SSL_CTX_set_session_cache_mode(ssl_context,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ssl_context, on_session);
    }
    return set_session_owner(ssl_context);
}

/* --- the log of keys -------------------------------------------------------------------------- */

/* One line at once, so that connections in several threads do not mix: the file appends. */
static void on_key(const SSL *ssl, const char *line) {
    const eddy_tls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    char text[512];
    int size = snprintf(text, sizeof(text), "%s\n", line);

    if (size > 0 && (size_t)size < sizeof(text))
        (void)!write(context->key_log, text, (size_t)size);
}

static int set_key_log(eddy_tls_context *context, const char *file) {
    if (!file)
        return 0;
    context->key_log = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (context->key_log < 0)
        return eddy_raise(-errno, "cannot write the log of keys %s: %s", file,
                          eddy_error_text(-errno));
    if (!SSL_CTX_set_app_data(context->ssl_context, context))
        return eddy_raise(-ENOMEM, "no memory for TLS");
    SSL_CTX_set_keylog_callback(context->ssl_context, on_key);
    return 0;
}

/* --- life ------------------------------------------------------------------------------------- */

static int context_setup(eddy_tls_context *context, const eddy_tls_options *options) {
    SSL_CTX *ssl_context = context->ssl_context;
    int r = set_versions(ssl_context, options);

    set_habits(ssl_context, options);
    if (r == 0)
        r = set_ciphers(ssl_context, options);
    if (r == 0)
        r = set_sessions(context, options);
    if (r == 0)
        r = eddy__tls_load_identity(ssl_context, options);
    if (r == 0)
        r = set_verification(context, options);
    if (r == 0)
        r = eddy__tls_alpn_set(context, options->alpn);
    if (r == 0 && options->is_server)
        r = eddy__tls_names_set(context, options->names);
    return r < 0 ? r : set_key_log(context, options->key_log_file);
}

static void layer_ref(const eddy_stream_layer *layer) {
    eddy__tls_context_ref((const eddy_tls_context *)layer);
}

static void layer_unref(const eddy_stream_layer *layer) {
    eddy_tls_context_unref((eddy_tls_context *)layer);
}

static eddy_tls_context *context_alloc(const eddy_tls_options *options) {
    eddy_tls_context *context = calloc(1, sizeof(*context));

    if (!context)
        return NULL;
    atomic_init(&context->refs, 1);
    context->layer = (eddy_stream_layer){.start = eddy__tls_start,
                                         .ref = layer_ref,
                                         .unref = layer_unref,
                                         .is_server = options->is_server};
    context->key_log = -1;
    context->accept_truncation = options->accept_truncation;
    eddy__tls_sessions_init(&context->sessions,
                            options->sessions_max ? options->sessions_max : SESSIONS_DEFAULT);
    context->ssl_context =
        SSL_CTX_new(options->is_server ? TLS_server_method() : TLS_client_method());
    return context;
}

static void context_free(eddy_tls_context *context) {
    eddy__tls_names_deinit(context);
    SSL_CTX_free(context->ssl_context);
    eddy__tls_sessions_deinit(&context->sessions);
    OPENSSL_free(context->alpn);
    if (context->key_log >= 0)
        close(context->key_log);
    free(context);
}

int eddy_tls_context_new_sized(const eddy_tls_options *given, size_t given_size,
                               eddy_tls_context **out) {
    eddy_tls_options options = {0};
    eddy_tls_context *context;
    int r;

    if (given)
        memcpy(&options, given, MIN(given_size, sizeof(options)));
    ERR_clear_error();
    context = context_alloc(&options);
    if (!context)
        return eddy_raise(-ENOMEM, "no memory for TLS");
    r = context->ssl_context ? context_setup(context, &options)
                             : eddy__tls_setup_failed(-ENOMEM, "TLS");
    ERR_clear_error();
    if (r < 0) {
        context_free(context);
        return r;
    }
    *out = context;
    return 0;
}

/* A count is no part of what a constant context promises. */
eddy_tls_context *eddy__tls_context_ref(const eddy_tls_context *context) {
    return eddy_tls_context_ref((eddy_tls_context *)context);
}

eddy_tls_context *eddy_tls_context_ref(eddy_tls_context *context) {
    if (context)
        atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
    return context;
}

eddy_tls_context *eddy_tls_context_unref(eddy_tls_context *context) {
    if (context && atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) == 1)
        context_free(context);
    return NULL;
}

eddy_tls_context *eddy_tls_default(void) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static eddy_tls_context *context; /* for the life of the process */
    eddy_tls_context *made;

    pthread_mutex_lock(&mutex);
    if (!context)
        (void)eddy_tls_context_new(
            &(eddy_tls_options){.key_log_file = secure_getenv("SSLKEYLOGFILE")}, &context);
    made = context;
    pthread_mutex_unlock(&mutex);
    return made;
}
