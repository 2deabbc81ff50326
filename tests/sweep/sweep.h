/* SPDX-License-Identifier: MIT
 * sweep.h - a test for each scenario: whichever of its calls fails, it goes on or says why. */
#ifndef TEST_SWEEP_H
#define TEST_SWEEP_H

#include "scenario.h"
#include "test.h"

struct scenario {
    const char *name;
    scenario_fn *run;
    const int *codes; /* that it may return besides that of the failed call; ends with 0 */
};

/* Fails the test if one of the failures has not been survived; each is told on standard output. */
void sweep(const struct scenario *scenario);

/* What a peer sees when the other side of a connection has met the failure. */
#define SCENARIO_LOST -ECONNRESET, -EPIPE, EDDY_EINCOMPLETE

/* The codes are those that the headers name for what the scenario does. */
#define SCENARIO(title, ...)                                                      \
    TEST(whichever_call_fails_##title##_go_on_or_say_why) {                       \
        sweep(&(struct scenario){#title, scenario_##title,                        \
                                 (const int[]){-ENOMEM, -ENOTSUP, __VA_ARGS__}}); \
    }

#endif
