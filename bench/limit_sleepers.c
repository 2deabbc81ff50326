/* SPDX-License-Identifier: MIT
 * limit_sleepers.c - the limit of N sleeping coroutines: one page each, a guard, and a timing
 * wheel.
 *
 * The record lies on the stack's top page, so that a sleeper is 4 KiB and its page tables. They are
 * set up, all fall asleep, then all deadlines pass at once and each wakes in the order of the
 * deadlines, which is random in memory, and ends. The clock is a variable; the pause before the
 * wake-up is there because eddy's sleepers have it, and a processor that was idle starts cold.
 * usage: limit_sleepers [TASKS]. Beside it: eddy_sleepers.c. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "limit.h"

#define TICK_NS         (INT64_C(1) << 20)
#define DEADLINE_NS     INT64_C(2000000000) /* the first, and how long until the last */
#define DEADLINE_RANGE  INT64_C(100000000)
#define LEVELS          7
#define SLOTS_PER_LEVEL 64
#define AHEAD           16

struct task {
    void *sp;
    struct task *next; /* in a slot of the wheel */
    uint64_t deadline; /* in ticks */
};

static struct task *wheel[LEVELS][SLOTS_PER_LEVEL];
static uint64_t wheel_occupied[LEVELS];
static uint64_t wheel_now; /* in ticks */

static struct task **ready;
static size_t ready_head, ready_tail, task_count;
static struct task *current, main_task;

/* The level is that of the highest digit (base 64) in which the deadline differs from now. */
static void wheel_insert(struct task *task) {
    uint64_t difference = (task->deadline ^ wheel_now) | 1;
    int level = (63 - __builtin_clzll(difference)) / 6;
    int slot = (int)(task->deadline >> 6 * level) % SLOTS_PER_LEVEL;

    task->next = wheel[level][slot];
    wheel[level][slot] = task;
    wheel_occupied[level] |= UINT64_C(1) << slot;
}

static struct task *wheel_take_slot(int level, int slot) {
    struct task *tasks = wheel[level][slot];

    wheel[level][slot] = NULL;
    wheel_occupied[level] &= ~(UINT64_C(1) << slot);
    return tasks;
}

/* Moves the clock to the first occupied slot of a level and takes what is in it. */
static struct task *wheel_advance(int level) {
    int slot = __builtin_ctzll(wheel_occupied[level]);
    uint64_t above = wheel_now >> 6 * (level + 1) << 6 * (level + 1);

    wheel_now = above | (uint64_t)slot << 6 * level;
    return wheel_take_slot(level, slot);
}

/* Everything is due: queues all tasks in the order of their ticks. */
static void wheel_expire_all(void) {
    int level = 0;

    while (level < LEVELS) {
        if (!wheel_occupied[level]) {
            level++;
            continue;
        }
        for (struct task *next, *task = wheel_advance(level); task; task = next) {
            next = task->next;
            if (level == 0)
                ready[ready_tail++] = task;
            else
                wheel_insert(task);
        }
        level = 0;
    }
}

/* To the next ready task, or back to main when there is none. */
static void switch_to_next(struct task *self) {
    if (ready_head == ready_tail) {
        current = &main_task;
    } else {
        current = ready[ready_head++];
        __builtin_prefetch(ready[ready_head + AHEAD], 1);
        __builtin_prefetch(ready[ready_head + AHEAD / 2]->sp, 1);
    }
    limit_switch(&self->sp, current->sp);
}

static void sleeper(void) {
    struct task *self = current;

    wheel_insert(self);
    limit_switch(&self->sp, main_task.sp);
    switch_to_next(self);
}

static uint64_t random_below(uint64_t bound) {
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % bound;
}

static void tasks_start(const struct limit_stacks *stacks) {
    for (size_t i = 0; i < task_count; i++) {
        struct task *task = (struct task *)limit_stack_top(stacks, i) - 1;
        task->deadline = (DEADLINE_NS + random_below(DEADLINE_RANGE)) / TICK_NS;
        task->sp = limit_prepare((void *)((uintptr_t)task & ~(uintptr_t)15), sleeper);
        ready[i] = task;
        current = task;
        limit_switch(&main_task.sp, task->sp);
    }
}

static void report(const char *what, int64_t ns) {
    char row[64];

    snprintf(row, sizeof(row), "sleepers-%zu-%s", task_count, what);
    bench_report(row, (double)ns / (double)task_count, "ns");
}

int main(int argc, char *argv[]) {
    struct limit_stacks stacks;

    task_count = (size_t)bench_count(argc, argv, 1, 100000);
    if (!LIMIT_SUPPORTED) {
        bench_skip("sleepers", LIMIT_UNSUPPORTED);
        return 0;
    }

    ready = calloc(task_count + AHEAD + 1, sizeof(*ready));
    bench_require(ready ? 0 : -1, "tasks");
    for (size_t i = 0; i <= task_count + AHEAD; i++)
        ready[i] = &main_task; /* a prefetch may look past the end */
    bench_touch_memory(task_count * 6144);

    struct bench_memory before = bench_memory_used();
    int64_t start_ns = bench_now_ns();
    limit_stacks_map(&stacks, task_count);
    tasks_start(&stacks);
    int64_t asleep_ns = bench_now_ns();
    char row[64];
    snprintf(row, sizeof(row), "sleepers-%zu-memory", task_count);
    bench_report_memory(row, before, (long)task_count);

    bench_sleep(1.0 + (double)task_count * 8e-6);
    int64_t due_ns = bench_now_ns();
    wheel_expire_all();
    switch_to_next(&main_task);
    int64_t end_ns = bench_now_ns();

    report("setup", asleep_ns - start_ns);
    report("wake", end_ns - due_ns);
    limit_stacks_unmap(&stacks);
    free(ready);
    return 0;
}
