/* SPDX-License-Identifier: MIT
 * rot13_stream.c - a layer that keeps no bytes of its own (see rot13_stream.h). */
#include "rot13_stream.h"

#include <errno.h>
#include <stdlib.h>

struct rot13 {
    eddy_stream *lower;
};

int rot13_count;

static char rotated(char c) {
    char base = c >= 'a' && c <= 'z' ? 'a' : 'A';

    return c >= base && c < base + 26 ? (char)(base + (c - base + 13) % 26) : c;
}

static void rotate(char *to, const char *from, size_t size) {
    for (size_t i = 0; i < size; i++)
        to[i] = rotated(from[i]);
}

static ssize_t rot13_take(void *self, void *buffer, size_t size) {
    const struct rot13 *rot13 = self;
    ssize_t r = eddy_stream_take(rot13->lower, buffer, size);

    if (r > 0)
        rotate(buffer, buffer, (size_t)r);
    return r;
}

static int rot13_await_input(void *self) {
    return eddy_stream_await_input(((struct rot13 *)self)->lower);
}

static int rot13_put(void *self, const void *data, size_t size) {
    const struct rot13 *rot13 = self;
    char *bytes = malloc(size);
    int r;

    if (!bytes)
        return -ENOMEM;
    rotate(bytes, data, size);
    r = eddy_stream_put(rot13->lower, bytes, size);
    free(bytes);
    return r;
}

static int rot13_await_output(void *self, size_t unsent) {
    return eddy_stream_await_output(((struct rot13 *)self)->lower, unsent);
}

static int rot13_put_eof(void *self) {
    return eddy_stream_put_eof(((struct rot13 *)self)->lower);
}

static void rot13_close(void *self, bool is_abort) {
    struct rot13 *rot13 = self;

    rot13->lower = is_abort ? eddy_stream_abort(rot13->lower) : eddy_stream_close(rot13->lower);
}

static void rot13_free(void *self) {
    rot13_count--;
    free(self);
}

static size_t rot13_unsent(const void *self) {
    return eddy_stream_unsent(((const struct rot13 *)self)->lower);
}

static int rot13_fd(const void *self) {
    return eddy_stream_fd(((const struct rot13 *)self)->lower);
}

static const char *rot13_peer(const void *self) {
    return eddy_stream_peer(((const struct rot13 *)self)->lower);
}

static const char *rot13_local(const void *self) {
    return eddy_stream_local(((const struct rot13 *)self)->lower);
}

const eddy_stream_class rot13_class = {
    .name = "rot13",
    .take = rot13_take,
    .await_input = rot13_await_input,
    .put = rot13_put,
    .await_output = rot13_await_output,
    .put_eof = rot13_put_eof,
    .close = rot13_close,
    .free = rot13_free,
    .unsent = rot13_unsent,
    .fd = rot13_fd,
    .peer = rot13_peer,
    .local = rot13_local,
};

int rot13_push(eddy_stream *stream) {
    struct rot13 *rot13 = calloc(1, sizeof(*rot13));

    if (!rot13)
        return -ENOMEM;
    rot13_count++;
    return eddy_stream_push(stream, &rot13_class, rot13, &rot13->lower);
}
