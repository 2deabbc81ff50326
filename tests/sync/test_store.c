/* SPDX-License-Identifier: MIT
 * test_store.c - in which order items leave a queue. */
#include "actors.h"

#define ITEM(number) ((void *)(intptr_t)(number))

static intptr_t get_now(eddy_queue *queue) {
    void *item = NULL;

    ASSERT_OK(eddy_queue_get_nowait(queue, &item));
    return (intptr_t)item;
}

static void put_all(eddy_queue *queue, const int items[], int count) {
    for (int i = 0; i < count; i++)
        ASSERT_OK(eddy_queue_put_nowait(queue, ITEM(items[i])));
}

static void assert_leaves(eddy_queue_kind kind, int a, int b, int c, int d) {
    for (int capacity = 0; capacity <= 4; capacity += 4) {
        eddy_queue queue;
        ASSERT_OK(eddy_queue_init(&queue, kind, capacity));
        put_all(&queue, (int[]){1, 3, 2, -5}, 4);
        ASSERT_INT_EQ(get_now(&queue), a);
        ASSERT_INT_EQ(get_now(&queue), b);
        ASSERT_INT_EQ(get_now(&queue), c);
        ASSERT_INT_EQ(get_now(&queue), d);
        eddy_queue_deinit(&queue);
    }
}

TEST(of_a_fifo_queue_the_oldest_leaves_first) {
    assert_leaves(EDDY_FIFO, 1, 3, 2, -5);
}

TEST(of_a_lifo_queue_the_newest_leaves_first) {
    assert_leaves(EDDY_LIFO, -5, 2, 3, 1);
}

TEST(of_a_priority_queue_the_lowest_number_leaves_first) {
    assert_leaves(EDDY_PRIORITY, -5, 1, 2, 3);
}

struct job {
    int priority;
    int number;
};

static int compare_jobs(const void *a, const void *b) {
    return ((const struct job *)a)->priority - ((const struct job *)b)->priority;
}

static const eddy_queue_options by_priority = {.compare = compare_jobs};

TEST(a_function_may_say_which_leaves_first_and_equals_leave_in_the_order_of_arrival) {
    enum { JOBS = 100 };
    struct job jobs[JOBS], last = {-1, -1};
    eddy_queue queue;

    ASSERT_OK(eddy_queue_init_with(&queue, EDDY_PRIORITY, 0, &by_priority));
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){i * 7 % 4, i};
        ASSERT_OK(eddy_queue_put_nowait(&queue, &jobs[i]));
    }
    for (int i = 0; i < JOBS; i++) {
        const struct job *job = ITEM(get_now(&queue));
        ASSERT(job->priority > last.priority ||
               (job->priority == last.priority && job->number > last.number));
        last = *job;
    }
    eddy_queue_deinit(&queue);
}

/* --- against a simple model ------------------------------------------------------------------- */

enum { MODEL_ROOM = 500 };

struct model {
    int items[MODEL_ROOM], count;
};

static int model_next(const struct model *model, eddy_queue_kind kind) {
    int next = kind == EDDY_LIFO ? model->count - 1 : 0;

    for (int i = 0; kind == EDDY_PRIORITY && i < model->count; i++)
        if (model->items[i] < model->items[next])
            next = i;
    return next;
}

static int model_take(struct model *model, eddy_queue_kind kind) {
    int next = model_next(model, kind), item = model->items[next];

    model->count--;
    for (int i = next; i < model->count; i++)
        model->items[i] = model->items[i + 1];
    return item;
}

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* Fills and empties in long waves, so that the circle wraps round at every size. */
static void compare_with_model(eddy_queue_kind kind, int capacity) {
    struct model model = {.count = 0};
    uint32_t random = 1;
    eddy_queue queue;

    ASSERT_OK(eddy_queue_init(&queue, kind, capacity));
    for (int i = 0; i < 20000; i++) {
        bool fills = next_random(&random) % 100 < (i / 500 % 2 ? 30u : 70u);
        if (fills && model.count < MODEL_ROOM && !eddy_queue_is_full(&queue)) {
            int item = (int)(next_random(&random) % 1000);
            ASSERT_OK(eddy_queue_put_nowait(&queue, ITEM(item)));
            model.items[model.count++] = item;
        } else if (model.count > 0) {
            ASSERT_INT_EQ(get_now(&queue), model_take(&model, kind));
        }
        ASSERT_INT_EQ(eddy_queue_qsize(&queue), model.count);
    }
    eddy_queue_deinit(&queue);
}

TEST(twenty_thousand_random_steps_do_what_a_simple_model_does) {
    static const eddy_queue_kind kinds[] = {EDDY_FIFO, EDDY_LIFO, EDDY_PRIORITY};

    for (int kind = 0; kind < 3; kind++) {
        compare_with_model(kinds[kind], 0);
        compare_with_model(kinds[kind], 1);
        compare_with_model(kinds[kind], 37);
    }
}

/* --- who waits -------------------------------------------------------------------------------- */

static int gets_and_notes(void *queue) {
    void *item = NULL;
    int r = eddy_queue_get(queue, &item);

    note("%d", (int)(intptr_t)item);
    return r;
}

TASK_TEST(who_waits_at_a_priority_queue_gets_what_is_put_first) {
    eddy_queue queue;

    ASSERT_OK(eddy_queue_init(&queue, EDDY_PRIORITY, 0));
    eddy_task *a = eddy_create_task(gets_and_notes, &queue);
    ASSERT_OK(eddy_yield());
    put_all(&queue, (int[]){3, 2, 1}, 3);
    ASSERT_OK(eddy_await(a));
    ASSERT_STR_EQ(noted(), "3");
    ASSERT_INT_EQ(get_now(&queue), 1);
    eddy_queue_deinit(&queue);
}

static int puts_0(void *queue) {
    return eddy_queue_put(queue, ITEM(0));
}

TASK_TEST(an_item_that_waited_for_room_is_ordered_when_it_has_it) {
    eddy_queue queue;

    ASSERT_OK(eddy_queue_init(&queue, EDDY_PRIORITY, 2));
    put_all(&queue, (int[]){1, 2}, 2);
    eddy_task *a = eddy_create_task(puts_0, &queue);
    ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(get_now(&queue), 1);
    ASSERT_INT_EQ(get_now(&queue), 0);
    ASSERT_INT_EQ(get_now(&queue), 2);
    ASSERT_OK(eddy_await(a));
    eddy_queue_deinit(&queue);
}
