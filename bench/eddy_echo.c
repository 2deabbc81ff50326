/* SPDX-License-Identifier: MIT
 * eddy_echo.c - an echo server, as a program would write it: a task for each connection that reads
 * what is there and writes it back.
 *
 * EDDY_BACKEND says which poller drives it.
 * usage: eddy_echo [STACK-BYTES]. Beside it: limit_echo_uring.c, limit_echo_epoll.c. */
#include <eddy.h>
#include <math.h>

#include "bench.h"
#include "echo.h"

static int echo(eddy_stream *stream, void *arg) {
    eddy_slice data;
    ssize_t r;

    (void)arg;
    while ((r = eddy_stream_read_some(stream, &data)) > 0) {
        int w = eddy_stream_write(stream, data.data, data.size);
        if (w < 0)
            return w;
    }
    return (int)r;
}

static int bench_main(void *arg) {
    eddy_server_options options = {.stack_bytes = *(size_t *)arg, .backlog = 4096};
    eddy_server *server;

    bench_require(eddy_start_server(echo, NULL, "127.0.0.1", "0", &options, &server), "listen");
    echo_announce(eddy_server_port(server));
    eddy_sleep(INFINITY);
    eddy_server_cancel_clients(server);
    return eddy_server_close(server);
}

int main(int argc, char *argv[]) {
    size_t stack_bytes = argc > 1 ? (size_t)bench_count(argc, argv, 1, 0) : 0;

    echo_raise_descriptor_limit();
    return eddy_main(bench_main, &stack_bytes);
}
