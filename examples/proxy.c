/* SPDX-License-Identifier: MIT
 * proxy.c - an HTTP proxy: proxy [--port 3128] [--connections 1000]
 *
 *     curl --proxy http://127.0.0.1:3128 http://example.org/ https://example.org/
 *
 * https asks for a tunnel (CONNECT), http names the whole URL; either way, once the other side is
 * there, bytes go in both directions until each has ended: the end of one direction is passed on
 * while the other still talks. What a client can cost is bounded: its header, its time to send
 * it, the time to connect, the number of clients. Listens on this machine only. */
#define _POSIX_C_SOURCE 200809L
#include <eddy.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    LINE_BYTES_MAX = 8 << 10,
    HEAD_BYTES_MAX = 16 << 10,
    HEAD_SECONDS = 10,
    CONNECT_SECONDS = 15
};

struct proxy {
    const char *port;
    int connections_max;
};

struct request {
    char method[16], host[256], port[8], path[LINE_BYTES_MAX];
    bool is_tunnel;
};

struct traffic {
    eddy_stream *from, *to;
    unsigned long long bytes;
};

/* --- the request --- */

/* Takes "host:port", "[::1]:port", or a host alone. */
static int parse_authority(struct request *request, const char *text, size_t size,
                           const char *default_port) {
    const char *end = text + size, *colon;
    size_t host_size = strcspn(text, ":/");

    if (size > 0 && *text == '[') { /* an IPv6 address has colons of its own */
        text++;
        host_size = strcspn(text, "]");
        colon = text + host_size + 1;
    } else {
        colon = text + host_size;
    }
    if (host_size == 0 || host_size >= sizeof request->host || colon > end)
        return eddy_raise(EDDY_EPROTOCOL, "no host in the request");
    snprintf(request->host, sizeof request->host, "%.*s", (int)host_size, text);
    snprintf(request->port, sizeof request->port, "%.*s", (int)(end - colon), colon);
    if (request->port[0] == ':')
        memmove(request->port, request->port + 1, strlen(request->port));
    else
        snprintf(request->port, sizeof request->port, "%s", default_port);
    return 0;
}

/* "CONNECT host:port HTTP/1.1" or "GET http://host:port/path HTTP/1.1". */
static int parse_first_line(struct request *request, eddy_slice line) {
    char text[LINE_BYTES_MAX + 1], target[LINE_BYTES_MAX];
    size_t authority_size;

    snprintf(text, sizeof text, "%.*s", (int)line.size, line.data);
    if (sscanf(text, "%15s %8191s HTTP/1.", request->method, target) != 2)
        return eddy_raise(EDDY_EPROTOCOL, "not a request");
    request->is_tunnel = strcmp(request->method, "CONNECT") == 0;
    if (request->is_tunnel)
        return parse_authority(request, target, strlen(target), "443");

    if (strncasecmp(target, "http://", 7) != 0)
        return eddy_raise(EDDY_EPROTOCOL, "a proxy is asked for whole URLs");
    authority_size = strcspn(target + 7, "/?");
    snprintf(request->path, sizeof request->path, "%s%s",
             target[7 + authority_size] == '/' ? "" : "/", target + 7 + authority_size);
    return parse_authority(request, target + 7, authority_size, "80");
}

