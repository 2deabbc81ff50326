/* SPDX-License-Identifier: MIT
 * scenario.h - small programs that use what there is, each from the opening of a loop to its close.
 *
 * A scenario may fail at any of its calls: it then cleans up, as a good program does, and returns
 * the code. What it does while all is well it asserts. */
#ifndef TEST_SCENARIO_H
#define TEST_SCENARIO_H

#include <eddy.h>

/* One run. Returns 0 or a negative code. */
typedef int scenario_fn(void);

scenario_fn scenario_addresses;
scenario_fn scenario_callbacks;
scenario_fn scenario_cold_files;
scenario_fn scenario_datagrams;
scenario_fn scenario_descriptors;
scenario_fn scenario_files;
scenario_fn scenario_groups;
scenario_fn scenario_host;
scenario_fn scenario_http;
scenario_fn scenario_locks;
scenario_fn scenario_lookups;
scenario_fn scenario_names;
scenario_fn scenario_pool;
scenario_fn scenario_posts;
scenario_fn scenario_processes;
scenario_fn scenario_queues;
scenario_fn scenario_servers;
scenario_fn scenario_signals;
scenario_fn scenario_streams;
scenario_fn scenario_talk;
scenario_fn scenario_tasks;
scenario_fn scenario_threads;
scenario_fn scenario_tls;
scenario_fn scenario_unix;
scenario_fn scenario_watches;

/* fn as the main task of a loop of its own: 0 instead of a positive result. */
int scenario_run(eddy_clock clock, eddy_fn *fn, void *arg);

/* The first failure of two. */
static inline int first_of(int r, int s) {
    return r < 0 ? r : s < 0 ? s : 0;
}

/* What a call without room for a code has failed with. */
static inline int last_code(void) {
    return eddy_last_error() ? eddy_last_error()->code : -ENOMEM;
}

#endif
