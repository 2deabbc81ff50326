/* SPDX-License-Identifier: MIT
 * test_timer.c - the timing wheel alone, without a loop: exact order, at any distance. */
#include "timer.h"

#include <stdio.h>
#include <string.h>

#include "test.h"
#include "util.h"

enum { TIMERS = 200 };

struct entry {
    struct eddy__timer timer;
    int number;
};

/* A wheel, its timers, and the numbers of those that fired, in order. */
static struct {
    struct eddy__wheel wheel;
    struct entry entries[TIMERS];
    int fired[100000], fired_count, dropped_count;
} box;

static void record(struct eddy__timer *timer) {
    ASSERT(!eddy__timer_is_armed(timer));
    box.fired[box.fired_count++] = container_of(timer, struct entry, timer)->number;
}

static void record_drop(struct eddy__timer *timer) {
    ASSERT(!eddy__timer_is_armed(timer));
    box.dropped_count++;
}

static void begin(int64_t now_ns) {
    eddy__wheel_init(&box.wheel, now_ns);
    for (int i = 0; i < TIMERS; i++)
        box.entries[i] =
            (struct entry){.timer = {.fire = record, .drop = record_drop}, .number = i};
    box.fired_count = box.dropped_count = 0;
}

static void arm(int number, int64_t deadline_ns) {
    eddy__wheel_arm(&box.wheel, &box.entries[number].timer, deadline_ns);
}

static void disarm(int number) {
    eddy__wheel_disarm(&box.wheel, &box.entries[number].timer);
}

static void fire(int64_t now_ns) {
    eddy__wheel_fire(&box.wheel, now_ns);
}

/* What has fired since the last time, "3 1 2". */
static const char *fired(void) {
    static char text[4000];
    size_t length = 0;

    text[0] = '\0';
    for (int i = 0; i < box.fired_count; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%d", i ? " " : "",
                                   box.fired[i]);
    box.fired_count = 0;
    return text;
}

/* --- order ------------------------------------------------------------------------------------ */

TEST(nothing_is_due_in_an_empty_wheel) {
    begin(0);
    fire(INT64_MAX);

    ASSERT_INT_EQ(eddy__wheel_next(&box.wheel), NS_NEVER);
    ASSERT_STR_EQ(fired(), "");
}

TEST(timers_fire_in_the_order_of_their_deadlines) {
    begin(0);
    arm(1, 30);
    arm(2, 10);
    arm(3, 20);
    fire(30);

    ASSERT_STR_EQ(fired(), "2 3 1");
}

TEST(timers_with_equal_deadlines_fire_in_arming_order) {
    begin(0);
    for (int i = 0; i < 5; i++)
        arm(i, 5 * NS_PER_MS);
    fire(5 * NS_PER_MS);

    ASSERT_STR_EQ(fired(), "0 1 2 3 4");
}

TEST(a_timer_armed_from_afar_fires_before_one_armed_near_to_the_same_deadline) {
    int64_t deadline = 3600 * NS_PER_SECOND;
    begin(0);
    arm(1, deadline); /* on a high level */
    arm(2, deadline - NS_PER_SECOND);
    fire(deadline - NS_PER_SECOND);
    arm(3, deadline); /* on a low one */
    fire(deadline);

    ASSERT_STR_EQ(fired(), "2 1 3");
}

TEST(a_timer_fires_neither_early_nor_twice) {
    begin(0);
    arm(1, 100);
    fire(99);
    ASSERT_STR_EQ(fired(), "");
    fire(100);
    ASSERT_STR_EQ(fired(), "1");
    fire(200);
    ASSERT_STR_EQ(fired(), "");
}

TEST(deadlines_one_nanosecond_apart_are_told_apart) {
    begin(0);
    arm(1, 1000001);
    arm(2, 1000000);
    fire(1000000);
    ASSERT_STR_EQ(fired(), "2");
    fire(1000001);
    ASSERT_STR_EQ(fired(), "1");
}

TEST(a_deadline_that_has_passed_is_due_with_the_next_call) {
    begin(1000 * NS_PER_SECOND);
    arm(1, 5);
    arm(2, 1000 * NS_PER_SECOND);
    arm(3, 0);
    ASSERT(eddy__wheel_next(&box.wheel) <= 1000 * NS_PER_SECOND);
    fire(1000 * NS_PER_SECOND);

    ASSERT_STR_EQ(fired(), "3 1 2");
}

