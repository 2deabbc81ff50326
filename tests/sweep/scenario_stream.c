/* SPDX-License-Identifier: MIT
 * scenario_stream.c - streams that are no sockets of a server's: pipes, classes, layers; and what
 * is written to each: pieces, much, a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <eddy/pipe.h>

#include "../io/memory_stream.h"
#include "../io/rot13_stream.h"
#include "os.h"
#include "os_file.h"
#include "scenario.h"
#include "test.h"
#include "util.h"

enum { MUCH = 300 << 10 };

#define LINE "a line in pieces\n"

struct ends {
    eddy_stream *writer, *reader;
    const char *much;
};

/* --- a talk ----------------------------------------------------------------------------------- */

static int write_small(eddy_stream *stream) {
    static const eddy_slice pieces[] = {{"a line ", 7}, {"in ", 3}, {"pieces\n", 7}};
    int r = eddy_stream_writelines(stream, pieces, 3);

    if (r == 0)
        r = eddy_stream_write_nowait(stream, LINE, strlen(LINE));
    return r == 0 ? eddy_stream_drain(stream) : r;
}

/* Cut short by a failure, which the next call would tell of. */
static int send_file(eddy_stream *stream) {
    CLEANUP(eddy__os_closep) int file = eddy__os_open("/proc/self/exe", O_RDONLY, 0);
    off_t offset = 0;
    ssize_t n = file < 0 ? file : eddy_stream_send_file(stream, file, &offset, MUCH);

    return n < 0 ? (int)n : n < MUCH ? -EPIPE : 0;
}

static int write_all(void *arg) {
    const struct ends *ends = arg;
    int r = write_small(ends->writer);

    if (r == 0)
        r = eddy_stream_write(ends->writer, ends->much, MUCH);
    if (r == 0)
        r = send_file(ends->writer);
    return r == 0 ? eddy_stream_write_eof(ends->writer) : r;
}

static int read_small(eddy_stream *stream) {
    static const eddy_slice separators[] = {{"\r\n", 2}, {"\n", 1}};
    eddy_slice line;
    ssize_t n = eddy_stream_read_until_any(stream, separators, 2, &line);

    if (n >= 0)
        n = eddy_stream_read_line(stream, &line);
    if (n > 0)
        ASSERT(line.size == strlen(LINE) && memcmp(line.data, LINE, line.size) == 0);
    return n < 0 ? (int)n : n == 0 ? EDDY_EINCOMPLETE : 0;
}

static int read_much(const struct ends *ends) {
    char *bytes = malloc(MUCH);
    ssize_t n = eddy_stream_read_exactly(ends->reader, bytes, MUCH);

    if (n >= 0)
        ASSERT(memcmp(bytes, ends->much, MUCH) == 0);
    if (n >= 0)
        n = eddy_stream_read_exactly(ends->reader, bytes, MUCH);
    if (n >= 0)
        n = eddy_stream_read(ends->reader, bytes, 1);
    free(bytes);
    return n < 0 ? (int)n : n > 0 ? -EPROTO : 0;
}

static int read_all(void *arg) {
    const struct ends *ends = arg;
    int r = read_small(ends->reader);

    return r < 0 ? r : read_much(ends);
}

/* One that fails ends the other. */
static int talk(struct ends *ends) {
    eddy_task_group *group = eddy_task_group_new();

    eddy_task_group_create_task(group, write_all, ends);
    eddy_task_group_create_task(group, read_all, ends);
    return eddy_task_group_wait(group);
}

/* --- streams of each kind --------------------------------------------------------------------- */

static int sockets_open(struct ends *ends) {
    int fds[2], r;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    r = eddy_stream_from_fd(fds[0], NULL, &ends->writer);
    if (r == 0)
        return eddy_stream_from_fd(fds[1], NULL, &ends->reader);
    eddy__os_close(fds[1]);
    return r;
}

static int pipe_open(struct ends *ends) {
    return eddy_pipe(NULL, &ends->reader, &ends->writer);
}

static int memory_open(struct ends *ends) {
    eddy_stream *streams[2];
    struct memory_end *unused[2];
    int r = memory_pair_new(NULL, streams, unused);

    if (r < 0)
        return r;
    ends->writer = streams[0];
    ends->reader = streams[1];
    return 0;
}

/* `layers` more on each end. */
static int talk_over(int (*open_ends)(struct ends *ends), int layers, const char *much) {
    struct ends ends = {.much = much};
    int r = open_ends(&ends);

    for (int i = 0; i < layers && r == 0; i++)
        r = first_of(rot13_push(ends.writer), rot13_push(ends.reader));
    if (r == 0)
        r = talk(&ends);
    eddy_stream_close(ends.writer);
    eddy_stream_close(ends.reader);
    return r;
}

/* The file is read by a thread, as if nothing was in memory. */
static int talk_over_cold(int (*open_ends)(struct ends *ends), const char *much) {
    int r;

    eddy__os_disk_is_cold = true;
    r = talk_over(open_ends, 0, much);
    eddy__os_disk_is_cold = false;
    return r;
}

static int streams(void *unused) {
    char *much = malloc(MUCH);
    int r;

    (void)unused;
    memset(much, 'x', MUCH);
    r = talk_over(sockets_open, 0, much);
    if (r == 0)
        r = talk_over_cold(pipe_open, much);
    if (r == 0)
        r = talk_over(memory_open, 0, much);
    if (r == 0)
        r = talk_over(sockets_open, 1, much);
    if (r == 0)
        r = talk_over(pipe_open, 1, much);
    free(much);
    return r;
}

int scenario_streams(void) {
    return scenario_run(EDDY_CLOCK_MONOTONIC, streams, NULL);
}
