/* SPDX-License-Identifier: MIT
 * stream_receive.c - what comes from a descriptor: one receive at a time, by the poller. */
#include <errno.h>

#include "socket.h"
#include "stream.h"

/* Lies on the reader's stack. */
struct receive {
    struct eddy__op op;
    eddy_stream *stream;
};

static bool op_is_lease(const struct eddy__op *op) {
    return op->code == EDDY__OP_LEASE || op->code == EDDY__OP_LEASE_READ;
}

/* The loop was closed over the reader, whose call will not return. */
static void receive_dropped(struct eddy__op *op) {
    eddy_stream *stream = container_of(op, struct receive, op)->stream;

    stream->receiving = NULL;
    if (op_is_lease(op) && op->result > 0)
        eddy__lease_return(stream->loop, op->buffer);
    eddy__stream_reading_end(&stream);
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

/* What is no socket is read; and the end of a pipe that is written to shows when its reader has
 * gone. */
static void receive_plainly(struct receive *receive) {
    if (receive->stream->has_no_input)
        receive->op.code = EDDY__OP_READABLE;
    else
        receive->op.code = op_is_lease(&receive->op) ? EDDY__OP_LEASE_READ : EDDY__OP_READ;
}

/* The wait at a pipe's end was cancelled: that may have been the writing half, which has failed or
 * is to be closed now. */
static int stream_left_waiting(eddy_stream *stream) {
    if (stream->is_closed || stream->input_error < 0)
        return 0; /* known by these */
    if (!stream->output_ended || stream->is_sending)
        return -ECANCELED;
    eddy__descriptor_end_output(stream);
    return 0;
}

/* Suspends. Returns how many bytes have come, 0 at the end, or a negative code. */
static ssize_t stream_await(struct receive *receive) {
    eddy_stream *stream = receive->stream;
    ssize_t r;

    r = eddy__stream_check_input(stream);
    if (r <= 0)
        return r;
    if (unlikely(stream->is_plain))
        receive_plainly(receive);
    stream->receiving = &receive->op;
    r = eddy__op_await_or(stream->loop, &receive->op, receive_dropped);
    stream->receiving = NULL;
    if (unlikely(stream->has_no_input) && r == -ECANCELED)
        r = stream_left_waiting(stream);
    return stream_received(stream, r);
}

/* Into the caller's memory. */
ssize_t eddy__descriptor_receive(eddy_stream *stream, void *memory, size_t size) {
    struct receive receive = {.stream = stream};

    eddy__op_recv(&receive.op, stream->fd, memory, size);
    return stream_await(&receive);
}

/* Behind what is unread. */
ssize_t eddy__descriptor_receive_more(eddy_stream *stream) {
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

void eddy__descriptor_close_input(eddy_stream *stream) {
    if (stream->receiving)
        eddy__op_cancel(stream->loop, stream->receiving);
}
