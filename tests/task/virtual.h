/* SPDX-License-Identifier: MIT
 * virtual.h - tests of tasks in virtual time: the body of a test is the main task of a loop whose
 * clock jumps from deadline to deadline, so an hour of sleep takes no time.
 *
 *     TASK_TEST(a_sleep_takes_the_time_that_was_asked) {
 *         ASSERT_OK(eddy_sleep(3600));
 *         ASSERT_INT_EQ(milliseconds(), 3600 * 1000);
 *     }
 *
 * At its end nothing may be left: no task, and no report that the test did not look at. */
#ifndef TEST_VIRTUAL_H
#define TEST_VIRTUAL_H

#include <eddy.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#define TASK_TEST(sentence)                   \
    static void body_##sentence(void);        \
    TEST(sentence) {                          \
        run_in_virtual_time(body_##sentence); \
    }                                         \
    static void body_##sentence(void)

void run_in_virtual_time(void (*body)(void));

/* The same in two steps, for tests of what happens around a run. close: nothing may be left. */
eddy_loop *virtual_loop(void);
int virtual_run(eddy_loop *loop, eddy_fn *fn, void *arg);
void virtual_close(eddy_loop *loop);

/* The running loop's clock. */
long milliseconds(void);

/* Tasks of the running loop that exist, the one that asks included. */
int live_tasks(void);

/* --- what happened ---------------------------------------------------------------------------- */

/* Appends a word to the trace; noted() is the whole, words separated by blanks, and empties it. */
void note(const char *format, ...) TEST_PRINTF(1, 2);
const char *noted(void);

/* What eddy reported since the last time, a line each: the log, and the virtual loop's handler. */
void gather_reports(void);
const char *reports(void);

/* --- actors ----------------------------------------------------------------------------------- */

struct actor {
    const char *name; /* noted at its end, with "!" if it was cancelled; NULL: nothing is */
    double seconds;
    int result;
    double clean_up; /* of a stubborn one: how long it takes to end after a cancel */
};

/* Sleeps, and returns its result, or -ECANCELED. */
int sleeper(void *actor);
/* Takes a cancel back, cleans up, and returns its result as if nothing had been. */
int stubborn(void *actor);
/* Cleans up after a cancel, behind a shield, and then returns -ECANCELED. */
int tidy(void *actor);
/* Returns at once the int that the argument points to. */
int returner(void *result);
/* Raises -EIO with the sentence that is the argument. */
int raiser(void *sentence);
/* Notes its name, the argument. */
int noter(void *name);

#define SLEEPER(...)  eddy_create_task(sleeper, &((struct actor){__VA_ARGS__}))
#define STUBBORN(...) eddy_create_task(stubborn, &((struct actor){__VA_ARGS__}))
#define TIDY(...)     eddy_create_task(tidy, &((struct actor){__VA_ARGS__}))
#define RETURNER(r)   eddy_create_task(returner, &((int){r}))

/* Cancels the task `seconds` from now, from a callback. Borrows the task. */
void cancel_later(double seconds, eddy_task *task);

/* --- what ends a process ---------------------------------------------------------------------- */

struct ending {
    int status;      /* as of waitpid() */
    char text[8192]; /* what it wrote to standard error */
};

/* Runs the body in a process of its own, which exits with what it returns. */
struct ending in_child(int (*body)(void));

/* It must have ended by SIGABRT. */
struct ending aborts(int (*body)(void));

#endif
