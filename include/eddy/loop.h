/* SPDX-License-Identifier: MIT
 * eddy/loop.h - an event loop and its low-level calls.
 *
 * Most programs never name a loop: eddy_run() makes one, and a suspending call outside any task
 * runs the thread's default loop. This header is for those who schedule callbacks, watch
 * descriptors and signals, or run a loop of their own.
 *
 * A turn runs the ready queue in order (until it is empty or 256 entries are spent), then the
 * timers that are due, then one poll. The loop's clock stands still from a poll to the timers.
 *
 * A loop belongs to the thread that runs it (before its first run: to the one that made it). Calls
 * from another thread answer EDDY_EWRONG_THREAD, but for those marked "Any thread". */
#ifndef EDDY_LOOP_H
#define EDDY_LOOP_H

#include <eddy/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a loop waits for descriptors. */
typedef enum eddy_backend {
    EDDY_BACKEND_AUTO, /* io_uring where the kernel allows it, else epoll: eddy_loop_info() says why
                        */
    EDDY_BACKEND_EPOLL,
    EDDY_BACKEND_IO_URING,
    EDDY_BACKEND_SIM
} eddy_backend;

/* The time that a loop goes by. */
typedef enum eddy_clock {
    EDDY_CLOCK_MONOTONIC, /* the system's */
    EDDY_CLOCK_VIRTUAL,   /* starts at 0 and jumps to the next deadline whenever the loop would wait
                             for nothing else:   tests of time that take no time */
} eddy_clock;

/* Is told of what nobody else would hear: a task that failed and was never awaited, or what a
 * callback hands to eddy_loop_call_exception_handler(). `what` says what has failed; `error` is
 * borrowed for the call. Runs on the loop's thread and must not suspend. What is reported while it
 * runs goes to the log. */
typedef void eddy_exception_handler(eddy_loop *loop, const eddy_error *error, const char *what,
                                    void *arg);

/* All zero is the default of everything. */
typedef struct eddy_loop_options {
    eddy_backend backend; /* EDDY_BACKEND=epoll or io_uring in the environment decides when AUTO */
    eddy_clock clock;
    size_t stack_bytes; /* of a task that does not say; 0: 256 KiB. Rounded up to a power of two */
    int executor_threads; /* most threads of its own pool, which is the default executor
                             (eddy/executor.h); 0: eddy_processor_count() + 4, at most 32 */
    bool keep_sigsegv; /* leave SIGSEGV and SIGBUS alone: a stack overflow is then a plain crash */
    eddy_exception_handler *exception_handler; /* NULL: writes to the log */
    void *exception_arg;
    /* How long an idle thread of the pool, or the loop before it sleeps in a poll, looks for work
     * again and again instead; 0: not at all. On a machine with two or more idle processors, 50e-6
     * makes an answer come several times sooner, as waking a processor takes longer than most
     * answers. On a busy one it is a waste: it takes a whole processor while it lasts. */
    double executor_spin_seconds;
    double poll_spin_seconds;
    int turn_budget;     /* most tasks and callbacks that run between two polls; 0: 256 */
    bool measure_stacks; /* for eddy_stack_report(); takes some 20 microseconds a task */
    /* Debug mode, also by EDDY_DEBUG=1 in the environment: reports to the log what is not wrong by
     * itself (docs/debugging.md). Slower; the order in which tasks run is the same. */
    bool debug;
    double slow_callback_seconds; /* debug: a longer step is reported; 0: 0.1 */
} eddy_loop_options;

/* Makes a loop. options may be NULL. Returns 0, -ENOMEM, -EMFILE, -ENOTSUP (a backend that this
 * build or kernel does not have). The caller owns *out: eddy_loop_close(). */
EDDY_API int eddy_loop_new_sized(const eddy_loop_options *options, size_t options_size,
                                 eddy_loop **out);
static inline int eddy_loop_new(const eddy_loop_options *options, eddy_loop **out) {
    return eddy_loop_new_sized(options, sizeof(eddy_loop_options), out);
}

/* Runs until `future` is done. Takes it. Returns its result as eddy_await() would; -EDEADLK inside
 * a running loop; EDDY_EINVALID_STATE when eddy_loop_stop() ended the run first: the future is then
 * let go, and a task goes on when the loop runs again. */
EDDY_API int eddy_loop_run_until_complete(eddy_loop *loop, eddy_future *future);

