/* SPDX-License-Identifier: MIT
 * alpn.h - what is spoken inside: the list of names. */
#ifndef EDDY__TLS_ALPN_H
#define EDDY__TLS_ALPN_H

#include "context.h"

/* Gives the context this list, and OpenSSL what it needs of it. Returns 0, -EINVAL, -ENOMEM. */
int eddy__tls_alpn_set(eddy_tls_context *context, const char *const *names);

#endif
