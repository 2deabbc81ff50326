/* SPDX-License-Identifier: MIT
 * test_threadsafe.c - coroutines run for other threads: results, cancels, ends, and a storm. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "virtual.h"

#include "../base/scarce.h"

/* --- a loop in another thread ----------------------------------------------------------------- */

struct other {
    pthread_t thread;
    eddy_loop *loop;
    sem_t opened;
};

static void *other_main(void *arg) {
    struct other *other = arg;

    ASSERT_OK(eddy_loop_new(NULL, &other->loop));
    eddy_loop_ref(other->loop);
    sem_post(&other->opened);
    ASSERT_OK(eddy_loop_run_forever(other->loop));
    eddy_loop_close(other->loop);
    return NULL;
}

static void other_start(struct other *other) {
    sem_init(&other->opened, 0, 0);
    ASSERT_INT_EQ(pthread_create(&other->thread, NULL, other_main, other), 0);
    while (sem_wait(&other->opened) < 0)
        continue;
    sem_destroy(&other->opened);
}

static void stop_loop(void *loop) {
    eddy_loop_stop(loop);
}

/* Closes its loop, and keeps the memory. */
static void other_stop(struct other *other) {
    ASSERT_OK(eddy_call_soon_threadsafe(other->loop, stop_loop, other->loop));
    ASSERT_INT_EQ(pthread_join(other->thread, NULL), 0);
}

static void other_end(struct other *other) {
    other_stop(other);
    eddy_loop_unref(other->loop);
}

/* A test with such a loop at hand. */
#define OTHER_TEST(sentence)                     \
    static void with_##sentence(struct other *); \
    TEST(sentence) {                             \
        struct other other;                      \
        other_start(&other);                     \
        with_##sentence(&other);                 \
        other_end(&other);                       \
    }                                            \
    static void with_##sentence(struct other *other)

static eddy_loop *closed_loop(void) {
    eddy_loop *loop;

    ASSERT_OK(eddy_loop_new(NULL, &loop));
    eddy_loop_ref(loop);
    ASSERT_NULL(eddy_loop_close(loop));
    return loop;
}

/* What a coroutine in the other thread does. */

static int yields_then_returns(void *result) {
    int r = eddy_yield();

    return r < 0 ? r : *(int *)result;
}

static int sleeps_for_ever(void *unused) {
    (void)unused;
    return eddy_sleep(INFINITY);
}

/* Says that it has begun, and needs a while to end. */
struct slow {
    sem_t begun;
    atomic_bool has_ended;
    int result;
};

static int ends_slowly(void *arg) {
    struct slow *slow = arg;
    eddy_shield_scope shield;
    int r;

    sem_post(&slow->begun);
    r = eddy_sleep(INFINITY);
    eddy_shield_begin(&shield);
    for (int i = 0; i < 50; i++)
        eddy_sleep(0.0001);
    eddy_shield_end(&shield);
    slow->has_ended = true;
    return slow->result ? slow->result : r;
}

static void slow_init(struct slow *slow) {
    *slow = (struct slow){0};
    sem_init(&slow->begun, 0, 0);
}

static void wait_until_begun(struct slow *slow) {
    while (sem_wait(&slow->begun) < 0)
        continue;
}

/* --- blocking --------------------------------------------------------------------------------- */

static int is_elsewhere(void *here) {
    return !pthread_equal(*(pthread_t *)here, pthread_self()) && eddy_running_loop();
}

OTHER_TEST(a_coroutine_runs_in_the_loops_thread_and_its_result_comes_back) {
    pthread_t here = pthread_self();
    eddy_future *future = eddy_run_coroutine_threadsafe(other->loop, is_elsewhere, &here);

    ASSERT_INT_EQ(eddy_future_wait_blocking(future, INFINITY), 1);
    ASSERT(eddy_is_done(future));
    ASSERT_INT_EQ(eddy_future_result(future, NULL), 1);
    ASSERT_INT_EQ(eddy_future_wait_blocking(future, 0), 1); /* it was not taken */
    ASSERT_NULL(eddy_unref(future));
}

