/* SPDX-License-Identifier: MIT
 * test_happy_eyeballs.c - several addresses side by side: who wins, when the next begins, and what
 * is left of the others. */
#include <fcntl.h>
#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "name.h"
#include "net.h"

/* --- what the look-up answers ----------------------------------------------------------------- */

enum { ANSWERS_MAX = 6 };

static struct {
    const char *host;
    char port[8];
} answers[ANSWERS_MAX];
static int answers_count;

static void answer(const char *host, const char *port) {
    answers[answers_count].host = host;
    snprintf(answers[answers_count++].port, sizeof(answers->port), "%s", port);
}

static int resolve_answers(const char *host, const char *port, const struct addrinfo *hints,
                           struct addrinfo **out) {
    struct addrinfo numbers = *hints, **last = out;

    (void)host, (void)port;
    numbers.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    for (int i = 0; i < answers_count; i++) {
        ASSERT_INT_EQ(getaddrinfo(answers[i].host, answers[i].port, &numbers, last), 0);
        last = &(*last)->ai_next;
    }
    return 0;
}

/* From here on "some.name" has these addresses. */
static void answer_with(void) {
    eddy__resolver = resolve_answers;
}

static void unused_port(const char *host, char port[8]) {
    struct plain_listener listener;

    plain_listen_on(&listener, host, 1);
    strcpy(port, listener.port);
    plain_close(&listener.fd);
}

static int connect_with(const eddy_connect_options *options, eddy_stream **out) {
    return eddy_open_connection("some.name", "1", options, out);
}

/* --- the order -------------------------------------------------------------------------------- */

/* The ports of loopback that were tried, in order: nobody listens on these. Of equal failures the
 * last is the error, and those before it stand beside it. */
static const char *ports_tried(const eddy_connect_options *options) {
    static char text[80];
    const eddy_error *error;
    eddy_stream *stream;
    size_t length = 0;

    ASSERT_CODE(-ECONNREFUSED, connect_with(options, &stream));
    error = eddy_last_error();
    for (int i = 0; i <= error->others_count; i++) {
        const eddy_error *one = i < error->others_count ? error->others[i] : error;
        const char *port = strrchr(one->message, ')') - 1;
        ASSERT_CODE(-ECONNREFUSED, one->code);
        length += (size_t)snprintf(text + length, sizeof(text) - length, i ? " %c" : "%c", *port);
    }
    return text;
}

TASK_TEST(the_families_take_turns) {
    if (!has_ipv6())
        return 0;
    answer("::1", "1");
    answer("::1", "2");
    answer("::1", "3");
    answer("127.0.0.1", "4");
    answer("127.0.0.1", "5");
    answer_with();
    ASSERT_STR_EQ(ports_tried(NULL), "1 4 2 5 3");
    ASSERT_STR_EQ(ports_tried(&(eddy_connect_options){.interleave = 2}), "1 2 4 3 5");
    ASSERT_STR_EQ(ports_tried(&(eddy_connect_options){.interleave = 9}), "1 2 3 4 5");
    ASSERT_STR_EQ(ports_tried(&(eddy_connect_options){.interleave = -1}), "1 2 3 4 5");
    return 0;
}

TASK_TEST(the_first_ones_family_leads_whichever_it_is) {
    if (!has_ipv6())
        return 0;
    answer("127.0.0.1", "1");
    answer("127.0.0.1", "2");
    answer("::1", "3");
    answer_with();
    ASSERT_STR_EQ(ports_tried(NULL), "1 3 2");
    return 0;
}

TASK_TEST(one_family_can_be_asked_for) {
    eddy_connect_options v4 = {.family = AF_INET}, v6 = {.family = AF_INET6};
    struct plain_listener listener;
    eddy_stream *stream;

    plain_listen(&listener, 1);
    ASSERT_OK(eddy_open_connection("127.0.0.1", listener.port, &v4, &stream));
    eddy_stream_close(stream);
    ASSERT_CODE(EDDY_ENAME, eddy_open_connection("127.0.0.1", listener.port, &v6, &stream));
    plain_close(&listener.fd);
    return 0;
}

/* --- the delay -------------------------------------------------------------------------------- */

/* Connects, virtually, and says how long it took. */
static double seconds_to_connect(const eddy_connect_options *options, const char *port) {
    double begin = eddy_time();
    eddy_stream *stream;

    ASSERT_OK(connect_with(options, &stream));
    ASSERT_STR_CONTAINS(eddy_stream_peer(stream), port);
    eddy_stream_close(stream);
    return eddy_time() - begin;
}

