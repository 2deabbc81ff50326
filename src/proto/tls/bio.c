/* SPDX-License-Identifier: MIT
 * bio.c - what OpenSSL reads and writes through: takes from the lower stream, and gathers records.
 *
 * Writing goes into memory first: one call of SSL_write or SSL_do_handshake makes many records or
 * messages, and they leave in one piece. */
#include "bio.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

enum {
    RECORD_BYTES = 16 << 10, /* of data in one record, at most */
    RECORD_OVERHEAD = 128,   /* header, nonce, padding, tag: of any cipher that we allow, less */
    OUTPUT_BYTES_MIN = 2048, /* of a hand-shake */
};

/* --- the gathered records --------------------------------------------------------------------- */

static int output_grow(struct tls_connection *connection, size_t size) {
    char *grown;

    if (size <= connection->output_capacity)
        return 0;
    grown = realloc(connection->output, size);
    if (!grown)
        return -ENOMEM;
    connection->output = grown;
    connection->output_capacity = size;
    return 0;
}

int eddy__tls_output_reserve(struct tls_connection *connection, size_t size) {
    size_t records = size / RECORD_BYTES + 2; /* the last one, and a message of TLS's own */

    return output_grow(connection, connection->output_size + size + records * RECORD_OVERHEAD);
}

static int output_append(struct tls_connection *connection, const char *data, size_t size) {
    size_t wanted = connection->output_size + size;
    int r = 0;

    if (wanted > connection->output_capacity)
        r = output_grow(connection, wanted < OUTPUT_BYTES_MIN ? OUTPUT_BYTES_MIN : 2 * wanted);
    if (r < 0)
        return r;
    memcpy(connection->output + connection->output_size, data, size);
    connection->output_size += size;
    return 0;
}

int eddy__tls_output_send(struct tls_connection *connection) {
    int r = 0;

    if (connection->output_size > 0)
        r = eddy_stream_put(connection->lower, connection->output, connection->output_size);
    if (r == -ENOMEM)
        return r;
    free(connection->output);
    connection->output = NULL;
    connection->output_size = connection->output_capacity = 0;
    return r;
}

/* --- the BIO ---------------------------------------------------------------------------------- */

static void keep_greeting(struct tls_connection *connection, const char *data, size_t size) {
    size_t kept = MIN(size, TLS_GREETING_BYTES - connection->greeting_size);

    memcpy(connection->greeting + connection->greeting_size, data, kept);
    connection->greeting_size += kept;
}

static int bio_read(BIO *bio, char *buffer, int size) {
    struct tls_connection *connection = BIO_get_data(bio);
    ssize_t n;

    BIO_clear_retry_flags(bio);
    n = eddy_stream_take(connection->lower, buffer, (size_t)size);
    if (n > 0 && !connection->is_ready)
        keep_greeting(connection, buffer, (size_t)n);
    if (n >= 0) {
        connection->lower_ended = n == 0;
        return (int)n;
    }
    if (n == -EAGAIN)
        BIO_set_retry_read(bio);
    else
        connection->lower_code = (int)n;
    return -1;
}

static int bio_write(BIO *bio, const char *data, int size) {
    struct tls_connection *connection = BIO_get_data(bio);
    int r = output_append(connection, data, (size_t)size);

    BIO_clear_retry_flags(bio);
    if (r == 0)
        return size;
    connection->lower_code = r;
    return -1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
    const struct tls_connection *connection = BIO_get_data(bio);

    (void)number, (void)pointer;
    if (command == BIO_CTRL_EOF)
        return connection->lower_ended;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;

static void bio_method_make(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "eddy stream");

    if (!method)
        return;
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    bio_method = method;
}

BIO *eddy__tls_bio_new(struct tls_connection *connection) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    BIO *bio;

    pthread_mutex_lock(&mutex);
    if (!bio_method)
        bio_method_make(); /* not once: without memory it is tried again */
    pthread_mutex_unlock(&mutex);

    bio = bio_method ? BIO_new(bio_method) : NULL;
    if (!bio)
        return NULL;
    BIO_set_data(bio, connection);
    BIO_set_init(bio, 1);
    return bio;
}
