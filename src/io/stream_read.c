/* SPDX-License-Identifier: MIT
 * stream_read.c - the reading half: one receive at a time, and what has come but was not read.
 *
 * Bytes go straight into the caller's memory where he has brought some and the buffer is empty;
 * lines and records are found in the buffer. What was read stays in the buffer until the next
 * receive needs the room: that is why a view is valid until the next call. */
#include <errno.h>
#include <string.h>

#include "socket.h"
#include "stream.h"

#define DIRECT_BYTES_MIN 4096u /* a read_exactly() of less takes what follows along */
#define FILL_BYTES_MIN   4096u /* room for one receive: a connection that has little to say, */
#define FILL_BYTES_MAX   (64u << 10) /* and one that fills whatever it is given */

/* --- a call ----------------------------------------------------------------------------------- */

/* The start of a reading call. *out is a reference until the call returns (reading_end): its task
 * may be woken by a close. */
static int reading_begin(eddy_stream *stream, eddy_stream **out) {
    struct eddy__task *task;
    int r = eddy__checkpoint(stream->loop, &task);

    if (r < 0)
        return r;
    if (stream->is_reading)
        return eddy__fail(-EBUSY);
    stream->is_reading = true;
    *out = eddy__stream_ref(stream);
    return 0;
}

static void reading_end(eddy_stream **reading) {
    eddy_stream *stream = *reading;

    if (!stream)
        return;
    stream->is_reading = false;
    eddy__stream_unref(stream);
}

/* --- one receive ------------------------------------------------------------------------------ */

/* What a receive has brought, as the stream remembers it. A lost connection shows once, to
 * whichever half meets it first; the other would see a clean end. */
static ssize_t stream_received(eddy_stream *stream, ssize_t r) {
    if (r > 0)
        return r; /* also when it came before a close: it is the reader's */
    if (stream->is_closed)
        return eddy__fail(EDDY_ECLOSED);
    if (r == 0 && eddy__socket_is_lost(stream->output_error) && stream->output_error != -EPIPE) {
        stream->input_error = stream->output_error;
        return eddy__fail(stream->input_error);
    }
    if (r == 0)
        stream->input_ended = true;
    else if (eddy__socket_is_lost((int)r))
        stream->input_error = (int)r;
    return r;
}

/* Suspends. Returns how many bytes have come, 0 at the end, or a negative code. */
static ssize_t stream_receive(eddy_stream *stream, void *memory, size_t size) {
    struct eddy__op op;
    ssize_t r;

    if (stream->is_closed)
        return eddy__fail(EDDY_ECLOSED);
    if (stream->input_error < 0)
        return eddy__fail(stream->input_error);
    if (stream->input_ended)
        return 0;
    eddy__op_recv(&op, stream->fd, memory, size);
    stream->receiving = &op;
    r = eddy__op_await(stream->loop, &op);
    stream->receiving = NULL;
    return stream_received(stream, r);
}

void eddy__stream_close_input(eddy_stream *stream) {
    if (stream->receiving)
        eddy__op_cancel(stream->loop, stream->receiving);
}

