/* SPDX-License-Identifier: MIT
 * scenario_loop.c - what a loop does besides tasks: callbacks, descriptors, signals, a host, other
 * threads. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "scenario.h"
#include "test.h"
#include "util.h"

/* Some happening that a task waits for, which callbacks bring about. */
struct happening {
    eddy_event event;
    int count, wanted;
};

static void happen(void *arg) {
    struct happening *happening = arg;

    if (++happening->count >= happening->wanted)
        eddy_event_set(&happening->event);
}

/* --- callbacks -------------------------------------------------------------------------------- */

static int handle_code(eddy_handle handle) {
    return handle.token ? 0 : last_code();
}

static int callbacks(void *unused) {
    struct happening happening = {.wanted = 3};
    eddy_handle unwanted = eddy_call_soon(NULL, happen, &happening);
    eddy_handle handles[3] = {eddy_call_soon(NULL, happen, &happening),
                              eddy_call_later(NULL, 0.25, happen, &happening),
                              eddy_call_at(NULL, eddy_time() + 0.5, happen, &happening)};
    int r = handle_code(unwanted);

    (void)unused;
    eddy_handle_cancel(unwanted);
    for (int i = 0; i < 3; i++)
        r = first_of(r, handle_code(handles[i]));
    if (r == 0)
        r = eddy_event_wait(&happening.event);
    for (int i = 0; i < 3; i++)
        eddy_handle_cancel(handles[i]);
    return r;
}

int scenario_callbacks(void) {
    return scenario_run(EDDY_CLOCK_VIRTUAL, callbacks, NULL);
}

/* --- descriptors ------------------------------------------------------------------------------ */

struct pipe_end {
    int fd;
    struct happening *happening;
};

static void take_byte(void *arg) {
    struct pipe_end *end = arg;
    char byte;

    if (read(end->fd, &byte, 1) == 1)
        happen(end->happening);
}

static int watch_pipe(int fds[2]) {
    struct happening readable = {.wanted = 2}, writable = {.wanted = 1};
    struct pipe_end end = {fds[0], &readable};
    int r = eddy_add_reader(NULL, fds[0], take_byte, &end);

    if (r == 0)
        r = eddy_add_writer(NULL, fds[1], happen, &writable);
    if (r == 0)
        r = eddy_event_wait(&writable.event);
    eddy_remove_writer(NULL, fds[1]);
    for (int i = 0; i < 2 && r == 0; i++)
        r = write(fds[1], "x", 1) == 1 || errno == EAGAIN ? 0 : -errno;
    if (r == 0)
        r = eddy_event_wait(&readable.event);
    eddy_remove_reader(NULL, fds[0]);
    return r;
}

static int watches(void *unused) {
    int fds[2], r;

    (void)unused;
    ASSERT_INT_EQ(pipe(fds), 0);
    r = watch_pipe(fds);
    close(fds[0]);
    close(fds[1]);
    return r;
}

int scenario_watches(void) {
    return scenario_run(EDDY_CLOCK_MONOTONIC, watches, NULL);
}

/* --- a host's loop ---------------------------------------------------------------------------- */

static int sleeps_a_little(void *unused) {
    (void)unused;
    return eddy_sleep(0.005);
}

static int host_polls(eddy_loop *loop, eddy_task *task) {
    struct pollfd look = {.fd = eddy_loop_fd(loop), .events = POLLIN};
    int r = look.fd;

    while (r >= 0 && !eddy_is_done(task)) {
        poll(&look, 1, 10000);
        r = eddy_loop_run_once(loop, 0);
    }
    return r < 0 ? r : eddy_future_result(task, NULL);
}

int scenario_host(void) {
    eddy_task *task;
    eddy_loop *loop;
    int r = eddy_loop_new(NULL, &loop);

    if (r < 0)
        return r;
    task = eddy_create_task_with(&(eddy_task_options){.loop = loop}, sleeps_a_little, NULL);
    r = task ? host_polls(loop, task) : -ENOMEM;
    if (task && !eddy_is_done(task))
        eddy_cancel(task);
    eddy_unref(task);
    if (!task || r < 0)
        eddy_loop_run_once(loop, 0);
    ASSERT_NULL(eddy_loop_close(loop));
    return r;
}

