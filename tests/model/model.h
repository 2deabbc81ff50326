/* SPDX-License-Identifier: MIT
 * model.h - the world of model.c: what tasks, scopes, groups and things are when nothing has to be
 * fast, and everything is a number in an array. */
#ifndef TEST_MODEL_H
#define TEST_MODEL_H

#include "program.h"

enum { QUEUE_MAX = 4096, NOBODY = -1, NO_TIMER = -1 };

enum state { UNBORN, NEW, READY, RUNNING, WAITING, DONE };

/* What a waiting task waits for. */
enum wait { FOR_TIME, FOR_TURN, FOR_FUTURES, FOR_SOME, FOR_GROUP };

struct scope {
    int operation;
    int deadline; /* of a time-out that has not expired; else NO_TIMER */
    int armed;    /* when it was armed, among all timers */
    bool expired;
    int group; /* its number */
};

struct group {
    int body;
    int children[2 * TASKS_MAX], children_count; /* not told of the group's cancel */
    int told[2 * TASKS_MAX], told_count;
    bool is_cancelled, is_interrupting, is_ending, was_cancelled, has_cancelled_one;
    int failure; /* the first; 0: none */
};

/* Somebody who is told when a task is done. */
struct listener {
    enum wait kind;
    int who; /* the task that waits, or the group */
};

struct task {
    enum state state;
    int place, phase; /* the instruction, and how far it is */
    int last, result, stamp;
    int cancelling;
    bool is_refused, wait_is_told;
    enum wait wait;
    int outcome;         /* of a wait for time or a turn */
    int deadline, armed; /* of its own timer, or NO_TIMER */
    int futures[2], futures_count, next;
    bool was_cancelled, is_over; /* of a wait for futures */
    int pending, until;
    int item;
    struct scope scopes[OPEN_MAX + 1];
    int scopes_count;
    struct listener listeners[64];
    int listeners_count;
    int locks_held[LOCKS], semaphores_held[LOCKS];
};

struct line {
    int tasks[TASKS_MAX], count;
};

struct thing {
    bool is_held, is_set;
    int value;
    int items[QUEUE_CAPACITY], items_count;
    struct line lock, semaphore, event, getters, putters;
};

struct model {
    const struct program *program;
    struct trace *trace;
    struct task tasks[TASKS_MAX];
    struct group groups[TASKS_MAX * CODE_MAX];
    int groups_count;
    struct thing things[LOCKS];
    int ready[QUEUE_MAX], ready_first, ready_end;
    int now, armed, stamps, inline_calls;
};

/* --- scheduling: model.c ---------------------------------------------------------------------- */

void model_queue(struct model *model, int number); /* to the end of the ready queue */
void model_wait(struct model *model, int number, enum wait wait);
void model_wake(struct model *model, int number, int outcome);
void model_cancel(struct model *model, int number);
void model_apply(struct model *model, int number); /* what is in force has changed */
void model_arm(struct model *model, int *deadline, int *armed, int ticks);
void model_run_task(struct model *model, int number);

/* --- groups and scopes: model_scope.c --------------------------------------------------------- */

bool model_refused_within(const struct task *task, int scopes);
void model_scope_begin(struct model *model, int number, int operation, int ticks);
int model_timeout_end(struct model *model, int number, int result);
void model_group_cancel(struct model *model, int group);
void model_group_told(struct model *model, int group, int child);
void model_group_wait_cancelled(struct model *model, int number);
int model_group_of(const struct task *task); /* the innermost open one, or NOBODY */

/* --- instructions: model_step.c --------------------------------------------------------------- */

/* Does the task's instruction, or a part of it. False: it is suspended, and the rest comes when it
 * runs again. */
bool model_step(struct model *model, int number, const struct instruction *instruction,
                int *result);
void model_pass_on(struct model *model, int number); /* a cancel to what it waits for */
void model_some_count(struct model *model, int number, int result);
bool model_end_innermost(struct model *model, int number, int *result);

void model_line_leave(struct line *line, int number);
void model_things_leave(struct model *model, int number); /* all lines */

#endif
