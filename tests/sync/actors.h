/* SPDX-License-Identifier: MIT
 * actors.h - what the tests of locks and queues share: tests in virtual time, tasks around one
 * call, and the places where a call must not be made. */
#ifndef TEST_ACTORS_H
#define TEST_ACTORS_H

#include "../task/virtual.h"

/* One suspending call on something: int eddy_..._wait(eddy_... *). */
typedef int call_fn(void *object);

/* Makes the call, and notes its name, with "!" if it was cancelled, or with the error's name. */
struct caller {
    const char *name;
    call_fn *call;
    void *object;
    void (*release)(void *object); /* after a call that was made; NULL: nothing */
    double seconds;                /* between the two; 0: none */
};

static inline int caller(void *arg) {
    const struct caller *caller = arg;
    int r = caller->call(caller->object);

    note(r >= 0 ? "%s" : r == -ECANCELED ? "%s!" : "%s-%s", caller->name, eddy_error_name(r));
    if (r < 0)
        return r;
    if (caller->seconds > 0)
        eddy_sleep(caller->seconds);
    if (caller->release)
        caller->release(caller->object);
    return r;
}

static inline eddy_task *call_of(const char *name, call_fn *call, void *object,
                                 void (*release)(void *), double seconds) {
    struct caller made = {name, call, object, release, seconds};

    return eddy_create_task_with(&(eddy_task_options){.copy_bytes = sizeof(made)}, caller, &made);
}

static inline int acquire_lock(void *lock) {
    return eddy_lock_acquire(lock);
}
static inline void release_lock(void *lock) {
    eddy_lock_release(lock);
}

/* A task that acquires a lock, keeps it so long, and releases it; or keeps it for good. */
static inline eddy_task *user_of(const char *name, eddy_lock *lock, double seconds) {
    return call_of(name, acquire_lock, lock, release_lock, seconds);
}
static inline eddy_task *taker_of(const char *name, eddy_lock *lock) {
    return call_of(name, acquire_lock, lock, NULL, 0);
}

/* Awaits a task that was cancelled, or detached for good. */
#define ASSERT_CANCELLED(task) ASSERT_CODE(-ECANCELED, eddy_await(task))

static inline void yield_times(int times) {
    while (times-- > 0)
        ASSERT_OK(eddy_yield());
}

/* --- in a callback ---------------------------------------------------------------------------- */

struct in_callback {
    call_fn *call;
    void *object;
    int result;
};

static inline void call_in_callback(void *arg) {
    struct in_callback *made = arg;

    made->result = made->call(made->object);
}

/* What the call answers there. */
static inline int code_in_callback(call_fn *call, void *object) {
    struct in_callback made = {.call = call, .object = object};

    eddy_call_soon(NULL, call_in_callback, &made);
    ASSERT_OK(eddy_yield());
    return made.result;
}

#endif
