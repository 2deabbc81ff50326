/* SPDX-License-Identifier: MIT
 * runner_check.c - runs the tests through Check: a suite for each file, a case for each test.
 *
 * A case of its own gives each test a name in the results, and its own time. */
#include "runner.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void runner_fail(const char *file, int line, const char *text) {
    _ck_assert_failed(file, line, "", "%s", text);
    abort(); /* not reached: Check has left the process */
}

/* Check takes these for itself; a test starts as a program does. */
static void give_signals_back(void) {
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

static int count(const struct test *tests) {
    int n = 0;
    for (const struct test *test = tests; test; test = test->next)
        n++;
    return n;
}

static void add(Suite *suite, const struct test *test, TTest *description) {
    TCase *alone = tcase_create(test->name);

    *description = (TTest){test->name, test->run, test->file, test->line};
    tcase_set_timeout(alone, TEST_SECONDS);
    tcase_add_checked_fixture(alone, give_signals_back, NULL);
    _tcase_add_test(alone, description, test->signal, test->exit_status, 0, 1);
    suite_add_tcase(suite, alone);
}

/* Check borrows the descriptions for as long as the runner lives. */
static SRunner *runner_of(const struct test *tests, const char *part, TTest *descriptions) {
    SRunner *runner = srunner_create(NULL);
    Suite *suite = NULL;
    const char *file = "";

    for (const struct test *test = tests; test; test = test->next) {
        if (!test_is_wanted(test, part))
            continue;
        if (strcmp(file, test->file) != 0) {
            file = test->file;
            suite = suite_create(file);
            srunner_add_suite(runner, suite);
        }
        add(suite, test, descriptions++);
    }
    return runner;
}

static void print_failures(SRunner *runner) {
    TestResult **failures = srunner_failures(runner);
    for (int i = 0; i < srunner_ntests_failed(runner); i++)
        printf("FAILED %s\n    %s:%d: %s\n", tr_tcname(failures[i]), tr_lfile(failures[i]),
               tr_lno(failures[i]), tr_msg(failures[i]));
    free(failures);
}

struct test_counts runner_run(const struct test *tests, const char *part) {
    TTest *descriptions = calloc(count(tests) + 1, sizeof *descriptions);
    if (!descriptions)
        abort();
    SRunner *runner = runner_of(tests, part, descriptions);

    srunner_run_all(runner, CK_SILENT);
    print_failures(runner);

    int failed = srunner_ntests_failed(runner);
    struct test_counts counts = {srunner_ntests_run(runner) - failed, failed};
    srunner_free(runner);
    free(descriptions);
    return counts;
}
