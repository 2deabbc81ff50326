/* SPDX-License-Identifier: MIT
 * request.c - a request: checked, put into libcurl's words, sent.
 *
 * A plain GET sets nothing but its URL, so that its handle can serve the next one as it is.
 * Everything else (a method, headers, a body) makes the handle one to be reset. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "session.h"
#include "transfer.h"
#include "url.h"
#include "util.h"

/* Up to here a body is copied and leaves together with its headers, in one packet if it fits. */
#define BODY_COPIED_MAX (64u * 1024)

/* --- checking --------------------------------------------------------------------------------- */

static bool has_body(const eddy_http_request_options *request) {
    return request->body || request->body_fn;
}

static const char *method_of(const eddy_http_request_options *request) {
    if (request->method)
        return request->method;
    return has_body(request) ? "POST" : "GET";
}

static int url_check(const eddy_http_request_options *request) {
    const char *fault;

    if (!request->url)
        return eddy_raise(-EINVAL, "a request needs a URL");
    fault = eddy__http_url_fault(request->url);
    if (fault)
        return eddy_raise(EDDY_EURL, "%s %s: malformed URL: %s", method_of(request),
                          eddy__http_url_shown(request->url).text, fault);
    return 0;
}

static int method_check(const eddy_http_request_options *request) {
    const char *method = method_of(request);

    if (!eddy__http_is_token(method) || strlen(method) >= HTTP_METHOD_BYTES)
        return eddy_raise(-EINVAL, "%s: the method is not a word of at most %d letters",
                          eddy__http_url_shown(request->url).text, HTTP_METHOD_BYTES - 1);
    return 0;
}

static int headers_check(const eddy_http_request_options *request) {
    for (const char *const *header = request->headers; header && *header; header++) {
        const char *fault = eddy__http_header_fault(*header);
        if (fault)
            return eddy_raise(-EINVAL, "%s %s: a header cannot be sent: %s", method_of(request),
                              eddy__http_url_shown(request->url).text, fault);
    }
    return 0;
}

static int body_check(const eddy_http_request_options *request) {
    const char *fault = NULL;

    if (request->body && request->body_fn)
        fault = "its body comes from memory or from a callback, not both";
    else if (!request->body && request->body_bytes > 0)
        fault = "body_bytes without a body";
    else if (request->body_fn_bytes < 0)
        fault = "body_fn_bytes is negative";
    else if (has_body(request) && strcasecmp(method_of(request), "HEAD") == 0)
        fault = "a HEAD request has no body";
    if (fault)
        return eddy_raise(-EINVAL, "%s %s: %s", method_of(request),
                          eddy__http_url_shown(request->url).text, fault);
    return 0;
}

static int request_check(const eddy_http_request_options *request) {
    int r = url_check(request);

    if (r == 0)
        r = method_check(request);
    if (r == 0)
        r = headers_check(request);
    if (r == 0)
        r = body_check(request);
    return r;
}

/* --- headers ---------------------------------------------------------------------------------- */

static bool list_has(const struct curl_slist *list, const char *name) {
    for (; list; list = list->next)
        if (eddy__http_header_is_among(name, (const char *[]){list->data, NULL}))
            return true;
    return false;
}

/* The session's, but for those that the request has itself, then the request's. */
static bool headers_merge(struct curl_slist **list, const struct curl_slist *base,
                          const char *const *own) {
    for (; base; base = base->next)
        if (!eddy__http_header_is_among(base->data, own) &&
            !eddy__http_list_append(list, base->data))
            return false;
    for (; own && *own; own++)
        if (!eddy__http_list_append(list, *own))
            return false;
    return true;
}

static bool header_default(struct curl_slist **list, const char *line) {
    return list_has(*list, line) || eddy__http_list_append(list, line);
}

/* libcurl would call any body a form, and wait a second for leave to send a large one. */
static bool headers_for_body(struct curl_slist **list, bool is_chunked) {
    return header_default(list, "Content-Type:") && header_default(list, "Expect:") &&
           (!is_chunked || header_default(list, "Transfer-Encoding: chunked"));
}

static int request_headers(eddy_http_response *transfer, const eddy_http_request_options *request,
                           bool sends_body) {
    bool is_chunked = request->body_fn && request->body_fn_bytes == 0;
    struct curl_slist **list = &transfer->header_list;

    transfer->expects_continue = list_has(transfer->session->headers, "Expect") ||
                                 eddy__http_header_is_among("Expect", request->headers);
    if (!request->headers && !sends_body)
        return 0;
    if (!headers_merge(list, transfer->session->headers, request->headers) ||
        (sends_body && !headers_for_body(list, is_chunked)))
        return -ENOMEM;
    transfer->is_configured = false;
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, *list);
    return 0;
}

/* --- method and body -------------------------------------------------------------------------- */

/* libcurl knows GET, HEAD and POST; any other is a name, whose body it must be told to keep over
 * redirects (303 excepted, see transfer.c). */
