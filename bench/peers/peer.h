/* SPDX-License-Identifier: MIT
 * peer.h - a peer's program: a table of what it can measure, the first argument says which. */
#ifndef PEER_H
#define PEER_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

struct peer_row {
    const char *name;
    void (*measure)(long count);
};

/* main() of a peer: `program ROW [COUNT]`. */
static inline int peer_main(int argc, char *argv[], const struct peer_row rows[]) {
    for (int i = 0; argc > 1 && rows[i].name; i++) {
        if (strcmp(rows[i].name, argv[1]) == 0) {
            rows[i].measure(bench_count(argc, argv, 2, 1));
            return 0;
        }
    }
    bench_require(-EINVAL, argc > 1 ? argv[1] : "a row is missing");
    return 1;
}

/* "timers-1000-cancel" and the like. */
static inline void peer_report(const char *row, long count, const char *what, double ns) {
    char name[64];

    snprintf(name, sizeof(name), "%s-%ld%s%s", row, count, what[0] ? "-" : "", what);
    bench_report(name, ns, "ns");
}

/* Time-outs that a program has: the i-th of five in turn, in seconds. */
static inline double peer_timeout(long i) {
    static const double timeouts[5] = {10, 20, 30, 60, 120};

    return timeouts[i % 5];
}

#endif