static int block_and_drop(eddy_future *future) {
    int r = eddy_future_wait_blocking(future, INFINITY);

    eddy_unref(future);
    return r;
}

OTHER_TEST(its_error_comes_back_with_sentence_and_task) {
    eddy_future *future = eddy_run_coroutine_threadsafe(other->loop, raiser, "the disk is full");

    ASSERT_CODE(-EIO, block_and_drop(future));
    ASSERT_STR_EQ(eddy_last_error()->message, "the disk is full");
    ASSERT_STR_EQ(eddy_last_error()->task, "raiser");
    ASSERT_STR_CONTAINS(eddy_last_error()->place, "test_threadsafe.c:");
}

OTHER_TEST(blocking_has_a_time_limit_and_cancels_nothing) {
    eddy_future *future = eddy_run_coroutine_threadsafe(other->loop, sleeps_for_ever, NULL);

    ASSERT_CODE(-ETIMEDOUT, eddy_future_wait_blocking(future, 0));
    ASSERT_CODE(-ETIMEDOUT, eddy_future_wait_blocking(future, 0.001));
    ASSERT(!eddy_is_done(future));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_result(future, NULL));
    ASSERT(eddy_cancel(future));
    ASSERT_CODE(-ECANCELED, eddy_future_wait_blocking(future, INFINITY));
    ASSERT(eddy_is_cancelled(future));
    ASSERT(!eddy_cancel(future));
    eddy_unref(future);
}

static void *blocks(void *future) {
    ASSERT_INT_EQ(block_and_drop(future), 42);
    return NULL;
}

OTHER_TEST(several_threads_may_block_for_the_same_one) {
    pthread_t threads[4];
    int value = 42;
    eddy_future *future = eddy_run_coroutine_threadsafe(other->loop, yields_then_returns, &value);

    for (int i = 0; i < 4; i++)
        ASSERT_INT_EQ(pthread_create(&threads[i], NULL, blocks, eddy_ref(future)), 0);
    for (int i = 0; i < 4; i++)
        ASSERT_INT_EQ(pthread_join(threads[i], NULL), 0);
    eddy_unref(future);
}

static int blocks_inside(void *future) {
    ASSERT_CODE(-EDEADLK, eddy_future_wait_blocking(future, INFINITY));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "await");
    return 0;
}

OTHER_TEST(blocking_inside_a_running_loop_is_refused_with_a_sentence) {
    eddy_future *future = eddy_run_coroutine_threadsafe(other->loop, sleeps_for_ever, NULL);

    ASSERT_OK(eddy_run(blocks_inside, future));
    eddy_cancel(future);
    ASSERT_CODE(-ECANCELED, block_and_drop(future));
}

TEST(only_a_shared_future_can_be_blocked_on) {
    eddy_future *future = eddy_future_new(NULL);

    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_future_wait_blocking(future, 0));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "of one loop");
    ASSERT_CODE(-ENOMEM, eddy_future_wait_blocking(NULL, 0));
    ASSERT_OK(eddy_future_set_result(future, NULL));
    ASSERT_OK(eddy_future_wait_blocking(future, 0));
    eddy_unref(future);
}

static eddy_loop *main_loop;

static int asks_the_loop(void *number) {
    return block_and_drop(eddy_run_coroutine_threadsafe(main_loop, yields_then_returns, number));
}

TASK_TEST(a_function_in_the_pool_may_block_for_a_coroutine_of_the_loop) {
    main_loop = eddy_running_loop();
    ASSERT_INT_EQ(eddy_to_thread(asks_the_loop, &(int){7}), 7);
}

/* --- awaiting --------------------------------------------------------------------------------- */

