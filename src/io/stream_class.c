/* SPDX-License-Identifier: MIT
 * stream_class.c - streams on a class of the user's: made, pushed on live ones, read and written.
 *
 * A class's functions that suspend may wait for anything, so what our call holds meanwhile, its
 * reference, is known to the task (task/scope.h): a loop that is closed over the wait gives it
 * back. A code of the class's is kept as a lost connection is, whatever it means. */
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "scheduler.h"
#include "scope.h"
#include "socket.h"
#include "stream.h"

/* An entry that may be missing: it is NULL, or the program is older than it. */
#define HAS(stream, entry)                                                                        \
    ((stream)->type_size >= offsetof(eddy_stream_class, entry) + sizeof((stream)->type->entry) && \
     (stream)->type->entry)

/* --- a call ----------------------------------------------------------------------------------- */

/* Around a function of the class that may suspend. Lies on the caller's stack. */
struct class_call {
    struct eddy__hold hold;
    eddy_stream *stream;
};

static void reading_dropped(struct eddy__hold *hold) {
    eddy__stream_reading_end(&container_of(hold, struct class_call, hold)->stream);
}

static void writing_dropped(struct eddy__hold *hold) {
    eddy__stream_writing_end(&container_of(hold, struct class_call, hold)->stream);
}

/* What a class does at once has to let others run, too. */
static int call_begin(struct class_call *call, eddy_stream *stream,
                      void (*dropped)(struct eddy__hold *hold)) {
    int code;
    struct eddy__task *task = eddy__task_to_suspend(stream->loop, &code);

    if (!task)
        return code;
    call->stream = stream;
    eddy__hold_begin(&call->hold, task, stream->type->name, dropped);
    eddy__task_charge(task);
    return 0;
}

static void call_end(struct class_call *call) {
    eddy__hold_end(&call->hold);
}

/* The class may have said more than a code. */
static int class_fail(int code) {
    const eddy_error *last = eddy_last_error();

    return last && last->code == code ? code : eddy__fail(code);
}

/* --- input ------------------------------------------------------------------------------------ */

/* Takes note of what take() or await_input() has returned: an end, or a code that ends reading. */
static ssize_t class_received(eddy_stream *stream, ssize_t r) {
    if (stream->is_closed && r < 0)
        return eddy__fail(EDDY_ECLOSED);
    if (r >= 0 || r == -EAGAIN || r == -ECANCELED)
        return r;
    stream->input_error = (int)r;
    return class_fail((int)r);
}

ssize_t eddy__class_take(eddy_stream *stream, void *memory, size_t size) {
    ssize_t r = stream->type->take(stream->self, memory, size);

    assert(r <= (ssize_t)size);
    if (r == 0)
        stream->input_ended = true;
    return class_received(stream, r);
}

static int class_await_input(eddy_stream *stream) {
    int r = (int)class_received(stream, stream->type->await_input(stream->self));

    return r == 0 && stream->is_closed ? eddy__fail(EDDY_ECLOSED) : r;
}

int eddy__class_await_input(eddy_stream *stream) {
    struct class_call call;
    int r = eddy__stream_check_input(stream);

    if (r > 0)
        r = call_begin(&call, stream, reading_dropped);
    else
        return r;
    if (r < 0)
        return r;
    r = stream->is_closed ? eddy__fail(EDDY_ECLOSED) : class_await_input(stream);
    call_end(&call);
    return r;
}

/* Into memory of its own. */
static ssize_t class_take_lease(eddy_stream *stream) {
    char *lease = eddy__lease_borrow(stream->loop);
    ssize_t r;

    if (!lease)
        return eddy__fail(-ENOMEM);
    r = eddy__class_take(stream, lease, LEASE_BYTES);
    if (r > 0)
        eddy__input_add(&stream->input, lease, (size_t)r);
    else
        eddy__lease_return(stream->loop, lease);
    return r;
}

