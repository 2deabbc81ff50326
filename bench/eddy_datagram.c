/* SPDX-License-Identifier: MIT
 * eddy_datagram.c - two tasks that talk: by endpoints, by batches, by the calls on descriptors.
 *
 * Beside it: limit_datagram.c. */
#include <eddy.h>
#include <stdio.h>
#include <unistd.h>

#include "bench.h"

#define ROUND_TRIPS 2000
#define BATCHES     200
#define BATCH       32
#define BYTES       64

static eddy_datagram_endpoint *server, *client;

static void open_endpoints(void) {
    char port[8];

    bench_require(
        eddy_create_datagram_endpoint(&(eddy_datagram_options){.local_host = "127.0.0.1"}, &server),
        "server");
    snprintf(port, sizeof(port), "%d", eddy_address_port(eddy_datagram_local(server)));
    bench_require(
        eddy_create_datagram_endpoint(
            &(eddy_datagram_options){.remote_host = "127.0.0.1", .remote_port = port}, &client),
        "client");
}

static void close_endpoints(void) {
    eddy_datagram_close(client);
    eddy_datagram_close(server);
}

static int echo_datagrams(void *arg) {
    char bytes[BYTES];
    eddy_address from;

    for (int i = 0; i < ROUND_TRIPS; i++) {
        bench_require((int)eddy_datagram_receive(server, bytes, sizeof(bytes), &from), "receive");
        bench_require(eddy_datagram_send_to(server, bytes, sizeof(bytes), &from), "send_to");
    }
    (void)arg;
    return 0;
}

static double datagrams(void *unused) {
    char bytes[BYTES] = "";
    eddy_address from;
    int64_t start;

    (void)unused;
    open_endpoints();
    eddy_task *task = eddy_create_task(echo_datagrams, NULL);
    start = bench_now_ns();
    for (int i = 0; i < ROUND_TRIPS; i++) {
        bench_require(eddy_datagram_send(client, bytes, sizeof(bytes)), "send");
        bench_require((int)eddy_datagram_receive(client, bytes, sizeof(bytes), &from), "receive");
    }
    double result = (double)(bench_now_ns() - start) / ROUND_TRIPS;
    bench_require(eddy_await(task), "echo");
    close_endpoints();
    return result;
}

static double batches(void *unused) {
    static char bytes[BATCH][BYTES];
    eddy_datagram out[BATCH] = {0}, in[BATCH] = {0};
    int64_t start;

    (void)unused;
    open_endpoints();
    for (int i = 0; i < BATCH; i++) {
        out[i] = (eddy_datagram){.data = bytes[i], .size = BYTES};
        in[i] = (eddy_datagram){.data = bytes[i], .room = BYTES};
    }
    start = bench_now_ns();
    for (int n = 0; n < BATCHES; n++) {
        bench_require(eddy_datagram_send_many(client, out, BATCH), "send_many");
        for (int had = 0; had < BATCH;) {
            int r = eddy_datagram_receive_many(server, in, BATCH - had);
            bench_require(r, "receive_many");
            had += r;
        }
    }
    double result = (double)(bench_now_ns() - start) / (BATCHES * BATCH);
    close_endpoints();
    return result;
}

static int echo_bytes(void *arg) {
    char bytes[BYTES];

    for (int i = 0; i < ROUND_TRIPS; i++) {
        bench_require((int)eddy_recv(*(int *)arg, bytes, sizeof(bytes), 0), "eddy_recv");
        bench_require((int)eddy_send(*(int *)arg, bytes, sizeof(bytes), 0), "eddy_send");
    }
    return 0;
}

static double bytes_to_and_fro(void *unused) {
    char bytes[BYTES] = "";
    int ends[2];
    int64_t start;

    (void)unused;
    bench_require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), "socketpair");
    eddy_task *task = eddy_create_task(echo_bytes, &ends[0]);
    start = bench_now_ns();
    for (int i = 0; i < ROUND_TRIPS; i++) {
        bench_require((int)eddy_send(ends[1], bytes, sizeof(bytes), 0), "eddy_send");
        bench_require((int)eddy_recv(ends[1], bytes, sizeof(bytes), 0), "eddy_recv");
    }
    double result = (double)(bench_now_ns() - start) / ROUND_TRIPS;
    bench_require(eddy_await(task), "echo");
    close(ends[0]);
    close(ends[1]);
    return result;
}

static int bench_main(void *arg) {
    (void)arg;
    bench_report("datagram-echo", bench_run_passes(datagrams, NULL), "ns");
    bench_report("datagram-batch", bench_run_passes(batches, NULL), "ns");
    bench_report("descriptor-echo", bench_run_passes(bytes_to_and_fro, NULL), "ns");
    return 0;
}

int main(void) {
    return eddy_main(bench_main, NULL);
}