static int awaits_one(void *loop) {
    ASSERT_INT_EQ(eddy_await(eddy_run_coroutine_threadsafe(loop, yields_then_returns, &(int){3})),
                  3);
    ASSERT_CODE(-EIO, eddy_await(eddy_run_coroutine_threadsafe(loop, raiser, "why")));
    ASSERT_STR_EQ(eddy_last_error()->message, "why");
    return 5;
}

OTHER_TEST(a_task_of_another_loop_awaits_it) {
    ASSERT_INT_EQ(eddy_run(awaits_one, other->loop), 5);
}

OTHER_TEST(the_root_task_of_another_thread_awaits_it) {
    ASSERT_INT_EQ(awaits_one(other->loop), 5);
}

OTHER_TEST(a_loop_of_ones_own_runs_until_it_is_done) {
    eddy_loop *loop;

    ASSERT_OK(eddy_loop_new(NULL, &loop));
    ASSERT_INT_EQ(eddy_loop_run_until_complete(
                      loop, eddy_run_coroutine_threadsafe(other->loop, awaits_one, other->loop)),
                  5);
    ASSERT_NULL(eddy_loop_close(loop));
}

TASK_TEST(a_task_may_await_one_of_its_own_loop) {
    eddy_loop *loop = eddy_running_loop();

    ASSERT_INT_EQ(eddy_await(eddy_run_coroutine_threadsafe(loop, yields_then_returns, &(int){3})),
                  3);
}

static int awaits_done(void *future) {
    return eddy_await(future);
}

OTHER_TEST(a_done_one_is_awaited_at_once) {
    eddy_future *future = eddy_run_coroutine_threadsafe(other->loop, returner, &(int){9});

    ASSERT_INT_EQ(eddy_future_wait_blocking(future, INFINITY), 9);
    ASSERT_INT_EQ(eddy_run(awaits_done, future), 9);
}

static int gathers(void *loop) {
    int results[5];
    eddy_future *futures[] = {
        eddy_run_coroutine_threadsafe(loop, yields_then_returns, &(int){1}),
        eddy_create_task(yields_then_returns, &(int){2}),
        eddy_run_coroutine_threadsafe(loop, raiser, "theirs"),
        eddy_create_task(yields_then_returns, &(int){-EPIPE}),
        eddy_run_coroutine_threadsafe(loop, yields_then_returns, &(int){5}),
    };

    ASSERT_CODE(-EPIPE, eddy_gather_array(futures, 5, results));
    ASSERT_INT_EQ(results[0], 1);
    ASSERT_INT_EQ(results[1], 2);
    ASSERT_CODE(-EIO, results[2]);
    ASSERT_CODE(-EPIPE, results[3]);
    ASSERT_INT_EQ(results[4], 5);
    return 0;
}

OTHER_TEST(they_are_gathered_together_with_tasks_of_the_own_loop) {
    ASSERT_OK(eddy_run(gathers, other->loop));
    ASSERT_OK(gathers(other->loop));
}

static int waits_for_some(void *loop) {
    int value = 4;
    eddy_future *futures[] = {
        eddy_run_coroutine_threadsafe(loop, sleeps_for_ever, NULL),
        eddy_run_coroutine_threadsafe(loop, yields_then_returns, &value),
        eddy_create_task(sleeps_for_ever, NULL),
    };

    ASSERT(eddy_wait(futures, 3, INFINITY, EDDY_FIRST_COMPLETED) >= 1);
    ASSERT(eddy_is_done(futures[1]) && !eddy_is_done(futures[0]));
    ASSERT_INT_EQ(eddy_wait(futures, 3, 0, EDDY_ALL_COMPLETED), 1);
    for (int i = 0; i < 3; i++)
        eddy_cancel(futures[i]);
    ASSERT_INT_EQ(eddy_wait(futures, 3, INFINITY, EDDY_ALL_COMPLETED), 3);
    ASSERT_CODE(-ECANCELED, eddy_await(futures[0]));
    ASSERT_INT_EQ(eddy_await(futures[1]), 4);
    ASSERT_CODE(-ECANCELED, eddy_await(futures[2]));
    return 0;
}

