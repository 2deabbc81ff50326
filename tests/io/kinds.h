/* SPDX-License-Identifier: MIT
 * kinds.h - the kinds of streams, for facts that hold for each of them. */
#ifndef TEST_KINDS_H
#define TEST_KINDS_H

#include "net.h"

/* What is written to one end is read from the other. */
struct ends {
    eddy_stream *writer, *reader;
};

struct kind {
    const char *name;
    void (*open)(struct ends *ends, const eddy_connect_options *options);
    int layers; /* on each end */
};

extern const struct kind kind_socket, kind_pipe, kind_class, kind_layer, kind_layer_on_pipe,
    kind_layers_on_class;

void ends_open(const struct kind *kind, struct ends *ends, const eddy_connect_options *options);
void ends_close(struct ends *ends);

/* A test for each kind, whose body runs in a task. */
#define KIND_TEST_ON(kind, fact)                  \
    TASK_TEST_BY(run_virtual, fact##_on_##kind) { \
        return fact(&kind_##kind);                \
    }
#define KIND_TEST(fact)                       \
    static int fact(const struct kind *kind); \
    KIND_TEST_ON(socket, fact)                \
    KIND_TEST_ON(pipe, fact)                  \
    KIND_TEST_ON(class, fact)                 \
    KIND_TEST_ON(layer, fact)                 \
    KIND_TEST_ON(layer_on_pipe, fact)         \
    KIND_TEST_ON(layers_on_class, fact)       \
    static int fact(const struct kind *kind)

#endif
