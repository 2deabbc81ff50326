/* SPDX-License-Identifier: MIT
 * eddy/threads.h - more than one core: a loop in each of several threads, and work for the others.
 *
 * A loop and its tasks stay in one thread; nothing is stolen, and tasks of one thread need no locks
 * among each other. What is to use another core is handed over with its argument:
 * eddy_run_coroutine_threadsafe(). */
#ifndef EDDY_THREADS_H
#define EDDY_THREADS_H

#include <eddy/loop.h>
#include <eddy/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- work for another thread's loop
 * ------------------------------------------------------------------------------------------------
 */

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

#ifdef __cplusplus
}
#endif

#endif
