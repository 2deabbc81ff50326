/* SPDX-License-Identifier: MIT
 * test_stream_class.c - streams on classes of the user's, and layers pushed on live streams. */
#include "memory_stream.h"
#include "net.h"
#include "rot13_stream.h"
#include "stream.h"

/* --- a class ---------------------------------------------------------------------------------- */

struct memory {
    eddy_stream *near, *far;
    struct memory_end *near_end, *far_end;
};

static void memory_open(struct memory *memory, const eddy_connect_options *options) {
    eddy_stream *streams[2];
    struct memory_end *ends[2];

    ASSERT_OK(memory_pair_new(options, streams, ends));
    *memory = (struct memory){streams[0], streams[1], ends[0], ends[1]};
}

static void memory_shut(struct memory *memory) {
    memory->near = eddy_stream_close(memory->near);
    memory->far = eddy_stream_close(memory->far);
}

TASK_TEST(a_class_carries_lines_from_one_end_to_the_other) {
    struct memory memory;
    eddy_slice line;

    memory_open(&memory, NULL);
    ASSERT_OK(eddy_stream_write(memory.far, "one\ntwo\nla", 10));
    ASSERT_INT_EQ(eddy_stream_read_line(memory.near, &line), 4);
    ASSERT_SLICE_EQ(line, "one\n");
    ASSERT_INT_EQ(eddy_stream_read_line(memory.near, &line), 4);
    ASSERT_OK(eddy_stream_write(memory.far, "st", 2));
    ASSERT_OK(eddy_stream_write_eof(memory.far));
    ASSERT_INT_EQ(eddy_stream_read_line(memory.near, &line), 4);
    ASSERT_SLICE_EQ(line, "last");
    ASSERT(eddy_stream_read_line(memory.near, &line) == 0);
    ASSERT(eddy_stream_at_eof(memory.near));
    memory_shut(&memory);
    return 0;
}

static int read_four(void *arg) {
    char buffer[4];

    return (int)eddy_stream_read_exactly(arg, buffer, 4);
}

TASK_TEST(a_stream_that_waits_in_its_class_owns_no_buffer) {
    struct memory memory;
    eddy_task *task;

    memory_open(&memory, NULL);
    task = eddy_create_task(read_four, memory.near);
    settle();
    ASSERT_INT_EQ(memory.near_end->waits, 1);
    ASSERT_NULL(memory.near->input.lease);
    ASSERT_NULL(memory.near->input.front.bytes);
    ASSERT_OK(eddy_stream_write(memory.far, "four", 4));
    ASSERT_INT_EQ(eddy_await(task), 4);
    memory_shut(&memory);
    return 0;
}

TASK_TEST(closing_a_stream_wakes_who_waits_in_its_class) {
    struct memory memory;
    eddy_task *task;

    memory_open(&memory, NULL);
    task = eddy_create_task(read_four, memory.near);
    settle();
    memory.near = eddy_stream_close(memory.near);
    ASSERT_CODE(EDDY_ECLOSED, eddy_await(task));
    memory_shut(&memory);
    return 0;
}

TASK_TEST(a_code_of_the_class_is_answered_to_every_later_call) {
    struct memory memory;
    char buffer[4];

    memory_open(&memory, NULL);
    ASSERT_OK(eddy_stream_write(memory.far, "ok", 2));
    memory_end_fail(memory.near_end, EDDY_EPROTOCOL);
    ASSERT_INT_EQ(eddy_stream_read(memory.near, buffer, 4), 2);
    for (int i = 0; i < 2; i++) {
        ASSERT_CODE(EDDY_EPROTOCOL, (int)eddy_stream_read(memory.near, buffer, 4));
        ASSERT_CODE(EDDY_EPROTOCOL, eddy_stream_write(memory.near, "x", 1));
        memory.near_end->error = memory.near_end->put_error = 0;
    }
    memory_shut(&memory);
    return 0;
}

