/* SPDX-License-Identifier: MIT
 * test_stream_kinds.c - what holds for every stream: sockets, pipes, classes, layers. */
#include "kinds.h"
#include "rot13_stream.h"
#include "stream.h"

enum { MUCH = 3 << 20 }; /* more than any of them takes at once */

static char *pattern_new(size_t size) {
    char *data = malloc(size);

    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 7 + i / 251);
    return data;
}

/* --- reading ---------------------------------------------------------------------------------- */

KIND_TEST(what_is_written_is_read) {
    struct ends ends;
    char buffer[16];
    eddy_slice slice;

    ends_open(kind, &ends, NULL);
    ASSERT_OK(eddy_stream_write(ends.writer, "Hello, world", 12));
    ASSERT_INT_EQ(eddy_stream_read_exactly(ends.reader, buffer, 5), 5);
    ASSERT_MEM_EQ(buffer, "Hello", 5);
    ASSERT_INT_EQ(eddy_stream_read(ends.reader, buffer, 2), 2);
    ASSERT_INT_EQ(eddy_stream_read_some(ends.reader, &slice), 5);
    ASSERT_SLICE_EQ(slice, "world");
    ASSERT_OK(eddy_stream_write_eof(ends.writer));
    ASSERT(!eddy_stream_at_eof(ends.reader));
    ASSERT_INT_EQ(eddy_stream_read(ends.reader, buffer, 16), 0);
    ASSERT(eddy_stream_at_eof(ends.reader));
    ASSERT_CODE(-EPIPE, eddy_stream_write(ends.writer, "x", 1));
    ends_close(&ends);
    ASSERT_INT_EQ(rot13_count, 0);
    return 0;
}

KIND_TEST(records_end_at_the_first_of_several_separators) {
    static const eddy_slice separators[] = {{"\r\n", 2}, {"\n", 1}, {";", 1}, {"\0", 1}};
    static const char text[] = "one\r\ntwo;three\nfour\0last";
    static const char *const records[] = {"one\r\n", "two;", "three\n"};
    struct ends ends;
    eddy_slice record;

    ends_open(kind, &ends, NULL);
    ASSERT_OK(eddy_stream_write(ends.writer, text, sizeof(text) - 1));
    for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
        ASSERT(eddy_stream_read_until_any(ends.reader, separators, 4, &record) > 0);
        ASSERT_SLICE_EQ(record, records[i]);
    }
    ASSERT_INT_EQ(eddy_stream_read_until_any(ends.reader, separators, 4, &record), 5);
    ASSERT_MEM_EQ(record.data, "four\0", 5);
    ASSERT_OK(eddy_stream_write_eof(ends.writer));
    ASSERT_CODE(EDDY_EINCOMPLETE,
                (int)eddy_stream_read_until_any(ends.reader, separators, 4, &record));
    ASSERT_CODE(-EINVAL, (int)eddy_stream_read_until_any(ends.reader, separators, 0, &record));
    ASSERT_INT_EQ(eddy_stream_read_line(ends.reader, &record), 4);
    ends_close(&ends);
    return 0;
}

static int drip(void *arg) {
    for (const char *byte = "a line, byte by byte\r\nand more"; *byte; byte++) {
        ASSERT_OK(eddy_stream_write(arg, byte, 1));
        settle();
    }
    return eddy_stream_write_eof(arg);
}

KIND_TEST(a_line_that_comes_byte_by_byte_is_whole) {
    struct ends ends;
    eddy_task *task;
    eddy_slice line;

    ends_open(kind, &ends, NULL);
    task = eddy_create_task(drip, ends.writer);
    ASSERT_INT_EQ(eddy_stream_read_until(ends.reader, "\r\n", &line), 22);
    ASSERT_SLICE_EQ(line, "a line, byte by byte\r\n");
    ASSERT_INT_EQ(eddy_stream_read_line(ends.reader, &line), 8);
    ASSERT_OK(eddy_await(task));
    ends_close(&ends);
    return 0;
}

static int write_for_ever(void *arg) {
    static const char piece[1000];
    int r;

    while ((r = eddy_stream_write(arg, piece, sizeof(piece))) == 0)
        continue;
    return r;
}

