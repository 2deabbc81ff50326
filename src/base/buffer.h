/* SPDX-License-Identifier: MIT
 * buffer.h - bytes that come in at the end and go out at the front.
 *
 *   [ consumed | data | room ]
 *
 * Consuming moves the front and nothing else, so a view of the data stays valid until bytes are
 * added. All-zero is an empty buffer, which owns no memory. */
#ifndef EDDY__BUFFER_H
#define EDDY__BUFFER_H

#include <assert.h>
#include <stddef.h>

struct eddy__buffer {
    char *bytes;
    size_t start, end; /* of the data; start <= end <= capacity */
    size_t capacity;
};

/* Frees the memory; the buffer is empty and may be used again. */
void eddy__buffer_deinit(struct eddy__buffer *buffer);

/* Makes room for `size` more bytes. Returns 0 or -ENOMEM, the data unchanged. */
int eddy__buffer_reserve(struct eddy__buffer *buffer, size_t size);

/* Adds at the end, or before the data. Returns 0 or -ENOMEM. */
int eddy__buffer_append(struct eddy__buffer *buffer, const void *data, size_t size);
int eddy__buffer_prepend(struct eddy__buffer *buffer, const void *data, size_t size);

static inline size_t eddy__buffer_size(const struct eddy__buffer *buffer) {
    return buffer->end - buffer->start;
}

static inline char *eddy__buffer_data(const struct eddy__buffer *buffer) {
    return buffer->bytes + buffer->start;
}

/* Where bytes may be written, and then reported by added(). */
static inline char *eddy__buffer_tail(const struct eddy__buffer *buffer) {
    return buffer->bytes + buffer->end;
}

static inline size_t eddy__buffer_room(const struct eddy__buffer *buffer) {
    return buffer->capacity - buffer->end;
}

static inline void eddy__buffer_added(struct eddy__buffer *buffer, size_t size) {
    assert(size <= eddy__buffer_room(buffer));
    buffer->end += size;
}

static inline void eddy__buffer_consume(struct eddy__buffer *buffer, size_t size) {
    assert(size <= eddy__buffer_size(buffer));
    buffer->start += size;
}

#endif
