/* SPDX-License-Identifier: MIT
 * rows_datagram.c - the suspending calls of datagram endpoints.
 *
 * scene->endpoint is connected to scene->peer, a plain Unix socket: only that kind makes a sender
 * wait. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../io/net.h"
#include "row.h"

static void open_endpoint(struct scene *scene) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(sa_family_t);

    scene->peer = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ASSERT_INT_EQ(bind(scene->peer, (struct sockaddr *)&name, size),
                  0); /* a name of the system's */
    size = sizeof(name);
    ASSERT_INT_EQ(getsockname(scene->peer, (struct sockaddr *)&name, &size), 0);
    name.sun_path[0] = '@';
    ASSERT_OK(eddy_create_datagram_endpoint(
        &(eddy_datagram_options){.local_path = "@", .remote_path = name.sun_path},
        &scene->endpoint));
}

static void close_endpoint(struct scene *scene) {
    if (scene->peer >= 0 && eddy_running_loop())
        eddy_remove_reader(NULL, scene->peer);
    scene->endpoint = eddy_datagram_close(scene->endpoint);
    plain_close(&scene->peer);
}

/* --- receiving -------------------------------------------------------------------------------- */

static void send_some(struct scene *scene) {
    const eddy_address *to = eddy_datagram_local(scene->endpoint);

    ASSERT_INT_EQ(sendto(scene->peer, "abc\n", 4, MSG_DONTWAIT, &to->any, to->size), 4);
}

static int check(struct scene *scene, ssize_t size) {
    ASSERT_INT_EQ(size, 4);
    ASSERT_MEM_EQ(scene->lent, "abc\n", 4);
    return 0;
}

static int receives(struct scene *scene) {
    eddy_address from = {.size = 0};
    ssize_t r = eddy_datagram_receive(scene->endpoint, scene->lent, sizeof(scene->lent), &from);

    ASSERT((r < 0) == (from.size == 0));
    return r < 0 ? (int)r : check(scene, r);
}

static int receives_many(struct scene *scene) {
    eddy_datagram one = {.data = scene->lent, .room = sizeof(scene->lent)};
    int r = eddy_datagram_receive_many(scene->endpoint, &one, 1);

    ASSERT(r < 0 || r == 1);
    return r < 0 ? r : check(scene, (ssize_t)one.size);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void open_full_endpoint(struct scene *scene) {
    open_endpoint(scene);
    while (send(eddy_datagram_fd(scene->endpoint), "x", 1, MSG_DONTWAIT) == 1)
        continue;
}

static void drain_peer(void *arg) {
    const struct scene *scene = arg;
    char byte;

    while (recv(scene->peer, &byte, 1, MSG_DONTWAIT) == 1)
        continue;
}

/* From now on the peer reads whatever comes. */
static void let_peer_read(struct scene *scene) {
    ASSERT_OK(eddy_add_reader(NULL, scene->peer, drain_peer, scene));
}

static int sends(struct scene *scene) {
    return eddy_datagram_send(scene->endpoint, "x", 1);
}

static int sends_to(struct scene *scene) {
    return eddy_datagram_send_to(scene->endpoint, "x", 1, NULL);
}

static int sends_many(struct scene *scene) {
    int r = eddy_datagram_send_many(scene->endpoint, &(eddy_datagram){.data = "x", .size = 1}, 1);

    ASSERT(r < 0 || r == 1);
    return r < 0 ? r : 0;
}

const struct row datagram_rows[] = {
    {"eddy_datagram_receive", receives, send_some, open_endpoint, close_endpoint, LATCHES | RACES},
    {"eddy_datagram_receive_many", receives_many, send_some, open_endpoint, close_endpoint,
     LATCHES | RACES},
    {"eddy_datagram_send", sends, let_peer_read, open_full_endpoint, close_endpoint,
     LATCHES | RACES},
    {"eddy_datagram_send_to", sends_to, let_peer_read, open_full_endpoint, close_endpoint,
     LATCHES | RACES},
    {"eddy_datagram_send_many", sends_many, let_peer_read, open_full_endpoint, close_endpoint,
     LATCHES | RACES},
    {NULL},
};
