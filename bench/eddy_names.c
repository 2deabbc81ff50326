/* SPDX-License-Identifier: MIT
 * eddy_names.c - eddy_getaddrinfo() of names that /etc/hosts has: one at a time, a hundred at once,
 * and a hundred times the same.
 * Beside it: limit_names.c, the blocking call. */
#include <eddy.h>
#include <eddy/name.h>

#include "bench.h"
#include "names.h"

static char names[NAMES_AT_ONCE][NAME_BYTES];

static int look_up(void *name) {
    struct addrinfo *addresses = NULL;
    int r = eddy_getaddrinfo(name, "80", &bench_hints, &addresses);

    eddy_freeaddrinfo(addresses);
    return r;
}

static double pass_one_by_one(void *unused) {
    int64_t start_ns = bench_now_ns();

    (void)unused;
    for (int pass = 0; pass < NAMES_PASSES; pass++)
        for (int i = 0; i < NAMES_AT_ONCE; i++)
            bench_require(look_up(names[i]), "getaddrinfo");
    return (double)(bench_now_ns() - start_ns) / (NAMES_PASSES * NAMES_AT_ONCE);
}

static double pass_at_once(void *same) {
    int64_t start_ns = bench_now_ns();

    for (int pass = 0; pass < NAMES_PASSES; pass++) {
        eddy_task *tasks[NAMES_AT_ONCE];
        for (int i = 0; i < NAMES_AT_ONCE; i++)
            tasks[i] = eddy_create_task(look_up, names[same ? 0 : i]);
        bench_require(eddy_gather_array(tasks, NAMES_AT_ONCE, NULL), "getaddrinfo");
    }
    return (double)(bench_now_ns() - start_ns) / (NAMES_PASSES * NAMES_AT_ONCE);
}

static int bench_main(void *same) {
    for (int i = 0; i < NAMES_AT_ONCE; i++)
        bench_name(i, names[i]);
    bench_report("names-1", bench_run_passes(pass_one_by_one, NULL), "ns");
    bench_report("names-100", bench_run_passes(pass_at_once, NULL), "ns");
    bench_report("names-same", bench_run_passes(pass_at_once, same), "ns");
    return 0;
}

int main(void) {
    return eddy_main(bench_main, names);
}
