/* SPDX-License-Identifier: MIT
 * process_communicate.c - input, output and errors at the same time, a task for each.
 *
 * With one after the other two programs can wait for each other for ever: each has filled a pipe
 * that the other does not read. What was read is kept in the process, and how much was sent: a call
 * that is cancelled loses nothing, and the next goes on. */
#include <errno.h>
#include <string.h>

#include <eddy/task_group.h>

#include "process.h"
#include "scheduler.h"
#include "scope.h"

#define PIECE_BYTES (64u << 10) /* the stream keeps a copy of what it could not send yet */

static int is_broken(int code) {
    return code == -EPIPE || code == -ECONNRESET;
}

/* --- the child's input ------------------------------------------------------------------------ */

/* Returns 0 when all has been sent. The process may be closed while this waits. */
static int feed(const struct communication *communication) {
    eddy_slice input = communication->input;

    while (communication->process) {
        eddy_process *process = communication->process;
        eddy_stream *stream = process->streams[0];
        size_t size = input.size - MIN(process->input_sent, input.size);
        int r;
        if (!stream)
            return 0;
        if (size == 0)
            return eddy_stream_flush(stream);
        r = eddy_stream_write(stream, input.data + process->input_sent, MIN(size, PIECE_BYTES));
        if (r < 0)
            return r;
        if (communication->process)
            process->input_sent += MIN(size, PIECE_BYTES);
    }
    return EDDY_ECLOSED;
}

/* A child that ends its input early wants no more: that is its business. */
static int feed_input(void *arg) {
    const struct communication *communication = arg;
    int r = feed(communication);

    if (communication->process && (r == 0 || is_broken(r))) {
        eddy_stream **stream = &communication->process->streams[0];
        *stream = is_broken(r) ? eddy_stream_abort(*stream) : eddy_stream_close(*stream);
        return 0;
    }
    return r;
}

/* --- its output ------------------------------------------------------------------------------- */

/* Makes room, and one byte more: the NUL behind what is there already. */
static int make_room(struct eddy__buffer *buffer, size_t size) {
    int r = eddy__buffer_reserve(buffer, size + 1);

    if (r < 0)
        return eddy__fail(r);
    *eddy__buffer_tail(buffer) = '\0';
    return 0;
}

static int keep(struct eddy__buffer *buffer, eddy_slice piece) {
    int r = make_room(buffer, piece.size);

    if (r < 0)
        return r;
    memcpy(eddy__buffer_tail(buffer), piece.data, piece.size);
    eddy__buffer_added(buffer, piece.size);
    *eddy__buffer_tail(buffer) = '\0';
    return 0;
}

/* One byte more than may be kept is asked for, so as to know that there is none. */
static int read_piece(const struct communication *communication, int which) {
    eddy_process *process = communication->process;
    struct eddy__buffer *buffer = &process->outputs[which];
    int r = make_room(buffer, PIECE_BYTES); /* first: what is read must have a place */
    eddy_slice piece;
    ssize_t n;

    if (r < 0)
        return r;
    n = eddy_stream_read_some(process->streams[1 + which], &piece);
    if (n <= 0)
        return (int)n;
    if (!communication->process)
        return EDDY_ECLOSED;
    size_t room = process->output_max_bytes - eddy__buffer_size(buffer);
    r = keep(buffer, (eddy_slice){piece.data, MIN(piece.size, room)});
    if (r < 0)
        return r;
    if (piece.size > room)
        return eddy_raise(EDDY_ELIMIT, "the process %d wrote more %s than the %zu bytes allowed",
                          (int)process->child.pid, which == 0 ? "output" : "errors",
                          process->output_max_bytes);
    return 1;
}

static int read_all(const struct communication *communication, int which) {
    int r = 1;

    while (r > 0 && communication->process && communication->process->streams[1 + which])
        r = read_piece(communication, which);
    if (r == 0 && communication->process) {
        eddy_stream **stream = &communication->process->streams[1 + which];
        *stream = eddy_stream_close(*stream);
    }
    return MIN(r, 0);
}

static int read_output(void *communication) {
    return read_all(communication, 0);
}

