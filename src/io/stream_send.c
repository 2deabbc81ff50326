/* SPDX-License-Identifier: MIT
 * stream_send.c - what goes out by a descriptor: what the kernel does not take at once goes out in
 * the background.
 *
 * A put that finds nothing queued gives its bytes to the kernel directly; where the poller hands
 * over what a whole turn has asked for in one call, small ones are gathered for that. What is
 * left is copied and sent by an operation of the stream's own, that goes
 * on from its done() without any task. Bytes that are being sent lie in one buffer, which must not
 * move; those written meanwhile in another, and the two change places. A failure is kept for the
 * next call, as the write that caused it has returned long ago. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "os.h"
#include "scheduler.h"
#include "socket.h"
#include "stream.h"

#define GATHER_BYTES_MAX 4096u        /* copying more costs what the call would */
#define SEND_BYTES_MAX   (256u << 10) /* in one operation */
#define SENDS_MAX        16           /* in a row, before others have their turn */
#define BUFFER_BYTES_MAX (64u << 10)  /* kept while it goes on */

/* --- who waits -------------------------------------------------------------------------------- */

static void writer_wake(eddy_stream *stream) {
    struct stream_writer *writer = TAKE_POINTER(stream->writer);

    if (writer)
        eddy__task_wake(writer->task);
}

static void writer_cancelled(struct eddy__wait *wait) {
    struct stream_writer *writer = container_of(wait, struct stream_writer, wait);

    writer->was_cancelled = true;
    writer_wake(writer->stream);
}

/* The loop was closed over the writer, whose call will not return: its reference is ours to give
 * back. */
static void writer_dropped(struct eddy__wait *wait) {
    eddy_stream *stream = container_of(wait, struct stream_writer, wait)->stream;

    stream->writer = NULL;
    eddy__stream_writing_end(&stream);
}

static void writer_look(const struct eddy__wait *wait, struct eddy__look *look) {
    snprintf(look->what, sizeof(look->what), "fd %d to write",
             container_of(wait, struct stream_writer, wait)->stream->fd);
}

int eddy__descriptor_wait_unsent(eddy_stream *stream, struct eddy__task *task, size_t until) {
    struct stream_writer writer = {
        .wait = {.cancel = writer_cancelled, .drop = writer_dropped, .look = writer_look},
        .task = task,
        .stream = stream,
        .until = until};
    stream->writer = &writer;
    eddy__task_park(task, &writer.wait);
    if (writer.was_cancelled && !stream->is_closed)
        return eddy__task_fail_cancelled(task);
    return eddy__stream_check_output(stream);
}

/* --- sending in the background ---------------------------------------------------------------- */

/* A connection that has nothing to send owns no memory for it. */
static void sending_end(eddy_stream *stream) {
    eddy__buffer_deinit(&stream->sending);
    eddy__buffer_deinit(&stream->queue);
    stream->is_sending = false;
    stream->is_paused = false;
    if (stream->ends_output && stream->output_error == 0)
        eddy__descriptor_put_eof(stream);
    eddy__timer_disarm(stream->loop, &stream->patience);
    writer_wake(stream);
    eddy__stream_unref(stream);
}

/* Unsent bytes that we gave up ourselves: the peer is told by a reset, or it would take what it got
 * for all there was. That happens at the close, so a reader must not wait for the answer to them.
 */
static void sending_fail(eddy_stream *stream, int code) {
    stream->output_error = code;
    if (!eddy__socket_is_lost(code)) {
        stream->is_reset = true;
        stream->input_error = code;
        if (stream->is_plain)
            eddy__descriptor_close_input(stream);
        else
            eddy__os_shutdown(stream->fd, SHUT_RD); /* ends a receive that waits */
    }
    sending_end(stream);
}

/* The two buffers change places. False: everything is with the kernel. */
static bool sending_refill(eddy_stream *stream) {
    struct eddy__buffer sent = stream->sending;

    if (sent.capacity > BUFFER_BYTES_MAX)
        eddy__buffer_deinit(&sent);
    stream->sending = stream->queue;
    stream->queue = sent;
    return eddy__buffer_size(&stream->sending) > 0;
}

/* Takes note of a completed operation. False: the sending is over. */
static bool sending_progress(eddy_stream *stream) {
    if (stream->background.result < 0) {
        sending_fail(stream, (int)stream->background.result);
        return false;
    }
    eddy__buffer_consume(&stream->sending, (size_t)stream->background.result);
    if (eddy__buffer_size(&stream->sending) == 0 && !sending_refill(stream)) {
        sending_end(stream);
        return false;
    }
    eddy__stream_mind_water(stream, eddy__descriptor_unsent(stream));
    if (stream->writer && eddy__descriptor_unsent(stream) <= stream->writer->until)
        writer_wake(stream);
    return true;
}

static void sending_done(struct eddy__op *op);

/* Sends until the kernel takes no more (the operation then waits, and comes to sending_done), or
 * until it has had its share of this turn. */
