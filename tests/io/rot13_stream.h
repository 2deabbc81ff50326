/* SPDX-License-Identifier: MIT
 * rot13_stream.h - a layer as users would write it: letters go round by half the alphabet. */
#ifndef TEST_ROT13_STREAM_H
#define TEST_ROT13_STREAM_H

#include <eddy/ext/stream.h>

extern const eddy_stream_class rot13_class;

/* Puts it on a live stream. */
int rot13_push(eddy_stream *stream);

extern int rot13_count; /* layers that have not been freed */

#endif
