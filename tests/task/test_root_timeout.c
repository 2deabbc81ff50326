/* SPDX-License-Identifier: MIT
 * test_root_timeout.c - time-outs outside any task: they go along when the root changes loops, and
 * begin also where there is no memory for one. */
#include "../base/scarce.h"
#include "virtual.h"

static eddy_task *task_of(eddy_loop *loop, eddy_fn *fn, void *arg) {
    return eddy_create_task_with(&(eddy_task_options){.loop = loop}, fn, arg);
}

/* --- from loop to loop ------------------------------------------------------------------------ */

TEST(a_time_out_of_the_root_goes_on_while_it_changes_loops) {
    eddy_loop *one = virtual_loop(), *two = virtual_loop();
    struct actor first = {.name = "first", .seconds = 300},
                 second = {.name = "second", .seconds = 300};
    eddy_timeout timeout, outer;

    eddy_timeout_begin(&outer, 10000);
    eddy_timeout_begin(&timeout, 500);
    ASSERT_OK(eddy_await(task_of(one, sleeper, &first)));
    int r = eddy_await(task_of(two, sleeper, &second));
    ASSERT_STR_EQ(noted(), "first second!");
    ASSERT_CODE(-ECANCELED, eddy_await(task_of(one, noter, "ran"))); /* expired on every loop */
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, r));
    ASSERT_OK(eddy_await(task_of(one, sleeper, &first)));
    ASSERT_INT_EQ(eddy_timeout_end(&outer, 0), 0);
    virtual_close(one);
    virtual_close(two);
}

TEST(a_time_out_of_the_root_outlives_the_loop_that_it_was_on) {
    const double seconds[] = {INFINITY, 1000};

    for (int i = 0; i < 2; i++) {
        eddy_loop *loop = virtual_loop();
        eddy_timeout timeout;

        eddy_timeout_begin(&timeout, seconds[i]);
        ASSERT_INT_EQ(eddy_await(task_of(loop, returner, &(int){1})), 1);
        virtual_close(loop);
        eddy_timeout_reschedule(&timeout, 0.0001);
        ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, eddy_sleep(1000)));
    }
}

TEST(a_time_out_of_the_root_may_end_after_the_loop_that_it_was_on) {
    const double seconds[] = {INFINITY, 1000, 0};

    for (int i = 0; i < 3; i++) {
        eddy_loop *loop = virtual_loop();
        eddy_timeout timeout;

        eddy_timeout_begin(&timeout, seconds[i]);
        eddy_await(task_of(loop, returner, &(int){1}));
        virtual_close(loop);
        ASSERT_INT_EQ(eddy_timeout_end(&timeout, 5), 5);
    }
    ASSERT_OK(eddy_yield());
}

TEST(a_time_out_of_the_root_keeps_its_rest_when_its_loop_is_closed) {
    eddy_loop *loop = virtual_loop();
    struct actor hour = {.seconds = 3600};
    eddy_timeout timeout;

    eddy_timeout_begin(&timeout, 5000);
    ASSERT_OK(eddy_await(task_of(loop, sleeper, &hour)));
    virtual_close(loop);
    loop = virtual_loop();
    ASSERT_OK(eddy_sleep(0.0001)); /* on the default loop, whose clock is another */
    ASSERT_CODE(-ECANCELED, eddy_await(task_of(loop, sleeper, &hour)));
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&timeout, -ECANCELED));
    virtual_close(loop);
}

/* --- no memory for a loop --------------------------------------------------------------------- */

TEST(a_time_out_begins_without_memory_and_the_calls_inside_say_so) {
    eddy_timeout timeout, expired;
    eddy_shield_scope shield;

    scarce_begin();
    scarce_left = 0;
    eddy_timeout_begin(&timeout, 1000);
    ASSERT_CODE(-ENOMEM, eddy_sleep(1));
    eddy_shield_begin(&shield);
    ASSERT_CODE(-ENOMEM, eddy_yield());
    eddy_shield_end(&shield);
    ASSERT_CODE(-ENOMEM, eddy_timeout_end(&timeout, -ENOMEM));
    eddy_timeout_begin(&expired, 0);
    ASSERT(eddy_timeout_expired(&expired));
    ASSERT_INT_EQ(eddy_timeout_end(&expired, 3), 3);
    scarce_left = INT_MAX;
    ASSERT_OK(eddy_yield());
}

TEST(a_time_out_that_began_without_memory_is_in_force_when_there_is_some) {
    eddy_timeout outer, inner, rescheduled;

    scarce_begin();
    scarce_left = 0;
    eddy_timeout_begin(&outer, 1000);
    eddy_timeout_begin(&inner, 0.001);
    eddy_timeout_begin(&rescheduled, INFINITY);
    eddy_timeout_reschedule(&rescheduled, 500);
    eddy_timeout_reschedule_at(&rescheduled, eddy_time() + 0.002);
    scarce_left = INT_MAX;
    ASSERT_CODE(-ECANCELED, eddy_sleep(100));
    ASSERT(eddy_timeout_expired(&inner));
    ASSERT_CODE(-ECANCELED, eddy_timeout_end(&rescheduled, -ECANCELED));
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&inner, -ECANCELED));
    ASSERT_OK(eddy_sleep(0.0001));
    ASSERT(!eddy_timeout_expired(&outer));
    ASSERT_OK(eddy_timeout_end(&outer, 0));
}

TEST(a_time_out_that_began_without_memory_goes_on_with_the_loop_that_is_awaited) {
    struct actor hour = {.seconds = 3600};
    eddy_timeout outer, inner;

    scarce_begin();
    eddy_loop *loop = virtual_loop();
    ASSERT_INT_EQ(eddy_await(task_of(loop, returner, &(int){4})), 4);
    eddy_task *slow = task_of(loop, sleeper, &hour);
    scarce_left = 0;
    eddy_timeout_begin(&outer, 1000); /* there is no default loop */
    eddy_timeout_begin(&inner, 2000);
    scarce_left = INT_MAX;
    ASSERT_CODE(-ECANCELED, eddy_await(slow));
    ASSERT(!eddy_timeout_expired(&inner));
    ASSERT_CODE(-ECANCELED, eddy_timeout_end(&inner, -ECANCELED));
    ASSERT_CODE(-ETIMEDOUT, eddy_timeout_end(&outer, -ECANCELED));
    virtual_close(loop);
}
