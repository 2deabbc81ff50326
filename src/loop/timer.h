/* SPDX-License-Identifier: MIT
 * timer.h - deadlines of a loop, in a hierarchical timing wheel (Varghese and Lauck, 1987).
 *
 * A timer is a struct inside something larger, so arming and disarming never allocate and never
 * fail, and cost the same with ten pending or ten million. Deadlines fire in exact order, equal
 * ones in the order in which they were armed: users count on it, and it keeps tests repeatable. */
#ifndef EDDY__TIMER_H
#define EDDY__TIMER_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "list.h"
#include "util.h"

#define WHEEL_TICK_BITS  16 /* a tick is 2^16 ns */
#define WHEEL_DIGIT_BITS 6
#define WHEEL_LEVELS     8  /* x 6 bits on a tick: all 63 bits of a deadline */
#define WHEEL_SLOTS      64 /* one bit each in a level's occupancy word */

struct eddy__timer {
    struct list_node node; /* in a slot of the wheel, or in the list that is being fired */
    int64_t deadline_ns;   /* on the loop's clock */
    void (*fire)(struct eddy__timer *timer); /* disarmed when it is called */
    void (*drop)(struct eddy__timer *timer); /* instead: the loop ends first; may be NULL */
};

/* Timers lie in a slot in the order of arming, whichever level they came down from; so a sort that
 * leaves equal ones in place is all that exact order needs. */
struct wheel_slot {
    struct list_node timers;
    int64_t earliest_ns; /* no timer of the slot is due before; valid while it has any */
};

struct eddy__wheel {
    int64_t now_ns;                  /* deadlines up to here have fired */
    uint32_t count;                  /* armed timers */
    int64_t firing_ns;               /* while they fire: up to here; else nothing is as early */
    struct list_node late;           /* armed meanwhile and due already: for the next call */
    uint64_t occupied[WHEEL_LEVELS]; /* a bit per slot that has timers */
    uint64_t unsorted[WHEEL_LEVELS]; /* and whose timers are not in the order of their deadlines */
    struct wheel_slot slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void eddy__wheel_init(struct eddy__wheel *wheel, int64_t now_ns);

/* All-zero is a timer that is not armed. */
static inline bool eddy__timer_is_armed(const struct eddy__timer *timer) {
    return timer->node.next != NULL;
}

/* Level times WHEEL_SLOTS, plus the digit: the slot of a deadline. */
static inline unsigned eddy__wheel_slot(const struct eddy__wheel *wheel, int64_t deadline_ns) {
    uint64_t now = (uint64_t)wheel->now_ns >> WHEEL_TICK_BITS;
    uint64_t tick = MAX((uint64_t)deadline_ns >> WHEEL_TICK_BITS, now);
    unsigned level = (63 - (unsigned)__builtin_clzll((tick ^ now) | 1)) / WHEEL_DIGIT_BITS;

    return level * WHEEL_SLOTS + (tick >> (level * WHEEL_DIGIT_BITS)) % WHEEL_SLOTS;
}

/* The usual case of arming: behind others, none of which is later. False: it is not that. */
static inline bool eddy__wheel_append(struct eddy__wheel *wheel, struct eddy__timer *timer,
                                      int64_t deadline_ns) {
    struct list_node *list = &(wheel->slots[0] + eddy__wheel_slot(wheel, deadline_ns))->timers;
    struct list_node *last = list->prev;

    assert(!eddy__timer_is_armed(timer));
    if (unlikely(deadline_ns <= wheel->firing_ns || last == list ||
                 deadline_ns < container_of(last, struct eddy__timer, node)->deadline_ns))
        return false;
    timer->deadline_ns = deadline_ns;
    list_append(list, &timer->node);
    wheel->count++;
    return true;
}

/* Arms it in any case. */
void eddy__wheel_arm_slowly(struct eddy__wheel *wheel, struct eddy__timer *timer,
                            int64_t deadline_ns);

/* Arms a timer that is not armed. One that is due already fires with the next eddy__wheel_fire().
 */
static inline void eddy__wheel_arm(struct eddy__wheel *wheel, struct eddy__timer *timer,
                                   int64_t deadline_ns) {
    if (unlikely(!eddy__wheel_append(wheel, timer, deadline_ns)))
        eddy__wheel_arm_slowly(wheel, timer, deadline_ns);
}

/* The list is empty now: if it is a slot's, its bit goes. */
void eddy__wheel_emptied(struct eddy__wheel *wheel, const struct list_node *list);

/* Takes an armed timer out of its list, which is returned if that was its last; then, sooner or
 * later before the next poll, comes eddy__wheel_emptied(). */
static inline struct list_node *eddy__wheel_unlink(struct eddy__wheel *wheel,
                                                   struct eddy__timer *timer) {
    struct list_node *before = timer->node.prev, *after = timer->node.next;

    before->next = after;
    after->prev = before;
    timer->node.next = NULL;
    wheel->count--;
    return before == after ? before : NULL;
}

/* Harmless for a timer that is not armed (all-zero, or fired). */
static inline void eddy__wheel_disarm(struct eddy__wheel *wheel, struct eddy__timer *timer) {
    struct list_node *emptied;

    if (!eddy__timer_is_armed(timer))
        return;
    emptied = eddy__wheel_unlink(wheel, timer);
    if (emptied)
        eddy__wheel_emptied(wheel, emptied);
}

/* The loop ends: disarms all, and calls drop where there is one. */
void eddy__wheel_drop(struct eddy__wheel *wheel);

/* No timer is due before this; NS_NEVER: none is armed. May be early, never late. */
int64_t eddy__wheel_next(const struct eddy__wheel *wheel);

/* Fires what is due at now_ns. Timers armed meanwhile wait for the next call. */
void eddy__wheel_fire(struct eddy__wheel *wheel, int64_t now_ns);

#endif
