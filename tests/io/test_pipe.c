/* SPDX-License-Identifier: MIT
 * test_pipe.c - pipes as streams: their two ways, their ends, and what is no pipe. */
#include <eddy/ext/stream.h>

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"
#include "rot13_stream.h"

enum { MUCH = 4 << 20 }; /* more than a pipe takes */

struct pipe_streams {
    eddy_stream *reader, *writer;
};

static void pipe_open(struct pipe_streams *pipe) {
    ASSERT_OK(eddy_pipe(NULL, &pipe->reader, &pipe->writer));
}

static void pipe_close(struct pipe_streams *pipe) {
    pipe->reader = eddy_stream_close(pipe->reader);
    pipe->writer = eddy_stream_close(pipe->writer);
}

/* --- both ways -------------------------------------------------------------------------------- */

TASK_TEST(what_is_written_to_a_pipe_is_read_from_it) {
    struct pipe_streams pipe;
    eddy_slice line;

    pipe_open(&pipe);
    for (int i = 0; i < 20; i++) {
        ASSERT_OK(eddy_stream_write(pipe.writer, "one\ntwo\n", 8));
        ASSERT_INT_EQ(eddy_stream_read_line(pipe.reader, &line), 4);
        ASSERT_INT_EQ(eddy_stream_read_line(pipe.reader, &line), 4);
        ASSERT_SLICE_EQ(line, "two\n");
    }
    ASSERT_STR_CONTAINS(eddy_stream_peer(pipe.reader), "pipe:[");
    ASSERT_STR_EQ(eddy_stream_peer(pipe.reader), eddy_stream_local(pipe.writer));
    pipe_close(&pipe);
    return 0;
}

struct sending {
    eddy_stream *stream;
    const char *data;
};

static int send_much(void *arg) {
    const struct sending *sending = arg;
    int r = eddy_stream_write(sending->stream, sending->data, MUCH);

    return r < 0 ? r : eddy_stream_write_eof(sending->stream);
}

TASK_TEST(a_pipe_carries_more_than_it_holds_to_the_last_byte) {
    struct pipe_streams pipe;
    struct sending sending;
    char *data = malloc(MUCH), *got = malloc(MUCH);
    eddy_task *task;

    for (size_t i = 0; i < MUCH; i++)
        data[i] = (char)(i * 7 + i / 251);
    pipe_open(&pipe);
    sending = (struct sending){pipe.writer, data};
    task = eddy_create_task(send_much, &sending);
    ASSERT_INT_EQ(eddy_stream_read_exactly(pipe.reader, got, MUCH), MUCH);
    ASSERT(memcmp(got, data, MUCH) == 0);
    ASSERT_INT_EQ(eddy_stream_read(pipe.reader, got, 1), 0);
    ASSERT_OK(eddy_await(task));
    free(data);
    free(got);
    pipe_close(&pipe);
    return 0;
}

static int read_byte(void *arg) {
    char byte;

    return (int)eddy_stream_read(arg, &byte, 1);
}

TASK_TEST(a_reader_waits_until_something_comes) {
    struct pipe_streams pipe;
    eddy_task *task;

    pipe_open(&pipe);
    task = eddy_create_task(read_byte, pipe.reader);
    settle();
    ASSERT(!eddy_is_done(task));
    ASSERT_OK(eddy_stream_write(pipe.writer, "x", 1));
    ASSERT_INT_EQ(eddy_await(task), 1);
    pipe_close(&pipe);
    return 0;
}

TASK_TEST(a_reader_cannot_write) {
    struct pipe_streams pipe;

    pipe_open(&pipe);
    ASSERT_CODE(-EPIPE, eddy_stream_write(pipe.reader, "x", 1));
    ASSERT_OK(eddy_stream_flush(pipe.reader));
    ASSERT_OK(eddy_stream_write_eof(pipe.reader));
    pipe_close(&pipe);
    return 0;
}

/* --- ends ------------------------------------------------------------------------------------- */

TASK_TEST(write_eof_is_the_end_for_the_reader) {
    struct pipe_streams pipe;
    char buffer[16];

    pipe_open(&pipe);
    ASSERT_OK(eddy_stream_write(pipe.writer, "bye", 3));
    ASSERT_OK(eddy_stream_write_eof(pipe.writer));
    ASSERT_INT_EQ(eddy_stream_read(pipe.reader, buffer, 16), 3);
    ASSERT_INT_EQ(eddy_stream_read(pipe.reader, buffer, 16), 0);
    ASSERT(eddy_stream_at_eof(pipe.reader));
    ASSERT_CODE(-EPIPE, eddy_stream_write(pipe.writer, "x", 1));
    ASSERT_OK(eddy_stream_write_eof(pipe.writer));
    ASSERT_INT_EQ(read_byte(pipe.writer), 0);
    pipe_close(&pipe);
    return 0;
}

