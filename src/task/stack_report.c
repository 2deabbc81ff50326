/* SPDX-License-Identifier: MIT
 * stack_report.c - how deep the stacks of a loop's tasks were used, by place of creation.
 *
 * Programs create their tasks in some dozens of places, so these are searched one by one. */
#include "stack_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "memory.h"
#include "os.h"
#include "scheduler.h"
#include "stack_depth.h"

#define PLACES_MAX 4096 /* more are left out: each costs a search */

struct eddy__stack_report *eddy__stack_report_new(const eddy_loop *loop) {
    bool is_printed = eddy__os_is_asked("EDDY_MEASURE_STACKS");
    struct eddy__stack_report *report;

    if (!is_printed && !loop->options.measure_stacks)
        return NULL;
    report = eddy__zalloc(sizeof(*report));
    if (report)
        report->is_printed = is_printed;
    return report;
}

void eddy__stack_report_free(struct eddy__stack_report *report) {
    if (!report)
        return;
    eddy__free(report->uses);
    eddy__free(report);
}

/* --- counting --------------------------------------------------------------------------------- */

static bool report_reserve(struct eddy__stack_report *report) {
    int capacity = report->capacity ? 2 * report->capacity : 16;
    eddy_stack_use *uses;

    if (report->count < report->capacity)
        return true;
    if (capacity > PLACES_MAX)
        return false;
    uses = eddy__realloc(report->uses, (size_t)capacity * sizeof(*uses));
    if (!uses)
        return false;
    report->uses = uses;
    report->capacity = capacity;
    return true;
}

static size_t usable_bytes(const struct eddy__stack *stack) {
    return (size_t)((char *)eddy__stack_top(stack) - (char *)eddy__stack_bottom(stack));
}

/* The entry for a task's place of creation and size of stack; NULL: there is no room. */
static eddy_stack_use *report_use(struct eddy__stack_report *report,
                                  const struct eddy__task *task) {
    for (int i = 0; i < report->count; i++)
        if (report->uses[i].place == task->origin &&
            report->uses[i].stack_bytes == task->stack->slot_bytes)
            return &report->uses[i];
    if (!report_reserve(report))
        return NULL;
    report->uses[report->count] = (eddy_stack_use){
        .place = task->origin,
        .function = eddy__origin_function(task->origin, task->future.task_flags & TASK_HAS_OPTIONS),
        .stack_bytes = task->stack->slot_bytes,
        .usable_bytes = usable_bytes(task->stack),
    };
    return &report->uses[report->count++];
}

void eddy__stack_report_add(struct eddy__stack_report *report, const struct eddy__task *task,
                            bool is_over) {
    eddy_stack_use *use = report_use(report, task);
    size_t depth = eddy__stack_depth(task->stack);

    if (!use)
        return;
    use->tasks += is_over;
    use->deepest_bytes = MAX(use->deepest_bytes, depth);
    use->usable_bytes = MIN(use->usable_bytes, usable_bytes(task->stack));
}

/* --- telling ---------------------------------------------------------------------------------- */

static int compare_depth(const void *a, const void *b) {
    const eddy_stack_use *left = a, *right = b;

    return (left->deepest_bytes < right->deepest_bytes) -
           (left->deepest_bytes > right->deepest_bytes);
}

/* Those that have not ended count with what they have used so far. */
static void report_add_living(struct eddy__stack_report *report,
                              const struct eddy__scheduler *scheduler) {
    const struct eddy__task *task;
    uint32_t index = 0;

    while ((task = eddy__slab_next(&scheduler->tasks, &index)))
        if (task->future.class == &eddy__task_class && task->future.task_state != TASK_NEW &&
            task->future.task_state != TASK_ENDED)
            eddy__stack_report_add(report, task, false);
}

int eddy_stack_report(eddy_loop *loop, eddy_stack_use *uses, int capacity) {
    struct eddy__scheduler *scheduler;
    struct eddy__stack_report *report;
    int r = eddy__loop_find(&loop);

    if (r < 0)
        return r;
    scheduler = eddy__scheduler_of(loop);
    report = scheduler ? scheduler->stack_report : NULL;
    if (!report)
        return eddy_raise(-ENOTSUP, "this loop does not measure stacks: it was made without "
                                    ".measure_stacks, and EDDY_MEASURE_STACKS is not set");
    report_add_living(report, scheduler);
    qsort(report->uses, (size_t)report->count, sizeof(*uses), compare_depth);
    for (int i = 0; i < MIN(report->count, capacity); i++)
        uses[i] = report->uses[i];
    return report->count;
}

void eddy_print_stack_report(eddy_loop *loop, FILE *file) {
    const eddy_stack_use *use;
    int count = eddy_stack_report(loop, NULL, 0);

    if (count < 0) {
        fprintf(file, "%s\n", eddy_last_error()->message);
        return;
    }
    loop = eddy__loop_or_default(loop);
    use = eddy__scheduler_of(loop)->stack_report->uses;
    fprintf(file, "%10s %10s %10s  %s\n", "deepest", "usable", "tasks", "coroutine, created at");
    for (; count > 0; count--, use++)
        fprintf(file, "%10zu %10zu %10" PRIu64 "  %.*s, %s\n", use->deepest_bytes,
                use->usable_bytes, use->tasks, (int)use->function.size, use->function.data,
                use->place);
}
