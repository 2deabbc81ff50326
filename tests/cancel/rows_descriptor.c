/* SPDX-License-Identifier: MIT
 * rows_descriptor.c - the suspending calls on descriptors of the user's.
 *
 * scene->listener is the end that the calls are made on, scene->peer the other one. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../io/net.h"
#include "row.h"

static void open_ends(struct scene *scene) {
    int fds[2];

    ASSERT_INT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    scene->listener = fds[0];
    scene->peer = fds[1];
}

static void close_ends(struct scene *scene) {
    if (scene->peer >= 0 && eddy_running_loop())
        eddy_remove_reader(NULL, scene->peer);
    plain_close(&scene->listener);
    plain_close(&scene->peer);
}

/* --- receiving -------------------------------------------------------------------------------- */

static void send_some(struct scene *scene) {
    peer_send(scene->peer, "abc\n");
}

static int check(struct scene *scene, ssize_t r) {
    if (r < 0)
        return (int)r;
    ASSERT_INT_EQ(r, 4);
    ASSERT_MEM_EQ(scene->lent, "abc\n", 4);
    return 0;
}

static int receives(struct scene *scene) {
    return check(scene, eddy_recv(scene->listener, scene->lent, sizeof(scene->lent), 0));
}

static int receives_from(struct scene *scene) {
    struct sockaddr_storage from;
    socklen_t size = sizeof(from);

    return check(scene, eddy_recvfrom(scene->listener, scene->lent, sizeof(scene->lent), 0,
                                      (struct sockaddr *)&from, &size));
}

static int receives_message(struct scene *scene) {
    struct iovec part = {scene->lent, sizeof(scene->lent)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    return check(scene, eddy_recvmsg(scene->listener, &message, 0));
}

static int reads(struct scene *scene) {
    return check(scene, eddy_read(scene->listener, scene->lent, sizeof(scene->lent)));
}

static int waits(struct scene *scene) {
    int r = eddy_wait_fd(scene->listener, EDDY_READABLE);

    ASSERT(r < 0 || r == EDDY_READABLE);
    return r < 0 ? r : 0;
}

/* --- sending ---------------------------------------------------------------------------------- */

static void open_full_ends(struct scene *scene) {
    static const char bytes[1 << 20];

    open_ends(scene);
    while (send(scene->listener, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        continue;
}

static void drain_peer(void *arg) {
    static char bytes[1 << 20];
    const struct scene *scene = arg;

    while (recv(scene->peer, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        continue;
}

/* From now on the peer reads whatever comes. */
static void let_peer_read(struct scene *scene) {
    ASSERT_OK(eddy_add_reader(NULL, scene->peer, drain_peer, scene));
}

static int one_byte(ssize_t r) {
    ASSERT(r < 0 || r == 1);
    return r < 0 ? (int)r : 0;
}

static int sends(struct scene *scene) {
    return one_byte(eddy_send(scene->listener, "x", 1, 0));
}

static int sends_to(struct scene *scene) {
    return one_byte(eddy_sendto(scene->listener, "x", 1, 0, NULL, 0));
}

static int sends_message(struct scene *scene) {
    struct iovec part = {(char[]){'x'}, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    return one_byte(eddy_sendmsg(scene->listener, &message, 0));
}

static int writes(struct scene *scene) {
    return one_byte(eddy_write(scene->listener, "x", 1));
}

static int any_file;

__attribute__((constructor)) static void open_any_file(void) {
    any_file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static int sends_file(struct scene *scene) {
    return one_byte(eddy_sendfile(scene->listener, any_file, &(off_t){0}, 1));
}

/* --- connections ------------------------------------------------------------------------------ */

static void start_listening(struct scene *scene) {
    struct plain_listener listener;

    plain_listen(&listener, 0);
    scene->listener = listener.fd;
    scene->peer = -1;
}

static void address_of(int fd, struct sockaddr_in *out) {
    socklen_t size = sizeof(*out);

    ASSERT_INT_EQ(getsockname(fd, (struct sockaddr *)out, &size), 0);
}

static int connect_to(int listener) {
    struct sockaddr_in to;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    address_of(listener, &to);
    ASSERT(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS);
    return fd;
}

static void connect_client(struct scene *scene) {
    plain_close(&scene->peer);
    scene->peer = connect_to(scene->listener);
}

static int accepts(struct scene *scene) {
    int fd = eddy_accept(scene->listener, NULL, NULL);

    if (fd >= 0)
        close(fd);
    return fd < 0 ? fd : 0;
}

/* Its queue is full: who connects now waits for long. */
static void listen_in_vain(struct scene *scene) {
    start_listening(scene);
    for (int i = 0; i < 3; i++)
        close(connect_to(scene->listener));
    scene->peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int connects(struct scene *scene) {
    struct sockaddr_in to;

    address_of(scene->listener, &to);
    return eddy_connect(scene->peer, (struct sockaddr *)&to, sizeof(to));
}

const struct row descriptor_rows[] = {
    {"eddy_recv", receives, send_some, open_ends, close_ends, LATCHES | RACES},
    {"eddy_recvfrom", receives_from, send_some, open_ends, close_ends, LATCHES | RACES},
    {"eddy_recvmsg", receives_message, send_some, open_ends, close_ends, LATCHES | RACES},
    {"eddy_read", reads, send_some, open_ends, close_ends, LATCHES | RACES},
    {"eddy_send", sends, let_peer_read, open_full_ends, close_ends, LATCHES | RACES},
    {"eddy_sendto", sends_to, let_peer_read, open_full_ends, close_ends, LATCHES | RACES},
    {"eddy_sendmsg", sends_message, let_peer_read, open_full_ends, close_ends, LATCHES | RACES},
    {"eddy_write", writes, let_peer_read, open_full_ends, close_ends, LATCHES | RACES},
    {"eddy_sendfile", sends_file, let_peer_read, open_full_ends, close_ends, LATCHES | RACES},
    {"eddy_accept", accepts, connect_client, start_listening, close_ends, LATCHES | RACES},
    {"eddy_connect", connects, NULL, listen_in_vain, close_ends, NEVER},
    {"eddy_wait_fd", waits, send_some, open_ends, close_ends, LATCHES | RACES},
    {NULL},
};
