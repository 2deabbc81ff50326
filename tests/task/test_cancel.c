/* SPDX-License-Identifier: MIT
 * test_cancel.c - cancelling tasks: in each state, how it sticks, how it is passed on. */
#include "virtual.h"

/* --- in each state ---------------------------------------------------------------------------- */

TASK_TEST(a_new_task_that_is_cancelled_never_runs) {
    eddy_task *task = eddy_create_task(noter, "ran");

    ASSERT(eddy_cancel(task));
    ASSERT(eddy_is_done(task));
    ASSERT(eddy_is_cancelled(task));
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_OK(eddy_sleep(1));
    ASSERT_STR_EQ(noted(), "");
}

static int yields_twice(void *unused) {
    (void)unused;
    int r = eddy_yield();
    note("%s", r == 0 ? "first" : "refused");
    r = eddy_yield();
    note("%s", r == 0 ? "second" : "refused");
    return r;
}

TASK_TEST(a_ready_task_finishes_its_call_and_is_refused_the_next) {
    eddy_task *task = eddy_create_task(yields_twice, NULL);

    ASSERT_OK(eddy_yield());
    ASSERT(eddy_cancel(task));
    ASSERT(!eddy_is_done(task));
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(noted(), "first refused");
}

TASK_TEST(a_waiting_task_is_woken_by_a_cancel) {
    eddy_task *task = SLEEPER(.name = "sleeper", .seconds = 1000);

    ASSERT_OK(eddy_sleep(1));
    ASSERT(eddy_cancel(task));
    ASSERT(!eddy_is_done(task));
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(noted(), "sleeper!");
    ASSERT_INT_EQ(milliseconds(), 1000);
}

TASK_TEST(a_running_task_may_cancel_itself) {
    ASSERT(eddy_cancel(eddy_current_task()));
    ASSERT_INT_EQ(eddy_cancelling(), 1);
    ASSERT_CODE(-ECANCELED, eddy_sleep(1));
    ASSERT_INT_EQ(eddy_uncancel(), 0);
}

TASK_TEST(a_done_task_cannot_be_cancelled) {
    eddy_task *task = RETURNER(3);

    ASSERT_OK(eddy_yield());
    ASSERT(!eddy_cancel(task));
    ASSERT(!eddy_cancel_with(task, "too late"));
    ASSERT(!eddy_is_cancelled(task));
    ASSERT_INT_EQ(eddy_await(task), 3);
}

TASK_TEST(there_is_nothing_to_cancel_in_null) {
    ASSERT(!eddy_cancel(NULL));
    ASSERT(!eddy_is_cancelled(NULL));
}

/* --- what counts as cancelled ----------------------------------------------------------------- */

TASK_TEST(a_task_that_returned_ecanceled_is_cancelled) {
    eddy_task *task = SLEEPER(.seconds = 9);

    ASSERT_OK(eddy_yield());
    eddy_cancel(task);
    ASSERT(!eddy_is_cancelled(task)); /* not yet */
    ASSERT_CODE(-ECANCELED, eddy_await(eddy_ref(task)));
    ASSERT(eddy_is_cancelled(task));
    eddy_unref(task);
}

TASK_TEST(any_other_value_or_error_of_a_cancelled_task_stands) {
    eddy_task *value = STUBBORN(.seconds = 9, .result = 5),
              *error = STUBBORN(.seconds = 9, .result = -EIO);

    ASSERT_OK(eddy_yield());
    ASSERT(eddy_cancel(value) && eddy_cancel(error));
    ASSERT_INT_EQ(eddy_await(eddy_ref(value)), 5);
    ASSERT_CODE(-EIO, eddy_await(eddy_ref(error)));
    ASSERT(!eddy_is_cancelled(value) && !eddy_is_cancelled(error));
    eddy_unref(value);
    eddy_unref(error);
}

/* --- how it sticks ---------------------------------------------------------------------------- */

