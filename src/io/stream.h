/* SPDX-License-Identifier: MIT
 * stream.h - a stream from the inside: two floors, two halves, and who keeps it alive.
 *
 *   upper:   lines and limits, one reader and one writer, high water      stream_read.c, _write.c
 *   lower:   a descriptor (a socket, a pipe) | a class of the user's      stream_receive.c, _send.c
 * | stream_class.c
 *
 * Closing frees, and calls may be under way in other tasks, and bytes may still have to go out. So
 * a stream counts references: one of its owner (close gives it back), one of each call that may
 * suspend, and one of the work in the background. The descriptor is closed and the memory freed
 * with the last: by then no operation is pending, as each belongs to one of those.
 *
 *   OPEN -close-> CLOSED, calls return EDDY_ECLOSED -the last reference-> freed
 *
 * Read next: stream.c (its life), stream_read.c, stream_write.c, stream_drain.c. */
#ifndef EDDY__STREAM_H
#define EDDY__STREAM_H

#include <eddy/ext/stream.h>

#include "address.h"
#include "buffer.h"
#include "loop.h"
#include "stream_input.h"
#include "task.h"

/* The task that waits until no more than `until` bytes are unsent. Lies on its stack. */
struct stream_writer {
    struct eddy__wait wait;
    struct eddy__task *task;
    eddy_stream *stream;
    size_t until;
    bool was_cancelled;
};

struct eddy_stream {
    eddy_loop *loop; /* a reference */
    uint32_t refs;
    bool is_closed;      /* the owner has let go */
    bool is_reset;       /* the other end is to see that something was lost */
    eddy_stream **owner; /* set to NULL by close; or NULL */
    bool is_kept;        /* see eddy__stream_close_under() */
    bool is_gone;        /* and of the stream there is only the record left */
    int64_t patience_ns; /* that unsent bytes have after the close */

    /* Reading. */
    bool is_reading;           /* a call is under way */
    bool is_awaiting;          /* and only waits: others may take */
    bool input_ended;          /* the peer has ended its half */
    int input_error;           /* or the connection was lost: every later read answers this */
    struct stream_input input; /* what has come and was not read */
    size_t limit_bytes;

    /* Writing. */
    bool is_writing;      /* a call is under way */
    bool is_sending_file; /* one that lets nothing in between: stream_send_file.c */
    bool output_ended;    /* our half was ended: write_eof() */
    int output_error;     /* every later write answers this */
    bool is_paused;       /* more than high water was unsent, and not yet as little as low water */
    size_t high_water_bytes, low_water_bytes;

    /* The lower floor: a class, which is borrowed, and its object; or (NULL) a descriptor. */
    const eddy_stream_class *type;
    size_t type_size; /* what the program was compiled with: later entries are not there */
    void *self;

    /* A descriptor. */
    int fd;
    bool is_plain;                /* no socket: read and written */
    bool has_no_input;            /* it is the end of a pipe that is written to */
    bool is_sending;              /* in the background; holds a reference */
    bool ends_output;             /* and then ends our half */
    bool has_written;             /* there is something that the peer could lose */
    bool is_gathering;            /* until turn_end */
    bool is_drained;              /* or was not worth it: the next last reference frees */
    struct eddy__op *receiving;   /* the reader's, on its stack, while it may be pending; or NULL */
    struct eddy__buffer sending;  /* lent to `background`: stays as it is while that is pending */
    struct eddy__buffer queue;    /* what was written meanwhile; the two change places */
    struct stream_writer *writer; /* waits for room, or for the last byte; or NULL */

    /* In the background: sends, and when all else is over, drains. */
    struct eddy__op background;
    struct eddy__turn_end turn_end; /* sends what one turn has written */
    struct eddy__timer next_turn;   /* goes on, after others had theirs */
    struct eddy__timer patience;    /* how long a closed stream may take */

    /* Who is at the other end; the kernel forgets it when the connection is lost. */
    struct sockaddr_in6 peer; /* or another family's, cut to that size */
    socklen_t peer_size;
    struct stream_names *names; /* or NULL: nobody has asked */
};

/* As people read them. Few ask: an idle connection need not carry it. */
struct stream_names {
    char peer[ADDRESS_TEXT_BYTES], local[ADDRESS_TEXT_BYTES];
};

/* A stream on a connected socket. Takes fd, also when it fails. Returns 0 or -ENOMEM. */
int eddy__stream_new(eddy_loop *loop, int fd, const eddy_connect_options *options,
                     eddy_stream **out);

/* One without a lower floor yet. NULL: no memory. */
eddy_stream *eddy__stream_alloc(eddy_loop *loop, const eddy_connect_options *options);

static inline eddy_stream *eddy__stream_ref(eddy_stream *stream) {
    stream->refs++;
    return stream;
}
void eddy__stream_unref(eddy_stream *stream);

/* Closes a stream under the task that uses it: every call on it answers EDDY_ECLOSED, and its own
 * close does nothing, until it is let go when the task has ended. The connection does not wait for
 * that: only the record does, with views that the task may hold. */
void eddy__stream_close_under(eddy_stream *stream, bool is_abort);
void eddy__stream_let_go(eddy_stream *stream);

/* The text of the other end. */
void eddy__stream_format_peer(const eddy_stream *stream, char text[ADDRESS_TEXT_BYTES]);

/* Is this code how the loss of the stream's connection shows? */
bool eddy__stream_was_lost(const eddy_stream *stream, int code);

/* --- calls ------------------------------------------------------------------------------------ */