TEST(a_slot_full_of_deadlines_in_reverse_is_sorted) {
    begin(0);
    for (int i = 0; i < TIMERS; i++)
        arm(i, 50000 - i / 2 * 10); /* pairs of equal ones, all within one slot */
    fire(50000);

    ASSERT_INT_EQ(box.fired_count, TIMERS);
    for (int i = 0; i < TIMERS; i++)
        ASSERT_INT_EQ(box.fired[i], (TIMERS / 2 - 1 - i / 2) * 2 + i % 2);
}

TEST(a_slot_that_is_due_in_part_keeps_the_rest_in_order) {
    begin(0);
    arm(1, 500);
    arm(2, 100);
    arm(3, 300);
    arm(4, 300);
    fire(200);
    ASSERT_STR_EQ(fired(), "2");
    ASSERT_INT_EQ(eddy__wheel_next(&box.wheel), 300);
    arm(5, 400); /* into its place */
    arm(6, 300);
    fire(400);
    ASSERT_STR_EQ(fired(), "3 4 6 5");
    fire(500);
    ASSERT_STR_EQ(fired(), "1");
}

/* Late ones share the slot of the present with deadlines of now: one is ages before the other. */
TEST(late_deadlines_of_any_age_fire_in_order) {
    const int64_t now = 1LL << 61;
    begin(now);
    for (int i = 0; i < TIMERS; i++) /* 2^0, 2^60, 2^1, 2^59, ... again and again, then equal */
        arm(i, i % 2 ? 1LL << (60 - i / 2 % 61) : 1LL << (i / 2 % 61));
    fire(now);

    ASSERT_INT_EQ(box.fired_count, TIMERS);
    for (int i = 1; i < TIMERS; i++) {
        int64_t before = box.entries[box.fired[i - 1]].timer.deadline_ns;
        int64_t after = box.entries[box.fired[i]].timer.deadline_ns;
        ASSERT(before < after || (before == after && box.fired[i - 1] < box.fired[i]));
    }
}

TEST(a_deadline_two_centuries_away_fires_exactly_then) {
    int64_t deadline = 200LL * 365 * 86400 * NS_PER_SECOND;
    begin(NS_PER_SECOND);
    arm(1, deadline);
    arm(2, deadline - 1);
    fire(deadline - 1);
    ASSERT_STR_EQ(fired(), "2");
    fire(deadline);
    ASSERT_STR_EQ(fired(), "1");
}

TEST(a_timer_that_is_never_due_is_never_waited_for) {
    begin(0);
    arm(1, NS_NEVER);
    ASSERT_INT_EQ(eddy__wheel_next(&box.wheel), NS_NEVER);
    fire(NS_NEVER - 1);

    ASSERT_STR_EQ(fired(), "");
}

/* --- while they fire -------------------------------------------------------------------------- */

static void arm_one_and_two(struct eddy__timer *timer) {
    record(timer);
    arm(1, 0);
    arm(2, 10);
}

TEST(timers_armed_while_others_fire_wait_for_the_next_call) {
    begin(0);
    box.entries[0].timer.fire = arm_one_and_two;
    arm(0, 10);
    fire(10);
    ASSERT_STR_EQ(fired(), "0");
    ASSERT(eddy__wheel_next(&box.wheel) <= 10);
    fire(10);
    ASSERT_STR_EQ(fired(), "1 2");
}

static void arm_from_a_slot_of_the_past(struct eddy__timer *timer) {
    record(timer);
    arm(3, NS_PER_MS);            /* late already */
    arm(4, 7 * NS_PER_MS);        /* due, in a slot that comes between 0 and 1 */
    arm(5, 9 * NS_PER_MS + 1);    /* not due by a nanosecond */
    arm(6, 3600 * NS_PER_SECOND); /* far away from here */
}

TEST(timers_armed_in_between_wait_wherever_in_the_wheel_they_belong) {
    begin(0);
    box.entries[0].timer.fire = arm_from_a_slot_of_the_past;
    arm(0, 5 * NS_PER_MS);
    arm(1, 8 * NS_PER_MS);
    arm(2, 3600 * NS_PER_SECOND);
    fire(9 * NS_PER_MS);
    ASSERT_STR_EQ(fired(), "0 1");
    ASSERT(eddy__wheel_next(&box.wheel) <= NS_PER_MS);
    fire(9 * NS_PER_MS);
    ASSERT_STR_EQ(fired(), "3 4");
    fire(9 * NS_PER_MS + 1);
    ASSERT_STR_EQ(fired(), "5");
    fire(3600 * NS_PER_SECOND);
    ASSERT_STR_EQ(fired(), "2 6");
}

static void disarm_three(struct eddy__timer *timer) {
    record(timer);
    disarm(3);
    ASSERT(eddy__wheel_next(&box.wheel) <= 9 * NS_PER_MS); /* for 4, not for 5 */
}

