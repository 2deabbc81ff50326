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

#define TICK_BITS  WHEEL_TICK_BITS
#define DIGIT_BITS WHEEL_DIGIT_BITS
#define SHORT      16 /* timers that are sorted at once */

static uint64_t tick_of(int64_t ns) {
    return (uint64_t)ns >> TICK_BITS;
}

static unsigned bits_of(uint64_t number) {
    return number ? 64 - (unsigned)__builtin_clzll(number) : 0;
}

static struct eddy__timer *timer_of(struct list_node *node) {
    return container_of(node, struct eddy__timer, node);
}

static int64_t deadline_of(struct list_node *node) {
    return timer_of(node)->deadline_ns;
}

void eddy__wheel_init(struct eddy__wheel *wheel, int64_t now_ns) {
    *wheel = (struct eddy__wheel){.now_ns = now_ns, .firing_ns = INT64_MIN};
    list_init(&wheel->late);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++)
        for (unsigned digit = 0; digit < WHEEL_SLOTS; digit++)
            list_init(&wheel->slots[level][digit].timers);
}

/* --- in and out ------------------------------------------------------------------------------- */

static void wheel_insert(struct eddy__wheel *wheel, struct eddy__timer *timer) {
    unsigned index = eddy__wheel_slot(wheel, timer->deadline_ns), level = index / WHEEL_SLOTS;
    uint64_t bit = 1ULL << index % WHEEL_SLOTS;
    struct wheel_slot *slot = &wheel->slots[level][index % WHEEL_SLOTS];

    if (list_is_empty(&slot->timers)) {
        wheel->occupied[level] |= bit;
        wheel->unsorted[level] &= ~bit;
        slot->earliest_ns = timer->deadline_ns;
    } else if (timer->deadline_ns < deadline_of(slot->timers.prev)) {
        wheel->unsorted[level] |= bit;
        slot->earliest_ns = MIN(slot->earliest_ns, timer->deadline_ns);
    }
    list_append(&slot->timers, &timer->node);
}

void eddy__wheel_arm_slowly(struct eddy__wheel *wheel, struct eddy__timer *timer,
                            int64_t deadline_ns) {
    timer->deadline_ns = deadline_ns;
    wheel->count++;
    if (deadline_ns <= wheel->firing_ns)
        list_append(&wheel->late, &timer->node);
    else
        wheel_insert(wheel, timer);
}

/* It may be the list that is being fired, or those that are late. */
void eddy__wheel_emptied(struct eddy__wheel *wheel, const struct list_node *list) {
    size_t offset = (size_t)((const char *)list - (const char *)wheel->slots);
    unsigned index = (unsigned)(offset / sizeof(struct wheel_slot));

    if (offset < sizeof(wheel->slots))
        wheel->occupied[index / WHEEL_SLOTS] &= ~(1ULL << index % WHEEL_SLOTS);
}

int64_t eddy__wheel_next(const struct eddy__wheel *wheel) {
    if (wheel->count == 0)
        return NS_NEVER;
    if (!list_is_empty(&wheel->late))
        return wheel->now_ns;

    for (unsigned level = 0; level < WHEEL_LEVELS; level++)
        if (wheel->occupied[level])
            return wheel->slots[level][__builtin_ctzll(wheel->occupied[level])].earliest_ns;
    return wheel->now_ns; /* they are in the list that is being fired */
}

/* --- sorting ---------------------------------------------------------------------------------- */

/* At most SHORT of them: each is counted past those before it, which no branch has to guess. */
static void list_sort_short(struct list_node *list) {
    struct list_node *nodes[SHORT], *order[SHORT];
    int64_t deadlines[SHORT];
    unsigned places[SHORT], count = 0;

    for (struct list_node *node = list->next; node != list; node = node->next, count++) {
        nodes[count] = node;
        deadlines[count] = deadline_of(node);
        places[count] = 0;
        for (unsigned i = 0; i < count; i++) {
            bool is_after = deadlines[i] <= deadlines[count];
            places[count] += is_after;
            places[i] += !is_after;
        }
    }
    for (unsigned i = 0; i < count; i++)
        order[places[i]] = nodes[i];
    list_init(list);
    for (unsigned i = 0; i < count; i++)
        list_append(list, order[i]);
}

static bool list_is_short(const struct list_node *list) {
    const struct list_node *node = list->next;

    for (int i = 0; i <= SHORT; i++, node = node->next)
        if (node == list)
            return true;
    return false;
}

/* False: the list is in order already. */
static bool list_range(struct list_node *list, int64_t *lowest, int64_t *highest) {
    bool is_sorted = true;

    *lowest = *highest = deadline_of(list->next);
    for (struct list_node *node = list->next->next; node != list; node = node->next) {
        int64_t deadline_ns = deadline_of(node);
        is_sorted = is_sorted && deadline_ns >= deadline_of(node->prev);
        *lowest = MIN(*lowest, deadline_ns);
        *highest = MAX(*highest, deadline_ns);
    }
    return !is_sorted;
}

/* Stable: spreads the list over 64 parts of its range and sorts each, as the wheel itself does.
 * Deadlines do not crowd, so twice is mostly enough; eleven times always is. */
