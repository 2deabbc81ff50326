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

#include <stdio.h>

#include <eddy/future.h>
#include <eddy/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Runs fn(arg) as the main task of a new loop; at its end cancels and awaits what is left, waits
 * for the jobs of its default executor, and closes the loop. Returns what fn returned. May be
 * called again and again; -EDEADLK inside a running loop. SIGINT, where it was SIG_DFL, cancels the
 * main task; a second one kills the process. EDDY_EINVALID_STATE when eddy_loop_stop() ended it
 * first. */
EDDY_API int eddy_run(eddy_fn *fn, void *arg);
EDDY_API int eddy_run_at(const eddy_place *place, eddy_fn *fn, void *arg);
#define eddy_run(...) eddy_run_at(EDDY_HERE("eddy_run(" #__VA_ARGS__ ")"), __VA_ARGS__)

/* eddy_run for main(): an error is printed with its traceback. Returns the exit status: fn's value
 * (0..255), 1 after an error, 130 after SIGINT. */
EDDY_API int eddy_main(eddy_fn *fn, void *arg);
EDDY_API int eddy_main_at(const eddy_place *place, eddy_fn *fn, void *arg);
#define eddy_main(...) eddy_main_at(EDDY_HERE("eddy_main(" #__VA_ARGS__ ")"), __VA_ARGS__)

/* Several runs on one loop, and a loop with options: asyncio.Runner. Tasks that a run leaves wait
 * for the next one, and go on in it; the close cancels and awaits them. Each run heeds SIGINT as
 * eddy_run() does. It belongs to the thread that made it.
 *
 *     eddy_runner *runner;
 *     r = eddy_runner_new(&(eddy_loop_options){.stack_bytes = 1 << 20}, &runner);
 *     if (r < 0)
 *         return r;
 *     r = eddy_runner_run(runner, set_up, &state);
 *     if (r >= 0)
 *         r = eddy_runner_run(runner, work, &state);
 *     eddy_runner_close(runner);
 */
typedef struct eddy_runner eddy_runner;

/* options may be NULL. Returns as eddy_loop_new(). The caller owns *out: eddy_runner_close(). */
EDDY_API int eddy_runner_new_sized(const eddy_loop_options *options, size_t options_size,
                                   eddy_runner **out);
static inline int eddy_runner_new(const eddy_loop_options *options, eddy_runner **out) {
    return eddy_runner_new_sized(options, sizeof(eddy_loop_options), out);
}

/* Runs fn(arg) as a main task. Returns what it returned; -EDEADLK inside a running loop;
 * EDDY_EWRONG_THREAD in another thread; EDDY_EINVALID_STATE when eddy_loop_stop() ended it. */
EDDY_API int eddy_runner_run(eddy_runner *runner, eddy_fn *fn, void *arg);
EDDY_API int eddy_runner_run_at(const eddy_place *place, eddy_runner *runner, eddy_fn *fn,
                                void *arg);