OTHER_TEST(some_of_them_are_waited_for_with_tasks_of_the_own_loop) {
    ASSERT_OK(eddy_run(waits_for_some, other->loop));
    ASSERT_OK(waits_for_some(other->loop));
}

/* A wait that ends in the moment in which what it left is completed. */
static int leaves_waits(void *loop) {
    int value = 1;

    for (int i = 0; i < (UNDER_TSAN ? 200 : 2000); i++) {
        eddy_future *future = eddy_run_coroutine_threadsafe(loop, returner, &value);
        int r = eddy_wait(&future, 1, i % 3 * 1e-6, EDDY_ALL_COMPLETED);
        ASSERT(r == 0 || r == 1);
        ASSERT_INT_EQ(eddy_await(future), 1);
    }
    return 0;
}

OTHER_TEST(a_wait_may_be_left_at_any_moment) {
    ASSERT_OK(eddy_run(leaves_waits, other->loop));
    ASSERT_OK(leaves_waits(other->loop));
}

static int waits_for_a_time(void *arg) {
    struct slow *slow = arg;

    return eddy_wait_for(eddy_run_coroutine_threadsafe(main_loop, ends_slowly, slow), 0.001);
}

OTHER_TEST(a_time_out_cancels_it_and_waits_for_its_end) {
    struct slow slow;

    slow_init(&slow);
    main_loop = other->loop;
    ASSERT_CODE(-ETIMEDOUT, eddy_run(waits_for_a_time, &slow));
    ASSERT(slow.has_ended || sem_trywait(&slow.begun) < 0); /* it may never have begun */
    sem_destroy(&slow.begun);
}

static int asks_back(void *here) {
    ASSERT_INT_EQ(eddy_await(eddy_run_coroutine_threadsafe(here, yields_then_returns, &(int){8})),
                  8);
    return 9;
}

static int asks_there_and_back(void *loop) {
    return eddy_await(eddy_run_coroutine_threadsafe(loop, asks_back, eddy_running_loop()));
}

OTHER_TEST(a_coroutine_for_another_thread_may_ask_that_thread_in_turn) {
    ASSERT_INT_EQ(eddy_run(asks_there_and_back, other->loop), 9);
}

static void never_called(eddy_future *future, void *arg) {
    (void)arg;
    TEST_FAIL("called for %p", (void *)future);
}

OTHER_TEST(callbacks_are_refused_with_a_sentence) {
    eddy_future *future = eddy_run_coroutine_threadsafe(other->loop, returner, &(int){1});

    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_future_add_done_callback(future, never_called, NULL));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "await it in a task");
    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_future_remove_done_callback(future, never_called, NULL));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_set_result(future, NULL));
    ASSERT_NULL(eddy_task_name(future));
    ASSERT_INT_EQ(block_and_drop(future), 1);
}

static int sleeps_and_works(void *loop) {
    eddy_task *task = SLEEPER(.seconds = 3600);

    ASSERT_INT_EQ(eddy_await(eddy_run_coroutine_threadsafe(loop, yields_then_returns, &(int){1})),
                  1);
    ASSERT_INT_EQ(milliseconds(), 0);
    ASSERT(!eddy_is_done(task));
    return eddy_await(task);
}

OTHER_TEST(virtual_time_stands_still_while_another_thread_works) {
    eddy_loop *loop = virtual_loop();

    ASSERT_OK(virtual_run(loop, sleeps_and_works, other->loop));
    virtual_close(loop);
}

/* --- cancelling ------------------------------------------------------------------------------- */

static int awaits_slow(void *arg) {
    struct slow *slow = arg;
    int r = eddy_await(eddy_run_coroutine_threadsafe(main_loop, ends_slowly, slow));

    ASSERT(slow->has_ended);
    return r;
}

static int cancels_the_awaiter(void *arg) {
    struct slow *slow = arg;
    eddy_task *task = eddy_create_task(awaits_slow, slow);

    while (sem_trywait(&slow->begun) < 0)
        eddy_yield();
    ASSERT(eddy_cancel_with(task, "no longer needed"));
    return eddy_await(task);
}

