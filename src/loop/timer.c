/* SPDX-License-Identifier: MIT
 * timer.c - the wheel: eight levels of 64 slots; a level's slot spans all slots of the level below.
 *
 * A timer lies on the level of the highest 6-bit digit in which its tick differs from the wheel's.
 * So all timers of a level are later than all timers of the levels below, and when the wheel's time
 * enters a slot of a higher level, that slot's timers move down. */
#include "timer.h"

#include <assert.h>
#include <stddef.h>

#include "util.h"

#define TICK_BITS  16
#define DIGIT_BITS 6

static uint64_t tick_of(int64_t ns) {
    return (uint64_t)ns >> TICK_BITS;
}

static unsigned digit_of(uint64_t tick, unsigned level) {
    return tick >> (level * DIGIT_BITS) & (WHEEL_SLOTS - 1);
}

static struct eddy__timer *timer_of(struct list_node *node) {
    return container_of(node, struct eddy__timer, node);
}

static bool timer_before(const struct eddy__timer *a, const struct eddy__timer *b) {
    return a->deadline_ns != b->deadline_ns ? a->deadline_ns < b->deadline_ns
                                            : a->sequence < b->sequence;
}

void eddy__wheel_init(struct eddy__wheel *wheel, int64_t now_ns) {
    *wheel = (struct eddy__wheel){.now_ns = now_ns};
    for (unsigned level = 0; level < WHEEL_LEVELS; level++)
        for (unsigned digit = 0; digit < WHEEL_SLOTS; digit++)
            list_init(&wheel->slots[level][digit]);
}

static void wheel_insert(struct eddy__wheel *wheel, struct eddy__timer *timer) {
    uint64_t now = tick_of(wheel->now_ns), tick = MAX(tick_of(timer->deadline_ns), now);
    unsigned level = tick == now ? 0 : (63 - (unsigned)__builtin_clzll(tick ^ now)) / DIGIT_BITS;
    unsigned digit = digit_of(tick, level);
    bool was_empty = !(wheel->occupied[level] >> digit & 1);

    timer->slot = (uint16_t)(level * WHEEL_SLOTS + digit + 1);
    list_append(&wheel->slots[level][digit], &timer->node);
    wheel->occupied[level] |= 1ULL << digit;
    if (was_empty || timer->deadline_ns < wheel->earliest_ns[level][digit])
        wheel->earliest_ns[level][digit] = timer->deadline_ns;
}

void eddy__wheel_arm(struct eddy__wheel *wheel, struct eddy__timer *timer, int64_t deadline_ns) {
    assert(!timer->armed);
    timer->deadline_ns = deadline_ns;
    timer->sequence = ++wheel->sequence;
    timer->armed = true;
    wheel->count++;
    wheel_insert(wheel, timer);
}

/* Out of the wheel; its slot's bit goes with the last. The list being fired has no slot. */
static void wheel_remove(struct eddy__wheel *wheel, struct eddy__timer *timer) {
    list_remove(&timer->node);
    if (timer->slot) {
        unsigned level = (timer->slot - 1u) / WHEEL_SLOTS, digit = (timer->slot - 1u) % WHEEL_SLOTS;
        if (list_is_empty(&wheel->slots[level][digit]))
            wheel->occupied[level] &= ~(1ULL << digit);
        timer->slot = 0;
    }
}

void eddy__wheel_disarm(struct eddy__wheel *wheel, struct eddy__timer *timer) {
    if (!timer->armed)
        return;
    wheel_remove(wheel, timer);
    timer->armed = false;
    wheel->count--;
}

int64_t eddy__wheel_next(const struct eddy__wheel *wheel) {
    if (wheel->count == 0)
        return NS_NEVER;

    for (unsigned level = 0; level < WHEEL_LEVELS; level++)
        if (wheel->occupied[level])
            return wheel->earliest_ns[level][__builtin_ctzll(wheel->occupied[level])];
    return wheel->now_ns; /* they are in the list that is being fired */
}

/* A slot's timers, taken out of it. */
static void wheel_empty_slot(struct eddy__wheel *wheel, unsigned level, unsigned digit,
                             struct list_node *out) {
    list_splice(out, &wheel->slots[level][digit]);
    wheel->occupied[level] &= ~(1ULL << digit);
}

/* Into its place in a sorted list. Timers come nearly sorted, so the search starts at the end. */
static void due_insert(struct list_node *due, struct eddy__timer *timer) {
    struct list_node *place = due->prev;

    while (place != due && timer_before(timer, timer_of(place)))
        place = place->prev;
    list_add_before(place->next, &timer->node);
}

/* Sorts by merging lists of doubling size: stable, in place, n log n however bad the order. */
static void list_merge(struct list_node *into, struct list_node *from) {
    struct list_node *place = into->next;

    while (!list_is_empty(from)) {
        struct eddy__timer *first = timer_of(from->next);
        while (place != into && !timer_before(first, timer_of(place)))
            place = place->next;
        list_remove(&first->node);
        list_add_before(place, &first->node);
    }
}

