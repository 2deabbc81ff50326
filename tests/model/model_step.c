/* SPDX-License-Identifier: MIT
 * model_step.c - the instructions of the model, each done in as many parts as it is suspended. */
#include <errno.h>
#include <limits.h>

#include "model.h"

enum { INLINE_CALLS_MAX = 64 }; /* after as many the others run first */

/* How far an instruction is. */
enum { BEGINS, STEPPED_BACK, WAITED, REFUSED };

static int which_of(const struct instruction *instruction) {
    return instruction->a % LOCKS;
}

/* --- parts of calls --------------------------------------------------------------------------- */

/* Behind all who are ready now. */
static bool step_back(struct model *model, int number, int phase) {
    model->tasks[number].phase = phase;
    model_queue(model, number);
    return false;
}

static bool wait_in(struct model *model, int number, struct line *line) {
    line->tasks[line->count++] = number;
    model->tasks[number].phase = WAITED;
    model_wait(model, number, FOR_TURN);
    return false;
}

/* It has what it came for: at once, unless that went too well for too long. */
static bool got_it(struct model *model, int number, int *result) {
    *result = 0;
    if (++model->inline_calls < INLINE_CALLS_MAX)
        return true;
    model->inline_calls = 0;
    return step_back(model, number, STEPPED_BACK);
}

/* --- lines ------------------------------------------------------------------------------------ */

void model_line_leave(struct line *line, int number) {
    int kept = 0;

    for (int i = 0; i < line->count; i++)
        if (line->tasks[i] != number)
            line->tasks[kept++] = line->tasks[i];
    line->count = kept;
}

void model_things_leave(struct model *model, int number) {
    for (int i = 0; i < LOCKS; i++) {
        struct thing *thing = &model->things[i];
        model_line_leave(&thing->lock, number);
        model_line_leave(&thing->semaphore, number);
        model_line_leave(&thing->event, number);
        model_line_leave(&thing->getters, number);
        model_line_leave(&thing->putters, number);
    }
}

/* The first in it has its turn. Returns who, or NOBODY. */
static int let_first_go(struct model *model, struct line *line) {
    int first = line->count > 0 ? line->tasks[0] : NOBODY;

    if (first != NOBODY) {
        model_line_leave(line, first);
        model_wake(model, first, 0);
    }
    return first;
}

/* --- things ----------------------------------------------------------------------------------- */

static bool lock(struct model *model, int number, struct thing *thing, int *result) {
    if (thing->is_held)
        return wait_in(model, number, &thing->lock);
    thing->is_held = true;
    return got_it(model, number, result);
}

static bool acquire(struct model *model, int number, struct thing *thing, int *result) {
    if (thing->value == 0)
        return wait_in(model, number, &thing->semaphore);
    thing->value--;
    return got_it(model, number, result);
}

static bool wait_for_event(struct model *model, int number, struct thing *thing, int *result) {
    return thing->is_set ? got_it(model, number, result) : wait_in(model, number, &thing->event);
}

static bool put(struct model *model, int number, struct thing *thing, int item, int *result) {
    int getter;

    model->tasks[number].item = item;
    if (thing->items_count == QUEUE_CAPACITY)
        return wait_in(model, number, &thing->putters);
    getter = let_first_go(model, &thing->getters);
    if (getter != NOBODY)
        model->tasks[getter].item = item;
    else
        thing->items[thing->items_count++] = item;
    return got_it(model, number, result);
}

static bool get(struct model *model, int number, struct thing *thing, int *result) {
    int putter;

    if (thing->items_count == 0)
        return wait_in(model, number, &thing->getters);
    model->tasks[number].item = thing->items[0];
    for (int i = 1; i < thing->items_count; i++)
        thing->items[i - 1] = thing->items[i];
    thing->items_count--;
    putter = let_first_go(model, &thing->putters);
    if (putter != NOBODY)
        thing->items[thing->items_count++] = model->tasks[putter].item;
    return got_it(model, number, result);
}

static bool begin_on_thing(struct model *model, int number, const struct instruction *instruction,
                           int *result) {
    struct thing *thing = &model->things[which_of(instruction)];

    switch (instruction->operation) {
    case LOCK:
        return lock(model, number, thing, result);
    case ACQUIRE:
        return acquire(model, number, thing, result);
    case EVENT_WAIT:
        return wait_for_event(model, number, thing, result);
    case PUT:
        return put(model, number, thing, instruction->b % 100, result);
    default:
        return get(model, number, thing, result);
    }
}

