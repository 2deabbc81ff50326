/* SPDX-License-Identifier: MIT
 * tidy.h - giving memory back that has lain free, between turns. */
#ifndef EDDY__TIDY_H
#define EDDY__TIDY_H

#include <stdint.h>

#include <eddy/base.h>

void eddy__tidy_init(eddy_loop *loop);

/* Once a turn: gives a little back when time has made it due. */
void eddy__tidy(eddy_loop *loop);

/* How long a loop that would wait so long may wait before there is something to give back. */
int64_t eddy__tidy_wait_ns(eddy_loop *loop, int64_t timeout_ns);

#endif
