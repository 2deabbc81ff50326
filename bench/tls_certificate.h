/* SPDX-License-Identifier: MIT
 * tls_certificate.h - a certificate for the servers of the rows of TLS: P-256, self-signed. */
#ifndef TLS_CERTIFICATE_H
#define TLS_CERTIFICATE_H

/* The certificate and its key as PEM: of this file, or (NULL) made now. The caller's, for ever. */
char *tls_certificate(const char *file);

#endif
