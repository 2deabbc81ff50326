/* SPDX-License-Identifier: MIT
 * fetch_job.h - one URL, from its first attempt to the one that stands. */
#ifndef TOOLS_FETCH_JOB_H
#define TOOLS_FETCH_JOB_H

#include "fetch.h"

/* Fetches job->url into the run's sink; how that went is in the job then. `block` is room for
 * FETCH_BLOCK_BYTES. Suspends. Returns 0, or -ECANCELED: the run is over. */
int fetch_job_run(struct fetch *fetch, struct fetch_job *job, char *block);

#endif