TASK_TEST(closing_the_writer_delivers_what_is_unsent_and_ends) {
    struct pipe_streams pipe;
    char *data = calloc(1, MUCH);

    pipe_open(&pipe);
    ASSERT_OK(eddy_stream_write(pipe.writer, data, MUCH));
    pipe.writer = eddy_stream_close(pipe.writer);
    ASSERT_INT_EQ(eddy_stream_read_exactly(pipe.reader, data, MUCH), MUCH);
    ASSERT_INT_EQ(read_byte(pipe.reader), 0);
    free(data);
    pipe_close(&pipe);
    return 0;
}

TASK_TEST(aborting_the_writer_drops_what_is_unsent) {
    struct pipe_streams pipe;
    char *data = calloc(1, MUCH);

    pipe_open(&pipe);
    ASSERT_OK(eddy_stream_write(pipe.writer, data, MUCH));
    pipe.writer = eddy_stream_abort(pipe.writer);
    settle();
    ASSERT_CODE(EDDY_EINCOMPLETE, (int)eddy_stream_read_exactly(pipe.reader, data, MUCH));
    free(data);
    pipe_close(&pipe);
    return 0;
}

static volatile sig_atomic_t signals;

static void count_signal(int signo) {
    (void)signo;
    signals++;
}

TASK_TEST(a_reader_that_has_gone_is_a_code_and_no_signal) {
    struct pipe_streams pipe;

    signal(SIGPIPE, count_signal);
    pipe_open(&pipe);
    pipe.reader = eddy_stream_close(pipe.reader);
    ASSERT_CODE(-EPIPE, eddy_stream_write(pipe.writer, "x", 1));
    ASSERT_CODE(-EPIPE, eddy_stream_flush(pipe.writer));
    pipe_close(&pipe);
    ASSERT_INT_EQ(signals, 0);
    return 0;
}

TASK_TEST(a_writer_that_waits_for_room_is_told_that_its_reader_has_gone) {
    struct pipe_streams pipe;
    struct sending sending;
    char *data = calloc(1, MUCH);
    eddy_task *task;

    signal(SIGPIPE, count_signal);
    pipe_open(&pipe);
    sending = (struct sending){pipe.writer, data};
    task = eddy_create_task(send_much, &sending);
    settle();
    pipe.reader = eddy_stream_close(pipe.reader);
    ASSERT_CODE(-EPIPE, eddy_await(task));
    pipe_close(&pipe);
    free(data);
    ASSERT_INT_EQ(signals, 0);
    return 0;
}

TASK_TEST(a_writer_notices_that_its_reader_has_gone_without_writing) {
    struct pipe_streams pipe;
    eddy_task *task;

    pipe_open(&pipe);
    task = eddy_create_task(read_byte, pipe.writer);
    settle();
    ASSERT(!eddy_is_done(task));
    pipe.reader = eddy_stream_close(pipe.reader);
    ASSERT_INT_EQ(eddy_await(task), 0);
    ASSERT(eddy_stream_at_eof(pipe.writer));
    pipe_close(&pipe);
    return 0;
}

TASK_TEST(a_wait_for_the_reader_s_leaving_ends_with_write_eof) {
    struct pipe_streams pipe;
    eddy_task *task;

    pipe_open(&pipe);
    task = eddy_create_task(read_byte, pipe.writer);
    settle();
    ASSERT_OK(eddy_stream_write_eof(pipe.writer));
    ASSERT_INT_EQ(eddy_await(task), 0);
    ASSERT_INT_EQ(read_byte(pipe.reader), 0);
    pipe_close(&pipe);
    return 0;
}

TASK_TEST(a_wait_for_the_reader_s_leaving_may_be_cancelled) {
    struct pipe_streams pipe;
    eddy_timeout timeout;

    pipe_open(&pipe);
    for (int i = 0; i < 2; i++) {
        eddy_timeout_begin(&timeout, 0.01);
        ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, read_byte(pipe.writer)));
    }
    ASSERT_OK(eddy_stream_write(pipe.writer, "x", 1));
    ASSERT_INT_EQ(read_byte(pipe.reader), 1);
    pipe_close(&pipe);
    return 0;
}

/* --- other files ------------------------------------------------------------------------------ */

