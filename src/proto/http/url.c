/* SPDX-License-Identifier: MIT
 * url.c - URLs: the first look, and how they are shown.
 *
 * A transfer parses its URL anyway, before it does anything else. Parsing it here as well would
 * cost every request 3 % to find what libcurl reports in the same turn of the loop: so only what
 * libcurl would accept and we do not (other schemes, or none) is refused here, and its own parser
 * is asked a second time only to say why it refused. */
#include "url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "util.h"

bool eddy__http_url_is_https(const char *url) {
    return strncasecmp(url, "https://", 8) == 0;
}

const char *eddy__http_url_fault(const char *url) {
    if (!strstr(url, "://"))
        return "it must begin with http:// or https://";
    if (!eddy__http_url_is_https(url) && strncasecmp(url, "http://", 7) != 0)
        return "the scheme is not supported, only http and https are";
    if (strchr("/?#", strstr(url, "://")[3])) /* the NUL too */
        return "there is no host in it";
    for (const char *c = url; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return "a blank or control character in it must be written as %XX";
    return NULL;
}

const char *eddy__http_url_explain(const char *url) {
    CURLU *parts = curl_url();
    CURLUcode code = parts ? curl_url_set(parts, CURLUPART_URL, url, 0) : CURLUE_OK;

    curl_url_cleanup(parts);
    return code == CURLUE_OK ? NULL : curl_url_strerror(code);
}

void eddy__http_url_host(const char *url, char *host, unsigned size) {
    CURLU *parts = curl_url();
    char *found = NULL;

    if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK)
        curl_url_get(parts, CURLUPART_HOST, &found, 0);
    snprintf(host, size, "%s", found ? found : "the host");
    curl_free(found);
    curl_url_cleanup(parts);
}

/* Where the host begins: behind "user:password@", if that is there. */
static const char *behind_credentials(const char *authority) {
    const char *end = authority + strcspn(authority, "/?#"), *at = NULL;

    for (const char *c = authority; c < end; c++)
        if (*c == '@')
            at = c;
    return at ? at + 1 : authority;
}

struct http_url_shown eddy__http_url_shown(const char *url) {
    const char *slashes = strstr(url, "://");
    const char *authority = slashes ? slashes + 3 : url;
    struct http_url_shown shown;
    int length = snprintf(shown.text, sizeof(shown.text), "%.*s%s", (int)(authority - url), url,
                          behind_credentials(authority));

    if (length >= (int)sizeof(shown.text))
        memcpy(shown.text + sizeof(shown.text) - 4, "...", 4);
    for (char *c = shown.text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    return shown;
}
