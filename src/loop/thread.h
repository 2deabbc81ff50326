/* SPDX-License-Identifier: MIT
 * thread.h - what a thread knows about its loops. */
#ifndef EDDY__THREAD_H
#define EDDY__THREAD_H

#include <stdbool.h>

#include <eddy/base.h>

#include "util.h"

struct eddy__thread {
    eddy_loop *running;      /* the loop whose turn this is, or NULL */
    eddy_loop *default_loop; /* made on first use, closed when the thread ends */
    bool in_pool;            /* a worker: it must not suspend */
    bool will_clean_up;
};

extern THREAD_LOCAL struct eddy__thread eddy__thread;

/* This thread's name and number: "worker" (4711), with the quotes. */
#define EDDY__THREAD_TEXT_BYTES 40
void eddy__thread_describe(char text[EDDY__THREAD_TEXT_BYTES]);

/* Rises in the child of each fork(): loops made before belong to the parent. */
extern unsigned eddy__fork_generation;

/* Called first when such a thread ends: the layer above lets go of its loop. */
extern void (*eddy__thread_ends)(void);

/* Has the thread cleaned up when it ends. */
void eddy__thread_remember(void);

/* The thread's default loop; makes it. NULL: could not, and the last error says why. */
eddy_loop *eddy__default_loop(void);

/* `loop`; for NULL the running loop, else the default one. */
static inline eddy_loop *eddy__loop_or_default(eddy_loop *loop) {
    if (!loop)
        loop = eddy__thread.running;
    return likely(loop) ? loop : eddy__default_loop();
}

#endif
