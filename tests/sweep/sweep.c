/* SPDX-License-Identifier: MIT
 * sweep.c - every scenario, over and over: each time another call of the kernel, or another
 * allocation, fails in one of the ways that fit it.
 *
 * Each run has a process of its own, so that it meets what happens once in a process, too, and a
 * crash or a hang is told with its cause. In it the scenario runs with the failure, and then once
 * more without: that must succeed, and leave no more behind than two runs without any failure.
 *
 * `make test` takes a sample, evenly spread; `make sweep`, EDDY_SWEEP=whole, takes everything. */
#include "sweep.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "test.h"

/* Sanitizers and emulators have time for a small sample only, and take it. */
static bool is_slow(void) {
    return UNDER_SANITIZER || test_is_emulated();
}

/* Shared with the process of a run. */
struct outcome {
    struct fault_run fault;
    int code; /* of the run with the failure */
    int code_afterwards;
    int blocks, descriptors; /* that are out at the end */
};

static void ignore_log(eddy_log_level level, const char *text, void *arg) {
    (void)level, (void)text, (void)arg;
}

static int count_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    int count = -1; /* its own */

    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

/* The last error is a block, too: a static one takes its place. */
static int run_scenario(const struct scenario *scenario) {
    int r = scenario->run();

    eddy_detach(NULL);
    return r;
}

/* --- one run ---------------------------------------------------------------------------------- */

/* A look-up's thread lets go of its loop a moment after its answer. */
static void settle(struct outcome *outcome, const struct outcome *usual) {
    for (int i = 0; i < 500; i++) {
        outcome->blocks = fault_blocks();
        outcome->descriptors = count_descriptors();
        if (!usual ||
            (outcome->blocks <= usual->blocks && outcome->descriptors <= usual->descriptors))
            return;
        usleep(1000);
    }
}

static void run_here(const struct scenario *scenario, struct outcome *outcome,
                     const struct outcome *usual) {
    signal(SIGALRM, SIG_DFL);   /* the runner has its own handler */
    alarm(is_slow() ? 60 : 15); /* a hang: nothing takes a second here */
    eddy_set_log(ignore_log, NULL);
    fault_take_allocator();
    fault_watch(&outcome->fault);
    outcome->code = run_scenario(scenario);
    fault_watch(NULL);
    outcome->code_afterwards = run_scenario(scenario);
    settle(outcome, usual);
}

/* Returns the status of its process. */
static int run_apart(const struct scenario *scenario, struct outcome *outcome,
                     const struct outcome *usual) {
    int status;

    fflush(NULL);
    pid_t child = fork();
    ASSERT(child >= 0);
    if (child == 0) {
        run_here(scenario, outcome, usual);
        exit(0); /* a leak checker has its say now */
    }
    while (waitpid(child, &status, 0) < 0)
        ASSERT_INT_EQ(errno, EINTR);
    return status;
}

/* --- the verdict ------------------------------------------------------------------------------ */

static bool has_code(const int *codes, int code) {
    while (*codes && *codes != code)
        codes++;
    return *codes != 0;
}

/* What a call that meets this failure may return. */
static bool may_be(const struct scenario *scenario, const struct fault_run *fault, int code) {
    if (code == 0)
        return true;
    if (!fault->is_hit || (fault->fault.kind != FAILS && fault->fault.kind != BREAKS))
        return false;
    return code == -fault->fault.code || has_code(scenario->codes, code);
}

static const char *kind_text(const struct fault_run *fault) {
    return fault->fault.kind == COMES_LATE ? " (after its effect)"
           : fault->fault.kind == IS_SHORT ? " (one byte only)"
                                           : "";
}

static int complaints;

/* The sweep goes on: several failures may have one cause, or one failure several. */
static void complain(const struct scenario *scenario, const struct outcome *outcome,
                     const char *text, const char *detail) {
    const struct fault_run *fault = &outcome->fault;

    printf("%s: when call %ld, %s, fails with %s%s (EDDY_SWEEP=%ld.%d): %s%s\n", scenario->name,
           fault->nth, fault->name ? fault->name : "none",
           fault->fault.code ? eddy_error_name(-fault->fault.code) : "nothing", kind_text(fault),
           fault->nth, fault->way, text, detail);
    complaints++;
}

static void judge(const struct scenario *scenario, const struct outcome *outcome, int status,
                  const struct outcome *usual) {
    char counts[100];

    if (status != 0) {
        complain(scenario, outcome, "it ends by ",
                 !WIFSIGNALED(status)          ? "an error of its own"
                 : WTERMSIG(status) == SIGALRM ? "hanging"
                                               : strsignal(WTERMSIG(status)));
        return;
    }
    if (!may_be(scenario, &outcome->fault, outcome->code))
        complain(scenario, outcome, "it returns ", eddy_error_name(outcome->code));
    if (outcome->code_afterwards != 0)
        complain(scenario, outcome, "and afterwards, without a failure, it returns ",
                 eddy_error_name(outcome->code_afterwards));
    snprintf(counts, sizeof(counts), "%d blocks instead of %d, %d descriptors instead of %d",
             outcome->blocks, usual->blocks, outcome->descriptors, usual->descriptors);
    if (outcome->blocks > usual->blocks || outcome->descriptors > usual->descriptors)
        complain(scenario, outcome, "it leaves behind ", counts);
}

/* --- all of them ------------------------------------------------------------------------------ */

static void try_one(const struct scenario *scenario, struct outcome *outcome,
                    const struct outcome *usual, long nth, int way) {
    *outcome = (struct outcome){.fault = {.nth = nth, .way = way}};
    int status = run_apart(scenario, outcome, usual);
    judge(scenario, outcome, status, usual);
}

static struct outcome *outcome_shared(void) {
    struct outcome *outcome =
        mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ASSERT(outcome != MAP_FAILED);
    return outcome;
}

static struct outcome run_unharmed(const struct scenario *scenario, struct outcome *outcome) {
    *outcome = (struct outcome){0};
    int status = run_apart(scenario, outcome, NULL);
    judge(scenario, outcome, status, outcome);
    ASSERT(outcome->fault.met > 0);
    return *outcome;
}

/* "12.1": the twelfth call, in its second way. */
static bool is_one(const char *wish, long *nth, int *way) {
    return wish && sscanf(wish, "%ld.%d", nth, way) == 2;
}

/* In a small sample the ways of a call take turns. */
void sweep(const struct scenario *scenario) {
    const char *wish = getenv("EDDY_SWEEP");
    bool is_whole = wish && strcmp(wish, "whole") == 0, all_ways = is_whole || !is_slow();
    struct outcome *outcome = outcome_shared(), usual = run_unharmed(scenario, outcome);
    long nth, samples = is_slow() ? 6 : 60, step = is_whole ? 1 : usual.fault.met / samples + 1,
              failures = 0;
    int way;

    if (is_one(wish, &nth, &way)) {
        try_one(scenario, outcome, &usual, nth, way);
        ASSERT_INT_EQ(complaints, 0);
        return;
    }
    for (nth = 1; nth <= usual.fault.met; nth += step) {
        way = all_ways ? 0 : (int)(nth / step % 3);
        do {
            try_one(scenario, outcome, &usual, nth, way);
            failures += outcome->fault.is_hit;
        } while (all_ways && ++way < outcome->fault.ways);
    }
    ASSERT(failures > 0);
    ASSERT_INT_EQ(complaints, 0);
    if (is_whole)
        printf("  %-10s %5ld calls, %5ld failures\n", scenario->name, usual.fault.met, failures);
}
