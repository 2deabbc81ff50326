/* SPDX-License-Identifier: MIT
 * bench.c - see bench.h. */
#include "bench.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_ns(clockid_t clock) {
    struct timespec now;

    clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t bench_now_ns(void) {
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t bench_cpu_ns(void) {
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static int64_t timeval_ns(struct timeval time) {
    return time.tv_sec * INT64_C(1000000000) + time.tv_usec * 1000;
}

struct bench_cpu bench_cpu_used(void) {
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (struct bench_cpu){timeval_ns(usage.ru_utime), timeval_ns(usage.ru_stime)};
}

/* The kibibytes behind "name:" in a file of /proc, as bytes. */
static int64_t proc_bytes(const char *path, const char *name) {
    size_t name_bytes = strlen(name);
    int64_t bytes = -1;
    char line[256];

    FILE *file = fopen(path, "re");
    if (!file)
        bench_require(-errno, path);
    while (bytes < 0 && fgets(line, sizeof(line), file))
        if (strncmp(line, name, name_bytes) == 0 && line[name_bytes] == ':')
            bytes = strtoll(line + name_bytes + 1, NULL, 10) * 1024;
    fclose(file);

    bench_require(bytes < 0 ? -ENODATA : 0, path);
    return bytes;
}

struct bench_memory bench_memory_of(pid_t process) {
    char pages[64], status[64];

    snprintf(pages, sizeof(pages), "/proc/%d/smaps_rollup", (int)process);
    snprintf(status, sizeof(status), "/proc/%d/status", (int)process);
    return (struct bench_memory){
        .resident_bytes = proc_bytes(pages, "Rss"),
        .page_table_bytes = proc_bytes(status, "VmPTE"),
    };
}

struct bench_memory bench_memory_used(void) {
    return bench_memory_of(getpid());
}

void bench_touch_memory(size_t bytes) {
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bench_require(memory == MAP_FAILED ? -errno : 0, "memory to warm up");

    madvise(memory, bytes, MADV_NOHUGEPAGE);
    for (size_t at = 0; at < bytes; at += 4096)
        *(volatile char *)(memory + at) = 1;
    munmap(memory, bytes);
}

void bench_hold_memory(size_t bytes) {
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bench_require(memory == MAP_FAILED ? -errno : 0, "memory to hold");

    madvise(memory, bytes, MADV_NOHUGEPAGE);
    memset(memory, 1, bytes);
}

void bench_sleep(double seconds) {
    struct timespec left = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

    if (seconds <= 0)
        return;
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

void bench_spin(double seconds) {
    int64_t end_ns = bench_now_ns() + (int64_t)(seconds * 1e9);

    while (bench_now_ns() < end_ns)
        ;
}

static int compare_doubles(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double bench_median(double values[], int count) {
    qsort(values, (size_t)count, sizeof(values[0]), compare_doubles);
    return values[count / 2];
}

double bench_run_passes(bench_pass *pass, void *arg) {
    double values[BENCH_PASSES];

    pass(arg);
    for (int i = 0; i < BENCH_PASSES; i++)
        values[i] = pass(arg);
    return bench_median(values, BENCH_PASSES);
}

double bench_run_few(bench_pass *pass, void *arg, long count) {
    double values[BENCH_PASSES];
    int passes = count <= 10000 ? BENCH_PASSES : count <= 100000 ? 3 : 1;

    for (int i = 0; i < passes; i++)
        values[i] = pass(arg);
    return bench_median(values, passes);
}

double bench_random(void) {
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) / (double)(UINT64_C(1) << 53);
}

double bench_expiry_first(long count) {
    return 0.01 + (double)count * 1e-6;
}

double bench_expiry_range(long count) {
    return 0.02 + (double)count * 1e-7;
}

void bench_report(const char *row, double value, const char *unit) {
    printf("{\"row\": \"%s\", \"value\": %.3f, \"unit\": \"%s\"}\n", row, value, unit);
    fflush(stdout);
}

void bench_report_memory(const char *row, struct bench_memory before, long count) {
    struct bench_memory now = bench_memory_used();

    bench_report(row,
                 (double)(now.resident_bytes - before.resident_bytes + now.page_table_bytes -
                          before.page_table_bytes) /
                     (double)count,
                 "bytes");
}

void bench_skip(const char *row, const char *why) {
    printf("{\"row\": \"%s\", \"skipped\": \"%s\"}\n", row, why);
    fflush(stdout);
}

void bench_require(int code, const char *what) {
    if (code >= 0)
        return;
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
            -code < 4096 ? strerror(-code) : "failed");
    exit(1);
}

long bench_count(int argc, char *argv[], int index, long otherwise) {
    char *end;

    if (index >= argc)
        return otherwise;
    long count = strtol(argv[index], &end, 10);
    bool is_count = end != argv[index] && *end == '\0' && count >= 1 && count <= 10000000;
    bench_require(is_count ? 0 : -EINVAL, argv[index]);
    return count;
}
