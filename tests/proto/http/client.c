/* SPDX-License-Identifier: MIT
 * client.c - whole answers, expected failures, patience. */
#include "client.h"

#include <stdio.h>
#include <string.h>

static void copy_text(char *to, size_t size, const char *from) {
    snprintf(to, size, "%s", from ? from : "");
}

static void copy_answer(const eddy_http_response *response, eddy_slice body, struct answer *out) {
    out->status = eddy_http_response_status(response);
    out->body_bytes = body.size;
    copy_text(out->protocol, sizeof out->protocol, eddy_http_response_protocol(response));
    copy_text(out->url, sizeof out->url, eddy_http_response_url(response));
    copy_text(out->connection, sizeof out->connection,
              eddy_http_response_header(response, "X-Connection"));
    copy_text(out->text, sizeof out->text, body.data);
}

int try_request(eddy_http_session *session, const eddy_http_request_options *options,
                struct answer *out) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    eddy_slice body;

    int r = eddy_http_request(session, options, &response);
    if (r >= 0)
        r = eddy_http_response_text(response, &body);
    if (r >= 0)
        copy_answer(response, body, out);
    return r;
}

int try_get(eddy_http_session *session, const char *url) {
    struct answer answer;
    return try_request(session, &(eddy_http_request_options){.url = url}, &answer);
}

struct answer request_answer(eddy_http_session *session, const eddy_http_request_options *options) {
    struct answer answer;
    ASSERT_OK(try_request(session, options, &answer));
    return answer;
}

struct answer get_answer(eddy_http_session *session, const char *url) {
    return request_answer(session, &(eddy_http_request_options){.url = url});
}

void assert_get_fails(eddy_http_session *session, const char *url, int code, const char *cause) {
    ASSERT_CODE(code, try_get(session, url));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, url);
    ASSERT_STR_CONTAINS(eddy_last_error()->message, cause);
}

int get_page(void *arg) {
    struct page *page = arg;
    struct answer answer;

    int r = try_request(page->session, &(eddy_http_request_options){.url = page->url}, &answer);
    if (r >= 0)
        page->status = answer.status;
    return r;
}

/* --- patience --------------------------------------------------------------------------------- */

struct moment {
    struct peer *peer;
    enum peer_event event;
    int count;
};

static int block_until(void *arg) {
    const struct moment *moment = arg;
    return peer_wait(moment->peer, moment->event, moment->count) ? 0 : -ETIMEDOUT;
}

int await_peer(struct peer *peer, enum peer_event event, int count) {
    struct moment moment = {peer, event, count};
    return eddy_to_thread(block_until, &moment);
}

/* --- bodies of numbered lines ----------------------------------------------------------------- */

static void assert_lines(const char *data, size_t position, size_t size) {
    char expected[10000];

    lines_write(expected, position, size);
    for (size_t i = 0; i < size; i++)
        if (data[i] != expected[i])
            TEST_FAIL("byte %zu of the body is wrong", position + i);
}

size_t read_lines(eddy_http_response *response, size_t position, size_t size) {
    char buffer[10000];
    size_t total = 0;

    while (total < size) {
        size_t wanted = size - total < sizeof buffer ? size - total : sizeof buffer;
        ssize_t n = eddy_http_response_read(response, buffer, wanted);
        ASSERT_OK(n);
        if (n == 0)
            break;
        assert_lines(buffer, position + total, (size_t)n);
        total += (size_t)n;
    }
    return total;
}

/* --- sessions --------------------------------------------------------------------------------- */

eddy_http_session *new_session(const eddy_http_session_options *options) {
    eddy_http_session *session = NULL;
    ASSERT_OK(eddy_http_session_new(options, &session));
    return session;
}

eddy_http_session *new_tls_session(void) {
    return new_session(&(eddy_http_session_options){.ca_file = nginx_value("NGINX_CA")});
}

void session_freep(eddy_http_session **session) {
    eddy_http_session_free(*session);
}

void response_freep(eddy_http_response **response) {
    eddy_http_response_free(*response);
}
