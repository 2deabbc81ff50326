/* SPDX-License-Identifier: MIT
 * test_event.c - an event: set, cleared, waited for by many. */
#include "actors.h"

static int wait_event(void *event) {
    return eddy_event_wait(event);
}
static void set_event(void *event) {
    eddy_event_set(event);
}
static eddy_task *waiter_of(const char *name, eddy_event *event) {
    return call_of(name, wait_event, event, NULL, 0);
}

TASK_TEST(an_event_is_set_until_it_is_cleared) {
    static eddy_event zero;
    eddy_event event = EDDY_EVENT_INIT;

    eddy_event_init(&event);
    ASSERT(!eddy_event_is_set(&event) && !eddy_event_is_set(&zero));
    eddy_event_set(&event);
    eddy_event_set(&event);
    ASSERT(eddy_event_is_set(&event));
    eddy_event_clear(&event);
    ASSERT(!eddy_event_is_set(&event));
}

TASK_TEST(all_who_wait_go_on_in_their_order_when_it_is_set) {
    eddy_event event = EDDY_EVENT_INIT;
    eddy_task *a = waiter_of("a", &event), *b = waiter_of("b", &event), *c;

    yield_times(2);
    ASSERT_STR_EQ(noted(), "");
    c = waiter_of("c", &event);
    ASSERT_OK(eddy_yield());
    eddy_event_set(&event);
    ASSERT_OK(eddy_gather(c, b, a));
    ASSERT_STR_EQ(noted(), "a b c");
}

TASK_TEST(a_wait_for_a_set_event_does_not_suspend) {
    eddy_event event = EDDY_EVENT_INIT;
    eddy_task *other = eddy_create_task(noter, "other");

    eddy_event_set(&event);
    ASSERT_OK(eddy_event_wait(&event));
    ASSERT_STR_EQ(noted(), "");
    for (int i = 0; i < 1000; i++)
        ASSERT_OK(eddy_event_wait(&event));
    ASSERT_STR_EQ(noted(), "other"); /* now and then it does */
    ASSERT_OK(eddy_await(other));
}

TASK_TEST(who_waited_goes_on_although_the_event_is_cleared_at_once) {
    eddy_event event = EDDY_EVENT_INIT;
    eddy_task *a = waiter_of("a", &event);

    ASSERT_OK(eddy_yield());
    eddy_event_set(&event);
    eddy_event_clear(&event);
    eddy_task *b = waiter_of("b", &event);
    ASSERT_OK(eddy_await(a));
    yield_times(2);
    ASSERT_STR_EQ(noted(), "a");
    eddy_event_set(&event);
    ASSERT_OK(eddy_await(b));
}

TASK_TEST(to_clear_an_event_wakes_nobody) {
    eddy_event event = EDDY_EVENT_INIT;
    eddy_task *a = waiter_of("a", &event);

    ASSERT_OK(eddy_yield());
    eddy_event_clear(&event);
    yield_times(2);
    ASSERT(!eddy_is_done(a));
    eddy_event_set(&event);
    ASSERT_OK(eddy_await(a));
}

TASK_TEST(a_cancelled_waiter_leaves_the_others_waiting) {
    eddy_event event = EDDY_EVENT_INIT;
    eddy_task *a = waiter_of("a", &event), *b = waiter_of("b", &event), *c = waiter_of("c", &event);

    ASSERT_OK(eddy_yield());
    eddy_cancel(b);
    ASSERT_CANCELLED(b);
    eddy_event_set(&event);
    eddy_cancel(a); /* too late for this call */
    ASSERT_OK(eddy_gather(a, c));
    ASSERT_STR_EQ(noted(), "b! a c");
}

TASK_TEST(a_time_out_ends_the_wait_for_an_event) {
    eddy_event event = EDDY_EVENT_INIT;
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 5);
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_event_wait(&event)));
    ASSERT_INT_EQ(milliseconds(), 5000);
}

TASK_TEST(a_callback_cannot_wait_for_an_event_but_set_it) {
    eddy_event event = EDDY_EVENT_INIT;

    ASSERT_CODE(-EDEADLK, code_in_callback(wait_event, &event));
    eddy_call_later(NULL, 4, set_event, &event);
    ASSERT_OK(eddy_event_wait(&event));
    ASSERT_INT_EQ(milliseconds(), 4000);
}

TEST(outside_any_task_a_wait_for_an_event_runs_the_loop) {
    eddy_event event = EDDY_EVENT_INIT;

    eddy_call_soon(NULL, set_event, &event);
    ASSERT_OK(eddy_event_wait(&event));
}
