/* SPDX-License-Identifier: MIT
 * eddy/threads.h - more than one core: a loop in each of several threads, and work for the others.
 *
 * A loop and its tasks stay in one thread; nothing is stolen, and tasks of one thread need no locks
 * among each other. What is to use another core is handed over, item by item through a channel
 * (eddy/channel.h) or as a function with its argument: eddy_run_coroutine_threadsafe(). A server on
 * all cores is a server in each thread, on one port:
 *
 *     static int serve(void *arg) {
 *         eddy_server_options options = {.reuse_port = true};
 *         eddy_server *server;
 *         int r = eddy_start_server(echo, arg, "", "8080", &options, &server);
 *         return r < 0 ? r : eddy_server_serve_forever(server);
 *     }
 *
 *     int main(void) { return eddy_main_threads(serve, NULL, NULL); } */
#ifndef EDDY_THREADS_H
#define EDDY_THREADS_H

#include <eddy/loop.h>
#include <eddy/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- work for another thread's loop ----------------------------------------------------------- */

/* Runs fn(arg) as a task of `loop`. Any thread; not in a signal handler. Returns a new reference to
 * a shared future (eddy/future.h): await it in a task of another loop, detach it, or block on it
 * with eddy_future_wait_blocking(). `arg` is borrowed and must live until it is done. Cancelled
 * before the task has begun, it is done at once and fn never runs; after that, when the task has
 * ended. A closed loop gives a future that has failed with EDDY_ESHUTDOWN. NULL: no memory. The
 * caller holds a reference to the loop (eddy_loop_ref), or knows otherwise that it exists. */
#define eddy_run_coroutine_threadsafe(...) \
    eddy_run_coroutine_threadsafe_at(EDDY_PLACE "\0" #__VA_ARGS__, __VA_ARGS__)
EDDY_API eddy_future *eddy_run_coroutine_threadsafe_at(const char *origin, eddy_loop *loop,
                                                       eddy_fn *fn, void *arg);

/* --- a loop in each of several threads -------------------------------------------------------- */

/* All zero is the default of everything. */
typedef struct eddy_threads_options {
    int threads;  /* how many; 0: eddy_processor_count() */
    bool pin;     /* each thread to a processor of its own, round the ones that we may use */
    bool sigterm; /* SIGTERM stops them, too */
    uint64_t reserved[8];
    eddy_loop_options loop; /* of each thread's loop. Stays last, as it may grow */
} eddy_threads_options;

/* eddy_run on several threads: each new thread has a loop of its own and runs fn(arg) as its main
 * task; the calling thread waits. Returns when all have ended: 0, or the error of the first that
 * failed, which cancels the others' main tasks (as in a task group, a cancelled one is no failure,
 * and what failed after the first is eddy_last_error()->others).
 * SIGINT, where it was SIG_DFL, cancels all main tasks, and so does a time-out around the call; the
 * result is then -ECANCELED if one of them returned that. A second SIGINT kills the process.
 * options may be NULL. No fn runs if not all threads could be started: -EAGAIN or -ENOMEM, or what
 * a loop could not be made for. -EDEADLK inside a running loop. Suspends the calling thread. */
EDDY_API int eddy_run_threads_sized(eddy_fn *fn, void *arg, const eddy_threads_options *options,
                                    size_t options_size);
static inline int eddy_run_threads(eddy_fn *fn, void *arg, const eddy_threads_options *options) {
    return eddy_run_threads_sized(fn, arg, options, sizeof(eddy_threads_options));
}

/* The same for main(), as eddy_main(): an error is printed with its traceback. Returns the exit
 * status: 0, 1 after an error, 130 after SIGINT, 143 after SIGTERM. */
EDDY_API int eddy_main_threads_sized(eddy_fn *fn, void *arg, const eddy_threads_options *options,
                                     size_t options_size);
static inline int eddy_main_threads(eddy_fn *fn, void *arg, const eddy_threads_options *options) {
    return eddy_main_threads_sized(fn, arg, options, sizeof(eddy_threads_options));
}

/* Which of the threads of eddy_run_threads() this is, 0 to count - 1; elsewhere 0 of 1. */
EDDY_API int eddy_thread_index(void);
EDDY_API int eddy_thread_count(void);

/* The loop of the thread with this number, modulo the count: eddy_thread_loop(i++) goes round all
 * of them. Borrowed; valid until eddy_run_threads() returns, closed once its thread has ended.
 * Outside such a run the running loop, else the thread's default (NULL: no memory). */
EDDY_API eddy_loop *eddy_thread_loop(int index);

/* Cancels the main tasks of all threads of the run that the calling thread belongs to, its own
 * included, soon. That their tasks return -ECANCELED is then no error of the run. Returns 0;
 * EDDY_EINVALID_STATE outside such a run. */
EDDY_API int eddy_threads_stop(void);

/* How many processors this process may use: those of its affinity mask, at most as many as its
 * control group's quota pays for (rounded up). At least 1. */
EDDY_API int eddy_processor_count(void);

#ifdef __cplusplus
}
#endif

#endif