OTHER_TEST(a_cancelled_awaiter_passes_the_cancel_on_and_returns_after_its_end) {
    struct slow slow;

    slow_init(&slow);
    main_loop = other->loop;
    ASSERT_CODE(-ECANCELED, eddy_run(cancels_the_awaiter, &slow));
    ASSERT_STR_EQ(eddy_last_error()->message, "no longer needed");
    slow.has_ended = false;
    slow.result = 6;
    ASSERT_INT_EQ(eddy_run(cancels_the_awaiter, &slow), 6); /* its result stands */
    sem_destroy(&slow.begun);
}

static int says_reason(void *unused) {
    int r = eddy_sleep(INFINITY);

    (void)unused;
    ASSERT_INT_EQ(eddy_cancelling(), 1);
    ASSERT_STR_EQ(eddy_last_error()->message, "the night falls");
    return r;
}

OTHER_TEST(a_cancel_brings_its_reason_there_and_back) {
    eddy_future *future = eddy_run_coroutine_threadsafe(other->loop, says_reason, NULL);

    ASSERT_CODE(-ETIMEDOUT, eddy_future_wait_blocking(future, 0.001));
    ASSERT(eddy_cancel_with(future, "the night falls"));
    ASSERT_CODE(-ECANCELED, block_and_drop(future));
    ASSERT_STR_EQ(eddy_last_error()->message, "the night falls");
}

static int never_runs(void *unused) {
    (void)unused;
    TEST_FAIL("it runs");
}

TEST(cancelled_before_it_begins_it_is_done_at_once_and_never_runs) {
    eddy_loop *loop;
    eddy_future *future;

    ASSERT_OK(eddy_loop_new(NULL, &loop));
    future = eddy_run_coroutine_threadsafe(loop, never_runs, NULL);
    ASSERT(eddy_cancel_with(future, "too late"));
    ASSERT(eddy_is_cancelled(future));
    ASSERT(!eddy_cancel(future));
    ASSERT_CODE(-ECANCELED, eddy_await(future));
    ASSERT_STR_EQ(eddy_last_error()->message, "too late");
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_NULL(eddy_loop_close(loop));
}

static int takes_two_cancels(void *begun) {
    sem_post(begun);
    ASSERT_CODE(-ECANCELED, eddy_sleep(INFINITY));
    while (eddy_cancelling() < 2)
        eddy_yield();
    ASSERT_INT_EQ(eddy_uncancel(), 1);
    ASSERT_INT_EQ(eddy_uncancel(), 0);
    return 2;
}

static int cancels_itself(void *unused) {
    (void)unused;
    ASSERT_OK(eddy_yield());
    eddy_cancel_with(eddy_current_task(), "by itself");
    return eddy_yield();
}

OTHER_TEST(a_coroutine_that_cancels_itself_is_cancelled_for_who_blocks) {
    eddy_future *future = eddy_run_coroutine_threadsafe(other->loop, cancels_itself, NULL);

    ASSERT_CODE(-ECANCELED, eddy_future_wait_blocking(future, INFINITY));
    ASSERT_STR_EQ(eddy_last_error()->message, "by itself");
    ASSERT(eddy_is_cancelled(future));
    eddy_unref(future);
}

OTHER_TEST(each_cancel_counts) {
    sem_t begun;
    eddy_future *future;

    sem_init(&begun, 0, 0);
    future = eddy_run_coroutine_threadsafe(other->loop, takes_two_cancels, &begun);
    while (sem_wait(&begun) < 0)
        continue;
    ASSERT(eddy_cancel(future));
    ASSERT(eddy_cancel(future));
    ASSERT_INT_EQ(block_and_drop(future), 2);
    sem_destroy(&begun);
}

/* --- loops that end --------------------------------------------------------------------------- */

