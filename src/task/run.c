/* SPDX-License-Identifier: MIT
 * run.c - eddy_run() and eddy_main(): a loop, a main task, SIGINT, and nothing left behind. */
#include "run.h"

#include <errno.h>
#include <signal.h>

#include "memory.h"
#include "scheduler.h"
#include "signal_watch.h"

struct run {
    eddy_loop *loop;
    eddy_future *main_task;
    bool has_signal;
    bool was_interrupted;
};

/* The first SIGINT cancels the main task; with the default action back, the second one kills. */
static void run_interrupted(void *arg) {
    struct run *run = arg;

    run->was_interrupted = true;
    eddy_remove_signal_handler(run->loop, SIGINT);
    run->has_signal = false;
    eddy_cancel_with(run->main_task, "interrupted by SIGINT");
}

bool eddy__run_watch_signal(eddy_loop *loop, int signo, eddy_callback *fn, void *arg) {
    struct sigaction current;

    if (sigaction(signo, NULL, &current) < 0 || current.sa_flags & SA_SIGINFO ||
        current.sa_handler != SIG_DFL)
        return false;
    return eddy__signal_once(loop, signo, fn, arg) == 0;
}

/* Cancels the tasks there are and waits for them. Returns how many there were, or -ENOMEM. */
static int run_cancel_left(eddy_loop *loop) {
    int count = eddy_all_tasks(loop, NULL, 0), r;
    CLEANUP(eddy__freep) eddy_task **tasks = NULL;

    if (count == 0)
        return 0;
    tasks = eddy__alloc((size_t)count * sizeof(*tasks));
    if (!tasks)
        return -ENOMEM;
    count = eddy_all_tasks(loop, tasks, count);
    for (int i = 0; i < count; i++)
        eddy_cancel(tasks[i]);
    r = eddy_wait(tasks, count, INFINITY, EDDY_ALL_COMPLETED);
    for (int i = 0; i < count; i++)
        eddy_unref(tasks[i]); /* reports what failed otherwise than by the cancel */
    return r < 0 ? r : count;
}

/* A task may create another while it ends, and a job of the executor may ask for one. */
int eddy__run_clean_up(eddy_loop *loop, int r) {
    const eddy_error *error = eddy_error_ref(r < 0 ? eddy_last_error() : NULL);

    while (run_cancel_left(loop) > 0)
        continue;
    eddy__shutdown_executor_of(loop);
    while (run_cancel_left(loop) > 0)
        continue;
    if (error)
        eddy__fail_with(error);
    eddy_error_unref(error);
    return r;
}

static int run_main_task(struct run *run, eddy_fn *fn, void *arg) {
    int r;

    run->main_task =
        eddy_create_task_with(&(eddy_task_options){.name = "main", .loop = run->loop}, fn, arg);
    if (!run->main_task)
        return eddy__fail(-ENOMEM);
    run->has_signal = eddy__run_watch_signal(run->loop, SIGINT, run_interrupted, run);
    r = eddy_loop_run_until_complete(run->loop, run->main_task);
    if (run->has_signal)
        eddy_remove_signal_handler(run->loop, SIGINT);
    return eddy__run_clean_up(run->loop, r);
}

static int run_all(struct run *run, eddy_fn *fn, void *arg) {
    int r;

    if (eddy__thread.running)
        return eddy_raise(
            -EDEADLK,
            "eddy_run() inside a running loop: call the function, or create a task of it");
    r = eddy__loop_new_bound(NULL, &run->loop);
    if (r < 0)
        return r;
    r = run_main_task(run, fn, arg);
    eddy_loop_close(run->loop);
    return r;
}

int eddy_run(eddy_fn *fn, void *arg) {
    struct run run = {0};

    return run_all(&run, fn, arg);
}

int eddy__run_exit_status(int r, int signo) {
    if (signo && r == -ECANCELED)
        return 128 + signo;
    if (r < 0) {
        eddy_error_print(eddy_last_error(), stderr);
        return 1;
    }
    return r & 0xff;
}

int eddy_main(eddy_fn *fn, void *arg) {
    struct run run = {0};
    int r = run_all(&run, fn, arg);

    return eddy__run_exit_status(r, run.was_interrupted ? SIGINT : 0);
}
