/* SPDX-License-Identifier: MIT
 * test_sweep.c - one conversation, failed at every allocation and cancelled at every suspension:
 * nothing may leak, hang or crash, whichever it is. */
#include <math.h>
#include <netdb.h>
#include <stdio.h>

#include "name.h"
#include "net.h"

enum { MUCH = 3 << 20 };

static void free_datap(char **memory) {
    free(*memory);
}

static char *data;

/* Reads a line, answers with much, and waits for the client's end. */
static int answer(eddy_stream *stream, void *arg) {
    eddy_slice line;
    ssize_t n = eddy_stream_read_until(stream, "\r\n", &line);
    int r;

    (void)arg;
    if (n < 0)
        return (int)n;
    r = eddy_stream_write(stream, data, MUCH);
    if (r == 0)
        r = eddy_stream_write(stream, "end\n", 4);
    if (r == 0)
        r = eddy_stream_flush(stream);
    if (r == 0)
        r = eddy_stream_write_eof(stream);
    if (r == 0)
        r = (int)eddy_stream_read_line(stream, &line);
    return r;
}

/* In two packets: the server has to put the line together. */
static int ask_slowly(eddy_stream *stream) {
    int r = eddy_stream_write(stream, "plea", 4);

    if (r == 0)
        r = eddy_sleep(1e-3);
    return r < 0 ? r : eddy_stream_write(stream, "se\r\n", 4);
}

static int ask(eddy_stream *stream) {
    CLEANUP(free_datap) char *answer = malloc(MUCH);
    eddy_slice line;
    int r = ask_slowly(stream);
    ssize_t n;

    if (r < 0)
        return r;
    n = eddy_stream_read_exactly(stream, answer, MUCH);
    if (n < 0)
        return (int)n;
    ASSERT(memcmp(answer, data, MUCH) == 0); /* ThreadSanitizer checks each byte otherwise */
    n = eddy_stream_read_line(stream, &line);
    if (n < 0)
        return (int)n;
    ASSERT_SLICE_EQ(line, "end\n");
    return (int)eddy_stream_read_some(stream, &line);
}

/* One server and one client, by name. */
static int converse(void *arg) {
    CLEANUP(stream_closep) eddy_stream *stream = NULL;
    eddy_server *server;
    char port[8];
    int r = eddy_start_server(answer, NULL, "127.0.0.1", "0", NULL, &server), closed;

    (void)arg;
    if (r < 0)
        return r;
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    r = eddy_open_connection("some.name", port, NULL, &stream);
    if (r == 0)
        r = ask(stream);
    stream = eddy_stream_close(stream);

    /* A failed accept is tried again for ever: the client was told, the server need not end. */
    eddy_server_cancel_clients(server);
    closed = eddy_server_close(server);
    return r < 0 ? r : closed;
}

static int resolve_here(const char *host, const char *port, const struct addrinfo *hints,
                        struct addrinfo **out) {
    (void)host;
    return getaddrinfo("127.0.0.1", port, hints, out);
}

static void drop_log(eddy_log_level level, const char *text, void *arg) {
    (void)level, (void)text, (void)arg;
}

static void prepare(void) {
    data = malloc(MUCH);
    for (size_t i = 0; i < MUCH; i++)
        data[i] = (char)(i * 31 + i / 509);
    eddy__resolver = resolve_here;
    eddy_set_log(drop_log, NULL);
}

/* --- every allocation ------------------------------------------------------------------------- */

static _Atomic long allocations, failing; /* the number of the one that fails; 0: none */

static bool fails_now(void) {
    return ++allocations == failing;
}

static void *allocate(size_t size) {
    return fails_now() ? NULL : malloc(size);
}

static void *resize(void *memory, size_t size) {
    return fails_now() ? NULL : realloc(memory, size);
}

/* A client whose server could not take it waits for ever without this. */
static int converse_for_a_while(void *arg) {
    return eddy_with_timeout(1.0, converse, arg);
}

TEST(a_conversation_survives_the_failure_of_any_allocation) {
    int r = -1, failures = 0, before;

    ASSERT_OK(eddy_set_allocator(&(eddy_allocator){.allocate = allocate, .resize = resize, free}));
    before = count_descriptors();
    prepare();
    do {
        allocations = 0;
        failing++;
        r = eddy_run(converse_for_a_while, NULL);
        failures += r < 0;
        assert_descriptors(before);
    } while (r < 0 || allocations >= failing); /* a busy machine may need more than a while */
    ASSERT(failures > 10);
    free(data);
}

/* --- every suspension ------------------------------------------------------------------------- */

struct turns {
    int until_cancel;
    bool was_cancelled;
};

/* Cancels the conversation after so many turns of the loop. */
static int converse_until(void *arg) {
    struct turns *turns = arg;
    eddy_task *task = eddy_create_task(converse, NULL);

    for (int i = 0; i < turns->until_cancel && !eddy_is_done(task); i++)
        eddy_sleep(1e-9);
    turns->was_cancelled = eddy_cancel(task);
    return eddy_await(task);
}

TEST(a_conversation_may_be_cancelled_at_any_moment) {
    struct turns turns = {0};
    int r, before = count_descriptors();

    prepare();
    do {
        r = eddy_run(converse_until, &turns);
        ASSERT(r == 0 || r == -ECANCELED);
        assert_descriptors(before);
        turns.until_cancel++;
    } while (turns.was_cancelled);
    ASSERT_OK(r);
    free(data);
}
