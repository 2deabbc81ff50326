/* SPDX-License-Identifier: MIT
 * threads.c - eddy_run_threads(): a loop in each of several threads, started and stopped together.
 *
 *   caller: start all -> all have their loops -> GO, or GIVE_UP -> wait for the ends -> join
 *   thread: pin, make the loop -> wait for the word -> main task -> clean up, close -> tell the end
 *
 * A thread makes its loop itself, so that its memory is near to it. The caller's own loop only
 * watches signals and hears of ends; it alone decides who is cancelled, so nothing of that needs a
 * lock. See docs/internals/threads.md. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <eddy/threads.h>

#include "memory.h"
#include "processors.h"
#include "run.h"
#include "scheduler.h"

struct threads_run;

/* One of the threads. The caller reads it once it has heard of its end. */
struct run_thread {
    struct threads_run *run;
    int index;
    pthread_t id;
    eddy_loop *loop;         /* a reference of the caller's; NULL: it could not be made */
    eddy_task *main_task;    /* while the main task runs; the thread's own */
    int result;              /* of the start, then of the main task */
    const eddy_error *error; /* a reference; the result's */
    int nth;                 /* that failed, from 1 on; 0: it has not. The caller's */
    struct eddy__post ended; /* to the caller */
    struct eddy__post stop;  /* to the thread */
};

enum run_phase { RUN_STARTING, RUN_GO, RUN_GIVE_UP };

struct threads_run {
    eddy_fn *fn;
    void *arg;
    eddy_threads_options options;
    eddy_loop *loop; /* the caller's */

    /* While they start. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum run_phase phase;
    int started; /* threads that exist */
    int ready;   /* that have a loop, or know why not */

    /* While they run: the caller's thread only. */
    struct eddy__wait wait;
    struct eddy__task *waiter; /* the caller's root task */
    int left;
    int failures;
    bool is_stopping;
    bool was_cancelled; /* by a signal, or with the caller: that is an error of the run */
    bool has_sigint, has_sigterm;
    int signo; /* that has stopped it, or 0 */
    char reason[64];

    struct eddy__post stop_request; /* eddy_threads_stop() */
    atomic_bool stop_is_requested;

    int count;
    struct run_thread threads[];
};

static THREAD_LOCAL struct run_thread *here;

/* --- a thread --------------------------------------------------------------------------------- */

static int thread_open(struct run_thread *thread) {
    char name[16];
    int r;

    snprintf(name, sizeof(name), "eddy %d", thread->index);
    pthread_setname_np(pthread_self(), name);
    if (thread->run->options.pin) {
        r = eddy__processors_pin(thread->index);
        if (r < 0)
            return eddy_raise(r, "cannot pin thread %d to a processor: %s", thread->index,
                              eddy_error_text(r));
    }
    r = eddy__loop_new_bound(&thread->run->options.loop, &thread->loop);
    if (r == 0)
        eddy_loop_ref(thread->loop);
    return r;
}

static void thread_set_result(struct run_thread *thread, int r) {
    thread->result = r;
    thread->error = eddy__error_behind(r);
}

/* Reports the start; true: all have started. */
static bool thread_awaits_word(struct threads_run *run) {
    bool may_run;

    pthread_mutex_lock(&run->lock);
    run->ready++;
    pthread_cond_broadcast(&run->changed);
    while (run->phase == RUN_STARTING)
        pthread_cond_wait(&run->changed, &run->lock);
    may_run = run->phase == RUN_GO;
    pthread_mutex_unlock(&run->lock);
    return may_run;
}

/* On the thread's loop. */
static void thread_stopped(struct eddy__post *post) {
    struct run_thread *thread = container_of(post, struct run_thread, stop);

    if (thread->main_task && !thread->loop->closing)
        eddy_cancel_with(thread->main_task, thread->run->reason);
}

static int thread_run_main_task(struct run_thread *thread) {
    eddy_task_options options = {.loop = thread->loop};
    char name[32];
    int r;

    snprintf(name, sizeof(name), "main %d", thread->index);
    options.name = name;
    thread->main_task = eddy_create_task_with(&options, thread->run->fn, thread->run->arg);
    if (!thread->main_task)
        return eddy__fail(-ENOMEM);
    r = eddy_loop_run_until_complete(thread->loop, eddy_ref(thread->main_task));
    thread->main_task = eddy_unref(thread->main_task);
    return eddy__run_clean_up(thread->loop, r);
}

static void *thread_main(void *arg) {
    struct run_thread *thread = arg;
    struct threads_run *run = thread->run;

    thread_set_result(thread, thread_open(thread));
    if (thread_awaits_word(run)) {
        here = thread;
        thread_set_result(thread, thread_run_main_task(thread));
        here = NULL;
        eddy_loop_close(thread->loop);
        eddy__loop_post(run->loop, &thread->ended); /* never refused: it is closed after the join */
    } else if (thread->loop) {
        eddy_loop_close(thread->loop);
    }
    return NULL;
}

