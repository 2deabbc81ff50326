/* SPDX-License-Identifier: MIT
 * test_sweep.c - one program, run over and over: with the nth allocation failing, and with a cancel
 * at the nth moment. Nothing may crash, hang or leak, and what was taken is given back. */
#include "virtual.h"

/* --- the program ------------------------------------------------------------------------------ */

static int arguments_made, arguments_freed;

static void count_free(void *arg) {
    (void)arg;
    arguments_freed++;
}

static int step(double seconds) {
    return eddy_sleep(seconds);
}

static int worker(void *arg) {
    const int *number = arg;
    int r = step(0.5 * *number);

    if (r < 0)
        return r;
    return *number == 3 ? eddy_raise(-EPERM, "worker %d may not", *number) : *number;
}

static eddy_task *make_worker(int number, bool eager) {
    const eddy_task_options options = {.name = "worker",
                                       .copy_bytes = sizeof(number),
                                       .free_arg = count_free,
                                       .stack_bytes = 64 << 10,
                                       .eager = eager};

    arguments_made++;
    return eddy_create_task_with(&options, worker, &number);
}

static int gathers(void *unused) {
    (void)unused;
    int r = eddy_gather(make_worker(1, false), make_worker(2, true), make_worker(3, false));
    return r == -EPERM ? 0 : r;
}

static void count_done(eddy_future *future, void *counter) {
    (void)future;
    ++*(int *)counter;
}

static int waits(void *unused) {
    eddy_future *futures[] = {make_worker(1, false), eddy_after(2), make_worker(4, false)};
    int done = 0, r;

    (void)unused;
    bool counts = eddy_future_add_done_callback(futures[0], count_done, &done) == 0;
    r = eddy_wait(futures, 3, 1, EDDY_ALL_COMPLETED);
    if (counts) /* `done` does not outlive this call */
        eddy_future_remove_done_callback(futures[0], count_done, &done);
    eddy_cancel_with(futures[2], "not needed any more");
    for (int i = 0; i < 3; i++)
        eddy_detach(futures[i]);
    if (r == -EINVAL)
        r = -ENOMEM; /* one of them is NULL */
    return r < 0 ? r : 0;
}

static int shields(void *unused) {
    eddy_shield_scope shield;
    int r;

    (void)unused;
    r = eddy_wait_for(make_worker(8, false), 1);
    eddy_shield_begin(&shield);
    int cleaned = eddy_await(make_worker(1, false));
    eddy_shield_end(&shield);
    if (cleaned < 0)
        return cleaned;
    return r == -ETIMEDOUT ? 0 : r;
}

static eddy_task *joins(eddy_task_group *group, int number) {
    const eddy_task_options options = {.copy_bytes = sizeof(number), .free_arg = count_free};

    arguments_made++;
    return eddy_task_group_create_task_with(group, &options, worker, &number);
}

static int groups(void *unused) {
    eddy_task_group *group = eddy_task_group_new();
    int r;

    (void)unused;
    if (!group)
        return -ENOMEM;
    joins(group, 1);
    joins(group, 3);
    joins(group, 9);
    r = eddy_task_group_wait(group);
    return r == -EPERM ? 0 : r;
}

static int takes_value(void *unused) {
    eddy_future *future = eddy_future_new(NULL);
    int r = eddy_future_set_result_with(future, &arguments_freed, count_free);

    (void)unused;
    if (r < 0) {
        eddy_unref(future);
        return r;
    }
    arguments_made++; /* which nobody takes */
    return eddy_await(future);
}

/* What a shield hides goes on when the shield is given up. */
static int shields_future(void *unused) {
    eddy_future *shield = eddy_shield(eddy_shield(make_worker(2, false)));
    int r = eddy_wait_for(eddy_ref(shield), 0.25);

    (void)unused;
    eddy_unref(shield);
    if (r == -ETIMEDOUT)
        r = eddy_await(eddy_shield(make_worker(2, true)));
    return r == 2 ? 0 : r;
}

static int iterates(void *unused) {
    eddy_future *future, *futures[] = {make_worker(2, false), eddy_after(0.5)};
    eddy_as_completed *iterator = eddy_as_completed_new(futures, 2);
    int r = eddy_as_completed_next(iterator, &future);

    (void)unused;
    if (r == 1)
        r = eddy_await(future);
    eddy_as_completed_free(iterator);
    return r < 0 ? r : 0;
}

