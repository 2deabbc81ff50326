/* SPDX-License-Identifier: MIT
 * callers.c - who has asked for each callback of a loop.
 *
 * A callback's record is one cache line and full, so this stands beside it. Addresses are kept as
 * they are; what they are called is looked up when a report is written. */
#include "callers.h"

#include <stdbool.h>
#include <string.h>

#include "backtrace.h"
#include "memory.h"
#include "util.h"

#define CALLERS_FIRST 256u

void eddy__callers_deinit(struct eddy__callers *callers) {
    eddy__free(callers->of);
    *callers = (struct eddy__callers){0};
}

static bool callers_reserve(struct eddy__callers *callers, uint32_t slot) {
    uint32_t capacity = MAX(callers->capacity, CALLERS_FIRST);
    struct eddy__caller *of;

    if (slot < callers->capacity)
        return true;
    while (capacity <= slot)
        capacity *= 2; /* slots have 24 bits */
    of = eddy__realloc(callers->of, capacity * sizeof(*of));
    if (!of)
        return false;
    memset(of + callers->capacity, 0, (capacity - callers->capacity) * sizeof(*of));
    *callers = (struct eddy__callers){of, capacity};
    return true;
}

void eddy__callers_note(struct eddy__callers *callers, uint32_t slot) {
    struct eddy__caller caller = {0};

    if (!callers_reserve(callers, slot))
        return;
    eddy__backtrace(caller.calls, CALLER_CALLS);
    callers->of[slot] = caller;
}

struct eddy__caller eddy__callers_find(const struct eddy__callers *callers, uint32_t slot) {
    return slot < callers->capacity ? callers->of[slot] : (struct eddy__caller){0};
}
