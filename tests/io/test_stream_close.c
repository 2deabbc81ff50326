/* SPDX-License-Identifier: MIT
 * test_stream_close.c - closing: what is still delivered, who is woken, and what is left. */
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/scarce.h"
#include "net.h"
#include "stream.h"

enum { MUCH = 8 << 20 };

/* Writes more than the kernel takes, and closes. */
static void write_much_and_close(struct pair *pair) {
    char *data = malloc(MUCH);

    for (size_t i = 0; i < MUCH; i++)
        data[i] = (char)(i / 1000);
    ASSERT_OK(eddy_stream_write(pair->stream, data, MUCH));
    ASSERT(pair->stream->is_sending);
    free(data);
    pair->stream = eddy_stream_close(pair->stream);
}

/* Reads to the end while the loop runs. Returns how much came, or the error. */
static ssize_t peer_collect(int fd) {
    static char buffer[65536];
    ssize_t size = 0, n;

    while ((n = peer_read_now(fd, buffer, sizeof(buffer))) != 0) {
        if (n == -EAGAIN) {
            eddy_sleep(0.0005);
            continue;
        }
        if (n < 0)
            return n;
        for (ssize_t i = 0; i < n; i++)
            ASSERT_INT_EQ(buffer[i], (char)((size_t)(size + i) / 1000));
        size += n;
    }
    return size;
}

TASK_TEST(close_of_nothing_is_nothing) {
    ASSERT_NULL(eddy_stream_close(NULL));
    ASSERT_NULL(eddy_stream_abort(NULL));
    return 0;
}

TASK_TEST(close_delivers_what_was_not_sent_yet) {
    struct pair pair;

    pair_open(&pair, NULL);
    write_much_and_close(&pair);
    ASSERT_INT_EQ(peer_collect(pair.peer), MUCH);
    plain_close(&pair.peer);
    return 0;
}

/* The peer must not take half of it for the whole: the end is a reset. */
VIRTUAL_TEST(close_gives_up_after_30_seconds_with_a_reset) {
    struct pair pair;
    int before = count_descriptors();
    char buffer[65536];
    ssize_t n;

    pair_open(&pair, NULL);
    write_much_and_close(&pair);
    eddy_sleep(29);
    ASSERT_INT_EQ(count_descriptors(), before + 2);
    eddy_sleep(2);
    ASSERT_INT_EQ(count_descriptors(), before + 1);
    do
        n = peer_read_now(pair.peer, buffer, sizeof(buffer));
    while (n > 0);
    ASSERT_INT_EQ(n, -ECONNRESET);
    plain_close(&pair.peer);
    return 0;
}

static int close_and_leave(void *arg) {
    struct pair *pair = arg;

    pair_open(pair, NULL);
    write_much_and_close(pair);
    return 0;
}

TEST(a_loop_that_closes_ends_what_still_goes_out) {
    struct pair pair;
    int before = count_descriptors();
    char buffer[65536];

    ASSERT_OK(eddy_run(close_and_leave, &pair));
    while (recv(pair.peer, buffer, sizeof(buffer), 0) > 0)
        continue;
    ASSERT_INT_EQ(errno, ECONNRESET);
    plain_close(&pair.peer);
    assert_descriptors(before);
}

TASK_TEST(abort_resets_at_once_and_drops_the_rest) {
    struct pair pair;
    int before = count_descriptors();
    char buffer[65536], *data = calloc(1, MUCH);
    ssize_t n;

    pair_open(&pair, NULL);
    ASSERT_OK(eddy_stream_write(pair.stream, data, MUCH));
    free(data);
    ASSERT_NULL(eddy_stream_abort(pair.stream));
    ASSERT_INT_EQ(count_descriptors(), before + 1);
    do
        n = peer_read_now(pair.peer, buffer, sizeof(buffer));
    while (n > 0);
    ASSERT_INT_EQ(n, -ECONNRESET);
    plain_close(&pair.peer);
    return 0;
}