static int program(void *unused) {
    eddy_fn *const parts[] = {gathers,     waits,          shields, groups,
                              takes_value, shields_future, iterates};

    (void)unused;
    for (int i = 0; i < 7; i++) {
        eddy_task *part = eddy_create_task(parts[i], NULL);
        if (part)
            eddy_task_name(part);
        int r = eddy_await(part);
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- the nth allocation fails ----------------------------------------------------------------- */

static int blocks;  /* allocated and not released */
static int failing; /* this many allocations from now */

static bool fails(void) {
    return failing > 0 && --failing == 0;
}

static void *allocate(size_t size) {
    if (fails())
        return NULL;
    blocks++;
    return malloc(size);
}

static void *resize(void *memory, size_t size) {
    if (fails())
        return NULL;
    blocks += memory == NULL;
    return realloc(memory, size);
}

static void release(void *memory) {
    blocks -= memory != NULL;
    free(memory);
}

static void ignore_failure(eddy_loop *loop, const eddy_error *error, const char *what, void *arg) {
    (void)loop;
    (void)what;
    (void)arg;
    ASSERT(error->code == -ENOMEM || error->code == -EPERM);
}

/* The program on a loop of its own; -ENOMEM also when there was none for the loop. */
static int run_program(void) {
    const eddy_loop_options options = {.clock = EDDY_CLOCK_VIRTUAL,
                                       .exception_handler = ignore_failure};
    eddy_loop_statistics info;
    eddy_loop *loop;
    int r = eddy_loop_new(&options, &loop);

    if (r < 0)
        return r;
    r = virtual_run(loop, program, NULL);
    while (eddy_loop_timeout(loop) < INFINITY)
        ASSERT_OK(eddy_loop_run_once(loop, INFINITY)); /* what is detached ends */
    ASSERT_OK(eddy_loop_info(loop, &info));
    ASSERT_UINT_EQ(info.tasks, 0);
    ASSERT_NULL(eddy_loop_close(loop));
    return r;
}

/* The last error is a block, too: a static one takes its place. */
static void drop_last_error(void) {
    ASSERT_CODE(-ENOMEM, eddy_detach(NULL));
}

TEST(whichever_allocation_fails_nothing_breaks_and_nothing_leaks) {
    const eddy_allocator allocator = {allocate, resize, release};
    int n = 1;

    ASSERT_OK(eddy_set_allocator(&allocator));
    for (;; n++) {
        failing = n;
        int r = run_program();
        bool has_failed = failing == 0;
        failing = 0;
        drop_last_error();
        if (r != 0 && r != -ENOMEM)
            TEST_FAIL("allocation %d: %s", n, eddy_error_name(r));
        if (blocks != 0 || arguments_made != arguments_freed)
            TEST_FAIL("allocation %d: %d blocks leak, %d arguments of %d were freed", n, blocks,
                      arguments_freed, arguments_made);
        if (!has_failed)
            break;
    }
    ASSERT(n > 20);
}

/* --- a cancel at the nth moment --------------------------------------------------------------- */

struct moment {
    int number, r;
    bool came_in_time;
};

/* Moments are yields, then half seconds. */
static int cancels_at(void *arg) {
    struct moment *moment = arg;
    eddy_task *task = eddy_create_task(program, NULL);

    for (int i = 0; i < moment->number % 8; i++)
        ASSERT_OK(eddy_yield());
    for (int i = 0; i < moment->number / 8; i++)
        ASSERT_OK(eddy_sleep(0.25));
    moment->came_in_time = eddy_cancel(task);
    moment->r = eddy_await(task);
    ASSERT_OK(eddy_sleep(100));
    ASSERT_INT_EQ(live_tasks(), 1);
    return 0;
}

TEST(at_whichever_moment_a_cancel_comes_nothing_breaks_and_nothing_is_left) {
    struct moment moment = {.came_in_time = true};
    int cancelled = 0;

    for (; moment.came_in_time; moment.number++) {
        eddy_loop *loop = virtual_loop();
        ASSERT_OK(virtual_run(loop, cancels_at, &moment));
        virtual_close(loop);
        ASSERT_INT_EQ(arguments_freed, arguments_made);
        ASSERT(moment.r == 0 || (moment.came_in_time && moment.r == -ECANCELED));
        cancelled += moment.r == -ECANCELED;
    }
    ASSERT(moment.number > 50);
    ASSERT(cancelled > 50);
}
