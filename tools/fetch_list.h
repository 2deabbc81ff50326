/* SPDX-License-Identifier: MIT
 * fetch_list.h - the URLs of a run. */
#ifndef TOOLS_FETCH_LIST_H
#define TOOLS_FETCH_LIST_H

#include "fetch.h"

/* Makes a job for each URL of the arguments and the input files, in this order. Returns 0 or a
 * negative code; the complaint has then been printed. */
int fetch_list_read(struct fetch *fetch);

void fetch_list_free(struct fetch *fetch);

#endif
