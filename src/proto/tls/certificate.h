/* SPDX-License-Identifier: MIT
 * certificate.h - a certificate, as people read it. The texts are cut to the room there is. */
#ifndef EDDY__TLS_CERTIFICATE_H
#define EDDY__TLS_CERTIFICATE_H

#include <openssl/x509.h>
#include <stdint.h>

/* "CN=example.org,O=Example". */
void eddy__tls_name_text(const X509_NAME *name, char *text, size_t size);

/* The name of whom it is for or by whom it is: its common name, else all of it. */
void eddy__tls_name_short(const X509_NAME *name, char *text, size_t size);

/* "example.org, *.example.org, 192.0.2.1"; empty: none. */
void eddy__tls_names_text(const X509 *certificate, char *text, size_t size);

/* "RSA, 1024 bits". */
void eddy__tls_key_text(const X509 *certificate, char *text, size_t size);

/* Seconds since 1970; 0 if it cannot be read. And "2025-01-31". */
int64_t eddy__tls_time(const ASN1_TIME *time);
void eddy__tls_date_text(const ASN1_TIME *time, char text[16]);

#endif
