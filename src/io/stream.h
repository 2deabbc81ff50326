/* SPDX-License-Identifier: MIT
 * stream.h - a TCP connection from the inside: two halves, and who keeps it alive.
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

#include <eddy/stream.h>

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
    int fd;
    uint32_t refs;
    bool is_closed;      /* the owner has let go */
    bool is_reset;       /* the descriptor is to be closed with a reset */
    eddy_stream **owner; /* set to NULL by close; or NULL */

    /* Reading. */
    bool is_reading;            /* a call is under way */
    bool input_ended;           /* the peer has ended its half */
    int input_error;            /* or the connection was lost: every later read answers this */
    struct eddy__op *receiving; /* the reader's, on its stack, while it may be pending; or NULL */
    struct stream_input input;  /* what has come and was not read */
    size_t limit_bytes;

    /* Writing. */
    bool is_writing;              /* a call is under way */
    bool is_sending;              /* in the background; holds a reference */
    bool output_ended;            /* our half was ended: write_eof() */
    int output_error;             /* every later write answers this */
    bool has_written;             /* there is something that the peer could lose */
    struct eddy__buffer sending;  /* lent to `background`: stays as it is while that is pending */
    struct eddy__buffer queue;    /* what was written meanwhile; the two change places */
    struct stream_writer *writer; /* waits for room, or for the last byte; or NULL */
    size_t high_water_bytes;

    /* In the background: sends, and when all else is over, drains. */
    struct eddy__op background;
    struct eddy__turn_end turn_end; /* sends what one turn has written */
    bool is_gathering;              /* until then */
    struct eddy__timer next_turn;   /* goes on, after others had theirs */
    struct eddy__timer patience;    /* how long a closed stream may take */
    bool is_drained;                /* or was not worth it: the next last reference frees */

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

static inline eddy_stream *eddy__stream_ref(eddy_stream *stream) {
    stream->refs++;
    return stream;
}
void eddy__stream_unref(eddy_stream *stream);

/* The text of the other end. */
void eddy__stream_format_peer(const eddy_stream *stream, char text[ADDRESS_TEXT_BYTES]);

/* Is this code how the loss of the stream's connection shows? */
bool eddy__stream_was_lost(const eddy_stream *stream, int code);

/* The halves' part in closing: wakes the reader; wakes the writer, and drops what is unsent or goes
 * on sending it for a limited time. */
void eddy__stream_close_input(eddy_stream *stream);
void eddy__stream_close_output(eddy_stream *stream);

/* The last reference is gone. True: it has taken it again, to read until the peer has finished. */
bool eddy__stream_drain(eddy_stream *stream);

#endif
