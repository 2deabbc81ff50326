/* SPDX-License-Identifier: MIT
 * clock.h - seconds outside, nanoseconds inside. */
#ifndef EDDY__CLOCK_H
#define EDDY__CLOCK_H

#include <math.h>
#include <stdint.h>

#define NS_PER_SECOND 1000000000LL
#define NS_PER_MS     1000000LL
#define NS_NEVER      INT64_MAX /* a deadline that does not come */

/* Saturates: INFINITY and anything past 292 years is NS_NEVER; NaN and negative numbers are 0. */
static inline int64_t ns_from_seconds(double seconds) {
    int64_t ns;

    if (!(seconds > 0))
        return 0;
    if (seconds >= 9.2e9)
        return NS_NEVER;
    ns = (int64_t)(seconds * 1e9);
    return ns + ((double)ns < seconds * 1e9); /* ceil(), which is a call without SSE 4.1 */
}

static inline double seconds_from_ns(int64_t ns) {
    return ns == NS_NEVER ? INFINITY : (double)ns / 1e9;
}

static inline int64_t ns_add(int64_t a, int64_t b) {
    int64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? NS_NEVER : sum;
}

#endif
