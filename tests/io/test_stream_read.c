/* SPDX-License-Identifier: MIT
 * test_stream_read.c - reading: pieces, exact sizes, records, their limits, ends and cancels. */
#include "net.h"

#include <sys/socket.h>

/* --- read ------------------------------------------------------------------------------------- */

TASK_TEST(read_returns_what_has_come_and_0_at_the_end) {
    struct pair pair;
    char buffer[16];

    pair_open(&pair, NULL);
    peer_send(pair.peer, "hello");
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, sizeof(buffer)), 5);
    ASSERT_MEM_EQ(buffer, "hello", 5);

    ASSERT(!eddy_stream_at_eof(pair.stream));
    plain_close(&pair.peer);
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, sizeof(buffer)), 0);
    ASSERT(eddy_stream_at_eof(pair.stream));
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, sizeof(buffer)), 0);
    pair_close(&pair);
    return 0;
}

TASK_TEST(read_takes_no_more_than_asked_and_leaves_the_rest) {
    struct pair pair;
    char buffer[4];

    pair_open(&pair, NULL);
    peer_send(pair.peer, "abcdef");
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, 4), 4);
    ASSERT_MEM_EQ(buffer, "abcd", 4);
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, 0), 0);
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, 4), 2);
    ASSERT_MEM_EQ(buffer, "ef", 2);
    pair_close(&pair);
    return 0;
}

static int send_later(void *arg) {
    int *peer = arg;

    eddy_sleep(0.01);
    peer_send(*peer, "late");
    return 0;
}

TASK_TEST(read_suspends_until_something_comes) {
    struct pair pair;
    char buffer[16];
    eddy_task *sender;

    pair_open(&pair, NULL);
    sender = eddy_create_task(send_later, &pair.peer);
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, sizeof(buffer)), 4);
    ASSERT_MEM_EQ(buffer, "late", 4);
    ASSERT_OK(eddy_await(sender));
    pair_close(&pair);
    return 0;
}

TASK_TEST(read_some_gives_a_view_of_all_that_has_come) {
    struct pair pair;
    eddy_slice slice;

    pair_open(&pair, NULL);
    peer_send(pair.peer, "one line\nand more");
    ASSERT_INT_EQ(eddy_stream_read_line(pair.stream, &slice), 9);
    ASSERT_INT_EQ(eddy_stream_read_some(pair.stream, &slice), 8);
    ASSERT_SLICE_EQ(slice, "and more");
    plain_close(&pair.peer);
    ASSERT_INT_EQ(eddy_stream_read_some(pair.stream, &slice), 0);
    ASSERT_UINT_EQ(slice.size, 0u);
    pair_close(&pair);
    return 0;
}

/* --- read_exactly ----------------------------------------------------------------------------- */

TASK_TEST(read_exactly_gathers_pieces) {
    struct pair pair;
    char buffer[8];

    pair_open(&pair, NULL);
    peer_send(pair.peer, "abc");
    settle();
    peer_send(pair.peer, "defghij");
    ASSERT_INT_EQ(eddy_stream_read_exactly(pair.stream, buffer, 8), 8);
    ASSERT_MEM_EQ(buffer, "abcdefgh", 8);
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, 8), 2);
    ASSERT_MEM_EQ(buffer, "ij", 2);
    pair_close(&pair);
    return 0;
}

TASK_TEST(read_exactly_of_an_unfinished_record_is_incomplete_and_leaves_it_readable) {
    struct pair pair;
    char buffer[16];

    pair_open(&pair, NULL);
    peer_send(pair.peer, "half");
    plain_close(&pair.peer);
    ASSERT_CODE(EDDY_EINCOMPLETE, eddy_stream_read_exactly(pair.stream, buffer, 8));
    ASSERT(!eddy_stream_at_eof(pair.stream));
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, sizeof(buffer)), 4);
    ASSERT_MEM_EQ(buffer, "half", 4);
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, sizeof(buffer)), 0);
    pair_close(&pair);
    return 0;
}

