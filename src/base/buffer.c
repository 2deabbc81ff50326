/* SPDX-License-Identifier: MIT
 * buffer.c - room for more bytes: by moving the data to the front, or by doubling. */
#include "buffer.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "memory.h"
#include "util.h"

#define CAPACITY_MIN 4096u

void eddy__buffer_deinit(struct eddy__buffer *buffer) {
    eddy__free(buffer->bytes);
    *buffer = (struct eddy__buffer){0};
}

/* The data in new memory, with `before` free bytes ahead of it. */
static int buffer_move(struct eddy__buffer *buffer, size_t before, size_t capacity) {
    size_t size = eddy__buffer_size(buffer);
    char *bytes = eddy__alloc(capacity);

    if (!bytes)
        return -ENOMEM;
    if (size > 0)
        memcpy(bytes + before, eddy__buffer_data(buffer), size);
    eddy__free(buffer->bytes);
    *buffer = (struct eddy__buffer){
        .bytes = bytes, .start = before, .end = before + size, .capacity = capacity};
    return 0;
}

int eddy__buffer_reserve(struct eddy__buffer *buffer, size_t size) {
    size_t used = eddy__buffer_size(buffer);

    if (used == 0)
        buffer->start = buffer->end = 0;
    if (size <= eddy__buffer_room(buffer))
        return 0;
    if (size > SIZE_MAX / 4 - used)
        return -ENOMEM;

    /* Moving pays only when it frees as much as it moves: else many small reads would move a long
     * record again and again. */
    if (used + size <= buffer->capacity && used <= buffer->start) {
        memmove(buffer->bytes, eddy__buffer_data(buffer), used);
        buffer->start = 0;
        buffer->end = used;
        return 0;
    }
    return buffer_move(buffer, 0, MAX(MAX(used + size, 2 * used), CAPACITY_MIN));
}

int eddy__buffer_append(struct eddy__buffer *buffer, const void *data, size_t size) {
    int r;

    if (size == 0)
        return 0;
    r = eddy__buffer_reserve(buffer, size);
    if (r < 0)
        return r;
    memcpy(eddy__buffer_tail(buffer), data, size);
    buffer->end += size;
    return 0;
}

int eddy__buffer_prepend(struct eddy__buffer *buffer, const void *data, size_t size) {
    size_t used = eddy__buffer_size(buffer);

    if (size == 0)
        return 0;
    if (size > SIZE_MAX / 4 - used)
        return -ENOMEM;
    if (buffer->start < size) {
        int r = buffer_move(buffer, size, MAX(size + used, CAPACITY_MIN));
        if (r < 0)
            return r;
    }
    buffer->start -= size;
    memcpy(eddy__buffer_data(buffer), data, size);
    return 0;
}
