/* SPDX-License-Identifier: MIT
 * session.c - a session: its options, what its requests share, and its life.
 *
 * Responses may outlive the session, so it is counted: the user has one reference and each response
 * another. What is freed last closes the connections.
 * Read next: multi.c, the connections on a loop; request.c, a request. */
#include "session.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "headers.h"
#include "transfer.h"
#include "util.h"

#define REDIRECTS_DEFAULT    20
#define BODY_LIMIT_DEFAULT   (64u * 1024 * 1024)
#define HEADER_LIMIT_DEFAULT (256u * 1024)

/* --- options ---------------------------------------------------------------------------------- */

static int headers_check(const eddy_http_session_options *options) {
    for (const char *const *header = options->headers; header && *header; header++) {
        const char *fault = eddy__http_header_fault(*header);
        if (fault)
            return eddy_raise(-EINVAL, "a header of the session cannot be sent: %s", fault);
    }
    if (options->user_agent && !eddy__http_is_value(options->user_agent))
        return eddy_raise(-EINVAL, "the user agent has a line break or control character");
    return 0;
}

/* libcurl would silently go on without it. */
static int cookie_file_check(const char *path) {
    if (!path || access(path, R_OK) == 0 || errno == ENOENT)
        return 0;
    return eddy_raise(-errno, "cannot read the cookie file %s: %s", path, eddy_error_text(-errno));
}

static bool copy_text(const char **text) {
    if (*text)
        *text = strdup(*text);
    else
        return true;
    return *text;
}

static int headers_copy(struct curl_slist **list, const char *const *headers) {
    for (; headers && *headers; headers++)
        if (!eddy__http_list_append(list, *headers))
            return -ENOMEM;
    return 0;
}

/* Copies what is lent, and fills in what is zero. */
static int options_adopt(eddy_http_session *session, const eddy_http_session_options *given) {
    eddy_http_session_options *own = &session->options;
    char user_agent[64];
    bool ok;

    snprintf(user_agent, sizeof(user_agent), "eddy/%s", eddy_version());
    *own = *given;
    own->headers = NULL;
    if (!own->user_agent)
        own->user_agent = user_agent;
    ok = copy_text(&own->user_agent);
    ok = copy_text(&own->ca_file) && ok;
    ok = copy_text(&own->proxy) && ok;
    ok = copy_text(&own->cookie_file) && ok;
    if (!own->redirects_max)
        own->redirects_max = REDIRECTS_DEFAULT;
    if (!own->body_limit_bytes)
        own->body_limit_bytes = BODY_LIMIT_DEFAULT;
    if (!own->header_limit_bytes)
        own->header_limit_bytes = HEADER_LIMIT_DEFAULT;
    return ok ? headers_copy(&session->headers, given->headers) : -ENOMEM;
}

static void options_free(eddy_http_session_options *options) {
    free((char *)options->user_agent);
    free((char *)options->ca_file);
    free((char *)options->proxy);
    free((char *)options->cookie_file);
}

/* --- a transfer's handle ---------------------------------------------------------------------- */

static void configure_limits(const eddy_http_session_options *options, CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, (long)(options->redirects_max >= 0));
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)MAX(options->redirects_max, 0));
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* do not join a look-up that was cancelled */
#endif
}

static void configure_tls(const eddy_http_session_options *options, CURL *easy) {
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, (long)!options->insecure);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options->insecure ? 0L : 2L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     options->http1_only ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS);
}

/* Options of text are copied by libcurl, which is where memory can run out. */
static int set_text(CURL *easy, CURLoption option, const char *text) {
    return text && curl_easy_setopt(easy, option, text) == CURLE_OUT_OF_MEMORY ? -ENOMEM : 0;
}

int eddy__http_session_configure(const eddy_http_session *session, CURL *easy) {
    const eddy_http_session_options *options = &session->options;

    configure_limits(options, easy);
    configure_tls(options, easy);
    curl_easy_setopt(easy, CURLOPT_SHARE, session->share);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, session->headers);
    if (set_text(easy, CURLOPT_USERAGENT, options->user_agent) < 0 ||
        set_text(easy, CURLOPT_CAINFO, options->ca_file) < 0 ||
        set_text(easy, CURLOPT_PROXY, options->proxy) < 0)
        return -ENOMEM;
    if (!options->no_cookies && set_text(easy, CURLOPT_COOKIEFILE, "") < 0)
        return -ENOMEM; /* the name of no file: it only switches cookies on */
    return options->no_compression ? 0 : set_text(easy, CURLOPT_ACCEPT_ENCODING, "");
}

/* --- life ------------------------------------------------------------------------------------- */

static void libcurl_init(void) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int share_open(eddy_http_session *session) {
    session->share = curl_share_init();
    if (!session->share)
        return -ENOMEM;
    curl_share_setopt(session->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    if (!session->options.no_cookies &&
        curl_share_setopt(session->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE) != CURLSHE_OK)
        return -ENOMEM;
    return 0;
}

static int jar_open(eddy_http_session *session) {
    const char *path = session->options.cookie_file;

    if (!path || session->options.no_cookies)
        return 0;
    session->jar = curl_easy_init();
    if (!session->jar)
        return -ENOMEM;
    curl_easy_setopt(session->jar, CURLOPT_SHARE, session->share);
    if (set_text(session->jar, CURLOPT_COOKIEFILE, path) < 0 ||
        set_text(session->jar, CURLOPT_COOKIEJAR, path) < 0)
        return -ENOMEM;
    curl_easy_setopt(session->jar, CURLOPT_COOKIELIST, "RELOAD");
    return 0;
}

static void session_destroy(eddy_http_session *session) {
    while (session->spare) {
        eddy_http_response *transfer = session->spare;
        session->spare = transfer->next;
        eddy__http_transfer_destroy(transfer);
    }
    curl_easy_cleanup(session->jar);
    eddy__http_multi_deinit(&session->multi);
    curl_share_cleanup(session->share);
    curl_slist_free_all(session->headers);
    options_free(&session->options);
    free(session);
}

eddy_http_session *eddy__http_session_ref(eddy_http_session *session) {
    session->refs++;
    return session;
}

void eddy__http_session_unref(eddy_http_session *session) {
    if (--session->refs == 0)
        session_destroy(session);
}

static int session_open(eddy_http_session *session, const eddy_http_session_options *options) {
    int r = options_adopt(session, options);

    if (r == 0)
        r = share_open(session);
    if (r == 0)
        r = jar_open(session);
    if (r == 0)
        r = eddy__http_multi_init(&session->multi, options);
    return r;
}

int eddy_http_session_new_sized(const eddy_http_session_options *options, size_t options_size,
                                eddy_http_session **out) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    eddy_http_session_options given = {0};
    eddy_http_session *session;
    int r;

    pthread_once(&once, libcurl_init);
    if (options)
        memcpy(&given, options, MIN(options_size, sizeof(given)));
    r = headers_check(&given);
    if (r == 0)
        r = cookie_file_check(given.cookie_file);
    if (r < 0)
        return r;

    session = calloc(1, sizeof(*session));
    if (!session)
        return eddy_raise(-ENOMEM, "no memory for an HTTP session");
    session->refs = 1;
    r = session_open(session, &given);
    if (r < 0) {
        session_destroy(session);
        return eddy_raise(r, "no memory for an HTTP session");
    }
    *out = session;
    return 0;
}

eddy_http_session *eddy_http_session_free(eddy_http_session *session) {
    if (!session)
        return NULL;
    if (session->jar)
        curl_easy_setopt(session->jar, CURLOPT_COOKIELIST, "FLUSH");
    eddy__http_session_unref(session);
    return NULL;
}