TASK_TEST(a_writer_waits_in_its_class_for_room) {
    struct memory memory;
    eddy_timeout timeout;
    char buffer[16];

    memory_open(&memory, &(eddy_connect_options){.high_water_bytes = 10});
    memory.far_end->buffer_bytes = 0;
    ASSERT_OK(eddy_stream_write(memory.near, "eleven more", 11));
    eddy_timeout_begin(&timeout, 0.01);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_stream_write(memory.near, "x", 1)));
    ASSERT_UINT_EQ(memory.far_end->size, 11u);
    ASSERT_INT_EQ(eddy_stream_read(memory.far, buffer, sizeof(buffer)), 11);
    ASSERT_OK(eddy_stream_write(memory.near, "x", 1));
    ASSERT_UINT_EQ(memory.far_end->size, 1u);
    memory_shut(&memory);
    return 0;
}

TASK_TEST(an_abort_tells_the_class) {
    struct memory memory;
    char byte;

    memory_open(&memory, NULL);
    memory.near = eddy_stream_abort(memory.near);
    ASSERT(memory.far_end->was_aborted);
    ASSERT_CODE(-ECONNRESET, (int)eddy_stream_read(memory.far, &byte, 1));
    memory_shut(&memory);
    return 0;
}

/* --- a loop closed over a call ---------------------------------------------------------------- */

static struct memory closed_over;

static int wait_for_ever(void *arg) {
    (void)arg;
    memory_open(&closed_over, NULL);
    return read_four(closed_over.near);
}

static void close_both(void *arg) {
    (void)arg;
    memory_shut(&closed_over);
}

static void no_log(eddy_log_level level, const char *text, void *arg) {
    (void)level, (void)text, (void)arg;
}

/* The leak checker of the sanitizer builds is the other half of this. */
TEST(a_loop_closed_over_a_wait_in_a_class_frees_its_stream) {
    eddy_task_options options = {.free_arg = close_both};

    eddy_set_log(no_log, NULL);
    ASSERT_OK(eddy_loop_new(NULL, &options.loop));
    ASSERT_OK(eddy_detach(eddy_create_task_with(&options, wait_for_ever, NULL)));
    for (int i = 0; i < 10; i++)
        ASSERT_OK(eddy_loop_run_once(options.loop, 0));
    ASSERT_INT_EQ(closed_over.near_end->waits, 1);
    ASSERT_NULL(eddy_loop_close(options.loop));
}

/* --- layers ----------------------------------------------------------------------------------- */

TASK_TEST(a_layer_passes_bytes_both_ways) {
    struct pair pair;
    char buffer[16];
    eddy_slice line;

    pair_open(&pair, NULL);
    ASSERT_OK(rot13_push(pair.stream));
    ASSERT_OK(eddy_stream_write(pair.stream, "Hello\n", 6));
    ASSERT_OK(eddy_stream_flush(pair.stream));
    ASSERT_INT_EQ(peer_read_now(pair.peer, buffer, sizeof(buffer)), 6);
    ASSERT_MEM_EQ(buffer, "Uryyb\n", 6);
    peer_send(pair.peer, "Jbe");
    settle();
    peer_send(pair.peer, "yq\n");
    ASSERT_INT_EQ(eddy_stream_read_line(pair.stream, &line), 6);
    ASSERT_SLICE_EQ(line, "World\n");
    pair_close(&pair);
    ASSERT_INT_EQ(rot13_count, 0);
    return 0;
}

TASK_TEST(what_had_come_before_a_push_is_the_first_input_of_the_layer) {
    struct pair pair;
    eddy_slice line;

    pair_open(&pair, NULL);
    peer_send(pair.peer, "plain\nebgngrq\n");
    ASSERT_INT_EQ(eddy_stream_read_line(pair.stream, &line), 6);
    ASSERT_OK(rot13_push(pair.stream));
    ASSERT_INT_EQ(eddy_stream_read_line(pair.stream, &line), 8);
    ASSERT_SLICE_EQ(line, "rotated\n");
    pair_close(&pair);
    return 0;
}

