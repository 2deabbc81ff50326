/* SPDX-License-Identifier: MIT
 * http_report.h - the one line that both HTTP clients print. */
#ifndef HTTP_REPORT_H
#define HTTP_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "bench.h"

/* CPU of the whole process per request, starting up included. What wall time there was depends on
 * the server, which has a core of its own; it is told beside. */
static inline void http_report(long requests, int64_t wall_ns) {
    struct bench_cpu cpu = bench_cpu_used();

    printf("{\"row\": \"http-get\", \"value\": %.1f, \"unit\": \"ns\", \"user\": %.1f, "
           "\"system\": %.1f, \"wall\": %.1f}\n",
           (double)(cpu.user_ns + cpu.system_ns) / (double)requests,
           (double)cpu.user_ns / (double)requests, (double)cpu.system_ns / (double)requests,
           (double)wall_ns / (double)requests);
    fflush(stdout);
}

#endif
