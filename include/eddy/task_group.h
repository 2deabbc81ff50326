/* SPDX-License-Identifier: MIT
 * eddy/task_group.h - tasks that belong together: none outlives the group, one failure ends all.
 *
 *     eddy_task_group *group = eddy_task_group_new();
 *     eddy_task_group_create_task(group, fetch, "a");
 *     eddy_task_group_create_task(group, fetch, "b");
 *     r = do_more();                                   the body, which may suspend
 *     return eddy_task_group_end(group, r);            waits for all of them
 *
 * The first task of a group that fails cancels the others, and interrupts the body: from then on
 * the suspending calls of the task that made the group return -ECANCELED, until the end. A task
 * that was cancelled is no failure. The end waits for every task, so their arguments may lie on the
 * stack of the body. All calls belong to the loop's thread. */
#ifndef EDDY_TASK_GROUP_H
#define EDDY_TASK_GROUP_H

#include <eddy/task.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_task_group eddy_task_group;

/* An empty group, in the loop that runs (or the thread's default one). Its body is that of the
 * running task; made in a callback it has none. NULL: no memory, which the calls below accept. The
 * caller owns it: it must be ended, once. */
EDDY_API eddy_task_group *eddy_task_group_new(void);

/* A task of the group, as eddy_create_task(). The pointer is borrowed: valid until the task is
 * done, at least until the next call on this group; eddy_ref() keeps it. Also while the end waits:
 * a task may add others. In a group that was cancelled it is cancelled before it runs. NULL: no
 * memory, which counts as a failed task of the group, or the wrong thread; eddy_last_error() tells.
 */
#define eddy_task_group_create_task(group, ...) \
    eddy_task_group_create_task_at(EDDY_PLACE "\0" #__VA_ARGS__, group, __VA_ARGS__)
EDDY_API eddy_task *eddy_task_group_create_task_at(const char *origin, eddy_task_group *group,
                                                   eddy_fn *fn, void *arg);

/* The same with options, as eddy_create_task_with(); .loop is the group's. */
#define eddy_task_group_create_task_with(group, ...)                                             \
    eddy_task_group_create_task_with_at(EDDY_PLACE "\0" #__VA_ARGS__, sizeof(eddy_task_options), \
                                        group, __VA_ARGS__)
EDDY_API eddy_task *eddy_task_group_create_task_with_at(const char *origin, size_t options_size,
                                                        eddy_task_group *group,
                                                        const eddy_task_options *options,
                                                        eddy_fn *fn, void *arg);

/* Cancels all its tasks, those that will be added, too, and interrupts the body. The end then
 * returns 0 unless something failed. */
EDDY_API void eddy_task_group_cancel(eddy_task_group *group);

/* Ends the body with its result, waits until every task is done, and frees the group. Suspends.
 * Takes the group. A result < 0 cancels the tasks; so does a cancel of the caller, or a time-out,
 * while it waits. Returns the error that came first in time, the body's own among them; without
 * errors -ECANCELED if the caller was cancelled, else `result`. The other errors are
 * eddy_last_error()->others. In a callback, where nothing can wait: -EDEADLK, and the tasks are
 * cancelled. */
EDDY_API int eddy_task_group_end(eddy_task_group *group, int result);
EDDY_API int eddy_task_group_end_at(const eddy_place *place, eddy_task_group *group, int result);
#define eddy_task_group_end(...) \
    eddy_task_group_end_at(EDDY_HERE("eddy_task_group_end(" #__VA_ARGS__ ")"), __VA_ARGS__)

/* The same after a body that went well: eddy_task_group_end(group, 0). Suspends. Takes the group.
 */
EDDY_API int eddy_task_group_wait(eddy_task_group *group);
#define eddy_task_group_wait(...) \
    eddy_task_group_end_at(EDDY_HERE("eddy_task_group_wait(" #__VA_ARGS__ ")"), __VA_ARGS__, 0)

#ifdef __cplusplus
}
#endif

#endif
