/* SPDX-License-Identifier: MIT
 * test_channel_threads.c - channels between threads: with loops and without, cancelled, timed out,
 * closed, and in a storm. What a channel does at all: test_channel.c. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "../task/virtual.h"

#define ITEM(number) ((void *)(intptr_t)(number))

static eddy_channel *channel_of(int capacity) {
    eddy_channel *channel;

    ASSERT_OK(eddy_channel_new(capacity, &channel));
    return channel;
}

static pthread_t started(void *(*main)(void *), void *arg) {
    pthread_t thread;

    ASSERT_INT_EQ(pthread_create(&thread, NULL, main, arg), 0);
    return thread;
}

static void *joined(pthread_t thread) {
    void *result;

    ASSERT_INT_EQ(pthread_join(thread, &result), 0);
    return result;
}

/* --- threads without a loop of their own ------------------------------------------------------ */

enum { ITEMS = UNDER_SANITIZER ? 300 : 1000 };

static int send_numbers(void *channel) {
    for (intptr_t i = 1; i <= ITEMS; i++)
        ASSERT_OK(eddy_channel_send(channel, ITEM(i)));
    return 0;
}

static int receive_numbers(void *channel) {
    void *item;

    for (intptr_t i = 1; i <= ITEMS; i++) {
        ASSERT_OK(eddy_channel_receive(channel, &item));
        ASSERT_INT_EQ((intptr_t)item, i);
    }
    return 0;
}

static void *sends_in_a_plain_thread(void *channel) {
    ASSERT_OK(send_numbers(channel));
    return NULL;
}

static void *sends_in_a_loop(void *channel) {
    ASSERT_OK(eddy_run(send_numbers, channel));
    return NULL;
}

static void go_through(int capacity, void *(*sender)(void *), bool runs_a_loop) {
    eddy_channel *channel = channel_of(capacity);
    pthread_t thread = started(sender, channel);

    ASSERT_OK(runs_a_loop ? eddy_run(receive_numbers, channel) : receive_numbers(channel));
    joined(thread);
    ASSERT_NULL(eddy_channel_unref(channel));
}

TEST(items_go_in_order_between_plain_threads) {
    for (int capacity = 0; capacity <= 2; capacity++)
        go_through(capacity, sends_in_a_plain_thread, false);
    go_through(100, sends_in_a_plain_thread, false);
}

TEST(items_go_in_order_between_a_plain_thread_and_a_loop) {
    for (int capacity = 0; capacity <= 2; capacity++) {
        go_through(capacity, sends_in_a_plain_thread, true);
        go_through(capacity, sends_in_a_loop, false);
    }
}

TEST(items_go_in_order_between_loops) {
    for (int capacity = 0; capacity <= 2; capacity++)
        go_through(capacity, sends_in_a_loop, true);
    go_through(100, sends_in_a_loop, true);
}

TEST(a_time_out_ends_the_wait_of_a_plain_thread) {
    eddy_channel *channel = channel_of(1);
    eddy_timeout timeout;
    void *item;

    eddy_timeout_begin(&timeout, 0.01);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_channel_receive(channel, &item)));
    ASSERT_OK(eddy_channel_send(channel, NULL));
    eddy_timeout_begin(&timeout, 0.01);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_channel_send(channel, NULL)));
    ASSERT_INT_EQ(eddy_channel_size(channel), 1);
    eddy_channel_unref(channel);
}

/* --- a round trip ----------------------------------------------------------------------------- */

struct pair {
    eddy_channel *there, *back;
};

static int answers(void *arg) {
    struct pair *pair = arg;
    void *item;
    int r;

    while ((r = eddy_channel_receive(pair->there, &item)) == 0)
        ASSERT_OK(eddy_channel_send(pair->back, item));
    ASSERT_CODE(EDDY_ESHUTDOWN, r);
    return 0;
}

static void *answers_in_a_loop(void *pair) {
    ASSERT_OK(eddy_run(answers, pair));
    return NULL;
}

