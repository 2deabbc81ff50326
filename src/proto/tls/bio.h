/* SPDX-License-Identifier: MIT
 * bio.h - OpenSSL's input and output, on a stream. */
#ifndef EDDY__TLS_BIO_H
#define EDDY__TLS_BIO_H

#include "connection.h"

/* A new BIO of this connection, or NULL. */
BIO *eddy__tls_bio_new(struct tls_connection *connection);

#endif
