/* SPDX-License-Identifier: MIT
 * test_stream_write.c - writing: at once, in the background, with back-pressure; and how it ends.
 */
#include <sys/socket.h>

#include "net.h"
#include "stream.h"

enum { MUCH = 20 << 20 }; /* more than the kernel takes for a peer that does not read */

/* Writes until writes would suspend: once alone may be a machine that is busy elsewhere. Returns
 * how much was taken. */
static size_t write_until_full(eddy_stream *stream) {
    char piece[10000];
    size_t written = 0;

    memset(piece, 'w', sizeof(piece));
    for (int waits = 0; waits < 4;) {
        eddy_timeout timeout;
        eddy_timeout_begin(&timeout, 0.01);
        int r = eddy_timeout_end(&timeout, eddy_stream_write(stream, piece, sizeof(piece)));
        ASSERT(r == 0 || r == -ETIMEDOUT);
        waits = r == 0 ? 0 : waits + 1;
        written += r == 0 ? sizeof(piece) : 0;
    }
    return written;
}

/* Reads `size` bytes at the peer while the loop goes on sending. */
static void peer_drain(int fd, size_t size) {
    char buffer[65536];

    while (size > 0) {
        ssize_t n = peer_read_now(fd, buffer, sizeof(buffer));
        if (n == -EAGAIN) {
            eddy_sleep(0.0005);
            continue;
        }
        ASSERT(n > 0);
        size -= (size_t)n;
    }
}

TASK_TEST(what_is_written_arrives) {
    struct pair pair;
    char buffer[16];

    pair_open(&pair, NULL);
    ASSERT_OK(eddy_stream_write(pair.stream, "hello ", 6));
    ASSERT_OK(eddy_stream_write(pair.stream, "", 0));
    ASSERT_OK(eddy_stream_write(pair.stream, "world", 5));
    ASSERT_OK(eddy_stream_flush(pair.stream)); /* the kernel has it, and so the peer */
    ASSERT_INT_EQ(peer_read_now(pair.peer, buffer, sizeof(buffer)), 11);
    ASSERT_MEM_EQ(buffer, "hello world", 11);
    pair_close(&pair);
    return 0;
}

TASK_TEST(a_peer_that_does_not_read_suspends_the_writer_and_bounds_the_memory) {
    struct pair pair;
    size_t written;

    pair_open(&pair, NULL);
    written = write_until_full(pair.stream);
    ASSERT(eddy__buffer_size(&pair.stream->sending) + eddy__buffer_size(&pair.stream->queue) <
           64 * 1024 + 2 * 10000);
    ASSERT(pair.stream->sending.capacity + pair.stream->queue.capacity <= 256 * 1024);

    /* And once it reads, the writer goes on, and nothing was lost. */
    eddy_timeout timeout;
    eddy_timeout_begin(&timeout, 0.01);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_stream_flush(pair.stream)));
    peer_drain(pair.peer, written);
    ASSERT_OK(eddy_stream_flush(pair.stream));
    ASSERT_INT_EQ(peer_read_now(pair.peer, &(char){0}, 1), -EAGAIN);
    pair_close(&pair);
    return 0;
}

TASK_TEST(high_water_is_how_much_may_wait) {
    struct pair pair;
    size_t small, large;

    pair_open(&pair, &(eddy_connect_options){.high_water_bytes = 1});
    write_until_full(pair.stream);
    small = pair.stream->sending.end + pair.stream->queue.end;
    pair_close(&pair);

    pair_open(&pair, &(eddy_connect_options){.high_water_bytes = 1 << 20});
    write_until_full(pair.stream);
    large = eddy__buffer_size(&pair.stream->sending) + eddy__buffer_size(&pair.stream->queue);
    ASSERT(small <= 10000);
    ASSERT(large > 1 << 20);
    pair_close(&pair);
    return 0;
}

TASK_TEST(one_write_may_be_larger_than_everything) {
    struct pair pair;
    char *data = malloc(MUCH);

    memset(data, 'x', MUCH);
    pair_open(&pair, NULL);
    ASSERT_OK(eddy_stream_write(pair.stream, data, MUCH));
    free(data); /* it was taken: ours to free */
    peer_drain(pair.peer, MUCH);
    ASSERT_OK(eddy_stream_flush(pair.stream));
    ASSERT_NULL(pair.stream->sending.bytes); /* nothing is owned for what has gone */
    ASSERT_NULL(pair.stream->queue.bytes);
    pair_close(&pair);
    return 0;
}

/* --- cancelling ------------------------------------------------------------------------------- */

TASK_TEST(a_cancelled_write_has_taken_none) {
    struct pair pair;
    size_t written, unsent;

    pair_open(&pair, NULL);
    written = write_until_full(pair.stream);
    unsent = eddy__buffer_size(&pair.stream->sending) + eddy__buffer_size(&pair.stream->queue);
    written += write_until_full(pair.stream);
    ASSERT_UINT_EQ(
        eddy__buffer_size(&pair.stream->sending) + eddy__buffer_size(&pair.stream->queue), unsent);
    peer_drain(pair.peer, written);
    ASSERT_INT_EQ(peer_read_now(pair.peer, &(char){0}, 1), -EAGAIN);
    pair_close(&pair);
    return 0;
}

TASK_TEST(a_refused_write_flush_or_end_has_no_effect) {
    struct pair pair;
    eddy_timeout timeout;

    pair_open(&pair, NULL);
    eddy_timeout_begin(&timeout, 0);
    ASSERT_CODE(-ECANCELED, eddy_stream_write(pair.stream, "no", 2));
    ASSERT_CODE(-ECANCELED, eddy_stream_flush(pair.stream));
    ASSERT_CODE(-ECANCELED, eddy_stream_write_eof(pair.stream));
    eddy_timeout_end(&timeout, 0);
    ASSERT_INT_EQ(peer_read_now(pair.peer, &(char){0}, 1), -EAGAIN);
    pair_close(&pair);
    return 0;
}

