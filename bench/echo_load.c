/* SPDX-License-Identifier: MIT
 * echo_load.c - the load of the echo rows: so many connections, each with one message on its way.
 *
 * A closed loop: a connection sends its next message when the last has come back whole. The ring
 * carries all sends and receives of a batch into the kernel in one call, because a loader that is
 * slower than the server measures itself. What the server used of its processor is read from its
 * CPU clock, at the same two moments between which requests are counted.
 * usage: echo_load PORT CONNECTIONS BYTES MILLISECONDS PID-OF-THE-SERVER */
#include "echo.h"

#include <errno.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "bench.h"

#define SUBMIT_MAX     4096
#define WARM_UP_SHARE  4 /* of the time measured, before it */
#define NS_PER_MS      INT64_C(1000000)
#define STEPS_PER_TWO  64 /* steps of the histogram between a latency and its double */
#define HISTOGRAM_SIZE (58 * STEPS_PER_TWO)

struct connection {
    int fd;
    int64_t sent_ns;
    char *answer;
};

static struct io_uring ring;
static struct connection *connections;
static unsigned connection_count;
static size_t message_bytes;
static char *message;
static int64_t histogram[HISTOGRAM_SIZE];
static int64_t requests;
static bool is_counting, is_ending;

/* --- latency --- */

static int step_of(uint64_t ns) {
    if (ns < STEPS_PER_TWO)
        return (int)ns;
    int exponent = 63 - __builtin_clzll(ns);
    return (exponent - 5) * STEPS_PER_TWO + (int)(ns >> (exponent - 6)) % STEPS_PER_TWO;
}

/* The middle of a step. */
static double step_ns(int step) {
    int exponent = step / STEPS_PER_TWO + 5;

    if (step < STEPS_PER_TWO)
        return step;
    return (double)(UINT64_C(1) << (exponent - 6)) * (STEPS_PER_TWO + step % STEPS_PER_TWO + 0.5);
}

static double percentile_ns(double share) {
    int64_t rank = (int64_t)((double)requests * share), seen = 0;

    for (int step = 0; step < HISTOGRAM_SIZE; step++) {
        seen += histogram[step];
        if (seen > rank)
            return step_ns(step);
    }
    return 0;
}

/* --- traffic --- */

static struct io_uring_sqe *next_entry(void) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&ring);

    if (!entry) {
        bench_require(io_uring_submit(&ring), "submit");
        entry = io_uring_get_sqe(&ring);
    }
    return entry;
}

/* The message goes out, and the whole answer is awaited: one completion. */
static void send_message(unsigned index, int64_t now_ns) {
    struct connection *connection = &connections[index];

    struct io_uring_sqe *out = next_entry();
    io_uring_prep_send(out, connection->fd, message, message_bytes, MSG_WAITALL | MSG_NOSIGNAL);
    out->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(out, index);

    struct io_uring_sqe *in = next_entry();
    io_uring_prep_recv(in, connection->fd, connection->answer, message_bytes, MSG_WAITALL);
    in->ioprio |= IORING_RECVSEND_POLL_FIRST; /* it cannot be there yet: 4 % more requests */
    io_uring_sqe_set_data64(in, index);
    connection->sent_ns = now_ns;
}

static void answer_arrived(const struct io_uring_cqe *completion, int64_t now_ns) {
    unsigned index = (unsigned)completion->user_data;

    bench_require(completion->res, "the connection");
    if ((size_t)completion->res != message_bytes)
        bench_require(-ECONNRESET, "the server ended the connection");
    if (is_counting) {
        histogram[step_of((uint64_t)(now_ns - connections[index].sent_ns))]++;
        requests++;
    }
    if (!is_ending)
        send_message(index, now_ns);
}

/* Returns how many answers came. */
static unsigned turn(void) {
    struct io_uring_cqe *completion;
    unsigned head, count = 0;

    bench_require(io_uring_submit_and_wait(&ring, 1), "wait");
    int64_t now_ns = bench_now_ns();
    io_uring_for_each_cqe(&ring, head, completion) {
        answer_arrived(completion, now_ns);
        count++;
    }
    io_uring_cq_advance(&ring, count);
    return count;
}

