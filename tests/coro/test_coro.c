/* SPDX-License-Identifier: MIT
 * test_coro.c - flows on stacks of their own: how they begin, take turns and end.
 *
 * That a switch keeps the registers is checked in switch_check.c, on every processor. */
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"

/* --- beginning -------------------------------------------------------------------------------- */

static void note_address(void *arg) {
    char local;
    *(char **)arg = &local;
    flow_leave();
}

#if !EDDY__ASAN /* which may keep locals elsewhere */

TEST(a_flow_runs_on_its_own_stack) {
    POOL pool = test_pool();
    char *address = NULL;
    struct flow flow = flow_new(&pool, note_address, &address);
    flow_resume(&flow);

    ASSERT(address > (char *)eddy__stack_bottom(flow.stack));
    ASSERT(address < (char *)eddy__stack_top(flow.stack));
    ASSERT((char *)eddy__stack_top(flow.stack) - address < 2048); /* near its top */
    flow_resume(&flow);
}

#endif

static void note_alignment(void *arg) {
    *(uintptr_t *)arg = (uintptr_t)__builtin_frame_address(0) % 16;
}

TEST(the_stack_is_aligned_at_the_entry_whatever_its_colour) {
    POOL pool = test_pool();
    for (int i = 0; i < 32; i++) {
        uintptr_t alignment = 1;
        struct flow flow = flow_new(&pool, note_alignment, &alignment);
        take(&pool, STACK_BYTES_DEFAULT); /* the next has another colour */
        flow_resume(&flow);
        ASSERT_UINT_EQ(alignment, 0);
    }
}

static void print_float(void *text) {
    snprintf(text, 32, "%.3f %Lf", 1.5, 2.5L);
}

TEST(the_c_library_works_on_a_flows_stack) {
    POOL pool = test_pool();
    char text[32];
    struct flow flow = flow_new(&pool, print_float, text);
    flow_resume(&flow);

    ASSERT_STR_EQ(text, "1.500 2.500000");
}

static void count_frames(void *arg) {
    void *frames[200];
    *(int *)arg = backtrace(frames, ARRAY_SIZE(frames));
}

TEST(a_backtrace_ends_where_the_flow_began) {
    POOL pool = test_pool();
    int frames = 0;
    struct flow flow = flow_new(&pool, count_frames, &frames);
    flow_resume(&flow);

    ASSERT(frames >= 2 && frames < 20);
}

/* --- taking turns ----------------------------------------------------------------------------- */

struct turns {
    char *text;
    const char *word;
};

static void say_thrice(void *arg) {
    const struct turns *turns = arg;
    for (int i = 0; i < 3; i++) {
        strcat(turns->text, turns->word);
        flow_leave();
    }
}

TEST(flows_go_on_where_they_left) {
    POOL pool = test_pool();
    char text[64] = "";
    struct flow a = flow_new(&pool, say_thrice, &(struct turns){text, "a"});
    struct flow b = flow_new(&pool, say_thrice, &(struct turns){text, "b"});
    for (int i = 0; i < 4; i++) {
        flow_resume(&a);
        flow_resume(&b);
    }
    ASSERT_STR_EQ(text, "ababab");
    ASSERT(a.ended && b.ended);
    ASSERT_UINT_EQ(pool.in_use, 0);
}

struct sum {
    int number;
    long result;
};

/* Leaves at each number, deep in the stack and flat. */
static long sum_to(int number) {
    volatile int kept = number;
    if (number == 0)
        return 0;
    long below = sum_to(number - 1);
    if (number % 10 == 0)
        flow_leave();
    return kept + below;
}

static void sum_up(void *arg) {
    struct sum *sum = arg;
    sum->result = sum_to(sum->number);
}

TEST(two_thousand_flows_keep_their_own_locals) {
    enum { MANY = 2000 };
    POOL pool = test_pool();
    static struct flow flows[MANY];
    static struct sum sums[MANY];
    bool all_ended;
    for (int i = 0; i < MANY; i++) {
        sums[i].number = i % 100;
        flows[i] = flow_new(&pool, sum_up, &sums[i]);
    }
    do {
        all_ended = true;
        for (int i = 0; i < MANY; i++)
            if (!flows[i].ended) {
                flow_resume(&flows[i]);
                all_ended = all_ended && flows[i].ended;
            }
    } while (!all_ended);
    for (int i = 0; i < MANY; i++)
        ASSERT_INT_EQ(sums[i].result, (i % 100) * (i % 100 + 1) / 2);
    ASSERT_UINT_EQ(pool.in_use, 0);
}

struct nest {
    struct eddy__stack_pool *pool;
    int depth, deepest;
};

static void nest_deeper(void *arg) {
    struct nest *nest = arg;
    struct nest inner = {nest->pool, nest->depth + 1, nest->depth};
    struct flow flow = flow_new(nest->pool, nest_deeper, &inner);
    if (nest->depth < 100)
        flow_resume(&flow);
    nest->deepest = MAX(nest->depth, inner.deepest);
}

TEST(a_flow_may_start_another_a_hundred_deep) {
    POOL pool = test_pool();
    struct nest nest = {&pool, 0, 0};
    struct flow flow = flow_new(&pool, nest_deeper, &nest);
    flow_resume(&flow);

    ASSERT_INT_EQ(nest.deepest, 100);
    ASSERT_UINT_EQ(pool.in_use, 0);
}

/* --- ending ----------------------------------------------------------------------------------- */

static void count_one(void *arg) {
    volatile char used[2000];
    memset((void *)used, 0x55, sizeof(used));
    ++*(int *)arg;
}

TEST(the_stack_of_a_flow_that_ended_serves_the_next) {
    POOL pool = test_pool();
    int count = 0;
    for (int i = 0; i < 10000; i++) {
        struct flow flow = flow_new(&pool, count_one, &count);
        flow_resume(&flow);
    }
    ASSERT_INT_EQ(count, 10000);
    ASSERT_UINT_EQ(pool.free_count, 1);
}

TEST(a_pool_may_end_while_flows_are_suspended_on_its_stacks) {
    struct eddy__stack_pool pool = test_pool();
    char *address;
    struct flow flows[10];
    for (int i = 0; i < 10; i++) {
        flows[i] = flow_new(&pool, note_address, &address);
        flow_resume(&flows[i]);
    }
    eddy__stack_pool_deinit(&pool);
}

/* --- signals and threads ---------------------------------------------------------------------- */

static volatile sig_atomic_t handled;

static void handle(int signo) {
    (void)signo;
    handled++;
}

static void raise_thrice(void *arg) {
    (void)arg;
    for (int i = 0; i < 3; i++) {
        raise(SIGUSR1);
        flow_leave();
    }
}

TEST(a_signal_is_handled_on_the_smallest_stack) {
    POOL pool = test_pool();
    struct flow flow = flow_new(&pool, raise_thrice, NULL);
    signal(SIGUSR1, handle);
    for (int i = 0; i < 4; i++)
        flow_resume_sized(&flow, STACK_BYTES_MIN);

    ASSERT_INT_EQ(handled, 3);
}

static void *sum_in_a_thread(void *arg) {
    POOL pool = test_pool();
    struct flow flow = flow_new(&pool, sum_up, arg);
    while (!flow.ended)
        flow_resume(&flow);
    return NULL;
}

TEST(each_thread_has_its_own_flows) {
    pthread_t threads[2];
    struct sum sums[2] = {{1000, 0}, {500, 0}};
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, sum_in_a_thread, &sums[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);

    ASSERT_INT_EQ(sums[0].result, 500500);
    ASSERT_INT_EQ(sums[1].result, 125250);
}