KIND_TEST(an_endless_line_ends_at_the_limit_and_its_writer_waits) {
    struct ends ends;
    eddy_task *task;
    eddy_slice line;

    ends_open(kind, &ends, &(eddy_connect_options){.high_water_bytes = 5000});
    ASSERT_OK(eddy_stream_set_limit(ends.reader, 10000));
    task = eddy_create_task(write_for_ever, ends.writer);
    ASSERT_CODE(EDDY_ELIMIT, (int)eddy_stream_read_line(ends.reader, &line));
    for (int i = 0; i < 50; i++)
        settle();
    ASSERT(!eddy_is_done(task));
    ASSERT(eddy_stream_unsent(ends.writer) <= 6000);
    ASSERT(ends.reader->input.front.capacity <= 1 << 16);
    eddy_cancel(task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ends.writer = eddy_stream_abort(ends.writer);
    ends_close(&ends);
    return 0;
}

enum how { READ, SOME, EXACTLY, UNTIL, LINE, AWAIT, HOWS };

static ssize_t read_by(eddy_stream *stream, enum how how) {
    char buffer[64];
    eddy_slice slice;

    switch (how) {
    case READ:
        return eddy_stream_read(stream, buffer, sizeof(buffer));
    case SOME:
        return eddy_stream_read_some(stream, &slice);
    case EXACTLY:
        return eddy_stream_read_exactly(stream, buffer, 10);
    case UNTIL:
        return eddy_stream_read_until(stream, "--", &slice);
    case LINE:
        return eddy_stream_read_line(stream, &slice);
    default:
        return eddy_stream_await_input(stream);
    }
}

KIND_TEST(a_read_that_is_timed_out_loses_nothing) {
    for (enum how how = READ; how < HOWS; how++) {
        struct ends ends;
        eddy_timeout timeout;
        char buffer[16];
        bool takes_any = how == READ || how == SOME || how == AWAIT;

        ends_open(kind, &ends, NULL);
        if (!takes_any)
            ASSERT_OK(eddy_stream_write(ends.writer, "partial", 7));
        eddy_timeout_begin(&timeout, 0.02);
        ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, (int)read_by(ends.reader, how)));
        ASSERT_OK(eddy_stream_write(ends.writer, " data", 5));
        ASSERT_INT_EQ(eddy_stream_read_exactly(ends.reader, buffer, takes_any ? 5 : 12),
                      takes_any ? 5 : 12);
        ASSERT_MEM_EQ(buffer, takes_any ? " data" : "partial data", takes_any ? 5 : 12);
        ends_close(&ends);
    }
    return 0;
}

struct reader {
    eddy_stream *stream;
    enum how how;
};

static int read_once(void *arg) {
    const struct reader *reader = arg;

    return (int)read_by(reader->stream, reader->how);
}

KIND_TEST(a_second_reader_is_busy_and_a_close_wakes_the_first) {
    for (enum how how = READ; how < HOWS; how++) {
        struct ends ends;
        struct reader reader = {.how = how};
        eddy_task *task;

        ends_open(kind, &ends, NULL);
        reader.stream = ends.reader;
        task = eddy_create_task(read_once, &reader);
        settle();
        ASSERT_CODE(-EBUSY, (int)read_by(ends.reader, LINE));
        ASSERT_CODE(-EBUSY, rot13_push(ends.reader));
        ends.reader = eddy_stream_close(ends.reader);
        ASSERT_CODE(EDDY_ECLOSED, eddy_await(task));
        ends_close(&ends);
    }
    ASSERT_INT_EQ(rot13_count, 0);
    return 0;
}