VIRTUAL_TEST(a_silent_address_has_a_quarter_of_a_second_until_the_next_is_tried) {
    struct plain_listener listener;
    struct black_hole hole;

    black_hole_open(&hole, "127.0.0.1");
    plain_listen(&listener, 10);
    answer("127.0.0.1", hole.listener.port);
    answer("127.0.0.1", listener.port);
    answer_with();
    ASSERT(fabs(seconds_to_connect(NULL, listener.port) - 0.25) < 1e-6);
    ASSERT(fabs(seconds_to_connect(&(eddy_connect_options){.happy_eyeballs_seconds = 3},
                                   listener.port) -
                3) < 1e-6);
    black_hole_close(&hole);
    plain_close(&listener.fd);
    return 0;
}

VIRTUAL_TEST(a_silent_ipv6_does_not_keep_from_ipv4) {
    struct plain_listener listener;
    struct black_hole hole;

    if (!has_ipv6())
        return 0;
    black_hole_open(&hole, "::1");
    plain_listen(&listener, 10);
    answer("::1", hole.listener.port);
    answer("127.0.0.1", listener.port);
    answer_with();
    ASSERT(fabs(seconds_to_connect(NULL, listener.port) - 0.25) < 1e-6);
    black_hole_close(&hole);
    plain_close(&listener.fd);
    return 0;
}

VIRTUAL_TEST(a_silent_ipv4_does_not_keep_from_ipv6) {
    struct plain_listener listener;
    struct black_hole hole;

    if (!has_ipv6())
        return 0;
    black_hole_open(&hole, "127.0.0.1");
    plain_listen_on(&listener, "::1", 10);
    answer("127.0.0.1", hole.listener.port);
    answer("::1", listener.port);
    answer_with();
    ASSERT(fabs(seconds_to_connect(NULL, listener.port) - 0.25) < 1e-6);
    black_hole_close(&hole);
    plain_close(&listener.fd);
    return 0;
}

VIRTUAL_TEST(each_silent_address_costs_one_delay) {
    struct black_hole holes[3];
    struct plain_listener listener;

    plain_listen(&listener, 10);
    for (int i = 0; i < 3; i++) {
        black_hole_open(&holes[i], "127.0.0.1");
        answer("127.0.0.1", holes[i].listener.port);
    }
    answer("127.0.0.1", listener.port);
    answer_with();
    ASSERT(fabs(seconds_to_connect(NULL, listener.port) - 0.75) < 1e-6);
    for (int i = 0; i < 3; i++)
        black_hole_close(&holes[i]);
    plain_close(&listener.fd);
    return 0;
}

/* In real time: it would be an hour. */
TASK_TEST(a_failure_makes_the_next_begin_at_once) {
    struct plain_listener listener;

    plain_listen(&listener, 10);
    for (int i = 0; i < 3; i++) {
        char port[8];
        unused_port("127.0.0.1", port);
        answer("127.0.0.1", port);
    }
    answer("127.0.0.1", listener.port);
    answer_with();
    ASSERT(seconds_to_connect(&(eddy_connect_options){.happy_eyeballs_seconds = 3600},
                              listener.port) < 10);
    plain_close(&listener.fd);
    return 0;
}

static int connect_one_by_one(void *unused) {
    eddy_stream *stream;

    (void)unused;
    return connect_with(&(eddy_connect_options){.happy_eyeballs_seconds = INFINITY}, &stream);
}

VIRTUAL_TEST(without_a_delay_an_address_has_all_the_time) {
    struct plain_listener listener;
    struct black_hole hole;

    black_hole_open(&hole, "127.0.0.1");
    plain_listen(&listener, 10);
    answer("127.0.0.1", hole.listener.port);
    answer("127.0.0.1", listener.port);
    answer_with();
    ASSERT_CODE(-ETIMEDOUT, eddy_with_timeout(1000, connect_one_by_one, NULL));
    fcntl(listener.fd, F_SETFL, O_NONBLOCK);
    ASSERT_INT_EQ(accept(listener.fd, NULL, NULL), -1); /* nobody came */
    ASSERT_INT_EQ(errno, EAGAIN);
    black_hole_close(&hole);
    plain_close(&listener.fd);
    return 0;
}

/* --- what is left of the others --------------------------------------------------------------- */

/* Nearly at the same moment. Only one of them is ours; the others were closed or never came. */
TASK_TEST(when_all_succeed_one_is_kept) {
    enum { LISTENERS = 4 };
    const eddy_connect_options options = {.happy_eyeballs_seconds = 1e-9};
    struct plain_listener listeners[LISTENERS];
    int before = count_descriptors();
    eddy_stream *stream;

    for (int i = 0; i < LISTENERS; i++) {
        plain_listen(&listeners[i], 10);
        answer("127.0.0.1", listeners[i].port);
    }
    answer_with();
    for (int i = 0; i < 20; i++) {
        ASSERT_OK(connect_with(&options, &stream));
        ASSERT_INT_EQ(count_descriptors(), before + LISTENERS + 1);
        eddy_stream_close(stream);
        ASSERT_INT_EQ(count_descriptors(), before + LISTENERS);
    }
    for (int i = 0; i < LISTENERS; i++)
        plain_close(&listeners[i].fd);
    return 0;
}