/* --- starting --------------------------------------------------------------------------------- */

static void thread_ended(struct eddy__post *post);

/* The word is not given yet. */
static int run_start_thread(struct threads_run *run, int index) {
    struct run_thread *thread = &run->threads[index];
    int r;

    *thread = (struct run_thread){
        .run = run, .index = index, .ended.run = thread_ended, .stop.run = thread_stopped};
    r = -pthread_create(&thread->id, NULL, thread_main, thread);
    if (r < 0)
        return eddy_raise(r, "cannot start thread %d of %d: %s", index + 1, run->count,
                          eddy_error_text(r));
    run->started++;
    return 0;
}

/* The first failure among those that have started. */
static int run_start_result(const struct threads_run *run) {
    for (int i = 0; i < run->started; i++)
        if (run->threads[i].result < 0)
            return run->threads[i].error ? eddy__fail_with(run->threads[i].error)
                                         : eddy__fail(run->threads[i].result);
    return 0;
}

/* All of them, or none. */
static int run_start(struct threads_run *run) {
    int r = 0;

    while (run->started < run->count && r == 0)
        r = run_start_thread(run, run->started);

    pthread_mutex_lock(&run->lock);
    while (run->ready < run->started)
        pthread_cond_wait(&run->changed, &run->lock);
    if (r == 0)
        r = run_start_result(run);
    run->phase = r == 0 ? RUN_GO : RUN_GIVE_UP;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
    return r;
}

/* --- stopping --------------------------------------------------------------------------------- */

/* Cancels the main tasks, once. One that has ended does not hear of it. */
static void run_stop(struct threads_run *run, const char *reason) {
    if (run->is_stopping)
        return;
    run->is_stopping = true;
    snprintf(run->reason, sizeof(run->reason), "%s", reason);
    for (int i = 0; i < run->count; i++)
        eddy__loop_post(run->threads[i].loop, &run->threads[i].stop);
}

static void run_stop_requested(struct eddy__post *post) {
    run_stop(container_of(post, struct threads_run, stop_request), "eddy_threads_stop()");
}

/* A time-out of the caller's. The wait goes on. */
static void run_cancelled(struct eddy__wait *wait) {
    struct threads_run *run = container_of(wait, struct threads_run, wait);

    run->was_cancelled = true;
    run_stop(run, "the caller of eddy_run_threads() was cancelled");
}

static void run_forget_signals(struct threads_run *run) {
    if (run->has_sigint)
        eddy_remove_signal_handler(run->loop, SIGINT);
    if (run->has_sigterm)
        eddy_remove_signal_handler(run->loop, SIGTERM);
    run->has_sigint = run->has_sigterm = false;
}

/* The next one kills. */
static void run_heed_signal(struct threads_run *run, int signo, const char *reason) {
    run->signo = signo;
    run->was_cancelled = true;
    run_forget_signals(run);
    run_stop(run, reason);
}

static void run_interrupted(void *run) {
    run_heed_signal(run, SIGINT, "interrupted by SIGINT");
}

static void run_terminated(void *run) {
    run_heed_signal(run, SIGTERM, "stopped by SIGTERM");
}

/* --- the caller's wait ------------------------------------------------------------------------ */

static void thread_ended(struct eddy__post *post) {
    struct run_thread *thread = container_of(post, struct run_thread, ended);
    struct threads_run *run = thread->run;
    char reason[64];

    if (thread->result < 0 && thread->result != -ECANCELED)
        thread->nth = ++run->failures;
    if (thread->nth == 1) {
        snprintf(reason, sizeof(reason), "thread %d has failed", thread->index);
        run_stop(run, reason);
    }
    if (--run->left == 0)
        eddy__task_wake(run->waiter);
}

/* Before a thread can be the one that raises them. */
static void run_watch_signals(struct threads_run *run) {
    run->has_sigint = eddy__run_watch_signal(run->loop, SIGINT, run_interrupted, run);
    if (run->options.sigterm)
        run->has_sigterm = eddy__run_watch_signal(run->loop, SIGTERM, run_terminated, run);
}

static void run_wait(struct threads_run *run) {
    run->left = run->count;
    run->wait.cancel = run_cancelled;
    if (run->waiter->future.task_flags & TASK_REFUSED)
        run_cancelled(&run->wait);
    eddy__task_park(run->waiter, &run->wait);
}

static const eddy_error *thread_error(const struct run_thread *thread) {
    return thread->error ? thread->error : eddy__error_static(thread->result);
}

