/* SPDX-License-Identifier: MIT
 * processes.h - what the tests of child processes share: a run that leaves no child and no
 * descriptor behind, and commands whose output is text. */
#ifndef TEST_PROCESSES_H
#define TEST_PROCESSES_H

#include <eddy.h>

#include "net.h"

/* As run(); and there must be no child afterwards, running or zombie. */
int run_processes(eddy_fn *fn);
int run_processes_virtual(eddy_fn *fn);

#define PROCESS_TEST(name)         TASK_TEST_BY(run_processes, name)
#define PROCESS_TEST_VIRTUAL(name) TASK_TEST_BY(run_processes_virtual, name)

/* Fails the test if this process has a child. */
void assert_no_children(void);

/* A command of the shell. */
eddy_process *spawn_shell(const char *command, const eddy_process_options *options);

/* The same, to its end: its return code; what it has written as output. The text is static. */
int shell(const char *command, const eddy_process_options *options);
const char *shell_output(const char *command, const eddy_process_options *options);

/* How many children are zombies: ended, and not reaped. */
int count_zombies(void);

static inline void process_closep(eddy_process **process) {
    *process = eddy_process_close(*process);
}

static inline eddy_slice slice_of(const char *text) {
    return (eddy_slice){text, strlen(text)};
}

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define OPTIONS(...)   (&(eddy_process_options){__VA_ARGS__})

#endif
