/* SPDX-License-Identifier: MIT
 * test_main.c - eddy_main() and SIGINT: exit statuses, the printed traceback, who is interrupted.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "virtual.h"

static void assert_exits(struct ending ending, int status) {
    if (!WIFEXITED(ending.status) || WEXITSTATUS(ending.status) != status)
        TEST_FAIL("it did not exit with %d: status 0x%x, and it said: %s", status, ending.status,
                  ending.text);
}

/* --- exit statuses ---------------------------------------------------------------------------- */

static int main_value(void) {
    return eddy_main(returner, &(int){42});
}

TEST(main_exits_with_the_functions_value) {
    struct ending ending = in_child(main_value);

    assert_exits(ending, 42);
    ASSERT_STR_EQ(ending.text, "");
}

static int opens(void *name) {
    return eddy_raise(-ENOENT, "cannot open %s", (const char *)name);
}

static int loads(void *name) {
    return eddy_await(eddy_create_task(opens, name));
}

static int main_error(void) {
    return eddy_main(loads, "a.txt");
}

TEST(main_prints_an_error_with_its_traceback_and_exits_with_1) {
    struct ending ending = in_child(main_error);

    assert_exits(ending, 1);
    char *calls[] = {"Traceback (most recent call last):\n",
                     ", in main_error\n    eddy_main(loads, \"a.txt\")\n",
                     "  Task \"main\", created at ",
                     ", in loads\n    eddy_await(eddy_create_task(opens, name))\n",
                     "  Task \"opens\", created at ",
                     ", in opens\nENOENT: cannot open a.txt\n"};
    const char *at = ending.text;
    for (int i = 0; i < 6; i++) {
        ASSERT_STR_CONTAINS(at, calls[i]);
        at = strstr(at, calls[i]) + strlen(calls[i]);
    }
    ASSERT_STR_EQ(at, "");
}

static int main_plain_error(void) {
    return eddy_main(returner, &(int){-EACCES});
}

TEST(main_prints_a_plain_code_as_a_line) {
    struct ending ending = in_child(main_plain_error);

    assert_exits(ending, 1);
    ASSERT_STR_CONTAINS(ending.text, "EACCES: Permission denied\n");
}

static int main_cancelled(void) {
    return eddy_main(returner, &(int){-ECANCELED});
}

TEST(main_that_was_cancelled_otherwise_than_by_sigint_exits_with_1) {
    struct ending ending = in_child(main_cancelled);

    assert_exits(ending, 1);
    ASSERT_STR_CONTAINS(ending.text, "ECANCELED");
}

/* --- SIGINT ----------------------------------------------------------------------------------- */

static int interrupts_itself(void *unused) {
    (void)unused;
    ASSERT_OK(kill(getpid(), SIGINT));
    int r = eddy_sleep(1000);
    note("%s", eddy_last_error() ? eddy_last_error()->message : "nothing");
    return r;
}

TEST(sigint_cancels_the_main_task_of_a_run) {
    signal(SIGINT, SIG_DFL); /* the runner has its own handler */
    ASSERT_CODE(-ECANCELED, eddy_run(interrupts_itself, NULL));
    ASSERT_STR_CONTAINS(noted(), "SIGINT");
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "SIGINT");
}

static int only_yields(void *unused) {
    int r = 0;

    (void)unused;
    ASSERT_OK(kill(getpid(), SIGINT));
    while (r == 0)
        r = eddy_yield();
    return r;
}

TEST(sigint_cancels_a_main_task_that_only_yields) {
    signal(SIGINT, SIG_DFL); /* the runner has its own handler */
    ASSERT_CODE(-ECANCELED, eddy_run(only_yields, NULL));
    ASSERT_STR_CONTAINS(eddy_last_error()->message, "SIGINT");
}

static int main_interrupted(void) {
    return eddy_main(interrupts_itself, NULL);
}

TEST(main_exits_with_130_after_sigint_and_prints_no_traceback) {
    struct ending ending = in_child(main_interrupted);

    assert_exits(ending, 130);
    ASSERT(!strstr(ending.text, "Traceback"));
}

static int says_goodbye(void *unused) {
    (void)unused;
    ASSERT_OK(kill(getpid(), SIGINT));
    ASSERT_CODE(-ECANCELED, eddy_sleep(1000));
    return 9;
}

static int main_goodbye(void) {
    return eddy_main(says_goodbye, NULL);
}

TEST(main_that_ends_well_after_sigint_exits_with_its_value) {
    assert_exits(in_child(main_goodbye), 9);
}

