/* SPDX-License-Identifier: MIT
 * bench.c - what libevent takes for the rows of the comparison: events and bufferevents. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/thread.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>

#include "echo.h"
#include "peer.h"

#define PAIRS   300000
#define BATCH   1000
#define BATCHES 100
#define BURST   100000

static struct event_base *base;
static long fired_count;

/* --- timers --- */

static struct event **timers;
static long timer_count;

static struct timeval duration(double seconds) {
    return (struct timeval){(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e6)};
}

static void fire(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what, (void)arg;
    fired_count++;
}

static void timer_start(long index, double seconds) {
    struct timeval delay = duration(seconds);

    evtimer_add(timers[index], &delay);
}

static double pass_add_cancel(void *arg) {
    long oldest = 0;

    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (long i = 0; i < PAIRS; i++) {
        evtimer_del(timers[oldest]);
        timer_start(oldest, peer_timeout(i));
        oldest = oldest + 1 < timer_count ? oldest + 1 : 0;
    }
    return (double)(bench_now_ns() - start_ns) / PAIRS;
}

static double pass_expire(void *arg) {
    double first = bench_expiry_first(timer_count), range = bench_expiry_range(timer_count);

    (void)arg;
    for (long i = 0; i < timer_count; i++)
        timer_start(i, first + bench_random() * range);
    bench_spin(first + range + 0.005);

    int64_t start_ns = bench_now_ns();
    event_base_dispatch(base);
    return (double)(bench_now_ns() - start_ns) / (double)timer_count;
}

static void timers_new(long count) {
    timer_count = count;
    timers = calloc((size_t)count, sizeof(struct event *));
    bench_require(timers ? 0 : -ENOMEM, "timers");
    for (long i = 0; i < count; i++)
        timers[i] = evtimer_new(base, fire, NULL);
}

static void measure_timers(long count) {
    timers_new(count);
    for (long i = 0; i < count; i++)
        timer_start(i, peer_timeout(i));
    peer_report("timers", count, "cancel", bench_run_passes(pass_add_cancel, NULL));
    for (long i = 0; i < count; i++)
        evtimer_del(timers[i]);
    peer_report("timers", count, "expire", bench_run_few(pass_expire, NULL, count));
}

static void measure_futures(long count) {
    bench_touch_memory((size_t)count * 256);
    struct bench_memory before = bench_memory_used();
    int64_t start_ns = bench_cpu_ns();
    timers_new(count);
    for (long i = 0; i < count; i++)
        timer_start(i, 2 + 0.1 * bench_random());

    int64_t looking_ns = bench_cpu_ns();
    bench_report_memory("futures-memory", before, count);
    start_ns += bench_cpu_ns() - looking_ns;
    event_base_dispatch(base);
    bench_report("futures-cpu", (double)(bench_cpu_ns() - start_ns) / (double)count, "ns");
}

/* --- callbacks: an event that is made active runs in this turn --- */

static struct event *callbacks[BATCH];

static double pass_call_soon(void *arg) {
    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (int batch = 0; batch < BATCHES; batch++) {
        for (int i = 0; i < BATCH; i++)
            event_active(callbacks[i], EV_TIMEOUT, 0);
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    return (double)(bench_now_ns() - start_ns) / ((double)BATCH * BATCHES);
}

static void measure_call_soon(long count) {
    (void)count;
    for (int i = 0; i < BATCH; i++)
        callbacks[i] = event_new(base, -1, 0, fire, NULL);
    bench_report("call_soon", bench_run_passes(pass_call_soon, NULL), "ns");
}

/* --- another thread: an event of its own for each call, freed when it has run --- */

static pthread_barrier_t begin;

static void count_one(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what, (void)arg;
    if (++fired_count == BURST)
        event_base_loopbreak(base);
}

static void *producer(void *arg) {
    static const struct timeval now = {0, 0};

    (void)arg;
    for (int pass = 0; pass <= BENCH_PASSES; pass++) {
        pthread_barrier_wait(&begin);
        for (int i = 0; i < BURST; i++)
            event_base_once(base, -1, EV_TIMEOUT, count_one, NULL, &now);
    }
    return NULL;
}

static double pass_threadsafe(void *arg) {
    (void)arg;
    fired_count = 0;
    pthread_barrier_wait(&begin);
    int64_t start_ns = bench_now_ns();
    event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
    return (double)(bench_now_ns() - start_ns) / BURST;
}

static void measure_threadsafe(long count) {
    pthread_t thread;

    (void)count;
    pthread_barrier_init(&begin, NULL, 2);
    bench_require(-pthread_create(&thread, NULL, producer, NULL), "pthread_create");
    bench_report("threadsafe", bench_run_passes(pass_threadsafe, NULL), "ns");
    pthread_join(thread, NULL);
}

/* --- echo: what came in moves to the other buffer without a copy --- */

static void has_read(struct bufferevent *client, void *arg) {
    (void)arg;
    bufferevent_write_buffer(client, bufferevent_get_input(client));
}

static void has_ended(struct bufferevent *client, short what, void *arg) {
    (void)what, (void)arg;
    bufferevent_free(client);
}

static void accept_client(struct evconnlistener *listener, evutil_socket_t fd,
                          struct sockaddr *address, int address_bytes, void *arg) {
    int one = 1;

    (void)listener, (void)address, (void)address_bytes, (void)arg;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    struct bufferevent *client = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    bench_require(client ? 0 : -ENOMEM, "client");
    bufferevent_setcb(client, has_read, NULL, has_ended, NULL);
    bufferevent_set_max_single_read(client, ECHO_BUFFER_BYTES);
    bufferevent_set_max_single_write(client, ECHO_BUFFER_BYTES);
    bufferevent_enable(client, EV_READ | EV_WRITE);
}

static void serve_echo(long count) {
    int port;

    (void)count;
    echo_raise_descriptor_limit();
    int fd = echo_listen(&port);
    bench_require(
        evconnlistener_new(base, accept_client, NULL, LEV_OPT_CLOSE_ON_FREE, 0, fd) ? 0 : -ENOMEM,
        "listen");
    echo_announce(port);
    event_base_dispatch(base);
}

int main(int argc, char *argv[]) {
    static const struct peer_row rows[] = {
        {"timers", measure_timers},
        {"futures", measure_futures},
        {"call_soon", measure_call_soon},
        {"threadsafe", measure_threadsafe},
        {"echo", serve_echo},
        {NULL, NULL},
    };

    if (argc > 1 && strcmp(argv[1], "threadsafe") == 0)
        evthread_use_pthreads();
    base = event_base_new();
    return peer_main(argc, argv, rows);
}
