/* SPDX-License-Identifier: MIT
 * client.h - what the tests of the HTTP client share: whole answers, expected failures, patience.
 *
 * The tests call suspending functions outside any task: each then runs the loop for its own length.
 * Only those that need two things at once make tasks. */
#ifndef TEST_HTTP_CLIENT_H
#define TEST_HTTP_CLIENT_H

#include <eddy/http.h>

#include "lines.h"
#include "nginx.h"
#include "peer.h"
#include "scripts.h"
#include "test.h"

/* Runs `function(&variable)` when the variable goes out of scope. */
#define CLEANUP(function) __attribute__((cleanup(function)))

/* An answer read to its end, in copies, so that a test has nothing to free. */
struct answer {
    int status;
    size_t body_bytes;
    char protocol[16];
    char url[256];
    char connection[64]; /* X-Connection: "<which> <how-manieth request on it>", or "" */
    char text[8192];     /* the beginning of the body */
};

/* Sends, reads all, frees. get and request fail the test when they fail. */
struct answer get_answer(eddy_http_session *session, const char *url);
struct answer request_answer(eddy_http_session *session, const eddy_http_request_options *options);
int try_request(eddy_http_session *session, const eddy_http_request_options *options,
                struct answer *out);

/* A GET, read to its end, or its negative code. */
int try_get(eddy_http_session *session, const char *url);

/* Expects this code, and a sentence with the URL and the cause in it. */
void assert_get_fails(eddy_http_session *session, const char *url, int code, const char *cause);

/* A GET as a task's function: sets status, or returns the error. */
struct page {
    eddy_http_session *session;
    const char *url;
    int status;
};
int get_page(void *arg);

/* Suspends until it has happened at the peer. Returns 0, or -ETIMEDOUT after 10 s. */
int await_peer(struct peer *peer, enum peer_event event, int count);

/* Reads `size` bytes of a body of numbered lines, of which `position` came before; expects them to
 * be in order. Returns how many came; fewer only at the end. */
size_t read_lines(eddy_http_response *response, size_t position, size_t size);

/* Sessions that trust the test's authority; the other options as given, or NULL. */
eddy_http_session *new_session(const eddy_http_session_options *options);
eddy_http_session *new_tls_session(void);

void session_freep(eddy_http_session **session);
void response_freep(eddy_http_response **response);

#endif
