/* SPDX-License-Identifier: MIT
 * eddy/executor.h - pools of threads for what blocks: disks, databases, libraries that wait, long
 * sums.
 *
 * Each loop has a default pool, which eddy_to_thread() uses; most programs need no other. A pool of
 * one's own keeps slow work from standing in the way of quick work, bounds what waits, and may be
 * shared by the loops of several threads.
 *
 * A job is a plain function. It may block; eddy's suspending calls in it answer -EDEADLK. Jobs
 * start in the order in which they were submitted. One that has started is never interrupted; one
 * that has not can be cancelled, and then never runs. What borrows (`arg`) must live until the job
 * is done. Signals do not go to a pool's threads. */
#ifndef EDDY_EXECUTOR_H
#define EDDY_EXECUTOR_H

#include <eddy/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_executor eddy_executor;

/* All zero is the default of everything. */
typedef struct eddy_executor_options {
    int threads; /* at most so many, each started when a job finds none free; 0:
                    eddy_processor_count() + 4, at most 32, as jobs mostly wait */
    /* How many jobs of eddy_run_in_executor() may wait for a thread; 0: any number. One more fails
     * with -EAGAIN. Jobs of eddy_to_executor() are always let in: they lie on the stacks of tasks
     * that wait for them, and so are bounded by the number of those. */
    int queue_max;
    const char *name; /* of its threads, beside their number; copied, 11 bytes; NULL: eddy pool */
    double spin_seconds; /* how long an idle thread looks for a job before it sleeps; 0: not at all.
                            See eddy_loop_options.executor_spin_seconds */
} eddy_executor_options;

/* Makes a pool. No thread is started yet. options may be NULL. Any thread. Returns 0, -EINVAL (a
 * negative number), -ENOMEM. The caller owns *out: eddy_executor_close(). */
EDDY_API int eddy_executor_new_sized(const eddy_executor_options *options, size_t options_size,
                                     eddy_executor **out);
static inline int eddy_executor_new(const eddy_executor_options *options, eddy_executor **out) {
    return eddy_executor_new_sized(options, sizeof(eddy_executor_options), out);
}

/* Runs fn(arg) in the pool and returns its result, its error's sentence included. Suspends.
 * Cancelled before the job has started: -ECANCELED, fn never runs; after: waits for its end and
 * returns its result. executor NULL: the loop's default pool, and then this is eddy_to_thread().
 * -ECANCELED also when the pool is shut down before the job could start; EDDY_ESHUTDOWN when it is
 * already; -EAGAIN or -ENOMEM when it has no thread and none could be started. */
EDDY_API int eddy_to_executor(eddy_executor *executor, eddy_fn *fn, void *arg);

/* The same without waiting. Any thread. Returns a new reference to a shared future
 * (eddy/future.h): await it in a task of any loop, detach it, or block on it with
 * eddy_future_wait_blocking(). Cancelling it before the job has started ends it with -ECANCELED,
 * and fn never runs; after that a cancel does nothing and is false. It has failed at once with
 * -EAGAIN when the queue is full, and as eddy_to_executor() does. NULL: no memory. executor NULL:
 * the default pool of the running loop, or of the thread's default loop; in a thread of a pool
 * EDDY_EWRONG_THREAD, as it has none. A failure that nobody hears of is reported by the loop that
 * was running here, else in the log. Jobs of a closed loop that have not started end with
 * -ECANCELED if they were for its own pool. */
#define eddy_run_in_executor(...) eddy_run_in_executor_at(EDDY_PLACE "\0" #__VA_ARGS__, __VA_ARGS__)
EDDY_API eddy_future *eddy_run_in_executor_at(const char *origin, eddy_executor *executor,
                                              eddy_fn *fn, void *arg);

/* From now on the pool takes no job (EDDY_ESHUTDOWN). Those that wait still run; `immediate`: they
 * end with -ECANCELED, and never do. Any thread, jobs of the pool included; again and again. */
EDDY_API void eddy_executor_shutdown(eddy_executor *executor, bool immediate);

/* Shuts the pool down, waits until its jobs have run and its threads have ended, and frees it.
 * Takes it. Suspends. If the caller is cancelled, jobs that wait are cancelled as well; those that
 * run are waited for nevertheless, and the result is -ECANCELED. Else 0. Refused, and then the pool
 * is unchanged and still yours: -EDEADLK in a callback or in a pool's thread; EDDY_EFORKED in the
 * child of a fork(), where its threads are not. close(NULL) is 0. Nobody may use the pool
 * afterwards, apart from loops that have it as their default: those answer EDDY_ESHUTDOWN. */
EDDY_API int eddy_executor_close(eddy_executor *executor);

/* --- the default pool of a loop --------------------------------------------------------------- */

/* What eddy_to_thread() and a NULL executor stand for from now on. The pool is borrowed: whoever
 * made it closes it, and several loops may have the same. NULL: the loop's own again. Jobs stay
 * where they are. loop NULL: the running loop, else the thread's default. Returns 0,
 * EDDY_EWRONG_THREAD, EDDY_EFORKED or EDDY_ESHUTDOWN (a closed loop). */
EDDY_API int eddy_loop_set_default_executor(eddy_loop *loop, eddy_executor *executor);

/* Ends the default pool of the running loop (outside a run, of the thread's default loop): no job
 * more (EDDY_ESHUTDOWN), and if it is the loop's own, its jobs are waited for and its threads end;
 * one that was set is only let go. Suspends. Cancelled: as eddy_executor_close(). Returns 0,
 * -ECANCELED, -EDEADLK. eddy_run() does it at its end, so that jobs may still ask the loop. */
EDDY_API int eddy_shutdown_default_executor(void);

#ifdef __cplusplus
}
#endif

#endif
