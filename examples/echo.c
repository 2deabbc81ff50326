/* SPDX-License-Identifier: MIT
 * echo.c - an echo server: echo [PORT], by default 7000; 0: any
 *
 * A task for each client. What a client sends is read without a copy and written back; write waits
 * while the client reads slower than it sends, so no client can fill our memory. Ctrl-C lets those
 * who are there finish for two seconds. On all cores: echo_cores.c. */
#include <eddy.h>
#include <stdio.h>

static int echo(eddy_stream *stream, void *arg) {
    (void)arg;
    for (;;) {
        eddy_slice bytes;
        ssize_t n = eddy_stream_read_some(stream, &bytes);
        if (n <= 0)
            return (int)n; /* the end, or the client is lost */
        int r = eddy_stream_write(stream, bytes.data, bytes.size);
        if (r < 0)
            return r;
    }
}

static int serve(void *port) {
    eddy_server_options options = {.grace_seconds = 2};
    eddy_server *server;
    int r = eddy_start_server(echo, NULL, "127.0.0.1", port, &options, &server);
    if (r < 0)
        return r;

    printf("listening on 127.0.0.1:%d\n", eddy_server_port(server));
    fflush(stdout);
    return eddy_server_serve_forever(server);
}

int main(int argc, char *argv[]) {
    return eddy_main(serve, argc > 1 ? argv[1] : "7000");
}
