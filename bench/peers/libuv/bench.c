/* SPDX-License-Identifier: MIT
 * bench.c - what libuv takes for the rows of the comparison: callbacks and handles, no tasks. */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

#include "echo.h"
#include "file.h"
#include "names.h"
#include "peer.h"

#define PAIRS       300000
#define BATCH       1000
#define BATCHES     100
#define BURST       100000
#define ROUND_TRIPS 2000
#define SPAWNS      40

static uv_loop_t *loop;
static long fired_count;

/* --- timers --- */

static uv_timer_t *timers;
static long timer_count;

static void fire(uv_timer_t *timer) {
    (void)timer;
    fired_count++;
}

static uint64_t milliseconds(double seconds) {
    return (uint64_t)(seconds * 1000);
}

static double pass_add_cancel(void *arg) {
    long oldest = 0;

    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (long i = 0; i < PAIRS; i++) {
        uv_timer_stop(&timers[oldest]);
        uv_timer_start(&timers[oldest], fire, milliseconds(peer_timeout(i)), 0);
        oldest = oldest + 1 < timer_count ? oldest + 1 : 0;
    }
    return (double)(bench_now_ns() - start_ns) / PAIRS;
}

static double pass_expire(void *arg) {
    double first = bench_expiry_first(timer_count), range = bench_expiry_range(timer_count);

    (void)arg;
    uv_update_time(loop);
    for (long i = 0; i < timer_count; i++)
        uv_timer_start(&timers[i], fire, milliseconds(first + bench_random() * range), 0);
    bench_spin(first + range + 0.005);

    int64_t start_ns = bench_now_ns();
    uv_run(loop, UV_RUN_DEFAULT);
    return (double)(bench_now_ns() - start_ns) / (double)timer_count;
}

static void timers_new(long count) {
    timer_count = count;
    timers = calloc((size_t)count, sizeof(*timers));
    bench_require(timers ? 0 : -ENOMEM, "timers");
    for (long i = 0; i < count; i++)
        uv_timer_init(loop, &timers[i]);
}

static void measure_timers(long count) {
    timers_new(count);
    for (long i = 0; i < count; i++)
        uv_timer_start(&timers[i], fire, milliseconds(peer_timeout(i)), 0);
    peer_report("timers", count, "cancel", bench_run_passes(pass_add_cancel, NULL));
    for (long i = 0; i < count; i++)
        uv_timer_stop(&timers[i]);
    peer_report("timers", count, "expire", bench_run_few(pass_expire, NULL, count));
}

static void measure_futures(long count) {
    bench_touch_memory((size_t)count * 256);
    struct bench_memory before = bench_memory_used();
    int64_t start_ns = bench_cpu_ns();
    timers_new(count);
    for (long i = 0; i < count; i++)
        uv_timer_start(&timers[i], fire, milliseconds(2 + 0.1 * bench_random()), 0);

    int64_t looking_ns = bench_cpu_ns();
    bench_report_memory("futures-memory", before, count);
    start_ns += bench_cpu_ns() - looking_ns;
    uv_run(loop, UV_RUN_DEFAULT);
    bench_report("futures-cpu", (double)(bench_cpu_ns() - start_ns) / (double)count, "ns");
}

/* --- callbacks: an idle handle is what runs in the next turn --- */

static uv_idle_t idles[BATCH];

static void run_once(uv_idle_t *idle) {
    uv_idle_stop(idle);
    fired_count++;
}

static double pass_call_soon(void *arg) {
    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (int batch = 0; batch < BATCHES; batch++) {
        for (int i = 0; i < BATCH; i++)
            uv_idle_start(&idles[i], run_once);
        uv_run(loop, UV_RUN_DEFAULT);
    }
    return (double)(bench_now_ns() - start_ns) / ((double)BATCH * BATCHES);
}

static void measure_call_soon(long count) {
    (void)count;
    for (int i = 0; i < BATCH; i++)
        uv_idle_init(loop, &idles[i]);
    bench_report("call_soon", bench_run_passes(pass_call_soon, NULL), "ns");
}

/* --- another thread: a queue under a mutex, and a handle that wakes the loop --- */

struct call {
    struct call *next;
    void (*fn)(void);
};

static uv_async_t async;
static uv_mutex_t mutex;
static struct call *first_call, **last_call = &first_call;
static pthread_barrier_t begin;

static void count_one(void) {
    fired_count++;
}

static void call_from_thread(void (*fn)(void)) {
    struct call *call = malloc(sizeof(*call));

    bench_require(call ? 0 : -ENOMEM, "call");
    *call = (struct call){.fn = fn};
    uv_mutex_lock(&mutex);
    *last_call = call;
    last_call = &call->next;
    uv_mutex_unlock(&mutex);
    uv_async_send(&async);
}

static void run_calls(uv_async_t *handle) {
    uv_mutex_lock(&mutex);
    struct call *calls = first_call;
    first_call = NULL;
    last_call = &first_call;
    uv_mutex_unlock(&mutex);

    for (struct call *next; calls; calls = next) {
        next = calls->next;
        calls->fn();
        free(calls);
    }
    if (fired_count == BURST)
        uv_stop(handle->loop);
}

