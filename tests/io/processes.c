/* SPDX-License-Identifier: MIT
 * processes.c - commands, and the children that must not be left. */
#include "processes.h"

#include <errno.h>
#include <sys/wait.h>

void assert_no_children(void) {
    ASSERT_INT_EQ(waitpid(-1, NULL, WNOHANG), -1);
    ASSERT_INT_EQ(errno, ECHILD);
}

int run_processes(eddy_fn *fn) {
    int r = run(fn);

    assert_no_children();
    return r;
}

int run_processes_virtual(eddy_fn *fn) {
    int r = run_virtual(fn);

    assert_no_children();
    return r;
}

int count_zombies(void) {
    siginfo_t info = {0};

    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
        return 0;
    return info.si_pid != 0;
}

eddy_process *spawn_shell(const char *command, const eddy_process_options *options) {
    eddy_process *process = NULL;

    ASSERT_OK(eddy_process_spawn_shell(command, options, &process));
    return process;
}

int shell(const char *command, const eddy_process_options *options) {
    CLEANUP(process_closep) eddy_process *process = spawn_shell(command, options);
    int code = -1000;

    ASSERT_OK(eddy_process_wait(process, &code));
    return code;
}

const char *shell_output(const char *command, const eddy_process_options *options) {
    static char text[1 << 16];
    CLEANUP(process_closep) eddy_process *process = NULL;
    eddy_process_options captured = options ? *options : (eddy_process_options){0};
    eddy_slice output;
    int code;

    captured.output = EDDY_PROCESS_PIPE;
    process = spawn_shell(command, &captured);
    ASSERT_OK(eddy_process_communicate(process, (eddy_slice){0}, &output, NULL));
    ASSERT_OK(eddy_process_returncode(process, &code));
    ASSERT_INT_EQ(code, 0);
    ASSERT(output.size < sizeof(text));
    memcpy(text, output.data, output.size + 1);
    return text;
}
