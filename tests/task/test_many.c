/* SPDX-License-Identifier: MIT
 * test_many.c - many tasks at once, and many one after another. */
#include <sys/resource.h>

#include "virtual.h"

static const int parked = UNDER_TSAN ? 300 : UNDER_ASAN ? 5000 : 20000;

static int parks(void *unused) {
    (void)unused;
    return eddy_sleep(1000);
}

static eddy_loop_statistics info(void) {
    eddy_loop_statistics statistics;

    ASSERT_OK(eddy_loop_info(eddy_running_loop(), &statistics));
    return statistics;
}

TASK_TEST(twenty_thousand_tasks_park_at_once) {
    eddy_task **tasks = calloc((size_t)parked, sizeof(eddy_task *));

    for (int i = 0; i < parked; i++)
        tasks[i] = eddy_create_task(parks, NULL);
    ASSERT_OK(eddy_sleep(1));
    ASSERT_UINT_EQ(info().tasks, (size_t)parked + 1);
    ASSERT_UINT_EQ(info().stacks_in_use, (size_t)parked + 1);
    ASSERT_OK(eddy_gather_array(tasks, parked, NULL));
    ASSERT_INT_EQ(milliseconds(), 1000000);
    ASSERT_UINT_EQ(info().tasks, 1);
    ASSERT_UINT_EQ(info().stacks_in_use, 1);
    free(tasks);
}

TASK_TEST(twenty_thousand_parked_tasks_are_cancelled_at_once) {
    eddy_task **tasks = calloc((size_t)parked, sizeof(eddy_task *));

    for (int i = 0; i < parked; i++)
        tasks[i] = eddy_create_task(parks, NULL);
    ASSERT_OK(eddy_sleep(1));
    for (int i = 0; i < parked; i++)
        ASSERT(eddy_cancel(tasks[i]));
    ASSERT_CODE(-ECANCELED, eddy_gather_array(tasks, parked, NULL));
    ASSERT_INT_EQ(milliseconds(), 1000);
    free(tasks);
}

/* Bytes of this process that are in memory. */
static size_t resident_bytes(void) {
    size_t total, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    ASSERT_NOT_NULL(file);
    ASSERT_INT_EQ(fscanf(file, "%zu %zu", &total, &resident), 2);
    fclose(file);
    return resident * 4096;
}

TASK_TEST(after_a_peak_the_memory_of_the_stacks_goes_back) {
    eddy_task **tasks = calloc((size_t)parked, sizeof(eddy_task *));
    size_t before = resident_bytes();

    for (int i = 0; i < parked; i++)
        tasks[i] = eddy_create_task(parks, NULL);
    ASSERT_OK(eddy_sleep(1));
    eddy_loop_statistics at_peak = info();
    size_t grown = resident_bytes() - before;
    ASSERT_UINT_EQ(at_peak.stack_bytes_resident, ((size_t)parked + 1) * 4096);
    ASSERT_OK(eddy_gather_array(tasks, parked, NULL));
    for (int second = 0; second < 200; second++)
        ASSERT_OK(eddy_sleep(1));

    ASSERT(info().stacks_free <= 16);
    ASSERT(info().stacks_trimmed >= (size_t)parked - 16);
    ASSERT(info().stack_bytes_reserved <= at_peak.stack_bytes_reserved / 2);
    ASSERT(info().stack_bytes_resident <= 17 * 4096);
    if (!UNDER_SANITIZER && !test_is_emulated()) /* whose own memory is much more */
        ASSERT(resident_bytes() < before + grown / 2);
    free(tasks);
}

TASK_TEST(after_a_peak_the_memory_of_the_records_goes_back) {
    const int count = UNDER_SANITIZER ? 5000 : 200000;
    eddy_task **tasks = calloc((size_t)count, sizeof(eddy_task *));

    for (int i = 0; i < count; i++)
        tasks[i] = NULL; /* in memory before that is measured */
    size_t before = resident_bytes();
    for (int i = 0; i < count; i++)
        tasks[i] = eddy_create_task(parks, NULL);
    size_t grown = resident_bytes() - before;
    for (int i = 0; i < count; i++) {
        eddy_cancel(tasks[i]);
        eddy_unref(tasks[i]);
    }
    ASSERT_OK(eddy_yield());
    ASSERT_UINT_EQ(info().tasks, 1);
    for (int second = 0; second < 100; second++)
        ASSERT_OK(eddy_sleep(1));

    if (!UNDER_SANITIZER && !test_is_emulated()) {
        ASSERT(grown >= (size_t)count * 128);
        ASSERT(resident_bytes() < before + grown / 8); /* the C library keeps some of the queue */
    }
    ASSERT_INT_EQ(eddy_all_tasks(NULL, NULL, 0), 1); /* which finds the pages that are left */
    free(tasks);
}

