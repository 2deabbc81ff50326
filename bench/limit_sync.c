/* SPDX-License-Identifier: MIT
 * limit_sync.c - the limit of locks, semaphores, events and queues that two tasks hand to each
 * other, and of a time-out around a call that does not wait.
 *
 * Who has to wait stands in a line and switches to the next ready task; who lets go takes the first
 * out of the line and makes it ready. A time-out is a node of a wheel, put in and taken out.
 * Beside it: eddy_sync.c, whose tasks make the same moves. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "bench.h"
#include "limit.h"
#include "limit_wheel.h"

#define NOINLINE __attribute__((noinline)) /* a function of its own, as any library would have */

enum { COUNT = 200000, READY = 8, ITEMS = 128, UNBOUNDED = 1 << 30 };

struct task {
    void *sp;
    struct task *next; /* in a line */
};

struct line {
    struct task *first, *last;
};

static struct task *ready[READY];
static unsigned ready_head, ready_tail;
static struct task tasks[2], main_task, *current = &main_task;

static inline void make_ready(struct task *task) {
    ready[ready_tail++ % READY] = task;
}

static inline void park(void) {
    struct task *self = current;

    current = ready[ready_head++ % READY];
    limit_switch_inline(&self->sp, current->sp);
}

static inline void line_wait(struct line *line) {
    current->next = NULL;
    if (line->first)
        line->last->next = current;
    else
        line->first = current;
    line->last = current;
    park();
}

static inline bool line_wake_first(struct line *line) {
    struct task *first = line->first;

    if (!first)
        return false;
    line->first = first->next;
    make_ready(first);
    return true;
}

/* --- what is handed over ---------------------------------------------------------------------- */

/* A lock is one with a count of one; it goes to the first in the line without being free between.
 */
struct semaphore {
    unsigned count;
    struct line line;
};

static NOINLINE void acquire(struct semaphore *semaphore) {
    if (semaphore->count > 0)
        semaphore->count--;
    else
        line_wait(&semaphore->line);
}

static NOINLINE void release(struct semaphore *semaphore) {
    if (!line_wake_first(&semaphore->line))
        semaphore->count++;
}

struct event {
    bool is_set;
    struct line line;
};

static NOINLINE void event_wait(struct event *event) {
    if (!event->is_set)
        line_wait(&event->line);
}

static NOINLINE void event_set(struct event *event) {
    event->is_set = true;
    while (line_wake_first(&event->line))
        continue;
}

static NOINLINE void event_clear(struct event *event) {
    event->is_set = false;
}

struct queue {
    void **items;
    unsigned head, tail, room, capacity;
    struct line getters, putters;
};

/* It doubles as any library's would. */
static NOINLINE void queue_grow(struct queue *queue) {
    unsigned room = queue->room * 2, count = queue->tail - queue->head;
    void **items = malloc(room * sizeof(*items));

    bench_require(items ? 0 : -ENOMEM, "a queue");
    for (unsigned i = 0; i < count; i++)
        items[i] = queue->items[(queue->head + i) % queue->room];
    free(queue->items);
    queue->items = items;
    queue->head = 0;
    queue->tail = count;
    queue->room = room;
}

static NOINLINE void put(struct queue *queue, void *item) {
    while (queue->tail - queue->head == queue->capacity)
        line_wait(&queue->putters);
    if (queue->tail - queue->head == queue->room)
        queue_grow(queue);
    queue->items[queue->tail++ % queue->room] = item;
    line_wake_first(&queue->getters);
}

static NOINLINE void *get(struct queue *queue) {
    while (queue->tail == queue->head)
        line_wait(&queue->getters);
    void *item = queue->items[queue->head++ % queue->room];
    line_wake_first(&queue->putters);
    return item;
}

static void queue_begin(struct queue *queue, unsigned capacity) {
    *queue = (struct queue){.capacity = capacity, .room = ITEMS};
    queue->items = malloc(ITEMS * sizeof(*queue->items));
    bench_require(queue->items ? 0 : -ENOMEM, "a queue");
}

/* --- two players ------------------------------------------------------------------------------ */

typedef void move_fn(void *mine, void *yours);

struct player {
    move_fn *move;
    void *mine, *yours;
};

static struct limit_stacks stacks;
static const struct player *players;
static int playing;

static void play(const struct player *player) {
    for (int i = 0; i < COUNT; i++)
        player->move(player->mine, player->yours);
}

static void play_in_task(void) {
    for (;;) {
        play(&players[current - tasks]);
        if (--playing == 0)
            make_ready(&main_task);
        park();
    }
}