/* The end of a reading or a writing call, which held a reference. NULL: it never began. */
static inline void eddy__stream_reading_end(eddy_stream **reading) {
    eddy_stream *stream = *reading;

    if (!stream)
        return;
    *reading = NULL;
    stream->is_reading = stream->is_awaiting = false;
    eddy__stream_unref(stream);
}

static inline void eddy__stream_writing_end(eddy_stream **writing) {
    eddy_stream *stream = *writing;

    if (!stream)
        return;
    *writing = NULL;
    stream->is_writing = false;
    eddy__stream_unref(stream);
}

/* May more come? 1, or 0 at the end, or a code. */
static inline int eddy__stream_check_input(const eddy_stream *stream) {
    if (stream->is_closed)
        return eddy__fail(EDDY_ECLOSED);
    if (stream->input_error < 0)
        return eddy__fail(stream->input_error);
    return !stream->input_ended;
}

/* So much is unsent now: are writers to wait? */
static inline void eddy__stream_mind_water(eddy_stream *stream, size_t unsent) {
    if (unsent > stream->high_water_bytes)
        stream->is_paused = true;
    else if (unsent <= stream->low_water_bytes)
        stream->is_paused = false;
}

/* May the stream be written to? 0 or a code. */
static inline int eddy__stream_check_output(const eddy_stream *stream) {
    if (stream->is_closed)
        return eddy__fail(EDDY_ECLOSED);
    return stream->output_error < 0 ? eddy__fail(stream->output_error) : 0;
}

/* --- the upper floor's writing half (stream_write.c) --------------------------------------------
 */

/* The start of a call that writes: a checkpoint. Only a wait needs a reference, which is up to it.
 */
int eddy__stream_writing_begin(const eddy_stream *stream, struct eddy__task **task);

/* Suspends until at most `until` bytes are unsent; or while there is more than high water unsent,
 * and then until it is as little as low water. 0: the stream is still there. */
int eddy__stream_wait_unsent(eddy_stream *stream, struct eddy__task *task, size_t until);
int eddy__stream_wait_room(eddy_stream *stream, struct eddy__task *task);

/* May more be written? 0 or a code. And writes it to the lower floor. */
int eddy__stream_check_open(const eddy_stream *stream);
int eddy__stream_put(eddy_stream *stream, const void *data, size_t size);

/* --- the lower floor: a descriptor (stream_receive.c, stream_send.c, stream_drain.c) -----------
 */

/* Into the caller's memory; or behind what is unread, by lease. Suspends. Returns how many bytes
 * have come, 0 at the end, or a code. */
ssize_t eddy__descriptor_receive(eddy_stream *stream, void *memory, size_t size);
ssize_t eddy__descriptor_receive_more(eddy_stream *stream);

/* Sends or queues all of it; or of all pieces, `size` bytes together. */
int eddy__descriptor_put(eddy_stream *stream, const void *data, size_t size);
int eddy__descriptor_put_pieces(eddy_stream *stream, const eddy_slice pieces[], size_t count,
                                size_t size);

/* Ends our half, once nothing is unsent; at once. */
int eddy__descriptor_put_eof(eddy_stream *stream);
int eddy__descriptor_end_output(eddy_stream *stream);

static inline size_t eddy__descriptor_unsent(const eddy_stream *stream) {
    return eddy__buffer_size(&stream->sending) + eddy__buffer_size(&stream->queue);
}

/* Suspends until at most `until` bytes are unsent: mostly that is so already. */
int eddy__descriptor_wait_unsent(eddy_stream *stream, struct eddy__task *task, size_t until);
static inline int eddy__descriptor_await_output(eddy_stream *stream, struct eddy__task *task,
                                                size_t until) {
    if (likely(stream->output_error < 0 || eddy__descriptor_unsent(stream) <= until))
        return eddy__stream_check_output(stream);
    return eddy__descriptor_wait_unsent(stream, task, until);
}

/* The halves' part in closing: wakes the reader; wakes the writer, and drops what is unsent or goes
 * on sending it for a limited time. */
void eddy__descriptor_close_input(eddy_stream *stream);
void eddy__descriptor_close_output(eddy_stream *stream);

/* The last reference is gone. True: it has taken it again, to read until the peer has finished. */
bool eddy__descriptor_drain(eddy_stream *stream);

/* --- the lower floor: a class (stream_class.c). The same calls. ---------------------------------
 */

ssize_t eddy__class_take(eddy_stream *stream, void *memory, size_t size);
int eddy__class_await_input(eddy_stream *stream);
ssize_t eddy__class_receive(eddy_stream *stream, void *memory, size_t size);
ssize_t eddy__class_receive_more(eddy_stream *stream);
int eddy__class_await_output(eddy_stream *stream, size_t until);
size_t eddy__class_unsent(const eddy_stream *stream);

/* So many may be unsent for a writer to go on: some classes only know how to wait for that. */
bool eddy__class_is_full(eddy_stream *stream);
size_t eddy__class_room(const eddy_stream *stream);

/* Optional entries. */
int eddy__class_fd(const eddy_stream *stream);
int eddy__class_put(eddy_stream *stream, const void *data, size_t size);
int eddy__class_put_pieces(eddy_stream *stream, const eddy_slice pieces[], size_t count);
int eddy__class_put_eof(eddy_stream *stream);
ssize_t eddy__class_send_file(eddy_stream *stream, int file, off_t offset, size_t size);
const char *eddy__class_peer(const eddy_stream *stream);
const char *eddy__class_local(const eddy_stream *stream);

#endif
