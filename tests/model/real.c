/* SPDX-License-Identifier: MIT
 * real.c - runs a program on eddy, in virtual time. */
#include <eddy.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "test.h"

#define TICK 0.25 /* seconds */

struct world {
    const struct program *program;
    struct trace *trace;
    eddy_loop *loop;
    bool is_over;                /* what runs from now on is of no account */
    eddy_task *tasks[TASKS_MAX]; /* a reference, once it was spawned */
    bool was_spawned[TASKS_MAX];
    eddy_lock locks[LOCKS];
    eddy_semaphore semaphores[LOCKS];
    eddy_event events[LOCKS];
    eddy_queue queues[LOCKS];
};

/* A scope or a group that is open. */
struct open {
    int operation;
    eddy_timeout timeout;
    eddy_shield_scope shield;
    eddy_task_group *group;
};

/* A task, on its own stack. */
struct actor {
    struct world *world;
    int number;
    int last; /* what the last call has returned */
    struct open open[OPEN_MAX];
    int open_count;
    int locks_held[LOCKS], semaphores_held[LOCKS];
};

static int act(void *arg);

/* --- tasks ------------------------------------------------------------------------------------ */

static int target_of(const struct actor *actor, int number) {
    return number % actor->world->program->tasks_count;
}

struct birth {
    struct world *world;
    int number;
};

static eddy_task *spawn(struct world *world, int number, bool is_eager) {
    struct birth birth = {world, number};
    const eddy_task_options options = {
        .loop = world->loop, .copy_bytes = sizeof(birth), .eager = is_eager};

    world->was_spawned[number] = true;
    return eddy_create_task_with(&options, act, &birth);
}

static int act_spawn(struct actor *actor, int number, bool is_eager) {
    struct world *world = actor->world;

    if (number <= actor->number || world->was_spawned[number])
        return 0;
    eddy_task *task = spawn(world, number, is_eager);
    if (world->tasks[number])
        eddy_unref(task); /* an eager one has made itself known */
    else
        world->tasks[number] = task;
    return 1;
}

static eddy_task_group *innermost_group(struct actor *actor) {
    for (int i = actor->open_count; i-- > 0;)
        if (actor->open[i].operation == BEGIN_GROUP)
            return actor->open[i].group;
    return NULL;
}

static int act_spawn_in_group(struct actor *actor, int number) {
    struct world *world = actor->world;
    eddy_task_group *group = innermost_group(actor);
    struct birth birth = {world, number};
    const eddy_task_options options = {.copy_bytes = sizeof(birth)};

    if (!group || number <= actor->number || world->was_spawned[number])
        return 0;
    world->was_spawned[number] = true;
    world->tasks[number] = eddy_ref(eddy_task_group_create_task_with(group, &options, act, &birth));
    return 1;
}

/* A task that this one may wait for, or NULL. */
static eddy_task *awaitable(const struct actor *actor, int number) {
    return number > actor->number ? actor->world->tasks[number] : NULL;
}

static int act_gather(struct actor *actor, int a, int b) {
    eddy_task *first = awaitable(actor, a), *second = awaitable(actor, b);

    if (!first || !second)
        return 0;
    return actor->last = eddy_gather(eddy_ref(first), eddy_ref(second));
}

static int act_wait(struct actor *actor, const struct instruction *instruction, int a, int b) {
    eddy_future *futures[] = {awaitable(actor, a), awaitable(actor, b)};
    int ticks = wait_ticks(instruction);

    if (!futures[0] || !futures[1])
        return 0;
    return actor->last = eddy_wait(futures, 2, ticks == INT_MAX ? INFINITY : ticks * TICK,
                                   (eddy_wait_until)wait_until(instruction));
}

static int act_await(struct actor *actor, int number, int ticks) {
    eddy_task *task = awaitable(actor, number);

    if (!task)
        return 0;
    if (ticks < 0)
        return actor->last = eddy_await(eddy_ref(task));
    return actor->last = eddy_wait_for(eddy_ref(task), ticks * TICK);
}

/* --- scopes ----------------------------------------------------------------------------------- */

static int act_begin(struct actor *actor, int operation, int ticks) {
    struct open *open = &actor->open[actor->open_count++];

    open->operation = operation;
    if (operation == BEGIN_TIMEOUT)
        eddy_timeout_begin(&open->timeout, ticks * TICK);
    else if (operation == BEGIN_SHIELD)
        eddy_shield_begin(&open->shield);
    else
        open->group = eddy_task_group_new();
    return 0;
}

