/* SPDX-License-Identifier: MIT
 * model.c - what eddy promises, as a discrete-event simulation: a queue of those who are ready, in
 * the order in which they became so; when it is empty, the timers that are due, earliest first and
 * of equals the first armed; when none is due, time passes to the next.
 *
 * It shares nothing with eddy: no stacks, no pointers, no wheel, no poller. Read next:
 * model_step.c, the instructions. */
#include "model.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* --- the ready queue -------------------------------------------------------------------------- */

static void push(struct model *model, int number) {
    if (model->ready_end == QUEUE_MAX)
        abort();
    model->ready[model->ready_end++] = number;
}

void model_queue(struct model *model, int number) {
    model->tasks[number].state = READY;
    push(model, number);
}

void model_wait(struct model *model, int number, enum wait wait) {
    struct task *task = &model->tasks[number];

    task->state = WAITING;
    task->wait = wait;
    task->wait_is_told = false;
}

void model_wake(struct model *model, int number, int outcome) {
    model->tasks[number].outcome = outcome;
    model_queue(model, number);
}

/* --- the end of a task ------------------------------------------------------------------------ */

static void tell(struct model *model, struct listener listener, int done) {
    if (listener.kind == FOR_GROUP)
        model_group_told(model, listener.who, done);
    else if (listener.kind == FOR_SOME)
        model_some_count(model, listener.who, model->tasks[done].result);
    else
        model_wake(model, listener.who, 0);
}

static void complete(struct model *model, int number, int result) {
    struct task *task = &model->tasks[number];
    int count = task->listeners_count;

    task->state = DONE;
    task->result = result;
    task->stamp = ++model->stamps;
    task->listeners_count = 0;
    for (int i = 0; i < count; i++)
        tell(model, task->listeners[i], number);
}

/* --- cancelling ------------------------------------------------------------------------------- */

/* What it waits for ends, or is told. */
static void wait_cancelled(struct model *model, int number) {
    struct task *task = &model->tasks[number];

    switch (task->wait) {
    case FOR_TIME:
        task->deadline = NO_TIMER;
        model_wake(model, number, -ECANCELED);
        break;
    case FOR_TURN:
        model_things_leave(model, number);
        model_wake(model, number, -ECANCELED);
        break;
    case FOR_FUTURES:
        task->wait_is_told = false; /* each further one is passed on */
        model_pass_on(model, number);
        break;
    case FOR_GROUP:
        task->wait_is_told = false;
        model_group_wait_cancelled(model, number);
        break;
    case FOR_SOME:
        task->was_cancelled = true;
        if (!task->is_over)
            model_wake(model, number, 0);
        task->is_over = true;
    }
}

void model_apply(struct model *model, int number) {
    struct task *task = &model->tasks[number];

    task->is_refused = model_refused_within(task, task->scopes_count);
    if (!task->is_refused || task->state != WAITING || task->wait_is_told)
        return;
    task->wait_is_told = true;
    wait_cancelled(model, number);
}

void model_cancel(struct model *model, int number) {
    struct task *task = &model->tasks[number];

    if (task->state == NEW) {
        complete(model, number, -ECANCELED);
        return;
    }
    task->cancelling++;
    model_apply(model, number);
}

/* --- time ------------------------------------------------------------------------------------- */

void model_arm(struct model *model, int *deadline, int *armed, int ticks) {
    *deadline = model->now + ticks;
    *armed = ++model->armed;
}

struct due {
    int deadline, armed, task, scope; /* scope NOBODY: the task's own timer */
};

static void consider(struct due *best, int deadline, int armed, int task, int scope) {
    if (deadline == NO_TIMER || deadline > best->deadline ||
        (deadline == best->deadline && armed > best->armed))
        return;
    *best = (struct due){deadline, armed, task, scope};
}

/* The next of all timers; its deadline is INT_MAX if there is none. */
static struct due next_timer(const struct model *model) {
    struct due best = {.deadline = INT_MAX, .armed = INT_MAX};

    for (int number = 0; number < model->program->tasks_count; number++) {
        const struct task *task = &model->tasks[number];
        consider(&best, task->deadline, task->armed, number, NOBODY);
        for (int i = 0; i < task->scopes_count; i++)
            consider(&best, task->scopes[i].deadline, task->scopes[i].armed, number, i);
    }
    return best;
}

static void fire(struct model *model, struct due due) {
    struct task *task = &model->tasks[due.task];

    if (due.scope != NOBODY) {
        task->scopes[due.scope].deadline = NO_TIMER;
        task->scopes[due.scope].expired = true;
        model_apply(model, due.task);
        return;
    }
    task->deadline = NO_TIMER;
    if (task->wait == FOR_SOME && task->is_over)
        return;
    task->is_over = true;
    model_wake(model, due.task, 0);
}

/* --- running ---------------------------------------------------------------------------------- */

static int ending_of(const struct code *code, const struct task *task) {
    return code->ending == 0 ? task->last : code->ending == 1 ? 7 : -EIO;
}

/* Until it is suspended, or done. */
void model_run_task(struct model *model, int number) {
    const struct code *code = &model->program->tasks[number];
    struct task *task = &model->tasks[number];
    int result = 0;

    task->state = RUNNING;
    for (; task->place < code->count; task->place++, task->phase = 0) {
        if (!model_step(model, number, &code->list[task->place], &result))
            return;
        trace_add(model->trace, model->now, number, task->place, result);
    }
    while (task->scopes_count > 0)
        if (!model_end_innermost(model, number, &result))
            return;
    complete(model, number, ending_of(code, task));
}

/* One that was cancelled before it ran only has its place there. */
static void run_ready(struct model *model) {
    while (model->ready_first < model->ready_end) {
        int number = model->ready[model->ready_first++];
        if (model->tasks[number].state != DONE)
            model_run_task(model, number);
    }
}

static void run_all(struct model *model) {
    for (;;) {
        run_ready(model);
        struct due due = next_timer(model);
        if (due.deadline == INT_MAX)
            return;
        if (due.deadline > model->now)
            model->now = due.deadline;
        for (; due.deadline <= model->now; due = next_timer(model))
            fire(model, due);
    }
}

static void trace_end(const struct model *model) {
    struct trace *trace = model->trace;

    for (int i = 0; i < model->program->tasks_count; i++) {
        const struct task *task = &model->tasks[i];
        trace_add(trace, 0, END_OF_TASK, i, task->state == DONE ? task->result : NOT_DONE);
    }
    for (int i = 0; i < LOCKS; i++) {
        const struct thing *thing = &model->things[i];
        trace_add(trace, 0, END_OF_LOCK, i, thing->is_held);
        trace_add(trace, 0, END_OF_SEMAPHORE, i, thing->value == 0);
        trace_add(trace, 0, END_OF_EVENT, i, thing->is_set);
        trace_add(trace, 0, END_OF_QUEUE, i, thing->items_count);
    }
}

void model_run(const struct program *program, struct trace *trace) {
    static struct model model;

    model = (struct model){.program = program, .trace = trace};
    for (int i = 0; i < TASKS_MAX; i++)
        model.tasks[i].deadline = NO_TIMER;
    for (int i = 0; i < LOCKS; i++)
        model.things[i].value = SEMAPHORE_VALUE;
    for (int i = 0; i < program->roots; i++) {
        model.tasks[i].state = NEW;
        push(&model, i);
    }
    run_all(&model);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < program->tasks_count; i++)
            if (model.tasks[i].state != UNBORN && model.tasks[i].state != DONE)
                model_cancel(&model, i);
        run_all(&model);
    }
    trace_end(&model);
}