KIND_TEST(bytes_may_be_taken_beside_a_task_that_waits_for_them) {
    struct ends ends;
    struct reader reader = {.how = AWAIT};
    eddy_task *task;
    char buffer[16];

    ends_open(kind, &ends, NULL);
    reader.stream = ends.reader;
    ASSERT_INT_EQ(eddy_stream_take(ends.reader, buffer, 16), -EAGAIN);
    task = eddy_create_task(read_once, &reader);
    settle();
    ASSERT_INT_EQ(eddy_stream_take(ends.reader, buffer, 16), -EAGAIN);
    ASSERT_OK(eddy_stream_put(ends.writer, "hello", 5));
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(eddy_stream_take(ends.reader, buffer, 2), 2);
    ASSERT_INT_EQ(eddy_stream_take(ends.reader, buffer, 16), 3);
    ASSERT_OK(eddy_stream_put_eof(ends.writer));
    ASSERT_OK(eddy_stream_await_input(ends.reader));
    ASSERT_INT_EQ(eddy_stream_take(ends.reader, buffer, 16), 0);
    ends_close(&ends);
    return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int write_much(void *arg) {
    char *data = pattern_new(MUCH);
    int r = eddy_stream_write(arg, data, MUCH);

    free(data);
    return r < 0 ? r : eddy_stream_write_eof(arg);
}

static void assert_much(eddy_stream *reader) {
    char *want = pattern_new(MUCH), *got = malloc(MUCH), byte;

    ASSERT_INT_EQ(eddy_stream_read_exactly(reader, got, MUCH), MUCH);
    ASSERT(memcmp(got, want, MUCH) == 0);
    ASSERT_INT_EQ(eddy_stream_read(reader, &byte, 1), 0);
    free(want);
    free(got);
}

KIND_TEST(much_arrives_to_the_last_byte) {
    struct ends ends;
    eddy_task *task;

    ends_open(kind, &ends, NULL);
    task = eddy_create_task(write_much, ends.writer);
    assert_much(ends.reader);
    ASSERT_OK(eddy_await(task));
    ends_close(&ends);
    return 0;
}

KIND_TEST(what_is_unsent_goes_out_after_the_close) {
    struct ends ends;
    char *data = pattern_new(MUCH);

    ends_open(kind, &ends, NULL);
    ASSERT_OK(eddy_stream_write(ends.writer, data, MUCH));
    free(data);
    ends.writer = eddy_stream_close(ends.writer);
    assert_much(ends.reader);
    ends_close(&ends);
    return 0;
}

KIND_TEST(what_is_put_goes_out_before_an_end_that_does_not_wait) {
    struct ends ends;
    char *data = pattern_new(MUCH);

    ends_open(kind, &ends, NULL);
    ASSERT_OK(eddy_stream_put(ends.writer, data, MUCH));
    ASSERT_OK(eddy_stream_put_eof(ends.writer));
    ASSERT_CODE(-EPIPE, eddy_stream_put(ends.writer, data, 1));
    free(data);
    assert_much(ends.reader);
    ends_close(&ends);
    return 0;
}

KIND_TEST(an_abort_is_not_taken_for_the_whole) {
    struct ends ends;
    char *data = pattern_new(MUCH);
    ssize_t r;

    ends_open(kind, &ends, NULL);
    ASSERT_OK(eddy_stream_write(ends.writer, data, MUCH));
    ends.writer = eddy_stream_abort(ends.writer);
    settle();
    r = eddy_stream_read_exactly(ends.reader, data, MUCH);
    if (kind->open == kind_class.open) /* it has no wire: all was there at once */
        ASSERT(r == MUCH && eddy_stream_read(ends.reader, data, 1) == -ECONNRESET);
    else
        ASSERT(r == -ECONNRESET || r == EDDY_EINCOMPLETE);
    free(data);
    ends_close(&ends);
    return 0;
}

/* As much as goes without a wait. */
static size_t fill(eddy_stream *stream) {
    static const char piece[1000];
    size_t size = 0;
    int r;

    for (int i = 0; i < 100 || eddy_stream_unsent(stream) == 0; i++) {
        while ((r = eddy_stream_write_nowait(stream, piece, sizeof(piece))) == 0)
            size += sizeof(piece);
        ASSERT_CODE(-EAGAIN, r);
        settle();
    }
    return size;
}

static void empty(eddy_stream *stream, size_t size) {
    eddy_slice slice;

    while (size > 0) {
        ASSERT(eddy_stream_read_some(stream, &slice) > 0);
        size -= slice.size;
    }
}

static int drain(void *arg) {
    return eddy_stream_drain(arg);
}

KIND_TEST(writes_wait_from_high_water_down_to_low_water) {
    struct ends ends;
    size_t size, high, low;

    ends_open(kind, &ends, &(eddy_connect_options){.high_water_bytes = 8000});
    eddy_stream_get_write_buffer_limits(ends.writer, &high, &low);
    ASSERT_UINT_EQ(high, 8000u);
    ASSERT_UINT_EQ(low, 2000u);
    size = fill(ends.writer);
    ASSERT(eddy_stream_unsent(ends.writer) > 2000);
    ASSERT(eddy_stream_unsent(ends.writer) <= 9000);

    eddy_task *task = eddy_create_task(drain, ends.writer);
    while (!eddy_is_done(task)) {
        eddy_slice slice;
        if (eddy_stream_unsent(ends.writer) > 2000)
            ASSERT_CODE(-EAGAIN, eddy_stream_write_nowait(ends.writer, "x", 1));
        ASSERT(eddy_stream_read_some(ends.reader, &slice) > 0);
        size -= slice.size;
        settle();
    }
    ASSERT_OK(eddy_await(task));
    ASSERT(eddy_stream_unsent(ends.writer) <= 2000);
    ASSERT_OK(eddy_stream_write_nowait(ends.writer, "x", 1));
    empty(ends.reader, size + 1);
    ASSERT_OK(eddy_stream_flush(ends.writer));
    ASSERT_UINT_EQ(eddy_stream_unsent(ends.writer), 0u);
    ends_close(&ends);
    return 0;
}

KIND_TEST(the_limits_of_what_is_unsent_may_change) {
    struct ends ends;
    size_t size;

    ends_open(kind, &ends, NULL);
    ASSERT_CODE(-EINVAL, eddy_stream_set_write_buffer_limits(ends.writer, 10, 11));
    ASSERT_OK(eddy_stream_set_write_buffer_limits(ends.writer, 1000, 1000));
    size = fill(ends.writer);
    ASSERT(eddy_stream_unsent(ends.writer) <= 2000);
    ASSERT_OK(eddy_stream_set_write_buffer_limits(ends.writer, 1 << 20, 1 << 19));
    ASSERT_OK(eddy_stream_write_nowait(ends.writer, "x", 1));
    empty(ends.reader, size + 1);
    ends_close(&ends);
    return 0;
}

static int write_byte(void *arg) {
    return eddy_stream_write(arg, "x", 1);
}

KIND_TEST(a_cancelled_write_has_taken_nothing) {
    struct ends ends;
    size_t size, unsent;
    eddy_task *task;

    ends_open(kind, &ends, &(eddy_connect_options){.high_water_bytes = 8000});
    size = fill(ends.writer);
    unsent = eddy_stream_unsent(ends.writer);
    task = eddy_create_task(write_byte, ends.writer);
    settle();
    ASSERT_CODE(-EBUSY, eddy_stream_flush(ends.writer));
    eddy_cancel(task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_UINT_EQ(eddy_stream_unsent(ends.writer), unsent);
    empty(ends.reader, size);
    ASSERT_OK(eddy_stream_write_eof(ends.writer));
    ASSERT_INT_EQ(eddy_stream_read(ends.reader, &(char){0}, 1), 0);
    ends_close(&ends);
    return 0;
}

KIND_TEST(a_close_wakes_the_writer) {
    struct ends ends;
    eddy_task *task;

    ends_open(kind, &ends, &(eddy_connect_options){.high_water_bytes = 8000});
    fill(ends.writer);
    task = eddy_create_task(write_byte, ends.writer);
    settle();
    ends.writer = eddy_stream_close(ends.writer);
    ASSERT_CODE(EDDY_ECLOSED, eddy_await(task));
    ends_close(&ends);
    return 0;
}

KIND_TEST(a_writer_is_told_that_nobody_reads_any_more) {
    struct ends ends;
    eddy_task *task;
    int r;

    ends_open(kind, &ends, &(eddy_connect_options){.high_water_bytes = 8000});
    fill(ends.writer);
    task = eddy_create_task(write_byte, ends.writer);
    settle();
    ends.reader = eddy_stream_close(ends.reader);
    r = eddy_await(task);
    ASSERT(r == -EPIPE || r == -ECONNRESET);
    ASSERT_CODE(r, write_byte(ends.writer));
    ends_close(&ends);
    return 0;
}

/* --- a peer that does not go on --------------------------------------------------------------- */

enum write_how { WRITE, LINES, DRAIN, FLUSH, AWAIT_OUTPUT, END, WRITE_HOWS };

static int write_by(eddy_stream *stream, enum write_how how) {
    static const eddy_slice pieces[] = {{"x", 1}, {"y", 1}};

    switch (how) {
    case WRITE:
        return eddy_stream_write(stream, "x", 1);
    case LINES:
        return eddy_stream_writelines(stream, pieces, 2);
    case DRAIN:
        return eddy_stream_drain(stream);
    case FLUSH:
        return eddy_stream_flush(stream);
    case AWAIT_OUTPUT:
        return eddy_stream_await_output(stream, 0);
    default:
        return eddy_stream_write_eof(stream);
    }
}

/* As one whose machine has lost its power, of which nobody tells. */
KIND_TEST(a_peer_that_never_reads_holds_a_writer_until_its_time_out_only) {
    struct ends ends;
    size_t size, unsent;

    ends_open(kind, &ends, &(eddy_connect_options){.high_water_bytes = 8000});
    size = fill(ends.writer);
    unsent = eddy_stream_unsent(ends.writer);
    for (enum write_how how = WRITE; how < WRITE_HOWS; how++) {
        eddy_timeout timeout;
        eddy_timeout_begin(&timeout, 60);
        ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, write_by(ends.writer, how)));
        ASSERT_UINT_EQ(eddy_stream_unsent(ends.writer), unsent);
    }
    empty(ends.reader, size); /* it was only asleep: nothing more was written, and nothing lost */
    ASSERT_OK(eddy_stream_write(ends.writer, "z", 1));
    ASSERT_OK(eddy_stream_write_eof(ends.writer));
    ASSERT_INT_EQ(eddy_stream_read(ends.reader, &(char){0}, 1), 1);
    ASSERT_INT_EQ(eddy_stream_read(ends.reader, &(char){0}, 1), 0);
    ends_close(&ends);
    return 0;
}

