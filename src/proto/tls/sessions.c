/* SPDX-License-Identifier: MIT
 * sessions.c - a short list, the newest first (see sessions.h). It is searched from the front: next
 * to a hand-shake, two hundred comparisons are nothing. */
#include "sessions.h"

#include <string.h>

#include "util.h"

void eddy__tls_sessions_init(struct tls_sessions *sessions, int max) {
    pthread_mutex_init(&sessions->mutex, NULL);
    sessions->max = max;
}

static void session_free(struct tls_session *session) {
    SSL_SESSION_free(session->session);
    OPENSSL_free(session);
}

void eddy__tls_sessions_deinit(struct tls_sessions *sessions) {
    while (sessions->newest) {
        struct tls_session *session = sessions->newest;

        sessions->newest = session->next;
        session_free(session);
    }
    pthread_mutex_destroy(&sessions->mutex);
}

/* Out of the list; NULL: there is none of this server. */
static struct tls_session *sessions_remove(struct tls_sessions *sessions, const char *server) {
    struct tls_session **link = &sessions->newest, *found;

    while (*link && strcmp((*link)->server, server) != 0)
        link = &(*link)->next;
    found = *link;
    if (found) {
        *link = found->next;
        sessions->count--;
    }
    return found;
}

static struct tls_session *sessions_remove_oldest(struct tls_sessions *sessions) {
    struct tls_session **link = &sessions->newest, *oldest;

    while ((*link)->next)
        link = &(*link)->next;
    oldest = TAKE_POINTER(*link);
    sessions->count--;
    return oldest;
}

static void sessions_add(struct tls_sessions *sessions, struct tls_session *session) {
    session->next = sessions->newest;
    sessions->newest = session;
    sessions->count++;
}

void eddy__tls_sessions_put(struct tls_sessions *sessions, const char *server,
                            SSL_SESSION *session) {
    struct tls_session *former = NULL, *kept = OPENSSL_malloc(sizeof(*kept) + strlen(server) + 1);

    if (!kept) {
        SSL_SESSION_free(session);
        return;
    }
    kept->session = session;
    strcpy(kept->server, server);

    pthread_mutex_lock(&sessions->mutex);
    former = sessions_remove(sessions, server);
    sessions_add(sessions, kept);
    if (sessions->count > sessions->max)
        former = sessions_remove_oldest(sessions);
    pthread_mutex_unlock(&sessions->mutex);

    if (former)
        session_free(former);
}

SSL_SESSION *eddy__tls_sessions_take(struct tls_sessions *sessions, const char *server) {
    struct tls_session *found;
    SSL_SESSION *session = NULL;

    pthread_mutex_lock(&sessions->mutex);
    found = sessions_remove(sessions, server);
    if (found && SSL_SESSION_get_protocol_version(found->session) < TLS1_3_VERSION) {
        sessions_add(sessions, found); /* it may be used again, and is now the newest */
        session = found->session;
        SSL_SESSION_up_ref(session);
        found = NULL;
    }
    pthread_mutex_unlock(&sessions->mutex);

    if (found) {
        session = TAKE_POINTER(found->session);
        session_free(found);
    }
    return session;
}
