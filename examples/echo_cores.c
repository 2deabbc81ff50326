/* SPDX-License-Identifier: MIT
 * echo_cores.c - an echo server on all cores: echo_cores [PORT], by default 7000; 0: any
 *
 * Each thread has a loop of its own and a server on the same port; the kernel spreads the
 * connections. Ctrl-C or SIGTERM stops all of them: nobody new is let in, and who is there has
 * two seconds to finish. */
#include <eddy.h>
#include <stdio.h>

static int echo(eddy_stream *stream, void *arg) {
    (void)arg;
    for (;;) {
        eddy_slice bytes;
        ssize_t n = eddy_stream_read_some(stream, &bytes);
        if (n <= 0)
            return (int)n;
        int r = eddy_stream_write(stream, bytes.data, bytes.size);
        if (r < 0)
            return r;
    }
}

static int serve(void *port) {
    static int shared_port;
    eddy_server_options options = {
        .reuse_port = true, .shared_port = &shared_port, .grace_seconds = 2};
    eddy_server *server;
    int r = eddy_start_server(echo, NULL, "127.0.0.1", port, &options, &server);
    if (r < 0)
        return r;

    if (eddy_thread_index() == 0) {
        printf("listening on 127.0.0.1:%d\n", eddy_server_port(server));
        fflush(stdout);
    }
    r = eddy_server_serve_forever(server); /* until it is cancelled */
    return r == -ECANCELED ? 0 : r;
}

int main(int argc, char *argv[]) {
    eddy_threads_options options = {.sigterm = true};
    int status = eddy_main_threads(serve, argc > 1 ? argv[1] : "7000", &options);

    eddy_loop_statistics total;
    eddy_all_loops_info(&total);
    printf("%llu connections\n", (unsigned long long)total.connections_accepted);
    return status;
}