/* Both play; nanoseconds for each move of each. Where both wait first, main lets one go on. */
static double pass_of_two(struct semaphore *taken) {
    int64_t start_ns = bench_now_ns();

    playing = 2;
    for (int i = 0; i < 2; i++) {
        tasks[i].sp = limit_prepare_inline(limit_stack_top(&stacks, (size_t)i), play_in_task);
        make_ready(&tasks[i]);
    }
    if (taken) {
        make_ready(&main_task);
        park();
        release(taken);
    }
    park();
    return (double)(bench_now_ns() - start_ns) / (2 * COUNT);
}

static double pass_taken(void *semaphore) {
    acquire(semaphore);
    return pass_of_two(semaphore);
}

static double pass_free(void *unused) {
    (void)unused;
    return pass_of_two(NULL);
}

static double pass_of_one(void *player) {
    int64_t start_ns = bench_now_ns();

    play(player);
    return (double)(bench_now_ns() - start_ns) / COUNT;
}

/* --- moves ------------------------------------------------------------------------------------ */

static void use_semaphore(void *semaphore, void *unused) {
    (void)unused;
    acquire(semaphore);
    release(semaphore);
}

static void wait_and_set(void *mine, void *yours) {
    event_wait(mine);
    event_clear(mine);
    event_set(yours);
}

static void get_and_put(void *mine, void *yours) {
    put(yours, get(mine));
}

static void put_only(void *unused, void *queue) {
    (void)unused;
    put(queue, queue);
}

static void get_only(void *queue, void *unused) {
    (void)unused;
    get(queue);
}

static struct limit_wheel wheel = {.now = 1000};

static NOINLINE void timeout_begin(struct limit_timer *timer) {
    timer->deadline = wheel.now + 10 * INT64_C(1000000000) / WHEEL_TICK_NS;
    limit_wheel_add(&wheel, timer);
}

static NOINLINE void timeout_end(struct limit_timer *timer) {
    limit_wheel_cancel(&wheel, timer);
}

static void wait_for_set_event(void *event, void *unused) {
    struct limit_timer timer;

    (void)unused;
    timeout_begin(&timer);
    event_wait(event);
    timeout_end(&timer);
}

/* --- rows ------------------------------------------------------------------------------------- */

static void semaphore_row(const char *row) {
    struct semaphore semaphore = {.count = 1};
    struct player both[] = {{use_semaphore, &semaphore, NULL}, {use_semaphore, &semaphore, NULL}};

    players = both;
    bench_report(row, bench_run_passes(pass_taken, &semaphore), "ns");
}

static void event_row(void) {
    struct event events[2] = {{.is_set = true}, {0}};
    struct player both[] = {{wait_and_set, &events[0], &events[1]},
                            {wait_and_set, &events[1], &events[0]}};

    players = both;
    bench_report("event-hand-over", bench_run_passes(pass_free, NULL), "ns");
}

static void ping_pong_row(void) {
    struct queue queues[2];
    struct player both[] = {{get_and_put, &queues[0], &queues[1]},
                            {get_and_put, &queues[1], &queues[0]}};

    players = both;
    for (int i = 0; i < 2; i++)
        queue_begin(&queues[i], UNBOUNDED);
    put(&queues[0], NULL);
    bench_report("queue-hand-over", bench_run_passes(pass_free, NULL), "ns");
    free(queues[0].items);
    free(queues[1].items);
}

static void queue_row(const char *row, unsigned capacity) {
    struct queue queue;
    struct player both[] = {{put_only, NULL, &queue}, {get_only, &queue, NULL}};

    players = both;
    queue_begin(&queue, capacity);
    bench_report(row, 2 * bench_run_passes(pass_free, NULL), "ns"); /* an item is two moves */
    free(queue.items);
}

static void timeout_row(void) {
    struct event event = {.is_set = true};
    struct player alone = {wait_for_set_event, &event, NULL};

    bench_report("timeout", bench_run_passes(pass_of_one, &alone), "ns");
}

int main(void) {
    timeout_row();
    if (!LIMIT_SUPPORTED) {
        bench_skip("lock-hand-over", LIMIT_UNSUPPORTED);
        return 0;
    }
    limit_stacks_map(&stacks, 2);
    semaphore_row("lock-hand-over");
    semaphore_row("semaphore-hand-over");
    event_row();
    ping_pong_row();
    queue_row("queue-unbounded", UNBOUNDED);
    queue_row("queue-1", 1);
    queue_row("queue-100", 100);
    limit_stacks_unmap(&stacks);
    return 0;
}
