/* SPDX-License-Identifier: MIT
 * processors.h - how many processors this process may use. */
#ifndef EDDY__PROCESSORS_H
#define EDDY__PROCESSORS_H

/* Those of the affinity mask, at most as many as the quota pays for. At least 1. */
int eddy__processors(void);

/* Keeps this thread on the nth processor of its affinity mask, counting round. Returns 0 or a
 * negative code. */
int eddy__processors_pin(int n);

/* What the quotas of the control group allow, rounded up: the least one on the way from the group
 * that `membership` (as /proc/self/cgroup) names up to `mount`. INT_MAX: none is set. Both versions
 * of control groups are understood. */
int eddy__processors_of_quota(const char *membership, const char *mount);

#endif
