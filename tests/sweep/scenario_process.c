/* SPDX-License-Identifier: MIT
 * scenario_process.c - children that talk, that are ended, and that are let go of. What the child
 * does before exec is among the calls that fail. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"
#include "test.h"
#include "util.h"

enum { MUCH = 200 << 10 };

static void process_closep(eddy_process **process) {
    eddy_process_close(*process);
}

static const char *const cat[] = {"cat", NULL};

static int talk_with_cat(void) {
    static char text[MUCH];
    CLEANUP(process_closep) eddy_process *process = NULL;
    eddy_process_options options = {.directory = "/", .errors = EDDY_PROCESS_NULL};
    eddy_slice output;
    int r, code;

    memset(text, 'x', MUCH);
    r = eddy_process_run(cat, &options, (eddy_slice){text, MUCH}, &process);
    if (r < 0)
        return r;
    output = eddy_process_output(process);
    ASSERT_UINT_EQ(output.size, MUCH);
    ASSERT(memcmp(output.data, text, MUCH) == 0);
    ASSERT_OK(eddy_process_returncode(process, &code));
    ASSERT_INT_EQ(code, 0);
    return 0;
}

static int end_by_signal(void) {
    CLEANUP(process_closep) eddy_process *process = NULL;
    int code,
        r = eddy_process_spawn(cat, &(eddy_process_options){.input = EDDY_PROCESS_PIPE}, &process);

    if (r == 0)
        r = eddy_process_terminate(process);
    if (r == 0)
        r = eddy_process_wait(process, &code);
    if (r < 0)
        return r;
    ASSERT_INT_EQ(code, -SIGTERM);
    return 0;
}

static int let_go(void) {
    eddy_process *process = NULL;
    int r = eddy_process_spawn_shell(
        "exec sleep 100",
        &(eddy_process_options){.output_path = "/dev/null", .set_umask = true, .new_session = true},
        &process);

    eddy_process_close(process);
    return r;
}

static int processes(void *unused) {
    int r = talk_with_cat();

    (void)unused;
    if (r == 0)
        r = end_by_signal();
    return r == 0 ? let_go() : r;
}

int scenario_processes(void) {
    return scenario_run(EDDY_CLOCK_MONOTONIC, processes, NULL);
}
