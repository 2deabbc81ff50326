/* SPDX-License-Identifier: MIT
 * talk.c - a server that echoes lines, and clients that talk to it. */
#include "talk.h"

#include <stdio.h>

char port[8];
int served;

int echo(eddy_stream *stream, void *arg) {
    eddy_slice line;
    ssize_t n;

    (void)arg;
    while ((n = eddy_stream_read_line(stream, &line)) > 0) {
        int r = eddy_stream_write(stream, line.data, line.size);
        if (r < 0)
            return r;
    }
    served++;
    return (int)n;
}

int talk(void *arg) {
    long number = (long)arg;
    eddy_stream *stream;
    eddy_slice line;
    char text[32];
    int r = eddy_open_connection("127.0.0.1", port, NULL, &stream);

    if (r < 0)
        return r;
    snprintf(text, sizeof(text), "number %ld\n", number);
    for (int i = 0; i < 3; i++) {
        ASSERT_OK(eddy_stream_write(stream, text, strlen(text)));
        ASSERT_INT_EQ(eddy_stream_read_line(stream, &line), (ssize_t)strlen(text));
        ASSERT_SLICE_EQ(line, text);
    }
    eddy_stream_close(stream);
    return 0;
}

int talk_by_many(int clients) {
    eddy_future *tasks[CLIENTS];

    for (long i = 0; i < clients; i++)
        tasks[i] = eddy_create_task(talk, (void *)i);
    return eddy_gather_array(tasks, clients, NULL);
}

eddy_server *server_with_clients(eddy_connection_fn *fn, eddy_stream *streams[], int count) {
    eddy_server *server = server_start(fn, port);

    for (int i = 0; i < count; i++)
        ASSERT_OK(eddy_open_connection("127.0.0.1", port, NULL, &streams[i]));
    settle();
    ASSERT_INT_EQ(eddy_server_clients(server), count);
    return server;
}

void close_all(eddy_stream *streams[], int count) {
    for (int i = 0; i < count; i++)
        eddy_stream_close(streams[i]);
}

int log_lines;
char log_text[500];

void keep_log(eddy_log_level level, const char *text, void *arg) {
    (void)level, (void)arg;
    log_lines++;
    snprintf(log_text, sizeof(log_text), "%s", text);
}
