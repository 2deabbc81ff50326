/* SPDX-License-Identifier: MIT
 * test_table.c - what a cancel promises, of every suspending call there is. The table: row.h. */
#include "row.h"

static const struct row *const tables[] = {TABLES NULL};

TEST(a_cancelled_task_is_refused_by_every_call_at_once_and_without_effect) {
    walk_all(walk_refused, tables);
}

TEST(a_cancel_ends_every_call_that_waits_and_nothing_is_lost) {
    walk_all(walk_while_it_waits, tables);
}

TEST(a_cancel_in_the_turn_of_the_completion_comes_too_late_or_has_no_effect) {
    walk_all(walk_completed_then_cancelled, tables);
}

TEST(a_completion_in_the_turn_of_the_cancel_is_for_the_next) {
    walk_all(walk_cancelled_then_completed, tables);
}

TEST(a_time_out_in_the_instant_of_the_completion_loses_nothing) {
    walk_all(walk_timed_out_meanwhile, tables);
}

TEST(behind_a_shield_every_call_goes_on_to_its_end) {
    walk_all(walk_shielded, tables);
}

TEST(two_cancels_end_every_call_once) {
    walk_all(walk_cancelled_twice, tables);
}

TEST(what_a_cancelled_waiter_does_not_get_the_next_one_gets) {
    walk_all(walk_two_wait, tables);
}
