/* SPDX-License-Identifier: MIT
 * process.h - an eddy_process from the inside.
 *
 *   RUNS -close-> CLOSED, killed -it has ended-> freed
 *   RUNS -it has ended-> ENDED -close-> freed
 *
 * Read next: process.c (its life), process_plan.c (what the options ask for),
 * process_communicate.c. */
#ifndef EDDY__PROCESS_H
#define EDDY__PROCESS_H

#include <eddy/process.h>

#include "buffer.h"
#include "child.h"
#include "loop.h"
#include "waiters.h"

/* A call of communicate() under way. Lies on the stack of its task. */
struct communication {
    eddy_process *process; /* NULL: it was closed meanwhile */
    eddy_slice input;
};

struct eddy_process {
    eddy_loop *loop; /* a reference */
    struct eddy__child child;
    bool is_closed;          /* the owner has let go: freed when the child has ended */
    eddy_stream *streams[3]; /* our ends of its pipes; NULL: none, or closed */
    struct eddy__binding binding;
    struct eddy__waiters waiters; /* for its end */

    struct communication *communication; /* under way, or NULL */
    size_t input_sent;                   /* what the stream has taken, over all calls */
    struct eddy__buffer outputs[2];      /* what was read of output and errors */
    size_t output_max_bytes;             /* SIZE_MAX: no limit */
};

/* What a spawn needs, worked out of the options. All-zero but for `fds` of -1. */
struct process_plan {
    struct eddy__spawn spawn;
    const char *name; /* as sentences call it */
    const char *user; /* as the options say, for sentences */
    const char *group;
    char *programs; /* the paths to try, and their texts: one block */
    gid_t *groups;
    int child_fds[3]; /* what is opened for the child only; -1: nothing */
    int our_fds[3];   /* our ends of its pipes; -1: none */
};

/* Works out what the options ask for: opens files and pipes, looks users up. Returns 0, or a code
 * with a sentence. deinit also after a failure. */
int eddy__process_plan(struct process_plan *plan, const char *const arguments[],
                       const eddy_process_options *options);
void eddy__process_plan_deinit(struct process_plan *plan);

/* Why it could not be spawned, as a sentence. Returns code. */
int eddy__process_plan_raise(const struct process_plan *plan, int code);

/* May this thread use it? 0, or EDDY_EWRONG_THREAD, ... with a sentence. */
int eddy__process_check(const eddy_process *process);

/* The end of a process with its streams: what communicate() has read goes. */
void eddy__process_drop_streams(eddy_process *process);

#endif