enum { LARGE = 300000 };

static void fill_pattern(char *data, size_t size) {
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 7 + i / 251);
}

struct sending {
    eddy_stream *stream;
    const char *data;
    size_t size;
};

static int send_in_background(void *arg) {
    struct sending *sending = arg;

    ASSERT_OK(eddy_stream_write(sending->stream, sending->data, sending->size));
    return eddy_stream_write_eof(sending->stream);
}

/* Both ends are streams here: what is read was never larger than the sockets' buffers otherwise. */
static int serve_pattern(eddy_stream *stream, void *arg) {
    (void)arg;
    char *data = malloc(LARGE);
    struct sending sending = {stream, data, LARGE};
    int r;

    fill_pattern(data, LARGE);
    r = send_in_background(&sending);
    free(data);
    return r;
}

TASK_TEST(read_exactly_of_much_is_right_to_the_last_byte) {
    char *want = malloc(LARGE), *have = malloc(LARGE), port[8];
    eddy_server *server = server_start(serve_pattern, port);
    eddy_stream *stream;
    eddy_slice line;

    fill_pattern(want, LARGE);
    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    ASSERT(eddy_stream_read_some(stream, &line) > 0);
    memcpy(have, line.data, line.size);
    ASSERT_INT_EQ(eddy_stream_read_exactly(stream, have + line.size, LARGE - line.size),
                  (ssize_t)(LARGE - line.size));
    ASSERT_MEM_EQ(have, want, LARGE);
    ASSERT_CODE(EDDY_EINCOMPLETE, eddy_stream_read_exactly(stream, have, 1));
    free(want);
    free(have);
    eddy_stream_close(stream);
    return eddy_server_close(server);
}

TASK_TEST(read_exactly_of_too_much_gives_all_of_it_back) {
    char *want = malloc(LARGE), *have = malloc(2 * LARGE), port[8];
    eddy_server *server = server_start(serve_pattern, port);
    eddy_stream *stream;

    fill_pattern(want, LARGE);
    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    ASSERT_CODE(EDDY_EINCOMPLETE, eddy_stream_read_exactly(stream, have, 2 * LARGE));
    memset(have, 0, LARGE);
    ASSERT_INT_EQ(eddy_stream_read_exactly(stream, have, LARGE), LARGE);
    ASSERT_MEM_EQ(have, want, LARGE);
    free(want);
    free(have);
    eddy_stream_close(stream);
    return eddy_server_close(server);
}

/* --- records ---------------------------------------------------------------------------------- */

TASK_TEST(read_line_gives_lines_and_at_last_the_unended_one) {
    struct pair pair;
    eddy_slice line;

    pair_open(&pair, NULL);
    peer_send(pair.peer, "first\nsecond\r\n\nlast");
    plain_close(&pair.peer);
    ASSERT_INT_EQ(eddy_stream_read_line(pair.stream, &line), 6);
    ASSERT_SLICE_EQ(line, "first\n");
    ASSERT_INT_EQ(eddy_stream_read_line(pair.stream, &line), 8);
    ASSERT_SLICE_EQ(line, "second\r\n");
    ASSERT_INT_EQ(eddy_stream_read_line(pair.stream, &line), 1);
    ASSERT_INT_EQ(eddy_stream_read_line(pair.stream, &line), 4);
    ASSERT_SLICE_EQ(line, "last");
    ASSERT_INT_EQ(eddy_stream_read_line(pair.stream, &line), 0);
    ASSERT_UINT_EQ(line.size, 0u);
    pair_close(&pair);
    return 0;
}

