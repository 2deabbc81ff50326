/* SPDX-License-Identifier: MIT
 * tls.h - what the tests of TLS share: contexts out of the certificates of with_certificates.py,
 * servers and pairs of streams, a man in the middle, and programs that run beside the loop. */
#ifndef TEST_TLS_H
#define TEST_TLS_H

#include <eddy/tls.h>

#include "../../io/net.h"

static inline void context_unrefp(eddy_tls_context **context) {
    eddy_tls_context_unref(*context);
}

/* --- contexts --------------------------------------------------------------------------------- */

/* The path of a certificate's file; text of a few calls ago is overwritten. */
const char *tls_file(const char *name);

/* A server with this certificate ("good": good.pem and good.key); with more options. */
eddy_tls_context *tls_server(const char *name);
eddy_tls_context *tls_server_with(const char *name, eddy_tls_options options);

/* A client that trusts our authority; with more options. */
eddy_tls_context *tls_client(void);
eddy_tls_context *tls_client_with(eddy_tls_options options);

/* --- servers ---------------------------------------------------------------------------------- */

/* A server of TLS on 127.0.0.1, for which start_tls() is called in each client's task. */
struct tls_host {
    eddy_tls_context *context; /* borrowed */
    eddy_connection_fn *fn;    /* NULL: echoes */
    void *arg;
    eddy_server *server;
    char port[8];
    int result;     /* of the last hand-shake */
    char text[512]; /* and its sentence, if it has failed */
    int count;      /* of hand-shakes that were over */
};
void tls_host_start(struct tls_host *host);
void tls_host_stop(struct tls_host *host);

eddy_connection_fn tls_echo;

/* Connects to 127.0.0.1:port and starts TLS; `name` is whom it expects there. */
int tls_connect(const char *port, eddy_tls_context *context, const char *name, eddy_stream **out);

/* Writes a line and reads the same back. */
void tls_assert_echo(eddy_stream *stream, const char *line);

/* Both ends of one connection. */
struct tls_pair {
    eddy_stream *client, *server;
    struct tls_host host;
    eddy_event event;
    int result;
};
void tls_pair_open(struct tls_pair *pair, eddy_tls_context *server, eddy_tls_context *client);
void tls_pair_close(struct tls_pair *pair);
/* Contexts of their own: "good", and a client that trusts it. */
void tls_pair_open_plain(struct tls_pair *pair);

/* The server with `server`, the client with `client`: what the client's hand-shake says. The
 * server's, with its sentence, in *out if that is not NULL. */
int tls_try(eddy_tls_context *server, eddy_tls_context *client, const char *name,
            struct tls_host *out);

/* --- a man in the middle ---------------------------------------------------------------------- */

/* Passes bytes on between its clients and a port, a few at a time, and cuts. */
struct tls_relay {
    const char *port; /* of the server */
    size_t piece;     /* so many bytes at a time; 0: as they come */
    long cut_after;   /* of what the server says; 0: never */
    bool resets;      /* the cut is a reset */
    eddy_server *server;
    char own_port[8];
    long passed; /* of what the server has said */
};
void tls_relay_start(struct tls_relay *relay);
void tls_relay_stop(struct tls_relay *relay);

/* --- programs --------------------------------------------------------------------------------- */

/* A program beside the loop; what it says comes out here. Ends with an argument of NULL. */
struct tool {
    int pid;
    int in, out;
    char said[64 << 10];
    size_t said_size;
};
void tool_start(struct tool *tool, const char *const *arguments);

/* Python's ssl, in one of the parts of peer.py. */
void peer_start(struct tool *tool, const char *part, const char *a, const char *b, const char *c);

/* Waits until it has said this; fails the test if it ends before. Suspends. */
void tool_await(struct tool *tool, const char *text);
/* Gives it a line; ends what it hears. */
void tool_say(struct tool *tool, const char *text);
void tool_end_input(struct tool *tool);
/* Waits for its end: its exit status. Suspends. */
int tool_wait(struct tool *tool);
void tool_kill(struct tool *tool);

#endif