/* Into `memory`, or (NULL) behind what is unread. While it waits there is no lease. */
static ssize_t class_receive(eddy_stream *stream, void *memory, size_t size) {
    struct class_call call;
    ssize_t r = eddy__stream_check_input(stream);

    if (r <= 0)
        return r;
    r = call_begin(&call, stream, reading_dropped);
    if (r < 0)
        return r;
    r = stream->is_closed ? eddy__fail(EDDY_ECLOSED) : -EAGAIN;
    while (r == -EAGAIN) {
        r = memory ? eddy__class_take(stream, memory, size) : class_take_lease(stream);
        if (r != -EAGAIN)
            break;
        r = class_await_input(stream);
        if (r == 0)
            r = -EAGAIN;
    }
    call_end(&call);
    return r;
}

ssize_t eddy__class_receive(eddy_stream *stream, void *memory, size_t size) {
    return class_receive(stream, memory, size);
}

ssize_t eddy__class_receive_more(eddy_stream *stream) {
    if (eddy__input_prepare(&stream->input, stream->loop) < 0)
        return eddy__fail(-ENOMEM);
    return class_receive(stream, NULL, 0);
}

/* --- output ----------------------------------------------------------------------------------- */

/* Takes note of what a function of the writing half has returned. */
static int class_sent(eddy_stream *stream, int r) {
    if (stream->is_closed)
        return eddy__fail(EDDY_ECLOSED);
    if (r >= 0)
        return 0;
    if (r != -ECANCELED && r != -ENOMEM)
        stream->output_error = r;
    return class_fail(r);
}

size_t eddy__class_unsent(const eddy_stream *stream) {
    return HAS(stream, unsent) ? stream->type->unsent(stream->self) : 0;
}

size_t eddy__class_room(const eddy_stream *stream) {
    return HAS(stream, unsent) ? stream->low_water_bytes : stream->high_water_bytes;
}

bool eddy__class_is_full(eddy_stream *stream) {
    if (!HAS(stream, unsent))
        return true;
    eddy__stream_mind_water(stream, eddy__class_unsent(stream));
    return stream->is_paused;
}

int eddy__class_await_output(eddy_stream *stream, size_t until) {
    struct class_call call;
    int r = eddy__stream_check_output(stream);

    if (r == 0)
        r = call_begin(&call, stream, writing_dropped);
    if (r < 0)
        return r;
    r = stream->is_closed ? 0 : stream->type->await_output(stream->self, until);
    call_end(&call);
    return class_sent(stream, r);
}

int eddy__class_put(eddy_stream *stream, const void *data, size_t size) {
    return size == 0 ? 0 : class_sent(stream, stream->type->put(stream->self, data, size));
}

/* Small pieces are put together, as most classes make a record of what they get. */
static int class_put_joined(eddy_stream *stream, char *lease, size_t *used, eddy_slice piece) {
    if (piece.size > LEASE_BYTES - *used) {
        int r = eddy__class_put(stream, lease, *used);
        if (r < 0)
            return r;
        *used = 0;
    }
    if (piece.size > LEASE_BYTES)
        return eddy__class_put(stream, piece.data, piece.size);
    if (piece.size > 0)
        memcpy(lease + *used, piece.data, piece.size);
    *used += piece.size;
    return 0;
}

static int class_put_all(eddy_stream *stream, char *lease, const eddy_slice pieces[],
                         size_t count) {
    size_t used = 0;
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++)
        r = class_put_joined(stream, lease, &used, pieces[i]);
    return r < 0 ? r : eddy__class_put(stream, lease, used);
}

/* Some may have gone when the next is refused: then what the other end gets is torn. */
int eddy__class_put_pieces(eddy_stream *stream, const eddy_slice pieces[], size_t count) {
    char *lease = eddy__lease_borrow(stream->loop);
    int r;

    if (!lease)
        return eddy__fail(-ENOMEM);
    r = class_put_all(stream, lease, pieces, count);
    eddy__lease_return(stream->loop, lease);
    if (r == -ENOMEM)
        stream->output_error = -ENOMEM;
    return r;
}

int eddy__class_put_eof(eddy_stream *stream) {
    if (!HAS(stream, put_eof))
        return eddy_raise(-EOPNOTSUPP, "a stream of class \"%s\" cannot end one half only",
                          stream->type->name);
    return class_sent(stream, stream->type->put_eof(stream->self));
}

