/* SPDX-License-Identifier: MIT
 * random.h - numbers that a seed repeats. */
#ifndef TEST_RANDOM_H
#define TEST_RANDOM_H

#include <stdint.h>

/* splitmix64 */
static inline uint64_t random_next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static inline int random_below(uint64_t *state, int limit) {
    return (int)(random_next(state) % (uint64_t)limit);
}

/* EDDY_FUZZ=<first seed>,<how many>, or these. */
void seeds_wanted(uint64_t *first, uint64_t *count);

#endif
