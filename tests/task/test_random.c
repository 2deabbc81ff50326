/* SPDX-License-Identifier: MIT
 * test_random.c - random programs of everything that tasks can do, from fixed seeds, in virtual
 * time.
 *
 * A node is a task that takes a few random actions, some of which create further nodes. Nodes that
 * are awaited lie in the frame of who awaits them, so that a sanitizer sees an await that returns
 * too early; the others lie in the heap. What must hold is asserted on the way, and counted at the
 * end: everything ends, every argument is freed once, every result and every report arrives. */
#include "virtual.h"

enum { NODES_MAX = 400, ROOTS = 12, DEPTH_MAX = 5 };

struct node;

struct world {
    uint64_t random, trace;
    bool will_close; /* in the middle: then no frame may hold references of its own */
    int created, freed, alive;
    int callbacks_added, callbacks_run;
    int reports_due;
    eddy_loop *loop;               /* NULL: the running one */
    struct node *nodes[NODES_MAX]; /* those alive */
};

struct open_scope {
    struct open_scope *outer;
    eddy_timeout *timeout; /* NULL: a shield */
};

struct node {
    struct world *world;
    eddy_task *task;
    int id, depth;
    bool is_awaited, is_eager, has_ended;
    int result; /* what its function returned; -ECANCELED: it never ran */
    struct open_scope *scopes;
};

/* --- chance ----------------------------------------------------------------------------------- */

