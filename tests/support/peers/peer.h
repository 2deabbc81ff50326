/* SPDX-License-Identifier: MIT
 * peer.h - a server for tests that does exactly what its script says, however wrong.
 *
 * Plain blocking sockets and a thread for each connection: nothing of eddy is in it, so that a
 * fault of eddy's cannot hide another. peer_stop() shuts down every socket, which ends whatever a
 * script still waits for, and joins the threads. Scripts that many tests want: scripts.h. */
#ifndef TEST_PEER_H
#define TEST_PEER_H

#include <stdbool.h>
#include <stddef.h>

struct peer;

/* What has happened at the peer, each counted from its start. */
enum peer_event {
    PEER_CONNECTED, /* a connection was accepted */
    PEER_REQUESTED, /* the head of a request was read */
    PEER_STALLED,   /* peer_send_watched() found no room for a while: the client does not read */
    PEER_LEFT,      /* a script saw that the client closed or reset its connection */
    PEER_RELEASED,  /* peer_release() was called */
    PEER_EVENTS
};

/* One connection, while its script runs; closed when the script returns. */
struct peer_client {
    struct peer *peer;
    int fd;
    int number; /* the how-manieth connection, from 0 */
    void *arg;  /* peer_start()'s */
    bool left;  /* the client has gone, and has been counted */
};

typedef void peer_script(struct peer_client *client);

/* Listens on a free port of 127.0.0.1 and runs the script for each connection, in a thread of its
 * own. Aborts when the system refuses: there is no test then. */
struct peer *peer_start(peer_script *script, void *arg);

/* Ends all connections and threads; frees; returns NULL. peer_stop(NULL) does nothing. */
struct peer *peer_stop(struct peer *peer);
void peer_stopp(struct peer **peer); /* for CLEANUP */

int peer_port(const struct peer *peer);

/* "http://127.0.0.1:<port><path>"; peer_url_with: another scheme or user, "https://". One of a few
 * buffers that take turns. */
const char *peer_url(const struct peer *peer, const char *path);
const char *peer_url_with(const char *before, const struct peer *peer, const char *path);

/* How often it has happened; the most connections that were open at once; the bytes that the
 * kernel took from all scripts. From any thread. */
int peer_count(struct peer *peer, enum peer_event event);
int peer_open_most(struct peer *peer);
size_t peer_bytes_sent(struct peer *peer);

/* Blocks the thread until it has happened `count` times. False after 10 s, or when the peer is
 * being stopped. */
bool peer_wait(struct peer *peer, enum peer_event event, int count);

/* Counts PEER_RELEASED: lets scripts go on that wait for it. */
void peer_release(struct peer *peer);

/* A port of 127.0.0.1 that refuses connections for as long as *fd is open. */
int peer_refusing_port(int *fd);

/* --- for scripts; false: the client has gone ------------------------------------------------- */

enum { PEER_HEAD_MAX = 16 * 1024, PEER_BODY_MAX = 64 * 1024 };

struct peer_request {
    char method[16];
    char target[1024];
    char head[PEER_HEAD_MAX]; /* request line and headers, NUL-terminated */
    char body[PEER_BODY_MAX]; /* chunks put together, NUL-terminated */
    size_t body_bytes;
};

/* Reads a request's head, or head and body, byte for byte as it came. */
bool peer_read_head(struct peer_client *client, struct peer_request *request);
bool peer_read_request(struct peer_client *client, struct peer_request *request);

/* The value of a header of the request (in `value`), or false. */
bool peer_header(const struct peer_request *request, const char *name, char *value, size_t size);

/* Blocks until all is sent. say: as printf, up to PEER_BODY_MAX bytes. */
bool peer_send(struct peer_client *client, const void *data, size_t size);
bool peer_say(struct peer_client *client, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));

/* As peer_send, but counts PEER_STALLED whenever the client has taken nothing for 200 ms. */
bool peer_send_watched(struct peer_client *client, const void *data, size_t size);

/* A complete answer with Content-Length. */
bool peer_answer(struct peer_client *client, int status, const char *body);

/* Reads and drops until the client has gone. */
void peer_await_leave(struct peer_client *client);

/* When the script returns, its connection ends with a reset instead of an orderly close. */
void peer_reset(struct peer_client *client);

#endif
