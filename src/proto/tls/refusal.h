/* SPDX-License-Identifier: MIT
 * refusal.h - why the other end's certificate is refused: OpenSSL's first objection. */
#ifndef EDDY__TLS_REFUSAL_H
#define EDDY__TLS_REFUSAL_H

#include <openssl/ssl.h>

struct tls_refusal {
    int reason;        /* X509_V_ERR_...; 0: none */
    int depth;         /* 0: the other end's own certificate, else one that leads to it */
    X509 *certificate; /* the one in question, a reference; or NULL */
};

void eddy__tls_refusal_deinit(struct tls_refusal *refusal);

/* OpenSSL's verify callback: notes the first objection in the connection. */
int eddy__tls_verify(int is_well, X509_STORE_CTX *verifying);

/* Raises it. `who` is the other end, `host` what was expected there or NULL. Returns the code. */
int eddy__tls_refusal_raise(const struct tls_refusal *refusal, const char *who, const char *host);

/* The code of eddy for one of X509_V_ERR_... */
int eddy__tls_refusal_code(int reason);

#endif
