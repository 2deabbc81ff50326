/* SPDX-License-Identifier: MIT
 * run.h - what eddy_run() and eddy_run_threads() share. */
#ifndef EDDY__RUN_H
#define EDDY__RUN_H

#include "task.h"

/* The main task has ended with r: cancels and awaits what is left on its loop, then the jobs of its
 * default executor. Returns r, and its sentence outlives those of the clean-up. */
int eddy__run_clean_up(eddy_loop *loop, int r);

/* eddy_shutdown_default_executor() for a loop that the caller runs. */
int eddy__shutdown_executor_of(eddy_loop *loop);

/* Has fn called at the first such signal; the second one has the default action. False: the program
 * has its own idea of this signal, or another loop has it. */
bool eddy__run_watch_signal(eddy_loop *loop, int signo, eddy_callback *fn, void *arg);

/* What main() returns after a run with this result that this signal (0: none) has cancelled. Prints
 * an error. */
int eddy__run_exit_status(int r, int signo);

#endif
