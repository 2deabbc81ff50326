/* SPDX-License-Identifier: MIT
 * limit_wheel.h - timers at the least that they can cost: a wheel of seven levels of 64 slots.
 *
 * A node belongs to its user and is linked into a slot: adding and cancelling are some stores,
 * whatever is pending. A word of bits for each level says which slots are taken, so that nobody
 * looks at an empty one. */
#ifndef LIMIT_WHEEL_H
#define LIMIT_WHEEL_H

#include <stdint.h>
#include <stdlib.h>

#define WHEEL_TICK_NS (INT64_C(1) << 20)
#define WHEEL_LEVELS  7
#define WHEEL_SLOTS   64

struct limit_timer {
    struct limit_timer *next, **link; /* link: who points to this one */
    uint64_t deadline;                /* in ticks */
    void (*fn)(void *arg);
    void *arg;
    int slot; /* of all */
    char rest_of_a_line[20];
};

struct limit_wheel {
    struct limit_timer *slots[WHEEL_LEVELS * WHEEL_SLOTS];
    uint64_t occupied[WHEEL_LEVELS];
    uint64_t now; /* in ticks */
};

/* The level is that of the highest digit (base 64) in which the deadline differs from now. */
static inline void limit_wheel_add(struct limit_wheel *wheel, struct limit_timer *timer) {
    uint64_t difference = (timer->deadline ^ wheel->now) | 1;
    int level = (63 - __builtin_clzll(difference)) / 6;
    int slot = (int)(timer->deadline >> 6 * level) % WHEEL_SLOTS;
    struct limit_timer **head = &wheel->slots[level * WHEEL_SLOTS + slot];

    timer->slot = level * WHEEL_SLOTS + slot;
    timer->link = head;
    timer->next = *head;
    if (timer->next)
        timer->next->link = &timer->next;
    *head = timer;
    wheel->occupied[level] |= UINT64_C(1) << slot;
}

static inline void limit_wheel_cancel(struct limit_wheel *wheel, struct limit_timer *timer) {
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    if (!wheel->slots[timer->slot])
        wheel->occupied[timer->slot / WHEEL_SLOTS] &= ~(UINT64_C(1) << timer->slot % WHEEL_SLOTS);
}

/* Moves the clock to the first taken slot of a level and takes what is in it. */
static inline struct limit_timer *limit_wheel_take(struct limit_wheel *wheel, int level) {
    int slot = __builtin_ctzll(wheel->occupied[level]);
    uint64_t above = wheel->now >> 6 * (level + 1) << 6 * (level + 1);
    struct limit_timer *timers = wheel->slots[level * WHEEL_SLOTS + slot];

    wheel->now = above | (uint64_t)slot << 6 * level;
    wheel->slots[level * WHEEL_SLOTS + slot] = NULL;
    wheel->occupied[level] &= ~(UINT64_C(1) << slot);
    return timers;
}

/* Everything is due: runs all in the order of their ticks. */
static inline void limit_wheel_expire_all(struct limit_wheel *wheel) {
    int level = 0;

    while (level < WHEEL_LEVELS) {
        if (!wheel->occupied[level]) {
            level++;
            continue;
        }
        for (struct limit_timer *next, *timer = limit_wheel_take(wheel, level); timer;
             timer = next) {
            next = timer->next;
            if (level == 0)
                timer->fn(timer->arg);
            else
                limit_wheel_add(wheel, timer);
        }
        level = 0;
    }
}

#endif
