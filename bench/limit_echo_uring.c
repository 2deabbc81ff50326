/* SPDX-License-Identifier: MIT
 * limit_echo_uring.c - the limit of an echo server on io_uring.
 *
 * One receive is always submitted for each connection. What came goes out by the ring as well, with
 * the next receive linked behind it, and all that a turn wants is submitted by the call that waits:
 * two entries a request, one completion, no system call of its own.
 * Beside it: eddy_echo.c with EDDY_BACKEND=io_uring. */
#include "echo.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define SUBMIT_MAX 4096

struct connection {
    int fd;
    char buffer[ECHO_BUFFER_BYTES];
};

static struct io_uring ring;
static int listener;

static struct io_uring_sqe *next_entry(void) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&ring);

    if (!entry) {
        bench_require(io_uring_submit(&ring), "submit");
        entry = io_uring_get_sqe(&ring);
    }
    return entry;
}

/* A link may not be torn by the end of the queue. */
static void make_room(unsigned entries) {
    if (io_uring_sq_space_left(&ring) < entries)
        bench_require(io_uring_submit(&ring), "submit");
}

static void submit_accept(void) {
    struct io_uring_sqe *entry = next_entry();

    io_uring_prep_multishot_accept(entry, listener, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data(entry, NULL);
}

static void submit_receive(struct connection *connection) {
    struct io_uring_sqe *entry = next_entry();

    io_uring_prep_recv(entry, connection->fd, connection->buffer, sizeof(connection->buffer), 0);
    io_uring_sqe_set_data(entry, connection);
}

static void submit_echo(struct connection *connection, size_t bytes) {
    make_room(2);
    struct io_uring_sqe *entry = next_entry();
    io_uring_prep_send(entry, connection->fd, connection->buffer, bytes,
                       MSG_WAITALL | MSG_NOSIGNAL);
    entry->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(entry, 1); /* a failure: the receive behind it tells, as cancelled */
    submit_receive(connection);
}

static void connection_new(int fd) {
    struct connection *connection = malloc(sizeof(*connection));

    bench_require(connection ? 0 : -ENOMEM, "connection");
    connection->fd = fd;
    submit_receive(connection);
}

static void accepted(const struct io_uring_cqe *completion) {
    if (completion->res >= 0)
        connection_new(completion->res);
    if (!(completion->flags & IORING_CQE_F_MORE))
        submit_accept();
}

static void received(struct connection *connection, int bytes) {
    if (bytes > 0) {
        submit_echo(connection, (size_t)bytes);
        return;
    }
    close(connection->fd);
    free(connection);
}

static void completed(const struct io_uring_cqe *completion) {
    if (completion->user_data == 0)
        accepted(completion);
    else if (completion->user_data != 1)
        received(io_uring_cqe_get_data(completion), completion->res);
}

int main(void) {
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
        .cq_entries = 4 * SUBMIT_MAX,
    };
    struct io_uring_cqe *completion;
    unsigned head, count;
    int port;

    echo_raise_descriptor_limit();
    bench_require(io_uring_queue_init_params(SUBMIT_MAX, &ring, &parameters), "io_uring");
    io_uring_register_ring_fd(&ring);
    listener = echo_listen(&port);
    submit_accept();
    echo_announce(port);

    for (;;) {
        bench_require(io_uring_submit_and_wait(&ring, 1), "wait");
        count = 0;
        io_uring_for_each_cqe(&ring, head, completion) {
            completed(completion);
            count++;
        }
        io_uring_cq_advance(&ring, count);
    }
}
