/* SPDX-License-Identifier: MIT
 * test_barrier.c - a barrier: all go on together, again and again; reset and aborted. */
#include "actors.h"

enum { PARTIES = 5 };

static int wait_barrier(void *barrier) {
    return eddy_barrier_wait(barrier);
}
static eddy_task *party(const char *name, eddy_barrier *barrier) {
    return call_of(name, wait_barrier, barrier, NULL, 0);
}

/* --- filling ---------------------------------------------------------------------------------- */

TASK_TEST(a_fresh_barrier_is_empty_and_whole) {
    eddy_barrier barrier;

    eddy_barrier_init(&barrier, PARTIES);
    ASSERT_INT_EQ(eddy_barrier_parties(&barrier), PARTIES);
    ASSERT_INT_EQ(eddy_barrier_n_waiting(&barrier), 0);
    ASSERT(!eddy_barrier_is_broken(&barrier));
}

TASK_TEST(a_barrier_for_one_does_not_suspend) {
    eddy_barrier barrier;

    eddy_barrier_init(&barrier, 1);
    eddy_detach(eddy_create_task(noter, "other"));
    ASSERT_INT_EQ(eddy_barrier_wait(&barrier), 0);
    ASSERT_INT_EQ(eddy_barrier_wait(&barrier), 0);
    ASSERT_STR_EQ(noted(), "");
    for (int i = 0; i < 500; i++)
        ASSERT_INT_EQ(eddy_barrier_wait(&barrier), 0);
    ASSERT_STR_EQ(noted(), "other");
}

TASK_TEST(all_wait_until_the_last_has_come) {
    eddy_barrier barrier;
    eddy_task *tasks[PARTIES];
    int results[PARTIES];

    eddy_barrier_init(&barrier, PARTIES);
    for (int i = 0; i < PARTIES; i++) {
        ASSERT_INT_EQ(eddy_barrier_n_waiting(&barrier), i);
        ASSERT_STR_EQ(noted(), "");
        tasks[i] = party("-", &barrier);
        ASSERT_OK(eddy_yield());
    }
    ASSERT_OK(eddy_gather_array(tasks, PARTIES, results));
    for (int i = 0; i < PARTIES; i++)
        ASSERT_INT_EQ(results[i], i); /* the order of arrival */
    ASSERT_INT_EQ(eddy_barrier_n_waiting(&barrier), 0);
    ASSERT(!eddy_barrier_is_broken(&barrier));
}

struct rounds {
    eddy_barrier *barrier;
    int count, numbers;
};

static int goes_rounds(void *arg) {
    struct rounds *rounds = arg;

    for (int i = 0; i < rounds->count; i++) {
        int r = eddy_barrier_wait(rounds->barrier);
        if (r < 0)
            return r;
        rounds->numbers += r;
    }
    return 0;
}

TASK_TEST(a_barrier_fills_again_and_again) {
    eddy_barrier barrier;
    struct rounds rounds = {&barrier, 100, 0};
    eddy_task *tasks[PARTIES];

    eddy_barrier_init(&barrier, PARTIES);
    for (int i = 0; i < PARTIES; i++)
        tasks[i] = eddy_create_task(goes_rounds, &rounds);
    ASSERT_OK(eddy_gather_array(tasks, PARTIES, NULL));
    ASSERT_INT_EQ(rounds.numbers, 100 * (0 + 1 + 2 + 3 + 4));
    ASSERT_INT_EQ(eddy_barrier_n_waiting(&barrier), 0);
}

TASK_TEST(who_comes_after_the_last_belongs_to_the_next_round) {
    eddy_barrier barrier;

    eddy_barrier_init(&barrier, 2);
    eddy_task *a = party("a", &barrier);
    ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(eddy_barrier_wait(&barrier), 1);
    eddy_task *b = party("b", &barrier); /* before a has gone on */
    ASSERT_INT_EQ(eddy_await(a), 0);
    yield_times(2);
    ASSERT_STR_EQ(noted(), "a");
    ASSERT_INT_EQ(eddy_barrier_n_waiting(&barrier), 1);
    ASSERT_INT_EQ(eddy_barrier_wait(&barrier), 1);
    ASSERT_INT_EQ(eddy_await(b), 0);
}

/* --- cancels ---------------------------------------------------------------------------------- */

