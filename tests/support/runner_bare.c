/* SPDX-License-Identifier: MIT
 * runner_bare.c - runs the tests with fork() alone, for machines that have no Check: the
 * cross-compiled build, whose programs run in an emulator. */
#include "runner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAILED = 86 }; /* an exit status that no test expects: the failure has been printed */

static const struct test *running;

void runner_fail(const char *file, int line, const char *text) {
    dprintf(STDOUT_FILENO, "FAILED %s\n    %s:%d: %s\n", running->name, file, line, text);
    _exit(FAILED);
}

static unsigned seconds(void) {
    const char *multiplier = getenv("CK_TIMEOUT_MULTIPLIER");
    double factor = multiplier ? atof(multiplier) : 1;
    return TEST_SECONDS * (factor >= 1 ? (unsigned)factor : 1);
}

static void run_here(const struct test *test) {
    running = test;
    alarm(seconds()); /* SIGALRM ends the process; no test takes that signal for itself */
    test->run(0);
    exit(0);
}

static bool as_expected(const struct test *test, int status) {
    if (test->signal)
        return WIFSIGNALED(status) && WTERMSIG(status) == test->signal;
    return WIFEXITED(status) && WEXITSTATUS(status) == test->exit_status;
}

static void describe(const struct test *test, int status) {
    if (WIFSIGNALED(status))
        printf("FAILED %s\n    %s:%d: ended by signal %d, %s\n", test->name, test->file, test->line,
               WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != FAILED)
        printf("FAILED %s\n    %s:%d: ended with exit status %d\n", test->name, test->file,
               test->line, WEXITSTATUS(status));
}

static bool passes(const struct test *test) {
    int status;

    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        run_here(test);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            abort();

    if (as_expected(test, status))
        return true;
    describe(test, status);
    return false;
}

struct test_counts runner_run(const struct test *tests, const char *part) {
    struct test_counts counts = {0};

    for (const struct test *test = tests; test; test = test->next)
        if (test_is_wanted(test, part))
            passes(test) ? counts.passed++ : counts.failed++;
    return counts;
}