TEST(a_closed_loop_gives_a_future_that_has_failed) {
    eddy_loop *loop = closed_loop();
    eddy_future *future = eddy_run_coroutine_threadsafe(loop, never_runs, NULL);

    ASSERT(eddy_is_done(future));
    ASSERT_CODE(EDDY_ESHUTDOWN, eddy_await(future));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "closed");
    eddy_loop_unref(loop);
}

TEST(a_loop_that_is_closed_before_it_begins_fails_it) {
    eddy_loop *loop;
    eddy_future *future;

    ASSERT_OK(eddy_loop_new(NULL, &loop));
    future = eddy_run_coroutine_threadsafe(loop, never_runs, NULL);
    ASSERT(!eddy_is_done(future));
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_CODE(EDDY_ESHUTDOWN, block_and_drop(future));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "before the coroutine could begin");
}

TEST(a_loop_that_is_closed_over_it_wakes_who_waits) {
    struct slow slow;
    struct other other;
    eddy_future *future;

    gather_reports();
    slow_init(&slow);
    other_start(&other);
    future = eddy_run_coroutine_threadsafe(other.loop, ends_slowly, &slow);
    wait_until_begun(&slow);
    ASSERT_OK(eddy_call_soon_threadsafe(other.loop, stop_loop, other.loop));
    ASSERT_CODE(-ECANCELED, block_and_drop(future));
    ASSERT_INT_EQ(pthread_join(other.thread, NULL), 0);
    eddy_loop_unref(other.loop);
    ASSERT_STR_CONTAINS(reports(), "1 task in it that had not ended");
    sem_destroy(&slow.begun);
}

static int awaits_argument(void *future) {
    return eddy_await(future);
}

static int waits_for_argument(void *future) {
    return eddy_wait((eddy_future **)future, 1, INFINITY, EDDY_ALL_COMPLETED);
}

OTHER_TEST(the_waiting_loop_may_be_closed_first) {
    eddy_loop *loop;
    eddy_future *futures[] = {
        eddy_run_coroutine_threadsafe(other->loop, sleeps_for_ever, NULL),
        eddy_run_coroutine_threadsafe(other->loop, sleeps_for_ever, NULL),
    };

    gather_reports();
    ASSERT_OK(eddy_loop_new(NULL, &loop));
    const eddy_task_options options = {.loop = loop};
    eddy_detach(eddy_create_task_with(&options, awaits_argument, eddy_ref(futures[0])));
    eddy_detach(eddy_create_task_with(&options, waits_for_argument, &futures[1]));
    ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_STR_CONTAINS(reports(), "2 tasks in it that had not ended");
    for (int i = 0; i < 2; i++) {
        ASSERT(!eddy_is_done(futures[i]));
        ASSERT(eddy_cancel(futures[i]));
        ASSERT_CODE(-ECANCELED, block_and_drop(futures[i]));
    }
}

/* --- failures that nobody awaits -------------------------------------------------------------- */

TEST(a_detached_failure_is_reported_by_its_loop) {
    eddy_loop *loop = virtual_loop();

    ASSERT_OK(eddy_detach(eddy_run_coroutine_threadsafe(loop, raiser, "lost")));
    for (int i = 0; i < 4; i++)
        ASSERT_OK(eddy_loop_run_once(loop, 0));
    const char *text = reports();
    ASSERT_STR_CONTAINS(text, "task \"raiser\" (created at ");
    ASSERT_STR_CONTAINS(text, ") failed and was never awaited: EIO: lost\n");
    virtual_close(loop);
}

TEST(a_failure_dropped_after_its_loop_is_closed_is_logged) {
    eddy_loop *loop;
    eddy_future *future;

    gather_reports();
    ASSERT_OK(eddy_loop_new(NULL, &loop));
    future = eddy_run_coroutine_threadsafe(loop, raiser, "lost");
    for (int i = 0; i < 3; i++)
        ASSERT_OK(eddy_loop_run_once(loop, 0));
    ASSERT(eddy_is_done(future));
    ASSERT_NULL(eddy_loop_close(loop));
    ASSERT_STR_EQ(reports(), "");
    eddy_unref(future);
    ASSERT_STR_CONTAINS(reports(), "task \"raiser\"");
}