TASK_TEST(a_party_that_is_cancelled_has_never_come) {
    eddy_barrier barrier;

    eddy_barrier_init(&barrier, 3);
    eddy_task *a = party("a", &barrier), *b = party("b", &barrier);
    ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(eddy_barrier_n_waiting(&barrier), 2);
    eddy_cancel(a);
    ASSERT_INT_EQ(eddy_barrier_n_waiting(&barrier), 1);
    ASSERT_CANCELLED(a);
    eddy_task *c = party("c", &barrier);
    yield_times(2);
    ASSERT_INT_EQ(eddy_barrier_n_waiting(&barrier), 2);
    ASSERT_INT_EQ(eddy_barrier_wait(&barrier), 2);
    ASSERT_INT_EQ(eddy_await(b), 0); /* each number once */
    ASSERT_INT_EQ(eddy_await(c), 1);
    ASSERT(!eddy_barrier_is_broken(&barrier));
}

TASK_TEST(a_party_that_is_cancelled_after_the_last_came_goes_on) {
    eddy_barrier barrier;

    eddy_barrier_init(&barrier, 2);
    eddy_task *a = party("a", &barrier);
    ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(eddy_barrier_wait(&barrier), 1);
    eddy_cancel(a);
    ASSERT_INT_EQ(eddy_await(a), 0);
}

TASK_TEST(a_refused_task_does_not_complete_the_party) {
    eddy_barrier barrier;

    eddy_barrier_init(&barrier, 1);
    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_barrier_wait(&barrier));
    eddy_uncancel();
    ASSERT_OK(eddy_barrier_wait(&barrier));
}

TASK_TEST(a_time_out_ends_the_wait_for_a_barrier) {
    eddy_barrier barrier;
    eddy_timeout timeout;

    eddy_barrier_init(&barrier, 2);
    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_barrier_wait(&barrier)));
    ASSERT(!eddy_barrier_is_broken(&barrier));
    ASSERT_INT_EQ(eddy_barrier_n_waiting(&barrier), 0);
}

/* --- reset and abort -------------------------------------------------------------------------- */

TASK_TEST(to_reset_an_empty_barrier_changes_nothing) {
    eddy_barrier barrier;

    eddy_barrier_init(&barrier, 2);
    eddy_barrier_reset(&barrier);
    ASSERT(!eddy_barrier_is_broken(&barrier));
    eddy_task *a = party("a", &barrier);
    ASSERT_INT_EQ(eddy_await(party("b", &barrier)), 1);
    ASSERT_INT_EQ(eddy_await(a), 0);
}

TASK_TEST(a_reset_ends_the_waiting_and_the_barrier_is_as_new) {
    eddy_barrier barrier;

    eddy_barrier_init(&barrier, 3);
    eddy_task *a = party("a", &barrier), *b = party("b", &barrier);
    ASSERT_OK(eddy_yield());
    eddy_barrier_reset(&barrier);
    ASSERT_INT_EQ(eddy_barrier_n_waiting(&barrier), 0);
    ASSERT(!eddy_barrier_is_broken(&barrier));
    ASSERT_CODE(EDDY_EBROKEN_BARRIER, eddy_await(a));
    ASSERT_CODE(EDDY_EBROKEN_BARRIER, eddy_await(b));
    ASSERT_OK(eddy_gather(party("c", &barrier), party("d", &barrier), party("e", &barrier)));
}

static int waits_again_when_reset(void *barrier) {
    int r = eddy_barrier_wait(barrier);

    if (r == EDDY_EBROKEN_BARRIER) {
        note("reset");
        r = eddy_barrier_wait(barrier);
    }
    return r;
}

TASK_TEST(who_met_a_reset_may_wait_again) {
    eddy_barrier barrier;
    eddy_task *tasks[PARTIES];

    eddy_barrier_init(&barrier, PARTIES);
    for (int i = 0; i < PARTIES - 1; i++)
        tasks[i] = eddy_create_task(waits_again_when_reset, &barrier);
    ASSERT_OK(eddy_yield());
    eddy_barrier_reset(&barrier);
    yield_times(2);
    ASSERT_INT_EQ(eddy_barrier_n_waiting(&barrier), PARTIES - 1);
    ASSERT_INT_EQ(eddy_barrier_wait(&barrier), PARTIES - 1);
    ASSERT_OK(eddy_gather_array(tasks, PARTIES - 1, NULL));
    ASSERT_STR_EQ(noted(), "reset reset reset reset");
}

