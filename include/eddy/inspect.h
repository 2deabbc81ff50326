/* SPDX-License-Identifier: MIT
 * eddy/inspect.h - which task waits for what, since where, and who waits for it.
 *
 * Nothing is recorded for this: it is read from the waits there are, so it costs nothing until it
 * is asked for. The calls belong to the loop's thread (EDDY_EWRONG_THREAD), never suspend, and may
 * stand in a task, in a callback, or outside of any. A loop NULL is the running one, else the
 * thread's default.
 *
 * Stacks are unwound by the tables that compilers write, without frame pointers; functions are
 * named by the symbol table of their file, unless that was stripped. With ucontext's switch (other
 * processors than x86-64 and AArch64) the stack of a parked task is not known, only the place of
 * its await. */
#ifndef EDDY_INSPECT_H
#define EDDY_INSPECT_H

#include <stdio.h>

#include <eddy/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- printing --------------------------------------------------------------------------------- */

/* Writes what the task waits for, its calls (innermost first; eddy's own are left out), and the
 * same of whoever awaits it: asyncio's print_call_graph(). task NULL: the running task; in a
 * callback and outside, all tasks of the loop, as eddy_print_task_tree(). Returns 0; -EINVAL for a
 * future that is no task or is done; -ENOMEM. */
EDDY_API int eddy_print_call_graph(const eddy_task *task, FILE *stream);

/* Writes the tasks of a loop as a tree: below each task those that it waits for, or that are of its
 * task group. Returns 0 or -ENOMEM. */
EDDY_API int eddy_print_task_tree(eddy_loop *loop, FILE *stream);

/* Writes all calls on the task's stack, the most recent last: asyncio's Task.print_stack(). task
 * NULL: the running one. Returns as eddy_print_call_graph(); -EINVAL outside any task, too. */
EDDY_API int eddy_print_stack(const eddy_task *task, FILE *stream);

/* The same as texts, yours to eddy_free(), which frees with eddy's allocator and returns NULL.
 * Returns 0 or as above. */
EDDY_API int eddy_format_call_graph(const eddy_task *task, char **text);
EDDY_API int eddy_format_task_tree(eddy_loop *loop, char **text);

/* --- capturing -------------------------------------------------------------------------------- */

typedef struct eddy_call_frame {
    const char *function; /* NULL: not known */
    const char *module;   /* the file of the program or library */
    size_t offset;        /* in that file, for addr2line -e */
    bool is_eddy;         /* of the library itself */
} eddy_call_frame;

/* A task, and what it was at when the graph was captured. Other tasks are indices. */
typedef struct eddy_call_node {
    const eddy_task *task; /* which one: no reference */
    const char *name;
    const char *created;     /* "main.c:12" */
    const char *state;       /* "new", "ready", "running" or "waiting" */
    const char *waiting_for; /* "a sleep, 1.200 s left", "fd 7 to read"; NULL unless it waits */
    const eddy_place *place; /* of the await; NULL: not noted */
    const eddy_call_frame *frames; /* innermost first */
    const int *awaits;             /* tasks that it waits for, or that are of its task group */
    const int *awaited_by;
    int frames_count;
    int awaits_count;
    int awaited_by_count;
} eddy_call_node;

/* All tasks of a loop that are not done, in no order that means anything. */
typedef struct eddy_call_graph {
    int count;
    const eddy_call_node *nodes;
} eddy_call_graph;

/* Takes the picture; *graph is yours to free, and stays as it is whatever the tasks do. Returns 0,
 * -ENOMEM, EDDY_EWRONG_THREAD. free returns NULL. */
EDDY_API int eddy_capture_call_graph(eddy_loop *loop, eddy_call_graph **graph);
EDDY_API eddy_call_graph *eddy_call_graph_free(eddy_call_graph *graph);

#ifdef __cplusplus
}
#endif

#endif