static int refused_everywhere(void *unused) {
    eddy_future *future = eddy_future_new(NULL);
    int never = 0;

    (void)unused;
    ASSERT_CODE(-ECANCELED, eddy_sleep(100));
    ASSERT_CODE(-ECANCELED, eddy_sleep(100));
    ASSERT_CODE(-ECANCELED, eddy_sleep(0));
    ASSERT_CODE(-ECANCELED, eddy_yield());
    ASSERT_CODE(-ECANCELED, eddy_await(eddy_after(1)));
    ASSERT_CODE(-ECANCELED, eddy_await(RETURNER(1)));
    ASSERT_CODE(-ECANCELED, eddy_gather(RETURNER(1), RETURNER(2)));
    ASSERT_CODE(-ECANCELED, eddy_wait(&future, 1, 1, EDDY_ALL_COMPLETED));
    ASSERT_CODE(-ECANCELED, eddy_to_thread(returner, &never));
    ASSERT_CODE(-ECANCELED, eddy_wait_for(future, 1));
    ASSERT_INT_EQ(milliseconds(), 1000);
    ASSERT_INT_EQ(eddy_uncancel(), 0);
    ASSERT_OK(eddy_sleep(1));
    return 5;
}

TASK_TEST(every_suspending_call_is_refused_until_uncancel) {
    eddy_task *task = eddy_create_task(refused_everywhere, NULL);

    cancel_later(1, task);
    ASSERT_INT_EQ(eddy_await(task), 5);
    ASSERT_INT_EQ(milliseconds(), 2000);
}

TASK_TEST(cancels_are_counted_and_each_is_taken_back) {
    eddy_task *me = eddy_current_task();

    ASSERT_INT_EQ(eddy_cancelling(), 0);
    ASSERT(eddy_cancel(me) && eddy_cancel(me));
    ASSERT_INT_EQ(eddy_cancelling(), 2);
    ASSERT_CODE(-ECANCELED, eddy_yield());
    ASSERT_INT_EQ(eddy_cancelling(), 2);
    ASSERT_INT_EQ(eddy_uncancel(), 1);
    ASSERT_CODE(-ECANCELED, eddy_yield());
    ASSERT_INT_EQ(eddy_uncancel(), 0);
    ASSERT_OK(eddy_yield());
}

TASK_TEST(uncancel_without_a_cancel_stays_at_0) {
    ASSERT_INT_EQ(eddy_uncancel(), 0);
    ASSERT_INT_EQ(eddy_uncancel(), 0);
    eddy_cancel(eddy_current_task());
    ASSERT_CODE(-ECANCELED, eddy_yield());
    ASSERT_INT_EQ(eddy_uncancel(), 0);
}

TEST(outside_a_task_nothing_is_cancelling) {
    ASSERT_INT_EQ(eddy_cancelling(), 0);
    ASSERT_INT_EQ(eddy_uncancel(), 0);
}

static int says_refused(void *unused) {
    (void)unused;
    eddy_cancel(eddy_current_task());
    int r = eddy_sleep(1);
    note("refused");
    return r;
}

TASK_TEST(a_refused_call_lets_the_other_ready_tasks_run) {
    eddy_task *task = eddy_create_task(says_refused, NULL);

    ASSERT_OK(eddy_detach(eddy_create_task(noter, "other")));
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(noted(), "other refused");
}

static int says_refused_await(void *unused) {
    (void)unused;
    eddy_cancel(eddy_current_task());
    int r = eddy_await(eddy_create_task(noter, "never"));
    note("refused");
    return r;
}

TASK_TEST(a_refused_await_of_a_new_task_lets_the_other_ready_tasks_run) {
    eddy_task *task = eddy_create_task(says_refused_await, NULL);

    ASSERT_OK(eddy_detach(eddy_create_task(noter, "other")));
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(noted(), "other refused");
}

/* --- -ECANCELED means no effect --------------------------------------------------------------- */

