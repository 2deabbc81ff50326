/* SPDX-License-Identifier: MIT
 * response.c - what the user does with an answer: look at its headers, read its body, free it. */
#include <errno.h>
#include <string.h>

#include "failure.h"
#include "session.h"
#include "transfer.h"
#include "url.h"
#include "util.h"

/* --- headers ---------------------------------------------------------------------------------- */

int eddy_http_response_status(const eddy_http_response *response) {
    return response->status;
}

const char *eddy_http_response_url(const eddy_http_response *response) {
    const char *url = NULL;

    curl_easy_getinfo(response->easy, CURLINFO_EFFECTIVE_URL, &url);
    return url ? url : response->url;
}

const char *eddy_http_response_protocol(const eddy_http_response *response) {
    return eddy__http_headers_protocol(&response->headers);
}

const char *eddy_http_response_header(const eddy_http_response *response, const char *name) {
    return eddy__http_headers_find(&response->headers, name);
}

const char *eddy_http_response_header_at(const eddy_http_response *response, size_t index) {
    return eddy__http_headers_at(&response->headers, index);
}

int64_t eddy_http_response_content_length(const eddy_http_response *response) {
    curl_off_t length = -1;

    curl_easy_getinfo(response->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length;
}

/* --- the body --------------------------------------------------------------------------------- */

static void unrefp(eddy_http_response **response) {
    eddy__http_transfer_unref(*response);
}

/* A reference for the length of a call: another task may free the response meanwhile. */
static eddy_http_response *hold(eddy_http_response *response) {
    eddy__http_transfer_ref(response);
    return response;
}

ssize_t eddy_http_response_read(eddy_http_response *response, void *buffer, size_t size) {
    CLEANUP(unrefp) eddy_http_response *held = hold(response);
    int r;

    if (size == 0 || held->is_text)
        return 0;
    r = eddy__http_transfer_wait(held, WANT_BYTES);
    if (r < 0)
        return r;
    if (http_buffer_held(&held->body) == 0)
        return eddy__http_transfer_failed(held) ? eddy__http_raise(held) : 0;

    size = eddy__http_buffer_take(&held->body, buffer, size);
    eddy__http_transfer_resume(held);
    return (ssize_t)size;
}

/* What is known to be too large need not be fetched. The size of a compressed body says little. */
static bool is_over_limit(const eddy_http_response *response) {
    int64_t length = eddy_http_response_content_length(response);

    if (http_buffer_held(&response->body) > response->body_limit)
        return true;
    return response->state == TRANSFER_RUNNING && !response->is_head && length >= 0 &&
           (uint64_t)length > response->body_limit &&
           !eddy_http_response_header(response, "Content-Encoding");
}

/* Until its end is here. When the wait is refused, all is as it was before. */
static int body_collect(eddy_http_response *response) {
    int r;

    if (response->state == TRANSFER_RUNNING && response->waiter)
        return eddy_raise(-EBUSY, "another task is waiting for this response");
    response->is_collecting = true;
    eddy__http_transfer_resume(response);
    r = eddy__http_transfer_wait(response, WANT_END);
    response->is_collecting = false;
    if (r < 0)
        return r;
    return eddy__http_transfer_failed(response) ? eddy__http_raise(response) : 0;
}

int eddy_http_response_text(eddy_http_response *response, eddy_slice *out) {
    CLEANUP(unrefp) eddy_http_response *held = hold(response);
    const char *text;
    int r;

    if (!held->is_text) {
        if (is_over_limit(held))
            return eddy_raise(EDDY_ELIMIT, "%s %s: the body is over the limit of %zu bytes",
                              held->method, eddy__http_url_shown(held->url).text, held->body_limit);
        r = body_collect(held);
        if (r < 0)
            return r;
    }
    text = eddy__http_buffer_text(&held->body);
    if (!text)
        return eddy_raise(-ENOMEM, "%s %s: no memory for the body", held->method,
                          eddy__http_url_shown(held->url).text);
    held->is_text = true;
    *out = (eddy_slice){text, http_buffer_held(&held->body)};
    return 0;
}

/* --- the end ---------------------------------------------------------------------------------- */

eddy_http_response *eddy_http_response_free(eddy_http_response *response) {
    if (!response)
        return NULL;
    response->is_closed = true;
    eddy__http_transfer_abort(response);
    eddy__http_transfer_unref(response);
    return NULL;
}