/* Of one hop only: not for the next. */
static bool is_for_us(eddy_slice line) {
    static const char *const names[] = {"proxy-", "connection:", "keep-alive:"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (line.size > strlen(names[i]) && strncasecmp(line.data, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* Reads the request's head; its lines for the next hop go to head[]. Suspends. Returns their size,
 * or a negative code. */
static ssize_t read_head(eddy_stream *client, struct request *request, char *head) {
    eddy_slice line;
    size_t size = 0;
    ssize_t n = eddy_stream_read_line(client, &line);
    if (n == 0)
        return eddy_raise(EDDY_EINCOMPLETE, "the client has gone");
    int r = n < 0 ? (int)n : parse_first_line(request, line);
    if (r < 0)
        return r;

    if (!request->is_tunnel)
        size = snprintf(head, HEAD_BYTES_MAX, "%s %s HTTP/1.1\r\nConnection: close\r\n",
                        request->method, request->path);
    for (;;) {
        n = eddy_stream_read_line(client, &line);
        if (n <= 0)
            return n < 0 ? n : eddy_raise(EDDY_EINCOMPLETE, "the client has gone");
        if (size + line.size > HEAD_BYTES_MAX)
            return eddy_raise(EDDY_ELIMIT, "more than %d bytes of header", HEAD_BYTES_MAX);
        if (request->is_tunnel || !is_for_us(line)) {
            memcpy(head + size, line.data, line.size);
            size += line.size;
        }
        if (line.data[0] == '\r' || line.data[0] == '\n')
            return request->is_tunnel ? 0 : (ssize_t)size;
    }
}

/* --- both directions --- */

static int pump(void *arg) {
    struct traffic *traffic = arg;
    eddy_slice bytes;
    ssize_t n;
    while ((n = eddy_stream_read_some(traffic->from, &bytes)) > 0) {
        int r = eddy_stream_write(traffic->to, bytes.data, bytes.size);
        if (r < 0)
            return r;
        traffic->bytes += n;
    }
    return n < 0 ? (int)n : eddy_stream_write_eof(traffic->to);
}

/* What was sent already counts as well. Suspends until both have ended; a failure of one ends the
 * other. */
static int relay(eddy_stream *client, eddy_stream *server, const struct request *request,
                 size_t sent) {
    struct traffic there = {client, server, sent}, back = {server, client, 0};
    eddy_task_group *group = eddy_task_group_new();
    eddy_task_group_create_task(group, pump, &there);
    eddy_task_group_create_task(group, pump, &back);
    int r = eddy_task_group_wait(group);
    printf("%s %s:%s %llu bytes there, %llu back%s%s\n", request->method, request->host,
           request->port, there.bytes, back.bytes, r < 0 ? ": " : "",
           r < 0 ? eddy_last_error()->message : "");
    fflush(stdout);
    return r;
}

/* --- a client --- */

static int refuse(eddy_stream *client, const char *status, int error) {
    char answer[1024];
    const eddy_error *why = eddy_last_error();
    if (error == -ECANCELED || error == EDDY_EINCOMPLETE)
        return error;
    int n = snprintf(answer, sizeof answer,
                     "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n%.500s\n",
                     status, why ? why->message : eddy_error_text(error));
    return eddy_stream_write(client, answer, n);
}

static int connect_to(const struct request *request, eddy_stream **server) {
    eddy_timeout patience;
    eddy_timeout_begin(&patience, CONNECT_SECONDS);
    return eddy_timeout_end(&patience,
                            eddy_open_connection(request->host, request->port, NULL, server));
}

static int serve_client(eddy_stream *client, void *arg) {
    static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    char head[HEAD_BYTES_MAX];
    struct request request = {0};
    eddy_stream *server;
    eddy_timeout patience;
    (void)arg;

    eddy_timeout_begin(&patience, HEAD_SECONDS);
    ssize_t size = eddy_timeout_end(&patience, (int)read_head(client, &request, head));
    if (size < 0)
        return refuse(client,
                      size == -ETIMEDOUT    ? "408 Request Timeout"
                      : size == EDDY_ELIMIT ? "431 Request Header Fields Too Large"
                                            : "400 Bad Request",
                      (int)size);

    int r = connect_to(&request, &server);
    if (r < 0)
        return refuse(client, r == -ETIMEDOUT ? "504 Gateway Timeout" : "502 Bad Gateway", r);
    r = request.is_tunnel ? eddy_stream_write(client, established, sizeof established - 1)
                          : eddy_stream_write(server, head, size);
    if (r >= 0)
        r = relay(client, server, &request, size);
    eddy_stream_close(server);
    if (r < 0)
        eddy_stream_abort(client); /* what it got was not all: it is told by a reset */
    return r == -ECANCELED ? r : 0;
}

/* --- the server --- */

static int serve(void *arg) {
    struct proxy *proxy = arg;
    eddy_server_options options = {.connections_max = proxy->connections_max,
                                   .limit_bytes = LINE_BYTES_MAX,
                                   .grace_seconds = 2};
    eddy_server *server;
    int r = eddy_start_server(serve_client, NULL, "127.0.0.1", proxy->port, &options, &server);
    if (r < 0)
        return r;
    printf("listening on 127.0.0.1:%d\n", eddy_server_port(server));
    fflush(stdout);
    return eddy_server_serve_forever(server);
}

static bool take_options(struct proxy *proxy, char *argv[]) {
    for (char **option = argv + 1; *option; option += 2) {
        if (option[1] && strcmp(*option, "--port") == 0)
            proxy->port = option[1];
        else if (!option[1] || strcmp(*option, "--connections") != 0 ||
                 sscanf(option[1], "%d", &proxy->connections_max) != 1)
            return false;
    }
    return proxy->connections_max > 0;
}

int main(int argc, char *argv[]) {
    struct proxy proxy = {.port = "3128", .connections_max = 1000};
    (void)argc;
    if (take_options(&proxy, argv))
        return eddy_main(serve, &proxy);

    fprintf(stderr, "usage: %s [--port PORT (0: any)] [--connections MOST]\n", argv[0]);
    return 2;
}
