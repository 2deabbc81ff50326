/* SPDX-License-Identifier: MIT
 * signal_watch.h - signals that a loop handles; see eddy_add_signal_handler(). */
#ifndef EDDY__SIGNAL_WATCH_H
#define EDDY__SIGNAL_WATCH_H

#include "list.h"

#include <eddy/base.h>

/* eddy_add_signal_handler() for the first signal only: the next one has the default action. */
int eddy__signal_once(eddy_loop *loop, int signo, eddy_callback *fn, void *arg);

/* Gives every signal of the loop its former action back. */
void eddy__signals_close(eddy_loop *loop);

#endif