static void sending_go_on(eddy_stream *stream) {
    for (int i = 0; i < SENDS_MAX; i++) {
        eddy__op_send(&stream->background, stream->fd, eddy__buffer_data(&stream->sending),
                      MIN(eddy__buffer_size(&stream->sending), SEND_BYTES_MAX));
        if (unlikely(stream->is_plain))
            stream->background.code = EDDY__OP_WRITE;
        stream->background.done = sending_done;
        if (!eddy__op_submit(stream->loop, &stream->background) || !sending_progress(stream))
            return;
    }
    eddy__timer_arm(stream->loop, &stream->next_turn, eddy__loop_now(stream->loop));
}

/* Abandoned (see sending_abandon), it may have been sent before the cancel came. */
static void sending_done(struct eddy__op *op) {
    eddy_stream *stream = container_of(op, eddy_stream, background);

    if (!sending_progress(stream))
        return;
    if (stream->is_reset)
        sending_fail(stream, -ECANCELED);
    else
        sending_go_on(stream);
}

static void sending_turn_ended(struct eddy__turn_end *end) {
    eddy_stream *stream = container_of(end, eddy_stream, turn_end);

    stream->is_gathering = false;
    sending_go_on(stream);
}

static void sending_next_turn(struct eddy__timer *timer) {
    sending_go_on(container_of(timer, eddy_stream, next_turn));
}

static void sending_dropped(struct eddy__timer *timer) {
    sending_fail(container_of(timer, eddy_stream, next_turn), -ECANCELED);
}

/* Who writes outside of a run cannot say when the next turn ends. */
static bool stream_may_gather(const eddy_stream *stream) {
    return stream->loop->poller_class->batches && stream->loop->running && !stream->is_plain;
}

static void sending_start(eddy_stream *stream) {
    stream->is_sending = true;
    stream->next_turn.fire = sending_next_turn;
    stream->next_turn.drop = sending_dropped;
    eddy__stream_ref(stream);
    if (!stream_may_gather(stream)) {
        sending_go_on(stream);
        return;
    }
    stream->is_gathering = true;
    stream->turn_end.run = sending_turn_ended;
    eddy__loop_at_turn_end(stream->loop, &stream->turn_end);
}

/* Where the rest of a write is to be copied. When the kernel has the first part and there is no
 * memory for the second, what the peer gets is torn: that is the end of our half, and it must see a
 * reset. */
static struct eddy__buffer *stream_reserve(eddy_stream *stream, size_t size, bool is_rest) {
    bool is_lent = stream->background.pending || eddy__buffer_size(&stream->queue) > 0;
    struct eddy__buffer *buffer = is_lent ? &stream->queue : &stream->sending;

    if (eddy__buffer_reserve(buffer, size) == 0)
        return buffer;
    stream->is_reset = stream->is_reset || is_rest;
    stream->output_error = is_rest ? -ENOMEM : stream->output_error;
    return NULL;
}

static void stream_queued(eddy_stream *stream) {
    eddy__stream_mind_water(stream, eddy__descriptor_unsent(stream));
    if (!stream->is_sending)
        sending_start(stream);
}

static int stream_queue(eddy_stream *stream, const void *data, size_t size, bool is_rest) {
    struct eddy__buffer *buffer = stream_reserve(stream, size, is_rest);

    if (!buffer)
        return eddy__fail(-ENOMEM);
    eddy__buffer_append(buffer, data, size);
    stream_queued(stream);
    return 0;
}

/* --- closing ---------------------------------------------------------------------------------- */

/* What is left is not sent, and the connection is reset. */
static void sending_abandon(eddy_stream *stream) {
    stream->is_reset = true;
    if (stream->is_gathering) {
        stream->is_gathering = false;
        list_remove(&stream->turn_end.node);
        sending_fail(stream, -ECANCELED);
    } else if (eddy__timer_is_armed(&stream->next_turn)) {
        eddy__timer_disarm(stream->loop, &stream->next_turn);
        sending_fail(stream, -ECANCELED);
    } else {
        eddy__op_cancel(stream->loop, &stream->background);
    }
}

static void sending_out_of_patience(struct eddy__timer *timer) {
    sending_abandon(container_of(timer, eddy_stream, patience));
}

void eddy__descriptor_close_output(eddy_stream *stream) {
    writer_wake(stream);
    if (!stream->is_sending) {
        if (stream->is_sending_file)
            eddy__op_cancel(stream->loop, &stream->background); /* the wait for room */
        return;
    }
    if (stream->is_reset) {
        sending_abandon(stream);
        return;
    }
    stream->patience.fire = sending_out_of_patience;
    eddy__timer_arm(stream->loop, &stream->patience,
                    ns_add(eddy__loop_now(stream->loop), stream->patience_ns));
}

/* --- putting ---------------------------------------------------------------------------------- */

/* True: it is gathered until the turn ends, and there is room for it. */
static bool stream_gathers(eddy_stream *stream, size_t size) {
    return size <= GATHER_BYTES_MAX && stream_may_gather(stream) &&
           eddy__buffer_reserve(&stream->sending, size) == 0;
}

/* Is all of it to be queued? */
static bool stream_queues(eddy_stream *stream, size_t size) {
    return stream->is_sending || size == 0 || stream_gathers(stream, size);
}