/* --- a last answer ---------------------------------------------------------------------------- */

TASK_TEST(an_answer_survives_a_request_that_was_not_read) {
    struct pair pair;
    int before = count_descriptors();
    char buffer[16], piece[1000] = {0};

    pair_open(&pair, NULL);
    peer_send_bytes(pair.peer, piece, sizeof(piece));
    settle();
    ASSERT_OK(eddy_stream_write(pair.stream, "too large", 9));
    pair.stream = eddy_stream_close(pair.stream);

    for (int i = 0; i < 10; i++) {
        peer_send_bytes(pair.peer, piece, sizeof(piece));
        settle();
    }
    ASSERT_INT_EQ(peer_read_all(pair.peer, buffer, sizeof(buffer)), 9);
    ASSERT_MEM_EQ(buffer, "too large", 9);
    ASSERT_INT_EQ(count_descriptors(), before + 2);
    plain_close(&pair.peer);
    settle();
    assert_descriptors(before);
    return 0;
}

/* A conversation that has gone on for so long that a poller may receive ahead of the reader. */
static void converse(struct pair *pair) {
    eddy_slice piece;

    pair_open(pair, NULL);
    for (int i = 0; i < 20; i++) {
        peer_send(pair->peer, "hello");
        ASSERT_INT_EQ(eddy_stream_read_some(pair->stream, &piece), 5);
    }
}

TASK_TEST(an_answer_survives_what_was_received_ahead_of_the_reader) {
    struct pair pair;
    int before = count_descriptors();
    char buffer[16];

    converse(&pair);
    peer_send(pair.peer, "too large");
    settle();
    ASSERT_OK(eddy_stream_write(pair.stream, "no", 2));
    pair.stream = eddy_stream_close(pair.stream);
    for (int i = 0; i < 10; i++) {
        peer_send(pair.peer, "too large");
        settle();
    }
    ASSERT_INT_EQ(peer_read_all(pair.peer, buffer, sizeof(buffer)), 2);
    plain_close(&pair.peer);
    settle();
    assert_descriptors(before);
    return 0;
}

TASK_TEST(a_peer_whose_words_were_not_read_is_told_by_a_reset) {
    struct pair pair;
    char buffer[16];

    converse(&pair);
    peer_send(pair.peer, "unread");
    settle();
    pair.stream = eddy_stream_close(pair.stream);
    ASSERT_INT_EQ(peer_read_now(pair.peer, buffer, sizeof(buffer)), -ECONNRESET);
    plain_close(&pair.peer);
    return 0;
}

/* The kernel must not hold the connection open for a receive that nobody waits for. */
TASK_TEST(a_peer_sees_the_end_as_soon_as_a_long_conversation_is_closed) {
    struct pair pair;
    char buffer[16];

    converse(&pair);
    settle();
    pair.stream = eddy_stream_close(pair.stream);
    ASSERT_INT_EQ(peer_read_all(pair.peer, buffer, sizeof(buffer)), 0);
    plain_close(&pair.peer);
    return 0;
}

VIRTUAL_TEST(a_peer_that_talks_for_ever_is_not_listened_to_for_ever) {
    struct pair pair;
    int before = count_descriptors();

    pair_open(&pair, NULL);
    peer_send(pair.peer, "and");
    eddy_sleep(0.1);
    ASSERT_OK(eddy_stream_write(pair.stream, "enough", 6));
    pair.stream = eddy_stream_close(pair.stream);
    for (int i = 0; i < 49; i++) {
        peer_send(pair.peer, " and");
        eddy_sleep(0.1);
    }
    ASSERT_INT_EQ(count_descriptors(), before + 2);
    eddy_sleep(0.2);
    ASSERT_INT_EQ(count_descriptors(), before + 1);
    plain_close(&pair.peer);
    return 0;
}

/* --- who is woken ----------------------------------------------------------------------------- */

