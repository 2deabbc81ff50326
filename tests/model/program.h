/* SPDX-License-Identifier: MIT
 * program.h - small programs of tasks, which two interpreters run: one on eddy (real.c), one that
 * is only a model of it (model.c). Both must leave the same trace.
 *
 * A task is a list of instructions and does them one after the other, whatever they return: a
 * refused call is followed by the next. Tasks are numbered, and wait only for those with higher
 * numbers, so that nobody waits for itself. Time is counted in ticks. */
#ifndef TEST_PROGRAM_H
#define TEST_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TASKS_MAX = 12,
    CODE_MAX = 24, /* instructions of a task */
    OPEN_MAX = 24, /* scopes and groups that are open in it */
    LOCKS = 2,     /* and as many semaphores, events and queues */
    SEMAPHORE_VALUE = 1,
    QUEUE_CAPACITY = 2,
    TRACE_MAX = 4096,
};

enum operation {
    NOTHING,
    YIELD,
    SLEEP,         /* b: ticks */
    SPAWN,         /* a: task */
    SPAWN_EAGERLY, /* a: task */
    CANCEL,        /* a: task */
    UNCANCEL,
    AWAIT,    /* a: task */
    WAIT_FOR, /* a: task, b: ticks */
    GATHER,   /* a, b: tasks */
    WAIT,     /* a, b: tasks, c: until when, and for how long */
    LOCK,     /* a: which one */
    UNLOCK,
    ACQUIRE,
    RELEASE,
    EVENT_WAIT,
    EVENT_SET,
    EVENT_CLEAR,
    PUT, /* b: item */
    GET,
    BEGIN_TIMEOUT, /* b: ticks */
    BEGIN_SHIELD,
    BEGIN_GROUP,
    SPAWN_IN_GROUP, /* a: task */
    CANCEL_GROUP,
    END, /* of what was begun last */
    OPERATIONS
};

struct instruction {
    uint8_t operation, a, b, c;
};

struct code {
    struct instruction list[CODE_MAX];
    int count;
    int ending; /* what it returns: 0: what its last call has, 1: 7, 2: -EIO */
};

struct program {
    struct code tasks[TASKS_MAX];
    int tasks_count;
    int roots; /* the first so many are there from the start */
};

/* What happened: a line for each instruction, and at the end one for each task and thing. */
struct step {
    int time, task, place, result;
};

struct trace {
    struct step steps[TRACE_MAX];
    int count;
};

static inline void trace_add(struct trace *trace, int time, int task, int place, int result) {
    if (trace->count < TRACE_MAX)
        trace->steps[trace->count++] = (struct step){time, task, place, result};
}

/* The lines at the end: the `task` of such a line. */
enum { END_OF_TASK = 100, END_OF_LOCK, END_OF_SEMAPHORE, END_OF_EVENT, END_OF_QUEUE };
enum { NOT_DONE = 12345 };

/* When nothing can happen any more all tasks are cancelled, in the order of their numbers; so
 * often.
 */
enum { ROUNDS = 3 };

/* Any bytes are a program; a number makes some. */
void program_read(struct program *program, const uint8_t *bytes, size_t size);
void program_make(struct program *program, uint64_t seed);
void program_print(const struct program *program);

/* How long, and until what, a WAIT waits: INT_MAX for ever. */
int wait_ticks(const struct instruction *instruction);
int wait_until(const struct instruction *instruction); /* eddy_wait_until */

void real_run(const struct program *program, struct trace *trace);
void model_run(const struct program *program, struct trace *trace);

/* Runs both. True: the same. */
bool program_agrees(const struct program *program);

/* Leaves out what it can without the two coming to agree, prints the rest, and both traces. */
void program_explain(const struct program *program);

#endif
