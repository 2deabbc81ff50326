/* SPDX-License-Identifier: MIT
 * limit_names.c - the limit of look-ups: getaddrinfo() itself, which blocks, in a loop.
 * Beside it: eddy_names.c. */
#include <errno.h>

#include "bench.h"
#include "names.h"

static void look_up(const char *name) {
    struct addrinfo *addresses;

    bench_require(getaddrinfo(name, "80", &bench_hints, &addresses) ? -ENOENT : 0, "getaddrinfo");
    freeaddrinfo(addresses);
}

static double pass(void *unused) {
    char name[NAME_BYTES];
    int64_t start_ns = bench_now_ns();

    (void)unused;
    for (int i = 0; i < NAMES_PASSES * NAMES_AT_ONCE; i++) {
        bench_name(i % NAMES_AT_ONCE, name);
        look_up(name);
    }
    return (double)(bench_now_ns() - start_ns) / (NAMES_PASSES * NAMES_AT_ONCE);
}

int main(void) {
    double ns = bench_run_passes(pass, NULL);

    bench_report("names-1", ns, "ns");
    bench_report("names-100", ns, "ns");
    bench_report("names-same", ns, "ns");
    return 0;
}
