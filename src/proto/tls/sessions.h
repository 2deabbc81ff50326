/* SPDX-License-Identifier: MIT
 * sessions.h - the sessions that a client may go on with, by server; any thread.
 *
 * Bounded: the one that was used longest ago makes room. Of a server of TLS 1.3 each session is
 * used once, so that nobody who watches can tie two connections together by it (RFC 8446, C.4). */
#ifndef EDDY__TLS_SESSIONS_H
#define EDDY__TLS_SESSIONS_H

#include <openssl/ssl.h>
#include <pthread.h>

struct tls_session {
    struct tls_session *next; /* used longer ago */
    SSL_SESSION *session;
    char server[]; /* "example.org:443" */
};

struct tls_sessions {
    pthread_mutex_t mutex;
    struct tls_session *newest;
    int count, max; /* max 0: none is kept */
};

void eddy__tls_sessions_init(struct tls_sessions *sessions, int max);
void eddy__tls_sessions_deinit(struct tls_sessions *sessions);

/* Keeps a session, in the place of the server's former one. Takes it; without memory it is
 * dropped. */
void eddy__tls_sessions_put(struct tls_sessions *sessions, const char *server,
                            SSL_SESSION *session);

/* The server's session, a reference, or NULL. */
SSL_SESSION *eddy__tls_sessions_take(struct tls_sessions *sessions, const char *server);

#endif