struct writer {
    eddy_stream *stream;
    enum write_how how;
};

static int write_once(void *arg) {
    const struct writer *writer = arg;

    return write_by(writer->stream, writer->how);
}

KIND_TEST(a_peer_that_resets_ends_whichever_call_writes) {
    for (enum write_how how = WRITE; how < WRITE_HOWS; how++) {
        struct ends ends;
        struct writer writer = {.how = how};
        eddy_task *task;
        int r;

        ends_open(kind, &ends, &(eddy_connect_options){.high_water_bytes = 8000});
        writer.stream = ends.writer;
        fill(ends.writer);
        task = eddy_create_task(write_once, &writer);
        settle();
        ends.reader = eddy_stream_abort(ends.reader);
        r = eddy_await(task);
        ASSERT(r == -EPIPE || r == -ECONNRESET);
        ASSERT_CODE(r, write_by(ends.writer, FLUSH)); /* and stays so */
        ends_close(&ends);
    }
    return 0;
}

/* Of a pipe nothing tells that more was to come, if all that was written had left. */
KIND_TEST(a_peer_that_resets_ends_whichever_call_reads) {
    for (enum how how = READ; how < HOWS; how++) {
        struct ends ends;
        struct reader reader = {.how = how};
        eddy_task *task;
        int r;

        ends_open(kind, &ends, NULL);
        reader.stream = ends.reader;
        task = eddy_create_task(read_once, &reader);
        settle();
        ends.writer = eddy_stream_abort(ends.writer);
        r = eddy_await(task);
        if (kind == &kind_pipe || kind == &kind_layer_on_pipe)
            ASSERT(r == 0 || r == EDDY_EINCOMPLETE);
        else if (how == AWAIT)
            ASSERT(r == 0 || r == -ECONNRESET);
        else
            ASSERT_CODE(-ECONNRESET, r);
        r = (int)read_by(ends.reader, LINE);
        ASSERT(r == (kind == &kind_pipe || kind == &kind_layer_on_pipe ? 0 : -ECONNRESET));
        ends_close(&ends);
    }
    return 0;
}

