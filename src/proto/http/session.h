/* SPDX-License-Identifier: MIT
 * session.h - what requests share: connections, cookies, headers, options. */
#ifndef EDDY__HTTP_SESSION_H
#define EDDY__HTTP_SESSION_H

#include <stddef.h>

#include "multi.h"

struct eddy_http_session {
    size_t refs; /* the user's, one per response, one per call of libcurl on the stack */
    struct http_multi multi;
    CURLSH *share; /* cookies and TLS sessions, for all transfers */
    CURL *jar;     /* with a cookie file: reads and writes it */

    eddy_http_session_options options; /* its strings are copies of our own ... */
    struct curl_slist *headers;        /* ... and its headers are here */

    eddy_http_response *spare; /* freed responses, for the next requests: linked by next */
    size_t spare_count;
};

static inline eddy_http_session *eddy__http_session_of(struct http_multi *multi) {
    return (eddy_http_session *)((char *)multi - offsetof(eddy_http_session, multi));
}

eddy_http_session *eddy__http_session_ref(eddy_http_session *session);
void eddy__http_session_unref(eddy_http_session *session);

/* Sets what is the same for every request. Returns 0 or -ENOMEM. */
int eddy__http_session_configure(const eddy_http_session *session, CURL *easy);

#endif