struct user {
    eddy_stream *stream;
    int result;
};

static int flush(void *arg) {
    struct user *user = arg;

    user->result = eddy_stream_flush(user->stream);
    return 0;
}

TASK_TEST(closing_wakes_the_writer_and_still_delivers) {
    struct pair pair;
    struct user user;
    char *data = malloc(MUCH);
    eddy_task *task;

    for (size_t i = 0; i < MUCH; i++)
        data[i] = (char)(i / 1000);
    pair_open(&pair, NULL);
    ASSERT_OK(eddy_stream_write(pair.stream, data, MUCH));
    free(data);
    user.stream = pair.stream;
    task = eddy_create_task(flush, &user);
    settle();
    pair.stream = eddy_stream_close(pair.stream);
    ASSERT_OK(eddy_await(task));
    ASSERT_CODE(EDDY_ECLOSED, user.result);
    ASSERT_INT_EQ(peer_collect(pair.peer), MUCH);
    plain_close(&pair.peer);
    return 0;
}

static int read_byte(void *arg) {
    struct user *user = arg;
    char byte;

    user->result = (int)eddy_stream_read(user->stream, &byte, 1);
    return 0;
}

TASK_TEST(aborting_wakes_the_reader) {
    struct pair pair;
    struct user user;
    eddy_task *task;

    pair_open(&pair, NULL);
    user.stream = pair.stream;
    task = eddy_create_task(read_byte, &user);
    settle();
    pair.stream = eddy_stream_abort(pair.stream);
    ASSERT_OK(eddy_await(task));
    ASSERT_CODE(EDDY_ECLOSED, user.result);
    pair_close(&pair);
    return 0;
}

/* The bytes came first; the close does not take them back. */
TASK_TEST(a_reader_that_is_ready_keeps_its_bytes_when_another_closes) {
    struct pair pair;
    struct user user;
    eddy_task *task;

    pair_open(&pair, NULL);
    user.stream = pair.stream;
    task = eddy_create_task(read_byte, &user);
    settle();
    peer_send(pair.peer, "x");
    eddy_sleep(1e-9); /* see test_stream_read.c: the reader is ready, and we run first */
    pair.stream = eddy_stream_close(pair.stream);
    ASSERT_OK(eddy_await(task));
    ASSERT_INT_EQ(user.result, 1);
    pair_close(&pair);
    return 0;
}

/* --- a loop closed over a call ---------------------------------------------------------------- */

/* A task in a call on its stream, which it closes when it ends, however that is. */
struct caller {
    struct pair pair;
    int (*call)(eddy_stream *stream);
    bool has_begun;
};

static int call_reads(eddy_stream *stream) {
    char buffer[16];

    return (int)eddy_stream_read(stream, buffer, sizeof(buffer));
}

static int call_reads_exactly(eddy_stream *stream) {
    char buffer[16];

    return (int)eddy_stream_read_exactly(stream, buffer, sizeof(buffer));
}

static int call_reads_lines(eddy_stream *stream) {
    eddy_slice line;

    while (eddy_stream_read_line(stream, &line) > 0)
        continue;
    return 0;
}

static int call_writes(eddy_stream *stream) {
    static char data[100000];
    int r;

    while ((r = eddy_stream_write(stream, data, sizeof(data))) == 0)
        continue;
    return r;
}

static int (*const calls[])(eddy_stream *stream) = {call_reads, call_reads_exactly,
                                                    call_reads_lines, call_writes};

static int caller_run(void *arg) {
    struct caller *caller = arg;

    pair_open(&caller->pair, NULL);
    peer_send(caller->pair.peer, "first\nhalf"); /* too little for read_exactly */
    caller->has_begun = true;
    return caller->call(caller->pair.stream);
}

static void caller_end(void *arg) {
    struct caller *caller = arg;

    caller->pair.stream = eddy_stream_close(caller->pair.stream);
}

