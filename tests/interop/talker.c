/* SPDX-License-Identifier: MIT
 * talker.c - eddy as the peer of other programs.
 *
 * usage: talker serve WHERE   echoes lines, and says what it listens on; "WHERE http": answers
 *                             requests with a greeting; "fds": on sockets that it was given
 *        talker ask WHERE     sends its standard input, ends its half, writes what comes back
 * WHERE is HOST:PORT, a path or @NAME. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <eddy.h>

static bool is_path(const char *where) {
    return where[0] == '/' || where[0] == '@';
}

/* HOST:PORT, cut in two. */
static const char *cut_port(char *where) {
    char *colon = strrchr(where, ':');

    if (!colon)
        return "";
    *colon = '\0';
    return colon + 1;
}

/* --- serving ---------------------------------------------------------------------------------- */

static int echo(eddy_stream *stream, void *arg) {
    eddy_slice line;
    ssize_t n;
    int r = 0;

    (void)arg;
    while (r == 0 && (n = eddy_stream_read_line(stream, &line)) != 0)
        r = n < 0 ? (int)n : eddy_stream_write(stream, line.data, line.size);
    return r;
}

static int greet(eddy_stream *stream, void *arg) {
    static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Length: 16\r\n\r\nhello from eddy\n";
    eddy_slice head;
    ssize_t n = eddy_stream_read_until(stream, "\r\n\r\n", &head);

    (void)arg;
    return n < 0 ? (int)n : eddy_stream_write(stream, answer, sizeof(answer) - 1);
}

static int start(char *where, eddy_connection_fn *fn, eddy_server **server) {
    int fds[8];

    if (strcmp(where, "fds") == 0)
        return eddy_start_server_on(fn, NULL, fds, eddy_inherited_sockets(fds, 8), NULL, server);
    if (is_path(where))
        return eddy_start_unix_server(fn, NULL, where, NULL, server);
    const char *port = cut_port(where);
    return eddy_start_server(fn, NULL, where, port, NULL, server);
}

static int serve(void *arg) {
    char **words = arg;
    eddy_server *server;
    int r = start(words[0], words[1] ? greet : echo, &server);

    if (r < 0)
        return r;
    for (int i = 0; eddy_server_address(server, i); i++)
        puts(eddy_server_address(server, i));
    fflush(stdout);
    return eddy_server_serve_forever(server);
}

/* --- asking ----------------------------------------------------------------------------------- */

static int converse(eddy_stream *stream, const char *question, size_t size) {
    eddy_slice bytes;
    ssize_t n;
    int r = eddy_stream_write(stream, question, size);

    if (r == 0)
        r = eddy_stream_write_eof(stream);
    if (r < 0)
        return r;
    while ((n = eddy_stream_read_some(stream, &bytes)) > 0)
        fwrite(bytes.data, 1, bytes.size, stdout);
    return (int)n;
}

static int ask(void *arg) {
    static char question[1 << 20];
    size_t size = fread(question, 1, sizeof(question), stdin);
    char *where = *(char **)arg;
    eddy_stream *stream;
    int r;

    if (is_path(where)) {
        r = eddy_open_unix_connection(where, NULL, &stream);
    } else {
        const char *port = cut_port(where);
        r = eddy_open_connection(where, port, NULL, &stream);
    }
    if (r < 0)
        return r;
    r = converse(stream, question, size);
    eddy_stream_close(stream);
    return r;
}

int main(int argc, char *argv[]) {
    if (argc < 3)
        return 2;
    return eddy_main(strcmp(argv[1], "serve") == 0 ? serve : ask, argv + 2);
}
