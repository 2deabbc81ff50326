/* SPDX-License-Identifier: MIT
 * test_faults_file.c - whichever call fails that files are made of: see sweep.c. */
#include "sweep.h"

SCENARIO(files, -EAGAIN, 0)
SCENARIO(cold_files, -EAGAIN, 0)
