/* SPDX-License-Identifier: MIT
 * fetch_progress.h - the moving picture of a run, on a terminal's standard error. */
#ifndef TOOLS_FETCH_PROGRESS_H
#define TOOLS_FETCH_PROGRESS_H

#include "fetch.h"

/* Whether this run has one. */
bool fetch_progress_is_wanted(const struct fetch_options *options);

/* A coroutine function (arg: the struct fetch): draws ten times a second until it is cancelled, and
 * then wipes what it drew. */
int fetch_progress(void *arg);

#endif
