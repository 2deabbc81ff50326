/* SPDX-License-Identifier: MIT
 * scenario_descriptor.c - descriptors of the program's own, and datagrams. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os.h"
#include "scenario.h"
#include "test.h"
#include "util.h"

enum { MUCH = 600 << 10, DATAGRAMS = 5 };

#define FD CLEANUP(eddy__os_closep) int

/* --- a talk over plain sockets ---------------------------------------------------------------- */

struct ends {
    int near, far;
    char *out, *in;
};

static int send_much(void *arg) {
    const struct ends *ends = arg;
    ssize_t n = eddy_send(ends->near, ends->out, MUCH, 0);

    return n < 0 ? (int)n : n < MUCH ? -EPIPE : 0; /* cut short */
}

static int receive_much(void *arg) {
    const struct ends *ends = arg;
    ssize_t n = eddy_recv(ends->far, ends->in, MUCH, MSG_WAITALL);

    return n < 0 ? (int)n : n < MUCH ? -ECONNRESET : 0;
}

/* One that fails ends the other. */
static int both(eddy_fn *one, eddy_fn *other, void *arg) {
    eddy_task_group *group = eddy_task_group_new();

    eddy_task_group_create_task(group, one, arg);
    eddy_task_group_create_task(group, other, arg);
    return eddy_task_group_wait(group);
}

static int send_and_receive(struct ends *ends) {
    int r = both(send_much, receive_much, ends);

    if (r == 0)
        ASSERT(memcmp(ends->out, ends->in, MUCH) == 0);
    return r;
}

/* Some failures are of one connection, or of a moment. */
static bool is_passing(int code) {
    return code == -ECONNABORTED || code == -EPERM || code == -EMFILE || code == -ENFILE ||
           code == -ENOBUFS || code == -ENOMEM;
}

static int accept_one(void *arg) {
    int r;

    for (int tries = 0; (r = eddy_accept(*(int *)arg, NULL, NULL)) < 0; tries++)
        if (tries == 3 || !is_passing(r))
            break;
    return r;
}

static int connect_to(int listener, int fd) {
    eddy_address address = {.size = sizeof(address.storage)};

    if (getsockname(listener, &address.any, &address.size) < 0)
        return -errno;
    return eddy_connect(fd, &address.any, address.size);
}

static int listen_on_loopback(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 4) == 0)
        return fd;
    int r = -errno;
    eddy__os_close(fd);
    return r;
}

static int talk_over_tcp(struct ends *ends) {
    FD listener = listen_on_loopback();
    FD client = listener < 0 ? listener : eddy__os_socket(AF_INET, SOCK_STREAM, 0);
    FD server = -1;
    eddy_task *acceptor;
    int r = client;

    if (r < 0)
        return r;
    acceptor = eddy_create_task(accept_one, &listener);
    r = connect_to(listener, client);
    if (r < 0) {
        if (acceptor)
            eddy_cancel(acceptor);
        eddy__os_close(eddy_await(acceptor)); /* it may have been faster */
        return r;
    }
    server = eddy_await(acceptor);
    if (server < 0)
        return server;
    ends->near = client;
    ends->far = server;
    return send_and_receive(ends);
}

/* --- pipes, files, readiness ------------------------------------------------------------------ */

static int read_once(void *arg) {
    char bytes[8];
    ssize_t n = eddy_read(*(int *)arg, bytes, sizeof(bytes));

    return (int)n;
}

static int wait_for_end(void *arg) {
    int r = eddy_wait_fd(*(int *)arg, EDDY_READABLE);

    return r == EDDY_ECLOSED ? 0 : r;
}

static int talk_over_pipe(void) {
    int fds[2], r;
    eddy_task *reader;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    reader = eddy_create_task(read_once, &fds[0]);
    r = eddy_yield();
    if (r == 0)
        r = (int)eddy_write(fds[1], "hello", 5);
    if (r < 0 && reader)
        eddy_cancel(reader);
    r = first_of(r, eddy_await(reader));

    reader = r < 0 ? NULL : eddy_create_task(wait_for_end, &fds[0]);
    if (reader) {
        eddy_yield();
        eddy_close(TAKE_FD(fds[0]));
        r = eddy_await(reader);
        r = r == -EBADF ? 0 : r; /* it began too late */
    }
    eddy__os_close(fds[0]);
    eddy__os_close(fds[1]);
    return r;
}