static eddy_loop *loop_with(struct caller *caller) {
    eddy_task_options options = {.free_arg = caller_end};

    ASSERT_OK(eddy_loop_new(NULL, &options.loop));
    ASSERT_OK(eddy_detach(eddy_create_task_with(&options, caller_run, caller)));
    while (!caller->has_begun)
        ASSERT_OK(eddy_loop_run_once(options.loop, INFINITY));
    for (int i = 0; i < 10; i++)
        ASSERT_OK(eddy_loop_run_once(options.loop, 0));
    return options.loop;
}

static void no_log(eddy_log_level level, const char *text, void *arg) {
    (void)level, (void)text, (void)arg;
}

/* The leak checker of the sanitizer builds is the other half of these. */
TEST(a_loop_closed_over_a_call_frees_its_stream) {
    int before = count_descriptors();
    eddy_set_log(no_log, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        struct caller caller = {.call = calls[i]};
        ASSERT_NULL(eddy_loop_close(loop_with(&caller)));
        plain_close(&caller.pair.peer);
    }
    assert_descriptors(before);
}

static void stop_loop(void *loop) {
    eddy_loop_stop(loop);
}

TEST(a_loop_closed_over_what_was_received_but_not_taken_frees_it) {
    int before = count_descriptors();
    eddy_set_log(no_log, NULL);
    for (size_t i = 0; calls[i] != call_writes; i++) {
        struct caller caller = {.call = calls[i]};
        eddy_loop *loop = loop_with(&caller);
        int stop[2];
        ASSERT_INT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stop), 0);
        ASSERT_OK(eddy_add_reader(loop, stop[0], stop_loop, loop));
        peer_send(stop[1], "stop"); /* comes first: the reader is woken, but does not run */
        peer_send(caller.pair.peer, " and the rest of it\n");
        ASSERT_OK(eddy_loop_run_forever(loop));
        ASSERT_NULL(eddy_loop_close(loop));
        plain_close(&stop[0]);
        plain_close(&stop[1]);
        plain_close(&caller.pair.peer);
    }
    assert_descriptors(before);
}

static void nothing(void *unused) {
    (void)unused;
}

/* The reader is woken, but is cancelled before it runs; when it lets others run, the loop stops. */
static void cancel_and_stop(void *loop) {
    eddy_task *reader;

    ASSERT_INT_EQ(eddy_all_tasks(loop, &reader, 1), 1);
    ASSERT(eddy_cancel(reader));
    eddy_unref(reader);
    eddy_loop_stop(loop);
    eddy_call_soon(loop, nothing, NULL);
}

static void cancel_before_it_runs(void *loop) {
    eddy_call_soon(loop, cancel_and_stop, loop);
}

TEST(a_loop_closed_over_a_call_that_is_refused_its_second_wait_frees_its_stream) {
    int before = count_descriptors();
    eddy_set_log(no_log, NULL);
    for (size_t i = 0; calls[i] != call_writes; i++) {
        struct caller caller = {.call = calls[i]};
        int stop[2];
        if (calls[i] == call_reads)
            continue; /* waits but once */
        eddy_loop *loop = loop_with(&caller);
        ASSERT_INT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stop), 0);
        ASSERT_OK(eddy_add_reader(loop, stop[0], cancel_before_it_runs, loop));
        peer_send(stop[1], "stop");
        peer_send(caller.pair.peer, "more"); /* and not enough */
        ASSERT_OK(eddy_loop_run_forever(loop));
        ASSERT_INT_EQ(eddy_all_tasks(loop, NULL, 0), 1); /* it stands in its second wait */
        ASSERT_NULL(eddy_loop_close(loop));
        plain_close(&stop[0]);
        plain_close(&stop[1]);
        plain_close(&caller.pair.peer);
    }
    assert_descriptors(before);
}

/* --- names ------------------------------------------------------------------------------------ */