/* In a call that holds the stream already. That the file cannot be read is no end of writing. */
ssize_t eddy__class_send_file(eddy_stream *stream, int file, off_t offset, size_t size) {
    ssize_t r = -EOPNOTSUPP;

    if (HAS(stream, send_file))
        r = stream->type->send_file(stream->self, file, (uint64_t)offset, size);
    assert(r <= (ssize_t)size);
    if (r >= 0 || r == -EOPNOTSUPP)
        return r;
    return stream->is_closed || eddy__socket_is_lost((int)r) ? class_sent(stream, (int)r)
                                                             : class_fail((int)r);
}

/* --- names ------------------------------------------------------------------------------------ */

const char *eddy__class_peer(const eddy_stream *stream) {
    return HAS(stream, peer) ? stream->type->peer(stream->self) : "?";
}

const char *eddy__class_local(const eddy_stream *stream) {
    return HAS(stream, local) ? stream->type->local(stream->self) : "?";
}

int eddy__class_fd(const eddy_stream *stream) {
    return HAS(stream, fd) ? stream->type->fd(stream->self) : -1;
}

/* --- life ------------------------------------------------------------------------------------- */

/* A stream that was not to be: its object goes. */
static int class_refuse(const eddy_stream_class *type, void *self, int code) {
    if (type->close)
        type->close(self, true);
    if (type->free)
        type->free(self);
    return code;
}

static int class_check(const eddy_stream_class *type) {
    if (type->name && type->take && type->await_input && type->put && type->await_output &&
        type->close && type->free)
        return 0;
    return eddy_raise(-EINVAL, "the stream class \"%s\" lacks what every class must have",
                      type->name ? type->name : "");
}

static void class_set(eddy_stream *stream, const eddy_stream_class *type, size_t type_size,
                      void *self) {
    stream->type = type;
    stream->type_size = type_size;
    stream->self = self;
}

int eddy_stream_new_sized(const eddy_stream_class *type, size_t type_size, void *self,
                          const eddy_connect_options *given, size_t given_size, eddy_stream **out) {
    eddy_connect_options options = {0};
    eddy_stream *stream;
    eddy_loop *loop = NULL;
    int r = class_check(type);

    if (r == 0)
        r = eddy__loop_find(&loop);
    if (r < 0)
        return class_refuse(type, self, r);
    if (given)
        memcpy(&options, given, MIN(given_size, sizeof(options)));
    stream = eddy__stream_alloc(loop, &options);
    if (!stream)
        return class_refuse(type, self, eddy__fail(-ENOMEM));
    class_set(stream, type, type_size, self);
    *out = stream;
    return 0;
}

/* A descriptor's unsent bytes belong to an operation that knows its stream by address. */
static int stream_check_push(const eddy_stream *stream) {
    int r = eddy__loop_check(stream->loop);

    if (r < 0)
        return r;
    if (stream->is_closed)
        return eddy__fail(EDDY_ECLOSED);
    if (stream->refs > 1)
        return eddy_raise(-EBUSY, "a class cannot be put on a stream that is read, written or "
                                  "still sends: eddy_stream_flush() it first");
    return 0;
}

/* All that the stream was moves into a new one; what it has from above stays. */
static eddy_stream *stream_split(eddy_stream *stream) {
    const eddy_connect_options options = {0};
    eddy_stream **owner = stream->owner;
    eddy_stream *lower = eddy__stream_alloc(stream->loop, &options), fresh;

    if (!lower)
        return NULL;
    fresh = *lower;
    *lower = *stream;
    *stream = fresh;
    lower->owner = NULL;
    stream->owner = owner;
    stream->limit_bytes = lower->limit_bytes;
    stream->high_water_bytes = lower->high_water_bytes;
    stream->low_water_bytes = lower->low_water_bytes;
    return lower;
}

int eddy_stream_push_sized(eddy_stream *stream, const eddy_stream_class *type, size_t type_size,
                           void *self, eddy_stream **out) {
    eddy_stream *lower;
    int r = class_check(type);

    if (r == 0)
        r = stream_check_push(stream);
    if (r < 0)
        return class_refuse(type, self, r);
    lower = stream_split(stream);
    if (!lower)
        return class_refuse(type, self, eddy__fail(-ENOMEM));
    class_set(stream, type, type_size, self);
    *out = lower;
    return 0;
}

void *eddy_stream_self(const eddy_stream *stream, const eddy_stream_class *type) {
    return stream->type == type ? stream->self : NULL;
}
