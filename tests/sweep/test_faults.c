/* SPDX-License-Identifier: MIT
 * test_faults.c - whichever call of the kernel or of the allocator fails: see sweep.c. */
#include "sweep.h"

SCENARIO(tasks, 0)
SCENARIO(groups, 0)
SCENARIO(locks, 0)
SCENARIO(queues, 0)
SCENARIO(callbacks, 0)
SCENARIO(watches, 0)
SCENARIO(host, 0)
SCENARIO(signals, 0)
SCENARIO(posts, 0)
SCENARIO(pool, 0)
SCENARIO(threads, 0)
SCENARIO(talk, SCENARIO_LOST, EDDY_ENAME, 0)
SCENARIO(names, SCENARIO_LOST, EDDY_ENAME, 0)
SCENARIO(lookups, EDDY_ENAME, 0)
SCENARIO(processes, -EPIPE, 0)
SCENARIO(servers, SCENARIO_LOST, EDDY_ENAME, 0)
SCENARIO(unix, SCENARIO_LOST, -EADDRINUSE, 0)
SCENARIO(addresses, SCENARIO_LOST, EDDY_ENAME, -ECONNREFUSED, 0)
SCENARIO(descriptors, SCENARIO_LOST, EDDY_ECLOSED, 0)
SCENARIO(datagrams, SCENARIO_LOST, EDDY_ENAME, -ETIMEDOUT, 0)
