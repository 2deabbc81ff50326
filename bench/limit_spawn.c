/* SPDX-License-Identifier: MIT
 * limit_spawn.c - the limit of spawn, run and join of a task that does nothing.
 *
 * Stacks are bound late: a record is all that a task has until it runs, and a finished task's stack
 * goes to the next fresh one without a switch. One at a time the joiner parks for each, which costs
 * two switches; in a fan-out it parks once, and all tasks run on the same warm stack.
 * Beside it: eddy_spawn.c. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "bench.h"
#include "limit.h"

#define FAN_OUT          10000 /* below READY_COUNT */
#define READY_COUNT      16384
#define SPAWNS_PER_PASS  500000
#define FANOUTS_PER_PASS 50
#define GROUP            1000
#define GROUPS_PER_PASS  500

struct task {
    void *sp; /* NULL: fresh, has no stack yet */
    int (*fn)(void *arg);
    void *arg;
    struct task *waiter;
    struct task *next; /* in the free list */
    int result;
    bool is_done;
    char rest_of_a_record[64];
};

static struct task *ready[READY_COUNT];
static size_t ready_head, ready_tail;
static struct task main_task, *current = &main_task;
static struct task *free_tasks;
static struct limit_stacks stacks;
static size_t stacks_free[2] = {0, 1}, stacks_free_count = 2;

static inline void ready_push(struct task *task) {
    ready[ready_tail++ % READY_COUNT] = task;
}

static inline struct task *ready_pop(void) {
    return ready[ready_head++ % READY_COUNT];
}

/* A flow runs fresh tasks one after another, until the next in the queue is a parked one. */
static void flow(void) {
    size_t stack = stacks_free[stacks_free_count];
    void *dead;

    for (;;) {
        struct task *task = current;
        task->result = task->fn(task->arg);
        task->is_done = true;
        if (task->waiter)
            ready_push(task->waiter);

        current = ready_pop();
        if (!current->sp)
            continue;
        stacks_free[stacks_free_count++] = stack;
        limit_switch(&dead, current->sp);
    }
}

static void park(void) {
    struct task *self = current;

    current = ready_pop();
    if (!current->sp)
        current->sp =
            limit_prepare(limit_stack_top(&stacks, stacks_free[--stacks_free_count]), flow);
    limit_switch(&self->sp, current->sp);
}

static inline struct task *spawn(int (*fn)(void *), void *arg) {
    struct task *task = free_tasks;

    free_tasks = task->next;
    task->sp = NULL;
    task->fn = fn;
    task->arg = arg;
    task->waiter = NULL;
    task->is_done = false;
    ready_push(task);
    return task;
}

static inline int join(struct task *task) {
    if (!task->is_done) {
        task->waiter = current;
        park();
    }
    task->next = free_tasks;
    free_tasks = task;
    return task->result;
}

static int do_nothing(void *arg) {
    (void)arg;
    return 0;
}

static double pass_one_at_a_time(void *arg) {
    (void)arg;
    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < SPAWNS_PER_PASS; i++)
        join(spawn(do_nothing, NULL));
    return (double)(bench_now_ns() - start_ns) / SPAWNS_PER_PASS;
}

static double fan_outs(int fan_outs_count, int tasks_count) {
    static struct task *tasks[FAN_OUT];

    int64_t start_ns = bench_now_ns();
    for (int i = 0; i < fan_outs_count; i++) {
        for (int t = 0; t < tasks_count; t++)
            tasks[t] = spawn(do_nothing, NULL);
        for (int t = 0; t < tasks_count; t++)
            join(tasks[t]);
    }
    return (double)(bench_now_ns() - start_ns) / ((double)fan_outs_count * tasks_count);
}

static double pass_fan_out(void *arg) {
    (void)arg;
    return fan_outs(FANOUTS_PER_PASS, FAN_OUT);
}

/* A group at the least: an array of who belongs to it. */
static double pass_groups(void *arg) {
    (void)arg;
    return fan_outs(GROUPS_PER_PASS, GROUP);
}

int main(void) {
    if (!LIMIT_SUPPORTED) {
        bench_skip("spawn-1", LIMIT_UNSUPPORTED);
        bench_skip("spawn-10000", LIMIT_UNSUPPORTED);
        bench_skip("group-1000", LIMIT_UNSUPPORTED);
        return 0;
    }

    struct task *tasks = calloc(FAN_OUT, sizeof(*tasks));
    bench_require(tasks ? 0 : -ENOMEM, "tasks");
    for (size_t i = FAN_OUT; i-- > 0;) {
        tasks[i].next = free_tasks;
        free_tasks = &tasks[i];
    }
    limit_stacks_map(&stacks, 2);

    bench_report("spawn-1", bench_run_passes(pass_one_at_a_time, NULL), "ns");
    bench_report("spawn-10000", bench_run_passes(pass_fan_out, NULL), "ns");
    bench_report("group-1000", bench_run_passes(pass_groups, NULL), "ns");

    limit_stacks_unmap(&stacks);
    free(tasks);
    return 0;
}