TASK_TEST(when_all_fail_each_cause_can_be_read) {
    eddy_stream *stream;
    const eddy_error *error;
    char ports[2][8], expected[120];

    for (int i = 0; i < 2; i++) {
        unused_port("127.0.0.1", ports[i]);
        answer("127.0.0.1", ports[i]);
    }
    answer("255.255.255.255", "9"); /* ENETUNREACH, for TCP */
    answer_with();
    ASSERT_CODE(-ECONNREFUSED, connect_with(NULL, &stream));
    error = eddy_last_error();
    snprintf(expected, sizeof(expected),
             "cannot connect to some.name:1 (127.0.0.1:%s): Connection refused", ports[1]);
    ASSERT_STR_EQ(error->message, expected);
    ASSERT_INT_EQ(error->others_count, 2);
    ASSERT_STR_CONTAINS(error->others[0]->message, ports[0]);
    ASSERT_CODE(-ENETUNREACH, error->others[1]->code);
    ASSERT_STR_EQ(error->others[1]->message,
                  "cannot connect to some.name:1 (255.255.255.255:9): Network is unreachable");
    return 0;
}

/* --- giving up -------------------------------------------------------------------------------- */

static struct black_hole holes[2];
static int begun;

static int connect_to_holes(void *unused) {
    eddy_stream *stream;

    (void)unused;
    begun++;
    return connect_with(&(eddy_connect_options){.happy_eyeballs_seconds = 0.001}, &stream);
}

static void answer_with_holes(void) {
    for (int i = 0; i < 2; i++) {
        black_hole_open(&holes[i], "127.0.0.1");
        answer("127.0.0.1", holes[i].listener.port);
    }
    answer_with();
}

static void close_holes(void) {
    for (int i = 0; i < 2; i++)
        black_hole_close(&holes[i]);
}

TASK_TEST(a_cancel_ends_every_attempt) {
    eddy_task *task;
    int before;

    answer_with_holes();
    before = count_descriptors();
    task = eddy_create_task(connect_to_holes, NULL);
    while (count_descriptors() < before + 2)
        ASSERT_OK(eddy_sleep(0.001));
    eddy_cancel_with(task, "enough of it");
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(eddy_last_error()->message, "enough of it");
    ASSERT_INT_EQ(count_descriptors(), before);
    close_holes();
    return 0;
}

static void drop_log(eddy_log_level level, const char *text, void *arg) {
    (void)level, (void)text, (void)arg;
}

TEST(a_loop_may_be_closed_over_several_attempts) {
    int before = count_descriptors(), without;
    eddy_loop *loop;

    answer_with_holes();
    eddy_set_log(drop_log, NULL); /* it tells of a task that had not ended */
    ASSERT_OK(eddy_loop_new(NULL, &loop));
    eddy_detach(eddy_create_task_with(&(eddy_task_options){.loop = loop}, connect_to_holes, NULL));
    without = count_descriptors();
    for (int i = 0; i < 1000 && count_descriptors() < without + 2; i++)
        ASSERT_OK(eddy_loop_run_once(loop, 0.005));
    ASSERT_INT_EQ(begun, 1);
    ASSERT_INT_EQ(eddy_all_tasks(loop, NULL, 0), 1);
    ASSERT_NULL(eddy_loop_close(loop));
    close_holes();
    assert_descriptors(before);
}

/* The second address finds no descriptor; the first may still answer, and nobody ends it. */
TASK_TEST(out_of_descriptors_an_attempt_under_way_goes_on) {
    struct rlimit limit, few;
    eddy_task *task;
    int before;

    answer_with_holes();
    before = count_descriptors();
    getrlimit(RLIMIT_NOFILE, &limit);
    task = eddy_create_task(connect_to_holes, NULL);
    while (count_descriptors() == before)
        ASSERT_OK(eddy_yield());
    few = (struct rlimit){(rlim_t)next_descriptor(), limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    ASSERT_OK(eddy_sleep(0.05));
    setrlimit(RLIMIT_NOFILE, &limit);
    ASSERT(!eddy_is_done(task));
    eddy_cancel(task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_INT_EQ(count_descriptors(), before);
    close_holes();
    return 0;
}
