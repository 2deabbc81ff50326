/* SPDX-License-Identifier: MIT
 * headers.h - header lines: the block of an answer as it was received, and those that a program
 * wants to send. */
#ifndef EDDY__HTTP_HEADERS_H
#define EDDY__HTTP_HEADERS_H

#include <stdbool.h>

#include <curl/curl.h>

#include "buffer.h"

/* One answer's status line and headers, each ended with NUL, one after the other. All zero is an
 * empty block. */
struct http_headers {
    struct http_buffer lines;
    size_t count; /* without the status line */
};

/* Begins a new block with "HTTP/1.1 200 OK". Returns the status, -EBADMSG or -ENOMEM. */
int eddy__http_headers_begin(struct http_headers *headers, const char *line, size_t size);

/* Adds a line, or the continuation of the last one. Returns 0, -EBADMSG (no name, a NUL in it),
 * EDDY_ELIMIT (too many) or -ENOMEM. */
int eddy__http_headers_add(struct http_headers *headers, const char *line, size_t size);

void eddy__http_headers_clear(struct http_headers *headers, size_t keep_bytes);

/* "HTTP/1.1"; "" of an empty block. */
const char *eddy__http_headers_protocol(const struct http_headers *headers);

/* "Name: value", NULL past the end; the value of the first of that name, or NULL. */
const char *eddy__http_headers_at(const struct http_headers *headers, size_t index);
const char *eddy__http_headers_find(const struct http_headers *headers, const char *name);

/* May it be the name of a header, or a method? */
bool eddy__http_is_token(const char *text);

/* May it be the value of a header: without a line break that would smuggle in another one? */
bool eddy__http_is_value(const char *text);

/* Is it fit to be sent: a name, a colon, a value? Returns NULL, or what is wrong with it. */
const char *eddy__http_header_fault(const char *line);

/* Is there a line of this name in a list that ends with NULL? lines may be NULL. `name` ends with
 * ':' or NUL. */
bool eddy__http_header_is_among(const char *name, const char *const *lines);

/* Appends a copy of a line. False: no memory, and the list is as it was. */
bool eddy__http_list_append(struct curl_slist **list, const char *line);

/* Takes the headers that speak of a body out of a list, which is a new one then; NULL if none is
 * left. False: no memory, and it is as it was. */
bool eddy__http_list_drop_body(struct curl_slist **list);

#endif
