/* SPDX-License-Identifier: MIT
 * eddy_tls.c - an echo server over TLS, as a program would write it.
 *
 * EDDY_BACKEND says which poller drives it.
 * usage: eddy_tls [FILE with certificate and key]. Beside it: limit_tls_epoll.c. */
#include <eddy/tls.h>
#include <math.h>
#include <string.h>

#include "bench.h"
#include "echo.h"
#include "tls_certificate.h"

static int echo(eddy_stream *stream, void *context) {
    eddy_slice data;
    ssize_t r = eddy_start_tls(stream, context, NULL);

    while (r >= 0 && (r = eddy_stream_read_some(stream, &data)) > 0) {
        int w = eddy_stream_write(stream, data.data, data.size);
        if (w < 0)
            return w;
    }
    return 0; /* a client that goes without a word is none of its concerns */
}

static int bench_main(void *pem) {
    eddy_tls_options options = {.is_server = true, .certificate = {pem, strlen(pem)}};
    eddy_tls_context *context;
    eddy_server *server;

    bench_require(eddy_tls_context_new(&options, &context), "the certificate");
    bench_require(eddy_start_server(echo, context, "127.0.0.1", "0",
                                    &(eddy_server_options){.backlog = 4096}, &server),
                  "listen");
    echo_announce(eddy_server_port(server));
    eddy_sleep(INFINITY);
    eddy_server_cancel_clients(server);
    return eddy_server_close(server);
}

int main(int argc, char *argv[]) {
    echo_raise_descriptor_limit();
    return eddy_main(bench_main, tls_certificate(argc > 1 ? argv[1] : NULL));
}
