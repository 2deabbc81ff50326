/* SPDX-License-Identifier: MIT
 * fetch_retry.h - which failures are worth another attempt, and when. */
#ifndef TOOLS_FETCH_RETRY_H
#define TOOLS_FETCH_RETRY_H

#include <stdbool.h>

/* r: the attempt's code; status: its answer's, if r >= 0. */
bool fetch_is_worth_retrying(int r, int status);

/* Seconds that a Retry-After header asks to wait: a number, or a date. -1: none, or not understood.
 */
double fetch_retry_after(const char *header);

/* Seconds to rest before the retry-th (1, 2 ...) further attempt, or -1: do not. asked: what
 * Retry-After said, or -1. */
double fetch_retry_delay(int retry, double asked);

#endif
