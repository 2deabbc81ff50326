/* SPDX-License-Identifier: MIT
 * stream.c - the life of a stream: made on a socket, closed or aborted, freed with its last
 * reference (see stream.h). */
#include "stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "memory.h"
#include "os.h"
#include "socket.h"

#define LIMIT_DEFAULT      (64u << 10)
#define HIGH_WATER_DEFAULT (64u << 10)
#define PATIENCE_SECONDS   30.0
#define LOW_WATER_SHARE    4 /* of high water, as in asyncio */

static void stream_keep_peer(eddy_stream *stream) {
    union eddy__address address;
    socklen_t size = sizeof(address);

    if (eddy__os_getpeername(stream->fd, &address.any, &size) < 0)
        return;
    if (address.any.sa_family == AF_UNIX) /* the kernel remembers, and names may be long */
        size = sizeof(address.any.sa_family);
    stream->peer_size = MIN(size, (socklen_t)sizeof(stream->peer));
    memcpy(&stream->peer, &address, stream->peer_size);
}

eddy_stream *eddy__stream_alloc(eddy_loop *loop, const eddy_connect_options *options) {
    eddy_stream *stream = eddy__zalloc(sizeof(*stream));

    if (!stream)
        return NULL;
    stream->loop = eddy_loop_ref(loop);
    stream->fd = -1;
    stream->refs = 1;
    stream->limit_bytes = options->limit_bytes ? options->limit_bytes : LIMIT_DEFAULT;
    stream->high_water_bytes =
        options->high_water_bytes ? options->high_water_bytes : HIGH_WATER_DEFAULT;
    stream->patience_ns = ns_from_seconds(options->shutdown_seconds > 0 ? options->shutdown_seconds
                                                                        : PATIENCE_SECONDS);
    stream->low_water_bytes = options->low_water_bytes
                                  ? MIN(options->low_water_bytes, stream->high_water_bytes)
                                  : stream->high_water_bytes / LOW_WATER_SHARE;
    return stream;
}

int eddy__stream_new(eddy_loop *loop, int fd, const eddy_connect_options *options,
                     eddy_stream **out) {
    eddy_stream *stream = eddy__stream_alloc(loop, options);

    if (!stream) {
        eddy__op_forget(loop, fd);
        eddy__os_close(fd);
        return eddy__fail(-ENOMEM);
    }
    stream->fd = fd;
    stream_keep_peer(stream);
    *out = stream;
    return 0;
}

/* The end of a pipe that was ended has none any more. */
static void descriptor_deinit(eddy_stream *stream) {
    if (stream->fd >= 0 && eddy__loop_is_usable(stream->loop)) {
        /* As the kernel does for what it knows to be unread. */
        stream->is_reset |= eddy__op_holds_input(stream->loop, stream->fd);
        eddy__op_forget(stream->loop, stream->fd);
    }
    if (stream->is_reset && !stream->is_plain)
        eddy__socket_reset_on_close(stream->fd);
    eddy__os_close(stream->fd);
    eddy__buffer_deinit(&stream->sending);
    eddy__buffer_deinit(&stream->queue);
}

static void record_free(eddy_stream *stream) {
    eddy__input_deinit(&stream->input, stream->loop);
    eddy__free(stream->names);
    eddy_loop_unref(stream->loop);
    eddy__free(stream);
}

static void stream_free(eddy_stream *stream) {
    if (stream->type)
        stream->type->free(stream->self);
    else
        descriptor_deinit(stream);
    stream->type = NULL;
    stream->fd = -1;
    stream->is_gone = true;
    if (!stream->is_kept)
        record_free(stream);
}

void eddy__stream_unref(eddy_stream *stream) {
    if (--stream->refs == 0 && !stream->is_gone && !eddy__descriptor_drain(stream))
        stream_free(stream);
}

