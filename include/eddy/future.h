/* SPDX-License-Identifier: MIT
 * eddy/future.h - what every waitable can do, tasks included.
 *
 * Awaiting takes the reference, like joining a thread: the pointer is dead afterwards. eddy_ref()
 * first to keep it, or eddy_wait() to wait without taking. A call that takes something has taken it
 * whatever it returns. NULL stands for "no memory" and is accepted wherever a future is taken
 * (-ENOMEM), so calls nest; any other failure to create is a real, already failed future. A future
 * that fails and that nobody awaits is reported when its last reference goes. */
#ifndef EDDY_FUTURE_H
#define EDDY_FUTURE_H

#include <eddy/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- waiting ----------------------------------------------------------------------------------
 *
 * The macros note the place of the call, for tracebacks and call graphs (eddy/inspect.h). */

/* Waits until it is done. Takes it. Suspends. Returns what the task's function returned, or its
 * error, with the error's sentence in eddy_last_error(). If the caller is cancelled meanwhile, the
 * cancel is passed on and await returns when the future has ended. -EDEADLK: a task awaits itself
 * (its reference is then not taken), or the call stands in a loop callback or a pool thread. */
EDDY_API int eddy_await(eddy_future *future);
EDDY_API int eddy_await_at(const eddy_place *place, eddy_future *future);
#define eddy_await(...) eddy_await_at(EDDY_HERE("eddy_await(" #__VA_ARGS__ ")"), __VA_ARGS__)

