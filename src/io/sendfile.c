/* SPDX-License-Identifier: MIT
 * sendfile.c - sends what the page cache has; what it does not have is first read ahead by a thread
 * of the pool.
 *
 * sendfile(2) waits for the disk, whatever flags the socket has, and the thread with it. So each
 * piece is looked up in the cache before. The look costs less than a microsecond and is no promise:
 * a page may be evicted in between, and then the loop waits for it after all. */
#include "sendfile.h"

#include <errno.h>

#include <eddy/descriptor.h>
#include <eddy/threads.h>

#include "kept.h"

#define PIECE_BYTES ((size_t)256 << 10)

struct piece {
    int fd;
    off_t offset;
    size_t size;
};

static int read_ahead(void *arg) {
    const struct piece *piece = arg;

    return eddy__os_read_ahead(piece->fd, piece->offset, piece->size);
}

/* Suspends, if the disk has to be asked. */
static int piece_fetch(struct piece *piece) {
    if (eddy__os_is_cached(piece->fd, piece->offset, piece->size))
        return 0;
    return eddy_to_thread(read_ahead, piece);
}

/* Cuts the piece to what the file has. */
static int piece_cut(struct piece *piece) {
    off_t end;
    int r = eddy__os_file_size(piece->fd, &end);

    if (r < 0)
        return r;
    piece->size = piece->offset < end ? MIN(piece->size, (size_t)(end - piece->offset)) : 0;
    return 0;
}

/* Suspends. Of ours nothing has to be kept. */
static int wait_for_room(struct eddy__kept *kept, bool is_foreign) {
    struct eddy__op op = {.code = EDDY__OP_WRITABLE, .fd = kept->fd};

    return is_foreign ? eddy__kept_wait(kept, EPOLLOUT) : (int)eddy__op_await(NULL, &op);
}

/* Suspends. Returns how much of it the socket took, 0 at the end of the file. */
static ssize_t piece_send_to(struct eddy__kept *kept, bool is_foreign, struct piece *piece) {
    ssize_t r = piece_fetch(piece);

    while (r >= 0) {
        r = eddy__os_sendfile_now(eddy__kept_fd(kept), piece->fd, &piece->offset, piece->size);
        if (r == -EAGAIN)
            r = wait_for_room(kept, is_foreign);
        else if (r == -EINTR)
            r = 0;
        else
            return r < 0 ? eddy__fail((int)r) : r;
    }
    return r;
}

static ssize_t piece_send(int socket_fd, bool is_foreign, struct piece *piece) {
    struct eddy__kept kept = EDDY__KEPT(socket_fd);
    ssize_t r = piece_cut(piece);

    if (r < 0 || piece->size == 0)
        return r < 0 ? eddy__fail((int)r) : 0;
    r = piece_send_to(&kept, is_foreign, piece);
    eddy__kept_release(&kept);
    return r;
}

int eddy__sendfile_prepare(int file_fd, off_t offset, size_t *size) {
    struct piece piece = {file_fd, offset, MIN(*size, PIECE_BYTES)};
    int r = piece_cut(&piece);

    if (r < 0)
        return eddy__fail(r);
    *size = piece.size;
    return piece.size > 0 ? piece_fetch(&piece) : 0;
}

ssize_t eddy__sendfile(int socket_fd, bool is_foreign, int file_fd, off_t *offset, size_t size) {
    struct eddy__task *task;
    size_t sent = 0;
    ssize_t r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    while (sent < size && !(task->future.task_flags & TASK_REFUSED)) {
        struct piece piece = {file_fd, *offset, MIN(size - sent, PIECE_BYTES)};
        r = piece_send(socket_fd, is_foreign, &piece);
        if (r <= 0)
            break;
        sent += (size_t)r;
        *offset = piece.offset;
        eddy__task_charge(task);
    }
    return sent > 0 ? (ssize_t)sent : r;
}