TASK_TEST(a_sleep_that_was_over_before_the_cancel_returns_0) {
    eddy_task *first = SLEEPER(.name = "first", .seconds = 1, .result = 1);
    eddy_task *canceller = SLEEPER(.seconds = 1);
    eddy_task *second = SLEEPER(.name = "second", .seconds = 1, .result = 2);

    ASSERT_OK(eddy_await(canceller)); /* wakes in the same turn, between the two */
    ASSERT(!eddy_cancel(first));
    ASSERT(eddy_is_done(second) || eddy_cancel(second));
    ASSERT_INT_EQ(eddy_await(second), 2);
    ASSERT_INT_EQ(eddy_await(first), 1);
    ASSERT_STR_EQ(noted(), "first second");
}

static int awaits_future(void *future) {
    int r = eddy_await(future);

    note("%s", r < 0 ? eddy_error_name(r) : "result");
    ASSERT_CODE(-ECANCELED, eddy_yield());
    return r;
}

TASK_TEST(an_await_whose_future_was_complete_before_the_cancel_returns_the_result) {
    eddy_future *future = eddy_future_new(NULL);
    eddy_task *task = eddy_create_task(awaits_future, eddy_ref(future));

    ASSERT_OK(eddy_yield());
    ASSERT_OK(eddy_future_set_result(future, NULL));
    ASSERT(eddy_cancel(task));
    ASSERT_OK(eddy_await(task));
    ASSERT_STR_EQ(noted(), "result");
    eddy_unref(future);
}

TASK_TEST(await_of_a_done_task_in_a_cancelled_one_returns_its_result) {
    eddy_task *done = RETURNER(7);

    ASSERT_OK(eddy_yield());
    eddy_cancel(eddy_current_task());
    ASSERT_INT_EQ(eddy_await(done), 7);
    ASSERT_CODE(-ECANCELED, eddy_yield());
    eddy_uncancel();
}

/* --- how it is passed on ---------------------------------------------------------------------- */

static int awaits_tidy(void *arg) {
    int r = eddy_await(eddy_create_task(tidy, arg));

    note("parent%s", r == -ECANCELED ? "!" : "");
    return r;
}