static void producer(void *arg) {
    (void)arg;
    for (int pass = 0; pass <= BENCH_PASSES; pass++) {
        pthread_barrier_wait(&begin);
        for (int i = 0; i < BURST; i++)
            call_from_thread(count_one);
    }
}

static double pass_threadsafe(void *arg) {
    (void)arg;
    fired_count = 0;
    pthread_barrier_wait(&begin);
    int64_t start_ns = bench_now_ns();
    uv_run(loop, UV_RUN_DEFAULT);
    return (double)(bench_now_ns() - start_ns) / BURST;
}

static void measure_threadsafe(long count) {
    uv_thread_t thread;

    (void)count;
    uv_async_init(loop, &async, run_calls);
    uv_mutex_init(&mutex);
    pthread_barrier_init(&begin, NULL, 2);
    bench_require(uv_thread_create(&thread, producer, NULL), "thread");
    bench_report("threadsafe", bench_run_passes(pass_threadsafe, NULL), "ns");
    uv_thread_join(&thread);
}

/* --- executor --- */

static uv_work_t job;
static int jobs_left;

static void do_nothing(uv_work_t *work) {
    (void)work;
}

static void job_done(uv_work_t *work, int status) {
    (void)status;
    if (--jobs_left > 0)
        uv_queue_work(loop, work, do_nothing, job_done);
}

static double pass_executor(void *arg) {
    (void)arg;
    jobs_left = ROUND_TRIPS;
    int64_t start_ns = bench_now_ns();
    uv_queue_work(loop, &job, do_nothing, job_done);
    uv_run(loop, UV_RUN_DEFAULT);
    return (double)(bench_now_ns() - start_ns) / ROUND_TRIPS;
}

static void measure_executor(long processors) {
    peer_report("executor", processors, "", bench_run_passes(pass_executor, NULL));
}

/* --- names --- */

static uv_getaddrinfo_t look_ups[NAMES_AT_ONCE];
static bool same_name;

static void looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses) {
    (void)request;
    bench_require(status, "getaddrinfo");
    uv_freeaddrinfo(addresses);
}

static void look_up(int number) {
    char name[NAME_BYTES];

    bench_name(same_name ? 0 : number, name);
    bench_require(uv_getaddrinfo(loop, &look_ups[number], looked_up, name, "80", &bench_hints),
                  "uv_getaddrinfo");
}

/* Each waits for the last, or a hundred for the last hundred. */
static double pass_names(void *at_once) {
    int64_t start_ns = bench_now_ns();

    for (int i = 0; i < NAMES_PASSES * NAMES_AT_ONCE; i++) {
        look_up(i % NAMES_AT_ONCE);
        if (!at_once || (i + 1) % NAMES_AT_ONCE == 0)
            uv_run(loop, UV_RUN_DEFAULT);
    }
    return (double)(bench_now_ns() - start_ns) / (NAMES_PASSES * NAMES_AT_ONCE);
}

static void measure_names(long count) {
    (void)count;
    bench_report("names-1", bench_run_passes(pass_names, NULL), "ns");
    bench_report("names-100", bench_run_passes(pass_names, look_ups), "ns");
    same_name = true;
    bench_report("names-same", bench_run_passes(pass_names, look_ups), "ns");
}

/* --- file --- */

static void file_opened(uv_fs_t *request);

struct reader {
    uv_fs_t request;
    char page[PAGE_BYTES];
};

static struct reader readers[AT_ONCE];
static int file_fd, reads_left;

static void read_next(uv_fs_t *request) {
    struct reader *reader = (struct reader *)request;

    bench_require((int)request->result, "read");
    uv_fs_req_cleanup(request);
    if (reads_left-- <= 0)
        return;
    uv_buf_t page = uv_buf_init(reader->page, PAGE_BYTES);
    uv_fs_read(loop, request, file_fd, &page, 1, file_offset(), read_next);
}

static double pass_file(void *at_once) {
    int64_t start_ns = bench_now_ns();

    reads_left = READS;
    for (int i = 0; i < *(int *)at_once; i++) {
        readers[i].request.result = 0;
        read_next(&readers[i].request);
    }
    uv_run(loop, UV_RUN_DEFAULT);
    return (double)(bench_now_ns() - start_ns) / READS;
}

static void file_closed(uv_fs_t *request) {
    uv_fs_req_cleanup(request);
    if (--jobs_left > 0)
        uv_fs_open(loop, request, file_path, O_RDONLY, 0, file_opened);
}

static void file_known(uv_fs_t *request) {
    uv_fs_req_cleanup(request);
    uv_fs_close(loop, request, (int)(intptr_t)request->data, file_closed);
}

static void file_opened(uv_fs_t *request) {
    bench_require((int)request->result, "open");
    request->data = (void *)(intptr_t)request->result;
    uv_fs_req_cleanup(request);
    uv_fs_fstat(loop, request, (int)(intptr_t)request->data, file_known);
}

