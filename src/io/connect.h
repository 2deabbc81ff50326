/* SPDX-License-Identifier: MIT
 * connect.h - what the ways to a connected stream have in common. */
#ifndef EDDY__CONNECT_H
#define EDDY__CONNECT_H

#include <eddy/ext/stream.h>

#include "socket.h"
#include "task.h"

/* The user's options, of whatever version; NULL is all zero. */
eddy_connect_options eddy__connect_options(const eddy_connect_options *given, size_t given_size);

/* Those of the socket. */
struct eddy__socket_options eddy__socket_options_of(const eddy_connect_options *options);

/* A stream on a connected socket, greeted by TLS where the options say so; `host` is the name to
 * expect there. Takes fd, also when it fails. Suspends. */
int eddy__stream_open(struct eddy__task *task, int fd, const char *host,
                      const eddy_connect_options *options, eddy_stream **out);

/* Starts the layer on a stream, within these seconds (0: 60). Suspends. Returns 0, or the layer's
 * code, or -ETIMEDOUT. */
int eddy__stream_greet(eddy_stream *stream, const eddy_stream_layer *layer, const char *host,
                       double seconds);

#endif
