/* SPDX-License-Identifier: MIT
 * upload.h - the body of a request, when it is handed to libcurl piece by piece. */
#ifndef EDDY__HTTP_UPLOAD_H
#define EDDY__HTTP_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <curl/curl.h>

#include <eddy/http.h>

/* Comes from the caller's callback, or from memory. All zero: no body. */
struct http_upload {
    eddy_http_body_fn *fn;
    void *arg;
    int64_t size;     /* how much there is to send, -1: unknown */
    int64_t sent;     /* since the beginning, or the last rewind */
    const char *data; /* the memory, when fn is NULL: the caller's during his call ... */
    char *copy;       /* ... and ours after it: the rest, should the answer come first */
    bool is_used_up;  /* a redirect or a new connection wants all of it again */
};

/* The next piece, as libcurl asks for it. Returns its size, 0 at the end, -EAGAIN (nothing yet), or
 * a code that ends the request: the callback's own, EDDY_EINCOMPLETE (it ended before its promised
 * size), -ESPIPE (wanted again, which a callback cannot), -EINVAL (more than the buffer takes). */
ssize_t eddy__http_upload_read(struct http_upload *upload, void *buffer, size_t size);

/* Makes the rest independent of the caller's memory. Returns 0 or -ENOMEM. */
int eddy__http_upload_keep_rest(struct http_upload *upload);

void eddy__http_upload_clear(struct http_upload *upload);

/* The next read is for another try of the request: at another address, on a new connection. */
void eddy__http_upload_restart(eddy_http_response *transfer);

/* CURLOPT_READFUNCTION and CURLOPT_SEEKFUNCTION of a transfer, which is arg. */
size_t eddy__http_on_read(char *buffer, size_t one, size_t size, void *arg);
int eddy__http_on_seek(void *arg, curl_off_t offset, int origin);

#endif
