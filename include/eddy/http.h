/* SPDX-License-Identifier: MIT
 * eddy/http.h - an HTTP client (library eddy-http, over libcurl).
 *
 * A call suspends its task, never the loop. There are no time-out parameters: put a call into a
 * time-out scope (eddy_timeout_begin, eddy_with_timeout). Cancelling the task closes its transfer
 * at once.
 *
 * Errors are a code and a sentence with the URL in it (eddy_last_error): EDDY_EURL (malformed),
 * EDDY_ENAME (host not found), -ECONNREFUSED, -ECONNRESET, -ETIMEDOUT (the kernel's),
 * EDDY_ECERTIFICATE, EDDY_ETLS, EDDY_EREDIRECTS, EDDY_EINCOMPLETE (the body ended early),
 * EDDY_ELIMIT (body or headers over the limit), EDDY_EPROTOCOL, -EMFILE, -ENOMEM. A status of 404
 * or 500 is an answer, not an error. */
#ifndef EDDY_HTTP_H
#define EDDY_HTTP_H

#include <eddy.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_http_session eddy_http_session;
typedef struct eddy_http_response eddy_http_response;

/* All zero is the default of everything. Strings and arrays are copied. */
typedef struct eddy_http_session_options {
    const char *const *headers; /* "Name: value" sent with every request; ends with NULL */
    const char *user_agent;     /* NULL: "eddy/<version>" */
    const char *ca_file;        /* PEM certificates to trust instead of the system's */
    const char *proxy; /* NULL: http_proxy, https_proxy, no_proxy of the environment; "": none */
    const char *cookie_file; /* cookies are kept in memory; with a file, read from it at first and
                                written back at the end */
    bool no_cookies;
    bool insecure;       /* accept any certificate and host name */
    bool http1_only;     /* do not speak HTTP/2 where the server offers it (over TLS) */
    bool no_compression; /* do not ask for gzip, br, zstd */
    int redirects_max;   /* 0: 20; negative: none is followed, the 3xx answer is returned */
    int connections_max; /* open at once; more transfers wait. 0: no limit */
    int connections_per_host_max; /* 0: no limit */
    int idle_connections_max;     /* kept for reuse; 0: 100 */
    size_t body_limit_bytes;      /* of eddy_http_response_text; 0: 64 MiB */
    size_t header_limit_bytes;    /* of one answer's headers; 0: 256 KiB */
} eddy_http_session_options;

/* A pool of connections, with cookies, base headers and limits. options may be NULL. A session is
 * used by tasks of one loop, any number at once. The caller owns *out. Returns 0, -ENOMEM, or
 * -EINVAL for a header without ':' or with a line break. */
EDDY_API int eddy_http_session_new_sized(const eddy_http_session_options *options,
                                         size_t options_size, eddy_http_session **out);
static inline int eddy_http_session_new(const eddy_http_session_options *options,
                                        eddy_http_session **out) {
    return eddy_http_session_new_sized(options, sizeof(eddy_http_session_options), out);
}

/* Closes idle connections and frees; returns NULL. Responses may outlive it: the last of them frees
 * what they share. */
EDDY_API eddy_http_session *eddy_http_session_free(eddy_http_session *session);

/* Writes the next piece of a request's body into buffer: returns how many bytes, 0 at the end, or a
 * negative code, which becomes the request's. Called on the loop's stack, so it must not suspend;
 * -EAGAIN says that it has nothing yet: it is asked again within 10 ms. */
typedef ssize_t eddy_http_body_fn(void *buffer, size_t size, void *arg);

/* All zero is the default of everything. Borrowed for the call. */
typedef struct eddy_http_request_options {
    const char *url;
    const char *method; /* NULL: GET, or POST when there is a body */
    const char *const
        *headers;     /* "Name: value"; "Name:" takes a default one away; ends with NULL */
    const void *body; /* sent from this memory */
    size_t body_bytes;
    eddy_http_body_fn
        *body_fn; /* or streamed from a callback; the call returns when the answer's headers are
                     there, and the callback may be asked until the response is freed */
    void *body_arg;
    int64_t body_fn_bytes;   /* how much it will give; 0: unknown (chunked) */
    size_t body_limit_bytes; /* 0: the session's */
} eddy_http_request_options;

/* Sends a request and returns when the headers of the final answer have come. Suspends. session
 * NULL: a one-off without a pool. The caller owns *out: eddy_http_response_free(). Codes: see
 * above. */
EDDY_API int eddy_http_get(eddy_http_session *session, const char *url, eddy_http_response **out);
EDDY_API int eddy_http_request_sized(eddy_http_session *session,
                                     const eddy_http_request_options *options, size_t options_size,
                                     eddy_http_response **out);
static inline int eddy_http_request(eddy_http_session *session,
                                    const eddy_http_request_options *options,
                                    eddy_http_response **out) {
    return eddy_http_request_sized(session, options, sizeof(eddy_http_request_options), out);
}

/* The status of the answer (200), its URL after redirects, and the protocol ("HTTP/1.1", "HTTP/2").
 */
EDDY_API int eddy_http_response_status(const eddy_http_response *response);
EDDY_API const char *eddy_http_response_url(const eddy_http_response *response);
EDDY_API const char *eddy_http_response_protocol(const eddy_http_response *response);

/* A header of the final answer, the name in any case, or NULL. The first, if there are several; _at
 * gives the index-th of all
 * ("Name: value"), NULL past the end. Borrowed from the response. */
EDDY_API const char *eddy_http_response_header(const eddy_http_response *response,
                                               const char *name);
EDDY_API const char *eddy_http_response_header_at(const eddy_http_response *response, size_t index);

/* What the server says the body's size will be (before decompression), or -1. */
EDDY_API int64_t eddy_http_response_content_length(const eddy_http_response *response);

/* The next bytes of the body, decompressed: at most `size`, at least one, 0 at the end. Suspends.
 * While nobody reads, the transfer is paused: at most 256 KiB are held. */
EDDY_API ssize_t eddy_http_response_read(eddy_http_response *response, void *buffer, size_t size);

/* The whole (rest of the) body, NUL-terminated; *out is borrowed from the response. Suspends.
 * EDDY_ELIMIT over body_limit_bytes. Called again, the same view. */
EDDY_API int eddy_http_response_text(eddy_http_response *response, eddy_slice *out);

/* Ends the transfer if it still runs (its connection is then closed, not reused) and frees; returns
 * NULL. */
EDDY_API eddy_http_response *eddy_http_response_free(eddy_http_response *response);

#ifdef __cplusplus
}
#endif

#endif
