/* SPDX-License-Identifier: MIT
 * stream_write.c - the calls that write: with back-pressure, and the end of our half.
 *
 * Waiting for room comes before anything is taken, so a cancelled write has taken nothing. Read
 * next: stream_send.c and stream_class.c, where it goes. */
#include <errno.h>

#include "stream.h"

/* --- a call ----------------------------------------------------------------------------------- */

/* As reading_begin() in stream_read.c; but only a wait needs a reference. */
int eddy__stream_writing_begin(const eddy_stream *stream, struct eddy__task **task) {
    int r = eddy__checkpoint(stream->loop, task);

    if (r < 0)
        return r;
    if (unlikely(stream->is_closed))
        return eddy__fail(EDDY_ECLOSED);
    return stream->is_writing || stream->is_sending_file ? eddy__fail(-EBUSY) : 0;
}

/* What does not wait goes out between two calls that write, but not in the middle of a file. */
static int putting_begin(const eddy_stream *stream) {
    int r = eddy__loop_check(stream->loop);

    if (r < 0)
        return r;
    return unlikely(stream->is_sending_file) ? eddy__fail(-EBUSY) : 0;
}

/* Suspends until at most `until` bytes are unsent. */
int eddy__stream_wait_unsent(eddy_stream *stream, struct eddy__task *task, size_t until) {
    CLEANUP(eddy__stream_writing_end)
    eddy_stream *writing __attribute__((unused)) = eddy__stream_ref(stream);

    stream->is_writing = true;
    return stream->type ? eddy__class_await_output(stream, until)
                        : eddy__descriptor_await_output(stream, task, until);
}

/* --- room ------------------------------------------------------------------------------------- */

static bool stream_is_full(eddy_stream *stream) {
    return unlikely(stream->type) ? eddy__class_is_full(stream) : stream->is_paused;
}

/* Suspends while there is more than high water unsent, and then until it is as little as low water.
 * 0: the stream is still there. */
int eddy__stream_wait_room(eddy_stream *stream, struct eddy__task *task) {
    if (likely(!stream_is_full(stream)))
        return 0;
    return eddy__stream_wait_unsent(
        stream, task, stream->type ? eddy__class_room(stream) : stream->low_water_bytes);
}

/* --- to the lower floor ----------------------------------------------------------------------- */

/* May more be written? */
int eddy__stream_check_open(const eddy_stream *stream) {
    int r = eddy__stream_check_output(stream);

    if (r < 0)
        return r;
    return unlikely(stream->output_ended) ? eddy__fail(-EPIPE) : 0;
}

int eddy__stream_put(eddy_stream *stream, const void *data, size_t size) {
    int r = eddy__stream_check_open(stream);

    if (r < 0)
        return r;
    return unlikely(stream->type) ? eddy__class_put(stream, data, size)
                                  : eddy__descriptor_put(stream, data, size);
}

static int stream_put_pieces(eddy_stream *stream, const eddy_slice pieces[], size_t count) {
    size_t size = 0;
    int r = eddy__stream_check_open(stream);

    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++)
        if (__builtin_add_overflow(size, pieces[i].size, &size))
            return eddy__fail(-ENOMEM);
    return stream->type ? eddy__class_put_pieces(stream, pieces, count)
                        : eddy__descriptor_put_pieces(stream, pieces, count, size);
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
    struct eddy__task *task;
    int r = eddy__stream_writing_begin(stream, &task);

    if (r < 0)
        return r;
    r = eddy__stream_wait_room(stream, task);
    if (r < 0)
        return r;
    r = eddy__stream_put(stream, data, size);
    if (r < 0)
        return r;
    eddy__task_charge(task);
    return 0;
}

int eddy_stream_writelines(eddy_stream *stream, const eddy_slice pieces[], size_t count) {
    struct eddy__task *task;
    int r = eddy__stream_writing_begin(stream, &task);

    if (r < 0)
        return r;
    r = eddy__stream_wait_room(stream, task);
    if (r == 0)
        r = stream_put_pieces(stream, pieces, count);
    if (r < 0)
        return r;
    eddy__task_charge(task);
    return 0;
}

int eddy_stream_write_nowait(eddy_stream *stream, const void *data, size_t size) {
    int r = putting_begin(stream);

    if (r < 0)
        return r;
    r = eddy__stream_check_open(stream);
    if (r < 0)
        return r;
    if (stream_is_full(stream) && eddy_stream_unsent(stream) > 0)
        return eddy__fail(-EAGAIN);
    return eddy__stream_put(stream, data, size);
}

int eddy_stream_drain(eddy_stream *stream) {
    struct eddy__task *task;
    int r = eddy__stream_writing_begin(stream, &task);

    if (r == 0)
        r = eddy__stream_wait_room(stream, task);
    return r < 0 ? r : eddy__stream_check_output(stream);
}

int eddy_stream_flush(eddy_stream *stream) {
    return eddy_stream_await_output(stream, 0);
}

int eddy_stream_write_eof(eddy_stream *stream) {
    int r = eddy_stream_await_output(stream, 0);

    return r < 0 ? r : stream_put_eof(stream);
}

/* --- limits ----------------------------------------------------------------------------------- */

size_t eddy_stream_unsent(const eddy_stream *stream) {
    return stream->type ? eddy__class_unsent(stream) : eddy__descriptor_unsent(stream);
}

int eddy_stream_set_write_buffer_limits(eddy_stream *stream, size_t high_bytes, size_t low_bytes) {
    int r = eddy__loop_check(stream->loop);

    if (r < 0)
        return r;
    if (low_bytes > high_bytes)
        return eddy_raise(-EINVAL, "low water (%zu bytes) is above high water (%zu bytes)",
                          low_bytes, high_bytes);
    stream->high_water_bytes = high_bytes;
    stream->low_water_bytes = low_bytes;
    eddy__stream_mind_water(stream, eddy_stream_unsent(stream));
    return 0;
}

void eddy_stream_get_write_buffer_limits(const eddy_stream *stream, size_t *high_bytes,
                                         size_t *low_bytes) {
    *high_bytes = stream->high_water_bytes;
    *low_bytes = stream->low_water_bytes;
}

/* --- for classes that stand on a stream ------------------------------------------------------- */

int eddy_stream_put(eddy_stream *stream, const void *data, size_t size) {
    int r = putting_begin(stream);

    return r < 0 ? r : eddy__stream_put(stream, data, size);
}

int eddy_stream_put_eof(eddy_stream *stream) {
    int r = putting_begin(stream);

    if (r == 0)
        r = eddy__stream_check_output(stream);
    return r < 0 ? r : stream_put_eof(stream);
}

int eddy_stream_await_output(eddy_stream *stream, size_t unsent) {
    struct eddy__task *task;
    int r = eddy__stream_writing_begin(stream, &task);

    return r < 0 ? r : eddy__stream_wait_unsent(stream, task, unsent);
}
