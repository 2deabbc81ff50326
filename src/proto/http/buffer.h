/* SPDX-License-Identifier: MIT
 * buffer.h - bytes in the order of their arrival: appended at the end, taken from the front. */
#ifndef EDDY__HTTP_BUFFER_H
#define EDDY__HTTP_BUFFER_H

#include <stddef.h>

/* All zero is an empty one. */
struct http_buffer {
    char *data;
    size_t start, end; /* the bytes held are data[start..end) */
    size_t capacity;
};

static inline size_t http_buffer_held(const struct http_buffer *buffer) {
    return buffer->end - buffer->start;
}

/* Adds `size` bytes. Returns 0 or -ENOMEM, and has then added none. */
int eddy__http_buffer_append(struct http_buffer *buffer, const void *data, size_t size);

/* Moves at most `size` bytes out. Returns how many. */
size_t eddy__http_buffer_take(struct http_buffer *buffer, void *out, size_t size);

/* The bytes held, NUL-terminated: a view until the next call. NULL: no memory. */
const char *eddy__http_buffer_text(struct http_buffer *buffer);

/* Empties it; memory over `keep_bytes` is given back. */
void eddy__http_buffer_clear(struct http_buffer *buffer, size_t keep_bytes);

#endif
