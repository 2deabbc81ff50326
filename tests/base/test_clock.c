/* SPDX-License-Identifier: MIT
 * test_clock.c - seconds as users write them, nanoseconds as the loop counts them. */
#include "clock.h"

#include <float.h>

#include "test.h"

TEST(whole_and_fractional_seconds_become_nanoseconds) {
    ASSERT_INT_EQ(ns_from_seconds(1), NS_PER_SECOND);
    ASSERT_INT_EQ(ns_from_seconds(0.001), NS_PER_MS);
    ASSERT_INT_EQ(ns_from_seconds(0.1), 100 * NS_PER_MS);
    ASSERT_INT_EQ(ns_from_seconds(86400.5), 86400 * NS_PER_SECOND + 500 * NS_PER_MS);
}

TEST(a_part_of_a_nanosecond_is_rounded_up_so_that_no_wait_is_too_short) {
    ASSERT_INT_EQ(ns_from_seconds(1e-10), 1);
    ASSERT_INT_EQ(ns_from_seconds(1.5e-9), 2);
    ASSERT_INT_EQ(ns_from_seconds(DBL_MIN), 1);
}

TEST(negative_seconds_and_not_a_number_are_no_time_at_all) {
    ASSERT_INT_EQ(ns_from_seconds(0), 0);
    ASSERT_INT_EQ(ns_from_seconds(-0.0), 0);
    ASSERT_INT_EQ(ns_from_seconds(-1), 0);
    ASSERT_INT_EQ(ns_from_seconds(-INFINITY), 0);
    ASSERT_INT_EQ(ns_from_seconds(NAN), 0);
}

TEST(infinity_and_what_is_too_far_never_come) {
    ASSERT_INT_EQ(ns_from_seconds(INFINITY), NS_NEVER);
    ASSERT_INT_EQ(ns_from_seconds(DBL_MAX), NS_NEVER);
    ASSERT_INT_EQ(ns_from_seconds(9.3e9), NS_NEVER);
}

TEST(two_centuries_still_have_their_nanoseconds) {
    double seconds = 200 * 365.25 * 86400;
    ASSERT_INT_EQ(ns_from_seconds(seconds), 6311520000 * NS_PER_SECOND);
}

TEST(never_is_infinitely_many_seconds) {
    ASSERT(seconds_from_ns(NS_NEVER) == INFINITY);
    ASSERT(seconds_from_ns(0) == 0);
    ASSERT(seconds_from_ns(1500 * NS_PER_MS) == 1.5);
}

TEST(adding_stops_at_never) {
    ASSERT_INT_EQ(ns_add(2, 3), 5);
    ASSERT_INT_EQ(ns_add(NS_NEVER, 1), NS_NEVER);
    ASSERT_INT_EQ(ns_add(1, NS_NEVER), NS_NEVER);
    ASSERT_INT_EQ(ns_add(NS_NEVER - 1, 1), NS_NEVER);
    ASSERT_INT_EQ(ns_add(NS_NEVER, NS_NEVER), NS_NEVER);
}
