/* SPDX-License-Identifier: MIT
 * forward.c - a port forwarder: forward PORT HOST PORT
 *
 * Who connects to our port talks to the other. Each direction is a task of its own; the end of one
 * is passed on while the other goes on, and a failure of either ends both. */
#include <eddy.h>
#include <stdio.h>

static int pump(void *arg) {
    eddy_stream **pair = arg, *from = pair[0], *to = pair[1];
    eddy_slice bytes;
    ssize_t n;
    while ((n = eddy_stream_read_some(from, &bytes)) > 0) {
        int r = eddy_stream_write(to, bytes.data, bytes.size);
        if (r < 0)
            return r;
    }
    return n < 0 ? (int)n : eddy_stream_write_eof(to);
}

static int fail(eddy_stream *client, int r) {
    fprintf(stderr, "%s\n", eddy_last_error()->message);
    eddy_stream_abort(client); /* what it got was not all: it is told by a reset */
    return r == -ECANCELED ? r : 0;
}

static int forward(eddy_stream *client, void *arg) {
    char **target = arg;
    eddy_stream *server;
    int r = eddy_open_connection(target[0], target[1], NULL, &server);
    if (r < 0)
        return fail(client, r);
    eddy_stream *there[] = {client, server}, *back[] = {server, client};
    eddy_task_group *group = eddy_task_group_new();
    eddy_task_group_create_task(group, pump, there);
    eddy_task_group_create_task(group, pump, back);
    r = eddy_task_group_wait(group);
    eddy_stream_close(server);
    return r < 0 ? fail(client, r) : r;
}

static int serve(void *arg) {
    char **argv = arg;
    eddy_server *server;
    int r = eddy_start_server(forward, argv + 2, "127.0.0.1", argv[1], NULL, &server);
    if (r < 0)
        return r;
    printf("127.0.0.1:%d -> %s:%s\n", eddy_server_port(server), argv[2], argv[3]);
    fflush(stdout);
    return eddy_server_serve_forever(server);
}

int main(int argc, char *argv[]) {
    if (argc == 4)
        return eddy_main(serve, argv);
    fprintf(stderr, "usage: %s PORT HOST PORT (0: any port)\n", argv[0]);
    return 2;
}