TASK_TEST(waves_that_follow_each_other_do_not_give_back_and_take_again) {
    eddy_task *tasks[200];

    for (int wave = 0; wave < 20; wave++) {
        for (int i = 0; i < 200; i++)
            tasks[i] = eddy_create_task(parks, NULL);
        ASSERT_OK(eddy_gather_array(tasks, 200, NULL));
    }
    ASSERT_UINT_EQ(info().stacks_trimmed, 0);
}

TASK_TEST(a_hundred_thousand_tasks_that_have_not_run_have_a_record_only) {
    const int count = UNDER_SANITIZER ? 5000 : 100000;
    eddy_task **tasks = calloc((size_t)count, sizeof(eddy_task *));
    size_t reserved = info().stack_bytes_reserved;

    for (int i = 0; i < count; i++)
        tasks[i] = eddy_create_task(parks, NULL);
    ASSERT_UINT_EQ(info().tasks, (size_t)count + 1);
    ASSERT_UINT_EQ(info().stacks_in_use, 1);
    ASSERT_UINT_EQ(info().stacks_free, 0);
    ASSERT_UINT_EQ(info().stack_bytes_reserved, reserved);
    for (int i = 0; i < count; i++) {
        eddy_cancel(tasks[i]);
        eddy_unref(tasks[i]);
    }
    free(tasks);
}

static int counts(void *counter) {
    ++*(int *)counter;
    return 0;
}

TASK_TEST(a_fan_out_of_100000_short_tasks_uses_few_stacks) {
    const int count = UNDER_TSAN ? 5000 : 100000;
    eddy_task **tasks = calloc((size_t)count, sizeof(eddy_task *));
    int counter = 0;

    for (int i = 0; i < count; i++)
        tasks[i] = eddy_create_task(counts, &counter);
    ASSERT_UINT_EQ(info().stacks_in_use, 1); /* bound late */
    ASSERT_OK(eddy_gather_array(tasks, count, NULL));
    ASSERT_INT_EQ(counter, count);
    ASSERT(info().stacks_in_use + info().stacks_free <= 4);
    free(tasks);
}

TASK_TEST(a_hundred_thousand_tasks_one_after_another_use_few_stacks_and_records) {
    const int count = UNDER_SANITIZER ? 5000 : 100000;
    int counter = 0;

    for (int i = 0; i < count; i++)
        ASSERT_OK(eddy_await(eddy_create_task(counts, &counter)));
    ASSERT_INT_EQ(counter, count);
    ASSERT_UINT_EQ(info().tasks, 1);
    ASSERT(info().stacks_in_use + info().stacks_free <= 4);
}

TASK_TEST(stacks_are_used_again_by_later_waves) {
    const int count = 100;
    size_t after_first = 0;

    for (int wave = 0; wave < 5; wave++) {
        eddy_task *tasks[100];
        for (int i = 0; i < count; i++)
            tasks[i] = eddy_create_task(parks, NULL);
        ASSERT_OK(eddy_gather_array(tasks, count, NULL));
        if (wave == 0)
            after_first = info().stacks_in_use + info().stacks_free;
        ASSERT_UINT_EQ(info().stacks_in_use + info().stacks_free, after_first);
    }
}

TASK_TEST(a_hundred_thousand_new_tasks_are_cancelled_before_they_run) {
    const int count = 100000;
    int counter = 0;

    for (int i = 0; i < count; i++) {
        eddy_task *task = eddy_create_task(counts, &counter);
        eddy_cancel(task);
        ASSERT_CODE(-ECANCELED, eddy_future_result(task, NULL));
        eddy_unref(task);
    }
    ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(counter, 0);
    ASSERT_UINT_EQ(info().tasks, 1);
    ASSERT_UINT_EQ(info().stacks_in_use, 1);
}

