/* SPDX-License-Identifier: MIT
 * eddy/task_local.h - variables that each task has for itself: Python's contextvars.
 *
 *     static eddy_local request = EDDY_LOCAL_INIT("request", NULL);
 *
 *     eddy_local_set(&request, "GET /", NULL);              in the task of a connection
 *     ...
 *     log_line(eddy_local_get(&request), "not found");      in whatever it calls
 *
 * A variable is a static object; its value belongs to the task that set it. A task begins with the
 * values that its creator had when it was created: later changes on either side are not seen by the
 * other. eddy_to_thread() and eddy_run_coroutine_threadsafe() take them along to the other thread.
 * Outside any task, in callbacks too, the values are the thread's own.
 *
 * Setting costs one small allocation at most, inheriting a counter, reading a short search. Nothing
 * here suspends. */
#ifndef EDDY_TASK_LOCAL_H
#define EDDY_TASK_LOCAL_H

#include <eddy/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Its identity is its address: it must outlive every task in which it was set. */
typedef struct eddy_local {
    const char *name; /* for whoever reads a dump; NULL: none */
    void *initial;    /* its value where nothing was set */
    uint64_t reserved[2];
} eddy_local;
#define EDDY_LOCAL_INIT(name, initial) \
    {                                  \
        name, initial, {               \
            0, 0                       \
        }                              \
    }

/* What undoes one set. All zero: nothing. */
typedef struct eddy_local_token {
    uint64_t reserved[6];
} eddy_local_token;

/* The value in the running task: what was set last, else what was inherited, else the initial one.
 * Borrowed. */
EDDY_API void *eddy_local_get(const eddy_local *local);

/* Sets it for the running task and the tasks that it will create; `value` is borrowed. With a
 * token (NULL: none), eddy_local_reset() owes the old value: the token must be reset, by the same
 * task. Returns 0, or -ENOMEM: the value and the token are as they were. */
EDDY_API int eddy_local_set(const eddy_local *local, void *value, eddy_local_token *token);

/* The same with a value that is taken: destroy(value) is called once, when the last task that could
 * read it has let go of it, in that task's thread, or here when it fails. It must not suspend. */
EDDY_API int eddy_local_set_with(const eddy_local *local, void *value, void (*destroy)(void *value),
                                 eddy_local_token *token);

/* Gives the variable the value that it had before the set of this token, and clears the token.
 * Returns 0; EDDY_EINVALID_STATE for a token that is clear already, or another task's; -ENOMEM,
 * possible only while a child or a snapshot shares the values: the token may be tried again. */
EDDY_API int eddy_local_reset(eddy_local_token *token);

/* --- snapshots -------------------------------------------------------------------------------- */

/* All values at a moment: contextvars.copy_context(). They do not change any more. A task can be
 * created with them instead of its creator's (eddy_task_options.context), in any thread. Returns a
 * new reference, never NULL. Any thread. */
EDDY_API eddy_context *eddy_context_copy(void);
EDDY_API eddy_context *eddy_context_ref(eddy_context *context);
/* Returns NULL. */
EDDY_API eddy_context *eddy_context_unref(eddy_context *context);

#ifdef __cplusplus
}
#endif

#endif