/* The same for a future that carries a value; *value is untouched on failure. value may be NULL. */
EDDY_API int eddy_await_value(eddy_future *future, void **value);
EDDY_API int eddy_await_value_at(const eddy_place *place, eddy_future *future, void **value);
#define eddy_await_value(...) \
    eddy_await_value_at(EDDY_HERE("eddy_await_value(" #__VA_ARGS__ ")"), __VA_ARGS__)

/* Waits for any number of futures and takes them: eddy_gather(a, b, c). Suspends until all are
 * done, also after a failure. Returns 0, or this task's own cancel, or the error that came first in
 * time. The others go on meanwhile: use eddy_cancel() or a task group where a failure should stop
 * them. */
#ifndef __cplusplus
#define eddy_gather(...)                                                                      \
    eddy_gather_array_at(                                                                     \
        EDDY_HERE("eddy_gather(" #__VA_ARGS__ ")"), (eddy_future *[]){NULL, __VA_ARGS__} + 1, \
        (int)(sizeof((eddy_future *[]){NULL, __VA_ARGS__}) / sizeof(eddy_future *)) - 1, NULL)
#else
#define eddy_gather(...) eddy_gather_from{EDDY_HERE("eddy_gather(" #__VA_ARGS__ ")")}(__VA_ARGS__)
#endif
/* results: one int per future, what eddy_await() would have returned; may be NULL. */
EDDY_API int eddy_gather_array(eddy_future **futures, int count, int *results);
EDDY_API int eddy_gather_array_at(const eddy_place *place, eddy_future **futures, int count,
                                  int *results);
#define eddy_gather_array(...) \
    eddy_gather_array_at(EDDY_HERE("eddy_gather_array(" #__VA_ARGS__ ")"), __VA_ARGS__)

/* Waits, and takes nothing. `seconds` may be INFINITY. Suspends. Returns how many are done (at a
 * time-out also 0), -ECANCELED, or -EINVAL for a NULL among them or an unknown `until`. The futures
 * go on when it leaves. EDDY_FIRST_ERROR: a cancelled one is no error. */
typedef enum eddy_wait_until {
    EDDY_ALL_COMPLETED,
    EDDY_FIRST_COMPLETED,
    EDDY_FIRST_ERROR
} eddy_wait_until;
EDDY_API int eddy_wait(eddy_future **futures, int count, double seconds, eddy_wait_until until);
EDDY_API int eddy_wait_at(const eddy_place *place, eddy_future **futures, int count, double seconds,
                          eddy_wait_until until);
#define eddy_wait(...) eddy_wait_at(EDDY_HERE("eddy_wait(" #__VA_ARGS__ ")"), __VA_ARGS__)

/* Waits at most `seconds`; then cancels it, waits for its end, and returns -ETIMEDOUT. Takes it.
 * Suspends. A future that completes although it was cancelled keeps its result. */
EDDY_API int eddy_wait_for(eddy_future *future, double seconds);
EDDY_API int eddy_wait_for_at(const eddy_place *place, eddy_future *future, double seconds);
#define eddy_wait_for(...) \
    eddy_wait_for_at(EDDY_HERE("eddy_wait_for(" #__VA_ARGS__ ")"), __VA_ARGS__)

/* A future that ends as the given one does, result, value and error. Takes it. A cancel of the
 * shield ends the shield alone: the other goes on, and is reported if it then fails unseen. Its
 * argument must not lie on the stack of who awaits the shield. One that is done is returned as it
 * is. NULL: no memory. To clean up behind a cancel in the same task, use eddy_shield_begin(). */
EDDY_API eddy_future *eddy_shield(eddy_future *future);

/* Futures in the order in which they complete; what is done already comes first. Takes them. next
 * suspends and returns 1 and a done future, which is yours to await or unref; 0 when all were
 * handed out; or -ECANCELED, and then loses nothing. A NULL comes out as NULL. One task asks at a
 * time (-EBUSY). Futures that cannot be waited for together are let go, and next says why. Closing
 * the loop over a task that asks frees the iterator. For a time-out, put a scope around it.
 *
 *     while ((r = eddy_as_completed_next(iterator, &future)) > 0)
 *         handle(eddy_await(future));
 */
typedef struct eddy_as_completed eddy_as_completed;
EDDY_API eddy_as_completed *eddy_as_completed_new(eddy_future **futures, int count);
EDDY_API int eddy_as_completed_next(eddy_as_completed *iterator, eddy_future **future);
/* Lets what was not handed out go on, as eddy_detach() does. Returns NULL. */
EDDY_API eddy_as_completed *eddy_as_completed_free(eddy_as_completed *iterator);

/* --- every future ----------------------------------------------------------------------------- */

/* Another reference; ref(NULL) is NULL. */
EDDY_API eddy_future *eddy_ref(eddy_future *future);
/* Gives a reference back; returns NULL. A running task goes on without it (the loop holds its own).
 */
EDDY_API eddy_future *eddy_unref(eddy_future *future);
/* Takes it, does not wait, does not cancel; a failure is reported when the task ends. Returns 0, or
 * -ENOMEM for NULL. */
EDDY_API int eddy_detach(eddy_future *future);

/* Asks it to end: a plain future is cancelled at once, a task's suspending calls return -ECANCELED
 * from now on. True if there was something to cancel. With a reason, that is the sentence of the
 * error (copied). */
EDDY_API bool eddy_cancel(eddy_future *future);
EDDY_API bool eddy_cancel_with(eddy_future *future, const char *reason);

/* Whether it is done, in whichever way; and whether it was a cancel that ended it. */
EDDY_API bool eddy_is_done(const eddy_future *future);
EDDY_API bool eddy_is_cancelled(const eddy_future *future);

/* The result of a done future, without waiting or taking: as eddy_await_value().
 * EDDY_EINVALID_STATE while pending. */
EDDY_API int eddy_future_result(eddy_future *future, void **value);

/* Runs fn(future, arg) by call_soon once it is done; at once in that sense if it is already.
 * `future` is borrowed for the call. Returns 0 or -ENOMEM. remove: how many were removed that had
 * not run. */
typedef void eddy_done_callback(eddy_future *future, void *arg);
EDDY_API int eddy_future_add_done_callback(eddy_future *future, eddy_done_callback *fn, void *arg);
EDDY_API int eddy_future_remove_done_callback(eddy_future *future, eddy_done_callback *fn,
                                              void *arg);

/* --- plain futures: completed by hand --------------------------------------------------------- */

/* A pending future, two references wanted: one for who awaits it (this), one for who completes it
 * (eddy_ref()). loop NULL: the running loop, else the thread's default. NULL: no memory. */
EDDY_API eddy_future *eddy_future_new(eddy_loop *loop);

/* Completes it. Returns 0, or EDDY_EINVALID_STATE once done or cancelled (`value` is then still
 * yours). _with: destroy(value) runs if the last reference goes and nobody took the value. */
EDDY_API int eddy_future_set_result(eddy_future *future, void *value);
EDDY_API int eddy_future_set_result_with(eddy_future *future, void *value,
                                         void (*destroy)(void *value));
EDDY_API int eddy_future_set_error(eddy_future *future, int code, const char *format, ...)
    EDDY_PRINTF(3, 4);

/* A future that completes after `seconds`; needs no stack, so a million of them are cheap. NULL: no
 * memory. */
EDDY_API eddy_future *eddy_after(double seconds);

/* --- shared futures: made for other threads --------------------------------------------------- */

/* What eddy_run_coroutine_threadsafe() and eddy_future_new_shared() return is shared: awaiting
 * (one, several, for a time), ref, unref, detach, cancel, is_done, is_cancelled and result are
 * legal in any thread; callbacks are not (EDDY_EWRONG_THREAD). In a gather, the failures of shared
 * ones come after those of the asker's own loop. In the child of a fork() one that was not done
 * answers EDDY_EFORKED. */

/* A pending future that any thread may complete with eddy_future_set_result() and its like, so that
 * another library's thread can be awaited. Two references wanted: one for who awaits it (this), one
 * for who completes it (eddy_ref()). destroy may run in any thread; a failure that nobody has heard
 * of is reported to the log. A loop's virtual time stands still while one is awaited. NULL: no
 * memory. */
EDDY_API eddy_future *eddy_future_new_shared(void);

/* Waits for a shared future in a thread that runs no loop, which it blocks for at most `seconds`
 * (INFINITY: until it is done). Takes nothing and cancels nothing. Returns as eddy_await() would;
 * -ETIMEDOUT: not done yet; -EDEADLK inside a running loop; EDDY_EWRONG_THREAD for a future that
 * is not shared. */
EDDY_API int eddy_future_wait_blocking(eddy_future *future, double seconds);

#ifdef __cplusplus
}

struct eddy_gather_from {
    const eddy_place *place;
    template <typename... Futures> int operator()(Futures... futures) const {
        eddy_future *array[] = {nullptr, futures...};
        return eddy_gather_array_at(place, array + 1, static_cast<int>(sizeof...(futures)),
                                    nullptr);
    }
};
#endif

#endif