/* splitmix64 */
static uint64_t next_random(struct world *world) {
    uint64_t z = world->random += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static int below(struct world *world, int limit) {
    return (int)(next_random(world) % (uint64_t)limit);
}

static double some_seconds(struct world *world) {
    static const double seconds[] = {-1, 0, 0, 0.25, 0.5, 1, 1, 2, 3, 8};

    return seconds[below(world, 10)];
}

/* A second run of a seed must leave the same trace. */
static void leave_trace(struct node *node, int what) {
    struct world *world = node->world;

    world->trace = (world->trace ^ (uint64_t)(node->id * 31 + what)) * 0x100000001b3;
    world->trace ^= (uint64_t)milliseconds() << 20;
}

/* --- nodes ------------------------------------------------------------------------------------ */

static int live(void *arg);

static void node_register(struct node *node, eddy_task *task) {
    struct world *world = node->world;

    node->task = task;
    ASSERT(world->alive < NODES_MAX);
    world->nodes[world->alive++] = node;
}

/* free_arg: the node has ended, or will never run. */
static void node_end(void *arg) {
    struct node *node = arg;
    struct world *world = node->world;
    int i = 0;

    ASSERT(!node->has_ended);
    node->has_ended = true;
    world->freed++;
    while (world->nodes[i] != node)
        i++;
    world->nodes[i] = world->nodes[--world->alive];
    if (node->is_awaited)
        return;
    world->reports_due += node->result < 0 && node->result != -ECANCELED;
    free(node);
}

static void count_callback(eddy_future *future, void *world) {
    ASSERT(eddy_is_done(future));
    ((struct world *)world)->callbacks_run++;
}

/* A task of the node, which must not be touched afterwards unless it is awaited. */
static eddy_task *node_create(struct node *node, struct node *parent) {
    eddy_task *task;

    *node = (struct node){.world = parent->world,
                          .id = ++parent->world->created,
                          .depth = parent->depth + 1,
                          .is_awaited = node->is_awaited,
                          .is_eager = parent->depth > 0 && below(parent->world, 4) == 0,
                          .result = -ECANCELED};
    const eddy_task_options options = {
        .free_arg = node_end, .eager = node->is_eager, .loop = parent->world->loop};
    bool is_eager = node->is_eager;
    task = eddy_create_task_with(&options, live, node);
    ASSERT_NOT_NULL(task);
    if (!is_eager)
        node_register(node, task);
    if (below(parent->world, 3) == 0) {
        ASSERT_OK(eddy_future_add_done_callback(task, count_callback, parent->world));
        parent->world->callbacks_added++;
    }
    return task;
}

static eddy_task *awaited_create(struct node *node, struct node *parent) {
    node->is_awaited = true;
    return node_create(node, parent);
}

static eddy_task *free_create(struct node *parent) {
    struct node *node = calloc(1, sizeof(*node));

    return node_create(node, parent);
}

static bool may_create(const struct node *node, int count) {
    return node->depth < DEPTH_MAX && node->world->created + count <= NODES_MAX;
}

/* --- what must hold --------------------------------------------------------------------------- */

/* Rule 6, told again. */
static bool is_refused(const struct node *node) {
    const struct open_scope *scope = node->scopes;

    for (; scope && scope->timeout; scope = scope->outer)
        if (eddy_timeout_expired(scope->timeout))
            return true;
    return !scope && eddy_cancelling() > 0;
}

/* A call without effects on others: refused when it begins, or cancelled meanwhile, or 0. */
static int checked(struct node *node, bool was_refused, int r) {
    ASSERT(r >= 0 || r == -ECANCELED);
    if (was_refused)
        ASSERT_CODE(-ECANCELED, r);
    if (r == -ECANCELED)
        ASSERT(is_refused(node));
    return r;
}

/* --- actions ---------------------------------------------------------------------------------- */

static int act(struct node *node);

static int act_sleep(struct node *node) {
    bool was_refused = is_refused(node);

    return checked(node, was_refused, eddy_sleep(some_seconds(node->world)));
}

static int act_yield(struct node *node) {
    bool was_refused = is_refused(node);

    return checked(node, was_refused, eddy_yield());
}

static int act_timer(struct node *node) {
    bool was_refused = is_refused(node);

    return checked(node, was_refused, eddy_await(eddy_after(some_seconds(node->world))));
}

static void complete(void *future) {
    int r = eddy_future_set_result(future, NULL);

    ASSERT(r == 0 || r == EDDY_EINVALID_STATE);
    eddy_unref(future);
}

static int act_future(struct node *node) {
    eddy_future *future = eddy_future_new(NULL);
    bool was_refused = is_refused(node);

    eddy_call_later(NULL, some_seconds(node->world), complete, eddy_ref(future));
    return checked(node, was_refused, eddy_await(future));
}

static int act_await(struct node *node) {
    struct node child = {0};

    if (!may_create(node, 1))
        return act_yield(node);
    int r = eddy_await(awaited_create(&child, node));
    ASSERT(child.has_ended);
    ASSERT_INT_EQ(r, child.result);
    return r;
}

static int act_wait_for(struct node *node) {
    struct node child = {0};

    if (!may_create(node, 1))
        return act_yield(node);
    int r = eddy_wait_for(awaited_create(&child, node), some_seconds(node->world));
    ASSERT(child.has_ended);
    if (r == -ETIMEDOUT)
        ASSERT_CODE(-ECANCELED, child.result);
    else
        ASSERT_INT_EQ(r, child.result);
    return r;
}

static int act_gather(struct node *node) {
    struct node children[4] = {0};
    eddy_future *futures[4];
    int count = below(node->world, 5), results[4], least = 0;
    bool was_refused = is_refused(node);

    if (!may_create(node, count))
        return act_yield(node);
    for (int i = 0; i < count; i++)
        futures[i] = awaited_create(&children[i], node);
    int r = eddy_gather_array(futures, count, results);
    bool has_r = r == 0;
    for (int i = 0; i < count; i++) {
        ASSERT(children[i].has_ended);
        ASSERT_INT_EQ(results[i], children[i].result);
        has_r |= results[i] == r;
        least = results[i] < least ? results[i] : least;
    }
    ASSERT(has_r || (count == 0 && was_refused && r == -ECANCELED));
    ASSERT((r == 0) == (least == 0) || count == 0);
    return r;
}

static int act_wait(struct node *node) {
    eddy_future *futures[3];
    int count = 1 + below(node->world, 3);
    double seconds = below(node->world, 2) ? INFINITY : some_seconds(node->world);
    bool was_refused = is_refused(node);

    if (!may_create(node, count))
        return act_yield(node);
    for (int i = 0; i < count; i++)
        futures[i] = free_create(node);
    int r = eddy_wait(futures, count, seconds, (eddy_wait_until)below(node->world, 3));
    ASSERT(r <= count);
    ASSERT(r > 0 || seconds != INFINITY || r == -ECANCELED);
    for (int i = 0; i < count; i++)
        eddy_unref(futures[i]);
    return checked(node, was_refused, r);
}

static int act_detach(struct node *node) {
    if (may_create(node, 1))
        ASSERT_OK(eddy_detach(free_create(node)));
    return 0;
}

static int act_cancel(struct node *node) {
    struct world *world = node->world;
    struct node *other = world->nodes[below(world, world->alive)];

    leave_trace(node, other->id);
    ASSERT(eddy_cancel_with(other->task, below(world, 2) ? "by chance" : NULL));
    return 0;
}

static int act_in_timeout(struct node *node) {
    eddy_timeout timeout;
    struct open_scope scope = {node->scopes, &timeout};
    int result;

    eddy_timeout_begin(&timeout, some_seconds(node->world));
    node->scopes = &scope;
    result = act(node);
    if (below(node->world, 4) == 0) {
        bool was_expired = eddy_timeout_expired(&timeout);
        eddy_timeout_reschedule(&timeout, some_seconds(node->world));
        ASSERT(!was_expired || eddy_timeout_expired(&timeout));
        result = act(node);
    }
    node->scopes = scope.outer;
    int r = eddy_timeout_end(&timeout, result);
    if (result == -ECANCELED && eddy_timeout_expired(&timeout) && !is_refused(node))
        ASSERT_CODE(-ETIMEDOUT, r);
    else
        ASSERT_INT_EQ(r, result);
    return r;
}

static int act_in_shield(struct node *node) {
    eddy_shield_scope shield;
    struct open_scope scope = {node->scopes, NULL};
    int r;

    eddy_shield_begin(&shield);
    node->scopes = &scope;
    r = act(node);
    node->scopes = scope.outer;
    eddy_shield_end(&shield);
    return r;
}

static int act(struct node *node) {
    static int (*const actions[])(struct node *) = {
        act_sleep,  act_sleep, act_yield,  act_timer,  act_future,     act_await,     act_await,
        act_gather, act_wait,  act_detach, act_cancel, act_in_timeout, act_in_shield, act_wait_for,
    };
    const int count = sizeof(actions) / sizeof(actions[0]);
    int chosen = below(node->world, count);
    bool holds = actions[chosen] == act_wait || actions[chosen] == act_future;
    int r = holds && node->world->will_close ? act_yield(node) : actions[chosen](node);

    leave_trace(node, chosen * 1000 + r);
    return r;
}

static int some_result(struct world *world) {
    switch (below(world, 8)) {
    case 0:
        return eddy_raise(-EIO, "by chance");
    case 1:
        return -EPIPE;
    default:
        return below(world, 10);
    }
}

static int live(void *arg) {
    struct node *node = arg;

    if (node->is_eager)
        node_register(node, eddy_current_task());
    for (int steps = 1 + below(node->world, 5); steps > 0; steps--) {
        int r = act(node);
        if (r != -ECANCELED || eddy_cancelling() == 0)
            continue;
        if (below(node->world, 4) > 0)
            return node->result = -ECANCELED;
        while (eddy_uncancel() > 0)
            continue;
    }
    return node->result = some_result(node->world);
}

/* --- worlds ----------------------------------------------------------------------------------- */

static int run_world(void *arg) {
    struct world *world = arg;
    struct node god = {.world = world}, roots[ROOTS] = {0};
    eddy_future *futures[ROOTS];
    int results[ROOTS];

    for (int i = 0; i < ROOTS; i++)
        futures[i] = awaited_create(&roots[i], &god);
    eddy_gather_array(futures, ROOTS, results);
    for (int i = 0; i < ROOTS; i++)
        ASSERT_INT_EQ(results[i], roots[i].result);
    ASSERT_OK(eddy_sleep(1e6)); /* the detached ones end, too */
    ASSERT_INT_EQ(world->alive, 0);
    ASSERT_INT_EQ(live_tasks(), 1);
    return 0;
}

/* Runs until half of what a world does has been done, on average, and closes the loop over it. */
static void close_world(uint64_t seed) {
    struct world world = {.random = seed, .will_close = true};
    struct node god = {.world = &world};
    eddy_loop *loop = virtual_loop();

    world.loop = loop;
    for (int i = 0; i < ROOTS; i++)
        eddy_detach(free_create(&god));
    for (int turns = below(&world, 25); turns > 0; turns--)
        ASSERT_OK(eddy_loop_run_once(loop, 0.25));
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_INT_EQ(world.alive, 0);
    ASSERT_INT_EQ(world.freed, world.created);
    reports();
}

static int lines(const char *text) {
    int count = 0;

    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static uint64_t trace_of(uint64_t seed) {
    struct world world = {.random = seed, .trace = 0xcbf29ce484222325};
    eddy_loop *loop = virtual_loop();

    ASSERT_OK(virtual_run(loop, run_world, &world));
    ASSERT(world.created >= ROOTS);
    ASSERT_INT_EQ(world.freed, world.created);
    ASSERT_INT_EQ(world.callbacks_run, world.callbacks_added);
    ASSERT_INT_EQ(lines(reports()), world.reports_due);
    virtual_close(loop);
    return world.trace;
}

static void run_seeds(uint64_t first, uint64_t count) {
    for (uint64_t seed = first; seed < first + count; seed++) {
        uint64_t trace = trace_of(seed);
        if (trace_of(seed) != trace)
            TEST_FAIL("seed %ju leaves another trace the second time", (uintmax_t)seed);
    }
}

TEST(random_programs_keep_their_promises) {
    run_seeds(1, UNDER_SANITIZER ? 30 : 300);
}

TEST(further_random_programs_keep_their_promises) {
    run_seeds(1000000, UNDER_SANITIZER ? 30 : 300);
}

TEST(random_programs_closed_in_the_middle_end_and_leak_nothing) {
    for (uint64_t seed = 1; seed <= (UNDER_SANITIZER ? 100 : 1000); seed++)
        close_world(seed);
}

/* For a search with other seeds: EDDY_TEST_SEED=7 build/tests/task-random a_seed */
TEST(a_seed_of_the_environment_keeps_its_promises) {
    const char *seed = getenv("EDDY_TEST_SEED");

    for (uint64_t first = seed ? strtoull(seed, NULL, 10) : 0, i = 0; seed && i < 1000; i++) {
        run_seeds(first + i, 1);
        close_world(first + i);
    }
}