TASK_TEST(a_lost_connection_is_still_known_by_its_names) {
    struct pair pair;
    char buffer[16], peer[ADDRESS_TEXT_BYTES];

    pair_open(&pair, NULL);
    eddy__address_of_socket(pair.peer, peer);
    peer_reset(&pair.peer);
    ASSERT_CODE(-ECONNRESET, (int)eddy_stream_read(pair.stream, buffer, sizeof(buffer)));
    ASSERT_STR_EQ(eddy_stream_peer(pair.stream), peer);
    ASSERT_STR_CONTAINS(eddy_stream_local(pair.stream), "127.0.0.1:");
    ASSERT_PTR_EQ(eddy_stream_peer(pair.stream), eddy_stream_peer(pair.stream));
    pair_close(&pair);
    return 0;
}

static int name_without_memory(void *arg) {
    struct pair pair;

    (void)arg;
    pair_open(&pair, NULL);
    scarce_left = 0;
    ASSERT_STR_EQ(eddy_stream_peer(pair.stream), "?");
    ASSERT_STR_EQ(eddy_stream_local(pair.stream), "?");
    scarce_left = INT_MAX;
    ASSERT_STR_CONTAINS(eddy_stream_peer(pair.stream), "127.0.0.1:");
    pair_close(&pair);
    return 0;
}

TEST(a_name_without_memory_is_a_question_mark) {
    scarce_begin();
    ASSERT_OK(eddy_run(name_without_memory, NULL));
}

/* --- where it does not belong ----------------------------------------------------------------- */

TEST(a_stream_may_outlive_its_loop) {
    int before = count_descriptors();
    struct pair pair;

    pair_open(&pair, NULL); /* on the default loop */
    ASSERT_NULL(eddy_loop_close(pair.stream->loop));
    ASSERT_CODE(EDDY_ESHUTDOWN, (int)eddy_stream_read(pair.stream, &(char){0}, 1));
    pair_close(&pair);
    assert_descriptors(before);
}

static void *use_elsewhere(void *arg) {
    struct pair *pair = arg;

    eddy_stream_close(pair->stream); /* says so in the log, and leaves it alone */
    return NULL;
}

static void count_log(eddy_log_level level, const char *text, void *arg) {
    ASSERT_INT_EQ(level, EDDY_LOG_ERROR);
    ASSERT_STR_CONTAINS(text, "in another thread than its loop's");
    ++*(int *)arg;
}

TASK_TEST(a_stream_closed_in_another_thread_stays_open) {
    struct pair pair;
    pthread_t thread;
    int lines = 0;

    pair_open(&pair, NULL);
    eddy_set_log(count_log, &lines);
    ASSERT_INT_EQ(pthread_create(&thread, NULL, use_elsewhere, &pair), 0);
    pthread_join(thread, NULL);
    eddy_set_log(NULL, NULL);
    ASSERT_INT_EQ(lines, 1);
    ASSERT_OK(eddy_stream_write(pair.stream, "x", 1));
    pair_close(&pair);
    return 0;
}

TASK_TEST(a_child_after_fork_closes_its_copy_only) {
    struct pair pair;
    char buffer[4];
    int status;
    pid_t child;

    pair_open(&pair, NULL);
    child = fork();
    if (child == 0) {
        int r = (int)eddy_stream_read(pair.stream, buffer, 1);
        eddy_stream_close(pair.stream);
        _exit(r == EDDY_EFORKED ? 0 : 1);
    }
    ASSERT_INT_EQ(waitpid(child, &status, 0), child);
    ASSERT_INT_EQ(status, 0);
    ASSERT_OK(eddy_stream_write(pair.stream, "x", 1));
    ASSERT_OK(eddy_stream_flush(pair.stream));
    ASSERT_INT_EQ(peer_read_now(pair.peer, buffer, 4), 1);
    peer_send(pair.peer, "y");
    ASSERT_INT_EQ(eddy_stream_read(pair.stream, buffer, 4), 1);
    pair_close(&pair);
    return 0;
}
