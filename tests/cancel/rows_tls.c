/* SPDX-License-Identifier: MIT
 * rows_tls.c - starting TLS, and the calls of streams with TLS below them, against a server that
 * waits for its cue. */
#include <stdio.h>

#include "../proto/tls/tls.h"
#include "row.h"

enum { MUCH = 8 << 20 }; /* more than the kernel takes at once */

/* Of the row whose turn it is. */
static eddy_tls_context *server_context, *client_context;

static int serve(eddy_stream *stream, struct scene *scene, bool is_tls_first) {
    int r = is_tls_first ? eddy_start_tls(stream, server_context, NULL) : 0;

    if (r == 0)
        r = eddy_event_wait(&scene->event);
    if (r == 0 && !is_tls_first)
        r = eddy_start_tls(stream, server_context, NULL);
    if (r == 0)
        r = eddy_stream_write(stream, "abc\n", 4);
    while (r >= 0 && (r = (int)eddy_stream_read_some(stream, &(eddy_slice){0})) > 0)
        continue;
    return 0;
}

static int serve_late(eddy_stream *stream, void *scene) {
    return serve(stream, scene, false);
}

static int serve_tls(eddy_stream *stream, void *scene) {
    return serve(stream, scene, true);
}

static void give_cue(struct scene *scene) {
    eddy_event_set(&scene->event);
}

/* --- life ------------------------------------------------------------------------------------- */

static void open_plain(struct scene *scene, eddy_connection_fn *fn) {
    char port[8];

    server_context = tls_server("good");
    client_context = tls_client();
    ASSERT_OK(eddy_start_server(fn, scene, "127.0.0.1", "0", NULL, &scene->server));
    snprintf(port, sizeof(port), "%d", eddy_server_port(scene->server));
    ASSERT_OK(eddy_open_connection("127.0.0.1", port,
                                   &(eddy_connect_options){.high_water_bytes = 1}, &scene->stream));
}

static void open_late(struct scene *scene) {
    open_plain(scene, serve_late);
}

static int starts_tls(struct scene *scene) {
    return eddy_start_tls(scene->stream, client_context,
                          &(eddy_start_tls_options){.server_hostname = "localhost"});
}

static void open_tls(struct scene *scene) {
    open_plain(scene, serve_tls);
    ASSERT_OK(starts_tls(scene));
}

static void open_full(struct scene *scene) {
    char *much = calloc(1, MUCH);

    open_tls(scene);
    ASSERT_OK(eddy_stream_write(scene->stream, much, MUCH));
    free(much);
}

static void close_all_of_it(struct scene *scene) {
    scene->stream = eddy_stream_abort(scene->stream);
    if (eddy_running_loop())
        eddy_server_cancel_clients(scene->server);
    eddy_server_close(scene->server);
    server_context = eddy_tls_context_unref(server_context);
    client_context = eddy_tls_context_unref(client_context);
}

/* --- calls ------------------------------------------------------------------------------------ */

static int reads(struct scene *scene) {
    ssize_t r = eddy_stream_read(scene->stream, scene->lent, sizeof(scene->lent));

    if (r < 0)
        return (int)r;
    ASSERT_INT_EQ(r, 4);
    ASSERT_MEM_EQ(scene->lent, "abc\n", 4);
    return 0;
}

static int reads_line(struct scene *scene) {
    eddy_slice slice = {0};
    ssize_t r = eddy_stream_read_line(scene->stream, &slice);

    if (r < 0) {
        ASSERT_NULL(slice.data);
        return (int)r;
    }
    ASSERT_SLICE_EQ(slice, "abc\n");
    return 0;
}

static int writes(struct scene *scene) {
    return eddy_stream_write(scene->stream, "x", 1);
}

static int flushes(struct scene *scene) {
    return eddy_stream_flush(scene->stream);
}

static int writes_eof(struct scene *scene) {
    return eddy_stream_write_eof(scene->stream);
}

const struct row tls_rows[] = {
    {"eddy_start_tls", starts_tls, give_cue, open_late, close_all_of_it, TAKES | THREAD},
    {"eddy_stream_read", reads, give_cue, open_tls, close_all_of_it, LATCHES | RACES | THREAD},
    {"eddy_stream_read_line", reads_line, give_cue, open_tls, close_all_of_it,
     LATCHES | RACES | THREAD},
    {"eddy_stream_write", writes, give_cue, open_full, close_all_of_it, LATCHES | RACES | THREAD},
    {"eddy_stream_flush", flushes, give_cue, open_full, close_all_of_it, LATCHES | RACES | THREAD},
    {"eddy_stream_write_eof", writes_eof, give_cue, open_full, close_all_of_it,
     LATCHES | RACES | THREAD},
    {NULL},
};