TEST(a_detached_success_and_a_detached_cancel_are_no_news) {
    eddy_loop *loop = virtual_loop();
    eddy_future *future = eddy_run_coroutine_threadsafe(loop, never_runs, NULL);

    ASSERT_OK(eddy_detach(eddy_run_coroutine_threadsafe(loop, returner, &(int){1})));
    eddy_cancel(future);
    ASSERT_OK(eddy_detach(future));
    for (int i = 0; i < 4; i++)
        ASSERT_OK(eddy_loop_run_once(loop, 0));
    virtual_close(loop);
}

/* --- fork ------------------------------------------------------------------------------------- */

struct held {
    sem_t begun, released;
};

static void wait_for_post(sem_t *semaphore) {
    while (sem_wait(semaphore) < 0)
        continue;
}

/* Holds its thread: a sanitizer's allocator may not be forked while another thread is in it. */
static int holds_then_sleeps(void *arg) {
    struct held *held = arg;

    sem_post(&held->begun);
    wait_for_post(&held->released);
    return eddy_sleep(INFINITY);
}

OTHER_TEST(in_a_forked_child_loops_and_futures_are_the_parents) {
    struct held held;
    sem_init(&held.begun, 0, 0);
    sem_init(&held.released, 0, 0);
    eddy_future *future = eddy_run_coroutine_threadsafe(other->loop, holds_then_sleeps, &held);
    int status;
    pid_t child;

    wait_for_post(&held.begun);
    ASSERT_CODE(-ETIMEDOUT, eddy_future_wait_blocking(future, 0));
    child = fork();
    if (child == 0) {
        eddy_future *failed = eddy_run_coroutine_threadsafe(other->loop, never_runs, NULL);
        bool well = eddy_future_wait_blocking(failed, INFINITY) == EDDY_EFORKED;
        well = well && eddy_future_wait_blocking(future, INFINITY) == EDDY_EFORKED;
        well = well && !eddy_cancel(future) && !eddy_is_done(future);
        well = well && eddy_await(eddy_ref(future)) == EDDY_EFORKED;
        _exit(well ? 42 : 1);
    }
    ASSERT_INT_EQ(waitpid(child, &status, 0), child);
    ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    sem_post(&held.released);
    ASSERT(eddy_cancel(future));
    ASSERT_CODE(-ECANCELED, block_and_drop(future));
    sem_destroy(&held.begun);
    sem_destroy(&held.released);
}

/* --- no memory -------------------------------------------------------------------------------- */

static int asks_oneself(void *unused) {
    eddy_loop *loop = eddy_running_loop();
    eddy_future *future = eddy_run_coroutine_threadsafe(loop, yields_then_returns, &(int){1});
    int r = future ? eddy_wait(&future, 1, INFINITY, EDDY_ALL_COMPLETED) : 0;

    (void)unused;
    if (r < 0)
        eddy_cancel_with(future, "no memory");
    int awaited = eddy_await(future);
    return r < 0 ? r : awaited;
}

TEST(whichever_allocation_fails_nothing_breaks_and_nothing_leaks) {
    eddy_loop *loop;
    int r, before, failures = 0;

    scarce_begin();
    ASSERT_OK(eddy_loop_new(NULL, &loop));
    ASSERT_INT_EQ(virtual_run(loop, asks_oneself, NULL), 1);
    ASSERT_CODE(-ENOMEM, eddy_await(NULL));
    before = scarce_out;
    for (int n = 0;; n++) {
        scarce_left = n;
        r = virtual_run(loop, asks_oneself, NULL);
        bool was_enough = scarce_left > 0;
        scarce_left = INT_MAX;
        ASSERT_OK(eddy_loop_run_once(loop, 0));
        ASSERT_CODE(-ENOMEM, eddy_await(NULL)); /* the last error is a block, too */
        ASSERT_INT_EQ(scarce_out, before);
        if (was_enough)
            break;
        failures += r < 0;
    }
    ASSERT_INT_EQ(r, 1);
    ASSERT(failures >= 3);
    ASSERT_NULL(eddy_loop_close(loop));
}

