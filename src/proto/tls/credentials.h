/* SPDX-License-Identifier: MIT
 * credentials.h - who we are, and whom we trust: certificates, keys, authorities. */
#ifndef EDDY__TLS_CREDENTIALS_H
#define EDDY__TLS_CREDENTIALS_H

#include "context.h"

/* Each returns 0, the code of a file that cannot be read, EDDY_ECERTIFICATE, EDDY_ECERT_WEAK,
 * -ENOMEM. */
int eddy__tls_load_identity(SSL_CTX *context, const eddy_tls_options *options);
int eddy__tls_load_trust(SSL_CTX *context, const eddy_tls_options *options);

#endif
