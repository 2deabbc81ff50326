/* SPDX-License-Identifier: MIT
 * stream_read.c - the calls that read: pieces, exact sizes, records.
 *
 * Bytes go straight into the caller's memory where he has brought some and nothing is unread; all
 * else comes in a lease, so that a stream that waits owns no memory. Read next: stream_input.c,
 * what has come and was not read; stream_receive.c and stream_class.c, where it comes from. */
#include <errno.h>
#include <string.h>

#include "stream.h"

#define DIRECT_BYTES_MIN 4096u /* a read_exactly() of less takes what follows along */

/* --- a call ----------------------------------------------------------------------------------- */

/* The start of a reading call, and the end of the last one's view. *out is a reference until the
 * call returns (eddy__stream_reading_end): its task may be woken by a close. */
static int reading_begin(eddy_stream *stream, eddy_stream **out) {
    struct eddy__task *task;
    int r = eddy__checkpoint(stream->loop, &task);

    if (r < 0)
        return r;
    if (unlikely(stream->is_closed))
        return eddy__fail(EDDY_ECLOSED);
    if (stream->is_reading)
        return eddy__fail(-EBUSY);
    stream->is_reading = true;
    *out = eddy__stream_ref(stream);
    eddy__input_release(&stream->input, stream->loop);
    return 0;
}

/* --- from the lower floor --------------------------------------------------------------------- */

/* Into the caller's memory. Suspends. */
static ssize_t stream_receive(eddy_stream *stream, void *memory, size_t size) {
    return unlikely(stream->type) ? eddy__class_receive(stream, memory, size)
                                  : eddy__descriptor_receive(stream, memory, size);
}

