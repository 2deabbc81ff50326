/* SPDX-License-Identifier: MIT
 * stream_send_file.c - a file to a stream: by the kernel, by the stream's class, or by hand.
 *
 * Each way goes step by step. A socket gets its pieces by sendfile(2) once the disk has them
 * (sendfile.h). By hand means that a piece is read, from memory at once or else by a thread, and
 * put when there is room; while the task waits for either it owns no buffer of the loop's. Between
 * the steps nobody else may write, or his bytes would lie in the middle of the file. */
#include <errno.h>

#include "file.h"
#include "memory.h"
#include "os.h"
#include "os_file.h"
#include "scheduler.h"
#include "scope.h"
#include "sendfile.h"
#include "socket.h"
#include "stream.h"

#define PIECE_BYTES (16u << 10)  /* from memory: a record of TLS */
#define ASKED_BYTES (256u << 10) /* from a disk */

_Static_assert(PIECE_BYTES <= LEASE_BYTES, "a piece is read into a lease");

/* Lies on the caller's stack. */
struct sending {
    struct eddy__hold hold;
    struct eddy__task *task;
    eddy_stream *stream;
    int file;
    off_t offset; /* moves along */
    /* Suspends. Returns how many bytes of at most `size` were sent; 0 at the end of the file, a
     * code, or -EOPNOTSUPP: it does not go this way. */
    ssize_t (*step)(struct sending *sending, size_t size);
};

/* --- by the kernel ---------------------------------------------------------------------------- */

/* Suspends until the socket may take more. Nothing is unsent, so the operation of the background is
 * free; a close cancels it. */
static int room_await(eddy_stream *stream) {
    int r;

    stream->background = (struct eddy__op){.code = EDDY__OP_WRITABLE, .fd = stream->fd};
    r = (int)eddy__op_await(stream->loop, &stream->background);
    return stream->is_closed ? eddy__fail(EDDY_ECLOSED) : MIN(r, 0);
}

/* Some filesystems cannot do it. */
static bool is_refusal(ssize_t code) {
    return code == -EINVAL || code == -ENOSYS || code == -EOPNOTSUPP;
}

/* -EAGAIN: there is no room. Without a sentence. */
static ssize_t kernel_send(const struct sending *sending, size_t size) {
    off_t offset = sending->offset;
    ssize_t r;

    do {
        r = eddy__os_sendfile_now(sending->stream->fd, sending->file, &offset, size);
    } while (r == -EINTR);
    return r;
}

/* What the kernel has said: a lost connection is kept for later calls. */
static ssize_t kernel_sent(eddy_stream *stream, ssize_t r) {
    if (r >= 0)
        return r;
    if (is_refusal(r))
        return -EOPNOTSUPP;
    if (eddy__socket_is_lost((int)r))
        stream->output_error = (int)r;
    return eddy__fail((int)r);
}

/* Suspends while there is no room. */
static ssize_t piece_send(const struct sending *sending, size_t size) {
    eddy_stream *stream = sending->stream;
    ssize_t r = eddy__stream_check_open(stream);

    while (r == 0) {
        r = kernel_send(sending, size);
        if (r != -EAGAIN)
            return kernel_sent(stream, r);
        r = room_await(stream);
    }
    return r;
}

static ssize_t step_by_kernel(struct sending *sending, size_t size) {
    ssize_t r = eddy__stream_wait_unsent(sending->stream, sending->task, 0);

    if (r == 0)
        r = eddy__sendfile_prepare(sending->file, sending->offset, &size);
    if (r < 0 || size == 0)
        return r;
    sending->stream->has_written = true;
    return piece_send(sending, size);
}

/* --- by hand ---------------------------------------------------------------------------------- */

static ssize_t put_read(const struct sending *sending, const char *bytes, ssize_t size) {
    int r;

    if (size <= 0)
        return size < 0 ? eddy__fail((int)size) : 0;
    r = eddy__stream_put(sending->stream, bytes, (size_t)size);
    return r < 0 ? r : size;
}

/* -EAGAIN: it is not in memory. */
static ssize_t step_from_memory(const struct sending *sending, size_t size) {
    char *lease = eddy__lease_borrow(sending->stream->loop);
    struct iovec part = {lease, MIN(size, PIECE_BYTES)};
    ssize_t r;

    if (!lease)
        return eddy__fail(-ENOMEM);
    r = eddy__os_preadv_now(sending->file, &part, 1, sending->offset);
    if (r == -EOPNOTSUPP)
        r = -EAGAIN;
    if (r != -EAGAIN)
        r = put_read(sending, lease, r);
    eddy__lease_return(sending->stream->loop, lease);
    return r;
}