static int asks(void *arg) {
    struct pair *pair = arg;
    void *item;

    for (intptr_t i = 0; i < ITEMS; i++) {
        ASSERT_OK(eddy_channel_send(pair->there, ITEM(i)));
        ASSERT_OK(eddy_channel_receive(pair->back, &item));
        ASSERT_INT_EQ((intptr_t)item, i);
    }
    eddy_channel_close(pair->there);
    return 0;
}

TEST(a_receiver_that_sleeps_is_woken_every_time) {
    struct pair pair = {channel_of(1), channel_of(1)};
    pthread_t thread = started(answers_in_a_loop, &pair);

    ASSERT_OK(eddy_run(asks, &pair));
    joined(thread);
    eddy_channel_unref(pair.there);
    eddy_channel_unref(pair.back);
}

/* --- cancels that race with items ------------------------------------------------------------- */

/* Never waits longer than it takes to be woken, and counts what it got. */
static int receives_impatiently(void *arg) {
    eddy_channel *channel = arg;
    long last = 0, i = 0;
    void *item;
    int r;

    do {
        eddy_timeout timeout;
        eddy_timeout_begin(&timeout, (double)(i++ % 5) * 2e-5);
        r = eddy_channel_receive(channel, &item);
        if (r == 0)
            ASSERT_INT_EQ((intptr_t)item, ++last); /* none is lost, none comes twice */
        r = eddy_timeout_end(&timeout, r);
    } while (r == 0 || r == -ETIMEDOUT);
    ASSERT_CODE(EDDY_ESHUTDOWN, r);
    ASSERT_INT_EQ(last, ITEMS);
    return 0;
}

static void *receives_impatiently_in_a_loop(void *channel) {
    ASSERT_OK(eddy_run(receives_impatiently, channel));
    return NULL;
}

static int sends_impatiently(void *arg) {
    eddy_channel *channel = arg;

    for (intptr_t i = 1, tries = 0; i <= ITEMS; tries++) {
        eddy_timeout timeout;
        eddy_timeout_begin(&timeout, (double)(tries % 5) * 2e-5);
        int r = eddy_channel_send(channel, ITEM(i));
        i += r == 0;
        r = eddy_timeout_end(&timeout, r);
        ASSERT(r == 0 || r == -ETIMEDOUT);
    }
    eddy_channel_close(channel);
    return 0;
}

TEST(time_outs_at_the_instant_of_an_item_lose_none_and_double_none) {
    eddy_channel *channel = channel_of(1);
    pthread_t thread = started(receives_impatiently_in_a_loop, channel);

    ASSERT_OK(eddy_run(sends_impatiently, channel));
    joined(thread);
    eddy_channel_unref(channel);
}

/* --- loops that are closed over who waits ----------------------------------------------------- */

static int receives_for_ever(void *channel) {
    void *item;

    while (eddy_channel_receive(channel, &item) == 0)
        free(item);
    return 0;
}

/* Loops that receive a little, and are closed with an item on its way or without. */
static void *closes_loops(void *channel) {
    for (int i = 0; i < (UNDER_TSAN ? 60 : 200); i++) {
        eddy_loop *loop;
        ASSERT_OK(eddy_loop_new(NULL, &loop));
        for (int j = 0; j < 3; j++)
            eddy_detach(eddy_create_task_with(&(eddy_task_options){.loop = loop}, receives_for_ever,
                                              channel));
        for (int j = 0; j < i % 4; j++)
            ASSERT_OK(eddy_loop_run_once(loop, 0));
        ASSERT_NULL(eddy_loop_close(loop));
    }
    return NULL;
}

static void drop_log(eddy_log_level level, const char *text, void *arg) {
    (void)level;
    (void)text;
    (void)arg;
}

