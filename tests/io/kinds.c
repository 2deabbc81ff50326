/* SPDX-License-Identifier: MIT
 * kinds.c - a stream of each kind, and its other end. */
#include "kinds.h"

#include <eddy/pipe.h>

#include "memory_stream.h"
#include "rot13_stream.h"

static void socket_open(struct ends *ends, const eddy_connect_options *options) {
    struct pair pair;

    pair_open(&pair, options);
    ends->writer = pair.stream;
    ASSERT_OK(eddy_open_pipe_reader(pair.peer, options, &ends->reader));
}

static void pipe_open(struct ends *ends, const eddy_connect_options *options) {
    ASSERT_OK(eddy_pipe(options, &ends->reader, &ends->writer));
}

static void class_open(struct ends *ends, const eddy_connect_options *options) {
    eddy_stream *streams[2];
    struct memory_end *unused[2];

    ASSERT_OK(memory_pair_new(options, streams, unused));
    *ends = (struct ends){streams[0], streams[1]};
}

const struct kind kind_socket = {"socket", socket_open, 0};
const struct kind kind_pipe = {"pipe", pipe_open, 0};
const struct kind kind_class = {"class", class_open, 0};
const struct kind kind_layer = {"layer", socket_open, 1};
const struct kind kind_layer_on_pipe = {"layer on pipe", pipe_open, 1};
const struct kind kind_layers_on_class = {"layers on class", class_open, 2};

void ends_open(const struct kind *kind, struct ends *ends, const eddy_connect_options *options) {
    kind->open(ends, options);
    for (int i = 0; i < kind->layers; i++) {
        ASSERT_OK(rot13_push(ends->writer));
        ASSERT_OK(rot13_push(ends->reader));
    }
}

void ends_close(struct ends *ends) {
    ends->writer = eddy_stream_close(ends->writer);
    ends->reader = eddy_stream_close(ends->reader);
}