static int fails_after_sigint(void *unused) {
    (void)unused;
    ASSERT_OK(kill(getpid(), SIGINT));
    ASSERT_CODE(-ECANCELED, eddy_sleep(1000));
    return eddy_raise(-EIO, "could not save");
}

static int main_fails_after_sigint(void) {
    return eddy_main(fails_after_sigint, NULL);
}

TEST(main_that_fails_after_sigint_prints_why_and_exits_with_1) {
    struct ending ending = in_child(main_fails_after_sigint);

    assert_exits(ending, 1);
    ASSERT_STR_CONTAINS(ending.text, "could not save");
}

static int leaves_a_tidy_one(void *unused) {
    static struct actor actor = {.name = "left", .seconds = 1000, .clean_up = 0.001};

    ASSERT_OK(eddy_detach(eddy_create_task(tidy, &actor)));
    return interrupts_itself(unused);
}

TEST(what_is_left_after_sigint_is_cancelled_and_awaited) {
    signal(SIGINT, SIG_DFL); /* the runner has its own handler */
    ASSERT_CODE(-ECANCELED, eddy_run(leaves_a_tidy_one, NULL));
    ASSERT_STR_CONTAINS(noted(), "left!");
}

static void assert_killed_by_sigint(struct ending ending) {
    if (!WIFSIGNALED(ending.status) || WTERMSIG(ending.status) != SIGINT)
        TEST_FAIL("SIGINT did not kill it: status 0x%x, and it said: %s", ending.status,
                  ending.text);
}

static int ignores_the_first(void *unused) {
    (void)unused;
    ASSERT_OK(kill(getpid(), SIGINT));
    ASSERT_CODE(-ECANCELED, eddy_sleep(1000));
    ASSERT_OK(kill(getpid(), SIGINT));
    return 0;
}

static int main_ignores_the_first(void) {
    return eddy_main(ignores_the_first, NULL);
}

TEST(a_second_sigint_kills) {
    assert_killed_by_sigint(in_child(main_ignores_the_first));
}

/* The loop never gets to hear of the first. */
static int never_suspends(void *unused) {
    (void)unused;
    ASSERT_OK(kill(getpid(), SIGINT));
    ASSERT_OK(kill(getpid(), SIGINT));
    return 0;
}

static int main_never_suspends(void) {
    return eddy_main(never_suspends, NULL);
}

TEST(a_second_sigint_kills_also_a_program_that_never_suspends) {
    assert_killed_by_sigint(in_child(main_never_suspends));
}

static int run_then_interrupt(void) {
    eddy_run(interrupts_itself, NULL);
    eddy_run(returner, &(int){0});
    kill(getpid(), SIGINT);
    return 0;
}

TEST(after_a_run_sigint_kills_as_before) {
    assert_killed_by_sigint(in_child(run_then_interrupt));
}

TEST(each_run_takes_sigint_anew) {
    signal(SIGINT, SIG_DFL); /* the runner has its own handler */
    for (int i = 0; i < 5; i++)
        ASSERT_CODE(-ECANCELED, eddy_run(interrupts_itself, NULL));
}

static int interrupted_late(void *unused) {
    (void)unused;
    ASSERT_OK(kill(getpid(), SIGINT));
    return 4;
}

TEST(a_sigint_that_comes_as_the_main_task_ends_is_not_passed_to_the_next_run) {
    signal(SIGINT, SIG_DFL); /* the runner has its own handler */
    ASSERT_INT_EQ(eddy_run(interrupted_late, NULL), 4);
    ASSERT_INT_EQ(eddy_run(returner, &(int){5}), 5);
    struct actor actor = {.seconds = 0.001, .result = 6};
    ASSERT_INT_EQ(eddy_run(sleeper, &actor), 6);
}

static int interrupted_in_vain(void *unused) {
    (void)unused;
    ASSERT_OK(kill(getpid(), SIGINT));
    ASSERT_OK(eddy_sleep(0.001));
    return 4;
}

TEST(an_ignored_sigint_stays_ignored) {
    signal(SIGINT, SIG_IGN);
    ASSERT_INT_EQ(eddy_run(interrupted_in_vain, NULL), 4);
    ASSERT(signal(SIGINT, SIG_DFL) == SIG_IGN);
}

static volatile sig_atomic_t own_signals;

static void own_handler(int signo) {
    (void)signo;
    own_signals++;
}

TEST(a_programs_own_handler_of_sigint_stays) {
    signal(SIGINT, own_handler);
    ASSERT_INT_EQ(eddy_run(interrupted_in_vain, NULL), 4);
    ASSERT_INT_EQ(own_signals, 1);
    ASSERT(signal(SIGINT, SIG_DFL) == own_handler);
}
