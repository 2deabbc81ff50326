/* SPDX-License-Identifier: MIT
 * info.c - eddy_tls_info(): what was agreed on, and whose certificate it is.
 *
 * The texts are made when they are first asked for, and live as long as the connection. */
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "certificate.h"
#include "connection.h"
#include "util.h"

struct tls_texts {
    char alpn[256];
    char subject[512], issuer[512], names[4096];
    unsigned char *der; /* OpenSSL's memory */
    int der_size;
    char *pem; /* likewise */
};

void eddy__tls_texts_free(struct tls_texts *texts) {
    if (!texts)
        return;
    OPENSSL_free(texts->der);
    OPENSSL_free(texts->pem);
    free(texts);
}

static void texts_freep(struct tls_texts **texts) {
    eddy__tls_texts_free(*texts);
}

static void bio_freep(BIO **bio) {
    BIO_free(*bio);
}

static int texts_of_alpn(const SSL *ssl, struct tls_texts *texts) {
    const unsigned char *name;
    unsigned size;

    SSL_get0_alpn_selected(ssl, &name, &size);
    if (size > 0)
        memcpy(texts->alpn, name, size); /* at most 255 bytes; the rest is zero */
    return 0;
}

static char *pem_of(X509 *certificate) {
    CLEANUP(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    long size;

    if (!bio || !PEM_write_bio_X509(bio, certificate))
        return NULL;
    size = BIO_get_mem_data(bio, &data);
    return OPENSSL_strndup(data, (size_t)size);
}

static int texts_of_certificate(X509 *certificate, struct tls_texts *texts) {
    eddy__tls_name_text(X509_get_subject_name(certificate), texts->subject, sizeof(texts->subject));
    eddy__tls_name_text(X509_get_issuer_name(certificate), texts->issuer, sizeof(texts->issuer));
    eddy__tls_names_text(certificate, texts->names, sizeof(texts->names));
    texts->der_size = i2d_X509(certificate, &texts->der);
    texts->pem = pem_of(certificate);
    return texts->der_size > 0 && texts->pem ? 0 : -ENOMEM;
}

static int texts_make(struct tls_connection *connection) {
    X509 *certificate = SSL_get0_peer_certificate(connection->ssl);
    CLEANUP(texts_freep) struct tls_texts *texts = calloc(1, sizeof(*texts));
    int r = texts ? texts_of_alpn(connection->ssl, texts) : -ENOMEM;

    if (r == 0 && certificate)
        r = texts_of_certificate(certificate, texts);
    if (r < 0)
        return eddy_raise(r, "no memory for what is known of the TLS connection");
    connection->texts = TAKE_POINTER(texts);
    return 0;
}

static void facts_of_certificate(const struct tls_connection *connection, eddy_tls_facts *facts) {
    const X509 *certificate = SSL_get0_peer_certificate(connection->ssl);
    const struct tls_texts *texts = connection->texts;

    if (!certificate)
        return;
    facts->peer_subject = texts->subject;
    facts->peer_issuer = texts->issuer;
    facts->peer_names = texts->names;
    facts->peer_valid_from = eddy__tls_time(X509_get0_notBefore(certificate));
    facts->peer_valid_until = eddy__tls_time(X509_get0_notAfter(certificate));
    facts->peer_der = (eddy_slice){(const char *)texts->der, (size_t)texts->der_size};
    facts->peer_pem = texts->pem;
}

int eddy_tls_info_sized(const eddy_stream *stream, eddy_tls_facts *out, size_t out_size) {
    struct tls_connection *connection = eddy__tls_connection_of(stream);
    eddy_tls_facts facts = {0};

    if (!connection || !connection->is_ready)
        return eddy_raise(-EINVAL, "the stream has no TLS");
    if (!connection->texts) {
        int r = texts_make(connection);
        if (r < 0)
            return r;
    }
    facts.version = SSL_get_version(connection->ssl);
    facts.cipher = SSL_get_cipher_name(connection->ssl);
    facts.alpn = *connection->texts->alpn ? connection->texts->alpn : NULL;
    facts.server_name = SSL_get_servername(connection->ssl, TLSEXT_NAMETYPE_host_name);
    facts.is_resumed = SSL_session_reused(connection->ssl);
    facts_of_certificate(connection, &facts);
    memcpy(out, &facts, MIN(out_size, sizeof(facts)));
    return 0;
}