static int request_method(eddy_http_response *transfer, bool sends_body) {
    CURL *easy = transfer->easy;

    transfer->is_head = strcmp(transfer->method, "HEAD") == 0;
    if (strcmp(transfer->method, "GET") == 0 && !sends_body)
        return 0;
    transfer->is_configured = false;
    if (transfer->is_head)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (strcmp(transfer->method, "POST") == 0)
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
    else if (curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer->method) != CURLE_OK)
        return -ENOMEM;
    else
        curl_easy_setopt(easy, CURLOPT_POSTREDIR,
                         (long)(CURL_REDIR_POST_301 | CURL_REDIR_POST_302));
    return 0;
}

static int body_copy(CURL *easy, const void *body, size_t size) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    return curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, size > 0 ? body : "") == CURLE_OK
               ? 0
               : -ENOMEM;
}

static void body_stream(eddy_http_response *transfer, const eddy_http_request_options *request) {
    struct http_upload *upload = &transfer->upload;

    upload->fn = request->body_fn;
    upload->arg = request->body_arg;
    upload->data = request->body;
    upload->size = request->body_fn ? request->body_fn_bytes : (int64_t)request->body_bytes;
    if (request->body_fn && upload->size == 0)
        upload->size = -1;
    if (strcmp(transfer->method, "POST") == 0) {
        curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)upload->size);
    } else {
        curl_easy_setopt(transfer->easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(transfer->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)upload->size);
    }
}

static int request_body(eddy_http_response *transfer, const eddy_http_request_options *request) {
    if (!request->body_fn && request->body_bytes <= BODY_COPIED_MAX)
        return body_copy(transfer->easy, request->body, request->body_bytes);
    body_stream(transfer, request);
    return 0;
}

/* These say that they have a body even when it is empty. */
static bool method_has_body(const char *method) {
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

/* --- sending ---------------------------------------------------------------------------------- */

static void method_copy(char *to, const char *from) {
    for (; *from; from++)
        *to++ = *from >= 'a' && *from <= 'z' ? (char)(*from - 'a' + 'A') : *from;
    *to = '\0';
}

/* Where a connection can carry several requests, wait for one that is being opened. */
static void request_multiplex(eddy_http_response *transfer) {
    if (eddy__http_multi_is_multiplexing())
        curl_easy_setopt(transfer->easy, CURLOPT_PIPEWAIT,
                         (long)(!transfer->session->options.http1_only &&
                                eddy__http_url_is_https(transfer->url)));
}

static int request_prepare(eddy_http_response *transfer, const eddy_http_request_options *request) {
    bool sends_body;
    int r;

    method_copy(transfer->method, method_of(request));
    transfer->body_limit = request->body_limit_bytes ? request->body_limit_bytes
                                                     : transfer->session->options.body_limit_bytes;
    transfer->url = strdup(request->url);
    if (!transfer->url || curl_easy_setopt(transfer->easy, CURLOPT_URL, request->url) != CURLE_OK)
        return -ENOMEM;

    request_multiplex(transfer);
    sends_body = has_body(request) || method_has_body(transfer->method);
    r = request_headers(transfer, request, sends_body);
    if (r == 0)
        r = request_method(transfer, sends_body);
    if (r == 0 && sends_body)
        r = request_body(transfer, request);
    return r;
}

static void response_freep(eddy_http_response **response) {
    eddy_http_response_free(*response);
}

static int request_send(eddy_http_session *session, const eddy_http_request_options *request,
                        eddy_http_response **out) {
    CLEANUP(response_freep) eddy_http_response *response = NULL;
    int r = eddy__http_multi_bind(&session->multi);

    if (r < 0)
        return r;
    r = eddy__http_transfer_new(session, &response);
    if (r == 0)
        r = request_prepare(response, request);
    if (r == 0)
        r = eddy__http_transfer_start(response);
    if (r < 0)
        return eddy_raise(r, "%s %s: no memory", method_of(request),
                          eddy__http_url_shown(request->url).text);

    r = eddy__http_transfer_wait(response, WANT_HEADERS);
    if (r < 0)
        return r;
    if (!response->is_headed)
        return eddy__http_raise(response);
    if (eddy__http_upload_keep_rest(&response->upload) < 0)
        return eddy_raise(-ENOMEM, "%s %s: no memory for the rest of the body", response->method,
                          eddy__http_url_shown(response->url).text);
    *out = TAKE_POINTER(response);
    return 0;
}

static void session_freep(eddy_http_session **session) {
    eddy_http_session_free(*session);
}

/* The response keeps the session until it is freed itself. */
static int request_alone(const eddy_http_request_options *request, eddy_http_response **out) {
    CLEANUP(session_freep) eddy_http_session *session = NULL;
    int r = eddy_http_session_new(NULL, &session);

    return r < 0 ? r : request_send(session, request, out);
}

int eddy_http_request_sized(eddy_http_session *session, const eddy_http_request_options *options,
                            size_t options_size, eddy_http_response **out) {
    eddy_http_request_options request = {0};
    int r;

    if (options)
        memcpy(&request, options, MIN(options_size, sizeof(request)));
    r = request_check(&request);
    if (r < 0)
        return r;
    return session ? request_send(session, &request, out) : request_alone(&request, out);
}

int eddy_http_get(eddy_http_session *session, const char *url, eddy_http_response **out) {
    return eddy_http_request(session, &(eddy_http_request_options){.url = url}, out);
}