/* --- a storm ---------------------------------------------------------------------------------- */

enum { STORM_LOOPS = 3, STORM_THREADS = 4, STORM_USES = UNDER_TSAN ? 500 : 3000 };

static struct other storm_loops[STORM_LOOPS];
static atomic_int storm_uses;

static int storm_work(void *arg) {
    long kind = (long)arg;
    int r = 0;

    for (int i = 0; i < kind % 4 && r == 0; i++)
        r = kind % 8 < 4 ? eddy_yield() : eddy_sleep(1e-6);
    if (r == 0 && kind % 16 == 15)
        r = eddy_sleep(INFINITY);
    return r < 0 ? r : (int)(kind % 4);
}

static void storm_check(int r) {
    ASSERT((r >= 0 && r < 4) || r == -ECANCELED || r == EDDY_ESHUTDOWN);
}

static unsigned storm_random(unsigned *state) {
    return (*state = *state * 1103515245u + 12345u) >> 16;
}

/* One future, used in one of all ways, and let go. Takes it. */
static void storm_use(eddy_future *future, unsigned *state) {
    eddy_future *futures[] = {future};

    switch (storm_random(state) % 6) {
    case 0:
        eddy_unref(future);
        return;
    case 1:
        eddy_cancel(future);
        eddy_detach(future);
        return;
    case 2:
        eddy_cancel_with(future, "the storm");
        storm_check(eddy_await(future));
        return;
    case 3:
        ASSERT_OK(eddy_wait(futures, 1, 1e-6, EDDY_ALL_COMPLETED));
        eddy_cancel(future);
        storm_check(eddy_future_wait_blocking(future, INFINITY));
        eddy_unref(future);
        return;
    case 4:
        eddy_future_wait_blocking(future, 1e-6);
        eddy_is_done(future);
        eddy_detach(eddy_ref(future));
        eddy_cancel(future);
        eddy_unref(future);
        return;
    default: {
        int r = eddy_wait_for(future, 1e-5);
        if (r != -ETIMEDOUT)
            storm_check(r);
    }
    }
}

static void *storm(void *arg) {
    unsigned state = (unsigned)(long)arg;

    for (int i = 0; i < STORM_USES; i++) {
        eddy_loop *loop = storm_loops[storm_random(&state) % STORM_LOOPS].loop;
        long kind = (long)(storm_random(&state) % 64);
        storm_use(eddy_run_coroutine_threadsafe(loop, storm_work, (void *)kind), &state);
        storm_uses++;
    }
    return NULL;
}

static void drop_log(eddy_log_level level, const char *text, void *arg) {
    (void)level;
    (void)text;
    (void)arg;
}

/* One of the loops is closed in the middle of it. */
TEST(a_storm_of_threads_and_a_loop_that_is_closed_meanwhile) {
    pthread_t threads[STORM_THREADS];

    eddy_set_log(drop_log, NULL);
    for (int i = 0; i < STORM_LOOPS; i++)
        other_start(&storm_loops[i]);
    for (long i = 0; i < STORM_THREADS; i++)
        ASSERT_INT_EQ(pthread_create(&threads[i], NULL, storm, (void *)(i + 1)), 0);
    while (storm_uses < STORM_USES)
        sched_yield();
    other_stop(&storm_loops[0]);
    for (int i = 0; i < STORM_THREADS; i++)
        ASSERT_INT_EQ(pthread_join(threads[i], NULL), 0);
    for (int i = 1; i < STORM_LOOPS; i++)
        other_stop(&storm_loops[i]);
    for (int i = 0; i < STORM_LOOPS; i++)
        eddy_loop_unref(storm_loops[i].loop);
}
