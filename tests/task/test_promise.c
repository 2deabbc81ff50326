/* SPDX-License-Identifier: MIT
 * test_promise.c - awaiting a future that another thread completes by hand: the way in for what is
 * done by the threads of other libraries. */
#include <pthread.h>
#include <sys/wait.h>

#include "../base/scarce.h"
#include "virtual.h"

/* --- in one thread ---------------------------------------------------------------------------- */

static void note_destroyed(void *value) {
    note("destroyed-%s", (char *)value);
}

static void set_seven(void *future) {
    ASSERT_OK(eddy_future_set_result(future, (void *)7));
    eddy_unref(future);
}

TASK_TEST(a_shared_future_gives_its_value_to_who_awaits_it) {
    eddy_future *future = eddy_future_new_shared();
    void *value = NULL;

    eddy_call_soon(NULL, set_seven, eddy_ref(future));
    ASSERT_OK(eddy_await_value(future, &value));
    ASSERT_PTR_EQ(value, (void *)7);
}

TASK_TEST(shared_futures_are_gathered_waited_for_and_iterated_with_others) {
    eddy_future *futures[] = {eddy_future_new_shared(), SLEEPER(.seconds = 0, .result = 2)};
    eddy_as_completed *iterator;
    eddy_future *first;

    for (int i = 0; i < 2; i++)
        eddy_ref(futures[i]);
    ASSERT_INT_EQ(eddy_wait(futures, 2, INFINITY, EDDY_FIRST_COMPLETED), 1);
    iterator = eddy_as_completed_new((eddy_future *[]){eddy_ref(futures[0])}, 1);
    eddy_call_soon(NULL, set_seven, eddy_ref(futures[0]));
    ASSERT_INT_EQ(eddy_as_completed_next(iterator, &first), 1);
    ASSERT_PTR_EQ(first, futures[0]);
    ASSERT_OK(eddy_await(eddy_shield(first)));
    eddy_as_completed_free(iterator);
    ASSERT_OK(eddy_gather_array(futures, 2, NULL));
    for (int i = 0; i < 2; i++)
        eddy_unref(futures[i]);
}

static int awaits(void *future) {
    return eddy_await(eddy_ref(future));
}

TASK_TEST(who_is_cancelled_cancels_the_shared_future_that_he_awaits) {
    eddy_future *future = eddy_future_new_shared();
    eddy_task *task = eddy_create_task(awaits, future);

    ASSERT_OK(eddy_yield());
    ASSERT(eddy_cancel_with(task, "no longer wanted"));
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT(eddy_is_cancelled(future));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_set_result(future, NULL));
    ASSERT_CODE(-ECANCELED, eddy_future_result(future, NULL));
    ASSERT_STR_EQ(eddy_last_error()->message, "no longer wanted");
    eddy_unref(future);
}

TASK_TEST(a_shield_keeps_a_shared_future_from_the_cancel) {
    eddy_future *future = eddy_future_new_shared(), *shield = eddy_shield(eddy_ref(future));

    ASSERT_OK(eddy_yield());
    ASSERT(eddy_cancel(shield));
    ASSERT_CODE(-ECANCELED, eddy_await(shield));
    ASSERT_OK(eddy_future_set_result(future, NULL));
    ASSERT_OK(eddy_await(future));
}

static eddy_future *before_fork;

static int uses_the_parents(void) {
    ASSERT_CODE(EDDY_EFORKED, eddy_future_set_result(before_fork, NULL));
    ASSERT_CODE(EDDY_EFORKED, eddy_future_set_error(before_fork, -EIO, "in the child"));
    ASSERT(!eddy_cancel(before_fork));
    ASSERT_CODE(EDDY_EFORKED, eddy_await(eddy_ref(before_fork)));
    return 7;
}

TEST(in_a_forked_child_a_shared_future_is_the_parents) {
    before_fork = eddy_future_new_shared();
    ASSERT_INT_EQ(WEXITSTATUS(in_child(uses_the_parents).status), 7);
    ASSERT_OK(eddy_future_set_result(before_fork, NULL));
    ASSERT_OK(eddy_await(before_fork));
}

/* --- the nth allocation fails ----------------------------------------------------------------- */