/* From another thread nothing of it may be touched; there is no code to return, so it is said. */
static bool stream_may_close(const eddy_stream *stream) {
    const eddy_loop *loop = stream->loop;
    char peer[ADDRESS_TEXT_BYTES];

    if (!eddy__loop_is_usable(loop) || loop->thread == &eddy__thread)
        return true;
    eddy__stream_format_peer(stream, peer);
    eddy__log(EDDY_LOG_ERROR,
              "the stream to %s was closed in another thread than its loop's: it "
              "stays open",
              peer);
    return false;
}

static void stream_close(eddy_stream *stream) {
    if (!stream_may_close(stream) || stream->is_closed)
        return;
    stream->is_closed = true;
    if (stream->owner)
        *stream->owner = NULL;
    if (stream->type) {
        stream->type->close(stream->self, stream->is_reset);
    } else if (eddy__loop_is_usable(stream->loop)) {
        eddy__descriptor_close_input(stream);
        eddy__descriptor_close_output(stream);
    }
    eddy__stream_unref(stream);
}

eddy_stream *eddy_stream_close(eddy_stream *stream) {
    if (stream)
        stream_close(stream);
    return NULL;
}

eddy_stream *eddy_stream_abort(eddy_stream *stream) {
    if (!stream)
        return NULL;
    stream->is_reset = true;
    stream_close(stream);
    return NULL;
}

void eddy__stream_close_under(eddy_stream *stream, bool is_abort) {
    stream->is_kept = true;
    stream->is_reset |= is_abort;
    stream_close(stream);
}

void eddy__stream_let_go(eddy_stream *stream) {
    stream->is_kept = false;
    if (stream->is_gone)
        record_free(stream);
}

bool eddy__stream_was_lost(const eddy_stream *stream, int code) {
    if (code == EDDY_EINCOMPLETE)
        return stream->input_ended;
    if (stream->type && !eddy__socket_is_lost(code) && code != EDDY_ETRUNCATED)
        return false; /* a class may have much to tell that is no loss */
    return code < 0 && (code == stream->input_error || code == stream->output_error);
}

int eddy_stream_fd(const eddy_stream *stream) {
    return stream->type ? eddy__class_fd(stream) : stream->fd;
}

/* --- names ------------------------------------------------------------------------------------ */

void eddy__stream_format_peer(const eddy_stream *stream, char text[ADDRESS_TEXT_BYTES]) {
    if (stream->type)
        snprintf(text, ADDRESS_TEXT_BYTES, "%s", eddy__class_peer(stream));
    else if (stream->is_plain)
        eddy__os_file_name(stream->fd, text, ADDRESS_TEXT_BYTES);
    else if (((const struct sockaddr *)&stream->peer)->sa_family == AF_UNIX)
        eddy__address_of_peer(stream->fd, text);
    else if (stream->peer_size > 0)
        eddy__address_format((const struct sockaddr *)&stream->peer, stream->peer_size, text);
    else
        strcpy(text, "?");
}

/* Made once; NULL: no memory. */
static const struct stream_names *stream_names(eddy_stream *stream) {
    if (stream->names)
        return stream->names;
    stream->names = eddy__alloc(sizeof(*stream->names));
    if (!stream->names)
        return NULL;
    eddy__stream_format_peer(stream, stream->names->peer);
    if (stream->is_plain)
        strcpy(stream->names->local, stream->names->peer);
    else
        eddy__address_of_socket(stream->fd, stream->names->local);
    return stream->names;
}

const char *eddy_stream_peer(const eddy_stream *stream) {
    const struct stream_names *names;

    if (stream->type)
        return eddy__class_peer(stream);
    names = stream_names((eddy_stream *)stream);
    return names ? names->peer : "?";
}

const char *eddy_stream_local(const eddy_stream *stream) {
    const struct stream_names *names;

    if (stream->type)
        return eddy__class_local(stream);
    names = stream_names((eddy_stream *)stream);
    return names ? names->local : "?";
}
