/* SPDX-License-Identifier: MIT
 * tls.c - contexts, servers, a man in the middle, programs (see tls.h). */
#include "tls.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- contexts --------------------------------------------------------------------------------- */

const char *tls_file(const char *name) {
    static _Thread_local char paths[8][512];
    static _Thread_local unsigned used;
    const char *folder = getenv("TLS_FOLDER");
    char *path = paths[used++ % 8];

    if (!folder)
        TEST_FAIL("TLS_FOLDER is not set: run it by tests/support/tls/with_certificates.py");
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

eddy_tls_context *tls_server_with(const char *name, eddy_tls_options options) {
    eddy_tls_context *context;
    char certificate[64], key[64];

    snprintf(certificate, sizeof(certificate), "%s.pem", name);
    snprintf(key, sizeof(key), "%s.key", name);
    options.is_server = true;
    options.certificate_file = tls_file(certificate);
    options.key_file = tls_file(key);
    ASSERT_OK(eddy_tls_context_new(&options, &context));
    return context;
}

eddy_tls_context *tls_server(const char *name) {
    return tls_server_with(name, (eddy_tls_options){.insecure_weak_keys = !strcmp(name, "weak")});
}

eddy_tls_context *tls_client_with(eddy_tls_options options) {
    eddy_tls_context *context;

    options.ca_file = tls_file("ca.pem");
    ASSERT_OK(eddy_tls_context_new(&options, &context));
    return context;
}

eddy_tls_context *tls_client(void) {
    return tls_client_with((eddy_tls_options){0});
}

/* --- servers ---------------------------------------------------------------------------------- */

int tls_echo(eddy_stream *stream, void *arg) {
    eddy_slice slice;
    ssize_t n;

    (void)arg;
    while ((n = eddy_stream_read_some(stream, &slice)) > 0) {
        int r = eddy_stream_write(stream, slice.data, slice.size);
        if (r < 0)
            return r;
    }
    return (int)n;
}

static int host_serve(eddy_stream *stream, void *arg) {
    struct tls_host *host = arg;

    host->result = eddy_start_tls(stream, host->context, NULL);
    if (host->result < 0)
        snprintf(host->text, sizeof(host->text), "%s", eddy_last_error()->message);
    host->count++;
    if (host->result == 0)
        (void)(host->fn ? host->fn : tls_echo)(stream, host->arg);
    return 0;
}

void tls_host_start(struct tls_host *host) {
    ASSERT_OK(eddy_start_server(host_serve, host, "127.0.0.1", "0", NULL, &host->server));
    snprintf(host->port, sizeof(host->port), "%d", eddy_server_port(host->server));
}

void tls_host_stop(struct tls_host *host) {
    eddy_server_cancel_clients(host->server);
    ASSERT_OK(eddy_server_close(host->server));
}

int tls_connect(const char *port, eddy_tls_context *context, const char *name, eddy_stream **out) {
    eddy_stream *stream;
    int r = eddy_open_connection("127.0.0.1", port, NULL, &stream);

    ASSERT_OK(r);
    r = eddy_start_tls(stream, context, &(eddy_start_tls_options){.server_hostname = name});
    if (r == 0)
        *out = stream;
    else
        eddy_stream_close(stream);
    return r;
}

void tls_assert_echo(eddy_stream *stream, const char *line) {
    eddy_slice slice;

    ASSERT_OK(eddy_stream_write(stream, line, strlen(line)));
    ASSERT_OK(eddy_stream_read_line(stream, &slice));
    ASSERT_SLICE_EQ(slice, line);
}

static int pair_hold(eddy_stream *stream, void *arg) {
    struct tls_pair *pair = arg;

    pair->server = stream;
    return eddy_event_wait(&pair->event);
}

void tls_pair_open(struct tls_pair *pair, eddy_tls_context *server, eddy_tls_context *client) {
    *pair = (struct tls_pair){.host = {.context = server, .fn = pair_hold, .arg = pair}};
    tls_host_start(&pair->host);
    ASSERT_OK(tls_connect(pair->host.port, client, "localhost", &pair->client));
    while (!pair->server)
        settle();
}

void tls_pair_open_plain(struct tls_pair *pair) {
    CLEANUP(context_unrefp) eddy_tls_context *server = tls_server("good");
    CLEANUP(context_unrefp) eddy_tls_context *client = tls_client();

    tls_pair_open(pair, server, client);
}

/* The server's stream is closed by its task's end. */
void tls_pair_close(struct tls_pair *pair) {
    pair->client = eddy_stream_close(pair->client);
    eddy_event_set(&pair->event);
    ASSERT_OK(eddy_server_close(pair->host.server));
}

int tls_try(eddy_tls_context *server, eddy_tls_context *client, const char *name,
            struct tls_host *out) {
    struct tls_host host = {.context = server};
    eddy_stream *stream = NULL;
    char text[512] = "";
    int r;

    tls_host_start(&host);
    r = tls_connect(host.port, client, name, &stream);
    if (r < 0)
        snprintf(text, sizeof(text), "%s", eddy_last_error()->message);
    for (int i = 0; i < 1000 && host.count == 0; i++)
        eddy_sleep(0.001);
    eddy_stream_close(stream);
    tls_host_stop(&host);
    if (out)
        *out = host;
    return r < 0 ? eddy_raise(r, "%s", text) : r;
}

/* --- a man in the middle ---------------------------------------------------------------------- */

struct pump {
    struct tls_relay *relay;
    eddy_stream *from, *to;
    bool is_answer; /* what the server says */
};

/* How much of `size` may pass; 0: the connection is cut. */
static size_t pump_allowed(const struct pump *pump, size_t size) {
    const struct tls_relay *relay = pump->relay;

    if (!pump->is_answer || relay->cut_after == 0)
        return size;
    return MIN(size, (size_t)(relay->cut_after - relay->passed));
}

static int pump_piece(struct pump *pump, const char *data, size_t size) {
    size_t allowed = pump_allowed(pump, size);
    int r = allowed > 0 ? eddy_stream_write(pump->to, data, allowed) : 0;

    if (r == 0 && pump->is_answer)
        pump->relay->passed += (long)allowed;
    if (r == 0 && (allowed < size || (pump->is_answer && pump->relay->cut_after &&
                                      pump->relay->passed == pump->relay->cut_after)))
        return -EPIPE;
    return r == 0 ? eddy_stream_flush(pump->to) : r;
}

static int pump_run(void *arg) {
    struct pump *pump = arg;
    size_t piece = pump->relay->piece ? pump->relay->piece : 16384;
    char buffer[16384];
    ssize_t n;

    while ((n = eddy_stream_read(pump->from, buffer, piece)) > 0) {
        int r = pump_piece(pump, buffer, (size_t)n);
        if (r < 0)
            return r;
    }
    return n < 0 ? (int)n : eddy_stream_write_eof(pump->to);
}

static int relay_serve(eddy_stream *client, void *arg) {
    struct tls_relay *relay = arg;
    eddy_stream *server;
    eddy_task_group *pumps;
    int r;

    ASSERT_OK(eddy_open_connection("127.0.0.1", relay->port, NULL, &server));
    struct pump there = {relay, client, server, false}, back = {relay, server, client, true};
    pumps = eddy_task_group_new();
    eddy_task_group_create_task(pumps, pump_run, &there);
    eddy_task_group_create_task(pumps, pump_run, &back);
    r = eddy_task_group_wait(pumps);
    if (r < 0 && relay->resets)
        eddy_stream_abort(client);
    eddy_stream_close(server);
    return 0;
}

void tls_relay_start(struct tls_relay *relay) {
    ASSERT_OK(eddy_start_server(relay_serve, relay, "127.0.0.1", "0", NULL, &relay->server));
    snprintf(relay->own_port, sizeof(relay->own_port), "%d", eddy_server_port(relay->server));
}

void tls_relay_stop(struct tls_relay *relay) {
    eddy_server_cancel_clients(relay->server);
    ASSERT_OK(eddy_server_close(relay->server));
}

/* --- programs --------------------------------------------------------------------------------- */

void tool_start(struct tool *tool, const char *const *arguments) {
    int in[2], out[2];

    tool->said_size = 0;
    ASSERT_INT_EQ(pipe2(in, O_CLOEXEC), 0);
    ASSERT_INT_EQ(pipe2(out, O_CLOEXEC), 0);
    tool->pid = fork();
    ASSERT(tool->pid >= 0);
    if (tool->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(out[1], 2);
        execvp(arguments[0], (char *const *)arguments);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    tool->in = in[1];
    tool->out = out[0];
    fcntl(tool->out, F_SETFL, O_NONBLOCK);
}

void peer_start(struct tool *tool, const char *part, const char *a, const char *b, const char *c) {
    tool_start(tool, (const char *const[]){"python3", TLS_PEER, part, a, b, c, NULL});
}

/* False: it has ended what it says. */
static bool tool_listen(struct tool *tool) {
    size_t room = sizeof(tool->said) - 1 - tool->said_size;
    ssize_t n = read(tool->out, tool->said + tool->said_size, room);

    if (n > 0)
        tool->said_size += (size_t)n;
    tool->said[tool->said_size] = '\0';
    return n != 0;
}

void tool_await(struct tool *tool, const char *text) {
    for (;;) {
        bool goes_on = tool_listen(tool);

        if (strstr(tool->said, text))
            return;
        if (!goes_on)
            TEST_FAIL("the program has not said \"%s\", but: %s", text, tool->said);
        eddy_sleep(0.005);
    }
}

void tool_say(struct tool *tool, const char *text) {
    ASSERT_INT_EQ(write(tool->in, text, strlen(text)), (ssize_t)strlen(text));
}

void tool_end_input(struct tool *tool) {
    plain_close(&tool->in);
}

int tool_wait(struct tool *tool) {
    int status;

    tool_end_input(tool);
    while (tool_listen(tool))
        eddy_sleep(0.005);
    ASSERT_INT_EQ(waitpid(tool->pid, &status, 0), tool->pid);
    plain_close(&tool->out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void tool_kill(struct tool *tool) {
    kill(tool->pid, SIGKILL);
    tool_wait(tool);
}