static int read_errors(void *communication) {
    return read_all(communication, 1);
}

/* --- all of it -------------------------------------------------------------------------------- */

/* Suspends. The first failure ends the others: nobody reads an output whose process is stuck. */
static int exchange(struct communication *communication) {
    const eddy_process *process = communication->process;
    eddy_task_group *group;

    if (!process->streams[0] && !process->streams[1] && !process->streams[2])
        return 0;
    group = eddy_task_group_new();
    if (process->streams[0])
        eddy_task_group_create_task(group, feed_input, communication);
    if (process->streams[1])
        eddy_task_group_create_task(group, read_output, communication);
    if (process->streams[2])
        eddy_task_group_create_task(group, read_errors, communication);
    return eddy_task_group_wait(group);
}

static int communicate(eddy_process *process, eddy_slice input) {
    struct communication communication = {process, input};
    int r;

    process->communication = &communication;
    r = exchange(&communication);
    if (!communication.process)
        return eddy_raise(EDDY_ECLOSED, "the process was closed while communicate() was at it");
    process->communication = NULL;
    return r < 0 ? r : eddy_process_wait(process, NULL);
}

static eddy_slice outputs_of(const eddy_process *process, int which) {
    const struct eddy__buffer *buffer = &process->outputs[which];

    if (eddy__buffer_size(buffer) == 0)
        return (eddy_slice){"", 0};
    return (eddy_slice){eddy__buffer_data(buffer), eddy__buffer_size(buffer)};
}

eddy_slice eddy_process_output(const eddy_process *process) {
    return outputs_of(process, 0);
}

eddy_slice eddy_process_errors(const eddy_process *process) {
    return outputs_of(process, 1);
}

int eddy_process_communicate(eddy_process *process, eddy_slice input, eddy_slice *output,
                             eddy_slice *errors) {
    struct eddy__task *task;
    int r = eddy__process_check(process);

    if (r == 0)
        r = eddy__checkpoint(process->loop, &task);
    if (r == 0 && process->communication)
        r = eddy_raise(-EBUSY, "another task communicates with the process %d already",
                       (int)process->child.pid);
    if (r == 0)
        r = communicate(process, input);
    if (r < 0)
        return r;
    if (output)
        *output = eddy_process_output(process);
    if (errors)
        *errors = eddy_process_errors(process);
    return 0;
}

/* --- from its birth to its end ---------------------------------------------------------------- */

static void options_capture(eddy_process_options *options, bool has_input) {
    if (has_input && !options->input && !options->input_path)
        options->input = EDDY_PROCESS_PIPE;
    if (!options->output && !options->output_path)
        options->output = EDDY_PROCESS_PIPE;
    if (!options->errors && !options->errors_path)
        options->errors = EDDY_PROCESS_PIPE;
}

struct run {
    struct eddy__hold hold;
    eddy_process *process;
};

/* The loop was closed over the call: it has ended the child. */
static void run_dropped(struct eddy__hold *hold) {
    eddy_process_close(container_of(hold, struct run, hold)->process);
}

/* Suspends. */
static int run_to_end(struct eddy__task *task, eddy_process *process, eddy_slice input) {
    struct run run = {.process = process};
    int r;

    eddy__hold_begin(&run.hold, task, "eddy_process_run", run_dropped);
    r = eddy_process_communicate(process, input, NULL, NULL);
    eddy__hold_end(&run.hold);
    return r;
}

int eddy_process_run_sized(const char *const arguments[], const eddy_process_options *given,
                           size_t given_size, eddy_slice input, eddy_process **out) {
    eddy_process_options options = {0};
    eddy_process *process = NULL;
    struct eddy__task *task;
    int r = eddy__checkpoint(NULL, &task);

    if (r < 0)
        return r;
    if (given)
        memcpy(&options, given, MIN(given_size, sizeof(options)));
    options_capture(&options, input.size > 0);
    r = eddy_process_spawn(arguments, &options, &process);
    if (r < 0)
        return r;
    r = run_to_end(task, process, input);
    if (r < 0) {
        eddy_process_close(process);
        return r;
    }
    *out = process;
    return 0;
}