static int send_file(void *arg) {
    const struct ends *ends = arg;
    FD file = (int)TEMP_FAILURE_RETRY(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    off_t offset = 0;
    ssize_t n = file < 0 ? -errno : eddy_sendfile(ends->near, file, &offset, MUCH);

    return n < 0 ? (int)n : n < MUCH ? -EPIPE : 0;
}

static int receive_file(struct ends *ends) {
    return both(send_file, receive_much, ends);
}

static int talk_over_pair(struct ends *ends) {
    int fds[2], r;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    ends->near = fds[0];
    ends->far = fds[1];
    r = send_and_receive(ends);
    if (r == 0)
        r = receive_file(ends);
    eddy__os_close(fds[0]);
    eddy__os_close(fds[1]);
    return r;
}

static int descriptors(void *unused) {
    struct ends ends = {.out = malloc(MUCH), .in = malloc(MUCH)};
    int r;

    (void)unused;
    memset(ends.out, 'x', MUCH);
    r = talk_over_pair(&ends);
    if (r == 0)
        r = talk_over_tcp(&ends);
    if (r == 0)
        r = talk_over_pipe();
    free(ends.out);
    free(ends.in);
    return r;
}

int scenario_descriptors(void) {
    return scenario_run(EDDY_CLOCK_MONOTONIC, descriptors, NULL);
}

/* --- datagrams -------------------------------------------------------------------------------- */

static int echo_datagrams(void *server) {
    char bytes[DATAGRAMS][16];
    eddy_datagram datagrams[DATAGRAMS];

    for (int had = 0, r; had < DATAGRAMS + 1; had += r) {
        for (int i = 0; i < DATAGRAMS; i++)
            datagrams[i] = (eddy_datagram){.data = bytes[i], .room = sizeof(bytes[i])};
        r = eddy_datagram_receive_many(server, datagrams, DATAGRAMS);
        if (r < 0)
            return r;
        int sent = eddy_datagram_send_many(server, datagrams, r);
        if (sent < r)
            return sent < 0 ? sent : -EPIPE;
    }
    return 0;
}

static int ask_by_datagrams(eddy_datagram_endpoint *client) {
    eddy_datagram datagrams[DATAGRAMS];
    eddy_address from;
    char bytes[16];
    ssize_t n;
    int r;

    for (int i = 0; i < DATAGRAMS; i++)
        datagrams[i] = (eddy_datagram){.data = "many", .size = 4};
    r = eddy_datagram_send(client, "one", 3);
    for (int had = 0; r >= 0 && had < DATAGRAMS; had += r)
        r = eddy_datagram_send_many(client, datagrams + had, DATAGRAMS - had);
    for (int i = 0; r >= 0 && i < DATAGRAMS + 1; i++) {
        n = eddy_datagram_receive(client, bytes, sizeof(bytes), &from);
        r = n < 0 ? (int)n : 0;
    }
    return r < 0 ? r : 0;
}

static int talk_by_datagrams(eddy_datagram_endpoint *server, eddy_datagram_endpoint *client) {
    eddy_task *echo = eddy_create_task(echo_datagrams, server);
    int r = echo ? ask_by_datagrams(client) : -ENOMEM;

    if (r < 0 && echo)
        eddy_cancel(echo);
    return first_of(r, echo ? eddy_await(echo) : 0);
}

/* A failure of the server's must not leave the client waiting. */
static int with_endpoints(const eddy_datagram_options *local, bool is_unix) {
    eddy_datagram_endpoint *server = NULL, *client = NULL;
    char text[EDDY_ADDRESS_TEXT_BYTES], port[8];
    eddy_timeout timeout;
    int r = eddy_create_datagram_endpoint(local, &server);

    if (r < 0)
        return r;
    eddy_address_format(eddy_datagram_local(server), text);
    snprintf(port, sizeof(port), "%d", eddy_address_port(eddy_datagram_local(server)));
    r = eddy_create_datagram_endpoint(
        is_unix ? &(eddy_datagram_options){.local_path = "@", .remote_path = text + strlen("unix:")}
                : &(eddy_datagram_options){.remote_host = "127.0.0.1", .remote_port = port},
        &client);
    if (r == 0) {
        eddy_timeout_begin(&timeout, 0.2);
        r = eddy_timeout_end(&timeout, talk_by_datagrams(server, client));
    }
    eddy_datagram_close(client);
    eddy_datagram_close(server);
    return r;
}

static int datagrams(void *unused) {
    int r = with_endpoints(&(eddy_datagram_options){.local_host = "127.0.0.1",
                                                    .broadcast = true,
                                                    .receive_buffer_bytes = 100000},
                           false);

    (void)unused;
    return r < 0 ? r : with_endpoints(&(eddy_datagram_options){.local_path = "@"}, true);
}

int scenario_datagrams(void) {
    return scenario_run(EDDY_CLOCK_MONOTONIC, datagrams, NULL);
}
