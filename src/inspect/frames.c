/* SPDX-License-Identifier: MIT
 * frames.c - unwinding a task's stack.
 *
 * A stack can be unwound from inside only: the tables of the compiler lead from a call to its
 * caller. So a parked task is visited: a function is called on its stack, as if the task had called
 * it (../coro/coro.h), and unwinds from there. */
#include "frames.h"

#include <string.h>

#include "backtrace.h"

/* The note itself, and the visit. */
#define VISIT_FRAMES 2

struct visit {
    uintptr_t calls[FRAMES_MAX + VISIT_FRAMES];
    int count;
};

__attribute__((noinline)) static void visit_note(void *arg) {
    struct visit *visit = arg;

    visit->count = eddy__backtrace(visit->calls, FRAMES_MAX + VISIT_FRAMES);
}

/* A task that made an eager one counts as running, but is not the one that runs. */
static bool is_parked(const struct eddy__task *task) {
    return task->stack && task != eddy__current &&
           (task->future.task_state == TASK_WAITING || task->future.task_state == TASK_READY ||
            task->future.task_state == TASK_RUNNING);
}

/* The first frame from the asker's on. */
static int skip_to_asker(const struct visit *visit, uintptr_t asker) {
    for (int i = 0; i < visit->count; i++)
        if (visit->calls[i] == asker - 1)
            return i;
    return 1;
}

/* Returns how many of the calls are ours. */
static int visit_task(struct visit *visit, const struct eddy__task *task, uintptr_t asker) {
    uintptr_t warm_up[1];

    visit->count = 0;
    if (task == eddy__current) {
        visit_note(visit);
        return skip_to_asker(visit, asker);
    }
    if (!is_parked(task))
        return 0;
    eddy__backtrace(warm_up, 1); /* what is bound on first use is bound on this stack */
    eddy__coro_visit(task->future.place, task->stack, visit_note, visit);
    return VISIT_FRAMES;
}

int eddy__frames_of(const struct eddy__task *task, uintptr_t asker, struct eddy__symbols *symbols,
                    eddy_call_frame frames[FRAMES_MAX]) {
    struct visit visit;
    int skipped = visit_task(&visit, task, asker), count = 0, end = visit.count;

    if (end < FRAMES_MAX + VISIT_FRAMES)
        end--; /* where the flow seems to have been called from */
    for (int i = skipped; i < end && count < FRAMES_MAX; i++) {
        struct eddy__symbol symbol = eddy__symbols_find(symbols, visit.calls[i]);
        frames[count++] = (eddy_call_frame){.function = symbol.function,
                                            .module = symbol.module,
                                            .offset = symbol.offset,
                                            .is_eddy = symbol.is_eddy};
    }
    return count;
}

/* --- whose they are --------------------------------------------------------------------------- */

static bool is_public(const eddy_call_frame *frame) {
    return frame->function && strncmp(frame->function, "eddy_", 5) == 0 &&
           frame->function[5] != '_';
}

/* Linked into the program, eddy's static functions look like the program's: what stands before the
 * public function is inside it, if anything of it is eddy's. */
static int inside_by_name(const eddy_call_frame *frames, int count, int inside) {
    if (inside == 0 || is_public(&frames[inside - 1]))
        return inside;
    for (int i = inside; i < count; i++)
        if (is_public(&frames[i]))
            return i + 1;
    return inside;
}

static int count_eddy(const eddy_call_frame *frames, int count, int from) {
    while (from < count && frames[from].is_eddy)
        from++;
    return from;
}

static bool is_entry(const eddy_call_frame *frame) {
    return frame->is_eddy || (frame->function && strcmp(frame->function, "task_entry") == 0);
}

const eddy_call_frame *eddy__frames_of_user(const eddy_call_frame *frames, int *count) {
    int inside = count_eddy(frames, *count, 0), all = *count;

    if (eddy__symbols_go_by_name())
        inside = count_eddy(frames, all, inside_by_name(frames, all, inside));
    while (all > inside && is_entry(&frames[all - 1]))
        all--;
    *count = all - inside;
    return frames + inside;
}