/* A call on a thing is over, with this result. */
static void end_on_thing(struct task *task, const struct instruction *instruction, int *result) {
    task->last = *result;
    task->locks_held[which_of(instruction)] += instruction->operation == LOCK && *result == 0;
    task->semaphores_held[which_of(instruction)] +=
        instruction->operation == ACQUIRE && *result == 0;
    if (instruction->operation == GET && *result == 0)
        *result = task->item;
}

/* Those that may suspend, by the same parts. */
static bool step_on_thing(struct model *model, int number, const struct instruction *instruction,
                          int *result) {
    struct task *task = &model->tasks[number];

    if (task->phase == BEGINS && task->is_refused)
        return step_back(model, number, REFUSED);
    if (task->phase == BEGINS && !begin_on_thing(model, number, instruction, result))
        return false;
    if (task->phase == REFUSED)
        *result = -ECANCELED;
    else if (task->phase == WAITED)
        *result = task->outcome;
    else
        *result = 0;
    end_on_thing(task, instruction, result);
    return true;
}

static int release(struct model *model, struct task *task, const struct instruction *instruction) {
    struct thing *thing = &model->things[which_of(instruction)];
    bool is_lock = instruction->operation == UNLOCK;
    int *held = &(is_lock ? task->locks_held : task->semaphores_held)[which_of(instruction)];

    if (*held == 0)
        return 0;
    (*held)--;
    if (let_first_go(model, is_lock ? &thing->lock : &thing->semaphore) != NOBODY)
        return 1;
    if (is_lock)
        thing->is_held = false;
    else
        thing->value++;
    return 1;
}

static int set_event(struct model *model, struct thing *thing, bool is_set) {
    thing->is_set = is_set;
    while (is_set && let_first_go(model, &thing->event) != NOBODY)
        continue;
    return 0;
}

/* --- time ------------------------------------------------------------------------------------- */

static bool sleep_ticks(struct model *model, int number, int ticks, int *result) {
    struct task *task = &model->tasks[number];

    if (task->phase == BEGINS && task->is_refused)
        return step_back(model, number, REFUSED);
    if (task->phase == BEGINS && ticks == 0)
        return step_back(model, number, STEPPED_BACK);
    if (task->phase == BEGINS) {
        model_arm(model, &task->deadline, &task->armed, ticks);
        task->phase = WAITED;
        model_wait(model, number, FOR_TIME);
        return false;
    }
    *result = task->last = task->phase == REFUSED  ? -ECANCELED
                           : task->phase == WAITED ? task->outcome
                                                   : 0;
    return true;
}

/* --- waiting for tasks ------------------------------------------------------------------------ */

static bool is_awaitable(const struct model *model, int number, int other) {
    return other > number && model->tasks[other].state != UNBORN;
}

void model_pass_on(struct model *model, int number) {
    struct task *task = &model->tasks[number];

    task->was_cancelled = true;
    for (int i = 0; i < task->futures_count; i++)
        if (model->tasks[task->futures[i]].state != DONE)
            model_cancel(model, task->futures[i]);
}

static void listen_to(struct model *model, int number, int done, enum wait kind) {
    struct task *task = &model->tasks[done];

    task->listeners[task->listeners_count++] = (struct listener){kind, number};
}

/* What one, or all of several, have come to. */
static int awaited(const struct model *model, const struct task *task) {
    bool has_cancelled = false;
    int first = 0, stamp = INT_MAX;

    for (int i = 0; i < task->futures_count; i++) {
        const struct task *other = &model->tasks[task->futures[i]];
        has_cancelled |= other->result == -ECANCELED;
        if (other->result < 0 && other->stamp < stamp) {
            first = other->result;
            stamp = other->stamp;
        }
    }
    if (task->futures_count == 1)
        return model->tasks[task->futures[0]].result;
    return task->was_cancelled && has_cancelled ? -ECANCELED : first;
}

/* One after the other, to its end. */
static bool await(struct model *model, int number, int *result) {
    struct task *task = &model->tasks[number];

    if (task->phase == BEGINS) {
        task->next = 0;
        task->was_cancelled = false;
        task->phase = WAITED;
        if (task->is_refused) {
            model_pass_on(model, number);
            return step_back(model, number, WAITED);
        }
    }
    while (task->next < task->futures_count &&
           model->tasks[task->futures[task->next]].state == DONE)
        task->next++;
    if (task->next < task->futures_count) {
        listen_to(model, number, task->futures[task->next], FOR_FUTURES);
        model_wait(model, number, FOR_FUTURES);
        return false;
    }
    *result = task->last = awaited(model, task);
    return true;
}

