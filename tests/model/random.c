/* SPDX-License-Identifier: MIT
 * random.c - which seeds a run takes. */
#include "random.h"

#include <stdio.h>
#include <stdlib.h>

void seeds_wanted(uint64_t *first, uint64_t *count) {
    const char *wish = getenv("EDDY_FUZZ");
    unsigned long long wished_first, wished_count;

    if (!wish || sscanf(wish, "%llu,%llu", &wished_first, &wished_count) != 2)
        return;
    *first = wished_first;
    *count = wished_count;
}
