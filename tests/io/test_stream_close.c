/* SPDX-License-Identifier: MIT
 * test_stream_close.c - closing: what is still delivered, who is woken, and what is left. */
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

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