static bool await_tasks(struct model *model, int number, int a, int b, int count, int *result) {
    struct task *task = &model->tasks[number];

    if (task->phase == BEGINS) {
        *result = 0;
        if (!is_awaitable(model, number, a) || (count == 2 && !is_awaitable(model, number, b)))
            return true;
        task->futures[0] = a;
        task->futures[1] = b;
        task->futures_count = count;
    }
    return await(model, number, result);
}

static bool wait_for(struct model *model, int number, int a, int ticks, int *result) {
    struct task *task = &model->tasks[number];

    *result = 0;
    if (task->phase == BEGINS && !is_awaitable(model, number, a))
        return true;
    if (task->phase == BEGINS)
        model_scope_begin(model, number, BEGIN_TIMEOUT, ticks);
    if (!await_tasks(model, number, a, a, 1, result))
        return false;
    *result = task->last = model_timeout_end(model, number, *result);
    return true;
}

/* --- waiting for some ------------------------------------------------------------------------- */

void model_some_count(struct model *model, int number, int result) {
    struct task *task = &model->tasks[number];
    bool is_enough = task->until == 1 || (task->until == 2 && result < 0 && result != -ECANCELED);

    if (--task->pending > 0 && !is_enough)
        return;
    if (!task->is_over && task->state == WAITING)
        model_wake(model, number, 0);
    task->is_over = true;
}

/* Nobody tells it any more. */
static void some_leave(struct model *model, int number) {
    for (int i = 0; i < TASKS_MAX; i++) {
        struct task *other = &model->tasks[i];
        int kept = 0;
        for (int j = 0; j < other->listeners_count; j++)
            if (other->listeners[j].kind != FOR_SOME || other->listeners[j].who != number)
                other->listeners[kept++] = other->listeners[j];
        other->listeners_count = kept;
    }
    model->tasks[number].deadline = NO_TIMER;
}

static void some_begin(struct model *model, int number, int ticks) {
    struct task *task = &model->tasks[number];

    task->was_cancelled = task->is_over = false;
    task->pending = task->futures_count = 2;
    for (int i = 0; i < 2; i++) {
        const struct task *other = &model->tasks[task->futures[i]];
        if (other->state == DONE)
            model_some_count(model, number, other->result);
        else
            listen_to(model, number, task->futures[i], FOR_SOME);
    }
    if (ticks != INT_MAX)
        model_arm(model, &task->deadline, &task->armed, ticks);
}

static bool wait_some(struct model *model, int number, const struct instruction *instruction, int a,
                      int b, int *result) {
    struct task *task = &model->tasks[number];

    *result = 0;
    if (task->phase == BEGINS &&
        (!is_awaitable(model, number, a) || !is_awaitable(model, number, b)))
        return true;
    if (task->phase == BEGINS && task->is_refused)
        return step_back(model, number, REFUSED);
    if (task->phase == BEGINS) {
        task->futures[0] = a;
        task->futures[1] = b;
        task->until = wait_until(instruction);
        some_begin(model, number, wait_ticks(instruction));
        task->phase = WAITED;
        if (!task->is_over) {
            model_wait(model, number, FOR_SOME);
            return false;
        }
    }
    if (task->phase == WAITED)
        some_leave(model, number);
    *result = task->phase == REFUSED || task->was_cancelled
                  ? -ECANCELED
                  : (model->tasks[a].state == DONE) + (model->tasks[b].state == DONE);
    task->last = *result;
    return true;
}

/* --- scopes and groups ------------------------------------------------------------------------ */

static int spawn(struct model *model, int number, int other, bool is_eager) {
    struct task *task = &model->tasks[other];

    if (other <= number || task->state != UNBORN)
        return 0;
    task->state = NEW;
    if (is_eager)
        model_run_task(model, other);
    else
        model->ready[model->ready_end++] = other;
    return 1;
}

static int spawn_in_group(struct model *model, int number, int other) {
    int group_number = model_group_of(&model->tasks[number]);
    struct group *group;

    if (group_number == NOBODY || spawn(model, number, other, false) == 0)
        return 0;
    group = &model->groups[group_number];
    group->children[group->children_count++] = other;
    listen_to(model, group_number, other, FOR_GROUP);
    if (group->is_cancelled)
        model_group_cancel(model, group_number);
    return 1;
}

