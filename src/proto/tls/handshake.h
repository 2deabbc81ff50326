/* SPDX-License-Identifier: MIT
 * handshake.h - a stream becomes one of TLS. */
#ifndef EDDY__TLS_HANDSHAKE_H
#define EDDY__TLS_HANDSHAKE_H

#include "context.h"

/* eddy_stream_layer.start of a context. Suspends. */
int eddy__tls_start(const eddy_stream_layer *layer, eddy_stream *stream, const char *host);

#endif
