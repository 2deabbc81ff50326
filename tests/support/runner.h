/* SPDX-License-Identifier: MIT
 * runner.h - what runs the tests that test.c has collected; the build picks runner_check.c, or
 * runner_bare.c where there is no Check for the machine. */
#ifndef TEST_RUNNER_H
#define TEST_RUNNER_H

#include "test.h"

#define TEST_SECONDS 20 /* a test's time; times CK_TIMEOUT_MULTIPLIER of the environment */

/* How many passed and failed. Every failure has been printed. */
struct test_counts {
    int passed, failed;
};

/* Runs the tests of the list whose name contains `part`, each in a process of its own. */
struct test_counts runner_run(const struct test *tests, const char *part);

/* Ends the running test's process as failed. */
void runner_fail(const char *file, int line, const char *text) __attribute__((noreturn));

/* Whether its name contains `part`. */
bool test_is_wanted(const struct test *test, const char *part);

#endif