static void list_sort(struct list_node *list) {
    struct list_node runs[32], *node;
    unsigned used = 0;

    while ((node = list_take_first(list))) {
        struct list_node run;
        unsigned i = 0;

        list_init(&run);
        list_append(&run, node);
        for (; i < used && !list_is_empty(&runs[i]); i++) {
            list_merge(&runs[i], &run); /* runs[i] is the older: equal ones stay in order */
            list_init(&run);
            list_splice(&run, &runs[i]);
        }
        if (i == used)
            list_init(&runs[used++]);
        list_splice(&runs[i], &run);
    }
    for (unsigned i = 0; i < used; i++) {
        list_merge(&runs[i], list);
        list_splice(list, &runs[i]);
    }
}

static bool list_is_short(const struct list_node *list) {
    const struct list_node *node = list->next;

    for (int i = 0; i < 8; i++, node = node->next)
        if (node == list)
            return true;
    return false;
}

/* Moves what is due out of one slot of level 0 into `due`, in order; the rest stays. */
static void wheel_collect(struct eddy__wheel *wheel, unsigned digit, int64_t now_ns,
                          struct list_node *due) {
    struct list_node timers, *node, later;

    list_init(&timers);
    list_init(&later);
    wheel_empty_slot(wheel, 0, digit, &timers);
    if (!list_is_short(&timers))
        list_sort(&timers);

    while ((node = list_take_first(&timers))) {
        struct eddy__timer *timer = timer_of(node);
        timer->slot = 0;
        if (timer->deadline_ns <= now_ns)
            due_insert(due, timer);
        else
            list_append(&later, node);
    }
    while ((node = list_take_first(&later)))
        wheel_insert(wheel, timer_of(node));
}

/* The wheel's time enters the first occupied slot of the first level that has one: up to `tick`. */
static void wheel_enter(struct eddy__wheel *wheel, unsigned level, unsigned digit) {
    uint64_t below = (1ULL << (level * DIGIT_BITS)) - 1;
    uint64_t tick = tick_of(wheel->now_ns);
    struct list_node timers, *node;

    tick = (tick & ~(below | (uint64_t)(WHEEL_SLOTS - 1) << (level * DIGIT_BITS))) |
           (uint64_t)digit << (level * DIGIT_BITS);
    wheel->now_ns = MAX(wheel->now_ns, (int64_t)(tick << TICK_BITS));
    list_init(&timers);
    wheel_empty_slot(wheel, level, digit, &timers);
    while ((node = list_take_first(&timers)))
        wheel_insert(wheel, timer_of(node));
}

/* The start of a slot in ticks. */
static uint64_t slot_tick(const struct eddy__wheel *wheel, unsigned level, unsigned digit) {
    uint64_t span = 1ULL << (level * DIGIT_BITS);
    uint64_t base = tick_of(wheel->now_ns) & ~(span * WHEEL_SLOTS - 1);

    return base + digit * span;
}

/* Collects what is due, slot by slot, moving higher slots down as time enters them. */
static void wheel_advance(struct eddy__wheel *wheel, int64_t now_ns, struct list_node *due) {
    for (unsigned level = 0; level < WHEEL_LEVELS;) {
        if (!wheel->occupied[level]) {
            level++;
            continue;
        }
        unsigned digit = (unsigned)__builtin_ctzll(wheel->occupied[level]);
        if (slot_tick(wheel, level, digit) > tick_of(now_ns))
            break;
        if (level > 0) {
            wheel_enter(wheel, level, digit);
            level = 0;
            continue;
        }
        wheel->now_ns = MAX(wheel->now_ns, (int64_t)(slot_tick(wheel, 0, digit) << TICK_BITS));
        wheel_collect(wheel, digit, now_ns, due);
        if (wheel->occupied[0] >> digit & 1)
            break; /* what is left in the current tick is not due yet */
    }
    wheel->now_ns = MAX(wheel->now_ns, now_ns);
}

void eddy__wheel_fire(struct eddy__wheel *wheel, int64_t now_ns) {
    struct list_node due, *node;

    if (eddy__wheel_next(wheel) > now_ns) {
        return;
    }
    list_init(&due);
    wheel_advance(wheel, now_ns, &due);
    while (!list_is_empty(&due)) {
        node = due.next;
        eddy__wheel_disarm(wheel, timer_of(node)); /* before, so that it may be armed again */
        timer_of(node)->fire(timer_of(node));
    }
}

void eddy__wheel_drop(struct eddy__wheel *wheel) {
    for (unsigned i = 0; i < WHEEL_LEVELS * WHEEL_SLOTS; i++) {
        struct list_node *slot = &wheel->slots[i / WHEEL_SLOTS][i % WHEEL_SLOTS];
        while (!list_is_empty(slot)) {
            struct eddy__timer *timer = timer_of(slot->next);
            eddy__wheel_disarm(wheel, timer);
            if (timer->drop)
                timer->drop(timer);
        }
    }
}
