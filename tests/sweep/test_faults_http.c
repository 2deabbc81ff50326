/* SPDX-License-Identifier: MIT
 * test_faults_http.c - the same with the HTTP client: libcurl's allocations are not eddy's, so the
 * blocks that are counted are. */
#include "sweep.h"

SCENARIO(http, SCENARIO_LOST, EDDY_ENAME, EDDY_EPROTOCOL, 0)