static int act_end(struct actor *actor) {
    struct open *open = &actor->open[actor->open_count - 1];

    if (open->operation == BEGIN_TIMEOUT)
        actor->last = eddy_timeout_end(&open->timeout, actor->last);
    else if (open->operation == BEGIN_SHIELD)
        eddy_shield_end(&open->shield);
    else
        actor->last = eddy_task_group_end(open->group, actor->last);
    actor->open_count--;
    return actor->last;
}

/* --- things ----------------------------------------------------------------------------------- */

static int act_get(struct actor *actor, eddy_queue *queue) {
    void *item = NULL;
    int r = actor->last = eddy_queue_get(queue, &item);

    return r < 0 ? r : (int)(intptr_t)item;
}

static int act_lock(struct actor *actor, int which) {
    actor->last = eddy_lock_acquire(&actor->world->locks[which]);
    actor->locks_held[which] += actor->last == 0;
    return actor->last;
}

static int act_unlock(struct actor *actor, int which) {
    if (actor->locks_held[which] == 0)
        return 0;
    actor->locks_held[which]--;
    eddy_lock_release(&actor->world->locks[which]);
    return 1;
}

static int act_acquire(struct actor *actor, int which) {
    actor->last = eddy_semaphore_acquire(&actor->world->semaphores[which]);
    actor->semaphores_held[which] += actor->last == 0;
    return actor->last;
}

static int act_release(struct actor *actor, int which) {
    if (actor->semaphores_held[which] == 0)
        return 0;
    actor->semaphores_held[which]--;
    eddy_semaphore_release(&actor->world->semaphores[which]);
    return 1;
}

/* --- instructions ----------------------------------------------------------------------------- */

static int act_on_things(struct actor *actor, const struct instruction *instruction) {
    struct world *world = actor->world;
    int which = instruction->a % LOCKS;

    switch (instruction->operation) {
    case LOCK:
        return act_lock(actor, which);
    case UNLOCK:
        return act_unlock(actor, which);
    case ACQUIRE:
        return act_acquire(actor, which);
    case RELEASE:
        return act_release(actor, which);
    case EVENT_WAIT:
        return actor->last = eddy_event_wait(&world->events[which]);
    case EVENT_SET:
        eddy_event_set(&world->events[which]);
        return 0;
    case EVENT_CLEAR:
        eddy_event_clear(&world->events[which]);
        return 0;
    case PUT:
        return actor->last =
                   eddy_queue_put(&world->queues[which], (void *)(intptr_t)(instruction->b % 100));
    case GET:
        return act_get(actor, &world->queues[which]);
    default:
        return 0;
    }
}

static int act_once(struct actor *actor, const struct instruction *instruction) {
    int a = target_of(actor, instruction->a), b = target_of(actor, instruction->b);
    int ticks = instruction->b % 6;

    switch (instruction->operation) {
    case YIELD:
        return actor->last = eddy_yield();
    case SLEEP:
        return actor->last = eddy_sleep(ticks * TICK);
    case SPAWN:
        return act_spawn(actor, a, false);
    case SPAWN_EAGERLY:
        return act_spawn(actor, a, true);
    case CANCEL:
        return actor->world->tasks[a] && eddy_cancel(actor->world->tasks[a]);
    case UNCANCEL:
        return eddy_uncancel();
    case AWAIT:
        return act_await(actor, a, -1);
    case WAIT_FOR:
        return act_await(actor, a, ticks);
    case GATHER:
        return act_gather(actor, a, b);
    case WAIT:
        return act_wait(actor, instruction, a, b);
    case BEGIN_TIMEOUT:
    case BEGIN_SHIELD:
    case BEGIN_GROUP:
        return act_begin(actor, instruction->operation, ticks);
    case SPAWN_IN_GROUP:
        return act_spawn_in_group(actor, a);
    case CANCEL_GROUP:
        eddy_task_group_cancel(innermost_group(actor));
        return 0;
    case END:
        return act_end(actor);
    default:
        return act_on_things(actor, instruction);
    }
}

static int act(void *arg) {
    struct actor actor = {.world = ((struct birth *)arg)->world,
                          .number = ((struct birth *)arg)->number};
    struct world *world = actor.world;
    const struct code *code = &world->program->tasks[actor.number];

    if (!world->tasks[actor.number])
        world->tasks[actor.number] = eddy_ref(eddy_current_task());
    for (int i = 0; i < code->count && !world->is_over; i++) {
        int r = act_once(&actor, &code->list[i]);
        if (!world->is_over)
            trace_add(world->trace, (int)lround(eddy_time() / TICK), actor.number, i, r);
    }
    while (actor.open_count > 0)
        act_end(&actor);
    return code->ending == 0 ? actor.last : code->ending == 1 ? 7 : -EIO;
}

