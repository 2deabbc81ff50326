/* SPDX-License-Identifier: MIT
 * limit_process.c - posix_spawn() and waitpid(): what a program takes to start and to end.
 * usage: limit_process [MEBIBYTES], as eddy_process.c. */
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define SPAWNS 40

static int64_t called_ns; /* within the call that spawns */

static void spawn_one(void) {
    char *arguments[] = {"/bin/true", NULL};
    int64_t start_ns = bench_now_ns();
    pid_t pid;

    bench_require(-posix_spawn(&pid, arguments[0], NULL, NULL, arguments, environ), "spawn");
    called_ns += bench_now_ns() - start_ns;
    bench_require(waitpid(pid, NULL, 0) == pid ? 0 : -1, "wait");
}

static double pass(void *calls) {
    int64_t start_ns = bench_now_ns();

    called_ns = 0;
    for (int i = 0; i < SPAWNS; i++)
        spawn_one();
    return (double)(*(bool *)calls ? called_ns : bench_now_ns() - start_ns) / SPAWNS;
}

int main(int argc, char *argv[]) {
    long mebibytes = bench_count(argc, argv, 1, 1);
    bool calls = false;
    char row[64];

    bench_hold_memory((size_t)mebibytes << 20);
    snprintf(row, sizeof(row), "process-%ld", mebibytes);
    bench_report(row, bench_run_passes(pass, &calls), "ns");
    snprintf(row, sizeof(row), "process-%ld-call", mebibytes);
    calls = true;
    bench_report(row, bench_run_passes(pass, &calls), "ns");
    return 0;
}
