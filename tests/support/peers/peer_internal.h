/* SPDX-License-Identifier: MIT
 * peer_internal.h - what peer.c and talk.c share. */
#ifndef TEST_PEER_INTERNAL_H
#define TEST_PEER_INTERNAL_H

#include "peer.h"

#include <pthread.h>

struct connection {
    struct peer_client client; /* client.fd: -1 once closed, changed under peer->lock */
    pthread_t thread;          /* joined by peer_stop() */
    struct connection *next;   /* in peer->connections, the latest first */
};

struct peer {
    peer_script *script;
    void *arg;
    int fd; /* listening */
    int port;
    pthread_t thread; /* accepts */

    pthread_mutex_t lock;   /* guards what follows */
    pthread_cond_t changed; /* a count, or stopping */
    int counts[PEER_EVENTS];
    int open;
    int open_most;
    size_t bytes_sent;
    bool stopping;
    struct connection *connections; /* all there ever were */
};

void peer__count(struct peer *peer, enum peer_event event);
void peer__add_sent(struct peer *peer, size_t bytes);

/* The client has gone: counted once. */
void peer__leave(struct peer_client *client);

#endif
