/* SPDX-License-Identifier: MIT
 * scenario_tls.c - a client and a server of TLS talk: much, both ways, and end both halves.
 *
 * OpenSSL's allocations, and those of eddy-tls, are not eddy's: tests/proto/tls/test_starve.c. */
#include <eddy/tls.h>
#include <stdio.h>
#include <stdlib.h>

#include "scenario.h"
#include "test.h"
#include "util.h"

enum { MUCH = 300000 };

static void stream_closep(eddy_stream **stream) {
    eddy_stream_close(*stream);
}

static const char *file(char path[512], const char *name) {
    snprintf(path, 512, "%s/%s", getenv("TLS_FOLDER"), name);
    return path;
}

static int echo(eddy_stream *stream, void *context) {
    eddy_slice slice;
    ssize_t n;
    int r = eddy_start_tls(stream, context, NULL);

    if (r < 0)
        return r;
    while ((n = eddy_stream_read_some(stream, &slice)) > 0) {
        r = eddy_stream_write(stream, slice.data, slice.size);
        if (r < 0)
            return r;
    }
    return n < 0 ? (int)n : eddy_stream_write_eof(stream);
}

static int send_much(void *stream) {
    static char much[MUCH];
    int r = eddy_stream_write(stream, much, MUCH);

    return r < 0 ? r : eddy_stream_write_eof(stream);
}

static int receive_much(void *stream) {
    static char much[MUCH];
    ssize_t n = eddy_stream_read_exactly(stream, much, MUCH);

    return n < 0 ? (int)n : (int)eddy_stream_read(stream, much, 1);
}

static int talk(const char *port, eddy_tls_context *client) {
    eddy_task_group *group;
    CLEANUP(stream_closep) eddy_stream *stream = NULL;
    int r = eddy_open_connection("127.0.0.1", port, NULL, &stream);

    if (r == 0)
        r = eddy_start_tls(stream, client,
                           &(eddy_start_tls_options){.server_hostname = "localhost"});
    if (r < 0)
        return r;
    group = eddy_task_group_new(); /* who fails ends the other */
    eddy_task_group_create_task(group, send_much, stream);
    eddy_task_group_create_task(group, receive_much, stream);
    return eddy_task_group_wait(group);
}

static eddy_tls_context *contexts[2]; /* made once: what can fail in there is no call of eddy's */

static void make_contexts(void) {
    char certificate[512], ca[512];

    ASSERT_OK(eddy_tls_context_new(
        &(eddy_tls_options){.is_server = true, .certificate_file = file(certificate, "both.pem")},
        &contexts[0]));
    ASSERT_OK(
        eddy_tls_context_new(&(eddy_tls_options){.ca_file = file(ca, "ca.pem")}, &contexts[1]));
}

static int serve(void *unused) {
    eddy_server *server;
    char port[8];
    int r = eddy_start_server(echo, contexts[0], "127.0.0.1", "0", NULL, &server);

    (void)unused;
    if (r < 0)
        return r;
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    r = talk(port, contexts[1]);
    eddy_server_cancel_clients(server);
    return first_of(r, eddy_server_close(server));
}

int scenario_tls(void) {
    if (!contexts[0])
        make_contexts();
    return scenario_run(EDDY_CLOCK_MONOTONIC, serve, NULL);
}