TASK_TEST(a_separator_that_comes_in_two_packets_is_found) {
    struct pair pair;
    eddy_slice record;

    pair_open(&pair, NULL);
    peer_send(pair.peer, "head\r\n\r");
    settle();
    eddy_task *sender = eddy_create_task(send_later, &pair.peer);
    ASSERT_INT_EQ(eddy_stream_read_until(pair.stream, "\r\n", &record), 6);
    ASSERT_OK(eddy_await(sender));
    peer_send(pair.peer, "x\r");
    settle();
    peer_send(pair.peer, "\nrest");
    ASSERT_INT_EQ(eddy_stream_read_until(pair.stream, "\r\n", &record), 8);
    ASSERT_SLICE_EQ(record, "\rlatex\r\n");
    pair_close(&pair);
    return 0;
}

static int drip(void *arg) {
    int *peer = arg;

    for (const char *byte = "ab--a-b-ab-.--."; *byte; byte++) {
        peer_send_bytes(*peer, byte, 1);
        settle();
    }
    return 0;
}

TASK_TEST(read_until_finds_its_separator_byte_by_byte) {
    struct pair pair;
    eddy_slice record;
    eddy_task *dripping;

    pair_open(&pair, NULL);
    dripping = eddy_create_task(drip, &pair.peer);
    ASSERT_INT_EQ(eddy_stream_read_until(pair.stream, "ab-.", &record), 12);
    ASSERT_SLICE_EQ(record, "ab--a-b-ab-.");
    ASSERT_INT_EQ(eddy_stream_read_until(pair.stream, "-.", &record), 3);
    ASSERT_SLICE_EQ(record, "--.");
    ASSERT_OK(eddy_await(dripping));
    pair_close(&pair);
    return 0;
}

TASK_TEST(read_until_without_a_separator_is_incomplete_and_leaves_it_readable) {
    struct pair pair;
    eddy_slice record;
    char buffer[16];

    pair_open(&pair, NULL);
    peer_send(pair.peer, "no end");
    plain_close(&pair.peer);
    ASSERT_CODE(EDDY_EINCOMPLETE, eddy_stream_read_until(pair.stream, "\r\n", &record));
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, sizeof(buffer)), 6);
    ASSERT_CODE(EDDY_EINCOMPLETE, eddy_stream_read_until(pair.stream, "\r\n", &record));
    pair_close(&pair);
    return 0;
}

TASK_TEST(a_record_may_be_as_long_as_the_limit_and_no_longer) {
    struct pair pair;
    eddy_slice record;
    char buffer[32];

    pair_open(&pair, &(eddy_connect_options){.limit_bytes = 8});
    peer_send(pair.peer, "1234567\n12345678\nrest");
    ASSERT_INT_EQ(eddy_stream_read_line(pair.stream, &record), 8);
    ASSERT_CODE(EDDY_ELIMIT, eddy_stream_read_line(pair.stream, &record));
    ASSERT_CODE(EDDY_ELIMIT, eddy_stream_read_line(pair.stream, &record));
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, sizeof(buffer)), 13);
    ASSERT_MEM_EQ(buffer, "12345678\nrest", 13);
    pair_close(&pair);
    return 0;
}

static int serve_endless_line(eddy_stream *stream, void *arg) {
    char piece[1000];
    int r;

    (void)arg;
    memset(piece, 'x', sizeof(piece));
    do
        r = eddy_stream_write(stream, piece, sizeof(piece));
    while (r == 0);
    return r;
}

TASK_TEST(an_endless_line_ends_at_the_limit) {
    char port[8];
    eddy_server *server = server_start(serve_endless_line, port);
    eddy_stream *stream;
    eddy_slice line;

    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    ASSERT_CODE(EDDY_ELIMIT, eddy_stream_read_line(stream, &line));
    eddy_stream_abort(stream);
    return eddy_server_close(server);
}

TASK_TEST(an_empty_separator_is_refused_with_a_sentence) {
    struct pair pair;
    eddy_slice record;

    pair_open(&pair, NULL);
    ASSERT_CODE(-EINVAL, eddy_stream_read_until(pair.stream, "", &record));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "must not be empty");
    pair_close(&pair);
    return 0;
}

/* --- where the bytes lie ---------------------------------------------------------------------- */

