/* SPDX-License-Identifier: MIT
 * stream_drain.c - the last thing a stream does: lets the peer finish talking.
 *
 * A socket that is closed with unread bytes resets the connection, and a reset overtakes what we
 * sent before: a server that answers "too large" and closes would see its answer lost. So a stream
 * that has written, and whose peer is still sending, ends its own half and reads on into the void,
 * until the peer has ended too or the time is up. */
#include "os.h"
#include "socket.h"
#include "stream.h"

#define DRAIN_NS   (5 * NS_PER_SECOND)
#define DRAINS_MAX 16 /* in a row, before others have their turn */

static void drain_end(eddy_stream *stream) {
    eddy__timer_disarm(stream->loop, &stream->patience);
    eddy__stream_unref(stream);
}

/* More has come, and is dropped. False: the end, or as good as that. */
static bool drain_progress(eddy_stream *stream) {
    struct eddy__op *op = &stream->background;

    if (op->result <= 0) {
        drain_end(stream); /* it may be freed */
        return false;
    }
    eddy__lease_return(stream->loop, TAKE_POINTER(op->buffer));
    return true;
}

static void drain_done(struct eddy__op *op);

static void drain_go_on(eddy_stream *stream) {
    struct eddy__op *op = &stream->background;

    for (int i = 0; i < DRAINS_MAX; i++) {
        eddy__op_lease(op, stream->fd);
        op->done = drain_done;
        if (!eddy__op_submit(stream->loop, op) || !drain_progress(stream))
            return;
    }
    eddy__timer_arm(stream->loop, &stream->next_turn, eddy__loop_now(stream->loop));
}

static void drain_done(struct eddy__op *op) {
    eddy_stream *stream = container_of(op, eddy_stream, background);

    if (!drain_progress(stream))
        return;
    if (eddy__timer_is_armed(&stream->patience))
        drain_go_on(stream);
    else
        drain_end(stream); /* the cancel came late */
}

static void drain_next_turn(struct eddy__timer *timer) {
    drain_go_on(container_of(timer, eddy_stream, next_turn));
}

static void drain_dropped(struct eddy__timer *timer) {
    drain_end(container_of(timer, eddy_stream, next_turn));
}

static void drain_out_of_patience(struct eddy__timer *timer) {
    eddy_stream *stream = container_of(timer, eddy_stream, patience);

    if (!eddy__timer_is_armed(&stream->next_turn)) {
        eddy__op_cancel(stream->loop, &stream->background);
        return;
    }
    eddy__timer_disarm(stream->loop, &stream->next_turn);
    drain_end(stream);
}

static bool has_unread(const eddy_stream *stream) {
    char byte;

    return eddy__op_holds_input(stream->loop, stream->fd) ||
           eddy__os_recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Is there an answer of ours to lose, and something unread that would lose it? */
static bool is_worth_draining(const eddy_stream *stream) {
    return !stream->is_plain && stream->has_written && !stream->is_drained && !stream->is_reset &&
           !stream->input_ended && stream->input_error == 0 && stream->output_error == 0 &&
           eddy__loop_is_usable(stream->loop) && has_unread(stream);
}

bool eddy__descriptor_drain(eddy_stream *stream) {
    if (!is_worth_draining(stream))
        return false;
    if (!stream->is_kept) /* a view may be left */
        eddy__input_deinit(&stream->input, stream->loop);
    stream->is_drained = true;
    stream->refs = 1;
    stream->next_turn = (struct eddy__timer){.fire = drain_next_turn, .drop = drain_dropped};
    stream->patience = (struct eddy__timer){.fire = drain_out_of_patience};
    eddy__timer_arm(stream->loop, &stream->patience, eddy__loop_now(stream->loop) + DRAIN_NS);
    eddy__os_shutdown(stream->fd, SHUT_WR);
    drain_go_on(stream);
    return true;
}
