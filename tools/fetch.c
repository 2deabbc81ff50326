/* SPDX-License-Identifier: MIT
 * fetch.c - `eddy fetch`: many URLs at once.
 *
 * As many tasks as the concurrency allows take one URL after the other off the list; that is the
 * whole scheduler. Ctrl-C cancels the main task, gather passes it on to the workers, and each one's
 * clean-up removes its half page on the way out. Read next: fetch.h, a map of the parts. */
#include "fetch.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "cleanup.h"
#include "command.h"
#include "fetch_job.h"
#include "fetch_list.h"
#include "fetch_progress.h"
#include "fetch_report.h"
#include "text.h"

static int complain(int r, const char *what) {
    const eddy_error *error = eddy_last_error();
    fprintf(stderr, "eddy fetch: %s", what);
    text_print_plain(stderr, error && error->code == r ? error->message : eddy_error_text(r));
    fputc('\n', stderr);
    return r;
}

void fetch_break_off(struct fetch *fetch, const char *sentence) {
    if (fetch->broken)
        return;
    fetch->broken = strdup(sentence ? sentence : "no memory");
    if (fetch->main_task)
        eddy_cancel(fetch->main_task);
}

/* --- room for descriptors --- */

/* A connection each, a file each where bodies are kept, and what the process needs besides. */
static rlim_t descriptors_for(const struct fetch *fetch, int at_once) {
    bool keeps = fetch->options->directory || fetch->options->to_stdout;
    return (rlim_t)at_once * (keeps ? 2 : 1) + 64;
}

/* Raises our limit as far as that takes; where it cannot, fewer run at once, and we say so. */
static int fit_descriptors(const struct fetch *fetch, int at_once) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return at_once;

    rlim_t wanted = 2 * descriptors_for(fetch, at_once); /* a host may be tried over v4 and v6 */
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    int fewer = at_once;
    while (fewer > 1 && descriptors_for(fetch, fewer) > limit.rlim_cur)
        fewer--;
    if (fewer < at_once)
        fprintf(stderr,
                "eddy fetch: %d at once needs about %llu descriptors, the limit is %llu "
                "(ulimit -n): going on with %d at once\n",
                at_once, (unsigned long long)descriptors_for(fetch, at_once),
                (unsigned long long)limit.rlim_cur, fewer);
    return fewer;
}

/* --- the run --- */

static int worker(void *arg) {
    struct fetch *fetch = arg;
    CLEANUP(freep) char *block = malloc(FETCH_BLOCK_BYTES);
    if (!block)
        return -ENOMEM;

    int r = 0;
    while (r >= 0 && !fetch->broken && eddy_cancelling() == 0 && fetch->next < fetch->count)
        r = fetch_job_run(fetch, &fetch->jobs[fetch->next++], block);
    return r;
}

static int run_workers(struct fetch *fetch) {
    size_t most = fetch->options->concurrency;
    int count = fit_descriptors(fetch, (int)(fetch->count < most ? fetch->count : most));
    CLEANUP(freep) eddy_task **workers = calloc(count + 1, sizeof *workers);
    if (!workers)
        return -ENOMEM;

    for (int i = 0; i < count; i++)
        workers[i] = eddy_create_task(worker, fetch);
    return eddy_gather_array(workers, count, NULL);
}

static int run_with_picture(struct fetch *fetch) {
    if (!fetch_progress_is_wanted(fetch->options))
        return run_workers(fetch);

    eddy_task *picture = eddy_create_task(fetch_progress, fetch);
    int r = run_workers(fetch);
    eddy_cancel(picture);
    eddy_await(picture); /* its last act wipes the picture off the screen */
    return r;
}

static int open_session(struct fetch *fetch) {
    const struct fetch_options *o = fetch->options;
    eddy_http_session_options options = {
        .headers = o->headers,
        .ca_file = o->ca_file,
        .insecure = o->insecure,
        .redirects_max = o->redirects_max > 0 ? o->redirects_max : -1,
        .idle_connections_max = o->concurrency,
    };
    return eddy_http_session_new(&options, &fetch->session);
}

static void on_signal(struct fetch *fetch, int signo) {
    fetch->signal = signo;
    eddy_cancel(fetch->main_task);
}

static void on_sigterm(void *arg) {
    on_signal(arg, SIGTERM);
}

static void on_sighup(void *arg) {
    on_signal(arg, SIGHUP);
}

/* Ctrl-C is eddy_run's own; these two end a run in the same orderly way. */
static void watch_signals(struct fetch *fetch) {
    eddy_add_signal_handler(eddy_running_loop(), SIGTERM, on_sigterm, fetch);
    eddy_add_signal_handler(eddy_running_loop(), SIGHUP, on_sighup, fetch);
}

static int fetch_main(void *arg) {
    struct fetch *fetch = arg;
    int r = open_session(fetch);
    if (r < 0)
        return complain(r, "");

    watch_signals(fetch);
    fetch->main_task = eddy_current_task();
    fetch->started = eddy_time();
    r = run_with_picture(fetch);
    fetch->ended = eddy_time();
    fetch->main_task = NULL;

    fetch->session = eddy_http_session_free(fetch->session);
    return r;
}

/* --- the command --- */

static int exit_status(const struct fetch *fetch, int r) {
    if (fetch->broken)
        return EXIT_FAILED;
    if (fetch->signal)
        return EXIT_SIGNAL + fetch->signal;
    return r < 0 || fetch->tally.failed > 0 ? EXIT_FAILED : EXIT_GOOD;
}

static int fetch_run(struct fetch *fetch) {
    int r = fetch_sink_open(&fetch->sink, fetch->options);
    if (r < 0) {
        complain(r, "");
        return EXIT_FAILED;
    }

    r = eddy_run(fetch_main, fetch);
    if (r == -ECANCELED && !fetch->signal && !fetch->broken)
        fetch->signal = SIGINT;
    if (r < 0 && r != -ECANCELED && fetch->ended == 0)
        return EXIT_FAILED; /* the session could not be opened: said already */
    if (r < 0 && r != -ECANCELED)
        complain(r, "");
    fetch_report(fetch);
    return exit_status(fetch, r);
}

static int close_stdout(const struct fetch *fetch, int status) {
    if ((fflush(stdout) == 0 && !ferror(stdout)) || fetch->broken)
        return status;
    fprintf(stderr, "eddy fetch: cannot write to standard output: %s\n", strerror(errno));
    return status == EXIT_GOOD ? EXIT_FAILED : status;
}

int fetch_command(int argc, char *argv[]) {
    struct fetch_options options;
    int status = fetch_options_parse(&options, argc, argv);
    if (status >= 0)
        return status;

    signal(SIGPIPE,
           SIG_IGN); /* a reader that goes away is an error to report, half files removed */
    srand48(time(NULL) ^ ((long)getpid() << 16));

    struct fetch fetch = {
        .options = &options,
        .active = TAILQ_HEAD_INITIALIZER(fetch.active),
        .sink.directory_fd = -1,
    };
    status = fetch_list_read(&fetch) < 0 ? EXIT_USAGE : close_stdout(&fetch, fetch_run(&fetch));
    fetch_sink_close(&fetch.sink);
    fetch_list_free(&fetch);
    free(fetch.broken);
    return status;
}
