/* SPDX-License-Identifier: MIT
 * names.h - several certificates on one server, by the name that the client asks for (SNI). */
#ifndef EDDY__TLS_NAMES_H
#define EDDY__TLS_NAMES_H

#include "context.h"

/* Copies the list (it ends with a NULL name; or NULL), with references. Returns 0, -EINVAL,
 * -ENOMEM. */
int eddy__tls_names_set(eddy_tls_context *context, const eddy_tls_name *names);
void eddy__tls_names_deinit(eddy_tls_context *context);

/* Whether `host`, of a client, is what `pattern` says: "example.org", "*.example.org". */
bool eddy__tls_name_matches(const char *pattern, const char *host, size_t host_size);

#endif
