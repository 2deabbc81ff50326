/* SPDX-License-Identifier: MIT
 * timer.h - deadlines of a loop, in a hierarchical timing wheel (Varghese and Lauck, 1987).
 *
 * A timer is a struct inside something larger, so arming and disarming never allocate and never
 * fail, and cost the same with ten pending or ten million. Deadlines fire in exact order, equal
 * ones in the order in which they were armed: users count on it, and it keeps tests repeatable. */
#ifndef EDDY__TIMER_H
#define EDDY__TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "list.h"

#define WHEEL_LEVELS 8  /* x 6 bits on a tick of 2^16 ns: all 63 bits of a deadline */
#define WHEEL_SLOTS  64 /* one bit each in a level's occupancy word */

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

/* Arms a timer that is not armed. One that is due already fires with the next eddy__wheel_fire().
 */
void eddy__wheel_arm(struct eddy__wheel *wheel, struct eddy__timer *timer, int64_t deadline_ns);

/* All-zero is a timer that is not armed. */
static inline bool eddy__timer_is_armed(const struct eddy__timer *timer) {
    return timer->node.next != NULL;
}

/* Harmless for a timer that is not armed (all-zero, or fired). */
void eddy__wheel_disarm(struct eddy__wheel *wheel, struct eddy__timer *timer);

/* The loop ends: disarms all, and calls drop where there is one. */
void eddy__wheel_drop(struct eddy__wheel *wheel);

/* No timer is due before this; NS_NEVER: none is armed. May be early, never late. */
int64_t eddy__wheel_next(const struct eddy__wheel *wheel);

/* Fires what is due at now_ns. Timers armed meanwhile wait for the next call. */
void eddy__wheel_fire(struct eddy__wheel *wheel, int64_t now_ns);

#endif