/* Runs until eddy_loop_stop(). Returns 0; -EDEADLK inside a running loop; EDDY_EWRONG_THREAD while
 * another thread runs it; EDDY_ESHUTDOWN once it is closed. */
EDDY_API int eddy_loop_run_forever(eddy_loop *loop);

/* One turn, for a host that owns the main loop: waits at most `seconds` (INFINITY: until something
 * happens) if nothing is ready. Returns 0, or -EDEADLK inside a running loop. */
EDDY_API int eddy_loop_run_once(eddy_loop *loop, double seconds);

/* A descriptor that is readable when run_once has work, timers and queued callbacks included: poll
 * it, never read it. Valid until the loop is closed. */
EDDY_API int eddy_loop_fd(eddy_loop *loop);

/* Seconds until run_once has work: 0 now, INFINITY when it waits for descriptors only. */
EDDY_API double eddy_loop_timeout(eddy_loop *loop);

/* Makes run_forever, or run_until_complete, return after the callbacks that are ready now: what
 * these make ready waits for the next run. A loop that does not run remembers it: the next such run
 * looks once, runs what is ready then, and returns. A plain suspending call outside any task does
 * not heed it. Stopping twice is stopping once. The loop's thread only: from another one post it
 * with eddy_call_soon_threadsafe(). */
EDDY_API void eddy_loop_stop(eddy_loop *loop);

/* Closes and frees. Tasks that still exist are reported, and end without running further; callbacks
 * are dropped; jobs of its executor that have started are waited for, which blocks, and the others
 * never run (eddy_shutdown_default_executor() first, or eddy_run(), lets them run). Returns NULL;
 * or the loop, unchanged, when it was refused: it is running (-EBUSY) or belongs to another thread.
 * close(NULL) is NULL, and so is that of a loop that is closed already, if you hold a reference. */
EDDY_API eddy_loop *eddy_loop_close(eddy_loop *loop);

/* A reference of your own for another thread: keeps the memory, not the loop, so that a
 * call_soon_threadsafe after the close answers EDDY_ESHUTDOWN. Any thread. unref returns NULL. */
EDDY_API eddy_loop *eddy_loop_ref(eddy_loop *loop);
EDDY_API eddy_loop *eddy_loop_unref(eddy_loop *loop);

/* The loop that runs on this thread, or NULL outside. Borrowed. */
EDDY_API eddy_loop *eddy_running_loop(void);

/* The loop's clock in seconds (of the running loop, else of the thread's default loop): it only
 * ever grows, and stands still within a turn. */
EDDY_API double eddy_time(void);

/* Whether it is inside one of the three runs above. */
EDDY_API bool eddy_loop_is_running(const eddy_loop *loop);

/* Of a loop that you hold a reference to (eddy_loop_ref). The loop's thread only. */
EDDY_API bool eddy_loop_is_closed(const eddy_loop *loop);

/* What a loop is made of and what it has done. Returns 0. */
typedef struct eddy_loop_statistics {
    const char *backend;     /* "io_uring" or "epoll" */
    const char *reason;      /* why this backend, a sentence */
    const char *stack_guard; /* "MADV_GUARD_INSTALL", "mprotect" or "canary" */
    uint64_t turns;          /* polls, in other words */
    uint64_t switches;       /* tasks and callbacks that were run */
    size_t tasks;            /* created and not yet freed */
    size_t stacks_in_use;
    size_t stacks_free;            /* kept for the next task */
    size_t stack_bytes_reserved;   /* address space, not memory */
    size_t stack_bytes_resident;   /* memory, at least: a page for each stack in use or free */
    size_t stacks_trimmed;         /* so many times a stack that had lain free was given back to the
                                    * system: half of them for each second, all but a few */
    uint64_t connections_accepted; /* by the servers of this loop, those that are closed included */
    size_t connections_open;       /* clients that they have now */
} eddy_loop_statistics;
EDDY_API int eddy_loop_info_sized(eddy_loop *loop, eddy_loop_statistics *out, size_t out_size);
static inline int eddy_loop_info(eddy_loop *loop, eddy_loop_statistics *out) {
    return eddy_loop_info_sized(loop, out, sizeof(eddy_loop_statistics));
}

/* All loops of the process added up, the closed ones with what they have done. Any thread, and no
 * loop is disturbed: of each it is what it was before its last wait (or, if it never rests, some
 * turns ago). The three texts are NULL. Returns how many loops are open. */