/* Lines of every length up to 99, again and again: some end on the border of two leases, some span
 * it. */
static size_t fill_lines(char *data, size_t size) {
    size_t used = 0;

    for (size_t length = 1; used + length < size; length = length % 99 + 1) {
        memset(data + used, 'a' + (int)(length % 26), length);
        used += length + 1;
        data[used - 1] = '\n';
    }
    return used;
}

static int serve_lines(eddy_stream *stream, void *arg) {
    (void)arg;
    char *data = malloc(LARGE);
    int r = eddy_stream_write(stream, data, fill_lines(data, LARGE));

    free(data);
    return r;
}

TASK_TEST(lines_are_whole_wherever_their_leases_end) {
    char *want = malloc(LARGE), port[8];
    size_t size = fill_lines(want, LARGE), had = 0;
    eddy_server *server = server_start(serve_lines, port);
    eddy_stream *stream;
    eddy_slice line;

    ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &stream));
    while (had < size) {
        ASSERT(eddy_stream_read_line(stream, &line) > 0);
        ASSERT_MEM_EQ(line.data, want + had, line.size);
        ASSERT_INT_EQ(line.data[line.size - 1], '\n');
        had += line.size;
    }
    ASSERT_INT_EQ(eddy_stream_read_line(stream, &line), 0);
    free(want);
    eddy_stream_close(stream);
    return eddy_server_close(server);
}

static int serve_long_record(eddy_stream *stream, void *arg) {
    int r = serve_lines(stream, arg);

    return r < 0 ? r : eddy_stream_write(stream, "end.rest", 8);
}

TASK_TEST(a_record_longer_than_any_lease_is_put_together) {
    char *want = malloc(LARGE), port[8];
    size_t size = fill_lines(want, LARGE);
    eddy_server *server = server_start(serve_long_record, port);
    eddy_stream *stream;
    eddy_slice record;
    eddy_connect_options options = {.limit_bytes = 2 * LARGE};

    ASSERT_OK(eddy_open_connection("127.0.0.1", port, &options, &stream));
    ASSERT_INT_EQ(eddy_stream_read_until(stream, "end.", &record), (ssize_t)size + 4);
    ASSERT_MEM_EQ(record.data, want, size);
    ASSERT_INT_EQ(eddy_stream_read_line(stream, &record), 4);
    ASSERT_SLICE_EQ(record, "rest");
    free(want);
    eddy_stream_close(stream);
    return eddy_server_close(server);
}

TASK_TEST(a_view_is_valid_until_the_next_call_whatever_comes_meanwhile) {
    struct pair one, two;
    eddy_slice first, second;

    pair_open(&one, NULL);
    pair_open(&two, NULL);
    peer_send(one.peer, "one");
    peer_send(two.peer, "two");
    ASSERT_INT_EQ(eddy_stream_read_some(one.stream, &first), 3);
    ASSERT_INT_EQ(eddy_stream_read_some(two.stream, &second), 3);
    peer_send(one.peer, "more");
    settle();
    ASSERT_SLICE_EQ(first, "one");
    ASSERT_SLICE_EQ(second, "two");
    ASSERT_INT_EQ(eddy_stream_read_some(one.stream, &first), 4);
    ASSERT_SLICE_EQ(first, "more");
    ASSERT_SLICE_EQ(second, "two");
    pair_close(&one);
    pair_close(&two);
    return 0;
}

TASK_TEST(what_was_given_back_goes_before_what_comes) {
    struct pair pair;
    eddy_timeout timeout;
    char buffer[16];
    eddy_slice slice;

    pair_open(&pair, NULL);
    peer_send(pair.peer, "first\nhalf a");
    ASSERT_INT_EQ(eddy_stream_read_line(pair.stream, &slice), 6);
    eddy_timeout_begin(&timeout, 0.01);
    ASSERT_CODE(-ETIMEDOUT,
                eddy_timeout_end(&timeout, (int)eddy_stream_read_exactly(pair.stream, buffer, 16)));
    peer_send(pair.peer, " line\nrest");
    ASSERT_INT_EQ(eddy_stream_read_line(pair.stream, &slice), 12);
    ASSERT_SLICE_EQ(slice, "half a line\n");
    ASSERT_INT_EQ(eddy_stream_read_some(pair.stream, &slice), 4);
    ASSERT_SLICE_EQ(slice, "rest");
    pair_close(&pair);
    return 0;
}