static double pass_open(void *arg) {
    (void)arg;
    jobs_left = OPENS;
    int64_t start_ns = bench_now_ns();
    uv_fs_open(loop, &readers[0].request, file_path, O_RDONLY, 0, file_opened);
    uv_run(loop, UV_RUN_DEFAULT);
    return (double)(bench_now_ns() - start_ns) / OPENS;
}

static void measure_file(long count) {
    (void)count;
    file_fd = file_make();
    bench_report("file-1", bench_run_passes(pass_file, &(int){1}), "ns");
    bench_report("file-32", bench_run_passes(pass_file, &(int){AT_ONCE}), "ns");
    bench_report("file-open", bench_run_passes(pass_open, NULL), "ns");
}

/* --- echo --- */

static char buffer[ECHO_BUFFER_BYTES]; /* of all reads: what came goes out at once, or is copied */

static void client_free(uv_handle_t *handle) {
    free(handle);
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
    (void)handle, (void)suggested;
    *out = uv_buf_init(buffer, sizeof(buffer));
}

static void written(uv_write_t *write, int status) {
    (void)status;
    free(write);
}

/* What uv_try_write() leaves is copied and queued. */
static void write_rest(uv_stream_t *stream, const char *data, size_t bytes) {
    uv_write_t *write = malloc(sizeof(*write) + bytes);

    bench_require(write ? 0 : -ENOMEM, "write");
    memcpy(write + 1, data, bytes);
    uv_buf_t rest = uv_buf_init((char *)(write + 1), (unsigned)bytes);
    uv_write(write, stream, &rest, 1, written);
}

static void has_read(uv_stream_t *stream, ssize_t bytes, const uv_buf_t *data) {
    if (bytes < 0) {
        uv_close((uv_handle_t *)stream, client_free);
        return;
    }
    uv_buf_t all = uv_buf_init(data->base, (unsigned)bytes);
    int sent = uv_try_write(stream, &all, 1);
    if (sent < 0)
        sent = 0;
    if (sent < bytes)
        write_rest(stream, data->base + sent, (size_t)(bytes - sent));
}

static void accept_client(uv_stream_t *server, int status) {
    uv_tcp_t *client = malloc(sizeof(*client));

    bench_require(client ? status : -ENOMEM, "client");
    uv_tcp_init(loop, client);
    uv_accept(server, (uv_stream_t *)client);
    uv_tcp_nodelay(client, 1);
    uv_read_start((uv_stream_t *)client, give_buffer, has_read);
}

static void serve_echo(long count) {
    struct sockaddr_in address;
    int address_bytes = sizeof(address);
    uv_tcp_t server;

    (void)count;
    echo_raise_descriptor_limit();
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(loop, &server);
    bench_require(uv_tcp_bind(&server, (struct sockaddr *)&address, 0), "bind");
    bench_require(uv_listen((uv_stream_t *)&server, 4096, accept_client), "listen");
    uv_tcp_getsockname(&server, (struct sockaddr *)&address, &address_bytes);
    echo_announce(ntohs(address.sin_port));
    uv_run(loop, UV_RUN_DEFAULT);
}

/* --- processes --- */

static int64_t called_ns; /* within the call that spawns */

static void process_exited(uv_process_t *process, int64_t status, int signo) {
    (void)status, (void)signo;
    uv_close((uv_handle_t *)process, NULL);
}

static double pass_process(void *calls) {
    char *arguments[] = {"/bin/true", NULL};
    uv_process_options_t options = {
        .exit_cb = process_exited, .file = arguments[0], .args = arguments};
    uv_process_t process;
    int64_t start_ns = bench_now_ns();

    called_ns = 0;
    for (int i = 0; i < SPAWNS; i++) {
        int64_t before_ns = bench_now_ns();
        bench_require(uv_spawn(loop, &process, &options), "spawn");
        called_ns += bench_now_ns() - before_ns;
        uv_run(loop, UV_RUN_DEFAULT);
    }
    return (double)(*(int *)calls ? called_ns : bench_now_ns() - start_ns) / SPAWNS;
}

static void measure_process(long mebibytes) {
    int calls = 0;

    bench_hold_memory((size_t)mebibytes << 20);
    peer_report("process", mebibytes, "", bench_run_passes(pass_process, &calls));
    calls = 1;
    peer_report("process", mebibytes, "call", bench_run_passes(pass_process, &calls));
}

int main(int argc, char *argv[]) {
    static const struct peer_row rows[] = {
        {"timers", measure_timers},
        {"futures", measure_futures},
        {"call_soon", measure_call_soon},
        {"threadsafe", measure_threadsafe},
        {"executor", measure_executor},
        {"names", measure_names},
        {"file", measure_file},
        {"process", measure_process},
        {"echo", serve_echo},
        {NULL, NULL},
    };

    loop = uv_default_loop();
    return peer_main(argc, argv, rows);
}