/* Behind what is unread. Suspends. */
static ssize_t stream_receive_more(eddy_stream *stream) {
    return unlikely(stream->type) ? eddy__class_receive_more(stream)
                                  : eddy__descriptor_receive_more(stream);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* As a copy: nothing points into the memory that this empties. */
static size_t stream_take(eddy_stream *stream, void *memory, size_t size) {
    size = eddy__input_take(&stream->input, memory, size);
    eddy__input_release(&stream->input, stream->loop);
    return size;
}

static ssize_t stream_take_view(eddy_stream *stream, size_t size, eddy_slice *out) {
    return eddy__input_view(&stream->input, size, out) < 0 ? eddy__fail(-ENOMEM) : (ssize_t)size;
}

ssize_t eddy_stream_read(eddy_stream *stream, void *memory, size_t size) {
    CLEANUP(eddy__stream_reading_end) eddy_stream *reading = NULL;
    int r = reading_begin(stream, &reading);

    if (r < 0)
        return r;
    if (size == 0 || eddy__input_size(&stream->input) > 0)
        return (ssize_t)stream_take(stream, memory, size);
    return stream_receive(stream, memory, size);
}

ssize_t eddy_stream_read_some(eddy_stream *stream, eddy_slice *out) {
    CLEANUP(eddy__stream_reading_end) eddy_stream *reading = NULL;
    ssize_t r = reading_begin(stream, &reading);

    if (r == 0 && eddy__input_size(&stream->input) == 0)
        r = stream_receive_more(stream);
    return r < 0 ? r : stream_take_view(stream, eddy__input_piece(&stream->input), out);
}

/* A read that fails gives what it had back. Without memory for that the bytes are lost, and the
 * stream with them: no later read may go on behind the gap. */
static ssize_t stream_give_back(eddy_stream *stream, const void *data, size_t size, ssize_t code) {
    if (eddy__input_give_back(&stream->input, data, size) == 0)
        return code;
    stream->input_error = -ENOMEM;
    return eddy__fail(-ENOMEM);
}

/* Suspends. One step towards `size` bytes: returns how many, or a code. Large pieces need no lease.
 */
static ssize_t stream_read_piece(eddy_stream *stream, void *memory, size_t size) {
    ssize_t r;

    if (eddy__input_size(&stream->input) == 0) {
        if (size >= DIRECT_BYTES_MIN)
            r = stream_receive(stream, memory, size);
        else
            r = stream_receive_more(stream);
        if (r == 0)
            return eddy__fail(EDDY_EINCOMPLETE);
        if (r < 0 || size >= DIRECT_BYTES_MIN)
            return r;
    }
    return (ssize_t)stream_take(stream, memory, size);
}

ssize_t eddy_stream_read_exactly(eddy_stream *stream, void *memory, size_t size) {
    CLEANUP(eddy__stream_reading_end) eddy_stream *reading = NULL;
    size_t had = 0;
    int r = reading_begin(stream, &reading);

    if (r < 0)
        return r;
    while (had < size) {
        ssize_t n = stream_read_piece(stream, (char *)memory + had, size - had);
        if (n < 0)
            return stream_give_back(stream, memory, had, n);
        had += (size_t)n;
    }
    return (ssize_t)size;
}

/* --- records ---------------------------------------------------------------------------------- */

static size_t stream_find_end(const eddy_stream *stream, size_t scanned,
                              const eddy_slice separators[], size_t count) {
    if (likely(count == 1))
        return eddy__input_find(&stream->input, scanned, separators->data, separators->size);
    return eddy__input_find_any(&stream->input, scanned, separators, count);
}

/* Suspends. The size of the first record; 0: the end came before a separator. The limit holds for
 * what is in front of us, however it was cut into packets. */
static ssize_t stream_find_record(eddy_stream *stream, const eddy_slice separators[],
                                  size_t count) {
    size_t scanned = 0;

    for (;;) {
        size_t end = stream_find_end(stream, scanned, separators, count);
        ssize_t r;

        scanned = eddy__input_size(&stream->input);
        if (end > stream->limit_bytes || (end == 0 && scanned >= stream->limit_bytes))
            return eddy__fail(EDDY_ELIMIT);
        if (end > 0)
            return (ssize_t)end;
        r = stream_receive_more(stream);
        if (r <= 0)
            return r;
    }
}

static int separators_check(const eddy_slice separators[], size_t count) {
    bool is_right = separators && count > 0;

    for (size_t i = 0; is_right && i < count; i++)
        is_right = separators[i].data && separators[i].size > 0;
    return is_right
               ? 0
               : eddy_raise(-EINVAL, "a separator of eddy_stream_read_until() must not be empty");
}

ssize_t eddy_stream_read_until_any(eddy_stream *stream, const eddy_slice separators[], size_t count,
                                   eddy_slice *out) {
    CLEANUP(eddy__stream_reading_end) eddy_stream *reading = NULL;
    ssize_t r = separators_check(separators, count);

    if (r == 0)
        r = reading_begin(stream, &reading);
    if (r < 0)
        return r;
    r = stream_find_record(stream, separators, count);
    if (r == 0)
        return eddy__fail(EDDY_EINCOMPLETE);
    return r < 0 ? r : stream_take_view(stream, (size_t)r, out);
}

ssize_t eddy_stream_read_until(eddy_stream *stream, const char *separator, eddy_slice *out) {
    const eddy_slice only = {separator, separator ? strlen(separator) : 0};

    return eddy_stream_read_until_any(stream, &only, 1, out);
}

ssize_t eddy_stream_read_line(eddy_stream *stream, eddy_slice *out) {
    CLEANUP(eddy__stream_reading_end) eddy_stream *reading = NULL;
    ssize_t r = reading_begin(stream, &reading);

    if (r < 0)
        return r;
    r = stream_find_record(stream, &(eddy_slice){"\n", 1}, 1);
    if (r == 0) /* the end: what is left is the last line */
        r = (ssize_t)eddy__input_size(&stream->input);
    return r < 0 ? r : stream_take_view(stream, (size_t)r, out);
}

int eddy_stream_set_limit(eddy_stream *stream, size_t limit_bytes) {
    int r = eddy__loop_check(stream->loop);

    if (r == 0 && limit_bytes == 0)
        r = eddy_raise(-EINVAL, "a stream's limit of 0 bytes would let no record pass");
    if (r == 0)
        stream->limit_bytes = limit_bytes;
    return r;
}

bool eddy_stream_at_eof(const eddy_stream *stream) {
    return stream->input_ended && eddy__input_size(&stream->input) == 0;
}

/* --- for classes that stand on a stream ------------------------------------------------------- */

/* Of a descriptor only a wait brings something: then it is unread. */
static ssize_t stream_take_more(eddy_stream *stream, void *memory, size_t size) {
    int r = eddy__stream_check_input(stream);

    if (r <= 0)
        return r;
    return stream->type ? eddy__class_take(stream, memory, size) : -EAGAIN;
}

ssize_t eddy_stream_take(eddy_stream *stream, void *buffer, size_t size) {
    int r = eddy__loop_check(stream->loop);

    if (r < 0)
        return r;
    if (stream->is_reading && !stream->is_awaiting)
        return eddy__fail(-EBUSY);
    if (size == 0)
        return eddy_raise(-EINVAL, "eddy_stream_take() is asked for no bytes: 0 means the end");
    if (eddy__input_size(&stream->input) > 0 && !stream->is_closed)
        return (ssize_t)stream_take(stream, buffer, size);
    return stream_take_more(stream, buffer, size);
}

int eddy_stream_await_input(eddy_stream *stream) {
    CLEANUP(eddy__stream_reading_end) eddy_stream *reading = NULL;
    ssize_t r = reading_begin(stream, &reading);

    if (r < 0)
        return (int)r;
    if (eddy__input_size(&stream->input) > 0)
        return 0;
    stream->is_awaiting = true;
    r = stream->type ? eddy__class_await_input(stream) : eddy__descriptor_receive_more(stream);
    if (r >= 0 && stream->is_closed) /* who waited may be gone with it: it must not go on */
        return eddy__fail(EDDY_ECLOSED);
    return (int)MIN(r, 0);
}
