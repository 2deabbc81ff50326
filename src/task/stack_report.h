/* SPDX-License-Identifier: MIT
 * stack_report.h - how deep the stacks of a loop's tasks were used, by place of creation. Not
 * installed. */
#ifndef EDDY__STACK_REPORT_H
#define EDDY__STACK_REPORT_H

#include "task.h"

struct eddy__stack_report {
    eddy_stack_use *uses; /* one for each place; in the order in which they came */
    int count, capacity;
    bool is_printed; /* when the loop is closed */
};

/* A report for a loop that measures, by its options or EDDY_MEASURE_STACKS; else NULL, also when
 * there is no memory. */
struct eddy__stack_report *eddy__stack_report_new(const eddy_loop *loop);
void eddy__stack_report_free(struct eddy__stack_report *report);

/* Counts what a task has used of its stack, to its end or (`is_over` false) so far. A place for
 * which there is no memory is left out. */
void eddy__stack_report_add(struct eddy__stack_report *report, const struct eddy__task *task,
                            bool is_over);

#endif
