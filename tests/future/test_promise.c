/* SPDX-License-Identifier: MIT
 * test_promise.c - shared futures completed by hand: once, by whichever thread is first. Awaiting
 * them is in ../task. */
#include <eddy.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "../base/scarce.h"
#include "test.h"

static char reported[1000];

static void report(eddy_log_level level, const char *text, void *arg) {
    (void)level;
    (void)arg;
    strncat(reported, text, sizeof(reported) - strlen(reported) - 1);
}

static void count_destroy(void *value) {
    ++*(int *)value;
}

TEST(a_new_shared_future_is_pending_and_needs_no_loop) {
    eddy_future *future = eddy_future_new_shared();

    ASSERT(!eddy_is_done(future));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_result(future, NULL));
    ASSERT_CODE(-ETIMEDOUT, eddy_future_wait_blocking(future, 0.0001));
    ASSERT_NULL(eddy_unref(future));
}

TEST(a_shared_future_is_completed_only_once) {
    eddy_future *future = eddy_future_new_shared();
    int first, second;
    void *value;

    ASSERT_OK(eddy_future_set_result(future, &first));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_set_result(future, &second));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_set_error(future, -EIO, "too late"));
    ASSERT(!eddy_cancel(future));
    ASSERT_OK(eddy_future_result(future, &value));
    ASSERT_PTR_EQ(value, &first);
    ASSERT_OK(eddy_future_wait_blocking(future, INFINITY));
    eddy_unref(future);
}

TEST(a_shared_future_may_be_given_an_error_with_a_sentence) {
    eddy_future *future = eddy_future_new_shared();

    ASSERT_OK(eddy_future_set_error(future, -ECONNRESET, "peer %d went away", 7));
    ASSERT_CODE(-ECONNRESET, eddy_future_result(future, NULL));
    ASSERT_STR_EQ(eddy_last_error()->message, "peer 7 went away");
    eddy_unref(future);
}

TEST(a_cancelled_shared_future_is_done_at_once_and_has_the_reason) {
    eddy_future *future = eddy_future_new_shared();

    ASSERT(eddy_cancel_with(future, "not needed"));
    ASSERT(!eddy_cancel_with(future, "again"));
    ASSERT(eddy_is_cancelled(future));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_set_result(future, NULL));
    ASSERT_CODE(-ECANCELED, eddy_future_result(future, NULL));
    ASSERT_STR_EQ(eddy_last_error()->message, "not needed");
    eddy_unref(future);
}

TEST(a_shared_value_that_nobody_took_is_destroyed_with_the_last_reference) {
    eddy_future *untaken = eddy_future_new_shared(), *taken = eddy_future_new_shared();
    int untaken_destroyed = 0, taken_destroyed = 0;
    void *value;

    ASSERT_OK(eddy_future_set_result_with(untaken, &untaken_destroyed, count_destroy));
    ASSERT_OK(eddy_future_result(untaken, NULL));
    ASSERT_OK(eddy_future_set_result_with(taken, &taken_destroyed, count_destroy));
    ASSERT_OK(eddy_future_result(taken, &value));
    ASSERT_INT_EQ(untaken_destroyed, 0);
    eddy_unref(untaken);
    eddy_unref(taken);
    ASSERT_INT_EQ(untaken_destroyed, 1);
    ASSERT_INT_EQ(taken_destroyed, 0);
}

TEST(a_failure_of_a_shared_future_that_nobody_heard_of_goes_to_the_log) {
    eddy_future *unheard = eddy_future_new_shared(), *heard = eddy_future_new_shared();

    eddy_set_log(report, NULL);
    ASSERT_OK(eddy_future_set_error(heard, -EIO, "heard"));
    ASSERT_CODE(-EIO, eddy_future_result(heard, NULL));
    eddy_unref(heard);
    ASSERT_STR_EQ(reported, "");
    ASSERT_OK(eddy_future_set_error(unheard, -EIO, "unheard"));
    eddy_unref(unheard);
    ASSERT_STR_CONTAINS(reported, "a future failed and was never awaited: EIO: unheard");
}

TEST(callbacks_on_a_shared_future_are_refused) {
    eddy_future *future = eddy_future_new_shared();

    ASSERT_CODE(EDDY_EWRONG_THREAD, eddy_future_add_done_callback(future, NULL, NULL));
    eddy_unref(future);
}

TEST(without_memory_there_is_no_shared_future) {
    scarce_begin();
    scarce_left = 0;
    ASSERT_NULL(eddy_future_new_shared());
    ASSERT_CODE(-ENOMEM, eddy_last_error()->code);
    scarce_left = INT_MAX;
}

/* --- threads ---------------------------------------------------------------------------------- */

struct race {
    eddy_future *future;
    pthread_barrier_t start;
    int won[2], destroyed;
};

/* In the three threads: sets a value, sets an error, cancels. */

static void *sets_value(void *arg) {
    struct race *race = arg;

    pthread_barrier_wait(&race->start);
    race->won[0] = eddy_future_set_result_with(race->future, &race->destroyed, count_destroy) == 0;
    eddy_unref(race->future);
    return NULL;
}

static void *sets_error(void *arg) {
    struct race *race = arg;

    pthread_barrier_wait(&race->start);
    race->won[1] = eddy_future_set_error(race->future, -EIO, "number %d", 1) == 0;
    eddy_unref(race->future);
    return NULL;
}

static void *cancels(void *arg) {
    struct race *race = arg;
    bool *was_first = malloc(sizeof(*was_first));

    pthread_barrier_wait(&race->start);
    *was_first = eddy_cancel_with(race->future, "cancelled");
    eddy_unref(race->future);
    return was_first;
}

TEST(of_several_threads_that_complete_a_shared_future_one_is_the_first) {
    void *(*const mains[])(void *) = {sets_value, sets_error, cancels};
    const int rounds = UNDER_TSAN ? 20 : 100;

    for (int i = 0; i < rounds; i++) {
        struct race race = {.future = eddy_future_new_shared()};
        pthread_t threads[3];
        bool *cancelled;

        pthread_barrier_init(&race.start, NULL, 3);
        for (int t = 0; t < 3; t++) {
            eddy_ref(race.future);
            ASSERT_INT_EQ(pthread_create(&threads[t], NULL, mains[t], &race), 0);
        }
        int r = eddy_future_wait_blocking(race.future, INFINITY);
        for (int t = 0; t < 2; t++)
            ASSERT_INT_EQ(pthread_join(threads[t], NULL), 0);
        ASSERT_INT_EQ(pthread_join(threads[2], (void **)&cancelled), 0);
        ASSERT_INT_EQ(race.won[0] + race.won[1] + *cancelled, 1);
        ASSERT_INT_EQ(r, race.won[0] ? 0 : race.won[1] ? -EIO : -ECANCELED);
        eddy_unref(race.future);
        ASSERT_INT_EQ(race.destroyed, race.won[0]);
        pthread_barrier_destroy(&race.start);
        free(cancelled);
    }
}
