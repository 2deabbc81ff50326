/* SPDX-License-Identifier: MIT
 * memory_stream.c - streams within the process (see memory_stream.h). */
#include "memory_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_BYTES = 65536 };

/* --- input ------------------------------------------------------------------------------------ */

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static ssize_t memory_take(void *self, void *buffer, size_t size) {
    struct memory_end *end = self;

    end->takes++;
    if (end->size == 0 && end->error < 0)
        return end->error;
    if (end->size == 0)
        return end->has_end ? 0 : -EAGAIN;
    size = least(least(size, end->size), end->take_max ? end->take_max : end->size);
    memcpy(buffer, end->bytes, size);
    end->size -= size;
    memmove(end->bytes, end->bytes + size, end->size);
    if (end->other)
        eddy_event_set(&end->other->changed);
    return (ssize_t)size;
}

static int memory_await_input(void *self) {
    struct memory_end *end = self;

    end->waits++;
    while (end->size == 0 && !end->has_end && end->error == 0 && !end->is_closed) {
        int r;
        eddy_event_clear(&end->changed);
        r = eddy_event_wait(&end->changed);
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- output ----------------------------------------------------------------------------------- */

static int memory_put(void *self, const void *data, size_t size) {
    struct memory_end *end = self, *other = end->other;
    char *bytes;

    if (end->put_error < 0 || !other || other->is_closed)
        return end->put_error < 0 ? end->put_error : -EPIPE;
    bytes = realloc(other->bytes, other->size + size);
    if (!bytes)
        return -ENOMEM;
    memcpy(bytes + other->size, data, size);
    other->bytes = bytes;
    other->size += size;
    eddy_event_set(&other->changed);
    return 0;
}

/* What the other end has not taken. */
static size_t memory_unsent(const void *self) {
    const struct memory_end *end = self;

    if (!end->other || end->other->is_closed || end->other->size <= end->other->buffer_bytes)
        return 0;
    return end->other->size - end->other->buffer_bytes;
}

static int memory_await_output(void *self, size_t unsent) {
    struct memory_end *end = self;

    while (memory_unsent(end) > unsent && !end->is_closed && end->put_error == 0) {
        int r;
        eddy_event_clear(&end->changed);
        r = eddy_event_wait(&end->changed);
        if (r < 0)
            return r;
    }
    return end->put_error == 0 && end->other->is_closed ? -EPIPE : end->put_error;
}

static int memory_put_eof(void *self) {
    struct memory_end *end = self;

    if (end->other) {
        end->other->has_end = true;
        eddy_event_set(&end->other->changed);
    }
    return 0;
}

/* --- the end ---------------------------------------------------------------------------------- */

static void memory_close(void *self, bool is_abort) {
    struct memory_end *end = self;

    end->is_closed = true;
    if (end->other) {
        end->other->has_end = true;
        end->other->was_aborted = is_abort;
        end->other->error = is_abort ? -ECONNRESET : end->other->error;
        eddy_event_set(&end->other->changed);
    }
    eddy_event_set(&end->changed);
}

/* The records stay until both have gone, for whoever looks. */
static void memory_free(void *self) {
    struct memory_end *end = self, *other = end->other;

    free(end->bytes);
    end->bytes = NULL;
    end->size = 0;
    end->is_freed = true;
    if (other && other->is_freed) {
        free(end);
        free(other);
    }
}

static const char *memory_name(const void *self) {
    (void)self;
    return "memory";
}

const eddy_stream_class memory_class = {
    .name = "memory",
    .take = memory_take,
    .await_input = memory_await_input,
    .put = memory_put,
    .await_output = memory_await_output,
    .put_eof = memory_put_eof,
    .close = memory_close,
    .free = memory_free,
    .unsent = memory_unsent,
    .peer = memory_name,
    .local = memory_name,
};

/* --- life ------------------------------------------------------------------------------------- */

int memory_pair_new(const eddy_connect_options *options, eddy_stream *streams[2],
                    struct memory_end *ends[2]) {
    return memory_pair_new_of(&memory_class, options, streams, ends);
}

int memory_pair_new_of(const eddy_stream_class *type, const eddy_connect_options *options,
                       eddy_stream *streams[2], struct memory_end *ends[2]) {
    for (int i = 0; i < 2; i++)
        ends[i] = calloc(1, sizeof(*ends[i]));
    for (int i = 0; i < 2; i++) {
        ends[i]->other = ends[1 - i];
        ends[i]->buffer_bytes = BUFFER_BYTES;
    }
    for (int i = 0; i < 2; i++) {
        int r = eddy_stream_new(type, ends[i], options, &streams[i]);
        if (r < 0 && i == 0)
            memory_free(ends[1]);
        else if (r < 0)
            eddy_stream_close(streams[0]);
        if (r < 0)
            return r;
    }
    return 0;
}

void memory_end_fail(struct memory_end *end, int code) {
    end->error = end->put_error = code;
    eddy_event_set(&end->changed);
}
