/* SPDX-License-Identifier: MIT
 * test_faults_tls.c - the same with TLS on the streams. */
#include "sweep.h"

SCENARIO(tls, SCENARIO_LOST, EDDY_ENAME, EDDY_ETRUNCATED, 0)
