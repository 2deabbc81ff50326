/* SPDX-License-Identifier: MIT
 * url.h - what we look at in a URL ourselves; libcurl does the rest. */
#ifndef EDDY__HTTP_URL_H
#define EDDY__HTTP_URL_H

#include <stdbool.h>

#define HTTP_URL_SHOWN_BYTES 256

/* A URL as it may stand in a message: without user and password, in one line, shortened. */
struct http_url_shown {
    char text[HTTP_URL_SHOWN_BYTES];
};
struct http_url_shown eddy__http_url_shown(const char *url);

/* Has it a scheme that we speak, and no sign that a URL cannot have? Returns NULL, or what is wrong
 * with it. The whole grammar is libcurl's to check, at the start of the transfer. */
const char *eddy__http_url_fault(const char *url);

/* Why libcurl refused it: a sentence, or NULL if it finds nothing wrong. */
const char *eddy__http_url_explain(const char *url);

bool eddy__http_url_is_https(const char *url);

/* The host of a URL, or "the host": copied into `host`. */
void eddy__http_url_host(const char *url, char *host, unsigned size);

#endif