/* Each way of waiting once; a result other than 0 is the lack of memory. */
static int waits_in_every_way(eddy_future *future) {
    eddy_as_completed *iterator = eddy_as_completed_new((eddy_future *[]){eddy_ref(future)}, 1);
    eddy_future *shield = eddy_shield(eddy_ref(future)), *first;
    int r = eddy_wait(&future, 1, 0, EDDY_ALL_COMPLETED);

    if (r >= 0)
        r = eddy_future_set_result_with(future, "value", note_destroyed);
    if (r >= 0)
        r = eddy_as_completed_next(iterator, &first);
    if (r == 1)
        r = eddy_await(first);
    eddy_as_completed_free(iterator);
    if (r < 0)
        eddy_cancel(shield);
    int shielded = eddy_await(shield);
    return r < 0 ? r : shielded;
}

static int waits_with_little_memory(void *memory) {
    scarce_left = *(int *)memory;
    eddy_future *future = eddy_future_new_shared();
    int r = future ? waits_in_every_way(future) : -ENOMEM;
    eddy_unref(future);
    *(int *)memory = scarce_left;
    scarce_left = INT_MAX;
    return r;
}

TEST(whichever_allocation_fails_a_shared_future_leaks_nothing) {
    int r = -ENOMEM, left;

    scarce_begin();
    for (int n = 0; r != 0; n++) {
        int before = scarce_out;
        eddy_loop *loop = virtual_loop();
        left = n;
        r = virtual_run(loop, waits_with_little_memory, &left);
        ASSERT(r == 0 || (r == -ENOMEM && left == 0));
        ASSERT_CODE(-ENOMEM, eddy_detach(NULL)); /* a static record takes the last error's place */
        virtual_close(loop);
        ASSERT_INT_EQ(scarce_out, before);
        ASSERT_STR_EQ(noted(), r == 0 ? "destroyed-value" : "");
    }
}

/* --- from other threads ----------------------------------------------------------------------- */

struct job {
    eddy_future *future;
    int number;
};

static void *works(void *arg) {
    struct job *job = arg;

    if (job->number % 10 == 9)
        ASSERT_OK(eddy_future_set_error(job->future, -EIO, "job %d failed", job->number));
    else
        ASSERT_OK(eddy_future_set_result(job->future, job));
    eddy_unref(job->future);
    return NULL;
}

TASK_TEST(threads_that_know_no_loop_complete_what_tasks_await) {
    enum { JOBS = 20 };
    struct job jobs[JOBS];
    eddy_future *futures[JOBS];
    pthread_t threads[JOBS];
    int results[JOBS];

    for (int i = 0; i < JOBS; i++) {
        futures[i] = eddy_future_new_shared();
        jobs[i] = (struct job){.future = eddy_ref(futures[i]), .number = i};
        ASSERT_INT_EQ(pthread_create(&threads[i], NULL, works, &jobs[i]), 0);
    }
    ASSERT_CODE(-EIO, eddy_gather_array(futures, JOBS, results));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "9 failed");
    for (int i = 0; i < JOBS; i++) {
        ASSERT_INT_EQ(results[i], i % 10 == 9 ? -EIO : 0);
        ASSERT_INT_EQ(pthread_join(threads[i], NULL), 0);
    }
}

static int awaits_a_while(void *future) {
    return eddy_wait_for(eddy_ref(future), 0.0005);
}

/* The time-out cancels; whichever comes first, both sides agree. */
static void *completes(void *arg) {
    eddy_future *future = arg;
    int r = eddy_future_set_result(future, NULL);

    eddy_unref(future);
    return r == 0 ? arg : NULL;
}

TEST(a_time_out_and_another_thread_race_for_a_shared_future) {
    for (int i = 0; i < 50; i++) {
        eddy_future *future = eddy_future_new_shared();
        pthread_t thread;
        void *has_won;
        int r;

        ASSERT_INT_EQ(pthread_create(&thread, NULL, completes, eddy_ref(future)), 0);
        r = eddy_run(awaits_a_while, future);
        ASSERT_INT_EQ(pthread_join(thread, &has_won), 0);
        ASSERT_INT_EQ(r, has_won ? 0 : -ETIMEDOUT);
        eddy_unref(future);
    }
}