TASK_TEST(a_terminal_is_read_line_by_line) {
    eddy_stream *stream;
    eddy_slice line;
    int near, far;

    ASSERT_INT_EQ(openpty(&far, &near, NULL, NULL, NULL), 0);
    ASSERT_OK(eddy_open_pipe_reader(near, NULL, &stream));
    ASSERT_INT_EQ(write(far, "one\ntwo\n", 8), 8);
    ASSERT_INT_EQ(eddy_stream_read_line(stream, &line), 4);
    ASSERT_SLICE_EQ(line, "one\n");
    ASSERT_INT_EQ(eddy_stream_read_line(stream, &line), 4);
    ASSERT_SLICE_EQ(line, "two\n");
    eddy_stream_close(stream);
    close(far);
    return 0;
}

TASK_TEST(a_terminal_is_written_to_and_does_not_say_who_has_gone) {
    eddy_stream *stream;
    char buffer[16];
    int near, far;

    ASSERT_INT_EQ(openpty(&far, &near, NULL, NULL, NULL), 0);
    ASSERT_OK(eddy_open_pipe_writer(near, NULL, &stream));
    ASSERT_OK(eddy_stream_write(stream, "hello", 5));
    ASSERT_OK(eddy_stream_flush(stream));
    ASSERT_INT_EQ(read(far, buffer, sizeof(buffer)), 5);
    ASSERT_INT_EQ(read_byte(stream), 0);
    eddy_stream_close(stream);
    close(far);
    return 0;
}

TASK_TEST(a_socket_given_as_a_pipe_goes_both_ways) {
    eddy_stream *stream;
    int fds[2];
    char buffer[16];

    ASSERT_INT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    ASSERT_OK(eddy_open_pipe_reader(fds[0], NULL, &stream));
    peer_send(fds[1], "hello");
    ASSERT_INT_EQ(eddy_stream_read(stream, buffer, 16), 5);
    ASSERT_OK(eddy_stream_write(stream, "you", 3));
    ASSERT_OK(eddy_stream_write_eof(stream));
    ASSERT_INT_EQ(peer_read_all(fds[1], buffer, 16), 3);
    eddy_stream_close(stream);
    close(fds[1]);
    return 0;
}

TASK_TEST(a_descriptor_is_taken_also_when_it_is_no_pipe) {
    int before = count_descriptors(), fds[2];
    eddy_stream *stream = NULL;

    ASSERT_CODE(-EINVAL, eddy_open_pipe_reader(open("/proc/self/exe", O_RDONLY), NULL, &stream));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "eddy/file.h");
    ASSERT_CODE(-EINVAL, eddy_open_pipe_reader(open("/", O_RDONLY), NULL, &stream));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "a directory is no pipe");
    ASSERT_CODE(-EBADF, eddy_open_pipe_writer(-1, NULL, &stream));
    ASSERT_INT_EQ(pipe2(fds, O_CLOEXEC), 0);
    ASSERT_CODE(-EBADF, eddy_open_pipe_reader(fds[1], NULL, &stream));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "is written to, not read from");
    ASSERT_CODE(-EBADF, eddy_open_pipe_writer(fds[0], NULL, &stream));
    ASSERT_NULL(stream);
    assert_descriptors(before);
    return 0;
}

TASK_TEST(a_device_that_is_always_ready_is_read) {
    eddy_stream *stream;
    char zeros[100];

    ASSERT_OK(eddy_open_pipe_reader(open("/dev/zero", O_RDONLY | O_CLOEXEC), NULL, &stream));
    ASSERT_INT_EQ(eddy_stream_read_exactly(stream, zeros, sizeof(zeros)), 100);
    eddy_stream_close(stream);
    ASSERT_OK(eddy_open_pipe_writer(open("/dev/null", O_WRONLY | O_CLOEXEC), NULL, &stream));
    ASSERT_OK(eddy_stream_write(stream, zeros, sizeof(zeros)));
    ASSERT_OK(eddy_stream_flush(stream));
    eddy_stream_close(stream);
    return 0;
}

/* --- layers ----------------------------------------------------------------------------------- */

TASK_TEST(a_layer_stands_on_a_pipe) {
    struct pipe_streams pipe;
    eddy_slice line;

    pipe_open(&pipe);
    ASSERT_OK(rot13_push(pipe.reader));
    ASSERT_OK(rot13_push(pipe.writer));
    ASSERT_OK(rot13_push(pipe.writer));
    ASSERT_OK(eddy_stream_write(pipe.writer, "Hello\n", 6));
    ASSERT_INT_EQ(eddy_stream_read_line(pipe.reader, &line), 6);
    ASSERT_SLICE_EQ(line, "Uryyb\n");
    ASSERT_OK(eddy_stream_write_eof(pipe.writer));
    ASSERT_INT_EQ(eddy_stream_read_line(pipe.reader, &line), 0);
    pipe_close(&pipe);
    ASSERT_INT_EQ(rot13_count, 0);
    return 0;
}
