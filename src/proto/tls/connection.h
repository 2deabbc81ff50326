/* SPDX-License-Identifier: MIT
 * connection.h - one TLS connection: a class of streams that stands on another stream.
 *
 *   reading:   the caller  <- SSL_read  <- eddy__tls_bio <- eddy_stream_take(lower)
 *   writing:   the caller  -> SSL_write -> output (records, gathered) -> eddy_stream_put(lower)
 *
 * Nothing in here suspends while OpenSSL is on the stack: what is not there yet is -EAGAIN, and the
 * wait for it is one for the lower stream, outside. So one SSL serves a reader and a writer in two
 * tasks without a lock, and a wait may be cancelled at any moment.
 *
 *   SHAKING -> READY -close-> freed      a failure of the hand-shake leaves it SHAKING: no data
 * pass
 *
 * Read next: connection.c (the class), handshake.c, bio.c. */
#ifndef EDDY__TLS_CONNECTION_H
#define EDDY__TLS_CONNECTION_H

#include "context.h"
#include "refusal.h"

/* What a peer that speaks no TLS has said first. */
enum { TLS_GREETING_BYTES = 48 };

struct tls_connection {
    eddy_tls_context *context; /* a reference */
    SSL *ssl;
    eddy_stream *lower; /* ours; NULL: closed */
    char *host;         /* whom a client expects; NULL: nobody, or it is a server */
    char *server;       /* whose session this is, "example.org:443"; NULL: none is kept */
    bool is_ready;      /* hands were shaken */
    bool has_refused;   /* no: and an alert says why */

    /* What the lower stream has said. */
    bool lower_ended;
    int lower_code; /* of a failure to read, or of ours to gather; 0: none */

    /* Records that OpenSSL has made and the lower stream has not taken: none between calls, but
     * when there was no memory for that. */
    char *output;
    size_t output_size, output_capacity;

    struct tls_refusal refusal; /* of the other end's certificate */
    unsigned char greeting[TLS_GREETING_BYTES];
    size_t greeting_size;
    struct tls_texts *texts; /* of eddy_tls_info(); or NULL */
};

extern const eddy_stream_class eddy__tls_class;

/* What eddy_tls_info() has lent. */
void eddy__tls_texts_free(struct tls_texts *texts);

/* Before it is pushed. `host` may be NULL. Returns 0, -EINVAL, -ENOMEM. */
int eddy__tls_connection_new(const eddy_tls_context *context, const char *host,
                             struct tls_connection **out);
void eddy__tls_connection_free(struct tls_connection *connection);

/* The connection at the top of a stream, or NULL. */
struct tls_connection *eddy__tls_connection_of(const eddy_stream *stream);

/* Makes room for the records of so many bytes, so that they cannot fail for memory. */
int eddy__tls_output_reserve(struct tls_connection *connection, size_t size);

/* Hands the records to the lower stream. -ENOMEM: they are kept. */
int eddy__tls_output_send(struct tls_connection *connection);

#endif
