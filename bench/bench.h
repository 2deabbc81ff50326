/* SPDX-License-Identifier: MIT
 * bench.h - what every measuring program needs: a clock, a median, a line of JSON, memory, CPU.
 *
 * A program measures one or more rows once and prints one JSON object a line for each; bench/run
 * calls it again for every round and compares. Nothing here knows eddy: the limit programs use it
 * too, so that both sides are timed and reported by the same code. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_PASSES 9

/* CLOCK_MONOTONIC. */
int64_t bench_now_ns(void);

/* User and system time of this whole process so far, all threads. */
struct bench_cpu {
    int64_t user_ns, system_ns;
};
struct bench_cpu bench_cpu_used(void);

/* Both together, exact: the process's CPU clock. */
int64_t bench_cpu_ns(void);

/* What this process, or another, holds now: pages counted one by one (smaps_rollup; the counters of
 * statm lag by some hundred pages), and the page tables that map them. Ends the process if /proc is
 * not there. */
struct bench_memory {
    int64_t resident_bytes, page_table_bytes;
};
struct bench_memory bench_memory_used(void);
struct bench_memory bench_memory_of(pid_t process);

/* Touches that much memory and gives it back: a virtual machine's first touch of a page since boot
 * is the host's work, not ours, and costs up to fifty times a page fault. */
void bench_touch_memory(size_t bytes);

/* Keeps that much memory, in small pages, each of them touched: a parent of that size. */
void bench_hold_memory(size_t bytes);

/* Blocks the thread, whatever loops it has; nothing for seconds <= 0. */
void bench_sleep(double seconds);

/* The same awake: after a sleep the processor and its caches are cold. */
void bench_spin(double seconds);

/* Sorts, and returns the middle one. count >= 1. */
double bench_median(double values[], int count);

/* Runs a pass once to warm up and BENCH_PASSES times to count; the median of what it returned. A
 * pass lasts milliseconds: a preempted one is an outlier, not a bias. */
typedef double bench_pass(void *arg);
double bench_run_passes(bench_pass *pass, void *arg);

/* The same with fewer passes where each handles so many things that it takes long: 9, 3 or 1. */
double bench_run_few(bench_pass *pass, void *arg, long count);

/* At least 0 and less than 1; the same sequence in every run. */
double bench_random(void);

/* Timers that are to expire: seconds until the first, long enough to arm so many of them, and from
 * the first to the last. */
double bench_expiry_first(long count);
double bench_expiry_range(long count);

/* One line of the result: value per operation, in "ns" or "bytes". */
void bench_report(const char *row, double value, const char *unit);

/* What one of `count` things holds, with all of them there and none `before`. */
void bench_report_memory(const char *row, struct bench_memory before, long count);

/* Instead of a result, with the reason. */
void bench_skip(const char *row, const char *why);

/* Ends the process with a sentence if a set-up step failed; `code` is negative errno. */
void bench_require(int code, const char *what);

/* The positive number in an argument, or `otherwise` if there is no such argument. Ends the process
 * with a sentence at anything else. */
long bench_count(int argc, char *argv[], int index, long otherwise);

#endif
