/* SPDX-License-Identifier: MIT
 * stream_write.c - the calls that write: with back-pressure, and the end of our half.
 *
 * Waiting for room comes before anything is taken, so a cancelled write has taken nothing. Read
 * next: stream_send.c and stream_class.c, where it goes. */
#include <errno.h>

#include "stream.h"

/* --- a call ----------------------------------------------------------------------------------- */

/* As reading_begin() in stream_read.c. */
static int writing_begin(eddy_stream *stream, struct eddy__task **task, eddy_stream **out) {
    int r = eddy__checkpoint(stream->loop, task);

    if (r < 0)
        return r;
    if (unlikely(stream->is_closed))
        return eddy__fail(EDDY_ECLOSED);
    if (stream->is_writing)
        return eddy__fail(-EBUSY);
    stream->is_writing = true;
    *out = eddy__stream_ref(stream);
    return 0;
}

/* --- to the lower floor ----------------------------------------------------------------------- */

/* Suspends until at most `until` bytes are unsent. */
static int stream_wait_unsent(eddy_stream *stream, struct eddy__task *task, size_t until) {
    return unlikely(stream->type) ? eddy__class_await_output(stream, until)
                                  : eddy__descriptor_await_output(stream, task, until);
}

static int stream_put(eddy_stream *stream, const void *data, size_t size) {
    if (unlikely(stream->output_ended))
        return eddy__fail(-EPIPE);
    return unlikely(stream->type) ? eddy__class_put(stream, data, size)
                                  : eddy__descriptor_put(stream, data, size);
}

static int stream_put_eof(eddy_stream *stream) {
    int r;

    if (stream->output_ended)
        return 0;
    r = stream->type ? eddy__class_put_eof(stream) : eddy__descriptor_put_eof(stream);
    if (r < 0)
        return r;
    stream->output_ended = true;
    return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

int eddy_stream_write(eddy_stream *stream, const void *data, size_t size) {
    CLEANUP(eddy__stream_writing_end) eddy_stream *writing = NULL;
    struct eddy__task *task;
    int r = writing_begin(stream, &task, &writing);

    if (r < 0)
        return r;
    r = stream_wait_unsent(stream, task, stream->high_water_bytes);
    if (r < 0)
        return r;
    r = stream_put(stream, data, size);
    if (r < 0)
        return r;
    eddy__stream_writing_end(&writing); /* the loop may be closed over what follows */
    eddy__task_charge(task);
    return 0;
}

int eddy_stream_flush(eddy_stream *stream) {
    return eddy_stream_await_output(stream, 0);
}

int eddy_stream_write_eof(eddy_stream *stream) {
    CLEANUP(eddy__stream_writing_end) eddy_stream *writing = NULL;
    struct eddy__task *task;
    int r = writing_begin(stream, &task, &writing);

    if (r < 0)
        return r;
    r = stream_wait_unsent(stream, task, 0);
    return r < 0 ? r : stream_put_eof(stream);
}

/* --- for classes that stand on a stream ------------------------------------------------------- */

int eddy_stream_put(eddy_stream *stream, const void *data, size_t size) {
    int r = eddy__loop_check(stream->loop);

    if (r == 0)
        r = eddy__stream_check_output(stream);
    return r < 0 ? r : stream_put(stream, data, size);
}

int eddy_stream_put_eof(eddy_stream *stream) {
    int r = eddy__loop_check(stream->loop);

    if (r == 0)
        r = eddy__stream_check_output(stream);
    return r < 0 ? r : stream_put_eof(stream);
}

int eddy_stream_await_output(eddy_stream *stream, size_t unsent) {
    CLEANUP(eddy__stream_writing_end) eddy_stream *writing = NULL;
    struct eddy__task *task;
    int r = writing_begin(stream, &task, &writing);

    return r < 0 ? r : stream_wait_unsent(stream, task, unsent);
}