/* What failed first, with what failed after it beside it; a reference. Without memory only one. */
static const eddy_error *run_error(const struct threads_run *run) {
    CLEANUP(eddy__freep)
    const eddy_error **errors = eddy__alloc((size_t)run->failures * sizeof(*errors));
    const eddy_error *first = NULL;

    for (int i = 0; i < run->count; i++) {
        const struct run_thread *thread = &run->threads[i];
        if (thread->nth == 1)
            first = thread_error(thread);
        if (errors && thread->nth > 0)
            errors[thread->nth - 1] = thread_error(thread);
    }
    return errors ? eddy__error_group(errors, run->failures) : eddy_error_ref(first);
}

static int run_result(const struct threads_run *run) {
    const eddy_error *error;
    int code;

    if (run->failures > 0) {
        error = run_error(run);
        code = eddy__fail_with(error);
        eddy_error_unref(error);
        return code;
    }
    for (int i = 0; i < run->count && run->was_cancelled; i++)
        if (run->threads[i].result == -ECANCELED)
            return eddy__fail_with(thread_error(&run->threads[i]));
    return 0;
}

/* --- all of it -------------------------------------------------------------------------------- */

static struct threads_run *run_new(eddy_fn *fn, void *arg, const eddy_threads_options *options) {
    int count = options->threads > 0 ? options->threads : eddy__processors();
    struct threads_run *run =
        eddy__zalloc(sizeof(*run) + (size_t)count * sizeof(struct run_thread));

    if (!run)
        return NULL;
    run->fn = fn;
    run->arg = arg;
    run->options = *options;
    run->count = count;
    run->stop_request.run = run_stop_requested;
    pthread_mutex_init(&run->lock, NULL);
    pthread_cond_init(&run->changed, NULL);
    return run;
}

static void run_free(struct threads_run *run) {
    for (int i = 0; i < run->started; i++) {
        eddy_error_unref(run->threads[i].error);
        eddy_loop_unref(run->threads[i].loop);
    }
    pthread_cond_destroy(&run->changed);
    pthread_mutex_destroy(&run->lock);
    eddy__free(run);
}

static int run_on_loop(struct threads_run *run) {
    int r;

    run->waiter = eddy__task_to_suspend(run->loop, &r);
    if (!run->waiter)
        return r;
    run_watch_signals(run);
    r = run_start(run);
    if (r == 0)
        run_wait(run);
    run_forget_signals(run);
    for (int i = 0; i < run->started; i++)
        pthread_join(run->threads[i].id, NULL);
    return r < 0 ? r : run_result(run);
}

static int run_all(struct threads_run *run) {
    int r = eddy_loop_new(NULL, &run->loop);

    if (r < 0)
        return r;
    r = run_on_loop(run);
    eddy_loop_close(run->loop);
    return r;
}

static int run_threads(eddy_fn *fn, void *arg, const eddy_threads_options *given, size_t given_size,
                       int *signo) {
    eddy_threads_options options = {0};
    struct threads_run *run;
    int r;

    *signo = 0;
    if (eddy__thread.running)
        return eddy_raise(-EDEADLK, "eddy_run_threads() inside a running loop would stop it: hand "
                                    "work to another loop, or use eddy_to_thread()");
    if (given)
        memcpy(&options, given, MIN(given_size, sizeof(options)));
    if (options.threads < 0)
        return eddy_raise(-EINVAL, "eddy_run_threads() with %d threads", options.threads);
    run = run_new(fn, arg, &options);
    if (!run)
        return eddy__fail(-ENOMEM);
    r = run_all(run);
    *signo = run->signo;
    run_free(run);
    return r;
}

int eddy_run_threads_sized(eddy_fn *fn, void *arg, const eddy_threads_options *options,
                           size_t options_size) {
    int signo;

    return run_threads(fn, arg, options, options_size, &signo);
}

int eddy_main_threads_sized(eddy_fn *fn, void *arg, const eddy_threads_options *options,
                            size_t options_size) {
    int signo, r = run_threads(fn, arg, options, options_size, &signo);

    return eddy__run_exit_status(r, signo);
}

/* --- inside ----------------------------------------------------------------------------------- */

int eddy_thread_index(void) {
    return here ? here->index : 0;
}

int eddy_thread_count(void) {
    return here ? here->run->count : 1;
}

eddy_loop *eddy_thread_loop(int index) {
    if (!here)
        return eddy__loop_or_default(NULL);
    index %= here->run->count;
    return here->run->threads[index < 0 ? index + here->run->count : index].loop;
}

int eddy_threads_stop(void) {
    struct threads_run *run = here ? here->run : NULL;

    if (!run)
        return eddy_raise(EDDY_EINVALID_STATE, "this thread is none of eddy_run_threads()");
    if (run->loop->fork_generation != eddy__fork_generation)
        return eddy_raise(EDDY_EFORKED, "these threads were started before fork()");
    if (!atomic_exchange(&run->stop_is_requested, true))
        eddy__loop_post(run->loop, &run->stop_request);
    return 0;
}

int eddy_processor_count(void) {
    return eddy__processors();
}