TASK_TEST(a_layer_on_a_layer) {
    struct pair pair;
    eddy_slice line;

    pair_open(&pair, NULL);
    for (int i = 0; i < 3; i++)
        ASSERT_OK(rot13_push(pair.stream));
    peer_send(pair.peer, "guerr\n");
    ASSERT_INT_EQ(eddy_stream_read_line(pair.stream, &line), 6);
    ASSERT_SLICE_EQ(line, "three\n");
    ASSERT_STR_CONTAINS(eddy_stream_peer(pair.stream), "127.0.0.1:");
    ASSERT_STR_CONTAINS(eddy_stream_local(pair.stream), "127.0.0.1:");
    pair_close(&pair);
    ASSERT_INT_EQ(rot13_count, 0);
    return 0;
}

TASK_TEST(a_push_is_refused_while_a_call_is_under_way_or_bytes_are_unsent) {
    struct pair pair;
    eddy_task *task;
    char *much = calloc(1, 8 << 20);

    pair_open(&pair, NULL);
    task = eddy_create_task(read_four, pair.stream);
    settle();
    ASSERT_CODE(-EBUSY, rot13_push(pair.stream));
    ASSERT_INT_EQ(rot13_count, 0); /* it was taken, and freed */
    peer_send(pair.peer, "four");
    ASSERT_INT_EQ(eddy_await(task), 4);
    ASSERT_OK(eddy_stream_write(pair.stream, much, 8 << 20));
    free(much);
    ASSERT_CODE(-EBUSY, rot13_push(pair.stream));
    pair.stream = eddy_stream_abort(pair.stream);
    pair_close(&pair);
    return 0;
}

static eddy_stream *served;

static int serve_rotated(eddy_stream *stream, void *arg) {
    eddy_slice line;
    ssize_t r = rot13_push(stream);

    (void)arg;
    served = stream;
    if (r == 0)
        r = eddy_stream_read_line(stream, &line);
    return r < 0 ? (int)r : eddy_stream_write(stream, line.data, line.size);
}

TASK_TEST(a_server_s_connection_keeps_its_identity_under_a_layer) {
    char port[8];
    eddy_server *server = server_start(serve_rotated, port);
    eddy_stream *stream;
    eddy_slice line;

    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    ASSERT_OK(eddy_stream_write(stream, "echo\n", 5));
    ASSERT_INT_EQ(eddy_stream_read_line(stream, &line), 5);
    ASSERT_SLICE_EQ(line, "echo\n");
    ASSERT_INT_EQ(eddy_stream_read_line(stream, &line), 0);
    ASSERT_INT_EQ(rot13_count, 0);
    eddy_stream_close(stream);
    return eddy_server_close(server);
}

TASK_TEST(a_layer_s_unsent_bytes_go_out_after_its_close) {
    enum { MUCH = 8 << 20 };
    struct pair pair;
    char *much = malloc(MUCH), piece[65536];
    ssize_t n;
    size_t had = 0;

    memset(much, 'n', MUCH);
    pair_open(&pair, NULL);
    ASSERT_OK(rot13_push(pair.stream));
    ASSERT_OK(eddy_stream_write(pair.stream, much, MUCH));
    free(much);
    pair.stream = eddy_stream_close(pair.stream);
    while ((n = peer_read_now(pair.peer, piece, sizeof(piece))) != 0) {
        if (n == -EAGAIN)
            eddy_sleep(0.0005);
        else
            ASSERT(n > 0 && piece[n - 1] == 'a');
        had += n > 0 ? (size_t)n : 0;
    }
    ASSERT_UINT_EQ(had, MUCH);
    plain_close(&pair.peer);
    return 0;
}