TASK_TEST(an_unread_rest_goes_with_its_stream) {
    struct pair pair;
    eddy_slice slice;

    pair_open(&pair, NULL);
    peer_send(pair.peer, "one\ntwo\n");
    ASSERT_INT_EQ(eddy_stream_read_line(pair.stream, &slice), 4);
    pair_close(&pair);
    return 0;
}

static struct pair left;

static int leave_a_rest(void *arg) {
    eddy_slice slice;

    (void)arg;
    pair_open(&left, NULL);
    peer_send(left.peer, "one\ntwo\n");
    return (int)eddy_stream_read_line(left.stream, &slice);
}

TEST(an_unread_rest_may_outlive_its_loop) {
    ASSERT_INT_EQ(eddy_run(leave_a_rest, NULL), 4);
    pair_close(&left);
}

/* --- cancelling ------------------------------------------------------------------------------- */

enum how { READ, SOME, EXACTLY, UNTIL, LINE, HOWS };

static ssize_t read_by(eddy_stream *stream, enum how how) {
    static char buffer[64];
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
    default:
        return eddy_stream_read_line(stream, &slice);
    }
}

VIRTUAL_TEST(every_read_ends_at_a_time_out_and_loses_nothing) {
    for (enum how how = READ; how < HOWS; how++) {
        struct pair pair;
        eddy_timeout timeout;
        char buffer[16];
        bool whole = how == READ || how == SOME;

        pair_open(&pair, NULL);
        if (!whole)
            peer_send(pair.peer, "partial");
        eddy_timeout_begin(&timeout, 1.0);
        ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, (int)read_by(pair.stream, how)));

        peer_send(pair.peer, " data");
        ASSERT_INT_EQ(eddy_stream_read_exactly(pair.stream, buffer, whole ? 5 : 12),
                      whole ? 5 : 12);
        ASSERT_MEM_EQ(buffer, whole ? " data" : "partial data", whole ? 5 : 12);
        pair_close(&pair);
    }
    return 0;
}

TASK_TEST(a_refused_read_has_no_effect) {
    for (enum how how = READ; how < HOWS; how++) {
        struct pair pair;
        eddy_timeout timeout;
        char buffer[16];

        pair_open(&pair, NULL);
        peer_send(pair.peer, "data--\n");
        eddy_timeout_begin(&timeout, 0);
        ASSERT_CODE(-ECANCELED, (int)read_by(pair.stream, how));
        ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
        ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, sizeof(buffer)), 7);
        pair_close(&pair);
    }
    return 0;
}

struct reader {
    eddy_stream *stream;
    enum how how;
    ssize_t result;
};

static int read_once(void *arg) {
    struct reader *reader = arg;

    reader->result = read_by(reader->stream, reader->how);
    return 0;
}

/* Whatever comes first counts: the bytes, then the cancel's mark for the next call. */
TASK_TEST(a_cancel_after_the_bytes_have_come_does_not_undo_the_read) {
    struct pair pair;
    eddy_task *task;
    struct reader reader = {.how = READ};

    pair_open(&pair, NULL);
    reader.stream = pair.stream;
    task = eddy_create_task(read_once, &reader);
    settle();
    peer_send(pair.peer, "hello");
    eddy_sleep(1e-9); /* timers come before the poll: we run before the reader, which is ready */
    eddy_cancel(task);
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(reader.result, 5);
    pair_close(&pair);
    return 0;
}

