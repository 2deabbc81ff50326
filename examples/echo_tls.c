/* SPDX-License-Identifier: MIT
 * echo_tls.c - an echo server over TLS: echo_tls FILE [PORT], by default 7443; 0: any
 *
 * FILE has its certificate and the key, as this makes them for an afternoon:
 *     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
 *         -addext subjectAltName=DNS:localhost -keyout key.pem -out certificate.pem
 *     cat certificate.pem key.pem > both.pem
 * and then: openssl s_client -connect localhost:7443 -CAfile certificate.pem */
#include <eddy/tls.h>
#include <stdio.h>

static int echo(eddy_stream *stream, void *arg) {
    eddy_slice line;
    ssize_t n;

    (void)arg;
    while ((n = eddy_stream_read_line(stream, &line)) > 0) {
        int r = eddy_stream_write(stream, line.data, line.size);
        if (r < 0)
            return r;
    }
    return (int)n;
}

static int serve(eddy_tls_context *context, const char *port) {
    eddy_server *server;
    int r = eddy_start_server(echo, NULL, "127.0.0.1", port, &(eddy_server_options){.tls = context},
                              &server);
    if (r < 0)
        return r;

    printf("listening on 127.0.0.1:%d\n", eddy_server_port(server));
    fflush(stdout);
    r = eddy_server_serve_forever(server); /* until it is cancelled */
    return r == -ECANCELED ? 0 : r;
}

static int async_main(void *arg) {
    char **argv = arg;
    eddy_tls_context *context;
    int r = eddy_tls_context_new(
        &(eddy_tls_options){.is_server = true, .certificate_file = argv[1]}, &context);
    if (r < 0)
        return r;

    r = serve(context, argv[2] ? argv[2] : "7443");
    eddy_tls_context_unref(context);
    return r;
}

int main(int argc, char *argv[]) {
    if (argc < 2) {
        fprintf(stderr, "usage: echo_tls FILE [PORT]\n");
        return 2;
    }
    return eddy_main(async_main, argv); /* Ctrl-C ends it */
}