/* --- several pieces --------------------------------------------------------------------------- */

static int write_pieces(void *arg) {
    enum { PIECES = 3000 }; /* more than the kernel takes in one call */
    char *data = pattern_new(MUCH);
    eddy_slice pieces[PIECES];
    size_t used = 0;
    int r;

    for (size_t i = 0; i < PIECES; i++) {
        size_t size = i % 7 ? i / 3 : 0; /* some are empty */
        pieces[i] = (eddy_slice){data + used, size};
        used += size;
    }
    pieces[PIECES - 1].size += MUCH - used; /* and the last is large */
    r = eddy_stream_writelines(arg, pieces, PIECES);
    free(data);
    return r < 0 ? r : eddy_stream_write_eof(arg);
}

KIND_TEST(pieces_arrive_in_their_order) {
    struct ends ends;
    eddy_task *task;

    ends_open(kind, &ends, NULL);
    task = eddy_create_task_with(&(eddy_task_options){.stack_bytes = 256 << 10}, write_pieces,
                                 ends.writer);
    assert_much(ends.reader);
    ASSERT_OK(eddy_await(task));
    ends_close(&ends);
    return 0;
}

KIND_TEST(small_pieces_arrive_with_what_is_around_them) {
    static const eddy_slice pieces[] = {{"two ", 4}, {NULL, 0}, {"three ", 6}};
    struct ends ends;
    char buffer[32];

    ends_open(kind, &ends, NULL);
    ASSERT_OK(eddy_stream_write(ends.writer, "one ", 4));
    ASSERT_OK(eddy_stream_writelines(ends.writer, pieces, 3));
    ASSERT_OK(eddy_stream_writelines(ends.writer, NULL, 0));
    ASSERT_OK(eddy_stream_write(ends.writer, "four", 4));
    ASSERT_INT_EQ(eddy_stream_read_exactly(ends.reader, buffer, 18), 18);
    ASSERT_MEM_EQ(buffer, "one two three four", 18);
    ends_close(&ends);
    return 0;
}
