/* SPDX-License-Identifier: MIT
 * fetch_report.h - what is said of a run: a line for each URL as JSON, and a summary at the end. */
#ifndef TOOLS_FETCH_REPORT_H
#define TOOLS_FETCH_REPORT_H

#include "fetch.h"

/* With --json, prints the line of a job that has ended. A failure to print ends the run. */
void fetch_report_job(struct fetch *fetch, const struct fetch_job *job);

/* The summary, and with --json the lines of what was never begun. After the run. */
void fetch_report(struct fetch *fetch);

#endif
