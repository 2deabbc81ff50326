/* SPDX-License-Identifier: MIT
 * buffer.c - a growing run of bytes, for bodies and headers.
 *
 * What was taken from the front leaves a gap, which is closed only when it is at least as large as
 * what remains: so every byte is moved a bounded number of times, however small the pieces are. */
#include "buffer.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 1024 /* most headers, and many a body, fit */

static void buffer_close_gap(struct http_buffer *buffer) {
    size_t held = http_buffer_held(buffer);

    if (buffer->start == 0 || buffer->start < held)
        return;
    memcpy(buffer->data, buffer->data + buffer->start, held);
    buffer->start = 0;
    buffer->end = held;
}

static int buffer_reserve(struct http_buffer *buffer, size_t size) {
    size_t capacity = buffer->capacity < CAPACITY_MIN ? CAPACITY_MIN : buffer->capacity;
    char *data;

    if (size <= buffer->capacity - buffer->end)
        return 0;
    buffer_close_gap(buffer);
    if (size <= buffer->capacity - buffer->end)
        return 0;

    while (capacity - buffer->end < size) {
        if (capacity > SIZE_MAX / 2)
            return -ENOMEM;
        capacity *= 2;
    }
    data = realloc(buffer->data, capacity);
    if (!data)
        return -ENOMEM;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

int eddy__http_buffer_append(struct http_buffer *buffer, const void *data, size_t size) {
    if (size == 0)
        return 0;
    if (buffer_reserve(buffer, size) < 0)
        return -ENOMEM;
    memcpy(buffer->data + buffer->end, data, size);
    buffer->end += size;
    return 0;
}

size_t eddy__http_buffer_take(struct http_buffer *buffer, void *out, size_t size) {
    size_t held = http_buffer_held(buffer);

    if (size > held)
        size = held;
    if (size == 0)
        return 0;
    memcpy(out, buffer->data + buffer->start, size);
    buffer->start += size;
    if (buffer->start == buffer->end)
        buffer->start = buffer->end = 0;
    return size;
}

const char *eddy__http_buffer_text(struct http_buffer *buffer) {
    if (buffer_reserve(buffer, 1) < 0)
        return NULL;
    buffer->data[buffer->end] = '\0';
    return buffer->data + buffer->start;
}

void eddy__http_buffer_clear(struct http_buffer *buffer, size_t keep_bytes) {
    buffer->start = buffer->end = 0;
    if (buffer->capacity <= keep_bytes)
        return;
    free(buffer->data);
    *buffer = (struct http_buffer){0};
}