static int uncancel(struct model *model, int number) {
    struct task *task = &model->tasks[number];

    task->cancelling -= task->cancelling > 0;
    model_apply(model, number);
    return task->cancelling;
}

/* The body's result goes in: our own interruption is none, a failure ends the others. */
static void group_end_begins(struct model *model, int number, struct group *group, int index) {
    struct task *task = &model->tasks[number];

    if (group->is_interrupting) {
        group->is_interrupting = false;
        uncancel(model, number);
        if (!task->is_refused && task->last == -ECANCELED)
            task->last = 0;
    }
    group->is_ending = true;
    if (task->last < 0 && task->last != -ECANCELED && group->failure == 0)
        group->failure = task->last;
    if (task->last < 0)
        model_group_cancel(model, index);
}

static int group_result(const struct group *group, int last) {
    if (group->failure < 0)
        return group->failure;
    return group->was_cancelled && group->has_cancelled_one ? -ECANCELED : last;
}

static bool group_end(struct model *model, int number, int *result) {
    struct task *task = &model->tasks[number];
    int index = task->scopes[task->scopes_count - 1].group;
    struct group *group = &model->groups[index];

    if (task->phase == BEGINS) {
        group_end_begins(model, number, group, index);
        task->phase = WAITED;
        if (task->is_refused) {
            model_group_wait_cancelled(model, number);
            return step_back(model, number, WAITED);
        }
    }
    if (group->children_count + group->told_count > 0) {
        model_wait(model, number, FOR_GROUP);
        return false;
    }
    *result = task->last = group_result(group, task->last);
    task->scopes_count--;
    task->phase = BEGINS;
    return true;
}

bool model_end_innermost(struct model *model, int number, int *result) {
    struct task *task = &model->tasks[number];
    int operation = task->scopes[task->scopes_count - 1].operation;

    if (operation == BEGIN_GROUP)
        return group_end(model, number, result);
    if (operation == BEGIN_TIMEOUT) {
        *result = task->last = model_timeout_end(model, number, task->last);
        return true;
    }
    task->scopes_count--;
    model_apply(model, number);
    *result = task->last;
    return true;
}

/* --- the instruction -------------------------------------------------------------------------- */

static int cancel(struct model *model, int other) {
    enum state state = model->tasks[other].state;

    if (state == UNBORN || state == DONE)
        return 0;
    model_cancel(model, other);
    return 1;
}

/* Those that never suspend. */
static int do_at_once(struct model *model, int number, const struct instruction *instruction,
                      int a) {
    struct task *task = &model->tasks[number];
    struct thing *thing = &model->things[which_of(instruction)];

    switch (instruction->operation) {
    case SPAWN:
    case SPAWN_EAGERLY:
        return spawn(model, number, a, instruction->operation == SPAWN_EAGERLY);
    case CANCEL:
        return cancel(model, a);
    case UNCANCEL:
        return uncancel(model, number);
    case UNLOCK:
    case RELEASE:
        return release(model, task, instruction);
    case EVENT_SET:
    case EVENT_CLEAR:
        return set_event(model, thing, instruction->operation == EVENT_SET);
    case BEGIN_TIMEOUT:
    case BEGIN_SHIELD:
    case BEGIN_GROUP:
        model_scope_begin(model, number, instruction->operation, instruction->b % 6);
        return 0;
    case SPAWN_IN_GROUP:
        return spawn_in_group(model, number, a);
    case CANCEL_GROUP:
        if (model_group_of(task) != NOBODY)
            model_group_cancel(model, model_group_of(task));
        return 0;
    default:
        return 0;
    }
}

bool model_step(struct model *model, int number, const struct instruction *instruction,
                int *result) {
    int count = model->program->tasks_count, a = instruction->a % count, b = instruction->b % count;

    switch (instruction->operation) {
    case YIELD:
        return sleep_ticks(model, number, 0, result);
    case SLEEP:
        return sleep_ticks(model, number, instruction->b % 6, result);
    case AWAIT:
        return await_tasks(model, number, a, a, 1, result);
    case GATHER:
        return await_tasks(model, number, a, b, 2, result);
    case WAIT_FOR:
        return wait_for(model, number, a, instruction->b % 6, result);
    case WAIT:
        return wait_some(model, number, instruction, a, b, result);
    case LOCK:
    case ACQUIRE:
    case EVENT_WAIT:
    case PUT:
    case GET:
        return step_on_thing(model, number, instruction, result);
    case END:
        return model_end_innermost(model, number, result);
    default:
        *result = do_at_once(model, number, instruction, a);
        return true;
    }
}
