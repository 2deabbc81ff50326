/* SPDX-License-Identifier: MIT
 * eddy/task.h - run coroutines: eddy_run, tasks, sleep, cancellation.
 *
 * Awaiting a coroutine is calling it: code in a task is plain C, and a function that can suspend
 * says so in its comment. Outside any task a suspending call simply runs the loop until it is done.
 *
 * Cancellation is an error that sticks. After eddy_cancel(task) every suspending call in it is
 * refused with -ECANCELED at once, until eddy_uncancel(). -ECANCELED means that the call had no
 * effect: an operation that completed first returns its result, and the mark refuses the next call.
 *
 * What a task shares with its thread: errno is undefined after an eddy call; the signal mask,
 * floating-point control and thread-locals are the thread's. No longjmp, C++ exception or
 * pthread_cancel out of a coroutine. */
#ifndef EDDY_TASK_H
#define EDDY_TASK_H

#include <eddy/future.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Runs fn(arg) as the main task of a new loop; at its end cancels and awaits what is left, and
 * closes the loop. Returns what fn returned. May be called again and again; -EDEADLK inside a
 * running loop. SIGINT, where it was SIG_DFL, cancels the main task; a second one kills the
 * process. */
EDDY_API int eddy_run(eddy_fn *fn, void *arg);

/* eddy_run for main(): an error is printed with its traceback. Returns the exit status: fn's value
 * (0..255), 1 after an error, 130 after SIGINT. */
EDDY_API int eddy_main(eddy_fn *fn, void *arg);

/* --- tasks ------------------------------------------------------------------------------------ */

/* A task that starts in its turn. Returns a new reference: await, detach or unref it. NULL: no
 * memory. `arg` is borrowed and must live until the task has ended. Its name is the function's. */
#define eddy_create_task(...) eddy_create_task_at(EDDY_PLACE "\0" #__VA_ARGS__, __VA_ARGS__)
EDDY_API eddy_task *eddy_create_task_at(const char *origin, eddy_fn *fn, void *arg);

/* All zero is the default of everything. */
typedef struct eddy_task_options {
    const char *name;   /* copied */
    size_t stack_bytes; /* 0: the loop's default. Rounded up to a power of two, at least 32 KiB */
    size_t copy_bytes;  /* > 0: `arg` is copied, the copy lives until fn has returned */
    void (*free_arg)(
        void *arg);  /* called exactly once: after fn, instead of fn, or when creation fails */
    eddy_loop *loop; /* NULL: the running loop, else the thread's default */
    bool eager;      /* runs at once, until it first suspends, before this call returns */
} eddy_task_options;

/* The same with options: eddy_create_task_with(&(eddy_task_options){.name = "reader"}, fn, arg). */
#define eddy_create_task_with(...) \
    eddy_create_task_with_at(EDDY_PLACE "\0" #__VA_ARGS__, sizeof(eddy_task_options), __VA_ARGS__)
EDDY_API eddy_task *eddy_create_task_with_at(const char *origin, size_t options_size,
                                             const eddy_task_options *options, eddy_fn *fn,
                                             void *arg);

/* The running task, borrowed; NULL in a callback and outside. */
EDDY_API eddy_task *eddy_current_task(void);

/* Its name; NULL for a plain future. Valid as long as the task. */
EDDY_API const char *eddy_task_name(const eddy_task *task);

/* The tasks of a loop that are not done: up to `capacity` new references in tasks[]. Returns how
 * many there are. */
EDDY_API int eddy_all_tasks(eddy_loop *loop, eddy_task **tasks, int capacity);

/* How many cancels of the running task have not been taken back; eddy_uncancel() takes one back and
 * returns how many remain. 0 outside a task. */
EDDY_API int eddy_cancelling(void);
EDDY_API int eddy_uncancel(void);

/* --- time ------------------------------------------------------------------------------------- */

/* Suspends for `seconds` (<= 0: as eddy_yield; INFINITY: until cancelled). Returns 0 or -ECANCELED.
 */
EDDY_API int eddy_sleep(double seconds);

/* Lets the other ready tasks run first: asyncio's sleep(0). Suspends. Returns 0 or -ECANCELED. */
EDDY_API int eddy_yield(void);

/* A time-out is a scope: from its expiry to its end every suspending call inside returns
 * -ECANCELED.
 *
 *     eddy_timeout t;
 *     eddy_timeout_begin(&t, 2.0);
 *     r = talk(stream);
 *     return eddy_timeout_end(&t, r);
 *
 * The end returns -ETIMEDOUT if r is -ECANCELED because of this scope, else r.
 *
 * It lives on the stack of the task that begins it. Scopes nest; ending them out of order, or a
 * task inside one, aborts with the place of the begin. seconds <= 0: expired at once; INFINITY:
 * never. */
typedef struct eddy_timeout {
    uint64_t reserved[16];
} eddy_timeout;
#define eddy_timeout_begin(...) eddy_timeout_begin_at(EDDY_PLACE, __VA_ARGS__)
EDDY_API void eddy_timeout_begin_at(const char *place, eddy_timeout *timeout, double seconds);
EDDY_API void eddy_timeout_reschedule(eddy_timeout *timeout,
                                      double seconds); /* from now; an expired one stays so */
EDDY_API void eddy_timeout_reschedule_at(eddy_timeout *timeout,
                                         double when); /* on eddy_time()'s clock */
EDDY_API bool eddy_timeout_expired(const eddy_timeout *timeout);
EDDY_API int eddy_timeout_end(eddy_timeout *timeout, int result);

/* The same around one call, in this task: safe to return early inside. Suspends if fn does. */
EDDY_API int eddy_with_timeout(double seconds, eddy_fn *fn, void *arg);

/* Hides cancels and the time-outs further out from what is inside, for clean-up that must wait.
 * Time-outs begun inside work. What came meanwhile is in force again after the end. */
typedef struct eddy_shield_scope {
    uint64_t reserved[8];
} eddy_shield_scope;
#define eddy_shield_begin(...) eddy_shield_begin_at(EDDY_PLACE, __VA_ARGS__)
EDDY_API void eddy_shield_begin_at(const char *place, eddy_shield_scope *scope);
EDDY_API void eddy_shield_end(eddy_shield_scope *scope);

/* --- threads ---------------------------------------------------------------------------------- */

/* Runs fn(arg) in the loop's thread pool and returns its result, its error's sentence included.
 * Suspends. fn may block; eddy's suspending calls in it answer -EDEADLK. Cancelled before the job
 * started: -ECANCELED, fn never runs; after: waits for its end and returns its result. */
EDDY_API int eddy_to_thread(eddy_fn *fn, void *arg);

#ifdef __cplusplus
}
#endif

#endif