/* --- the whole -------------------------------------------------------------------------------- */

static void ignore_failure(eddy_loop *loop, const eddy_error *error, const char *what, void *arg) {
    (void)loop, (void)error, (void)what, (void)arg;
}

static void ignore_log(eddy_log_level level, const char *text, void *arg) {
    (void)level, (void)text, (void)arg;
}

static void trace_end(struct world *world) {
    struct trace *trace = world->trace;

    for (int i = 0; i < world->program->tasks_count; i++) {
        int result = NOT_DONE;
        if (world->tasks[i] && eddy_is_done(world->tasks[i]))
            result = eddy_future_result(world->tasks[i], NULL);
        trace_add(trace, 0, END_OF_TASK, i, result);
    }
    for (int i = 0; i < LOCKS; i++) {
        trace_add(trace, 0, END_OF_LOCK, i, eddy_lock_is_locked(&world->locks[i]));
        trace_add(trace, 0, END_OF_SEMAPHORE, i, eddy_semaphore_is_locked(&world->semaphores[i]));
        trace_add(trace, 0, END_OF_EVENT, i, eddy_event_is_set(&world->events[i]));
        trace_add(trace, 0, END_OF_QUEUE, i, eddy_queue_qsize(&world->queues[i]));
    }
}

static void world_begin(struct world *world) {
    const eddy_loop_options options = {.clock = EDDY_CLOCK_VIRTUAL,
                                       .exception_handler = ignore_failure,
                                       .turn_budget =
                                           100000}; /* a turn ends when nothing is ready */

    eddy_set_log(ignore_log, NULL);
    ASSERT_OK(eddy_loop_new(&options, &world->loop));
    for (int i = 0; i < LOCKS; i++) {
        eddy_semaphore_init(&world->semaphores[i], SEMAPHORE_VALUE);
        ASSERT_OK(eddy_queue_init(&world->queues[i], EDDY_FIFO, QUEUE_CAPACITY));
    }
    for (int i = 0; i < world->program->roots; i++)
        world->tasks[i] = spawn(world, i, false);
}

static void run_dry(eddy_loop *loop) {
    double seconds;

    while ((seconds = eddy_loop_timeout(loop)) < INFINITY)
        ASSERT_OK(eddy_loop_run_once(loop, seconds));
}

static bool has_groups(const struct program *program) {
    for (int task = 0; task < program->tasks_count; task++)
        for (int i = 0; i < program->tasks[task].count; i++)
            if (program->tasks[task].list[i].operation == BEGIN_GROUP)
                return true;
    return false;
}

/* Whatever a task waits for, it gets. */
static void things_let_go(struct world *world) {
    for (int i = 0; i < LOCKS; i++) {
        if (eddy_lock_is_locked(&world->locks[i]))
            eddy_lock_release(&world->locks[i]);
        eddy_semaphore_release(&world->semaphores[i]);
        eddy_event_set(&world->events[i]);
        eddy_queue_shutdown(&world->queues[i], true);
    }
}

static void world_let_go(struct world *world) {
    world->is_over = true;
    for (int i = 0; i < 2 * TASKS_MAX; i++) {
        things_let_go(world);
        run_dry(world->loop);
    }
    ASSERT_INT_EQ(eddy_all_tasks(world->loop, NULL, 0), 0);
}

/* What waits for ever is there when the loop is closed; but a group belongs to the task that it
 * lies on, and nobody frees it for it. */
static void world_end(struct world *world) {
    if (has_groups(world->program))
        world_let_go(world);
    ASSERT_NULL(eddy_loop_close(world->loop));
    for (int i = 0; i < TASKS_MAX; i++)
        eddy_unref(world->tasks[i]);
    for (int i = 0; i < LOCKS; i++)
        eddy_queue_deinit(&world->queues[i]);
    eddy_set_log(NULL, NULL);
}

void real_run(const struct program *program, struct trace *trace) {
    struct world world = {.program = program, .trace = trace};

    world_begin(&world);
    run_dry(world.loop);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < program->tasks_count; i++)
            eddy_cancel(world.tasks[i]);
        run_dry(world.loop);
    }
    trace_end(&world);
    world_end(&world);
}