static void run_until(int64_t end_ns) {
    while (bench_now_ns() < end_ns)
        turn();
}

/* Waits for the last answer of each, and looks whether it is what was sent. */
static void finish(void) {
    unsigned left = connection_count;

    is_ending = true;
    while (left > 0)
        left -= turn();
    for (unsigned i = 0; i < connection_count; i++)
        bench_require(memcmp(connections[i].answer, message, message_bytes) ? -EBADMSG : 0,
                      "what came back is not what was sent");
}

/* --- setting up --- */

static void ring_open(void) {
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
        .cq_entries = 4 * SUBMIT_MAX,
    };

    bench_require(io_uring_queue_init_params(SUBMIT_MAX, &ring, &parameters), "io_uring");
    io_uring_register_ring_fd(&ring);
}

static void connections_open(long port) {
    connections = calloc(connection_count, sizeof(*connections));
    message = malloc(message_bytes);
    bench_require(connections && message ? 0 : -ENOMEM, "connections");
    for (size_t i = 0; i < message_bytes; i++)
        message[i] = (char)('a' + i % 26);

    for (unsigned i = 0; i < connection_count; i++) {
        connections[i].answer = calloc(1, message_bytes);
        bench_require(connections[i].answer ? 0 : -ENOMEM, "connections");
        connections[i].fd = echo_connect(port);
    }
}

static int64_t clock_ns(clockid_t clock) {
    struct timespec time;

    bench_require(clock_gettime(clock, &time) < 0 ? -errno : 0, "the server's CPU clock");
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void report(int64_t wall_ns, int64_t server_ns, int64_t load_ns) {
    double count = requests ? (double)requests : 1;
    char row[64];

    snprintf(row, sizeof(row), "echo-%zux%u", message_bytes, connection_count);
    printf("{\"row\": \"%s\", \"value\": %.1f, \"unit\": \"1/s\", \"server_busy\": %.3f, "
           "\"load_busy\": %.3f}\n",
           row, (double)requests * 1e9 / (double)wall_ns, (double)server_ns / (double)wall_ns,
           (double)load_ns / (double)wall_ns);

    snprintf(row, sizeof(row), "echo-%zux%u-cpu", message_bytes, connection_count);
    bench_report(row, (double)server_ns / count, "ns");
    snprintf(row, sizeof(row), "echo-%zux%u-p50", message_bytes, connection_count);
    bench_report(row, percentile_ns(0.5), "ns");
    snprintf(row, sizeof(row), "echo-%zux%u-p99", message_bytes, connection_count);
    bench_report(row, percentile_ns(0.99), "ns");
    snprintf(row, sizeof(row), "echo-%zux%u-p999", message_bytes, connection_count);
    bench_report(row, percentile_ns(0.999), "ns");
}

int main(int argc, char *argv[]) {
    clockid_t server_clock;
    long port = bench_count(argc, argv, 1, 0);
    connection_count = (unsigned)bench_count(argc, argv, 2, 50);
    message_bytes = (size_t)bench_count(argc, argv, 3, 64);
    int64_t measured_ns = bench_count(argc, argv, 4, 1000) * NS_PER_MS;
    pid_t server = (pid_t)bench_count(argc, argv, 5, 0);

    bench_require(-clock_getcpuclockid(server, &server_clock), "the server's CPU clock");
    echo_raise_descriptor_limit();
    connections_open(port);
    ring_open();
    for (unsigned i = 0; i < connection_count; i++)
        send_message(i, bench_now_ns());
    run_until(bench_now_ns() + measured_ns / WARM_UP_SHARE);

    int64_t start_ns = bench_now_ns(), server_start_ns = clock_ns(server_clock);
    int64_t load_start_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    is_counting = true;
    run_until(start_ns + measured_ns);
    is_counting = false;
    int64_t end_ns = bench_now_ns(), server_end_ns = clock_ns(server_clock);
    int64_t load_end_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

    finish();
    report(end_ns - start_ns, server_end_ns - server_start_ns, load_end_ns - load_start_ns);
    return 0;
}
