/* SPDX-License-Identifier: MIT
 * stream_read.c - the reading half: one receive at a time, and what has come but was not read.
 *
 * Bytes go straight into the caller's memory where he has brought some and nothing is unread; all
 * else comes in a lease of the poller's, so that a stream that waits owns no memory. Read next:
 * stream_input.c, what has come and was not read. */
#include <errno.h>
#include <string.h>

#include "socket.h"
#include "stream.h"

#define DIRECT_BYTES_MIN 4096u /* a read_exactly() of less takes what follows along */

/* --- a call ----------------------------------------------------------------------------------- */

/* The start of a reading call, and the end of the last one's view. *out is a reference until the
 * call returns (reading_end): its task may be woken by a close. */
static int reading_begin(eddy_stream *stream, eddy_stream **out) {
    struct eddy__task *task;
    int r = eddy__checkpoint(stream->loop, &task);

    if (r < 0)
        return r;
    if (stream->is_reading)
        return eddy__fail(-EBUSY);
    stream->is_reading = true;
    *out = eddy__stream_ref(stream);
    eddy__input_release(&stream->input, stream->loop);
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

/* Lies on the reader's stack. */
struct receive {
    struct eddy__op op;
    eddy_stream *stream;
};

/* The loop was closed over the reader, whose call will not return. */
static void receive_dropped(struct eddy__op *op) {
    eddy_stream *stream = container_of(op, struct receive, op)->stream;

    stream->receiving = NULL;
    if (op->code == EDDY__OP_LEASE && op->result > 0)
        eddy__lease_return(stream->loop, op->buffer);
    reading_end(&stream);
}

/* What a receive has brought, as the stream remembers it. A lost connection shows once, to
 * whichever half meets it first; the other would see a clean end. */
static ssize_t stream_received(eddy_stream *stream, ssize_t r) {
    if (r > 0)
        return r; /* also when it came before a close: it is the reader's */
    if (stream->is_closed)
        return eddy__fail(EDDY_ECLOSED);
    if (r == 0 && stream->input_error < 0)
        return eddy__fail(stream->input_error); /* see sending_fail() */
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
static ssize_t stream_await(struct receive *receive) {
    eddy_stream *stream = receive->stream;
    ssize_t r;

    if (stream->is_closed)
        return eddy__fail(EDDY_ECLOSED);
    if (stream->input_error < 0)
        return eddy__fail(stream->input_error);
    if (stream->input_ended)
        return 0;
    stream->receiving = &receive->op;
    r = eddy__op_await_or(stream->loop, &receive->op, receive_dropped);
    stream->receiving = NULL;
    return stream_received(stream, r);
}

/* Into the caller's memory. */
static ssize_t stream_receive(eddy_stream *stream, void *memory, size_t size) {
    struct receive receive = {.stream = stream};

    eddy__op_recv(&receive.op, stream->fd, memory, size);
    return stream_await(&receive);
}

/* Behind what is unread. */
static ssize_t stream_receive_more(eddy_stream *stream) {
    struct receive receive = {.stream = stream};
    ssize_t r;

    if (eddy__input_prepare(&stream->input, stream->loop) < 0)
        return eddy__fail(-ENOMEM);
    eddy__op_lease(&receive.op, stream->fd);
    r = stream_await(&receive);
    if (r > 0)
        eddy__input_add(&stream->input, receive.op.buffer, (size_t)r);
    return r;
}

void eddy__stream_close_input(eddy_stream *stream) {
    if (stream->receiving)
        eddy__op_cancel(stream->loop, stream->receiving);
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
    CLEANUP(reading_end) eddy_stream *reading = NULL;
    int r = reading_begin(stream, &reading);

    if (r < 0)
        return r;
    if (size == 0 || eddy__input_size(&stream->input) > 0)
        return (ssize_t)stream_take(stream, memory, size);
    return stream_receive(stream, memory, size);
}

ssize_t eddy_stream_read_some(eddy_stream *stream, eddy_slice *out) {
    CLEANUP(reading_end) eddy_stream *reading = NULL;
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

/* Suspends. The size of the first record; 0: the end came before a separator. The limit holds for
 * what is in front of us, however it was cut into packets. */
static ssize_t stream_find_record(eddy_stream *stream, const char *separator) {
    size_t separator_size = strlen(separator), scanned = 0;

    for (;;) {
        size_t end = eddy__input_find(&stream->input, scanned, separator, separator_size);
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
        r = (ssize_t)eddy__input_size(&stream->input);
    return r < 0 ? r : stream_take_view(stream, (size_t)r, out);
}

bool eddy_stream_at_eof(const eddy_stream *stream) {
    return stream->input_ended && eddy__input_size(&stream->input) == 0;
}