EDDY_API int eddy_all_loops_info_sized(eddy_loop_statistics *out, size_t out_size);
static inline int eddy_all_loops_info(eddy_loop_statistics *out) {
    return eddy_all_loops_info_sized(out, sizeof(eddy_loop_statistics));
}

/* --- failures that nobody else would hear of -------------------------------------------------- */

/* Another handler; NULL: the default one. The loop's thread only. Returns 0, EDDY_EWRONG_THREAD,
 * EDDY_EFORKED, EDDY_ESHUTDOWN. */
EDDY_API int eddy_loop_set_exception_handler(eddy_loop *loop, eddy_exception_handler *handler,
                                             void *arg);

/* The handler that is set, and its argument (arg may be NULL); NULL: the default one. */
EDDY_API eddy_exception_handler *eddy_loop_get_exception_handler(const eddy_loop *loop, void **arg);

/* Tells the loop's handler. For callbacks, which return nothing, and for libraries: `what` says
 * what has failed, error NULL stands for eddy_last_error(). loop NULL: the running loop, else the
 * thread's default. The loop's thread only. Returns 0 or as set. */
EDDY_API int eddy_loop_call_exception_handler(eddy_loop *loop, const eddy_error *error,
                                              const char *what);

/* What is done without a handler: one line in the log (eddy_set_log), with the place. A handler may
 * call it for what it does not care for. loop and arg are not used. */
EDDY_API void eddy_default_exception_handler(eddy_loop *loop, const eddy_error *error,
                                             const char *what, void *arg);

/* --- callbacks -------------------------------------------------------------------------------- */

/* A scheduled callback: a token of slot and generation, never dereferenced. Zero: no memory, or the
 * wrong thread. */
typedef struct eddy_handle {
    uint64_t token;
} eddy_handle;

/* Runs fn(arg) in its turn; after `seconds`; at `when` on eddy_time()'s clock. `arg` is borrowed.
 * Equal deadlines run in the order of the calls. loop NULL: the running loop, else the thread's
 * default. */
EDDY_API eddy_handle eddy_call_soon(eddy_loop *loop, eddy_callback *fn, void *arg);
EDDY_API eddy_handle eddy_call_later(eddy_loop *loop, double seconds, eddy_callback *fn, void *arg);
EDDY_API eddy_handle eddy_call_at(eddy_loop *loop, double when, eddy_callback *fn, void *arg);

/* The callback will not run. Nothing happens for a handle that is zero, has run, or whose loop is
 * closed. */
EDDY_API void eddy_handle_cancel(eddy_handle handle);

/* eddy_call_soon from any thread, also from a signal handler: never calls malloc, keeps errno.
 * Wakes the loop. Returns 0; EDDY_ESHUTDOWN on a closed loop; -ENOMEM when a million calls wait and
 * the kernel gives no more room. */
EDDY_API int eddy_call_soon_threadsafe(eddy_loop *loop, eddy_callback *fn, void *arg);

/* --- descriptors and signals ------------------------------------------------------------------ */

/* Runs fn(arg) whenever fd can be read (written) without blocking, or has failed, until removed:
 * level-triggered. One reader and one writer per descriptor; a second call replaces the first.
 * Remove before you close the fd. Returns 0, -EBADF, -EPERM (a regular file is always ready),
 * -ENOMEM. remove: 1 removed, 0 there was none. */
EDDY_API int eddy_add_reader(eddy_loop *loop, int fd, eddy_callback *fn, void *arg);
EDDY_API int eddy_add_writer(eddy_loop *loop, int fd, eddy_callback *fn, void *arg);
EDDY_API int eddy_remove_reader(eddy_loop *loop, int fd);
EDDY_API int eddy_remove_writer(eddy_loop *loop, int fd);

/* Runs fn(arg) on the loop, not in the signal handler, each time the signal has come (several may
 * be told as one). Returns 0, -EINVAL (no such signal, SIGKILL, SIGSTOP), -EBUSY if another loop
 * has it. remove gives the signal its former action back: 1 removed, 0 there was none. */
EDDY_API int eddy_add_signal_handler(eddy_loop *loop, int signo, eddy_callback *fn, void *arg);
EDDY_API int eddy_remove_signal_handler(eddy_loop *loop, int signo);

#ifdef __cplusplus
}
#endif

#endif