struct writer {
    eddy_stream *stream;
    int (*write)(eddy_stream *stream);
    int result;
};

static int write_some(eddy_stream *stream) {
    return eddy_stream_write(stream, "more", 4);
}

static int write_once(void *arg) {
    struct writer *writer = arg;

    writer->result = writer->write(writer->stream);
    return 0;
}

static int (*const writes[])(eddy_stream *) = {write_some, eddy_stream_flush,
                                               eddy_stream_write_eof};

TASK_TEST(a_second_writer_is_busy) {
    struct pair pair;
    struct writer writer = {.write = eddy_stream_flush};
    eddy_task *task;
    size_t written;

    pair_open(&pair, NULL);
    written = write_until_full(pair.stream);
    writer.stream = pair.stream;
    task = eddy_create_task(write_once, &writer);
    settle();
    for (size_t i = 0; i < ARRAY_SIZE(writes); i++)
        ASSERT_CODE(-EBUSY, writes[i](pair.stream));
    peer_drain(pair.peer, written);
    ASSERT_OK(eddy_await(task));
    ASSERT_OK(writer.result);
    ASSERT_OK(write_some(pair.stream));
    pair_close(&pair);
    return 0;
}

TASK_TEST(one_task_may_read_while_another_writes) {
    struct pair pair;
    struct writer writer = {.write = eddy_stream_flush};
    eddy_task *task;
    size_t written;
    char buffer[16];

    pair_open(&pair, NULL);
    written = write_until_full(pair.stream);
    writer.stream = pair.stream;
    task = eddy_create_task(write_once, &writer);
    settle();
    peer_send(pair.peer, "hello");
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, sizeof(buffer)), 5);
    peer_drain(pair.peer, written);
    ASSERT_OK(eddy_await(task));
    pair_close(&pair);
    return 0;
}

/* --- our end ---------------------------------------------------------------------------------- */

TASK_TEST(write_eof_ends_our_half_and_the_other_goes_on) {
    struct pair pair;
    char buffer[16];

    pair_open(&pair, NULL);
    ASSERT_OK(eddy_stream_write(pair.stream, "bye", 3));
    ASSERT_OK(eddy_stream_write_eof(pair.stream));
    ASSERT_INT_EQ(peer_read_all(pair.peer, buffer, sizeof(buffer)), 3);
    ASSERT_OK(eddy_stream_write_eof(pair.stream));
    ASSERT_CODE(-EPIPE, eddy_stream_write(pair.stream, "x", 1));

    peer_send(pair.peer, "and you");
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, sizeof(buffer)), 7);
    pair_close(&pair);
    return 0;
}

TASK_TEST(write_eof_flushes_first) {
    struct pair pair;
    struct writer writer = {.write = eddy_stream_write_eof};
    eddy_task *task;
    size_t written;

    pair_open(&pair, NULL);
    written = write_until_full(pair.stream);
    writer.stream = pair.stream;
    task = eddy_create_task(write_once, &writer);
    peer_drain(pair.peer, written);
    ASSERT_OK(eddy_await(task));
    ASSERT_OK(writer.result);
    ASSERT_INT_EQ(peer_read_now(pair.peer, &(char){0}, 1), 0);
    pair_close(&pair);
    return 0;
}

/* --- the peer's end --------------------------------------------------------------------------- */

TASK_TEST(an_error_of_the_background_comes_with_the_next_call_and_stays) {
    struct pair pair;
    int r;

    pair_open(&pair, NULL);
    write_until_full(pair.stream);
    peer_reset(&pair.peer);
    settle();
    r = eddy_stream_write(pair.stream, "x", 1);
    ASSERT(r == -ECONNRESET || r == -EPIPE);
    ASSERT_CODE(r, eddy_stream_flush(pair.stream));
    ASSERT_CODE(r, eddy_stream_write_eof(pair.stream));
    pair_close(&pair);
    return 0;
}

TASK_TEST(a_reset_wakes_the_writer) {
    for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
        struct pair pair;
        struct writer writer = {.write = writes[i]};
        eddy_task *task;

        pair_open(&pair, NULL);
        write_until_full(pair.stream);
        writer.stream = pair.stream;
        task = eddy_create_task(write_once, &writer);
        settle();
        peer_reset(&pair.peer);
        ASSERT_OK(eddy_await(task));
        ASSERT(writer.result == -ECONNRESET || writer.result == -EPIPE);
        pair_close(&pair);
    }
    return 0;
}

TASK_TEST(a_broken_pipe_is_a_code_and_no_signal) {
    struct pair pair;
    int r;

    pair_open(&pair, NULL);
    plain_close(&pair.peer);
    do
        r = eddy_stream_write(pair.stream, "x", 1);
    while (r == 0);
    ASSERT(r == -EPIPE || r == -ECONNRESET);
    pair_close(&pair);
    return 0;
}

/* --- fairness --------------------------------------------------------------------------------- */

static int count_turns(void *arg) {
    int *turns = arg;

    while (eddy_yield() == 0)
        ++*turns;
    return 0;
}

TASK_TEST(a_writer_that_never_waits_does_not_starve_others) {
    struct pair pair;
    int turns = 0;
    eddy_task *other;

    pair_open(&pair, NULL);
    other = eddy_create_task(count_turns, &turns);
    for (int i = 0; i < 1000; i++)
        ASSERT_OK(eddy_stream_write(pair.stream, "x", 1));
    ASSERT(turns >= 3);
    eddy_cancel(other);
    ASSERT_OK(eddy_await(other));
    pair_close(&pair);
    return 0;
}