static ssize_t query_read(struct eddy__file_query *query) {
    struct iovec part = {query->memory, query->size};

    return eddy__os_preadv(query->fd, &part, 1, query->offset);
}

/* The thread may be left behind, so it has a descriptor and memory of its own. */
static int query_open(struct eddy__file_query *query, const struct sending *sending, size_t size) {
    query->offset = sending->offset;
    query->size = MIN(size, ASKED_BYTES);
    query->memory = eddy__alloc(query->size);
    query->fd = query->memory ? eddy__os_duplicate(sending->file) : -ENOMEM;
    return query->fd < 0 ? eddy__fail(query->fd) : 0;
}

static ssize_t step_from_disk(const struct sending *sending, size_t size) {
    CLEANUP(eddy__file_queryp_free)
    struct eddy__file_query *query = eddy__file_query_new(query_read, NULL, NULL);
    ssize_t r;

    if (!query)
        return -ENOMEM;
    r = query_open(query, sending, size);
    if (r < 0)
        return r;
    r = eddy__file_query_ask(sending->task, &query, (struct eddy__file_drop){0});
    return query ? put_read(sending, query->memory, r) : r;
}

static ssize_t step_by_hand(struct sending *sending, size_t size) {
    ssize_t r = eddy__stream_wait_room(sending->stream, sending->task);

    if (r == 0)
        r = eddy__stream_check_open(sending->stream);
    if (r < 0)
        return r;
    r = step_from_memory(sending, size);
    return r == -EAGAIN ? step_from_disk(sending, size) : r;
}

/* --- by the class ----------------------------------------------------------------------------- */

static ssize_t step_by_class(struct sending *sending, size_t size) {
    eddy_stream *stream = sending->stream;
    ssize_t r = eddy__stream_wait_unsent(stream, sending->task, 0);

    return r < 0 ? r : eddy__class_send_file(stream, sending->file, sending->offset, size);
}

/* --- all of it -------------------------------------------------------------------------------- */

static ssize_t step(struct sending *sending, size_t size) {
    ssize_t r = sending->step(sending, size);

    if (r != -EOPNOTSUPP || sending->step == step_by_hand)
        return r;
    sending->step = step_by_hand;
    return step_by_hand(sending, size);
}

static ssize_t send_all(struct sending *sending, size_t size) {
    size_t sent = 0, since_rest = 0;

    while (sent < size) {
        ssize_t r = step(sending, size - sent);
        if (r <= 0)
            return sent > 0 ? (ssize_t)sent : r;
        sent += (size_t)r;
        since_rest += (size_t)r;
        sending->offset += r;
        if (sending->task->future.task_flags & TASK_REFUSED)
            break;
        if (since_rest >= FILE_STEP_BYTES) {
            eddy__file_step_back(sending->task, (struct eddy__file_drop){0});
            since_rest = 0;
        }
    }
    return (ssize_t)sent;
}

static void sending_end(struct sending *sending) {
    sending->stream->is_sending_file = false;
    eddy__stream_unref(sending->stream);
}

static void sending_dropped(struct eddy__hold *hold) {
    sending_end(container_of(hold, struct sending, hold));
}

static ssize_t sending_run(struct sending *sending, size_t size) {
    eddy_stream *stream = eddy__stream_ref(sending->stream);
    ssize_t r;

    if (stream->type)
        sending->step = step_by_class;
    else
        sending->step = stream->is_plain ? step_by_hand : step_by_kernel;
    stream->is_sending_file = true;
    eddy__hold_begin(&sending->hold, sending->task, "eddy_stream_send_file", sending_dropped);
    r = send_all(sending, size);
    eddy__hold_end(&sending->hold);
    sending_end(sending);
    return r;
}

/* Is it a regular file, and where does the sending begin? */
static int file_check(int file, const off_t *given, off_t *offset) {
    off_t end;
    int r = eddy__os_file_size(file, &end);

    if (r < 0)
        return eddy__fail(r);
    *offset = given ? *given : eddy__os_file_offset(file);
    return *offset < 0 ? eddy__fail(given ? -EINVAL : (int)*offset) : 0;
}

ssize_t eddy_stream_send_file(eddy_stream *stream, int fd, off_t *offset, size_t size) {
    struct sending sending = {.stream = stream, .file = fd};
    ssize_t r = eddy__stream_writing_begin(stream, &sending.task);

    if (r == 0)
        r = eddy__stream_check_open(stream);
    if (r == 0)
        r = file_check(fd, offset, &sending.offset);
    if (r == 0)
        r = sending_run(&sending, size);
    if (r <= 0)
        return r;
    if (offset)
        *offset = sending.offset;
    else
        eddy__os_file_seek(fd, sending.offset);
    eddy__task_charge(sending.task);
    return r;
}
