/* SPDX-License-Identifier: MIT
 * census.h - the loops of this process, and what they have done: for eddy_all_loops_info().
 *
 * A loop's counters are its thread's. It publishes a copy from time to time; sums are made of
 * copies, so nobody waits for a loop, and no counter is atomic. */
#ifndef EDDY__CENSUS_H
#define EDDY__CENSUS_H

#include <stdatomic.h>

#include <eddy/base.h>

#include "list.h"

#define CENSUS_FIGURES 8

struct eddy__census {
    struct list_node node; /* of all loops that are open */
    _Atomic uint64_t figures[CENSUS_FIGURES];
};

/* A new loop counts; a closed one leaves what it has done in all, and takes along what it has. */
void eddy__census_join(eddy_loop *loop);
void eddy__census_leave(eddy_loop *loop);

/* Makes the loop's figures known to other threads. On its own. */
void eddy__census_publish(eddy_loop *loop);

#endif
