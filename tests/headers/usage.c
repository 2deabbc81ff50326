/* SPDX-License-Identifier: MIT
 * usage.c - every macro and inline function of the headers in use, and the sizes that are ABI.
 *
 * Compiled as C11 and as C++17 by alone.sh, never run. */
#include <assert.h>
#include <eddy.h>
#include <eddy/ext/stream.h>
#include <eddy/http.h>

/* What lies on users' stacks and in their records cannot grow. */
static_assert(sizeof(eddy_timeout) == 128, "eddy_timeout is ABI");
static_assert(sizeof(eddy_shield_scope) == 64, "eddy_shield_scope is ABI");
static_assert(sizeof(eddy_lock) == 64, "eddy_lock is ABI");
static_assert(sizeof(eddy_event) == 64, "eddy_event is ABI");
static_assert(sizeof(eddy_condition) == 128, "eddy_condition is ABI");
static_assert(sizeof(eddy_semaphore) == 64, "eddy_semaphore is ABI");
static_assert(sizeof(eddy_barrier) == 64, "eddy_barrier is ABI");
static_assert(sizeof(eddy_queue) == 256, "eddy_queue is ABI");
static_assert(sizeof(eddy_handle) == 8, "eddy_handle is ABI");
static_assert(sizeof(eddy_slice) == 2 * sizeof(void *), "eddy_slice is ABI");

static int job(void *arg) {
    (void)arg;
    return eddy_raise(-EINVAL, "%s at %s", "a sentence", EDDY_PLACE);
}

static int serve(eddy_stream *stream, void *arg) {
    (void)arg;
    return eddy_stream_write(stream, "", 0);
}

static int tasks(void) {
    static eddy_task_options options; /* all zero, in both languages */
    int r = eddy_gather();
    if (r >= 0)
        r = eddy_gather(eddy_create_task(job, NULL));
    if (r >= 0)
        r = eddy_gather(eddy_create_task_with(&options, job, NULL), eddy_after(1));
    return r;
}

static int scopes(void) {
    eddy_timeout timeout;
    eddy_shield_scope shield;
    eddy_timeout_at_begin(&timeout, 1.5);
    eddy_timeout_end(&timeout, 0);
    eddy_timeout_begin(&timeout, 1.5);
    eddy_shield_begin(&shield);
    eddy_shield_end(&shield);
    return eddy_timeout_end(&timeout, 0);
}

static int compare(const void *a, const void *b) {
    return a < b ? -1 : a > b;
}

static int synchronisation(void) {
    static eddy_lock lock = EDDY_LOCK_INIT;
    static eddy_event event = EDDY_EVENT_INIT;
    static eddy_condition condition = EDDY_CONDITION_INIT;
    static eddy_semaphore semaphore = EDDY_SEMAPHORE_INIT(3);
    static eddy_queue queue = EDDY_QUEUE_INIT;
    static eddy_semaphore_options semaphore_options;
    static eddy_queue_options queue_options = {compare, NULL};
    eddy_lock_release(&lock);
    eddy_event_set(&event);
    eddy_condition_notify_all(&condition);
    eddy_semaphore_init_with(&semaphore, 2, &semaphore_options);
    return eddy_queue_init_with(&queue, EDDY_PRIORITY, 1, &queue_options);
}

static int channels(void) {
    static eddy_channel_options options;
    eddy_channel *channel;
    int r = eddy_channel_new(1, &channel);
    if (r >= 0)
        r = eddy_channel_new_with(1, &options, &channel);
    return r;
}

static int openings(void) {
    eddy_loop *loop;
    eddy_loop_statistics statistics;
    eddy_stream *stream;
    eddy_server *server;
    int r = eddy_loop_new(NULL, &loop);
    if (r >= 0)
        r = eddy_loop_info(loop, &statistics);
    if (r >= 0)
        r = eddy_open_connection("localhost", "80", NULL, &stream);
    if (r >= 0)
        r = eddy_all_loops_info(&statistics);
    if (r >= 0)
        r = eddy_start_server(serve, NULL, "", "0", NULL, &server);
    return r;
}

static int pipes(void) {
    eddy_stream *reader, *writer;
    int r = eddy_pipe(NULL, &reader, &writer);
    if (r >= 0)
        r = eddy_open_pipe_reader(0, NULL, &reader);
    return r < 0 ? r : eddy_open_pipe_writer(1, NULL, &writer);
}

static int processes(const char *const arguments[]) {
    eddy_process *process;
    static eddy_process_options options;
    eddy_slice input = {NULL, 0};
    int r = eddy_process_spawn(arguments, &options, &process);
    if (r >= 0)
        r = eddy_process_spawn_shell("true", NULL, &process);
    return r < 0 ? r : eddy_process_run(arguments, NULL, input, &process);
}

static int extensions(const eddy_stream_class *type, eddy_stream *stream) {
    eddy_stream *lower;
    int r = eddy_stream_new(type, NULL, NULL, &stream);
    return r < 0 ? r : eddy_stream_push(stream, type, NULL, &lower);
}

static int ending(eddy_server *server) {
    eddy_server_statistics statistics;
    int r = eddy_server_info(server, &statistics);
    return r < 0 ? r : eddy_server_serve_forever(server);
}

static int threads(void) {
    static eddy_threads_options options;
    int r = eddy_run_threads(job, NULL, &options);
    if (r >= 0)
        r = eddy_main_threads(job, NULL, NULL);
    if (r >= 0)
        r = eddy_detach(eddy_run_coroutine_threadsafe(eddy_thread_loop(0), job, NULL));
    return r;
}

static int executors(void) {
    eddy_executor *executor;
    eddy_runner *runner;
    static eddy_executor_options options;
    static eddy_loop_options loop_options;
    int r = eddy_executor_new(&options, &executor);
    if (r >= 0)
        r = eddy_detach(eddy_run_in_executor(executor, job, NULL));
    if (r >= 0)
        r = eddy_to_executor(executor, job, NULL);
    if (r >= 0)
        r = eddy_runner_new(&loop_options, &runner);
    return r < 0 ? r : eddy_runner_run(runner, job, NULL);
}

static int http(void) {
    eddy_http_session *session;
    eddy_http_response *response;
    static eddy_http_request_options options;
    int r = eddy_http_session_new(NULL, &session);
    return r < 0 ? r : eddy_http_request(session, &options, &response);
}

int main(void) {
    return tasks() + scopes() + synchronisation() + channels() + openings() + ending(NULL) +
           threads() + executors() + http() + pipes() + processes(NULL) + extensions(NULL, NULL);
}