TASK_TEST(a_stack_goes_on_past_a_cancelled_task_to_the_next_fresh_one) {
    int counter = 0;
    eddy_task *tasks[] = {eddy_create_task(counts, &counter), eddy_create_task(counts, &counter),
                          eddy_create_task(counts, &counter), eddy_create_task(counts, &counter)};

    ASSERT(eddy_cancel(tasks[1]));
    ASSERT(eddy_cancel(tasks[2]));
    ASSERT_CODE(-ECANCELED, eddy_gather_array(tasks, 4, NULL));
    ASSERT_INT_EQ(counter, 2);
    ASSERT_UINT_EQ(info().stacks_in_use + info().stacks_free, 2);
}

static int passes_on(void *arg) {
    eddy_future **pair = arg; /* waits for the first, completes the second */
    int r = eddy_await(pair[0]);

    ASSERT_OK(eddy_future_set_result(pair[1], NULL));
    eddy_unref(pair[1]);
    return r;
}

TASK_TEST(a_chain_of_futures_passes_a_token_through_a_thousand_tasks) {
    const int count = UNDER_TSAN ? 200 : 1000;
    eddy_future *(*pairs)[2] = calloc((size_t)count, sizeof(*pairs));
    eddy_future *first = eddy_future_new(NULL), *last = eddy_ref(first);

    for (int i = 0; i < count; i++) {
        eddy_future *next = eddy_future_new(NULL);
        pairs[i][0] = last;
        pairs[i][1] = eddy_ref(next);
        ASSERT_OK(eddy_detach(eddy_create_task(passes_on, pairs[i])));
        last = next;
    }
    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_future_set_result(first, NULL));
    eddy_unref(first);
    ASSERT_OK(eddy_await(last));
    free(pairs);
}

/* --- no room for a stack ---------------------------------------------------------------------- */

static int freed;

static void count_free(void *arg) {
    (void)arg;
    freed++;
}

/* Address space for the usual stacks, but not for one of a GiB. */
static void limit_memory(void) {
    struct rlimit limit;

    ASSERT_OK(getrlimit(RLIMIT_AS, &limit));
    limit.rlim_cur = 600 << 20;
    ASSERT_OK(setrlimit(RLIMIT_AS, &limit));
}

TASK_TEST(a_task_for_which_there_is_no_stack_fails_and_the_others_run) {
    if (test_is_emulated())
        return; /* the emulator does not limit memory */
    if (UNDER_SANITIZER)
        return; /* which take more address space than there is */
    const eddy_task_options huge = {.stack_bytes = 1 << 30, .free_arg = count_free};
    int counter = 0, results[6];
    eddy_task *tasks[6];

    limit_memory();
    for (int i = 0; i < 6; i++)
        tasks[i] = i % 3 == 1 ? eddy_create_task_with(&huge, counts, &counter)
                              : eddy_create_task(counts, &counter);
    ASSERT_CODE(-ENOMEM, eddy_gather_array(tasks, 6, results));
    for (int i = 0; i < 6; i++)
        ASSERT_INT_EQ(results[i], i % 3 == 1 ? -ENOMEM : 0);
    ASSERT_INT_EQ(counter, 4);
    ASSERT_INT_EQ(freed, 2);
    ASSERT_UINT_EQ(info().tasks, 1);
    ASSERT_UINT_EQ(info().stacks_in_use, 1);
}

TASK_TEST(an_eager_task_for_which_there_is_no_stack_is_a_failed_future) {
    if (test_is_emulated())
        return;
    if (UNDER_SANITIZER)
        return;
    const eddy_task_options huge = {.stack_bytes = 1 << 30, .free_arg = count_free, .eager = true};
    int counter = 0;

    limit_memory();
    eddy_task *task = eddy_create_task_with(&huge, counts, &counter);
    ASSERT(eddy_is_done(task));
    ASSERT_CODE(-ENOMEM, eddy_await(task));
    ASSERT_INT_EQ(freed, 1);
    ASSERT_OK(eddy_await(eddy_create_task(counts, &counter)));
    ASSERT_INT_EQ(counter, 1);
}
