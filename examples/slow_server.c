/* SPDX-License-Identifier: MIT
 * slow_server.c - an HTTP server whose every page takes a second: slow_server --port 8080
 *
 * A task for each client, in straight lines: read a request, send the page in ten pieces spread
 * over its time, and again until the client has had enough. What a client sends is bounded: the
 * stream bounds a line, HEADERS_MAX their number, IDLE_SECONDS its patience. Ctrl-C or SIGTERM lets
 * the pages that are under way go out, for GRACE pages' time at most. */
#define _POSIX_C_SOURCE 200809L
#include <eddy.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PIECES = 10, PIECE_BYTES = 2000, HEADERS_MAX = 100, IDLE_SECONDS = 30, GRACE = 2 };

struct site {
    const char *port;
    double seconds;       /* that a page takes */
    long begun, finished; /* pages so far */
};

struct request {
    char method[8], path[256];
    bool keep_alive;
};

/* --- one request --- */

static bool line_says(eddy_slice line, const char *name, const char *value) {
    size_t name_size = strlen(name), value_size = strlen(value);
    if (line.size < name_size || strncasecmp(line.data, name, name_size) != 0)
        return false;

    for (size_t i = name_size; i + value_size <= line.size; i++)
        if (strncasecmp(line.data + i, value, value_size) == 0)
            return true;
    return false;
}

/* Reads up to the empty line. Suspends. Returns 1, 0 if the client has gone, or a negative code. */
static int read_request(eddy_stream *stream, struct request *request) {
    eddy_slice line;
    ssize_t n = eddy_stream_read_line(stream, &line);
    if (n <= 0)
        return (int)n;

    char first[300], version;
    snprintf(first, sizeof first, "%.*s", (int)line.size, line.data);
    if (sscanf(first, "%7s %255s HTTP/1.%c", request->method, request->path, &version) != 3)
        return eddy_raise(EDDY_EPROTOCOL, "not a request");
    request->keep_alive = version == '1';

    for (int i = 0; i < HEADERS_MAX; i++) {
        n = eddy_stream_read_line(stream, &line);
        if (n <= 0)
            return (int)n;
        if (line.data[0] == '\r' || line.data[0] == '\n')
            return 1;
        if (line_says(line, "connection:", "close"))
            request->keep_alive = false;
    }
    return eddy_raise(EDDY_ELIMIT, "more than %d headers", HEADERS_MAX);
}

/* --- its answer --- */

static int send_head(eddy_stream *stream, const char *status, size_t size, bool keep_alive) {
    char head[256];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %s\r\nContent-Type: text/html\r\nContent-Length: %zu\r\n"
                     "Connection: %s\r\n\r\n",
                     status, size, keep_alive ? "keep-alive" : "close");
    return eddy_stream_write(stream, head, n);
}

/* When a piece is due, as a share of the page's time: some pages begin fast and end slowly, others
 * the other way round. bend: -1 to 1. */
static double due(int piece, double bend) {
    double share = (double)piece / PIECES;
    return share + bend * share * (1 - share);
}

/* Suspends for the page's time. */
static int send_page(eddy_stream *stream, struct site *site, const struct request *request) {
    int r = send_head(stream, "200 OK", PIECES * PIECE_BYTES, request->keep_alive);
    if (r < 0 || strcmp(request->method, "HEAD") == 0)
        return r;

    double start = eddy_time(), bend = site->begun++ * 37 % 100 / 50.0 - 1;
    for (int i = 1; i <= PIECES; i++) {
        r = eddy_sleep(start + site->seconds * due(i, bend) - eddy_time());
        if (r < 0)
            return r;

        char piece[PIECE_BYTES + 1];
        int used = snprintf(piece, sizeof piece, "<p>Piece %d of %d", i, PIECES);
        snprintf(piece + used, sizeof piece - used, "%*s\n", PIECE_BYTES - used - 1, "");
        r = eddy_stream_write(stream, piece, PIECE_BYTES);
        if (r < 0)
            return r;
    }
    site->finished++;
    return 0;
}

/* --- its clients --- */

static int refuse(eddy_stream *stream, int error) {
    const char *status = error == EDDY_EPROTOCOL ? "400 Bad Request"
                         : error == EDDY_ELIMIT  ? "431 Request Header Fields Too Large"
                                                 : NULL;
    if (status)
        return send_head(stream, status, 0, false);
    return error == -ETIMEDOUT ? 0 : error; /* an idle client is no failure of ours */
}

/* Suspends. Returns 1 to go on, 0 at the end, or a negative code. */
static int serve_one(eddy_stream *stream, struct site *site) {
    struct request request;
    int r = read_request(stream, &request);
    if (r <= 0)
        return r;

    if (strcmp(request.method, "GET") != 0 && strcmp(request.method, "HEAD") != 0)
        return send_head(stream, "405 Method Not Allowed", 0, false);
    r = send_page(stream, site, &request);
    return r < 0 ? r : request.keep_alive;
}

static int serve(eddy_stream *stream, void *arg) {
    struct site *site = arg;
    int r;
    do {
        eddy_timeout patience; /* with who sends slowly, and who reads slowly */
        eddy_timeout_begin(&patience, IDLE_SECONDS + site->seconds);
        r = eddy_timeout_end(&patience, serve_one(stream, site));
    } while (r > 0);
    return refuse(stream, r);
}

/* --- the server --- */

static void on_sigterm(void *arg) {
    eddy_cancel(arg); /* as Ctrl-C does */
}

/* What clean-up must wait for goes into a shield; the time-out begun inside it still works. */
static void close_gracefully(eddy_server *server, double seconds) {
    eddy_shield_scope shield;
    eddy_timeout grace;
    eddy_shield_begin(&shield);
    eddy_timeout_begin(&grace, seconds);
    eddy_timeout_end(&grace, eddy_server_close(server));
    eddy_shield_end(&shield);
}

static int run(void *arg) {
    struct site *site = arg;
    eddy_server *server;
    int r = eddy_start_server(serve, site, "127.0.0.1", site->port, NULL, &server);
    if (r < 0)
        return r;

    printf("listening on http://127.0.0.1:%d/\n", eddy_server_port(server));
    fflush(stdout);

    r = eddy_add_signal_handler(eddy_running_loop(), SIGTERM, on_sigterm, eddy_current_task());
    if (r >= 0)
        eddy_sleep(INFINITY); /* until it is cancelled */

    close_gracefully(server, GRACE * site->seconds);
    printf("stopped after %ld pages\n", site->finished);
    return r;
}

static bool take_options(struct site *site, char *argv[]) {
    for (char **option = argv + 1; *option; option += 2) {
        const char *value = option[1];
        if (value && strcmp(*option, "--port") == 0)
            site->port = value;
        else if (!value || strcmp(*option, "--seconds") != 0 ||
                 sscanf(value, "%lf", &site->seconds) != 1)
            return false;
    }
    return site->seconds >= 0;
}

int main(int argc, char *argv[]) {
    (void)argc;
    struct site site = {.port = "8080", .seconds = 1.0};
    if (take_options(&site, argv))
        return eddy_main(run, &site);

    fprintf(stderr, "usage: %s [--port PORT (0: any)] [--seconds SECONDS]\n", argv[0]);
    return 2;
}
