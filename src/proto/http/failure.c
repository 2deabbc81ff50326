/* SPDX-License-Identifier: MIT
 * failure.c - why a transfer failed: libcurl's codes and texts, as a code of eddy's and a sentence.
 *
 * A sentence says what was asked for, then what happened, in words of the one who asked: "GET
 * https://example.org/: certificate refused: it has expired". libcurl's code alone is too coarse
 * for that ("couldn't connect" may be a refusal or our own lack of descriptors), so its text is
 * looked at as well where the facts are nowhere else; a text that we do not know is passed on. */
#include "failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "session.h"
#include "url.h"
#include "util.h"

struct reason {
    int code;
    char text[384];
};

EDDY_PRINTF(2, 3) static struct reason reason(int code, const char *format, ...) {
    struct reason made = {.code = code};
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(made.text, sizeof(made.text), format, arguments);
    va_end(arguments);
    return made;
}

static const char *curl_text(const eddy_http_response *transfer) {
    return *transfer->curl_text ? transfer->curl_text : curl_easy_strerror(transfer->result);
}

static const char *effective_url(const eddy_http_response *transfer) {
    const char *url = NULL;

    curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_URL, &url);
    return url ? url : transfer->url;
}

/* --- no connection ---------------------------------------------------------------------------- */

/* "127.0.0.1 port 81", out of libcurl's "Failed to connect to 127.0.0.1 port 81 after ..." */
static void peer_of(const eddy_http_response *transfer, char *peer, size_t size) {
    static const char start[] = "Failed to connect to ";
    const char *found = strstr(transfer->curl_text, start), *end = NULL;

    if (found) {
        found += strlen(start);
        end = strstr(found, " port ");
    }
    if (end)
        end += strlen(" port ") + strspn(end + strlen(" port "), "0123456789");
    snprintf(peer, size, "%.*s", end ? (int)(end - found) : 10, end ? found : "the server");
}

static struct reason reason_connect(const eddy_http_response *transfer) {
    long error = 0;
    char peer[128];

    if (transfer->socket_code)
        return reason(transfer->socket_code, "cannot open a socket: %s",
                      eddy_error_text(transfer->socket_code));
    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &error);
    peer_of(transfer, peer, sizeof(peer));
    if (error == ECONNREFUSED)
        return reason(-ECONNREFUSED, "connection refused by %s", peer);
    if (error > 0)
        return reason((int)-error, "cannot connect to %s: %s", peer, eddy_error_text((int)-error));
    return reason(-EIO, "%s", curl_text(transfer));
}

static struct reason reason_name(const eddy_http_response *transfer) {
    char host[256];

    if (transfer->socket_code)
        return reason(transfer->socket_code,
                      "the host cannot be looked up: descriptors or threads have run out");
    if (transfer->result == CURLE_COULDNT_RESOLVE_PROXY)
        return reason(EDDY_ENAME, "proxy not found: %s", curl_text(transfer));
    eddy__http_url_host(effective_url(transfer), host, sizeof(host));
    return reason(EDDY_ENAME, "host not found: %s", host);
}

/* --- TLS -------------------------------------------------------------------------------------- */

/* What libraries for TLS write (OpenSSL and its kin, GnuTLS), and what it means. */
static const struct {
    const char *text, *meaning;
} certificate_faults[] = {
    {"has expired", "it has expired"}, /* OpenSSL's kin first, then GnuTLS */
    {"expiration date has passed", "it has expired"},
    {"not yet valid", "it is not valid yet"},
    {"activation date has not", "it is not valid yet"},
    {"self-signed certificate in certificate chain",
     "its chain ends at an issuer that is not trusted"},
    {"self signed certificate in certificate chain",
     "its chain ends at an issuer that is not trusted"},
    {"self-signed certificate", "it is self-signed"},
    {"self signed certificate", "it is self-signed"},
    {"unable to get local issuer", "its issuer is not trusted"},
    {"unable to get issuer", "its issuer is not trusted"},
    {"verification failed", "its issuer is not trusted"},
    {"revoked", "it was revoked"},
};

static bool is_other_host(const char *text) {
    return strstr(text, "does not match") ||
           strstr(text, "no alternative certificate subject name");
}

static struct reason reason_certificate(const eddy_http_response *transfer) {
    const char *text = curl_text(transfer);
    char host[256];

    if (is_other_host(text)) {
        eddy__http_url_host(effective_url(transfer), host, sizeof(host));
        return reason(EDDY_ECERTIFICATE, "certificate refused: it is for another name than %s",
                      host);
    }
    for (size_t i = 0; i < ARRAY_SIZE(certificate_faults); i++)
        if (strstr(text, certificate_faults[i].text))
            return reason(EDDY_ECERTIFICATE, "certificate refused: %s",
                          certificate_faults[i].meaning);
    return reason(EDDY_ECERTIFICATE, "certificate refused: %s", text);
}

/* --- a connection that broke ------------------------------------------------------------------ */

/* libcurl keeps the errno of plain sockets only, and perhaps an older one: its text has the right
 * one. */
static int broken_code(const eddy_http_response *transfer) {
    static const int errors[] = {ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ENETDOWN};

    for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
        if (strstr(transfer->curl_text, strerror(errors[i])))
            return -errors[i];
    return 0;
}

