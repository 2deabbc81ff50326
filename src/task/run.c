/* SPDX-License-Identifier: MIT
 * run.c - eddy_runner and eddy_run(): a loop, main tasks, SIGINT, and nothing left behind. */
#include "run.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include <eddy/executor.h>

#include "memory.h"
#include "scheduler.h"
#include "signal_watch.h"

struct eddy_runner {
    eddy_loop *loop;
    eddy_future *main_task; /* while it runs */
    bool has_signal;
    bool was_interrupted;
};

/* The first SIGINT cancels the main task; with the default action back, the second one kills. */
static void runner_interrupted(void *arg) {
    eddy_runner *runner = arg;

    runner->was_interrupted = true;
    eddy_remove_signal_handler(runner->loop, SIGINT);
    runner->has_signal = false;
    eddy_cancel_with(runner->main_task, "interrupted by SIGINT");
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

/* --- a runner --------------------------------------------------------------------------------- */

static int run_check(const char *call) {
    if (!eddy__thread.running)
        return 0;
    return eddy_raise(-EDEADLK,
                      "%s inside a running loop: call the function, or create a task of it", call);
}

static int runner_check(const eddy_runner *runner, const char *call) {
    int r = run_check(call);

    return r < 0 ? r : eddy__loop_check(runner->loop);
}

/* The main task was created, and is awaited, where the run was called. */
static int runner_run(eddy_runner *runner, const eddy_place *place, eddy_fn *fn, void *arg) {
    const eddy_task_options options = {.name = "main", .loop = runner->loop};
    int r;

    runner->main_task = eddy_create_task_with_at(place ? place->origin : EDDY_PLACE "\0main",
                                                 sizeof(options), &options, fn, arg);
    if (!runner->main_task)
        return eddy__fail(-ENOMEM);
    runner->was_interrupted = false;
    runner->has_signal = eddy__run_watch_signal(runner->loop, SIGINT, runner_interrupted, runner);
    r = eddy_loop_run_until_complete(runner->loop, runner->main_task);
    if (r < 0)
        eddy__error_awaited(place);
    runner->main_task = NULL;
    if (runner->has_signal)
        eddy_remove_signal_handler(runner->loop, SIGINT);
    return r;
}

/* Returns r, whose sentence outlives the end. */
static int runner_end(eddy_runner *runner, int r) {
    r = eddy__run_clean_up(runner->loop, r);
    runner->loop = eddy_loop_close(runner->loop);
    return r;
}

int eddy_runner_new_sized(const eddy_loop_options *given, size_t given_size, eddy_runner **out) {
    CLEANUP(eddy__freep) eddy_runner *runner = eddy__zalloc(sizeof(*runner));
    eddy_loop_options options = {0};
    int r;

    if (!runner)
        return eddy__fail(-ENOMEM);
    if (given)
        memcpy(&options, given, MIN(given_size, sizeof(options)));
    r = eddy__loop_new_bound(&options, &runner->loop);
    if (r == 0)
        *out = TAKE_POINTER(runner);
    return r;
}

int eddy_runner_run_at(const eddy_place *place, eddy_runner *runner, eddy_fn *fn, void *arg) {
    int r = runner_check(runner, "eddy_runner_run()");

    return r < 0 ? r : runner_run(runner, place, fn, arg);
}

int(eddy_runner_run)(eddy_runner *runner, eddy_fn *fn, void *arg) {
    return eddy_runner_run_at(NULL, runner, fn, arg);
}

eddy_loop *eddy_runner_loop(eddy_runner *runner) {
    return runner->loop;
}

eddy_runner *eddy_runner_close(eddy_runner *runner) {
    if (!runner)
        return NULL;
    if (runner_check(runner, "eddy_runner_close()") < 0)
        return runner;
    runner_end(runner, 0);
    eddy__free(runner);
    return NULL;
}

/* --- one run ---------------------------------------------------------------------------------- */

static int run_once(eddy_runner *runner, const eddy_place *place, eddy_fn *fn, void *arg) {
    int r = run_check("eddy_run()");

    if (r == 0)
        r = eddy__loop_new_bound(NULL, &runner->loop);
    return r < 0 ? r : runner_end(runner, runner_run(runner, place, fn, arg));
}

int eddy_run_at(const eddy_place *place, eddy_fn *fn, void *arg) {
    eddy_runner runner = {0};

    return run_once(&runner, place, fn, arg);
}

int(eddy_run)(eddy_fn *fn, void *arg) {
    return eddy_run_at(NULL, fn, arg);
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

int eddy_main_at(const eddy_place *place, eddy_fn *fn, void *arg) {
    eddy_runner runner = {0};
    int r = run_once(&runner, place, fn, arg);

    return eddy__run_exit_status(r, runner.was_interrupted ? SIGINT : 0);
}

int(eddy_main)(eddy_fn *fn, void *arg) {
    return eddy_main_at(NULL, fn, arg);
}
