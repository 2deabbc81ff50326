/* SPDX-License-Identifier: MIT
 * failure.h - what OpenSSL's errors mean: a code, and a sentence with whom it happened.
 *
 * OpenSSL keeps errors in a queue of the thread: it is emptied before each call, and read right
 * after a failure, before anything may suspend. */
#ifndef EDDY__TLS_FAILURE_H
#define EDDY__TLS_FAILURE_H

#include "connection.h"

/* A call has failed. The hand-shake: -EAGAIN, or the end. Reading: the same, or 0. Writing: the
 * end. */
int eddy__tls_handshake_failed(struct tls_connection *connection);
ssize_t eddy__tls_read_failed(struct tls_connection *connection);
int eddy__tls_write_failed(struct tls_connection *connection);

/* Making a context: `what` is what could not be done, as a beginning of a sentence: "the key
 * file.pem". Returns the code. */
int eddy__tls_setup_failed(int code, const char *what);

#endif
