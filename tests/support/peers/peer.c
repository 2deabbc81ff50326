/* SPDX-License-Identifier: MIT
 * peer.c - the life of a peer: listen, a thread for each connection, count, stop.
 *
 * One lock guards the counts and the list of connections. A connection's descriptor is closed under
 * that lock, so that peer_stop() never shuts down a number that already means another file.
 * Read next: talk.c, what scripts say and hear; scripts.c. */
#include "peer_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_SECONDS = 10, SEND_BUFFER_BYTES = 64 * 1024 };

/* A failing system call is no test result: say where, and stop. */
static int must(int result, const char *what) {
    if (result >= 0)
        return result;
    perror(what);
    abort();
}

/* A thread that takes no signals: those are for the program under test. */
static pthread_t start_thread(void *(*run)(void *), void *arg) {
    sigset_t all, before;
    pthread_t thread;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    must(-pthread_create(&thread, NULL, run, arg), "pthread_create");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return thread;
}

/* --- counts ----------------------------------------------------------------------------------- */

void peer__count(struct peer *peer, enum peer_event event) {
    pthread_mutex_lock(&peer->lock);
    peer->counts[event]++;
    pthread_cond_broadcast(&peer->changed);
    pthread_mutex_unlock(&peer->lock);
}

void peer__add_sent(struct peer *peer, size_t bytes) {
    pthread_mutex_lock(&peer->lock);
    peer->bytes_sent += bytes;
    pthread_mutex_unlock(&peer->lock);
}

void peer__leave(struct peer_client *client) {
    if (client->left)
        return;
    client->left = true;
    peer__count(client->peer, PEER_LEFT);
}

int peer_count(struct peer *peer, enum peer_event event) {
    pthread_mutex_lock(&peer->lock);
    int count = peer->counts[event];
    pthread_mutex_unlock(&peer->lock);
    return count;
}

int peer_open_most(struct peer *peer) {
    pthread_mutex_lock(&peer->lock);
    int most = peer->open_most;
    pthread_mutex_unlock(&peer->lock);
    return most;
}

size_t peer_bytes_sent(struct peer *peer) {
    pthread_mutex_lock(&peer->lock);
    size_t bytes = peer->bytes_sent;
    pthread_mutex_unlock(&peer->lock);
    return bytes;
}

bool peer_wait(struct peer *peer, enum peer_event event, int count) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_SECONDS;

    pthread_mutex_lock(&peer->lock);
    int r = 0;
    while (peer->counts[event] < count && !peer->stopping && r == 0)
        r = pthread_cond_timedwait(&peer->changed, &peer->lock, &until);
    bool happened = peer->counts[event] >= count;
    pthread_mutex_unlock(&peer->lock);
    return happened;
}

void peer_release(struct peer *peer) {
    peer__count(peer, PEER_RELEASED);
}

/* --- connections ------------------------------------------------------------------------------ */

static void connection_open(struct peer *peer, struct connection *connection) {
    pthread_mutex_lock(&peer->lock);
    connection->client.number = peer->counts[PEER_CONNECTED]++;
    connection->next = peer->connections;
    peer->connections = connection;
    peer->open++;
    if (peer->open > peer->open_most)
        peer->open_most = peer->open;
    if (peer->stopping)
        shutdown(connection->client.fd, SHUT_RDWR);
    pthread_cond_broadcast(&peer->changed);
    pthread_mutex_unlock(&peer->lock);
}

static void connection_close(struct connection *connection) {
    struct peer *peer = connection->client.peer;

    pthread_mutex_lock(&peer->lock);
    peer->open--;
    close(connection->client.fd);
    connection->client.fd = -1;
    pthread_mutex_unlock(&peer->lock);
}

static void *connection_run(void *arg) {
    struct connection *connection = arg;

    connection->client.peer->script(&connection->client);
    connection_close(connection);
    return NULL;
}

static void *accept_run(void *arg) {
    struct peer *peer = arg;

    for (;;) {
        int fd = accept(peer->fd, NULL, NULL);
        if (fd < 0 && errno == EINTR)
            continue;
        if (fd < 0 && errno == EMFILE) { /* a test takes them away, for a while */
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
            continue;
        }
        if (fd < 0)
            return NULL; /* peer_stop() has shut the socket down */

        /* A byte said is a byte sent: scripts send single ones on purpose. */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        struct connection *connection = calloc(1, sizeof *connection);
        connection->client = (struct peer_client){.peer = peer, .fd = fd, .arg = peer->arg};
        connection_open(peer, connection);
        connection->thread = start_thread(connection_run, connection);
    }
}

/* --- the peer --------------------------------------------------------------------------------- */

static int bind_anywhere(int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(bind(fd, (struct sockaddr *)&address, sizeof address), "bind");
    must(getsockname(fd, (struct sockaddr *)&address, &size), "getsockname");
    *port = ntohs(address.sin_port);
    return fd;
}

struct peer *peer_start(peer_script *script, void *arg) {
    struct peer *peer = calloc(1, sizeof *peer);

    peer->script = script;
    peer->arg = arg;
    pthread_mutex_init(&peer->lock, NULL);
    pthread_cond_init(&peer->changed, NULL);
    peer->fd = bind_anywhere(&peer->port);
    /* Inherited by the connections: keeps what the kernel hides from a stalled reader small. */
    must(setsockopt(peer->fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BUFFER_BYTES}, sizeof(int)),
         "setsockopt");
    must(listen(peer->fd, 1024), "listen");
    peer->thread = start_thread(accept_run, peer);
    return peer;
}

/* From here on no script can wait any longer; the list of connections grows no more once the
 * accepting thread has ended. */
static void stop_waiting(struct peer *peer) {
    pthread_mutex_lock(&peer->lock);
    peer->stopping = true;
    pthread_cond_broadcast(&peer->changed);
    for (struct connection *c = peer->connections; c; c = c->next)
        if (c->client.fd >= 0)
            shutdown(c->client.fd, SHUT_RDWR);
    pthread_mutex_unlock(&peer->lock);
    shutdown(peer->fd, SHUT_RDWR);
}

struct peer *peer_stop(struct peer *peer) {
    if (!peer)
        return NULL;

    stop_waiting(peer);
    pthread_join(peer->thread, NULL);
    while (peer->connections) {
        struct connection *connection = peer->connections;
        peer->connections = connection->next;
        pthread_join(connection->thread, NULL);
        free(connection);
    }
    close(peer->fd);
    pthread_cond_destroy(&peer->changed);
    pthread_mutex_destroy(&peer->lock);
    free(peer);
    return NULL;
}

void peer_stopp(struct peer **peer) {
    peer_stop(*peer);
}

int peer_port(const struct peer *peer) {
    return peer->port;
}

const char *peer_url_with(const char *before, const struct peer *peer, const char *path) {
    static char urls[8][256];
    static unsigned turn;
    char *url = urls[turn++ % 8];

    snprintf(url, sizeof urls[0], "%s127.0.0.1:%d%s", before, peer->port, path);
    return url;
}

const char *peer_url(const struct peer *peer, const char *path) {
    return peer_url_with("http://", peer, path);
}

int peer_refusing_port(int *fd) {
    int port;
    *fd = bind_anywhere(&port); /* bound, and so nobody else's; but never listening */
    return port;
}