TASK_TEST(await_passes_a_cancel_on_and_returns_only_when_the_child_has_ended) {
    struct actor child = {.name = "child", .seconds = 9, .clean_up = 2};
    eddy_task *task = eddy_create_task(awaits_tidy, &child);

    cancel_later(1, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_INT_EQ(milliseconds(), 3000);
    ASSERT_STR_EQ(noted(), "child! parent!");
}

static int awaits_stubborn(void *arg) {
    int r = eddy_await(eddy_create_task(stubborn, arg));

    note("%d", r);
    ASSERT_INT_EQ(eddy_cancelling(), 1);
    ASSERT_CODE(-ECANCELED, eddy_yield());
    return r;
}

TASK_TEST(a_child_that_swallows_the_cancel_gives_its_result_and_the_mark_refuses_the_next_call) {
    struct actor child = {.seconds = 9, .clean_up = 1, .result = 8};
    eddy_task *task = eddy_create_task(awaits_stubborn, &child);

    cancel_later(1, task);
    ASSERT_INT_EQ(eddy_await(task), 8);
    ASSERT_STR_EQ(noted(), "8");
}

static int awaits_levels(void *levels) {
    int left = *(int *)levels - 1;
    int r = left > 0 ? eddy_await(eddy_create_task(awaits_levels, &left)) : eddy_sleep(1000);

    note("%d%s", left, r == -ECANCELED ? "!" : "");
    return r;
}

TASK_TEST(a_cancel_goes_down_a_chain_of_tasks_and_comes_up_as_they_end) {
    int levels = 4;
    eddy_task *task = eddy_create_task(awaits_levels, &levels);

    cancel_later(1, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(noted(), "0! 1! 2! 3!");
}

static int counts_cancels(void *unused) {
    eddy_shield_scope shield;
    int count;

    (void)unused;
    eddy_shield_begin(&shield);
    ASSERT_OK(eddy_sleep(5));
    count = eddy_cancelling();
    eddy_shield_end(&shield);
    note("%d cancels", count);
    return -ECANCELED;
}

static int awaits_counter(void *unused) {
    (void)unused;
    return eddy_await(eddy_create_task(counts_cancels, NULL));
}

TASK_TEST(each_further_cancel_is_passed_on_again) {
    eddy_task *task = eddy_create_task(awaits_counter, NULL);

    cancel_later(1, task);
    cancel_later(2, task);
    cancel_later(3, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(noted(), "3 cancels");
}

static int awaits_it(void *future) {
    return eddy_await(future);
}

TASK_TEST(a_plain_future_that_a_cancelled_task_awaits_is_cancelled) {
    eddy_future *future = eddy_future_new(NULL);
    eddy_task *task = eddy_create_task(awaits_it, eddy_ref(future));

    cancel_later(1, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT(eddy_is_cancelled(future));
    ASSERT_CODE(EDDY_EINVALID_STATE, eddy_future_set_result(future, NULL));
    eddy_unref(future);
}

TASK_TEST(a_new_parent_that_is_cancelled_does_not_touch_what_it_would_have_awaited) {
    eddy_future *future = eddy_future_new(NULL);
    eddy_task *task = eddy_create_task(awaits_it, future);

    eddy_cancel(task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT(!eddy_is_done(future));
    eddy_unref(future);
}

static int awaits_and_gives_up_the_child(void *arg) {
    eddy_task *child = eddy_create_task(sleeper, arg);

    ASSERT_INT_EQ(eddy_wait(&child, 1, 1, EDDY_ALL_COMPLETED), 0);
    ASSERT_OK(eddy_detach(child));
    return 0;
}

TASK_TEST(eddy_wait_leaves_the_child_running) {
    static struct actor child = {.name = "child", .seconds = 5};
    eddy_task *task = eddy_create_task(awaits_and_gives_up_the_child, &child);

    ASSERT_OK(eddy_await(task));
    ASSERT_OK(eddy_sleep(9));
    ASSERT_STR_EQ(noted(), "child");
}

/* --- reasons ---------------------------------------------------------------------------------- */

TASK_TEST(the_reason_of_a_cancel_is_the_sentence_of_the_error) {
    char reason[] = "the page was closed";
    eddy_task *fresh = SLEEPER(.seconds = 9), *waiting = SLEEPER(.seconds = 9);

    ASSERT(eddy_cancel_with(fresh, reason));
    ASSERT_CODE(-ECANCELED, eddy_await(fresh));
    ASSERT_STR_EQ(eddy_last_error()->message, "the page was closed");

    ASSERT_OK(eddy_sleep(1));
    ASSERT(eddy_cancel_with(waiting, reason));
    memset(reason, 'x', strlen(reason)); /* it is copied */
    ASSERT_CODE(-ECANCELED, eddy_await(waiting));
    ASSERT_STR_EQ(eddy_last_error()->message, "the page was closed");
}

static int shows_reason(void *unused) {
    (void)unused;
    int r = eddy_sleep(9);
    note("%s", eddy_last_error()->message);
    return r;
}

TASK_TEST(the_cancelled_task_itself_reads_the_reason) {
    eddy_task *task = eddy_create_task(shows_reason, NULL);

    ASSERT_OK(eddy_yield());
    eddy_cancel_with(task, "enough");
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(noted(), "enough");
}

static int awaits_sleeper(void *arg) {
    return eddy_await(eddy_create_task(sleeper, arg));
}

TASK_TEST(the_reason_is_passed_on_with_the_cancel) {
    struct actor child = {.seconds = 9};
    eddy_task *task = eddy_create_task(awaits_sleeper, &child);

    ASSERT_OK(eddy_sleep(1));
    eddy_cancel_with(task, "the server stops");
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_STR_EQ(eddy_last_error()->message, "the server stops");
}

static int outlives_a_reason(void *unused) {
    eddy_timeout timeout;

    (void)unused;
    ASSERT_CODE(-ECANCELED, eddy_sleep(9));
    ASSERT_STR_EQ(eddy_last_error()->message, "old reason");
    eddy_uncancel();
    eddy_timeout_begin(&timeout, 1);
    ASSERT_CODE(-ECANCELED, eddy_sleep(9));
    note("%s", eddy_last_error()->message);
    return eddy_timeout_end(&timeout, 0);
}

TASK_TEST(a_reason_that_was_taken_back_is_not_shown_for_a_later_time_out) {
    eddy_task *task = eddy_create_task(outlives_a_reason, NULL);

    ASSERT_OK(eddy_yield());
    eddy_cancel_with(task, "old reason");
    ASSERT_OK(eddy_await(task));
    ASSERT_STR_EQ(noted(), eddy_error_text(-ECANCELED));
}

/* --- tasks that do not listen ----------------------------------------------------------------- */

static int insists(void *arg) {
    int calls = *(int *)arg;

    ASSERT_CODE(-ECANCELED, eddy_sleep(9));
    for (int i = 0; i < calls; i++)
        ASSERT_CODE(-ECANCELED, eddy_sleep(1));
    return 0;
}

TASK_TEST(a_task_that_is_refused_1000_times_in_a_row_is_reported_by_name_and_place) {
    int calls = 1000;
    eddy_task *task = eddy_create_task(insists, &calls);

    cancel_later(1, task);
    ASSERT_OK(eddy_await(task));
    const char *text = reports();
    ASSERT_STR_CONTAINS(text, "task \"insists\"");
    ASSERT_STR_CONTAINS(text, "test_cancel.c:");
    ASSERT_STR_CONTAINS(text, "1000");
    ASSERT_PTR_EQ(strstr(strstr(text, "insists") + 1, "insists"), NULL); /* once */
}

TASK_TEST(a_task_that_is_refused_999_times_is_not_reported) {
    int calls = 999;
    eddy_task *task = eddy_create_task(insists, &calls);

    cancel_later(1, task);
    ASSERT_OK(eddy_await(task));
    ASSERT_STR_EQ(reports(), "");
}

TASK_TEST(a_call_that_succeeds_ends_a_row_of_refusals) {
    for (int round = 0; round < 3; round++) {
        eddy_cancel(eddy_current_task());
        for (int i = 0; i < 900; i++)
            ASSERT_CODE(-ECANCELED, eddy_yield());
        eddy_uncancel();
        ASSERT_OK(eddy_yield());
    }
    ASSERT_STR_EQ(reports(), "");
}

static int insists_on_awaiting(void *unused) {
    (void)unused;
    eddy_cancel(eddy_current_task());
    for (int i = 0; i < 1100; i++)
        ASSERT_CODE(-ECANCELED, eddy_await(RETURNER(1)));
    return 0;
}

TASK_TEST(refused_awaits_of_new_tasks_are_counted_and_reported_too) {
    ASSERT_OK(eddy_await(eddy_create_task(insists_on_awaiting, NULL)));
    ASSERT_STR_CONTAINS(reports(), "task \"insists_on_awaiting\"");
}

/* --- from elsewhere --------------------------------------------------------------------------- */

TASK_TEST(a_callback_may_cancel_a_task) {
    eddy_task *task = SLEEPER(.seconds = 100);

    cancel_later(3, task);
    ASSERT_CODE(-ECANCELED, eddy_await(task));
    ASSERT_INT_EQ(milliseconds(), 3000);
}

static int cancels_its_parent(void *parent) {
    ASSERT(eddy_cancel(parent));
    return 4;
}

TASK_TEST(a_child_may_cancel_the_parent_that_awaits_it) {
    eddy_task *me = eddy_current_task();

    ASSERT_INT_EQ(eddy_await(eddy_create_task(cancels_its_parent, me)), 4);
    ASSERT_INT_EQ(eddy_uncancel(), 0);
}

static int cancels_parent_and_goes_on(void *parent) {
    ASSERT(eddy_cancel(parent)); /* which is passed on to this task, as it runs */
    ASSERT_INT_EQ(eddy_cancelling(), 1);
    return eddy_sleep(1);
}

TASK_TEST(a_child_that_cancels_its_parent_is_cancelled_through_it) {
    eddy_task *me = eddy_current_task();

    ASSERT_CODE(-ECANCELED, eddy_await(eddy_create_task(cancels_parent_and_goes_on, me)));
    ASSERT_INT_EQ(eddy_uncancel(), 0);
}