TEST(a_timer_that_waits_for_the_next_call_may_be_disarmed_before) {
    begin(0);
    box.entries[0].timer.fire = arm_from_a_slot_of_the_past;
    box.entries[1].timer.fire = disarm_three;
    arm(0, 5 * NS_PER_MS);
    arm(1, 8 * NS_PER_MS);
    fire(9 * NS_PER_MS);
    disarm(4);
    disarm(6);
    fire(10 * NS_PER_MS);

    ASSERT_STR_EQ(fired(), "0 1 5");
    ASSERT_UINT_EQ(box.wheel.count, 0);
}

static void arm_itself(struct eddy__timer *timer) {
    record(timer);
    eddy__wheel_arm(&box.wheel, timer, timer->deadline_ns + 10);
}

TEST(a_timer_that_fires_may_arm_itself_again) {
    begin(0);
    box.entries[0].timer.fire = arm_itself;
    arm(0, 10);
    for (int64_t now = 0; now <= 35; now++)
        fire(now);
    ASSERT_INT_EQ(box.fired_count, 3);

    fire(1000); /* it is far behind: still one at a time */
    ASSERT_INT_EQ(box.fired_count, 4);
}

static void disarm_neighbours(struct eddy__timer *timer) {
    record(timer);
    disarm(1);
    disarm(3);
    disarm(4);
}

TEST(a_timer_that_fires_may_disarm_its_neighbours) {
    begin(0);
    box.entries[0].timer.fire = disarm_neighbours;
    arm(0, 10);
    arm(1, 10); /* about to fire */
    arm(2, 11);
    arm(3, 12);
    arm(4, NS_PER_SECOND); /* still in the wheel */
    arm(5, 2 * NS_PER_SECOND);
    fire(2 * NS_PER_SECOND);
    ASSERT_STR_EQ(fired(), "0 2 5");
    ASSERT_UINT_EQ(box.wheel.count, 0);
}

static void move_neighbour(struct eddy__timer *timer) {
    record(timer);
    disarm(1);
    arm(1, 30);
}

TEST(a_timer_about_to_fire_may_be_moved_by_the_one_before) {
    begin(0);
    box.entries[0].timer.fire = move_neighbour;
    arm(0, 10);
    arm(1, 10);
    fire(20);
    ASSERT_STR_EQ(fired(), "0");
    fire(30);
    ASSERT_STR_EQ(fired(), "1");
}

/* --- disarming -------------------------------------------------------------------------------- */

TEST(disarming_what_is_not_armed_is_harmless) {
    struct eddy__timer never_armed = {0};
    begin(0);
    eddy__wheel_disarm(&box.wheel, &never_armed);
    arm(1, 10);
    fire(10);
    disarm(1);
    disarm(1);

    ASSERT_UINT_EQ(box.wheel.count, 0);
}

TEST(a_disarmed_timer_does_not_fire_and_can_be_armed_again) {
    begin(0);
    arm(1, 10);
    disarm(1);
    fire(10);
    ASSERT_STR_EQ(fired(), "");
    arm(1, 20);
    fire(20);
    ASSERT_STR_EQ(fired(), "1");
}

TEST(without_its_earliest_timer_the_wheel_still_reaches_the_next) {
    int64_t deadline = 3600 * NS_PER_SECOND;
    int calls = 0;
    begin(0);
    arm(1, deadline - NS_PER_SECOND);
    arm(2, deadline); /* in the same slot, on a high level */
    disarm(1);

    for (; box.wheel.count > 0; calls++)
        fire(eddy__wheel_next(&box.wheel));
    ASSERT_STR_EQ(fired(), "2");
    ASSERT(calls <= WHEEL_LEVELS);
}

TEST(dropping_tells_each_timer_that_may_be_told) {
    begin(0);
    for (int i = 0; i < TIMERS; i++)
        arm(i, (int64_t)i * i * i * NS_PER_SECOND);
    box.entries[7].timer.drop = NULL;
    eddy__wheel_drop(&box.wheel);

    ASSERT_INT_EQ(box.dropped_count, TIMERS - 1);
    ASSERT_UINT_EQ(box.wheel.count, 0);
    fire(NS_NEVER);
    ASSERT_STR_EQ(fired(), "");
}

/* --- any order, beside a model ---------------------------------------------------------------- */

/* The model: what is armed, searched from end to end. */
static struct {
    bool armed;
    int64_t deadline_ns;
    uint64_t sequence;
} model[TIMERS];

static uint64_t seed;
static uint64_t sequence_end; /* what was armed later waits for the next call */