TASK_TEST(a_cancelled_reader_leaves_at_once_and_another_may_read) {
    struct pair pair;
    eddy_task *task;
    struct reader reader = {.how = EXACTLY};
    char buffer[16];

    pair_open(&pair, NULL);
    reader.stream = pair.stream;
    peer_send(pair.peer, "hello");
    task = eddy_create_task(read_once, &reader);
    settle();
    eddy_cancel(task);
    ASSERT_OK(eddy_await(task));
    ASSERT_CODE(-ECANCELED, (int)reader.result);
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, sizeof(buffer)), 5);
    pair_close(&pair);
    return 0;
}

/* --- who else --------------------------------------------------------------------------------- */

TASK_TEST(a_second_reader_is_busy) {
    struct pair pair;
    eddy_task *task;
    struct reader reader = {.how = LINE};
    char buffer[16];

    pair_open(&pair, NULL);
    reader.stream = pair.stream;
    task = eddy_create_task(read_once, &reader);
    settle();
    for (enum how how = READ; how < HOWS; how++)
        ASSERT_CODE(-EBUSY, (int)read_by(pair.stream, how));
    peer_send(pair.peer, "line\nmore");
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(reader.result, 5);
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, sizeof(buffer)), 4);
    pair_close(&pair);
    return 0;
}

TASK_TEST(closing_wakes_the_reader) {
    for (enum how how = READ; how < HOWS; how++) {
        struct pair pair;
        struct reader reader = {.how = how};
        eddy_task *task;
        char buffer[16];

        pair_open(&pair, NULL);
        reader.stream = pair.stream;
        task = eddy_create_task(read_once, &reader);
        settle();
        pair.stream = eddy_stream_close(pair.stream);
        ASSERT_OK(eddy_await(task));
        ASSERT_CODE(EDDY_ECLOSED, (int)reader.result);
        ASSERT_INT_EQ(peer_read_all(pair.peer, buffer, sizeof(buffer)), 0);
        pair_close(&pair);
    }
    return 0;
}

/* --- the end that is none --------------------------------------------------------------------- */

TASK_TEST(a_reset_is_an_error_and_stays_one) {
    struct pair pair;
    char buffer[16];

    pair_open(&pair, NULL);
    peer_reset(&pair.peer);
    ASSERT_CODE(-ECONNRESET, (int)eddy_stream_read(pair.stream, buffer, sizeof(buffer)));
    ASSERT_CODE(-ECONNRESET, (int)eddy_stream_read(pair.stream, buffer, sizeof(buffer)));
    ASSERT(!eddy_stream_at_eof(pair.stream));
    pair_close(&pair);
    return 0;
}

/* The kernel tells of a reset once; a reader that comes second must not see a clean end. */
TASK_TEST(a_reset_that_the_writer_met_is_no_end_for_the_reader) {
    struct pair pair;
    char buffer[16];
    int r;

    pair_open(&pair, NULL);
    peer_reset(&pair.peer);
    r = eddy_stream_write(pair.stream, "x", 1);
    if (r == 0) /* it waits for the turn's end */
        r = eddy_stream_flush(pair.stream);
    ASSERT_CODE(-ECONNRESET, r);
    ASSERT_CODE(-ECONNRESET, (int)eddy_stream_read(pair.stream, buffer, sizeof(buffer)));
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

TASK_TEST(a_connection_that_is_always_ready_does_not_starve_others) {
    struct pair pair;
    int turns = 0;
    eddy_task *other;
    char byte, data[1000] = {0};

    pair_open(&pair, NULL);
    peer_send_bytes(pair.peer, data, sizeof(data));
    other = eddy_create_task(count_turns, &turns);
    for (size_t i = 0; i < sizeof(data); i++)
        ASSERT_INT_EQ(eddy_stream_read(pair.stream, &byte, 1), 1);
    ASSERT(turns >= 3);
    eddy_cancel(other);
    ASSERT_OK(eddy_await(other));
    pair_close(&pair);
    return 0;
}