/* The same into the buffer, whose room follows what the connection brings. */
static ssize_t stream_fill(eddy_stream *stream) {
    struct eddy__buffer *input = &stream->input;
    size_t room = MAX(stream->fill_bytes, FILL_BYTES_MIN);
    ssize_t r;

    if (eddy__buffer_size(input) == 0 && input->capacity > 2 * room)
        eddy__buffer_deinit(input);
    if (eddy__buffer_reserve(input, room) < 0)
        return eddy__fail(-ENOMEM);
    r = stream_receive(stream, eddy__buffer_tail(input), room);
    if (r <= 0)
        return r;

    eddy__buffer_added(input, (size_t)r);
    if ((size_t)r == room)
        stream->fill_bytes = MIN(2 * room, FILL_BYTES_MAX);
    else if ((size_t)r < room / 4)
        stream->fill_bytes = room / 2;
    return r;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Out of the buffer, at most `size` bytes. */
static size_t stream_take(eddy_stream *stream, void *memory, size_t size) {
    size = MIN(size, eddy__buffer_size(&stream->input));
    if (size > 0)
        memcpy(memory, eddy__buffer_data(&stream->input), size);
    eddy__buffer_consume(&stream->input, size);
    return size;
}

static ssize_t stream_take_view(eddy_stream *stream, size_t size, eddy_slice *out) {
    *out = (eddy_slice){size > 0 ? eddy__buffer_data(&stream->input) : "", size};
    eddy__buffer_consume(&stream->input, size);
    return (ssize_t)size;
}

ssize_t eddy_stream_read(eddy_stream *stream, void *memory, size_t size) {
    CLEANUP(reading_end) eddy_stream *reading = NULL;
    int r = reading_begin(stream, &reading);

    if (r < 0)
        return r;
    if (size == 0 || eddy__buffer_size(&stream->input) > 0)
        return (ssize_t)stream_take(stream, memory, size);
    return stream_receive(stream, memory, size);
}

ssize_t eddy_stream_read_some(eddy_stream *stream, eddy_slice *out) {
    CLEANUP(reading_end) eddy_stream *reading = NULL;
    ssize_t r = reading_begin(stream, &reading);

    if (r == 0 && eddy__buffer_size(&stream->input) == 0)
        r = stream_fill(stream);
    return r < 0 ? r : stream_take_view(stream, eddy__buffer_size(&stream->input), out);
}

/* A read that fails gives what it had back to the buffer. Without memory for that the bytes are
 * lost, and the stream with them: no later read may go on behind the gap. */
static ssize_t stream_give_back(eddy_stream *stream, const void *data, size_t size, ssize_t code) {
    if (eddy__buffer_prepend(&stream->input, data, size) == 0)
        return code;
    stream->input_error = -ENOMEM;
    return eddy__fail(-ENOMEM);
}

/* Suspends. One step towards `size` bytes: returns how many, or a code. Large pieces skip the
 * buffer. */
static ssize_t stream_read_piece(eddy_stream *stream, void *memory, size_t size) {
    ssize_t r;

    if (eddy__buffer_size(&stream->input) == 0) {
        if (size >= DIRECT_BYTES_MIN)
            r = stream_receive(stream, memory, size);
        else
            r = stream_fill(stream);
        if (r == 0)
            return eddy__fail(EDDY_EINCOMPLETE);
        if (r < 0 || size >= DIRECT_BYTES_MIN)
            return r;
    }
    return (ssize_t)stream_take(stream, memory, size);
}

ssize_t eddy_stream_read_exactly(eddy_stream *stream, void *memory, size_t size) {
    CLEANUP(reading_end) eddy_stream *reading = NULL;
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

/* Where the first `separator` ends, counted from the start of the unread bytes; 0: it has not come.
 * The first `scanned` bytes are known not to hold one that ends there. */
static size_t record_end(const struct eddy__buffer *input, size_t scanned, const char *separator,
                         size_t separator_size) {
    size_t from = scanned < separator_size ? 0 : scanned - (separator_size - 1);
    const char *data, *found;

    if (eddy__buffer_size(input) < separator_size)
        return 0;
    data = eddy__buffer_data(input);
    found = memmem(data + from, eddy__buffer_size(input) - from, separator, separator_size);
    return found ? (size_t)(found - data) + separator_size : 0;
}

/* Suspends. The size of the record at the front of the buffer; 0: the end came before a separator.
 * The limit holds for what is in front of us, however it was cut into packets. */
static ssize_t stream_find_record(eddy_stream *stream, const char *separator) {
    size_t separator_size = strlen(separator), scanned = 0;

    for (;;) {
        size_t end = record_end(&stream->input, scanned, separator, separator_size);
        ssize_t r;

        scanned = eddy__buffer_size(&stream->input);
        if (end > stream->limit_bytes || (end == 0 && scanned >= stream->limit_bytes))
            return eddy__fail(EDDY_ELIMIT);
        if (end > 0)
            return (ssize_t)end;
        r = stream_fill(stream);
        if (r <= 0)
            return r;
    }
}

ssize_t eddy_stream_read_until(eddy_stream *stream, const char *separator, eddy_slice *out) {
    CLEANUP(reading_end) eddy_stream *reading = NULL;
    ssize_t r;

    if (!separator || !*separator)
        return eddy_raise(-EINVAL, "the separator of eddy_stream_read_until() must not be empty");
    r = reading_begin(stream, &reading);
    if (r < 0)
        return r;
    r = stream_find_record(stream, separator);
    if (r == 0)
        return eddy__fail(EDDY_EINCOMPLETE);
    return r < 0 ? r : stream_take_view(stream, (size_t)r, out);
}

ssize_t eddy_stream_read_line(eddy_stream *stream, eddy_slice *out) {
    CLEANUP(reading_end) eddy_stream *reading = NULL;
    ssize_t r = reading_begin(stream, &reading);

    if (r < 0)
        return r;
    r = stream_find_record(stream, "\n");
    if (r == 0) /* the end: what is left is the last line */
        r = (ssize_t)eddy__buffer_size(&stream->input);
    return r < 0 ? r : stream_take_view(stream, (size_t)r, out);
}

bool eddy_stream_at_eof(const eddy_stream *stream) {
    return stream->input_ended && eddy__buffer_size(&stream->input) == 0;
}