static uint64_t random_bits(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

/* Mostly small, sometimes huge: each magnitude up to 2^50 ns, 13 days, is as likely. */
static int64_t random_distance(void) {
    return (int64_t)(random_bits() >> (14 + random_bits() % 50));
}

/* The armed timer that is due first, or -1. */
static int model_first(void) {
    int first = -1;

    for (int i = 0; i < TIMERS; i++)
        if (model[i].armed && model[i].sequence < sequence_end &&
            (first < 0 || model[i].deadline_ns < model[first].deadline_ns ||
             (model[i].deadline_ns == model[first].deadline_ns &&
              model[i].sequence < model[first].sequence)))
            first = i;
    return first;
}

static void arm_random(int number, int64_t now_ns, uint64_t sequence) {
    int other = (int)(random_bits() % TIMERS);
    int64_t deadline = now_ns + random_distance();

    if (random_bits() % 4 == 0) /* as another one has, or had */
        deadline = model[other].deadline_ns;
    arm(number, deadline);
    model[number].armed = true;
    model[number].deadline_ns = deadline;
    model[number].sequence = sequence;
}

/* Compares what has fired with what the model says, in order. */
static void check_fired(int64_t now_ns) {
    for (int i = 0; i < box.fired_count; i++) {
        int expected = model_first();
        ASSERT_INT_EQ(box.fired[i], expected);
        ASSERT(model[expected].deadline_ns <= now_ns);
        model[expected].armed = false;
    }
    box.fired_count = 0;
    int first = model_first();
    ASSERT(first < 0 || model[first].deadline_ns > now_ns);
}

static void check_next(void) {
    int first = model_first();

    if (first < 0)
        ASSERT_INT_EQ(eddy__wheel_next(&box.wheel), NS_NEVER);
    else
        ASSERT(eddy__wheel_next(&box.wheel) <= model[first].deadline_ns);
}

static int64_t random_step(int64_t now_ns, uint64_t sequence) {
    int number = (int)(random_bits() % TIMERS);

    if (random_bits() % 4 == 0) {
        int64_t next = eddy__wheel_next(&box.wheel);
        bool jumps = random_bits() % 2 && next != NS_NEVER && next > now_ns;
        now_ns = jumps ? next : now_ns + random_distance() / 4;
        fire(now_ns);
        check_fired(now_ns);
    } else if (!model[number].armed) {
        arm_random(number, now_ns, sequence);
    } else if (random_bits() % 2) {
        disarm(number);
        model[number].armed = false;
    }
    return now_ns;
}

static void begin_model(uint64_t round, int64_t now_ns) {
    seed = round * 0x9e3779b97f4a7c15;
    sequence_end = UINT64_MAX;
    memset(model, 0, sizeof(model));
    begin(now_ns);
}

TEST(any_order_of_calls_fires_as_a_simple_model_does) {
    for (uint64_t round = 1; round <= 10; round++) {
        int64_t now_ns = round % 2 ? 0 : (int64_t)(round * 1000003 * NS_PER_SECOND);
        begin_model(round, now_ns);
        for (uint64_t step = 0; step < 5000; step++) {
            now_ns = random_step(now_ns, step);
            check_next();
        }
    }
}

static int64_t firing_ns;
static uint64_t sequence;

/* One that fires arms and disarms others, among them some that are late and some that are due. */
static void fire_and_stir(struct eddy__timer *timer) {
    int number = container_of(timer, struct entry, timer)->number;

    ASSERT_INT_EQ(number, model_first());
    ASSERT(timer->deadline_ns <= firing_ns);
    model[number].armed = false;
    for (int i = 0; i < 3; i++) {
        int other = (int)(random_bits() % TIMERS);
        if (!model[other].armed)
            arm_random(other, random_bits() % 2 ? firing_ns : timer->deadline_ns, sequence++);
        else if (random_bits() % 2)
            disarm(other);
        model[other].armed = eddy__timer_is_armed(&box.entries[other].timer);
    }
}

static void fire_model(void) {
    int first;

    sequence_end = sequence;
    fire(firing_ns);
    first = model_first();
    ASSERT(first < 0 || model[first].deadline_ns > firing_ns);
    sequence_end = UINT64_MAX;
    check_next();
}

TEST(timers_that_arm_and_disarm_any_other_fire_as_in_the_model) {
    for (uint64_t round = 1; round <= 10; round++) {
        firing_ns = round % 2 ? 0 : (int64_t)(round * 1000003 * NS_PER_SECOND);
        begin_model(round, firing_ns);
        for (int i = 0; i < TIMERS; i++) {
            box.entries[i].timer.fire = fire_and_stir;
            arm_random(i, firing_ns, sequence++);
        }
        for (int step = 0; step < 500; step++) {
            firing_ns += random_distance() / 4;
            fire_model();
        }
    }
}