/* --- signals ---------------------------------------------------------------------------------- */

static int signals(void *unused) {
    struct happening happening = {.wanted = 1};
    int r = eddy_add_signal_handler(NULL, SIGUSR1, happen, &happening);

    (void)unused;
    if (r < 0)
        return r;
    raise(SIGUSR1);
    r = eddy_event_wait(&happening.event);
    ASSERT_INT_EQ(eddy_remove_signal_handler(NULL, SIGUSR1), 1);
    return r;
}

static int signals_in_run(void *unused) {
    int r = signals(unused);

    return first_of(r, eddy_yield());
}

/* eddy_run() adds a handler of its own, for SIGINT. */
int scenario_signals(void) {
    return eddy_run(signals_in_run, NULL);
}

/* --- other threads ---------------------------------------------------------------------------- */

struct posting {
    eddy_loop *loop;
    struct happening happening;
    int code;
};

static int adds_one(void *number) {
    int r = eddy_yield();

    ++*(int *)number;
    return r;
}

static int posts(struct posting *posting) {
    int number = 0, r = 0;
    eddy_future *future;

    for (int i = 0; i < 3; i++)
        r = first_of(r, eddy_call_soon_threadsafe(posting->loop, happen, &posting->happening));
    future = eddy_run_coroutine_threadsafe(posting->loop, adds_one, &number);
    if (!future)
        return -ENOMEM;
    r = first_of(r, eddy_future_wait_blocking(future, 30));
    eddy_unref(future);
    return r;
}

static int joins(void *thread) {
    return -pthread_join(*(pthread_t *)thread, NULL);
}

static void *thread_posts(void *arg) {
    struct posting *posting = arg;

    posting->code = posts(posting);
    return NULL;
}

/* The thread is joined in the pool, or, if that does not work, by looking again and again. */
static int loop_is_posted_to(void *unused) {
    struct posting posting = {.loop = eddy_running_loop(), .happening.wanted = 3};
    pthread_t thread;
    int r = -pthread_create(&thread, NULL, thread_posts, &posting);

    (void)unused;
    if (r < 0)
        return r;
    r = eddy_to_thread(joins, &thread);
    while (r < 0 && pthread_tryjoin_np(thread, NULL) == EBUSY)
        if (eddy_sleep(0.001) < 0)
            break;
    return first_of(posting.code, r);
}

int scenario_posts(void) {
    return scenario_run(EDDY_CLOCK_MONOTONIC, loop_is_posted_to, NULL);
}

static int blocks_a_little(void *unused) {
    (void)unused;
    usleep(500);
    return 0;
}

static int to_thread(void *unused) {
    return eddy_to_thread(blocks_a_little, unused);
}

static int pool(void *unused) {
    eddy_task *tasks[4];

    for (int i = 0; i < 4; i++)
        tasks[i] = eddy_create_task(to_thread, unused);
    return eddy_gather_array(tasks, 4, NULL);
}

int scenario_pool(void) {
    return scenario_run(EDDY_CLOCK_MONOTONIC, pool, NULL);
}

/* Each thread hands the next one something to do. */
static int passes_on(void *unused) {
    int number = 0;
    eddy_loop *next = eddy_thread_loop(eddy_thread_index() + 1);

    (void)unused;
    return next ? eddy_await(eddy_run_coroutine_threadsafe(next, adds_one, &number)) : last_code();
}

static int passes_on_and_stays(void *unused) {
    int r = passes_on(unused);

    eddy_sleep(0.002); /* for the others; a closed loop would be no failure of theirs */
    return r == EDDY_ESHUTDOWN ? 0 : r;
}

int scenario_threads(void) {
    return eddy_run_threads(passes_on_and_stays, NULL, &(eddy_threads_options){.threads = 2});
}
