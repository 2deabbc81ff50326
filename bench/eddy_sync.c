/* SPDX-License-Identifier: MIT
 * eddy_sync.c - locks, semaphores, events and queues: where nothing has to be waited for, and where
 * each call hands over to another task; and a time-out around a call that does not wait.
 * Beside it: limit_sync.c.
 *
 * A figure of a hand-over has one release, one acquire that waits, and one switch of tasks in it.
 * The other flow runs the same function as the measuring one, as tasks of a program do. */
#include <eddy.h>

#include "bench.h"

enum { COUNT = 200000 };

/* What two tasks do to each other: `mine` is waited for, `yours` is told. */
typedef int move_fn(void *mine, void *yours);

struct player {
    move_fn *move;
    void *mine, *yours;
};

static int play(void *arg) {
    const struct player *player = arg;
    int r = 0;

    for (int i = 0; i < COUNT && r >= 0; i++)
        r = player->move(player->mine, player->yours);
    return r;
}

static double per_move(int64_t start_ns, int moves) {
    return (double)(bench_now_ns() - start_ns) / moves;
}

/* Both play; nanoseconds for each move of each. */
static double pass_of_two(void *arg) {
    struct player *players = arg;
    int64_t start_ns = bench_now_ns();

    bench_require(
        eddy_gather(eddy_create_task(play, &players[0]), eddy_create_task(play, &players[1])),
        "two tasks");
    return per_move(start_ns, 2 * COUNT);
}

static double pass_of_one(void *arg) {
    int64_t start_ns = bench_now_ns();

    bench_require(play(arg), "one task");
    return per_move(start_ns, COUNT);
}

/* --- moves ------------------------------------------------------------------------------------ */

static int use_lock(void *lock, void *unused) {
    int r = eddy_lock_acquire(lock);

    (void)unused;
    if (r >= 0)
        eddy_lock_release(lock);
    return r;
}

static int use_semaphore(void *semaphore, void *unused) {
    int r = eddy_semaphore_acquire(semaphore);

    (void)unused;
    if (r >= 0)
        eddy_semaphore_release(semaphore);
    return r;
}

static int wait_and_set(void *mine, void *yours) {
    int r = eddy_event_wait(mine);

    eddy_event_clear(mine);
    eddy_event_set(yours);
    return r;
}

static int get_and_put(void *mine, void *yours) {
    void *item;
    int r = eddy_queue_get(mine, &item);

    return r < 0 ? r : eddy_queue_put(yours, item);
}

static int put_and_get(void *queue, void *unused) {
    void *item;
    int r = eddy_queue_put(queue, queue);

    (void)unused;
    return r < 0 ? r : eddy_queue_get(queue, &item);
}

static int put_only(void *unused, void *queue) {
    (void)unused;
    return eddy_queue_put(queue, queue);
}

static int get_only(void *queue, void *unused) {
    void *item;

    (void)unused;
    return eddy_queue_get(queue, &item);
}

static int wait_for_set_event(void *event, void *unused) {
    eddy_timeout timeout;

    (void)unused;
    eddy_timeout_begin(&timeout, 10);
    return eddy_timeout_end(&timeout, eddy_event_wait(event));
}

/* --- rows ------------------------------------------------------------------------------------- */

static void lock_rows(void) {
    eddy_lock lock = EDDY_LOCK_INIT;
    struct player players[] = {{use_lock, &lock, NULL}, {use_lock, &lock, NULL}};

    bench_report("lock", bench_run_passes(pass_of_one, &players[0]), "ns");
    /* The first has it when it parks in the middle of its moves: from then on both wait. */
    bench_report("lock-hand-over", bench_run_passes(pass_of_two, players), "ns");
}

static void semaphore_rows(void) {
    eddy_semaphore semaphore = EDDY_SEMAPHORE_INIT(1);
    struct player players[] = {{use_semaphore, &semaphore, NULL},
                               {use_semaphore, &semaphore, NULL}};

    bench_report("semaphore", bench_run_passes(pass_of_one, &players[0]), "ns");
    bench_report("semaphore-hand-over", bench_run_passes(pass_of_two, players), "ns");
}

static void event_rows(void) {
    eddy_event events[2] = {EDDY_EVENT_INIT, EDDY_EVENT_INIT};
    struct player players[] = {{wait_and_set, &events[0], &events[1]},
                               {wait_and_set, &events[1], &events[0]}};

    struct player alone = {wait_for_set_event, &events[0], NULL};

    eddy_event_set(&events[0]);
    bench_report("timeout", bench_run_passes(pass_of_one, &alone), "ns");
    bench_report("event-hand-over", bench_run_passes(pass_of_two, players), "ns");
}

static void queue_pass(const char *row, int capacity) {
    eddy_queue queue;
    struct player players[] = {{put_only, NULL, &queue}, {get_only, &queue, NULL}};

    bench_require(eddy_queue_init(&queue, EDDY_FIFO, capacity), "a queue");
    bench_report(row, 2 * bench_run_passes(pass_of_two, players), "ns"); /* an item is two moves */
    eddy_queue_deinit(&queue);
}

static void queue_rows(void) {
    eddy_queue queues[2] = {EDDY_QUEUE_INIT, EDDY_QUEUE_INIT};
    struct player alone = {put_and_get, &queues[0], NULL};
    struct player players[] = {{get_and_put, &queues[0], &queues[1]},
                               {get_and_put, &queues[1], &queues[0]}};

    bench_report("queue", bench_run_passes(pass_of_one, &alone), "ns");
    bench_require(eddy_queue_put_nowait(&queues[0], NULL), "an item");
    bench_report("queue-hand-over", bench_run_passes(pass_of_two, players), "ns");
    eddy_queue_deinit(&queues[0]);
    eddy_queue_deinit(&queues[1]);
    queue_pass("queue-unbounded", 0);
    queue_pass("queue-1", 1);
    queue_pass("queue-100", 100);
}

static int bench_main(void *arg) {
    (void)arg;
    lock_rows();
    semaphore_rows();
    event_rows();
    queue_rows();
    return 0;
}

int main(void) {
    return eddy_main(bench_main, NULL);
}
