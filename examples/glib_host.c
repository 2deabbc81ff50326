/* SPDX-License-Identifier: MIT
 * glib_host.c - eddy inside a GLib main loop: tasks, sockets and GLib's own time-outs in one
 * thread.
 *
 * A source of GLib's stands for the loop: it polls eddy_loop_fd(), and when that is readable runs
 * one turn. Anything that polls descriptors (Qt, SDL, a game's frame) can host a loop in this way.
 */
#include <eddy.h>
#include <glib.h>
#include <stdio.h>

/* --- the loop as a source of GLib --- */

struct loop_source {
    GSource source; /* first: GLib allocates it */
    eddy_loop *loop;
    gpointer fd_tag;
};

/* Until when GLib may wait: rounded up, or it would ask again and again in the last millisecond.
 * Callbacks that are ready, timers and posts make the descriptor readable, too. */
static gboolean loop_prepare(GSource *source, gint *timeout_ms) {
    double seconds = eddy_loop_timeout(((struct loop_source *)source)->loop);
    *timeout_ms = seconds < 1e6 ? (gint)(seconds * 1000 + 0.999) : -1;
    return seconds <= 0;
}

static gboolean loop_check(GSource *source) {
    struct loop_source *mine = (struct loop_source *)source;
    return g_source_query_unix_fd(source, mine->fd_tag) || eddy_loop_timeout(mine->loop) <= 0;
}

static gboolean loop_dispatch(GSource *source, GSourceFunc callback, gpointer data) {
    (void)callback;
    (void)data;
    eddy_loop_run_once(((struct loop_source *)source)->loop, 0);
    return G_SOURCE_CONTINUE;
}

static GSource *loop_source_new(eddy_loop *loop) {
    static GSourceFuncs functions = {
        .prepare = loop_prepare, .check = loop_check, .dispatch = loop_dispatch};
    GSource *source = g_source_new(&functions, sizeof(struct loop_source));
    struct loop_source *mine = (struct loop_source *)source;

    mine->loop = loop;
    mine->fd_tag = g_source_add_unix_fd(source, eddy_loop_fd(loop), G_IO_IN);
    return source;
}

/* --- what runs in it --- */

static int echo(eddy_stream *stream, void *arg) {
    eddy_slice line;
    (void)arg;
    while (eddy_stream_read_line(stream, &line) > 0)
        if (eddy_stream_write(stream, line.data, line.size) < 0)
            break;
    return 0;
}

/* A callback of GLib's wakes a task: it is the same thread. */
static gboolean ring(gpointer event) {
    puts("glib: ring");
    eddy_event_set(event);
    return G_SOURCE_REMOVE;
}

static int wait_for_ring(void) {
    eddy_event event;
    eddy_event_init(&event);
    guint timeout = g_timeout_add(20, ring, &event);
    int r = eddy_event_wait(&event);
    if (r < 0)
        g_source_remove(timeout); /* cancelled: it would ring in a dead frame */
    return r;
}

static int talk(eddy_stream *stream) {
    for (int i = 1; i <= 3; i++) {
        eddy_slice answer;
        char line[16];
        int r = wait_for_ring();
        if (r >= 0)
            r = eddy_stream_write(stream, line,
                                  (size_t)snprintf(line, sizeof(line), "line %d\n", i));
        if (r >= 0)
            r = (int)eddy_stream_read_line(stream, &answer);
        if (r >= 0) {
            printf("task: %.*s", (int)answer.size, answer.data);
            r = eddy_sleep(0.1);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

static int client(void *arg) {
    eddy_server *server;
    eddy_stream *stream;
    char port[8];
    (void)arg;

    int r = eddy_start_server(echo, NULL, "127.0.0.1", "0", NULL, &server);
    if (r < 0)
        return r;
    snprintf(port, sizeof(port), "%d", eddy_server_port(server));
    r = eddy_open_connection("127.0.0.1", port, NULL, &stream);
    if (r >= 0) {
        r = talk(stream);
        eddy_stream_close(stream);
    }
    eddy_server_close(server);
    return r;
}

static gboolean tick(gpointer ticks) {
    ++*(int *)ticks;
    return G_SOURCE_CONTINUE;
}

/* Runs on eddy's loop, inside GLib's. */
static void client_ended(eddy_future *future, void *main_loop) {
    if (eddy_future_result(future, NULL) < 0)
        eddy_error_print(eddy_last_error(), stderr);
    puts("task: done");
    g_main_loop_quit(main_loop);
}

int main(void) {
    GMainLoop *main_loop = g_main_loop_new(NULL, FALSE);
    int ticks = 0;
    eddy_loop *loop;
    if (eddy_loop_new(NULL, &loop) < 0)
        return 1;

    GSource *source = loop_source_new(loop);
    g_source_attach(source, NULL);
    eddy_task *task = eddy_create_task_with(&(eddy_task_options){.loop = loop}, client, NULL);
    eddy_future_add_done_callback(task, client_ended, main_loop);
    g_timeout_add(10, tick, &ticks);
    g_main_loop_run(main_loop);
    puts(ticks >= 3 ? "glib: ticked while the task slept" : "glib: did not tick");

    eddy_unref(task);
    g_source_destroy(source); /* before the loop, whose descriptor it polls */
    g_source_unref(source);
    eddy_loop_close(loop);
    g_main_loop_unref(main_loop);
    return 0;
}
