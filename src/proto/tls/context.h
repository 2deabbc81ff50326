/* SPDX-License-Identifier: MIT
 * context.h - a context from the inside: OpenSSL's SSL_CTX, and what it does not keep.
 *
 * Shared by threads: counted, and not written to once it is made, but for the sessions. */
#ifndef EDDY__TLS_CONTEXT_H
#define EDDY__TLS_CONTEXT_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include <eddy/ext/stream.h>
#include <eddy/tls.h>

#include "sessions.h"

/* A name of a server, and the context of its certificate: a reference. */
struct tls_name {
    char *name;
    eddy_tls_context *context;
};

struct eddy_tls_context {
    eddy_stream_layer layer; /* first, so that one is the other: what `.tls` of the options takes */
    atomic_uint refs;
    SSL_CTX *ssl_context;
    bool accept_truncation;
    bool checks_peer, checks_host;
    unsigned char *alpn; /* as it is sent: each with its length before it; or NULL */
    unsigned alpn_size;
    struct tls_name *names; /* of a server; names_count of them */
    size_t names_count;
    int key_log;                  /* a file, or -1 */
    struct tls_sessions sessions; /* of a client */
};

eddy_tls_context *eddy__tls_context_ref(const eddy_tls_context *context);

#endif