/* "after 100 of 1000 bytes" */
static void progress_of(const eddy_http_response *transfer, char *text, size_t size) {
    curl_off_t received = 0, length = eddy_http_response_content_length(transfer);

    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
    if (!transfer->is_headed)
        snprintf(text, size, "before the answer was there");
    else if (length >= 0)
        snprintf(text, size, "after %lld of %lld bytes", (long long)received, (long long)length);
    else
        snprintf(text, size, "after %lld bytes", (long long)received);
}

/* libcurl counts broken framing and a proxy's refusal among the failures to receive. */
static bool is_protocol_fault(const char *text) {
    return strstr(text, "chunk") || strstr(text, "CONNECT");
}

static struct reason reason_broken(const eddy_http_response *transfer) {
    int code = broken_code(transfer);
    char progress[96];

    if (!code && is_protocol_fault(transfer->curl_text))
        return reason(EDDY_EPROTOCOL, "%s", transfer->curl_text);

    progress_of(transfer, progress, sizeof(progress));
    if (code == -ECONNRESET)
        return reason(code, "connection reset by the server %s", progress);
    if (code)
        return reason(code, "connection lost %s: %s", progress, eddy_error_text(code));
    if (transfer->is_headed)
        return reason(EDDY_EINCOMPLETE, "the body ended early, %s", progress);
    if (transfer->result == CURLE_GOT_NOTHING)
        return reason(EDDY_EINCOMPLETE, "the server closed the connection without an answer");
    return reason(EDDY_EINCOMPLETE, "the connection ended %s", progress);
}

static struct reason reason_tls(const eddy_http_response *transfer) {
    if (broken_code(transfer))
        return reason_broken(transfer);
    return reason(EDDY_ETLS, "TLS failed: %s", curl_text(transfer));
}

/* --- addresses -------------------------------------------------------------------------------- */

static struct reason reason_url(const eddy_http_response *transfer) {
    const char *why = eddy__http_url_explain(transfer->url);

    return reason(EDDY_EURL, "malformed URL: %s", why ? why : curl_text(transfer));
}

static struct reason reason_scheme(const eddy_http_response *transfer) {
    const char *to = eddy__http_headers_find(&transfer->headers, "Location");

    if (strstr(transfer->curl_text, "HTTP/0.9"))
        return reason(EDDY_EPROTOCOL, "what the server sent is not HTTP");
    if (!to)
        return reason(EDDY_EURL, "%s", curl_text(transfer));
    return reason(EDDY_EURL, "redirected to a scheme that is not supported: %s",
                  eddy__http_url_shown(to).text);
}

static struct reason reason_redirects(const eddy_http_response *transfer) {
    return reason(EDDY_EREDIRECTS, "more than %d redirects, the last at %s",
                  transfer->session->options.redirects_max,
                  eddy__http_url_shown(effective_url(transfer)).text);
}

/* libcurl's buffer for a line of headers ends at 100 KiB, and it reports that as no memory. */
static struct reason reason_memory(const eddy_http_response *transfer) {
    long sent = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent);
    if (sent > 0 && !transfer->is_headed)
        return reason(EDDY_ELIMIT, "a header of the answer is over the limit of libcurl");
    return reason(-ENOMEM, "out of memory");
}

/* --- all of them ------------------------------------------------------------------------------ */

static struct reason reason_of(const eddy_http_response *transfer) {
    if (transfer->code)
        return reason(transfer->code, "%s", transfer->fault);

    switch (transfer->result) {
    case CURLE_COULDNT_CONNECT:
        return reason_connect(transfer);
    case CURLE_OPERATION_TIMEDOUT:
        return reason(-ETIMEDOUT, "%s", curl_text(transfer));
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return reason_name(transfer);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return reason_certificate(transfer);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_USE_SSL_FAILED:
        return reason_tls(transfer);
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2_STREAM:
        return reason_broken(transfer);
    case CURLE_URL_MALFORMAT:
        return reason_url(transfer);
    case CURLE_UNSUPPORTED_PROTOCOL:
        return reason_scheme(transfer);
    case CURLE_TOO_MANY_REDIRECTS:
        return reason_redirects(transfer);
    case CURLE_OUT_OF_MEMORY:
        return reason_memory(transfer);
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE:
        return reason(EDDY_ELIMIT, "a header of the answer is over the limit of libcurl");
#endif
    case CURLE_OK:
        return reason(EDDY_EINCOMPLETE, "the connection ended in the headers of the answer");
    default: /* HTTP, its framing, its encodings, proxies */
        return reason(EDDY_EPROTOCOL, "%s", curl_text(transfer));
    }
}

/* Whose fault it was, if that is not the address that was asked for. */
static void redirect_of(const eddy_http_response *transfer, char *text, size_t size) {
    long count = 0;

    *text = '\0';
    curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_COUNT, &count);
    if (count > 0 && transfer->result != CURLE_TOO_MANY_REDIRECTS)
        snprintf(text, size, " (redirected to %s)",
                 eddy__http_url_shown(effective_url(transfer)).text);
}

int eddy__http_raise(const eddy_http_response *transfer) {
    struct reason reason = reason_of(transfer);
    char redirect[HTTP_URL_SHOWN_BYTES + 32];

    redirect_of(transfer, redirect, sizeof(redirect));
    return eddy_raise(reason.code, "%s %s: %s%s", transfer->method,
                      eddy__http_url_shown(transfer->url).text, reason.text, redirect);
}