#define eddy_runner_run(...) \
    eddy_runner_run_at(EDDY_HERE("eddy_runner_run(" #__VA_ARGS__ ")"), __VA_ARGS__)

/* Its loop, borrowed: for callbacks, handlers and tasks that are to be there before a run. */
EDDY_API eddy_loop *eddy_runner_loop(eddy_runner *runner);

/* Ends what the runs have left, as eddy_run() does, closes the loop and frees. Returns NULL; or the
 * runner, unchanged, when refused: inside a running loop (-EDEADLK), in another thread, or in the
 * child of a fork(). close(NULL) is NULL. */
EDDY_API eddy_runner *eddy_runner_close(eddy_runner *runner);

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
    eddy_context *context; /* its task-local values (task_local.h); NULL: its creator's. Borrowed */
} eddy_task_options;

/* The same with options: eddy_create_task_with(&(eddy_task_options){.name = "reader"}, fn, arg). */
#define eddy_create_task_with(...) \
    eddy_create_task_with_at(EDDY_PLACE "\0" #__VA_ARGS__, sizeof(eddy_task_options), __VA_ARGS__)
EDDY_API eddy_task *eddy_create_task_with_at(const char *origin, size_t options_size,
                                             const eddy_task_options *options, eddy_fn *fn,
                                             void *arg);

/* --- task factories --------------------------------------------------------------------------- */

/* Is asked, instead of the loop itself, for each task that is to be created in it, by whatever
 * call; `options` is never NULL. Creates it with `origin` and these options, or others, by
 * eddy_create_task_with_at(origin, sizeof(*options), options, fn, arg), once, and returns it. (Who
 * returns something else must see to options->free_arg.) Runs where the creator runs. */
typedef eddy_task *eddy_task_factory(eddy_loop *loop, const char *origin,
                                     const eddy_task_options *options, eddy_fn *fn, void *arg,
                                     void *factory_arg);

/* From now on; NULL: none. Returns 0, -ENOMEM, EDDY_EWRONG_THREAD. */
EDDY_API int eddy_loop_set_task_factory(eddy_loop *loop, eddy_task_factory *factory,
                                        void *factory_arg);

/* A factory whose tasks are all eager. */
EDDY_API eddy_task *eddy_eager_task_factory(eddy_loop *loop, const char *origin,
                                            const eddy_task_options *options, eddy_fn *fn,
                                            void *arg, void *factory_arg);

/* --- how deep stacks are used ----------------------------------------------------------------- */

/* What the tasks that were created at one place have used of their stacks. A coroutine needs what
 * its deepest chain of calls needs; whether 64 KiB would do instead of 256 is seen here. */
typedef struct eddy_stack_use {
    eddy_slice function;  /* the coroutine, as it is written there; not NUL-terminated */
    const char *place;    /* "file.c:12" */
    size_t stack_bytes;   /* of each: what was asked, rounded up */
    size_t usable_bytes;  /* of these, without the guard */
    size_t deepest_bytes; /* of these, what one of them has used at most */
    uint64_t tasks;       /* that have ended; those that live count with what they used so far */
} eddy_stack_use;

/* The deepest first: up to `capacity` of them in uses[]. Returns how many places there are;
 * -ENOTSUP in a loop that was made without .measure_stacks. The texts live as long as the program's
 * code. What was used only by signal handlers is counted as well. */
EDDY_API int eddy_stack_report(eddy_loop *loop, eddy_stack_use *uses, int capacity);

/* The same as a table. With EDDY_MEASURE_STACKS=1 in the environment every loop measures, and
 * prints it to stderr when it is closed. */
EDDY_API void eddy_print_stack_report(eddy_loop *loop, FILE *file);

/* --- who runs --------------------------------------------------------------------------------- */

/* The running task, borrowed; NULL in a callback and outside. */
EDDY_API eddy_task *eddy_current_task(void);

/* Its name; NULL for a plain future. Valid as long as the task, or until it is renamed. */
EDDY_API const char *eddy_task_name(const eddy_task *task);

/* Another name, copied; at any time. Returns 0, -ENOMEM, or -EINVAL for what is no task. */
EDDY_API int eddy_task_set_name(eddy_task *task, const char *name);

/* The tasks of a loop that are not done: up to `capacity` new references in tasks[]. Returns how
 * many there are. */
EDDY_API int eddy_all_tasks(eddy_loop *loop, eddy_task **tasks, int capacity);

/* How many cancels of the running task have not been taken back; eddy_uncancel() takes one back and
 * returns how many remain. 0 outside a task. */
EDDY_API int eddy_cancelling(void);
EDDY_API int eddy_uncancel(void);

/* The same for any task of this loop. A cancel that is taken back before the task has run leaves no
 * trace, unless it has ended a wait: that wait then returns -ECANCELED. 0 for what is no task; of
 * one that is done the count stays. */
EDDY_API int eddy_task_cancelling(const eddy_task *task);
EDDY_API int eddy_task_uncancel(eddy_task *task);

/* --- time ------------------------------------------------------------------------------------- */

/* Suspends for `seconds` (<= 0 or NaN: as eddy_yield; INFINITY: until cancelled). Returns 0 or
 * -ECANCELED.
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
 * never. Beginning one cannot fail: outside any task, where there is no memory for the default
 * loop, the calls inside say so. */
typedef struct eddy_timeout {
    uint64_t reserved[16];
} eddy_timeout;
#define eddy_timeout_begin(...) eddy_timeout_begin_at(EDDY_PLACE, __VA_ARGS__)
EDDY_API void eddy_timeout_begin_at(const char *place, eddy_timeout *timeout, double seconds);
#define eddy_timeout_at_begin(...) eddy_timeout_at_begin_at(EDDY_PLACE, __VA_ARGS__)
EDDY_API void eddy_timeout_at_begin_at(const char *place, eddy_timeout *timeout,
                                       double when); /* on eddy_time()'s clock */
EDDY_API void eddy_timeout_reschedule(eddy_timeout *timeout,
                                      double seconds); /* from now; an expired one stays so */
EDDY_API void eddy_timeout_reschedule_at(eddy_timeout *timeout,
                                         double when);          /* on eddy_time()'s clock */
EDDY_API double eddy_timeout_when(const eddy_timeout *timeout); /* likewise; INFINITY: never */
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

/* Runs fn(arg) in the loop's default pool of threads and returns its result, its error's sentence
 * included. Suspends. fn may block; eddy's suspending calls in it answer -EDEADLK. Cancelled before
 * the job started: -ECANCELED, fn never runs; after: waits for its end and returns its result.
 * Pools of your own, and jobs that run while you do something else: eddy/executor.h. */
EDDY_API int eddy_to_thread(eddy_fn *fn, void *arg);

#ifdef __cplusplus
}
#endif

#endif