static void list_sort(struct list_node *list) {
    struct list_node parts[64], *next;
    uint64_t occupied = 0;
    int64_t lowest, highest;
    unsigned shift;

    if (list_is_short(list)) {
        list_sort_short(list);
        return;
    }
    if (!list_range(list, &lowest, &highest))
        return;

    shift = MAX(bits_of((uint64_t)highest - (uint64_t)lowest), 6) - 6;
    for (struct list_node *node = list->next; node != list; node = next) {
        uint64_t part = ((uint64_t)deadline_of(node) - (uint64_t)lowest) >> shift;
        next = node->next;
        if (!(occupied >> part & 1))
            list_init(&parts[part]);
        occupied |= 1ULL << part;
        list_append(&parts[part], node);
    }
    list_init(list);
    for (; occupied; occupied &= occupied - 1) {
        struct list_node *part = &parts[__builtin_ctzll(occupied)];
        list_sort(part);
        list_splice(list, part);
    }
}

/* --- firing ----------------------------------------------------------------------------------- */

/* A slot's timers, taken out of it. */
static void wheel_empty_slot(struct eddy__wheel *wheel, unsigned level, unsigned digit,
                             struct list_node *out) {
    list_splice(out, &wheel->slots[level][digit].timers);
    wheel->occupied[level] &= ~(1ULL << digit);
}

/* Moves those of a sorted list that are due to the end of `due`. */
static void list_split(struct list_node *list, int64_t now_ns, struct list_node *due) {
    struct list_node later, *node = list->next;

    while (node != list && deadline_of(node) <= now_ns)
        node = node->next;
    list_init(&later);
    if (node != list) { /* `later` takes the end of the list, from node on */
        later = (struct list_node){.next = node, .prev = list->prev};
        list->prev = node->prev;
        list->prev->next = list;
        later.next->prev = later.prev->next = &later;
    }
    list_splice(due, list);
    list_splice(list, &later);
}

/* Moves what is due out of one slot of level 0 to `due`, in order; the rest stays, in order. */
static void wheel_collect(struct eddy__wheel *wheel, unsigned digit, int64_t now_ns,
                          struct list_node *due) {
    struct wheel_slot *slot = &wheel->slots[0][digit];
    uint64_t bit = 1ULL << digit;

    if (wheel->unsorted[0] & bit)
        list_sort(&slot->timers);
    wheel->unsorted[0] &= ~bit;

    if (tick_of(wheel->now_ns) < tick_of(now_ns)) {
        wheel_empty_slot(wheel, 0, digit, due);
        return;
    }
    list_split(&slot->timers, now_ns, due);
    if (list_is_empty(&slot->timers))
        wheel->occupied[0] &= ~bit;
    else
        slot->earliest_ns = deadline_of(slot->timers.next);
}

/* They stay armed until their turn: one that fires may disarm those behind it. */
static void wheel_fire_list(struct eddy__wheel *wheel, struct list_node *due) {
    while (!list_is_empty(due)) {
        struct eddy__timer *timer = timer_of(due->next);
        eddy__wheel_disarm(wheel, timer); /* before, so that it may be armed again */
        timer->fire(timer);
    }
}

/* The wheel's time enters the first occupied slot of the first level that has one: up to `tick`. */
static void wheel_enter(struct eddy__wheel *wheel, unsigned level, unsigned digit) {
    uint64_t below = (1ULL << (level * DIGIT_BITS)) - 1;
    uint64_t tick = tick_of(wheel->now_ns);
    struct list_node timers, *next;

    tick = (tick & ~(below | (uint64_t)(WHEEL_SLOTS - 1) << (level * DIGIT_BITS))) |
           (uint64_t)digit << (level * DIGIT_BITS);
    wheel->now_ns = MAX(wheel->now_ns, (int64_t)(tick << TICK_BITS));
    list_init(&timers);
    wheel_empty_slot(wheel, level, digit, &timers);
    for (struct list_node *node = timers.next; node != &timers; node = next) {
        next = node->next;
        wheel_insert(wheel, timer_of(node));
    }
}

/* The start of a slot in ticks. */
static uint64_t slot_tick(const struct eddy__wheel *wheel, unsigned level, unsigned digit) {
    uint64_t span = 1ULL << (level * DIGIT_BITS);
    uint64_t base = tick_of(wheel->now_ns) & ~(span * WHEEL_SLOTS - 1);

    return base + digit * span;
}

/* Fires what is due, slot by slot while each is in the cache, moving higher slots down as time
 * enters them. */
static void wheel_advance(struct eddy__wheel *wheel, int64_t now_ns) {
    struct list_node due;

    list_init(&due);
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
        wheel_collect(wheel, digit, now_ns, &due);
        wheel_fire_list(wheel, &due);
        if (wheel->occupied[0] >> digit & 1)
            break; /* what is left in the current tick is not due yet */
    }
    wheel->now_ns = MAX(wheel->now_ns, now_ns);
}

void eddy__wheel_fire(struct eddy__wheel *wheel, int64_t now_ns) {
    struct list_node *node;

    if (eddy__wheel_next(wheel) > now_ns)
        return;
    wheel->firing_ns = now_ns;
    wheel_advance(wheel, now_ns);
    wheel->firing_ns = INT64_MIN;
    while ((node = list_take_first(&wheel->late)))
        wheel_insert(wheel, timer_of(node));
}

void eddy__wheel_drop(struct eddy__wheel *wheel) {
    for (unsigned i = 0; i < WHEEL_LEVELS * WHEEL_SLOTS; i++) {
        struct list_node *slot = &wheel->slots[i / WHEEL_SLOTS][i % WHEEL_SLOTS].timers;
        while (!list_is_empty(slot)) {
            struct eddy__timer *timer = timer_of(slot->next);
            eddy__wheel_disarm(wheel, timer);
            if (timer->drop)
                timer->drop(timer);
        }
    }
}