static ssize_t stream_try(const eddy_stream *stream, const void *data, size_t size) {
    ssize_t r;

    if (likely(!stream->is_plain))
        return eddy__socket_try_send(stream->fd, data, size);
    do {
        r = eddy__os_write(stream->fd, data, size);
    } while (r == -EINTR);
    return r;
}

/* What the kernel takes now is 0 where it is no failure that it takes none: the operation that
 * waits for room meets whatever is behind it. Else it is a code, that later calls will see too. */
static ssize_t stream_tried(eddy_stream *stream, ssize_t r) {
    if (r >= 0)
        return r;
    if (r == -EAGAIN || r == -ENOBUFS)
        return 0;
    stream->output_error = (int)r;
    return eddy__fail((int)r);
}

/* Not all of it was taken. */
static int stream_put_rest(eddy_stream *stream, const void *data, size_t size, ssize_t sent) {
    sent = stream_tried(stream, sent);
    if (sent < 0)
        return (int)sent;
    return stream_queue(stream, (const char *)data + sent, size - (size_t)sent, sent > 0);
}

int eddy__descriptor_put(eddy_stream *stream, const void *data, size_t size) {
    ssize_t sent = 0;

    stream->has_written = true;
    if (!stream_queues(stream, size))
        sent = stream_try(stream, data, size);
    if (likely(sent == (ssize_t)size))
        return 0;
    return stream_put_rest(stream, data, size, sent);
}

/* --- several pieces --------------------------------------------------------------------------- */

_Static_assert(sizeof(eddy_slice) == sizeof(struct iovec) &&
                   offsetof(eddy_slice, size) == offsetof(struct iovec, iov_len),
               "pieces are handed to the kernel as they are");

static ssize_t stream_try_pieces(const eddy_stream *stream, const eddy_slice pieces[],
                                 size_t count) {
    const struct iovec *vector = (const struct iovec *)pieces;
    ssize_t r;

    do {
        r = stream->is_plain ? eddy__os_writev(stream->fd, vector, (int)count)
                             : eddy__os_sendv(stream->fd, vector, count, MSG_DONTWAIT);
    } while (r == -EINTR);
    return r;
}

static size_t pieces_size(const eddy_slice pieces[], size_t count) {
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += pieces[i].size;
    return size;
}

/* What the kernel takes now, which takes so many pieces at once. Returns how much, or a code. */
static ssize_t pieces_send_now(eddy_stream *stream, const eddy_slice pieces[], size_t count) {
    ssize_t sent = 0;

    for (size_t i = 0; i < count; i += IOV_MAX) {
        size_t now = MIN(count - i, (size_t)IOV_MAX);
        ssize_t n = stream_tried(stream, stream_try_pieces(stream, pieces + i, now));
        if (n < 0)
            return n;
        sent += n;
        if ((size_t)n < pieces_size(pieces + i, now))
            break;
    }
    return sent;
}

/* All but the first `skipped` bytes, for which there is room. */
static void pieces_append(struct eddy__buffer *buffer, const eddy_slice pieces[], size_t count,
                          size_t skipped) {
    for (size_t i = 0; i < count; i++) {
        size_t skip = MIN(skipped, pieces[i].size);
        skipped -= skip;
        if (skip < pieces[i].size)
            eddy__buffer_append(buffer, pieces[i].data + skip, pieces[i].size - skip);
    }
}

int eddy__descriptor_put_pieces(eddy_stream *stream, const eddy_slice pieces[], size_t count,
                                size_t size) {
    struct eddy__buffer *buffer;
    ssize_t sent = 0;

    stream->has_written = true;
    if (!stream_queues(stream, size))
        sent = pieces_send_now(stream, pieces, count);
    if (sent < 0)
        return (int)sent;
    if ((size_t)sent == size)
        return 0;
    buffer = stream_reserve(stream, size - (size_t)sent, sent > 0);
    if (!buffer)
        return eddy__fail(-ENOMEM);
    pieces_append(buffer, pieces, count, (size_t)sent);
    stream_queued(stream);
    return 0;
}

/* --- the end of our half ---------------------------------------------------------------------- */

/* A pipe's end ends when it is closed. A reader that waits at it closes it as it leaves. */
int eddy__descriptor_end_output(eddy_stream *stream) {
    if (!stream->is_plain)
        return eddy__os_shutdown(stream->fd, SHUT_WR);
    if (stream->receiving) {
        eddy__op_cancel(stream->loop, stream->receiving);
        return 0;
    }
    eddy__op_forget(stream->loop, stream->fd);
    eddy__os_close(TAKE_FD(stream->fd));
    stream->input_ended = true;
    return 0;
}

int eddy__descriptor_put_eof(eddy_stream *stream) {
    int r;

    stream->ends_output = stream->is_sending;
    if (stream->is_sending)
        return 0;
    r = eddy__descriptor_end_output(stream);
    if (r == 0)
        return 0;
    stream->output_error = r; /* the connection was lost, and nobody had noticed */
    return eddy__fail(r);
}