TASK_TEST(a_reset_in_the_turn_in_which_all_had_come_disturbs_nobody) {
    eddy_barrier barrier;

    eddy_barrier_init(&barrier, 2);
    eddy_task *a = party("a", &barrier);
    ASSERT_OK(eddy_yield());
    ASSERT_INT_EQ(eddy_barrier_wait(&barrier), 1);
    eddy_barrier_reset(&barrier);
    ASSERT_INT_EQ(eddy_await(a), 0);
}

TASK_TEST(an_aborted_barrier_refuses_until_it_is_reset) {
    eddy_barrier barrier;

    eddy_barrier_init(&barrier, 2);
    eddy_task *a = party("a", &barrier);
    ASSERT_OK(eddy_yield());
    eddy_barrier_abort(&barrier);
    ASSERT(eddy_barrier_is_broken(&barrier));
    ASSERT_INT_EQ(eddy_barrier_n_waiting(&barrier), 0);
    ASSERT_CODE(EDDY_EBROKEN_BARRIER, eddy_await(a));
    ASSERT_CODE(EDDY_EBROKEN_BARRIER, eddy_barrier_wait(&barrier));
    ASSERT_CODE(EDDY_EBROKEN_BARRIER, eddy_last_error()->code);
    eddy_barrier_reset(&barrier);
    ASSERT(!eddy_barrier_is_broken(&barrier));
    eddy_task *b = party("b", &barrier);
    ASSERT_INT_EQ(eddy_await(party("c", &barrier)), 1);
    ASSERT_INT_EQ(eddy_await(b), 0);
}

static int aborts_when_it_fails(void *barrier) {
    int r = eddy_barrier_wait(barrier);

    if (r == PARTIES - 1) { /* the last breaks the next round */
        eddy_barrier_abort(barrier);
        return r;
    }
    return eddy_barrier_wait(barrier);
}

TASK_TEST(one_party_that_fails_may_free_the_others) {
    eddy_barrier barrier;
    eddy_task *tasks[PARTIES];
    int results[PARTIES];

    eddy_barrier_init(&barrier, PARTIES);
    for (int i = 0; i < PARTIES; i++)
        tasks[i] = eddy_create_task(aborts_when_it_fails, &barrier);
    ASSERT_CODE(EDDY_EBROKEN_BARRIER, eddy_gather_array(tasks, PARTIES, results));
    for (int i = 0; i < PARTIES - 1; i++)
        ASSERT_CODE(EDDY_EBROKEN_BARRIER, results[i]);
    ASSERT_INT_EQ(results[PARTIES - 1], PARTIES - 1);
    ASSERT(eddy_barrier_is_broken(&barrier));
}

/* --- misuse ----------------------------------------------------------------------------------- */

static int for_nobody(void) {
    eddy_barrier barrier;

    eddy_barrier_init(&barrier, 0);
    return 0;
}
static int never_initialized(void) {
    eddy_barrier barrier = {{0}};

    return eddy_barrier_wait(&barrier);
}

TEST(a_barrier_for_nobody_aborts) {
    ASSERT_STR_CONTAINS(aborts(for_nobody).text, "at least one party");
    ASSERT_STR_CONTAINS(aborts(never_initialized).text, "not initialized");
}

TASK_TEST(a_callback_cannot_wait_for_a_barrier) {
    eddy_barrier barrier;

    eddy_barrier_init(&barrier, 1);
    ASSERT_CODE(-EDEADLK, code_in_callback(wait_barrier, &barrier));
}

static void reset_barrier(void *barrier) {
    eddy_barrier_reset(barrier);
}

TEST(outside_any_task_a_wait_for_a_barrier_runs_the_loop) {
    eddy_barrier barrier;

    eddy_barrier_init(&barrier, 2);
    eddy_detach(party("a", &barrier));
    ASSERT_INT_EQ(eddy_barrier_wait(&barrier), 0);
    eddy_call_soon(NULL, reset_barrier, &barrier);
    ASSERT_CODE(EDDY_EBROKEN_BARRIER, eddy_barrier_wait(&barrier));
}