TEST(loops_may_be_closed_while_others_send_to_them) {
    eddy_channel *channel;
    pthread_t thread;

    eddy_set_log(drop_log, NULL);
    ASSERT_OK(eddy_channel_new_with(2, &(eddy_channel_options){.destroy = free}, &channel));
    thread = started(closes_loops, channel);
    for (int i = 0; i < ITEMS; i++) {
        void *item = malloc(8); /* a leak checker sees what is lost, an allocator what is doubled */
        if (eddy_channel_send_nowait(channel, item) < 0)
            free(item);
        sched_yield();
    }
    joined(thread);
    eddy_channel_unref(channel);
}

/* --- a storm ---------------------------------------------------------------------------------- */

enum { STORM_THREADS = 4, STORM_TASKS = 5, STORM_SENDS = UNDER_TSAN ? 100 : 700 };
enum { STORM_ITEMS = STORM_THREADS * STORM_TASKS * STORM_SENDS };

static eddy_channel *storm_channel;
static atomic_uchar storm_received[STORM_ITEMS];
static atomic_int storm_count, storm_senders;

static int storm_send(void *arg) {
    int first = (int)(intptr_t)arg * STORM_SENDS, r;

    for (int i = 0; i < STORM_SENDS;) {
        eddy_timeout timeout;
        eddy_timeout_begin(&timeout, i % 7 ? INFINITY : 2e-5);
        r = eddy_channel_send(storm_channel, ITEM(first + i));
        i += r == 0;
        r = eddy_timeout_end(&timeout, r);
        ASSERT(r == 0 || r == -ETIMEDOUT);
        if (i % 13 == 0)
            ASSERT_OK(eddy_yield());
    }
    if (--storm_senders == 0)
        eddy_channel_close(storm_channel);
    return 0;
}

static int storm_receive(void *unused) {
    void *item;
    int r;

    (void)unused;
    while ((r = eddy_channel_receive(storm_channel, &item)) == 0) {
        ASSERT_INT_EQ(storm_received[(intptr_t)item]++, 0);
        storm_count++;
    }
    return r == EDDY_ESHUTDOWN ? 0 : r;
}

/* One that is cancelled now and then, between items or while it waits. */
static int storm_receive_cancelled(void *unused) {
    int r;

    do {
        eddy_task *task = eddy_create_task(storm_receive, unused);
        for (int i = 0; i < 3; i++)
            ASSERT_OK(eddy_yield());
        eddy_cancel(task);
        r = eddy_await(task);
    } while (r == -ECANCELED);
    return r;
}

static int storm_task(void *arg) {
    eddy_task *tasks[2 * STORM_TASKS];
    int first = (int)(intptr_t)arg * STORM_TASKS;

    for (int i = 0; i < STORM_TASKS; i++) {
        tasks[i] = eddy_create_task(storm_send, ITEM(first + i));
        tasks[STORM_TASKS + i] =
            eddy_create_task(i == 0 ? storm_receive_cancelled : storm_receive, NULL);
    }
    return eddy_gather_array(tasks, 2 * STORM_TASKS, NULL);
}

static void *storm_thread(void *number) {
    ASSERT_OK(eddy_run(storm_task, number));
    return NULL;
}

static void storm(int capacity) {
    pthread_t threads[STORM_THREADS];

    storm_channel = channel_of(capacity);
    storm_count = 0;
    storm_senders = STORM_THREADS * STORM_TASKS;
    for (int i = 0; i < STORM_ITEMS; i++)
        storm_received[i] = 0;
    for (int i = 0; i < STORM_THREADS; i++)
        threads[i] = started(storm_thread, ITEM(i));
    for (int i = 0; i < STORM_THREADS; i++)
        joined(threads[i]);
    ASSERT_INT_EQ(storm_count, STORM_ITEMS);
    ASSERT_INT_EQ(eddy_channel_size(storm_channel), 0);
    ASSERT_NULL(eddy_channel_unref(storm_channel));
}

TEST(in_a_storm_of_loops_every_item_arrives_once) {
    storm(3);
    storm(0);
}
